/* scale.c: numbers on a common scale. Columns that are constant where they are known go; missing
 * stays missing.
 *
 *   standard         (x - mean) / sd
 *   robust           (x - median) / (IQR / 1.349), the sd where more than half is one value
 *   minmax           to [0, 1] on the training rows
 *   quantile_normal  through up to 1000 quantiles to normal scores, linear in between
 *   yeo_johnson      power transformation, then standard
 *
 * All are clipped to ±clip, so that one far value cannot wreck a model with weights. */
#include <math.h>

#include "automl/core/special.h"
#include "featurize/parts/each.h"
#include "featurize/parts/power.h"
#include "featurize/parts/quantile.h"
#include "featurize/parts/schema.h"
#include "featurize/parts/table.h"

enum { STANDARD, ROBUST, MINMAX, QUANTILE_NORMAL, YEO_JOHNSON };
enum { GRID = 1000, POWER_ROWS = 5000 };

static const char *const method_choices[] = {"standard", "robust",      "minmax",
                                             "quantile_normal", "yeo_johnson", NULL};
static const aml_param params[] = {
    {.name = "method", .summary = "How numbers are scaled", .kind = AML_CHOICE,
     .fallback = STANDARD, .choices = method_choices},
    {.name = "clip", .summary = "Scaled values are cut off beyond plus and minus this",
     .kind = AML_REAL, .log = true, .lo = 1, .hi = 1e6, .fallback = 10, .fixed = true},
    {0}};

typedef struct scale_column {
    double centre, factor, lambda; /* factor 0: the column goes */
    size_t n_grid;
    float *grid, *score;           /* quantile_normal: values strictly upwards, normal scores */
} scale_column;

typedef struct scale_state {
    aml_schema schema;
    uint8_t method;
    double clip;
    scale_column *column; /* per column */
} scale_state;

typedef struct fit_job {
    const aml_table *x;
    const aml_data *target;
    scale_state *s;
    float **sorted;  /* a buffer for each thread */
    double **work;
    const double *normal; /* quantile_normal: standard normal quantiles, see score_grid */
} fit_job;

static double shaped(const scale_column *c, uint8_t method, double x) {
    return method == YEO_JOHNSON ? aml_power(x, c->lambda) : x;
}

/* Mean and reciprocal sd of the known values, shifted by one of them against cancellation. */
static void moments(scale_column *c, uint8_t method, const float *x, const aml_data *target,
                    double shift) {
    double n = 0, sum = 0, squares = 0;
    shift = shaped(c, method, shift);
    for (size_t i = 0; i < target->n; i++) {
        double v = x[target->rows[i]];
        if (isnan(v)) continue;
        v = shaped(c, method, v) - shift;
        n++;
        sum += v;
        squares += v * v;
    }
    double variance = n ? (squares - sum / n * sum) / n : 0;
    c->centre = n ? shift + sum / n : 0;
    c->factor = variance > 1e-14 * (squares / n) && variance > 0 ? 1 / sqrt(variance) : 0;
}

/* The map from values to normal scores: grid point i of m is the quantile (i + 1/2) / m; equal
 * points share the score of their middle. normal[k] is the normal quantile (k + 1) / (2m). */
static void score_grid(scale_column *c, const float *sorted, size_t n, const double *normal,
                       size_t m) {
    size_t distinct = 0;
    for (size_t i = 0; i < m;) {
        float v = aml_to_float(aml_sorted_quantile(sorted, n, ((double)i + 0.5) / (double)m));
        size_t j = i + 1;
        while (j < m && aml_to_float(aml_sorted_quantile(
                            sorted, n, ((double)j + 0.5) / (double)m)) <= v)
            j++;
        c->grid[distinct] = v;
        c->score[distinct++] = (float)normal[i + j - 1];
        i = j;
    }
    c->n_grid = distinct;
    c->factor = distinct > 1;
}

static void minmax(scale_column *c, const float *x, const aml_data *target) {
    double lo = INFINITY, hi = -INFINITY;
    for (size_t i = 0; i < target->n; i++) {
        double v = x[target->rows[i]];
        if (v < lo) lo = v;
        if (v > hi) hi = v;
    }
    c->centre = hi > lo ? lo : 0;
    c->factor = hi > lo ? 1 / (hi - lo) : 0;
}

static void power(scale_column *c, const fit_job *u, const float *sorted, size_t n, int thread) {
    float *few = u->sorted[thread];
    size_t m = n < POWER_ROWS ? n : POWER_ROWS;
    for (size_t i = 0; i < m; i++) few[i] = sorted[i * n / m];
    c->lambda = aml_power_fit(few, m, u->work[thread]);
}

static void robust(scale_column *c, const float *sorted, size_t n) {
    double spread = aml_sorted_quantile(sorted, n, 0.75) - aml_sorted_quantile(sorted, n, 0.25);
    c->centre = aml_sorted_quantile(sorted, n, 0.5);
    if (spread > 0) c->factor = 1.349 / spread;
}

/* A column's own constant value, or any known one: what moments are shifted by. */
static bool first_known(float *out, const float *x, const aml_data *target) {
    for (size_t i = 0; i < target->n; i++) {
        *out = x[target->rows[i]];
        if (!isnan(*out)) return true;
    }
    return false;
}

static aml_status learn(void *arg, size_t j, int thread) {
    const fit_job *u = arg;
    const aml_feature *f = &u->x->features[j];
    scale_column *c = &u->s->column[j];
    uint8_t method = u->s->method;
    float any = 0;
    size_t n = 0;
    if (f->kind != AML_NUMBER || !first_known(&any, f->x, u->target)) return AML_OK;
    c->lambda = 1;
    if (method == MINMAX) {
        minmax(c, f->x, u->target);
        return AML_OK;
    }
    float *sorted = u->sorted[thread];
    if (method != STANDARD) {
        AML_TRY(aml_sorted_sample(sorted, &n, f->x, u->target->rows, u->target->n,
                                  AML_QUANTILE_ROWS));
        if (!n) return AML_OK;
    }
    if (method == QUANTILE_NORMAL) {
        score_grid(c, sorted, n, u->normal, n < GRID ? n : GRID);
        return AML_OK;
    }
    if (method == YEO_JOHNSON) power(c, u, sorted, n, thread);
    moments(c, method, f->x, u->target, any);
    if (method == ROBUST && c->factor > 0) robust(c, sorted, n);
    return AML_OK;
}
