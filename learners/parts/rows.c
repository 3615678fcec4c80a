/* rows.c: blocks of rows as matrices, and sums over rows in a fixed order. */
#include "learners/parts/rows.h"

#include "automl/core/par.h"
#include "learners/parts/simd.h"

#include <math.h>
#include <string.h>

enum { MOST_PARTS = 64, FEWEST_PARTS = 4, PARTS_BUDGET = 1 << 20 };
#define FAR 1e3

void aml_rows_floats(float *out, const aml_data *x, size_t begin, size_t end) {
    const aml_design *d = x->x;
    size_t p = d->p;
    if (d->dense) {
        for (size_t i = begin; i < end; i++, out += p) {
            const float *row = d->dense + x->rows[i] * p;
            for (size_t j = 0; j < p; j++) out[j] = aml_rows_value(row[j]);
        }
        return;
    }
    for (size_t j = 0; j < p; j++)
        for (size_t i = begin; i < end; i++)
            out[(i - begin) * p + j] = aml_rows_value(d->column[j][x->rows[i]]);
}

AML_KERNEL void copy_body(double *to, const float *row, const double *center, size_t p) {
    if (center)
        for (size_t j = 0; j < p; j++) to[j] = (double)aml_rows_value(row[j]) - center[j];
    else
        for (size_t j = 0; j < p; j++) to[j] = (double)aml_rows_value(row[j]);
}

AML_BEST(copy_body, (double *to, const float *row, const double *center, size_t p),
         (to, row, center, p))

/* Columns begin … end-1 of the row at position i. */
static void part_of_row(double *to, const aml_data *x, const double *center, size_t i, size_t begin,
                        size_t end) {
    const aml_design *d = x->x;
    const double *off = center ? center + begin : NULL;
    size_t row = x->rows[i];
    if (d->dense) {
        copy_body_best(to, d->dense + row * d->p + begin, off, end - begin);
        return;
    }
    for (size_t j = begin; j < end; j++) {
        double v = (double)aml_rows_value(d->column[j][row]);
        *to++ = center ? v - center[j] : v;
    }
}

void aml_rows_doubles(double *out, const aml_data *x, const double *center, size_t begin,
                      size_t end) {
    size_t p = x->x->p;
    for (size_t i = begin; i < end; i++, out += p) part_of_row(out, x, center, i, 0, p);
}

void aml_rows_panel(double *out, const aml_data *x, const double *center, size_t begin,
                    size_t end) {
    for (size_t i = 0; i < x->n; i++, out += end - begin)
        part_of_row(out, x, center, i, begin, end);
}

size_t aml_rows_sparse(const aml_data *x) { return x->x->csr ? x->x->csr->p : 0; }

size_t aml_rows_entries(const uint32_t **column, const float **value, const aml_data *x, size_t i) {
    const aml_csr *s = x->x->csr;
    size_t row = x->rows[i], start = (size_t)s->start[row], n = (size_t)s->start[row + 1] - start;
    *column = n ? s->column + start : NULL;
    *value = n ? s->value + start : NULL;
    return n;
}

aml_status aml_rows_check_outputs(const aml_data *x, size_t outputs) {
    size_t wanted = (size_t)aml_task_outputs(x->task, x->n_classes);
    if (outputs == wanted) return AML_OK;
    return aml_fail(AML_EDATA, "the model gives %zu outputs, the task has %zu", outputs, wanted);
}

aml_status aml_rows_check(const aml_data *x, size_t p, size_t q, size_t outputs) {
    AML_TRY(aml_rows_check_outputs(x, outputs));
    if (x->x->p == p && aml_rows_sparse(x) == q) return AML_OK;
    return aml_fail(AML_EDATA,
                    "the model knows %zu dense and %zu sparse features, the data have %zu and %zu",
                    p, q, x->x->p, aml_rows_sparse(x));
}

