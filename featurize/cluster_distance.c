/* cluster_distance.c: the distances of a row to cluster centres of the standardised numbers, as new
 * columns beside the old ones. */
#include <math.h>
#include <string.h>

#include "featurize/parts/each.h"
#include "featurize/parts/numeric.h"
#include "featurize/parts/table.h"

enum { ROWS = 10000, CELLS = 1 << 22, ITERATIONS = 30, BLOCK = 256 };

static const aml_param params[] = {{.name = "clusters",
                                    .summary = "Number of cluster centres",
                                    .kind = AML_INT,
                                    .log = true,
                                    .lo = 2,
                                    .hi = 64,
                                    .fallback = 8},
                                   {0}};

typedef struct cluster_state {
    aml_signature signature;
    aml_numeric numeric;
    size_t k;
    double *centre; /* k × numeric.m */
} cluster_state;

static double squared_distance(const double *a, const double *b, size_t m) {
    double sum = 0;
    for (size_t i = 0; i < m; i++) sum += (a[i] - b[i]) * (a[i] - b[i]);
    return sum;
}

typedef struct fit_job {
    const double *x; /* n × m */
    size_t n, m, k;
    const double *centre;
    uint32_t *nearest; /* per row */
    double *distance;  /* per row, squared */
} fit_job;

static aml_status assign(void *arg, size_t item, int thread) {
    const fit_job *u = arg;
    size_t end = (item + 1) * BLOCK < u->n ? (item + 1) * BLOCK : u->n;
    (void)thread;
    for (size_t i = item * BLOCK; i < end; i++) {
        u->distance[i] = INFINITY;
        for (size_t c = 0; c < u->k; c++) {
            double d = squared_distance(u->x + i * u->m, u->centre + c * u->m, u->m);
            if (!(d < u->distance[i])) continue;
            u->distance[i] = d;
            u->nearest[i] = (uint32_t)c;
        }
    }
    return AML_OK;
}

/* k-means++ (Arthur and Vassilvitskii 2007): each centre a row drawn by its squared distance to the
 * centres so far. Fewer centres when all rows lie on them. */
static aml_status seed(double *centre, size_t *k, fit_job *u, size_t most, aml_ctx *ctx) {
    aml_rng rng = aml_rng_child(&ctx->rng, 2);
    for (size_t i = 0; i < u->n; i++) u->distance[i] = 1;
    for (*k = 0; *k < most; ++*k) {
        double total = 0;
        size_t pick = 0;
        if (aml_should_stop(ctx)) return aml_stopped();
        for (size_t i = 0; i < u->n; i++) total += u->distance[i];
        if (!(total > 0)) break;
        double left = aml_rng_uniform(&rng) * total;
        while (pick + 1 < u->n && (left >= u->distance[pick] || u->distance[pick] <= 0))
            left -= u->distance[pick++];
        memcpy(centre + *k * u->m, u->x + pick * u->m, u->m * sizeof *centre);
        for (size_t i = 0; i < u->n; i++) {
            double d = squared_distance(u->x + i * u->m, centre + *k * u->m, u->m);
            u->distance[i] = *k ? fmin(u->distance[i], d) : d;
        }
    }
    return AML_OK;
}

/* Centres to the means of their rows; a centre without rows stays. */
static void move(double *centre, const fit_job *u, double *count) {
    memset(count, 0, u->k * sizeof *count);
    for (size_t i = 0; i < u->n; i++) count[u->nearest[i]]++;
    for (size_t c = 0; c < u->k; c++)
        if (count[c] > 0) memset(centre + c * u->m, 0, u->m * sizeof *centre);
    for (size_t i = 0; i < u->n; i++) {
        double *to = centre + u->nearest[i] * u->m, share = 1 / count[u->nearest[i]];
        for (size_t j = 0; j < u->m; j++) to[j] += u->x[i * u->m + j] * share;
    }
}

static aml_status lloyd(double *centre, fit_job *u, aml_ctx *ctx) {
    double before = INFINITY, *count = AML_ARRAY(ctx->scratch, u->k, double);
    if (!count) return AML_ENOMEM;
    for (int it = 0; it < ITERATIONS; it++) {
        double total = 0;
        AML_TRY(aml_each(ctx, (u->n + BLOCK - 1) / BLOCK, assign, u));
        for (size_t i = 0; i < u->n; i++) total += u->distance[i];
        if (!(total < before * (1 - 1e-4))) break;
        before = total;
        move(centre, u, count);
    }
    return AML_OK;
}

static aml_status fit(void **state, const aml_table *x, const aml_data *target, const double *hp,
                      aml_ctx *ctx) {
    fit_job u = {0};
    size_t m = aml_table_count(x, AML_NUMBER), most = m && CELLS / m < ROWS ? CELLS / m : ROWS;
    cluster_state *s = AML_NEW(ctx->keep, cluster_state);
    if (!s) return AML_ENOMEM;
    *state = s;
    AML_TRY(aml_signature_of(&s->signature, x, ctx->keep));
    const uint32_t *rows =
        aml_spaced_rows(&u.n, target->rows, target->n, most < 64 ? 64 : most, ctx);
    if (!rows) return AML_ENOMEM;
    AML_TRY(aml_numeric_fit(&s->numeric, NULL, x, rows, u.n, true, ctx));
    double *values = aml_alloc_raw(ctx->scratch, u.n * m, sizeof *values);
    s->centre = AML_ARRAY(ctx->keep, (size_t)hp[0] * m, double);
    u.nearest = AML_ARRAY(ctx->scratch, u.n, uint32_t);
    u.distance = AML_ARRAY(ctx->scratch, u.n, double);
    if (!values || !s->centre || !u.nearest || !u.distance) return AML_ENOMEM;
    if (!m || !u.n) return AML_OK;
    aml_numeric_gather(values, &s->numeric, x, rows, 0, u.n);
    u.x = values;
    u.m = m;
    AML_TRY(seed(s->centre, &s->k, &u, (size_t)hp[0], ctx));
    u.centre = s->centre;
    u.k = s->k;
    return lloyd(s->centre, &u, ctx);
}

