/* choice.h: what a model is made of: candidates among the trials, their weights, and what they are worth together. */
#ifndef AML_ENGINE_CHOICE_H
#define AML_ENGINE_CHOICE_H

#include "automl/engine/study.h"

enum { AML_MOST_CANDIDATES = 20 };

/* What a choice is held to. */
typedef struct aml_wish {
    size_t rounds;     /* of the greedy selection; 1 = one pipeline */
    bool once;         /* one fit on all rows of learners that stop early, where they can */
    bool readable;     /* only learners with AML_READABLE */
    double most_us;    /* microseconds a row on one thread; INFINITY = any */
    double most_bytes; /* of the saved fits; INFINITY = any */
    double share;      /* of the time left that may be used up when it is made */
} aml_wish;

/* Rows that are predicted by the same models and weights, one range after the other: only within them are scores
 * comparable. Folds, or five random shares of a holdout. */
typedef struct aml_parts {
    size_t n;
    uint32_t *of;    /* part of each scored row, 0 … n-1 */
    size_t n_ranges; /* scored together: the folds, or the parts of a holdout */
    uint32_t *range; /* of each scored row */
} aml_parts;

typedef struct aml_choice {
    size_t n; /* candidates, best first; 0: nothing comes up to the wish */
    aml_trial *trial[AML_MOST_CANDIDATES];
    double weight[AML_MOST_CANDIDATES]; /* sum 1 */
    size_t fits[AML_MOST_CANDIDATES];   /* models of each in the end */
    double *pred; /* scored × outputs, each row by models and weights that it had no say in */
    double score, error; /* mean over the ranges, as trials are scored, and its standard error */
    double us, bytes;    /* expected of the final model */
} aml_choice;

/* Memory in ctx->keep. */
aml_status aml_parts_make(aml_parts *out, aml_study *s);

/* Mean score over the ranges; of all rows together where a range alone has no score (error is then NAN, and the score
 * when that is not defined either). one: room for n_ranges scores, or NULL. */
aml_status aml_parts_score(double *score, double *error, double *one, aml_study *s,
                           const aml_parts *p, const double *pred);

/* The best single pipeline within the wish or, with more rounds, an ensemble where it is better on rows that had no say in
 * it. When nothing that was tried is better than a constant the constant is what is chosen. Memory in ctx->keep. */
aml_status aml_choose(aml_choice *out, aml_study *s, const aml_parts *p, const aml_wish *wish);

/* The leaderboard of the model, whose members are there (study_board.c); c may be NULL: a model of one trial alone. */
aml_status aml_study_board(aml_study *s, const aml_choice *c);

/* Sets the model's score: that of the choice, its 95 % interval, and what it gains on the baseline and on the best linear
 * pipeline (n = 0: there is none), all on rows that had no say in it (study_score.c). */
aml_status aml_study_score(aml_study *s, const aml_choice *c, const aml_choice *linear);

/* ---- what predicting costs (cost.c) */

/* Measures trials that are kept, on some rows and one thread, in little time: `features_us` and `row_us`. */
aml_status aml_costs_measure(aml_study *s);

/* Models that a trial has in the end, when all are used: one where it is fitted again on all rows. */
size_t aml_trial_final_fits(const aml_study *s, const aml_trial *t);
double aml_trial_us(const aml_trial *t, size_t fits);
double aml_trial_bytes(const aml_trial *t, size_t fits);

/* Microseconds a row, by predicting some rows of the training table on one thread; NAN when there are none. */
aml_status aml_model_measure(double *us, aml_study *s);

#endif