double *aml_rows_weights(double *total, const aml_data *x, aml_arena *arena) {
    double *w = aml_alloc_raw(arena, x->n, sizeof *w), sum = 0;
    if (!w) return NULL;
    for (size_t i = 0; i < x->n; i++) sum += w[i] = x->w ? x->w[x->rows[i]] : 1;
    if (sum <= 0) {
        for (size_t i = 0; i < x->n; i++) w[i] = 1;
        sum = (double)x->n;
    }
    *total = sum;
    return w;
}

double *aml_rows_target(double *mean, double *sd, const aml_data *x, const double *w,
                        aml_arena *arena) {
    double *y = aml_alloc_raw(arena, x->n, sizeof *y), largest = 0, s1 = 0, s2 = 0;
    if (!y) return NULL;
    for (size_t i = 0; i < x->n; i++) largest = fmax(largest, fabs(x->y[x->rows[i]]));
    double unit = largest > 0 ? largest : 1;
    for (size_t i = 0; i < x->n; i++) s1 += w[i] * (y[i] = x->y[x->rows[i]] / unit);
    for (size_t i = 0; i < x->n; i++) s2 += w[i] * (y[i] - s1) * (y[i] - s1);
    double spread = s2 > 1e-30 ? sqrt(s2) : 0;
    for (size_t i = 0; i < x->n; i++) y[i] = spread > 0 ? (y[i] - s1) / spread : 0;
    *mean = s1 * unit;
    *sd = spread * unit;
    return y;
}

size_t aml_rows_chunk(size_t width) {
    size_t rows = 32768 / (width + 1);
    return rows < 32 ? 32 : rows > 512 ? 512 : rows / 8 * 8;
}

aml_status aml_sum_init(aml_sum *s, size_t n, size_t d, size_t chunk, size_t room, aml_ctx *ctx) {
    size_t n_parts = PARTS_BUDGET / (d + 1);
    n_parts = n_parts < FEWEST_PARTS ? FEWEST_PARTS : n_parts > MOST_PARTS ? MOST_PARTS : n_parts;
    size_t part = (n + n_parts - 1) / n_parts;
    part = (part + chunk - 1) / chunk * chunk;
    if (!part) part = chunk;
    n_parts = (n + part - 1) / part;
    size_t n_threads = ctx->n_threads > 1 ? (size_t)ctx->n_threads : 1;
    if (n_threads > n_parts) n_threads = n_parts;
    room = (room + 7) / 8 * 8;
    *s = (aml_sum){.n = n, .d = d, .chunk = chunk, .part = part, .room = room};
    s->parts = aml_alloc_raw(ctx->scratch, n_parts * d, sizeof *s->parts);
    s->scratch = aml_alloc_raw(ctx->scratch, n_threads * room, sizeof *s->scratch);
    return s->parts && s->scratch ? AML_OK : AML_ENOMEM;
}

typedef struct run {
    const aml_sum *sum;
    aml_sum_fn fn;
    void *arg;
    const aml_ctx *ctx;
    atomic_bool stopped;
} run;

static void run_part(void *arg, size_t block, size_t begin, size_t end, int thread) {
    run *r = arg;
    const aml_sum *s = r->sum;
    double *sum = s->parts + block * s->d;
    memset(sum, 0, s->d * sizeof *sum);
    for (size_t at = begin; at < end; at += s->chunk) {
        if (aml_should_stop(r->ctx)) atomic_store(&r->stopped, true);
        if (atomic_load(&r->stopped)) return;
        size_t to = at + s->chunk < end ? at + s->chunk : end;
        r->fn(sum, r->arg, at, to, s->scratch + (size_t)thread * s->room);
    }
}

aml_status aml_sum_run(double *out, aml_sum *s, aml_sum_fn fn, void *arg, aml_ctx *ctx) {
    run r = {.sum = s, .fn = fn, .arg = arg, .ctx = ctx};
    atomic_init(&r.stopped, false);
    aml_par_for(ctx->n_threads, s->n, s->part, run_part, &r);
    if (atomic_load(&r.stopped)) return aml_stopped();
    if (!s->n) memset(out, 0, s->d * sizeof *out);
    else memcpy(out, s->parts, s->d * sizeof *out);
    for (size_t block = 1; block * s->part < s->n; block++)
        for (size_t j = 0; j < s->d; j++) out[j] += s->parts[block * s->d + j];
    return AML_OK;
}

