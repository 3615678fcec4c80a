/* parzen.c: mixtures over conditional, mixed spaces. */
#include "search/parts/parzen.h"

#include <math.h>
#include <string.h>

#include "automl/core/sort.h"

enum { KNOTS = 129, MOST_CELLS = 48 };
static const double inverse_sqrt_2 = 0.70710678118654752440;

typedef enum dim_kind { NUMBER, CELLS, NOMINAL } dim_kind;

struct aml_parzen_dim {
    dim_kind kind;
    double width;   /* of the components; the wide one has WIDE */
    double falloff; /* 1 / (2 width²) */
    double *
        log_mass; /* NUMBER: log of the mass within [0, 1] and of the scale by where the centre is, KNOTS */
    size_t n_cells; /* CELLS, NOMINAL: values */
    double *
        log_cell; /* CELLS: n_cells × n_cells by centre and value; NOMINAL: 2, of the same and another value */
    double *log_wide; /* the wide component: CELLS: n_cells */
    bool always;      /* NUMBER: it hangs on nothing, so that its scale is in log_weight */
    double first;     /* CELLS, NOMINAL: value of cell 0 */
    double unit;      /* CELLS: from value to value */
};

static const double wide = 1;

static double mass(double centre, double width, double from, double to) {
    double s = inverse_sqrt_2 / width;
    return 0.5 * (erf((to - centre) * s) - erf((from - centre) * s));
}

static double log_scale(double centre, double width) {
    return -log(mass(centre, width, 0, 1)) - log(width) - 0.91893853320467274178;
}

/* ---- making ---- */

static void find_kind(struct aml_parzen_dim *q, const aml_dim *d) {
    double values = aml_dim_values(d);
    q->always = d->parent < 0;
    q->kind = aml_dim_is_nominal(d) ? NOMINAL : values <= MOST_CELLS ? CELLS : NUMBER;
    q->n_cells = q->kind == NUMBER ? 0 : (size_t)values;
    q->first = q->kind == NUMBER ? 0 : aml_dim_decode(d, 0);
    q->unit = d->step > 0 ? d->step : 1;
}

static aml_status fill_cells(struct aml_parzen_dim *q, const aml_dim *d, aml_arena *arena) {
    size_t m = q->n_cells;
    q->log_cell = AML_ARRAY(arena, m * m, double);
    q->log_wide = AML_ARRAY(arena, m, double);
    if (!q->log_cell || !q->log_wide) return AML_ENOMEM;
    for (size_t v = 0; v < m; v++) {
        double from, to, value = q->first + (double)v * q->unit;
        aml_dim_cell(&from, &to, d, value);
        for (size_t c = 0; c < m; c++) {
            double centre = aml_dim_encode(d, q->first + (double)c * q->unit);
            double part = mass(centre, q->width, from, to) / mass(centre, q->width, 0, 1);
            q->log_cell[c * m + v] = log(fmax(part, 1e-300));
        }
        q->log_wide[v] = log(fmax(mass(0.5, wide, from, to) / mass(0.5, wide, 0, 1), 1e-300));
    }
    return AML_OK;
}

static aml_status fill_dim(struct aml_parzen_dim *q, const aml_dim *d, double width, size_t n,
                           aml_arena *arena) {
    q->width = width;
    q->falloff = 0.5 / (width * width);
    if (q->kind == CELLS) return fill_cells(q, d, arena);
    if (q->kind == NOMINAL) {
        double other = 1 / ((double)n + 1), all = 1 + (double)q->n_cells * other;
        q->log_cell = AML_ARRAY(arena, 2, double);
        if (!q->log_cell) return AML_ENOMEM;
        q->log_cell[0] = log((1 + other) / all);
        q->log_cell[1] = log(other / all);
        return AML_OK;
    }
    q->log_mass = AML_ARRAY(arena, KNOTS + 1, double);
    if (!q->log_mass) return AML_ENOMEM;
    for (size_t k = 0; k < KNOTS; k++)
        q->log_mass[k] = log_scale((double)k / (KNOTS - 1), q->width);
    q->log_mass[KNOTS] = log_scale(0.5, wide);
    return AML_OK;
}

