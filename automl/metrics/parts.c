/* parts.c: what the metrics share. */
#include "automl/metrics/parts.h"

#include <string.h>

#include "automl/core/arena.h"
#include "automl/core/sort.h"

aml_status aml_weight_total(double *out, const double *w, size_t n) {
    aml_sum sum = {0};
    for (size_t i = 0; i < n; i++) aml_sum_add(&sum, aml_weight(w, i));
    *out = aml_sum_value(&sum);
    if (*out > 0) return AML_OK;
    return aml_fail(AML_EDATA, "a score needs rows with a weight above 0, and there is none");
}

aml_status aml_metric_result(double *out, double x) {
    if (!isfinite(x)) return aml_fail(AML_EDATA, "the score of these predictions is not finite");
    *out = x;
    return AML_OK;
}

aml_status aml_mean_term(double *out, const double *y, const double *w, const double *pred,
                         size_t n, double (*term)(double y, double p)) {
    double total;
    aml_sum sum = {0};
    AML_TRY(aml_weight_total(&total, w, n));
    for (size_t i = 0; i < n; i++) aml_sum_add(&sum, aml_weight(w, i) * term(y[i], pred[i]));
    return aml_metric_result(out, aml_sum_value(&sum) / total);
}

/* ---- classes ---- */

size_t aml_hard_class(const double *pred, size_t i, int k) {
    if (k <= 2) return pred[i] > 0.5;
    const double *p = pred + i * (size_t)k;
    size_t best = 0;
    for (size_t c = 1; c < (size_t)k; c++)
        if (p[c] > p[best]) best = c;
    return best;
}

/* truth, guess and hit as sums, three a class. */
static void add_rows(aml_sum *sums, aml_class_count *counts, const double *y, const double *w,
                     const double *pred, size_t n, int k) {
    for (size_t i = 0; i < n; i++) {
        size_t truth = (size_t)y[i], guess = aml_hard_class(pred, i, k);
        double weight = aml_weight(w, i);
        aml_sum_add(&sums[3 * truth], weight);
        aml_sum_add(&sums[3 * guess + 1], weight);
        if (truth == guess) aml_sum_add(&sums[3 * truth + 2], weight);
        counts[truth].seen = counts[guess].seen = true;
    }
}

aml_status aml_count_classes(aml_class_count **out, double *total, const double *y, const double *w,
                             const double *pred, size_t n, int k) {
    size_t room = (size_t)(k < 2 ? 2 : k);
    AML_TRY(aml_weight_total(total, w, n));
    aml_sum *sums = aml_calloc(3 * room, sizeof *sums);
    aml_class_count *counts = sums ? aml_calloc(room, sizeof *counts) : NULL;
    if (counts) {
        add_rows(sums, counts, y, w, pred, n, k);
        for (size_t c = 0; c < room; c++) {
            counts[c].truth = aml_sum_value(&sums[3 * c]);
            counts[c].guess = aml_sum_value(&sums[3 * c + 1]);
            counts[c].hit = aml_sum_value(&sums[3 * c + 2]);
        }
    }
    aml_free(sums);
    *out = counts;
    return counts ? AML_OK : AML_ENOMEM;
}

/* ---- rankings ---- */

typedef struct one_class {
    double *y, *p;
    uint32_t *order;
} one_class;

/* The score of class c, and its weight. */
static aml_status score_class(double *score, double *weight, one_class *one, aml_ranking ranking,
                              const double *y, const double *w, const double *pred, size_t n, int k,
                              int c) {
    aml_sum sum = {0};
    for (size_t i = 0; i < n; i++) {
        one->y[i] = y[i] == c;
        one->p[i] = k > 2 ? pred[i * (size_t)k + (size_t)c] : pred[i];
        if (one->y[i] == 1) aml_sum_add(&sum, aml_weight(w, i));
    }
    *weight = aml_sum_value(&sum);
    if (k > 2 && !(*weight > 0)) return AML_OK;
    AML_TRY(aml_argsort(one->order, one->p, n));
    if (isnan(one->p[one->order[n - 1]])) return aml_metric_result(score, NAN);
    return ranking(score, one->y, w, one->p, one->order, n);
}

static aml_status average_classes(double *out, one_class *one, aml_ranking ranking, const double *y,
                                  const double *w, const double *pred, size_t n, int k) {
    double score = 0, weight, total;
    if (k <= 2) {
        AML_TRY(score_class(&score, &weight, one, ranking, y, w, pred, n, 2, 1));
        return aml_metric_result(out, score);
    }
    aml_sum sum = {0};
    AML_TRY(aml_weight_total(&total, w, n));
    for (int c = 0; c < k; c++) {
        AML_TRY(score_class(&score, &weight, one, ranking, y, w, pred, n, k, c));
        if (weight > 0) aml_sum_add(&sum, weight * score);
    }
    return aml_metric_result(out, aml_sum_value(&sum) / total);
}

aml_status aml_one_against_rest(double *out, aml_ranking ranking, const double *y, const double *w,
                                const double *pred, size_t n, int k) {
    one_class one = {aml_malloc(n * sizeof *one.y), aml_malloc(n * sizeof *one.p),
                     aml_malloc(n * sizeof *one.order)};
    aml_status status = AML_ENOMEM;
    if (one.y && one.p && one.order) status = average_classes(out, &one, ranking, y, w, pred, n, k);
    aml_free(one.y);
    aml_free(one.p);
    aml_free(one.order);
    return status;
}