typedef struct scan {
    const aml_data *x;
    atomic_bool bad;
} scan;

AML_KERNEL bool within_limit(const float *row, size_t p) {
    int outside = 0;
    for (size_t j = 0; j < p; j++) outside |= !(fabsf(row[j]) <= AML_ROWS_LIMIT);
    return !outside;
}

static bool within_plain(const float *row, size_t p) { return within_limit(row, p); }

AML_AVX2 static bool within_avx2(const float *row, size_t p) { return within_limit(row, p); }

static void scan_rows(void *arg, size_t block, size_t begin, size_t end, int thread) {
    scan *s = arg;
    const aml_design *d = s->x->x;
    bool (*within)(const float *, size_t) = aml_has_avx2() ? within_avx2 : within_plain;
    (void)block, (void)thread;
    for (size_t i = begin; i < end && !atomic_load(&s->bad); i++)
        if (!within(d->dense + s->x->rows[i] * d->p, d->p)) atomic_store(&s->bad, true);
}

bool aml_rows_plain(const aml_data *x, aml_ctx *ctx) {
    scan s = {.x = x};
    if (!x->x->dense) return false;
    atomic_init(&s.bad, false);
    aml_par_for(ctx->n_threads, x->n, 1024, scan_rows, &s);
    return !atomic_load(&s.bad);
}

bool aml_rows_near(const double *center, const double *sd, size_t p) {
    for (size_t j = 0; j < p; j++)
        if (fabs(center[j]) > FAR * sd[j]) return false;
    return true;
}

typedef struct moments {
    const aml_data *x;
    const double *w, *shift;
} moments;

AML_KERNEL void moment_row(double *restrict s1, double *restrict s2, const float *restrict row,
                           const double *restrict shift, double w, size_t p) {
    for (size_t j = 0; j < p; j++) {
        double v = (double)aml_rows_value(row[j]) - shift[j], wv = w * v;
        s1[j] += wv;
        s2[j] += wv * v;
    }
}

AML_BEST(moment_row,
         (double *s1, double *s2, const float *row, const double *shift, double w, size_t p),
         (s1, s2, row, shift, w, p))

static void add_moments(double *sum, void *arg, size_t begin, size_t end, double *scratch) {
    const moments *m = arg;
    const aml_design *d = m->x->x;
    size_t p = d->p;
    float *block = (float *)scratch;
    if (!d->dense) aml_rows_floats(block, m->x, begin, end);
    for (size_t i = begin; i < end; i++) {
        const float *row = d->dense ? d->dense + m->x->rows[i] * p : block + (i - begin) * p;
        moment_row_best(sum, sum + p, row, m->shift, m->w[i], p);
    }
}

/* Shifted by the first row, so that a constant column has spread 0 exactly and a far mean costs no
 * digits. */
aml_status aml_rows_moments(double *mean, double *sd, const aml_data *x, const double *w,
                            double total, aml_ctx *ctx) {
    size_t p = x->x->p, chunk = aml_rows_chunk(p);
    aml_mark mark = aml_arena_mark(ctx->scratch);
    aml_sum s;
    double *sum = aml_alloc_raw(ctx->scratch, 2 * p, sizeof *sum),
           *shift = AML_ARRAY(ctx->scratch, p, double);
    if (!sum || !shift) return AML_ENOMEM;
    if (x->n) aml_rows_doubles(shift, x, NULL, 0, 1);
    AML_TRY(aml_sum_init(&s, x->n, 2 * p, chunk, chunk * p, ctx));
    AML_TRY(aml_sum_run(sum, &s, add_moments, &(moments){x, w, shift}, ctx));
    for (size_t j = 0; j < p; j++) {
        double d = sum[j] / total, variance = sum[p + j] / total - d * d;
        mean[j] = shift[j] + d;
        sd[j] = variance > 0 ? sqrt(variance) : 0;
    }
    aml_arena_release(ctx->scratch, mark);
    return AML_OK;
}