static double log_scale_at(const struct aml_parzen_dim *q, double centre) {
    double at = centre * (KNOTS - 1);
    size_t k = (size_t)at;
    if (k >= KNOTS - 1) k = KNOTS - 2;
    return q->log_mass[k] + (at - (double)k) * (q->log_mass[k + 1] - q->log_mass[k]);
}

static void add_scale(aml_parzen *p, size_t j) {
    const struct aml_parzen_dim *q = &p->dims[j];
    const double *x = p->x + j * p->n;
    if (q->kind != NUMBER || !q->always) return;
    for (size_t i = 0; i + 1 < p->n; i++)
        p->log_weight[i] += p->scale ? p->scale[j * p->n + i] : log_scale_at(q, x[i]);
    p->log_weight[p->n - 1] += q->log_mass[KNOTS];
}

/* Scott's exponent with a fifth of the range at one point. */
static double width_of(size_t n, size_t d) {
    static const double at_one = 0.2;
    return fmax(at_one * pow(n ? (double)n : 1, -1 / (4 + (double)d)), 0.01);
}

/* How far it is from each point to its neighbours in this dimension, to the farther of the two. The ends of the range count
 * only where there is but one point. */
static aml_status find_gaps(double *width, const double *u, size_t n, double least) {
    uint32_t *order = aml_malloc((n + 1) * sizeof *order);
    aml_status status = order ? aml_argsort(order, u, n) : AML_ENOMEM;
    size_t there = 0;
    while (!status && there < n && !isnan(u[order[there]])) there++;
    for (size_t k = 0; k < there; k++) {
        double at = u[order[k]], left = at - (k ? u[order[k - 1]] : 0),
               right = (k + 1 < there ? u[order[k + 1]] : 1) - at, gap = fmax(left, right);
        if (there > 1 && !k) gap = right;
        else if (there > 1 && k + 1 == there) gap = left;
        width[order[k]] = fmin(fmax(gap, fmax(least, 1 / fmin(100, 1 + (double)n))), 1);
    }
    aml_free(order);
    return status;
}

/* Widths and scales of each component in dimension j. */
static aml_status widen(aml_parzen *p, size_t j, double least, aml_arena *arena) {
    const struct aml_parzen_dim *q = &p->dims[j];
    const aml_dim *dim = &p->space->dims[j];
    size_t n = p->n - 1;
    double *width = p->width + j * p->n, *scale = p->scale + j * p->n;
    const double *x = p->x + j * p->n;
    double *u = AML_ARRAY(arena, n + 1, double);
    if (!u) return AML_ENOMEM;
    for (size_t i = 0; i < n; i++)
        u[i] = q->kind == CELLS && !isnan(x[i]) ? aml_dim_encode(dim, q->first + x[i] * q->unit)
                                                : x[i];
    AML_TRY(find_gaps(width, u, n, least));
    for (size_t i = 0; i < n; i++) {
        if (isnan(u[i])) continue;
        scale[i] = -log(mass(u[i], width[i], 0, 1));
        if (q->kind == NUMBER) scale[i] -= log(width[i]) + 0.91893853320467274178;
    }
    return AML_OK;
}

aml_status aml_parzen_new(aml_parzen *p, const aml_space *space, const double *const *configs,
                          const double *weight, size_t n, bool near, double least,
                          aml_arena *arena) {
    size_t d = space->n, moving = 0;
    double *x = AML_ARRAY(arena, (n + 1) * d, double), sum = 0, total = 1;
    *p = (aml_parzen){.space = space, .n = n + 1, .x = x};
    p->weight = AML_ARRAY(arena, n + 1, double);
    p->log_weight = AML_ARRAY(arena, n + 1, double);
    p->dims = AML_ARRAY(arena, d, struct aml_parzen_dim);
    if (!x || !p->weight || !p->log_weight || !p->dims) return AML_ENOMEM;
    for (size_t j = 0; j < d; j++) moving += aml_dim_values(&space->dims[j]) > 1;
    double width = width_of(n, moving);
    for (size_t j = 0; j < d; j++) {
        find_kind(&p->dims[j], &space->dims[j]);
        AML_TRY(fill_dim(&p->dims[j], &space->dims[j], width, n, arena));
        for (size_t i = 0; i < n; i++) {
            double v = configs[i][j];
            const struct aml_parzen_dim *q = &p->dims[j];
            x[j * (n + 1) + i] = q->kind == NUMBER ? aml_dim_encode(&space->dims[j], v)
                                                   : round((v - q->first) / q->unit);
        }
        x[j * (n + 1) + n] = 0.5;
    }
    for (size_t i = 0; i < n; i++) total += weight ? weight[i] : 1;
    for (size_t i = 0; i <= n; i++) {
        double w = (i == n || !weight ? 1 : weight[i]) / total;
        p->log_weight[i] = w > 0 ? log(w) : -INFINITY;
        p->weight[i] = sum += w;
    }
    if (near) {
        p->width = AML_ARRAY(arena, (n + 1) * d, double);
        p->scale = AML_ARRAY(arena, (n + 1) * d, double);
        if (!p->width || !p->scale) return AML_ENOMEM;
    }
    for (size_t j = 0; j < d; j++) {
        if (near && p->dims[j].kind != NOMINAL) AML_TRY(widen(p, j, least, arena));
        add_scale(p, j);
    }
    return AML_OK;
}

