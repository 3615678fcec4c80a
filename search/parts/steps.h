/* steps.h: what schedulers look at in the reports of trials. An interval is a report: interval n is a trial's n-th one. */
#ifndef AML_SEARCH_STEPS_H
#define AML_SEARCH_STEPS_H

#include "automl/core/history.h"

/* The parameters that Azure's policies share. */
#define AML_STEP_PARAMS                                                                           \
    {.name = "evaluation_interval",                                                               \
     .summary = "the rule is asked at every so manieth report",                                   \
     .kind = AML_INT,                                                                             \
     .lo = 1,                                                                                     \
     .hi = 1000000,                                                                               \
     .fallback = 1,                                                                               \
     .fixed = true},                                                                              \
    {                                                                                             \
        .name = "delay_evaluation", .summary = "and not before so many reports", .kind = AML_INT, \
        .lo = 0, .hi = 1000000, .fallback = 0, .fixed = true                                      \
    }
enum { AML_STEP_INTERVAL, AML_STEP_DELAY, AML_STEP_OWN };

/* Is the rule to be asked now, after own->n_reports reports? */
bool aml_step_is_due(const aml_record *own, const double *hp);

/* Lowest, and mean, of the first n reports (n ≥ 1; all when there are fewer). NAN without reports. */
double aml_reports_best(const aml_record *r, size_t n);
double aml_reports_mean(const aml_record *r, size_t n);
/* The loss at the first report after `step` steps or more; NAN when it did not come so far. */
double aml_reports_at(const aml_record *r, double step);

/* Successive halving by rungs at first, first * factor, first * factor² … steps: when the last report is the first one at or
 * beyond a rung, is `own` among the best 1 / factor of the trials that came there (the best of fewer)? `same` says which
 * trials count; NULL: all. */
bool aml_rung_passes(const aml_record *own, const aml_told *told, double first, double factor,
                     bool (*same)(const aml_record *r, const void *arg), const void *arg);

#endif
