/* race.c: a trial that is clearly beaten on its first folds stops.
 *
 * Its losses are compared fold by fold with those of the best trial. How much such differences
 * scatter is taken from the finished trials of the better half and from its own folds; the final
 * mean difference, with the folds to come as uncertain as their mean so far, is then t-distributed
 * (paired test; posterior predictive under a flat prior). */
#include <math.h>

#include "automl/core/scheduler.h"
#include "automl/core/special.h"

enum { MIN_FOLDS, CONFIDENCE, N_PARAMS };
static const aml_param params[] = {
    [MIN_FOLDS] = {.name = "min_folds",
                   .summary = "folds before a trial may be stopped",
                   .kind = AML_INT,
                   .lo = 1,
                   .hi = 20,
                   .fallback = 1,
                   .fixed = true},
    [CONFIDENCE] = {.name = "confidence",
                    .summary = "how sure it must be that the trial is worse than the best",
                    .kind = AML_REAL,
                    .lo = 0.5,
                    .hi = 0.9999,
                    .fallback = 0.99,
                    .fixed = true},
    [N_PARAMS] = {0}};

static bool comparable(const aml_record *r, size_t n_folds) {
    return r->state == AML_TRIAL_DONE && r->n_done == n_folds && r->n_folds == n_folds &&
           r->fold_loss && isfinite(r->loss);
}

static const aml_record *best_record(const aml_told *told, size_t n_folds) {
    const aml_record *best = NULL;
    for (size_t i = 0; i < told->n; i++)
        if (comparable(&told->records[i], n_folds) && (!best || told->records[i].loss < best->loss))
            best = &told->records[i];
    return best;
}

/* Variance over folds of the difference of two lists of losses. */
static double scatter(double *mean, const double *a, const double *b, size_t n) {
    double sum = 0, squares = 0;
    for (size_t f = 0; f < n; f++) sum += a[f] - b[f];
    *mean = sum / (double)n;
    for (size_t f = 0; f < n; f++) squares += (a[f] - b[f] - *mean) * (a[f] - b[f] - *mean);
    return n > 1 ? squares / (double)(n - 1) : 0;
}

/* Mean variance of the differences from the best among the finished trials no worse than their
 * mean loss; its number. */
static double usual_scatter(size_t *n, const aml_told *told, const aml_record *best,
                            size_t n_folds) {
    double mean = 0, count = 0, sum = 0, ignored;
    for (size_t i = 0; i < told->n; i++)
        if (comparable(&told->records[i], n_folds)) mean += told->records[i].loss, count++;
    *n = 0;
    for (size_t i = 0; i < told->n; i++) {
        const aml_record *r = &told->records[i];
        if (!comparable(r, n_folds) || r == best || r->loss > mean / count) continue;
        sum += scatter(&ignored, r->fold_loss, best->fold_loss, n_folds);
        ++*n;
    }
    return *n ? sum / (double)*n : 0;
}

static bool keep_going(const double *fold_loss, size_t n_done, size_t n_folds, const aml_told *told,
                       const double *hp) {
    double min_folds = hp ? hp[MIN_FOLDS] : params[MIN_FOLDS].fallback;
    double confidence = hp ? hp[CONFIDENCE] : params[CONFIDENCE].fallback, mean;
    const aml_record *best = best_record(told, n_folds);
    if (!best || !n_done || n_done >= n_folds || (double)n_done < min_folds) return true;
    double own = scatter(&mean, fold_loss, best->fold_loss, n_done);
    if (isnan(mean)) return true;
    if (isinf(mean)) return mean < 0;
    if (mean <= 0) return true;
    size_t n;
    double usual = usual_scatter(&n, told, best, n_folds), done = (double)n_done;
    double freedom = (double)n * (double)(n_folds - 1) + (done - 1);
    if (!n || freedom < 3) return true;
    double left = (double)n_folds - done, share = left / (double)n_folds;
    double variance = fmax(usual, own) * share * share * (1 / done + 1 / left);
    return !(variance > 0) || mean < sqrt(variance) * aml_student_quantile(confidence, freedom);
}

const aml_scheduler aml_scheduler_race = {
    .abi = AML_ABI,
    .name = "race",
    .summary = "stops a trial that is clearly beaten by the best on its first folds",
    .params = params,
    .keep_going = keep_going,
};