typedef struct apply_job {
    const cluster_state *s;
    const aml_table *x;
    float **column; /* k */
    double **block; /* one a thread */
} apply_job;

static aml_status measure(void *arg, size_t item, int thread) {
    const apply_job *u = arg;
    const aml_numeric *numeric = &u->s->numeric;
    size_t m = numeric->m, step = aml_numeric_block(numeric), begin = item * step;
    size_t end = begin + step < u->x->n ? begin + step : u->x->n;
    double *block = u->block[thread];
    aml_numeric_gather(block, numeric, u->x, NULL, begin, end);
    for (size_t i = begin; i < end; i++)
        for (size_t c = 0; c < u->s->k; c++)
            u->column[c][i] = aml_to_float(
                sqrt(squared_distance(block + (i - begin) * m, u->s->centre + c * m, m)));
    return AML_OK;
}

static aml_status apply(aml_table *out, const void *state, const aml_table *x, aml_ctx *ctx) {
    const cluster_state *s = state;
    AML_TRY(aml_signature_check(&s->signature, x));
    size_t threads = (size_t)ctx->n_threads, step = aml_numeric_block(&s->numeric);
    apply_job u = {.s = s, .x = x};
    u.column = AML_ARRAY(ctx->scratch, s->k, float *);
    u.block = AML_ARRAY(ctx->scratch, threads, double *);
    if (!u.column || !u.block) return AML_ENOMEM;
    for (size_t t = 0; t < threads; t++) {
        u.block[t] = aml_alloc_raw(ctx->scratch, step * s->numeric.m, sizeof(double));
        if (!u.block[t]) return AML_ENOMEM;
    }
    aml_table_builder b = aml_table_begin(x, x->p + s->k, ctx);
    for (size_t j = 0; j < x->p; j++) aml_table_share(&b, &x->features[j]);
    for (size_t c = 0; c < s->k; c++)
        u.column[c] =
            aml_table_number(&b, aml_feature_number(ctx->keep, "cluster", "", c + 1), UINT32_MAX);
    AML_TRY(aml_table_end(out, &b));
    return s->k ? aml_each(ctx, (x->n + step - 1) / step, measure, &u) : AML_OK;
}

static aml_status lower(aml_ir_table *out, const void *state, const aml_ir_table *x, aml_ir *ir) {
    const cluster_state *s = state;
    aml_ir_columns b = aml_ir_columns_of(ir, x);
    for (size_t j = 0; j < x->n; j++) aml_ir_push(&b, x->column[j]);
    if (s->k) {
        aml_numeric_lower(ir, AML_OP_DISTANCES, &s->numeric, x);
        aml_ir_array(ir, "point", AML_F64, s->centre, s->k * s->numeric.m);
    }
    for (size_t c = 0; c < s->k; c++) aml_ir_push(&b, aml_ir_number(ir));
    *out = b.to;
    return ir->status;
}

static void save(const void *state, aml_writer *w) {
    const cluster_state *s = state;
    aml_signature_save(&s->signature, w);
    aml_numeric_save(&s->numeric, w);
    aml_put_u32(w, (uint32_t)s->k);
    aml_put_f64s(w, s->centre, s->k * s->numeric.m);
}

static aml_status load(void **state, aml_reader *r, aml_ctx *ctx) {
    cluster_state *s = AML_NEW(ctx->keep, cluster_state);
    if (!s) return AML_ENOMEM;
    AML_TRY(aml_signature_load(&s->signature, r, ctx->keep));
    AML_TRY(aml_numeric_load(&s->numeric, &s->signature, r, ctx->keep));
    s->k = aml_get_u32(r);
    if (!r->status && (double)s->k > params[0].hi) return aml_reader_fail(r, "%zu clusters", s->k);
    s->centre = aml_get_f64s(r, ctx->keep, s->k * s->numeric.m, NULL);
    for (size_t i = 0; s->centre && i < s->k * s->numeric.m; i++)
        if (!(fabs(s->centre[i]) < 1e100)) return aml_reader_fail(r, "a cluster centre");
    *state = s;
    return r->status;
}

extern const aml_step aml_step_cluster_distance;
const aml_step aml_step_cluster_distance = {
    .abi = AML_ABI,
    .name = "cluster_distance",
    .summary = "Adds the distances to k-means centres of the numbers",
    .kinds = AML_NUMBER,
    .params = AML_FIT(params),
    .fit = AML_FIT(fit),
    .apply = apply,
    .save = AML_FIT(save),
    .load = load,
    .lower = AML_FIT(lower),
};
