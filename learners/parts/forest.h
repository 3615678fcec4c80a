/* forest.h: random forests and extremely randomised trees (Breiman 2001; Geurts, Ernst and Wehenkel 2006): deep trees
 * on random features of random rows, averaged. */
#ifndef AML_LEARNERS_PARTS_FOREST_H
#define AML_LEARNERS_PARTS_FOREST_H

#include "learners/parts/tree.h"

typedef struct aml_forest_rules {
    uint32_t n_trees, max_leaves;
    double max_features; /* share of the features tried at a node; at least one */
    double min_rows;     /* of a leaf */
    bool bootstrap;      /* as many rows as there are, with replacement; else all */
    bool random_cuts;    /* one random cut a feature instead of the best one */
    bool entropy;        /* classification: entropy instead of Gini impurity */
} aml_forest_rules;

typedef struct aml_forest {
    aml_task_kind task;
    size_t n_outputs;
    double center, scale; /* regression: prediction = center + scale * mean of the leaves */
    aml_trees trees;
} aml_forest;

aml_status aml_forest_fit(aml_forest *f, const aml_data *train, const aml_forest_rules *rules,
                          aml_ctx *ctx);
aml_status aml_forest_predict(double *out, const aml_forest *f, const aml_data *x, aml_ctx *ctx);

/* out: x->n × (p + 1) × n_outputs as the contract of a learner says; a row's sum is its prediction. */
aml_status aml_forest_contributions(double *out, const aml_forest *f, const aml_data *x,
                                    aml_ctx *ctx);

/* out: train->n × n_outputs: what the trees predict whose bag the row is not in, n_trees how many these are; NaN where
 * there is none. Bags are drawn again: data, rules and ctx->rng must be those of the fit. A row that is listed twice
 * may be in the bag by its other place. AML_EINVAL without bootstrap. */
aml_status aml_forest_out_of_bag(double *out, uint32_t *n_trees, const aml_forest *f,
                                 const aml_data *train, const aml_forest_rules *rules,
                                 aml_ctx *ctx);

/* out: x->n × m quantiles (0 … 1) of the target of a regression (Meinshausen 2006): a training row weighs as much as
 * the share of trees, by the sizes of their leaves, in whose leaf it meets the row. AML_EINVAL for another task. */
aml_status aml_forest_quantiles(double *out, const aml_forest *f, const aml_data *train,
                                const double *quantile, size_t m, const aml_data *x, aml_ctx *ctx);

/* As a learner's lower. */
aml_status aml_forest_lower(uint32_t *out, const void *model, uint32_t x, aml_ir *ir);

void aml_forest_save(const aml_forest *f, aml_writer *w);
aml_status aml_forest_load(aml_forest *f, aml_reader *r, aml_ctx *ctx);

/* Predicted seconds of a fit on one thread. */
double aml_forest_cost(const aml_forest_rules *rules, const aml_shape *shape);

#endif
