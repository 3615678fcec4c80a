/* metric.c: one direction for all metrics. */
#include "automl/core/metric.h"

#include <math.h>

double aml_metric_loss(const aml_metric *m, double score) {
    if (!m->higher_is_better) return score;
    return isfinite(m->best) ? m->best - score : -score;
}
