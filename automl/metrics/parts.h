/* parts.h: what the metrics share: exact enough sums in a fixed order, and counts by class. */
#ifndef AML_METRICS_PARTS_H
#define AML_METRICS_PARTS_H

#include <math.h>

#include "automl/core/metric.h"

/* A sum with its rounding errors carried along (Neumaier 1974, "Rundungsfehleranalyse einiger
 * Verfahren zur Summation endlicher Summen"): error of some ulps whatever the number of terms. */
typedef struct aml_sum {
    double sum, lost;
} aml_sum;

static inline void aml_sum_add(aml_sum *s, double x) {
    double t = s->sum + x;
    s->lost += fabs(s->sum) >= fabs(x) ? (s->sum - t) + x : (x - t) + s->sum;
    s->sum = t;
}

static inline double aml_sum_value(const aml_sum *s) { return s->sum + s->lost; }

static inline double aml_weight(const double *w, size_t i) { return w ? w[i] : 1; }

/* Sum of the weights; AML_EDATA when it is not positive. */
aml_status aml_weight_total(double *out, const double *w, size_t n);

/* out = x, or AML_EDATA when x is not finite: an overflow does not get out. */
aml_status aml_metric_result(double *out, double x);

/* x without the rounding that left [-1, 1]. */
static inline double aml_clip(double x) { return x > 1 ? 1 : x < -1 ? -1 : x; }

/* Weighted mean over rows of term(y, p). */
aml_status aml_mean_term(double *out, const double *y, const double *w, const double *pred,
                         size_t n, double (*term)(double y, double p));

/* The hard class of row i: the largest probability, ties to the lowest; binary: p > 0.5. */
size_t aml_hard_class(const double *pred, size_t i, int k);

/* Weights by class. `seen`: occurs in y or among the hard classes, if only with weight 0. */
typedef struct aml_class_count {
    double truth, guess, hit;
    bool seen;
} aml_class_count;

/* k counts on the heap (aml_free), and the weight of all rows. AML_EDATA when that is 0,
 * AML_ENOMEM. */
aml_status aml_count_classes(aml_class_count **out, double *total, const double *y, const double *w,
                             const double *pred, size_t n, int k);

/* A score of one class against the rest: y is 1 or 0; order sorts p upwards. */
typedef aml_status (*aml_ranking)(double *out, const double *y, const double *w, const double *p,
                                  const uint32_t *order, size_t n);

/* Binary: the score of class 1. Multiclass: of each class against the rest, averaged by the weights
 * of the classes; a class without weight is left out. */
aml_status aml_one_against_rest(double *out, aml_ranking ranking, const double *y, const double *w,
                                const double *pred, size_t n, int k);

#endif
