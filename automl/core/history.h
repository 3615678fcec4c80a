/* history.h: what samplers and schedulers are told: immutable records of trials. */
#ifndef AML_CORE_HISTORY_H
#define AML_CORE_HISTORY_H

#include "automl/core/data.h"
#include "automl/core/param.h"

typedef enum aml_trial_state {
    AML_TRIAL_PENDING, /* suggested, no result yet: config is set, loss is NaN */
    AML_TRIAL_DONE,
    AML_TRIAL_PRUNED, /* stopped after some folds: loss is the mean of those */
    AML_TRIAL_FAILED  /* loss is NaN */
} aml_trial_state;

typedef struct aml_record {
    size_t id; /* 0, 1, … in the order of suggestion */
    aml_trial_state state;
    const double *config;    /* space->n */
    double loss;             /* lower is better */
    double seconds;          /* of all folds together; 0 when time must not matter */
    const double *fold_loss; /* n_done values */
    size_t n_done, n_folds;
    /* Of trials that report as they go: losses after growing steps (the last may be that of the end). */
    size_t n_reports;
    const double *steps, *reports;
    const double *goals; /* told->n_goals losses of a DONE trial, NULL when there is only `loss` */
} aml_record;

/* An earlier search of the same space: its trials that were done. */
typedef struct aml_past_search {
    size_t n;
    const double *configs; /* n × space->n */
    const double *losses;  /* n, finite; their scale is its own */
} aml_past_search;

typedef struct aml_told {
    size_t n;
    const aml_record *records; /* in order of id */
    double time_left;          /* seconds for the search, INFINITY when trials are the limit */
    size_t trials_left;        /* SIZE_MAX when time is the limit */
    size_t concurrency;        /* trials in flight side by side */
    size_t n_goals;            /* 0 or 1: only `loss` counts */
    bool maximized;            /* losses are the negatives of values that are to be large */
    size_t n_past;             /* earlier searches, the newest last */
    const aml_past_search *past;
} aml_told;

/* Losses of pruned trials on all folds, as far as can be told: folds differ in difficulty, so they are the best finished trial's
 * and what they were behind it, in the mean, on the folds that they have. Unchanged when no trial is finished. */
AML_PLUGIN void aml_records_align(aml_record *records, size_t n);

/* What is known about the dataset, for samplers that learn from others. */
typedef struct aml_problem {
    const double *features; /* meta-features, n_features; NULL = none */
    size_t n_features;
    int task; /* aml_task_kind */
    const char *metric;
    double
        baseline_loss; /* loss of the constant predictor; NaN when unknown. loss / baseline_loss is free of units */
    aml_shape shape;       /* rows and columns of the training data */
    const void *knowledge; /* aml_prior of search/ (parts/prior.h), or NULL */
    const double *
        default_cost; /* predicted seconds of each value of dimension 0 with its defaults, or NULL */
} aml_problem;

#endif
