/* importance.c: PED-ANOVA. */
#include "search/parts/importance.h"

#include <math.h>
#include <string.h>

#include "automl/core/arena.h"
#include "automl/core/sort.h"

enum { GRID = 50 };
static const double top_share = 0.1;

/* Scott's rule with the smaller of standard deviation and scaled quartile distance, at least half a cell of the grid. */
static aml_status bandwidth(double *out, const double *u, size_t n) {
    double mean = 0, squares = 0;
    double *sorted = aml_malloc(n * sizeof *sorted);
    if (!sorted) return AML_ENOMEM;
    memcpy(sorted, u, n * sizeof *sorted);
    aml_status status = aml_sort_f64(sorted, n);
    for (size_t i = 0; i < n; i++) mean += u[i] / (double)n;
    for (size_t i = 0; i < n; i++) squares += (u[i] - mean) * (u[i] - mean);
    double sd = n > 1 ? sqrt(squares / (double)(n - 1)) : 0,
           quartiles = status ? sd : (sorted[3 * (n - 1) / 4] - sorted[(n - 1) / 4]) / 1.34;
    aml_free(sorted);
    double width = 1.059 * fmin(sd, quartiles > 0 ? quartiles : sd) * pow((double)n, -0.2);
    *out = fmax(width, 0.5 / GRID);
    return status;
}

/* Probabilities of the grid's cells. */
static aml_status density(double *p, const double *u, size_t n) {
    double h, sum = 0;
    AML_TRY(bandwidth(&h, u, n));
    for (size_t j = 0; j < GRID; j++) {
        double x = ((double)j + 0.5) / GRID;
        p[j] = 1e-12;
        for (size_t i = 0; i < n; i++) p[j] += exp(-0.5 * (x - u[i]) * (x - u[i]) / (h * h));
        sum += p[j];
    }
    for (size_t j = 0; j < GRID; j++) p[j] /= sum;
    return AML_OK;
}

static double pearson(const double *top, const double *all, size_t n) {
    double sum = 0;
    for (size_t j = 0; j < n; j++) {
        double ratio = top[j] / all[j] - 1;
        sum += all[j] * ratio * ratio;
    }
    return sum;
}

static aml_status numbers(double *out, const double *u, size_t n, size_t n_top) {
    double top[GRID], all[GRID];
    AML_TRY(density(top, u, n_top));
    AML_TRY(density(all, u, n));
    *out = pearson(top, all, GRID);
    return AML_OK;
}

static aml_status choices(double *out, const double *value, size_t n, size_t n_top, size_t k) {
    double *top = aml_calloc(2 * k, sizeof *top), *all = top + k;
    if (!top) return AML_ENOMEM;
    for (size_t c = 0; c < k; c++) top[c] = all[c] = 1 / (double)k;
    for (size_t i = 0; i < n; i++) {
        all[(size_t)value[i]]++;
        if (i < n_top) top[(size_t)value[i]]++;
    }
    for (size_t c = 0; c < k; c++) {
        top[c] /= (double)n_top + 1;
        all[c] /= (double)n + 1;
    }
    *out = pearson(top, all, k);
    aml_free(top);
    return AML_OK;
}

/* order: trials, the best first. */
static aml_status of_dimension(double *out, const aml_space *space, size_t d,
                               const double *const *configs, const uint32_t *order, size_t n,
                               size_t n_top, double *x) {
    const aml_dim *dim = &space->dims[d];
    size_t live = 0, live_top = 0;
    bool nominal = aml_dim_is_nominal(dim);
    for (size_t k = 0; k < n; k++) {
        double v = configs[order[k]][d];
        if (k == n_top) live_top = live;
        if (!isnan(v)) x[live++] = nominal ? v : aml_dim_encode(dim, v);
    }
    if (n_top >= n) live_top = live;
    *out = 0;
    if (!live_top || !(aml_dim_values(dim) > 1)) return AML_OK;
    AML_TRY(nominal ? choices(out, x, live, live_top, aml_param_choices(dim->param))
                    : numbers(out, x, live, live_top));
    double alpha = (double)live_top / (double)n_top, beta = (double)live / (double)n;
    *out *= alpha * alpha / beta;
    return AML_OK;
}

aml_status aml_importance(double *share, const aml_space *space, const double *const *configs,
                          const double *loss, size_t n) {
    size_t n_top = (size_t)ceil(top_share * (double)n);
    double sum = 0;
    double *x = aml_malloc(2 * n * sizeof *x);
    uint32_t *order = aml_malloc(n * sizeof *order);
    aml_status status = x && order ? AML_OK : AML_ENOMEM;
    if (!status) status = aml_argsort(order, loss, n);
    for (size_t d = 0; d < space->n && !status; d++) {
        status = of_dimension(&share[d], space, d, configs, order, n, n_top, x);
        sum += share[d];
    }
    for (size_t d = 0; d < space->n && !status && sum > 0; d++) share[d] /= sum;
    aml_free(x);
    aml_free(order);
    return status;
}
