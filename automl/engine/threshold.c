/* threshold.c: a threshold between two classes by a metric. */
#include "automl/engine/threshold.h"

#include <math.h>
#include <string.h>

#include "automl/core/sort.h"

enum { GRID = 100, WINDOW = 2, MOST_ROWS = 20000, FEWEST = 5 };

bool aml_threshold_serves(const aml_metric *metric, aml_task_kind task) {
    return task == AML_BINARY && metric->hard && !metric->lopsided;
}

void aml_harden(double *p, size_t n, double threshold) {
    for (size_t i = 0; i < n; i++) p[i] = p[i] > threshold;
}

typedef struct grid {
    size_t n;
    double at[GRID], loss[GRID];
} grid;

/* Thresholds that call ever fewer rows of the rarer class, down to a few, in equal ratios; upwards. */
static aml_status lay_grid(grid *g, const aml_labelled *r, aml_arena *scratch) {
    double *sorted = AML_ARRAY(scratch, r->n, double), truth = 0, n = (double)r->n;
    if (!sorted) return AML_ENOMEM;
    memcpy(sorted, r->p, r->n * sizeof *sorted);
    AML_TRY(aml_sort_f64(sorted, r->n));
    for (size_t i = 0; i < r->n; i++) truth += r->y[i];
    bool top = truth <= n / 2;
    g->n = 0;
    for (size_t i = 1; i < GRID && n > FEWEST; i++) {
        double share = pow(FEWEST / n, (double)(top ? i : GRID - i) / GRID);
        size_t called = (size_t)(share * n), at = top ? r->n - called : called;
        if (!at || at >= r->n || !(sorted[at] > sorted[at - 1])) continue;
        double middle = (sorted[at - 1] + sorted[at]) / 2;
        if (!g->n || middle > g->at[g->n - 1]) g->at[g->n++] = middle;
    }
    return AML_OK;
}

static aml_status try_grid(grid *g, const aml_metric *metric, const aml_labelled *r,
                           aml_arena *scratch) {
    double *q = AML_ARRAY(scratch, r->n, double), score;
    if (!q) return AML_ENOMEM;
    for (size_t t = 0; t < g->n; t++) {
        memcpy(q, r->p, r->n * sizeof *q);
        aml_harden(q, r->n, g->at[t]);
        aml_status status = metric->score(&score, r->y, r->w, q, r->n, 2);
        if (status == AML_ENOMEM) return status;
        g->loss[t] = status ? INFINITY : aml_metric_loss(metric, score);
    }
    return AML_OK;
}

static double middle_of_best(const grid *g) {
    double best = INFINITY, at = 0.5;
    size_t window = g->n > 4 * WINDOW ? WINDOW : 0;
    for (size_t t = window; t + window < g->n; t++) {
        double sum = 0;
        for (size_t d = t - window; d <= t + window; d++) sum += g->loss[d];
        if (sum < best) best = sum, at = g->at[t];
    }
    return at;
}

static aml_status thin(aml_labelled *out, const aml_labelled *r, aml_arena *scratch) {
    *out = *r;
    if (r->n <= MOST_ROWS) return AML_OK;
    double *y = AML_ARRAY(scratch, MOST_ROWS, double), *p = AML_ARRAY(scratch, MOST_ROWS, double),
           *w = AML_ARRAY(scratch, MOST_ROWS, double);
    if (!y || !p || !w) return AML_ENOMEM;
    for (size_t i = 0; i < MOST_ROWS; i++) {
        size_t at = i * r->n / MOST_ROWS;
        y[i] = r->y[at], p[i] = r->p[at], w[i] = r->w ? r->w[at] : 1;
    }
    *out = (aml_labelled){.n = MOST_ROWS, .y = y, .w = w, .p = p};
    return AML_OK;
}

aml_status aml_threshold_best(double *out, const aml_metric *metric, const aml_labelled *rows,
                              aml_arena *scratch) {
    aml_mark mark = aml_arena_mark(scratch);
    aml_labelled some;
    grid *g = AML_NEW(scratch, grid);
    if (!g) return AML_ENOMEM;
    AML_TRY(thin(&some, rows, scratch));
    AML_TRY(lay_grid(g, &some, scratch));
    AML_TRY(try_grid(g, metric, &some, scratch));
    *out = middle_of_best(g);
    aml_arena_release(scratch, mark);
    return AML_OK;
}

aml_status aml_threshold_score(double *score, const aml_metric *metric, const aml_labelled *rows,
                               aml_arena *scratch) {
    double threshold;
    AML_TRY(aml_threshold_best(&threshold, metric, rows, scratch));
    aml_mark mark = aml_arena_mark(scratch);
    double *q = AML_ARRAY(scratch, rows->n, double);
    if (!q) return AML_ENOMEM;
    memcpy(q, rows->p, rows->n * sizeof *q);
    aml_harden(q, rows->n, threshold);
    aml_status status = metric->score(score, rows->y, rows->w, q, rows->n, 2);
    aml_arena_release(scratch, mark);
    return status;
}
