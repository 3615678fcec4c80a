/* boost.h: gradient boosting (Friedman 2001; second order: Chen and Guestrin 2016): round by round a tree an output on
 * the slopes and curvatures of the loss at the present scores. */
#ifndef AML_LEARNERS_PARTS_BOOST_H
#define AML_LEARNERS_PARTS_BOOST_H

#include "automl/core/checkpoint.h"
#include "learners/parts/boost_sample.h"
#include "learners/parts/grow.h"

typedef struct aml_boost_rules {
    aml_grow_rules grow;
    aml_sample_rules sample;
    aml_objective objective;
    double feature_fraction; /* share of the features a tree may use */
    size_t max_rounds;
    size_t patience; /* rounds without a better loss of the watched rows, if there are any */
    void (*save)(const void *model, aml_writer *w); /* of the model so far, for ctx->checkpoint */
} aml_boost_rules;

/* The model: base and trees give scores, these give predictions (aml_boost_link). */
typedef struct aml_boosted {
    aml_task_kind task;
    size_t n_outputs;
    bool is_log; /* scores are logarithms of what is predicted */
    double center, scale;
    double *base;
    aml_trees trees; /* n_outputs trees a round */
} aml_boosted;

/* From nothing, or on from a model of the same data, rules and random numbers (`from`, else NULL). With rows to watch
 * the model ends at the best round, and train->held_out is filled. In ctx->keep. AML_ENOMEM, AML_EDATA (targets the
 * objective does not take), AML_EINVAL (`from` is of other data), AML_ESTOPPED before the first round was over. */
aml_status aml_boost_fit(aml_boosted *m, const aml_boosted *from, const aml_data *train,
                         const aml_boost_rules *rules, aml_ctx *ctx);

#endif