/* ---- drawing ---- */

static double draw_normal(double centre, double width, aml_rng *rng) {
    for (int k = 0; k < 100; k++) {
        double u = centre + width * aml_rng_normal(rng);
        if (u >= 0 && u <= 1) return u;
    }
    return centre;
}

static double draw_nominal(const struct aml_parzen_dim *q, double centre, aml_rng *rng) {
    double u = aml_rng_uniform(rng);
    if (!isnan(centre) && u < exp(q->log_cell[0]) - exp(q->log_cell[1])) return centre;
    return (double)aml_rng_below(rng, (uint32_t)q->n_cells);
}

static double draw_dim(const aml_parzen *p, size_t j, size_t component, aml_rng *rng) {
    const struct aml_parzen_dim *q = &p->dims[j];
    const aml_dim *dim = &p->space->dims[j];
    double x = p->x[j * p->n + component];
    bool is_wide = component + 1 == p->n;
    if (q->kind == NOMINAL) return q->first + draw_nominal(q, is_wide ? NAN : x, rng);
    if (isnan(x)) return aml_dim_decode(dim, aml_rng_uniform(rng));
    if (q->kind == CELLS && !is_wide) x = aml_dim_encode(dim, q->first + x * q->unit);
    double width = is_wide ? wide : p->width ? p->width[j * p->n + component] : q->width;
    return aml_dim_decode(dim, draw_normal(x, width, rng));
}

void aml_parzen_draw(double *config, const aml_parzen *p, aml_rng *rng) {
    size_t d = p->space->n, k = 0;
    double u = aml_rng_uniform(rng);
    while (k + 1 < p->n && p->weight[k] < u) k++;
    for (size_t j = 0; j < d; j++) config[j] = NAN;
    for (size_t j = 0; j < d; j++)
        if (aml_space_live(p->space, config, j)) config[j] = draw_dim(p, j, k, rng);
    aml_space_repair(config, p->space);
}

/* ---- density ---- */

static void add_number(double *log_p, const aml_parzen *p, size_t j, double u) {
    const struct aml_parzen_dim *q = &p->dims[j];
    const double *x = p->x + j * p->n;
    size_t n = p->n - 1;
    double own = 0.5 / (wide * wide) * (u - 0.5) * (u - 0.5);
    if (p->width) {
        const double *width = p->width + j * p->n, *scale = p->scale + j * p->n;
        for (size_t i = 0; i < n; i++) {
            if (isnan(x[i])) continue;
            double z = (u - x[i]) / width[i];
            log_p[i] += (q->always ? 0 : scale[i]) - 0.5 * z * z;
        }
        log_p[n] += (q->always ? 0 : q->log_mass[KNOTS]) - own;
        return;
    }
    if (q->always) {
        double falloff = q->falloff;
        for (size_t i = 0; i < n; i++) log_p[i] -= (u - x[i]) * (u - x[i]) * falloff;
        log_p[n] -= own;
        return;
    }
    for (size_t i = 0; i < n; i++)
        if (!isnan(x[i])) log_p[i] += log_scale_at(q, x[i]) - (u - x[i]) * (u - x[i]) * q->falloff;
    log_p[n] += q->log_mass[KNOTS] - own;
}

