/* explain.h: what input columns contribute to the predictions of a model. */
#ifndef AML_ENGINE_EXPLAIN_H
#define AML_ENGINE_EXPLAIN_H

#include "automl/engine/predict.h"

/* Contributions are rows × (p + 1) × outputs, row-major: of p input columns, then what is predicted without any; they
 * sum to the prediction. */
struct aml_explanation {
    const aml_model *m;
    size_t n, p, k;
    const uint32_t *row; /* n row numbers of the data */
    double *value;
    double *mean;      /* p: mean |contribution| over rows and outputs */
    uint32_t *order;   /* p: columns by mean, downwards */
    const char **text; /* a member each: how its contributions were found */
    aml_arena *arena;
};

/* A part of the work of one explanation. */
typedef struct aml_explaining {
    const aml_explanation *e;
    const aml_frame *view; /* the data as the model's inputs */
    const bool
        *exact; /* by fit: its learner tells contributions, and its features know their columns */
    size_t draws;
    uint64_t seed;
} aml_explaining;

/* The table whose row i has, in column j, the cell of the data's row from[j][i]. Memory in ctx->keep. */
aml_status aml_explain_table(aml_table *out, const aml_frame *view, const uint32_t *const *from,
                             size_t n, aml_ctx *ctx);

/* Adds the contributions to fits that are exact: those of their learners, by the columns that features come from. */
aml_status aml_explain_exactly(const aml_explaining *job, int threads);
/* The input column that a feature comes from, or p when it is made of several. */
size_t aml_explain_source(const aml_model *m, const aml_design *d, size_t feature);

/* Adds the contributions to all other fits together: Shapley values by sampled orders of the columns (Strumbelj and
 * Kononenko 2014, algorithm 1), each also backwards. In each of `draws` orders a background row becomes the row
 * column by column; the change that a column makes is its own. The sum is exact whatever the sample. */
aml_status aml_explain_by_samples(const aml_explaining *job, int threads, aml_ctx *ctx);

/* Does the learner's link change anything? Of one model it may, of another not. */
bool aml_is_linked(const aml_learner *learner, const void *model, size_t k, double *room);

/* How a link carries contributions from margins z0 … z1 to predictions: a (k × k, row-major) is its Jacobian, averaged
 * along the straight line (Aumann and Shapley 1974; "integrated gradients"), so that a (z1 - z0) = p1 - p0; base (k)
 * becomes p0. room: 4k. */
void aml_carry(double *a, double *base, const double *z0, const double *z1, size_t k,
               void (*link)(double *z, const void *model), const void *model, double *room);

#endif
