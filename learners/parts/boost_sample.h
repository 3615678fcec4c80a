/* boost_sample.h: which rows a round of boosting learns from: all, a share drawn at random, or those of large slopes and
 * some of the others ("gradient-based one-side sampling"; Ke et al. 2017, "LightGBM: a highly efficient gradient
 * boosting decision tree", algorithm 2). */
#ifndef AML_LEARNERS_PARTS_BOOST_SAMPLE_H
#define AML_LEARNERS_PARTS_BOOST_SAMPLE_H

#include "learners/parts/boost_loss.h"

typedef struct aml_sample_rules {
    bool by_slope;
    double fraction; /* of all rows, at random; 1 = all */
    double top,
        other; /* by slope: shares of all rows; what is drawn of the others stands for all others */
    size_t warm_up; /* by slope: first rounds on all rows, as scores say little yet */
} aml_sample_rules;

typedef struct aml_boost_sample {
    aml_sample_rules rules;
    size_t n_all, n;          /* rows, and those in the bag of this round */
    const uint32_t *position; /* of these, upwards; NULL = all */
    const bool *in_bag;       /* per row, or NULL */
    uint32_t *list;
    bool *bag;
    float *size, *emphasis; /* by slope: of each row */
} aml_boost_sample;

/* Room for n rows in ctx->scratch, where rows are to be drawn. AML_ENOMEM. */
aml_status aml_boost_sample_init(aml_boost_sample *s, const aml_sample_rules *rules, size_t n,
                                 aml_ctx *ctx);

/* Does some round learn from less than all rows? */
bool aml_boost_sample_draws(const aml_boost_sample *s);

/* Draws the rows of round number `round`, and sets the emphasis of `loss` on them. The loss is that of the present
 * scores (aml_boost_loss_update). */
void aml_boost_sample_draw(aml_boost_sample *s, aml_boost_loss *loss, size_t round,
                           const aml_rng *rng, int n_threads);

#endif