/* Few values, components of their own widths. */
static void add_cells(double *log_p, const aml_parzen *p, size_t j, size_t v) {
    const struct aml_parzen_dim *q = &p->dims[j];
    const aml_dim *dim = &p->space->dims[j];
    const double *x = p->x + j * p->n, *width = p->width + j * p->n, *scale = p->scale + j * p->n;
    size_t n = p->n - 1;
    double from, to;
    aml_dim_cell(&from, &to, dim, q->first + (double)v * q->unit);
    for (size_t i = 0; i < n; i++) {
        if (isnan(x[i])) {
            log_p[i] -= log((double)q->n_cells);
            continue;
        }
        double centre = aml_dim_encode(dim, q->first + x[i] * q->unit);
        log_p[i] += scale[i] + log(fmax(mass(centre, width[i], from, to), 1e-300));
    }
    log_p[n] += q->log_wide[v];
}

/* What dimension j adds to the logarithm of each component. */
static void add_dimension(double *log_p, const aml_parzen *p, size_t j, double value) {
    const struct aml_parzen_dim *q = &p->dims[j];
    size_t n = p->n - 1, m = q->n_cells;
    const double *x = p->x + j * p->n;
    if (q->kind == NUMBER) {
        add_number(log_p, p, j, aml_dim_encode(&p->space->dims[j], value));
        return;
    }
    size_t v = (size_t)round((value - q->first) / q->unit);
    if (v >= m) v = m - 1;
    if (p->width && q->kind == CELLS) {
        add_cells(log_p, p, j, v);
        return;
    }
    double any = -log((double)m);
    for (size_t i = 0; i < n; i++) {
        if (isnan(x[i])) log_p[i] += any;
        else if (q->kind == CELLS) log_p[i] += q->log_cell[(size_t)x[i] * m + v];
        else log_p[i] += q->log_cell[x[i] != (double)v];
    }
    log_p[n] += q->kind == CELLS ? q->log_wide[v] : any;
}

/* Of each component, of the dimensions in question. */
static void add_all(double *log_p, const aml_parzen *p, const double *config, bool top) {
    memcpy(log_p, p->log_weight, p->n * sizeof *log_p);
    for (size_t j = 0; j < p->space->n; j++) {
        if (isnan(config[j]) || (top && p->space->dims[j].parent >= 0)) continue;
        if (p->dims[j].kind == NUMBER || p->dims[j].n_cells > 1)
            add_dimension(log_p, p, j, config[j]);
    }
}

double aml_parzen_log_density(const aml_parzen *p, const double *config, bool top) {
    double stack[1024], most = -INFINITY, sum = 0;
    double *log_p = p->n <= 1024 ? stack : aml_malloc(p->n * sizeof *log_p);
    if (!log_p) return -INFINITY;
    add_all(log_p, p, config, top);
    for (size_t i = 0; i < p->n; i++) most = fmax(most, log_p[i]);
    for (size_t i = 0; i < p->n; i++)
        if (log_p[i] > most - 25) sum += exp(log_p[i] - most);
    if (log_p != stack) aml_free(log_p);
    return most + log(sum);
}

aml_status aml_parzen_draw_below(double *config, const aml_parzen *p, aml_rng *rng) {
    double *log_p = aml_malloc(p->n * sizeof *log_p), most = -INFINITY, sum = 0;
    if (!log_p) return AML_ENOMEM;
    add_all(log_p, p, config, true);
    for (size_t i = 0; i < p->n; i++) most = fmax(most, log_p[i]);
    for (size_t i = 0; i < p->n; i++) sum += log_p[i] = exp(log_p[i] - most);
    double left = sum * aml_rng_uniform(rng);
    size_t k = 0;
    while (k + 1 < p->n && (left -= log_p[k]) >= 0) k++;
    aml_free(log_p);
    for (size_t j = 0; j < p->space->n; j++)
        if (p->space->dims[j].parent >= 0) config[j] = NAN;
    for (size_t j = 0; j < p->space->n; j++)
        if (p->space->dims[j].parent >= 0 && aml_space_live(p->space, config, j))
            config[j] = draw_dim(p, j, k, rng);
    aml_space_repair(config, p->space);
    return AML_OK;
}
