/* learner.h: the contract of a learner. One constant struct in one file, one line in learners/learners.def. */
#ifndef AML_CORE_LEARNER_H
#define AML_CORE_LEARNER_H

#include "automl/core/bytes.h"
#include "automl/core/data.h"
#include "automl/core/lower.h"
#include "automl/core/param.h"

/* What a learner can do or wants; nobody asks for its name. */
enum {
    AML_CAN_WEIGHTS = 1 << 0, /* honours row weights (else they are ignored; the catalog says so) */
    AML_CAN_MISSING = 1 << 1, /* takes NaN as it is */
    AML_CAN_CATEGORIES = 1 << 2,  /* takes category features as they are */
    AML_CAN_SPARSE = 1 << 3,      /* uses design->csr */
    AML_WANTS_BINS = 1 << 4,      /* fits on design->bins */
    AML_WANTS_DENSE = 1 << 5,     /* fits and predicts on design->dense; features come scaled and
                                  * imputed */
    AML_ANYTIME = 1 << 6,         /* stopped early it still returns a usable model, and says
                                  * ctx->truncated */
    AML_EARLY_STOPS = 1 << 7,     /* uses data->valid, and fills data->held_out */
    AML_REFIT = 1 << 8,           /* one fit on all rows is as good as the mean over folds (linear,
                                  * k-NN, forests) */
    AML_YARDSTICK = 1 << 9,       /* the constant predictor: fitted first, never searched */
    AML_ON_REQUEST = 1 << 10,     /* searched only where it is asked for by name */
    AML_WANTS_BIN_ROWS = 1 << 11, /* of design->bins, which lie by row, too */
    AML_CAN_MONOTONE = 1 << 12,   /* keeps data->monotone, with one output */
    AML_CAN_GROUPS = 1 << 13,     /* keeps data->groups */
    AML_READABLE = 1 << 14 /* a sum of terms, one a feature: its contributions are coefficient
                                   * times value, plus a constant */
};

typedef struct aml_learner {
    int abi; /* AML_ABI */
    const char *name, *summary;
    unsigned tasks; /* AML_BINARY | … */
    unsigned can;   /* flags above */
    const aml_param *params;

    /* Learns from train->rows. The model lies in ctx->keep. AML_ESTOPPED when stopped without a usable model,
     * AML_ENOMEM; must not fail on any data that keep the contract of aml_data (one row, constant columns, p = 0). */
    aml_status (*fit)(void **model, const aml_data *train, const double *hp, aml_ctx *ctx);

    /* out: x->n × outputs, row-major; probabilities (rows sum to 1 for multiclass) or values. Always finite. */
    aml_status (*predict)(double *out, const void *model, const aml_data *x, aml_ctx *ctx);

    /* The saved model predicts the same bits after loading; load checks all it reads (w / r hold the status). */
    void (*save)(const void *model, aml_writer *w);
    aml_status (*load)(void **model, aml_reader *r, aml_ctx *ctx);

    /* Optional, may be NULL. */
    void (*bound)(double *lo, double *hi, size_t param,
                  const aml_shape *shape); /* narrows a range */
    /* Predicted seconds, on one thread, of a fit on shape->n rows and of predicting a quarter as many. */
    double (*cost)(const double *hp, const aml_shape *shape);
    /* importance[0 … p-1] ≥ 0, sum 1 (or all 0): gain share of each dense feature. */
    aml_status (*importance)(double *out, const void *model, size_t p);
    /* What each feature adds to a prediction before its link (log-odds, logarithms of a mean, else the prediction):
     * out is x->n × (p + 1) × outputs, row-major, the last of p + 1 what is predicted without any, with what sparse features add; they sum to it. */
    aml_status (*contributions)(double *out, const void *model, const aml_data *x, aml_ctx *ctx);
    /* Turns the sums of one row's contributions into its prediction, in place; NULL = they are the prediction. */
    void (*link)(double *z, const void *model);
    /* Goes on from a model of the same data, hyperparameters and stream of random numbers with fewer iterations: the
     * same bits as if it had been fitted with more at once. `from` stays as it is. */
    aml_status (*more)(void **model, const void *from, const aml_data *train, const double *hp,
                       aml_ctx *ctx);
    /* Writes into hp what the model's fit found out on data->valid (how many rounds), so that a fit on all rows, without
     * such, ends there. */
    void (*settle)(double *hp, const void *model);
    /* Says by operations of the form (lower.h) what predict does to a row of the design `x`: the same bits. *out: a
     * vector of as many outputs. The model must outlive the form. NULL = the learner cannot be exported. */
    aml_status (*lower)(uint32_t *out, const void *model, uint32_t x, aml_ir *ir);
} aml_learner;

/* What a learner fits on, for aml_design_prepare. */
static inline unsigned aml_learner_wants(const aml_learner *l) {
    unsigned what = 0;
    if (l->can & AML_WANTS_DENSE) what |= AML_BUILD_DENSE;
    if (l->can & AML_WANTS_BINS) what |= AML_BUILD_BINS;
    if (l->can & AML_WANTS_BIN_ROWS) what |= AML_BUILD_BIN_ROWS;
    return what;
}

#endif
