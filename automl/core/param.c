/* param.c: hyperparameters, and the spaces they span. */
#include "automl/core/param.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "automl/core/special.h"

const char *const aml_flag_choices[] = {"false", "true", NULL};

size_t aml_params_count(const aml_param *params) {
    size_t n = 0;
    while (params && params[n].name) n++;
    return n;
}

void aml_params_defaults(double *hp, const aml_param *params) {
    for (size_t i = 0; params && params[i].name; i++) hp[i] = params[i].fallback;
}

int aml_params_find(const aml_param *params, const char *name) {
    for (int i = 0; params && params[i].name; i++)
        if (!strcmp(params[i].name, name)) return i;
    return -1;
}

size_t aml_param_choices(const aml_param *p) {
    size_t n = 0;
    while (p->kind == AML_CHOICE && p->choices && p->choices[n]) n++;
    return n;
}

double aml_param_hi(const aml_param *p) {
    if (p->kind != AML_CHOICE) return p->hi;
    size_t n = aml_param_choices(p);
    return n ? (double)(n - 1) : 0;
}

static double clamp(double x, double lo, double hi) { return x < lo ? lo : x > hi ? hi : x; }

double aml_param_clamp(const aml_param *p, double x) {
    if (isnan(x)) return p->fallback;
    if (p->kind != AML_REAL) x = round(x);
    return clamp(x, p->kind == AML_CHOICE ? 0 : p->lo, aml_param_hi(p));
}

/* ---- values as text ---- */

static aml_status read_choice(double *out, const aml_param *p, const char *text) {
    char shown[256];
    size_t n = aml_param_choices(p);
    for (size_t i = 0; i < n; i++) {
        if (strcmp(p->choices[i], text)) continue;
        *out = (double)i;
        return AML_OK;
    }
    aml_string list = {0};
    for (size_t i = 0; i < n; i++) aml_string_printf(&list, "%s`%s`", i ? ", " : "", p->choices[i]);
    aml_printable(shown, sizeof shown, text, strlen(text), 60);
    aml_fail(AML_ECONFIG, "%s has no choice `%s`", p->name, shown);
    const char *nearest = aml_nearest(text, p->choices, n);
    if (nearest) aml_help(AML_ECONFIG, NULL, "did you mean `%s`?", nearest);
    else
        aml_help(AML_ECONFIG, NULL, "choose one of %s",
                 list.failed || !n ? "its choices" : list.text);
    aml_string_free(&list);
    return AML_ECONFIG;
}

static aml_status bad_number(const aml_param *p, const char *text) {
    char shown[256], lo[32], hi[32];
    aml_printable(shown, sizeof shown, text, strlen(text), 60);
    aml_format_double(lo, p->lo);
    aml_format_double(hi, p->hi);
    return aml_fail(AML_ECONFIG, "%s must be %s from %s to %s, got `%s`", p->name,
                    p->kind == AML_INT ? "an integer" : "a number", lo, hi, shown);
}

aml_status aml_param_read(double *out, const aml_param *p, const char *text) {
    double x;
    if (p->kind == AML_CHOICE) return read_choice(out, p, text);
    if (!aml_parse_double(&x, text, strlen(text)) || !(x >= p->lo && x <= p->hi))
        return bad_number(p, text);
    if (p->kind == AML_INT && x != floor(x)) return bad_number(p, text);
    *out = x;
    return AML_OK;
}

void aml_param_write(aml_string *out, const aml_param *p, double x) {
    if (p->kind == AML_CHOICE && x >= 0 && x <= aml_param_hi(p))
        aml_string_put(out, p->choices[(size_t)x]);
    else if (p->kind == AML_INT && fabs(x) < 0x1p53) aml_string_printf(out, "%" PRId64, (int64_t)x);
    else aml_string_double(out, x);
}

/* ---- spaces ---- */

bool aml_dim_lives_with(const aml_dim *d, double parent_value) {
    if (!d->whens) return parent_value == d->when;
    return parent_value >= 0 && d->whens[(size_t)parent_value];
}

bool aml_space_live(const aml_space *s, const double *config, size_t dim) {
    for (int parent = s->dims[dim].parent; parent >= 0; parent = s->dims[dim].parent) {
        assert((size_t)parent < dim);
        if (!aml_dim_lives_with(&s->dims[dim], config[parent])) return false;
        dim = (size_t)parent;
    }
    return true;
}

/* The limits of a dimension; whole for INT and CHOICE, whatever the data's shape made of them. */
static void limits(double *lo, double *hi, const aml_dim *d) {
    *lo = d->lo;
    *hi = d->hi;
    if (d->param->kind != AML_REAL) {
        *lo = ceil(*lo);
        *hi = floor(*hi);
    }
    if (!(*hi >= *lo)) *hi = *lo;
}

/* The number of the value nearest to x, on the dimension's scale. */
static size_t nearest_value(const aml_dim *d, double x) {
    size_t best = 0;
    for (size_t i = 1; i < d->n_values; i++) {
        double a = d->values[best], b = d->values[i];
        if (d->param->log ? x * x > a * b : 2 * x > a + b) best = i;
    }
    return best;
}

bool aml_dim_is_nominal(const aml_dim *d) { return d->param->kind == AML_CHOICE && !d->ordered; }

