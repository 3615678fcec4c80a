/* trial.h: one plan fitted and scored on folds. */
#ifndef AML_ENGINE_TRIAL_H
#define AML_ENGINE_TRIAL_H

#include "automl/core/history.h"
#include "automl/core/split.h"
#include "automl/engine/constraints.h"
#include "automl/engine/designs.h"

/* What every trial of a study works on; immutable while trials run. */
typedef struct aml_bench {
    const aml_table *table; /* features of all rows, before featurization */
    const aml_task *task;
    const aml_metric *metric;
    const aml_folds *folds;
    const uint32_t *all_rows; /* 0 … n-1 */
    int n_outputs;
    /* The rows that are scored: the folds' valid lists one after the other. */
    size_t n_scored;
    const uint32_t *scored; /* row numbers */
    const double *y, *w;    /* of those rows; w may be NULL */
    const size_t *begin;    /* k + 1: fold f is scored in begin[f] … begin[f+1]-1 */
    const aml_constraints *constraints;
    aml_designs *designs;
    double threshold;       /* between two classes: 0.5, or what the user says */
    bool chooses_threshold; /* scores are those with the best for the fold */
    bool refits;            /* models for the end may be fitted anew on all rows */
    size_t n_inputs;        /* columns that features can come from */
    uint64_t seed;
    aml_memory *account;
} aml_bench;

/* A learner fitted on one fold (or on all rows). */
typedef struct aml_fit {
    void *model;
    aml_arena *arena;
    aml_chain *chain;
} aml_fit;

/* Why a trial keeps its models and predictions. */
typedef enum aml_kept {
    AML_KEPT_GOOD,    /* it is among the best */
    AML_KEPT_LEARNER, /* it is the best of its learner */
    AML_KEPT_FAST     /* all better ones are slower, by the clock */
} aml_kept;

typedef struct aml_trial {
    size_t id;
    aml_plan plan;
    aml_trial_state state;
    aml_status status; /* why it failed */
    char reason[256];
    char *text; /* the plan */
    double *config;
    double patience; /* seconds that its fits may take together; 0 = as long as there is time */
    double
        timeout; /* seconds after which the trial fails, unless its learner can end early; 0 = none */
    bool timed_out; /* that is why it failed */
    size_t n_folds, n_done;
    double *fold_loss, *fold_score; /* n_folds */
    double loss, score, error;      /* means over folds done, standard error of the score */
    float *out_of_fold;             /* n_scored × outputs; NULL unless all folds are done */
    aml_fit *
        fits; /* n_folds; NULL when dropped: large ones that are refitted anyway, or by aml_trial_slim */
    double *importance; /* n_inputs gain shares, sum over folds; NULL when the learner has none */
    double fit_seconds, predict_seconds;
    size_t n_predicted, bytes;
    double features_us, row_us; /* to predict a row by one fit, measured after the search */
    aml_kept kept;
    size_t held;    /* bytes of `fits` when the trial ended */
    size_t repeats; /* folds that it had when it was run before; 0 = it was not */
    bool truncated; /* the clock ended one of its fits early */
    bool restored;  /* from the record of an earlier process */
} aml_trial;

/* The score of predictions for rows of the bench (y, w and pred by position) as trials are compared by it. */
aml_status aml_bench_score(double *score, const aml_bench *b, const double *y, const double *w,
                           const double *pred, size_t n, aml_arena *scratch);

typedef bool (*aml_keep_going)(const aml_trial *t, void *arg);

/* Fits and scores the plan fold by fold. A failure is the trial's result, not the caller's: state and reason say so.
 * `going` (may be NULL) is asked after each fold. */
void aml_trial_run(aml_trial *t, const aml_bench *b, aml_keep_going going, void *arg, aml_ctx *ctx);

/* Adds a fit's gain shares, by input column. */
aml_status aml_fit_importance(double *sum, size_t n_inputs, const aml_plan *plan,
                              const aml_fit *fit, const aml_design *design, aml_ctx *ctx);

/* One fit of a plan on rows of the bench (with rows to stop early on, and room for predictions of them: see data.h); its
 * model and chain are the caller's. `seconds`: for the learner alone, without the features; INFINITY = until the deadline. */
aml_status aml_fit_plan(aml_fit *out, aml_lease *lease, const aml_plan *plan, const aml_bench *b,
                        size_t fold, const uint32_t *rows, size_t n, const uint32_t *valid,
                        size_t n_valid, double *held_out, double seconds, aml_ctx *ctx);

void aml_fit_free(aml_fit *f);
void aml_trial_slim(aml_trial *t);   /* drops models and predictions, keeps scores */
void aml_trial_forget(aml_trial *t); /* drops all that it came to */
void aml_trial_free(aml_trial *t);

#endif