/* k steps from `origin`, without the rounding error of k * 0.1 where the steps are tenths, hundredths …. */
static double on_grid(double x, double origin, double step) {
    double inverse = round(1 / step), k = round((x - origin) / step);
    if (inverse >= 1 && inverse < 1e9 && fabs(inverse * step - 1) < 1e-12) {
        double whole = origin * inverse;
        if (fabs(whole - round(whole)) < 1e-9) return (round(whole) + k) / inverse;
    }
    return origin + k * step;
}

static double dim_clamp(const aml_dim *d, double x) {
    double lo, hi;
    if (d->n_values) return d->values[nearest_value(d, aml_param_clamp(d->param, x))];
    limits(&lo, &hi, d);
    if (!(d->step > 0)) return clamp(aml_param_clamp(d->param, x), lo, hi);
    x = clamp(isnan(x) ? d->param->fallback : x, lo, hi);
    if (d->rounded) return on_grid(x, 0, d->step);
    x = on_grid(x, lo, d->step);
    return x > hi ? on_grid(x - d->step, lo, d->step) : x;
}

/* Where x lies between lo and hi on the dimension's scale, or below it in its distribution. */
static double scale(const aml_dim *d, double x, double lo, double hi) {
    const aml_param *p = d->param;
    if (d->spread > 0) {
        if (p->log && !(x > 0)) return 0;
        return aml_normal_cdf(((p->log ? log(x) : x) - d->mu) / d->spread);
    }
    if (!(hi > lo)) return 0.5;
    if (p->log && !(x > 0)) return 0;
    double u = p->log ? log(x / lo) / log(hi / lo) : (x - lo) / (hi - lo);
    return clamp(u, 0, 1);
}

static double unscale(const aml_dim *d, double u, double lo, double hi) {
    const aml_param *p = d->param;
    if (d->spread > 0) {
        double x = d->mu + d->spread * aml_normal_quantile(clamp(u, 1e-9, 1 - 1e-9));
        return p->log ? exp(x) : x;
    }
    return p->log ? lo * pow(hi / lo, u) : lo + u * (hi - lo);
}

/* Half a cell, and the limits that hold all cells. The last step may end before hi. */
static double cells(double *lo, double *hi, const aml_dim *d) {
    limits(lo, hi, d);
    if (d->rounded) return 0.5 * d->step;
    double half = d->step > 0 ? 0.5 * d->step : d->param->kind == AML_REAL ? 0 : 0.5;
    if (d->step > 0) *hi = dim_clamp(d, *hi);
    *lo -= half;
    *hi += half;
    return half;
}

void aml_dim_cell(double *from, double *to, const aml_dim *d, double x) {
    if (d->n_values) {
        double n = (double)d->n_values, at = (double)nearest_value(d, x);
        *from = at / n;
        *to = (at + 1) / n;
        return;
    }
    double lo, hi, half = cells(&lo, &hi, d);
    x = dim_clamp(d, x);
    *from = *to = scale(d, x - half, lo, hi);
    if (half > 0) *to = scale(d, x + half, lo, hi);
}

double aml_dim_encode(const aml_dim *d, double x) {
    double from, to;
    if (isnan(x)) return x;
    aml_dim_cell(&from, &to, d, x);
    return from == to ? from : 0.5 * (from + to);
}

double aml_dim_decode(const aml_dim *d, double u) {
    double lo, hi;
    if (isnan(u)) return u;
    u = clamp(u, 0, 1);
    if (d->n_values)
        return d->values[(size_t)fmin(u * (double)d->n_values, (double)d->n_values - 1)];
    cells(&lo, &hi, d);
    return dim_clamp(d, unscale(d, u, lo, hi));
}

double aml_dim_values(const aml_dim *d) {
    double lo, hi, step = d->step;
    if (d->n_values) return (double)d->n_values;
    limits(&lo, &hi, d);
    if (d->param->kind == AML_REAL && !(step > 0)) return hi > lo ? INFINITY : 1;
    if (!(step > 0)) step = 1;
    return round((dim_clamp(d, hi) - dim_clamp(d, lo)) / step) + 1;
}

void aml_space_repair(double *config, const aml_space *s) {
    for (size_t i = 0; i < s->n; i++)
        config[i] = aml_space_live(s, config, i) ? dim_clamp(&s->dims[i], config[i]) : NAN;
}

void aml_space_default(double *config, const aml_space *s, double root) {
    for (size_t i = 0; i < s->n; i++) config[i] = i ? NAN : root;
    aml_space_repair(config, s);
}

bool aml_space_allows(const aml_space *s, const double *config) {
    return !s->allows || s->allows(config, s->arg);
}

void aml_space_random(double *config, const aml_space *s, aml_rng *rng) {
    enum { TRIES = 2000 };
    for (int k = 0; k < TRIES; k++) {
        for (size_t i = 0; i < s->n; i++) {
            double u =
                aml_rng_uniform(rng); /* one for each, live or not: what follows stays in place */
            config[i] = s->dims[i].param->fixed ? NAN : aml_dim_decode(&s->dims[i], u);
        }
        aml_space_repair(config, s);
        if (aml_space_allows(s, config)) return;
    }
}

bool aml_space_equal(const aml_space *s, const double *a, const double *b) {
    for (size_t i = 0; i < s->n; i++)
        if (a[i] != b[i] && !(isnan(a[i]) && isnan(b[i]))) return false;
    return true;
}
