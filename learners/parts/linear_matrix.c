/* linear_matrix.c: products with dense and sparse features, by row and by column. */
#include "learners/parts/linear_matrix.h"

#include "automl/core/par.h"
#include "learners/parts/simd.h"

#include <string.h>

enum { ROWS = 256, COLUMN_BLOCKS = 64 };

/* Sum of value * in[at], in four sums that do not wait for each other; of value² when squared. */
AML_KERNEL double sum_of(const double *in, const uint32_t *at, const float *value, size_t n,
                         bool squared) {
    double s[4] = {0};
    size_t e = 0;
    for (; e + 4 <= n; e += 4)
        for (size_t l = 0; l < 4; l++) {
            double v = (double)value[e + l];
            s[l] += (squared ? v * v : v) * in[at[e + l]];
        }
    for (; e < n; e++) {
        double v = (double)value[e];
        s[0] += (squared ? v * v : v) * in[at[e]];
    }
    return (s[0] + s[1]) + (s[2] + s[3]);
}

/* Rows of a column upwards: the sums over them have one order. */
static aml_status turn(aml_linear_matrix *m, aml_ctx *ctx) {
    size_t total = 0, entries;
    const uint32_t *column;
    const float *value;
    m->start = AML_ARRAY(ctx->scratch, m->q + 1, size_t);
    if (!m->start) return AML_ENOMEM;
    size_t *at =
        m->start + 1; /* counts, then where the next entry of a column goes: its end at last */
    for (size_t i = 0; i < m->n; i++, total += entries) {
        entries = aml_rows_entries(&column, &value, m->x, i);
        for (size_t e = 0; e < entries; e++) at[column[e]]++;
    }
    if (aml_should_stop(ctx)) return aml_stopped();
    m->position = aml_alloc_raw(ctx->scratch, total, sizeof *m->position);
    m->value = aml_alloc_raw(ctx->scratch, total, sizeof *m->value);
    if (!m->position || !m->value) return AML_ENOMEM;
    for (size_t j = 0, sum = 0; j < m->q; j++) {
        size_t count = at[j];
        at[j] = sum;
        sum += count;
    }
    for (size_t i = 0; i < m->n; i++) {
        entries = aml_rows_entries(&column, &value, m->x, i);
        for (size_t e = 0; e < entries; e++) {
            size_t to = at[column[e]]++;
            m->position[to] = (uint32_t)i;
            m->value[to] = aml_rows_value(value[e]);
            m->plain &= m->value[to] == value[e];
        }
    }
    return aml_should_stop(ctx) ? aml_stopped() : AML_OK;
}

aml_status aml_linear_matrix_init(aml_linear_matrix *m, const aml_data *x, const double *center,
                                  size_t k, aml_ctx *ctx) {
    size_t p = x->x->p, chunk = aml_rows_chunk(p + k);
    *m = (aml_linear_matrix){.x = x,
                             .n = x->n,
                             .p = p,
                             .q = aml_rows_sparse(x),
                             .k = k,
                             .center = center,
                             .plain = true};
    if (m->q) AML_TRY(turn(m, ctx));
    return aml_sum_init(&m->pass, m->n, (p + 1) * k, chunk, chunk * p, ctx);
}

typedef struct job {
    const aml_linear_matrix *m;
    double *out;
    const double *in; /* coefficients, or n × k */
    bool squared;
    const aml_ctx *ctx;
    atomic_bool stopped;
} job;

AML_KERNEL void add_row(double *restrict z, const double *coef, const uint32_t *column,
                        const float *value, size_t entries, size_t k) {
    for (size_t e = 0; e < entries; e++) {
        const double *from = coef + column[e] * k, v = (double)aml_rows_value(value[e]);
        for (size_t c = 0; c < k; c++) z[c] += v * from[c];
    }
}

AML_BEST(add_row,
         (double *z, const double *coef, const uint32_t *column, const float *value, size_t entries,
          size_t k),
         (z, coef, column, value, entries, k))

double aml_linear_row_dot(const double *coef, const uint32_t *column, const float *value,
                          size_t entries) {
    return sum_of(coef, column, value, entries, false);
}

void aml_linear_row_add(double *z, const double *coef, const uint32_t *column, const float *value,
                        size_t entries, size_t k) {
    add_row_best(z, coef, column, value, entries, k);
}

static void row_product(double *z, const aml_linear_matrix *m, const double *coef, size_t i) {
    const aml_design *d = m->x->x;
    size_t k = m->k, row = m->x->rows[i], entries;
    const uint32_t *column;
    const float *value;
    for (size_t j = 0; j < m->p; j++, coef += k) {
        float f = aml_rows_value(d->dense ? d->dense[row * m->p + j] : d->column[j][row]);
        double v = (double)f - m->center[j];
        for (size_t c = 0; c < k; c++) z[c] += v * coef[c];
    }
    if (!m->q) return;
    entries = aml_rows_entries(&column, &value, m->x, i);
    if (k == 1 && m->plain) {
        z[0] += sum_of(coef, column, value, entries, false);
        return;
    }
    if (k == 1) {
        double sum = 0;
        for (size_t e = 0; e < entries; e++)
            sum += (double)aml_rows_value(value[e]) * coef[column[e]];
        z[0] += sum;
        return;
    }
    add_row_best(z, coef, column, value, entries, k);
}

static bool stopped(job *b) {
    if (aml_should_stop(b->ctx)) atomic_store(&b->stopped, true);
    return atomic_load(&b->stopped);
}

static void product_rows(void *arg, size_t block, size_t begin, size_t end, int thread) {
    job *b = arg;
    const aml_linear_matrix *m = b->m;
    (void)block, (void)thread;
    if (stopped(b)) return;
    for (size_t i = begin; i < end; i++) {
        double *z = b->out + i * m->k;
        memcpy(z, b->in + (m->p + m->q) * m->k, m->k * sizeof *z);
        row_product(z, m, b->in, i);
    }
}

aml_status aml_linear_matrix_product(double *z, const aml_linear_matrix *m, const double *coef,
                                     aml_ctx *ctx) {
    job b = {.m = m, .out = z, .in = coef, .ctx = ctx};
    atomic_init(&b.stopped, false);
    aml_par_for(ctx->n_threads, m->n, ROWS, product_rows, &b);
    return atomic_load(&b.stopped) ? aml_stopped() : AML_OK;
}

AML_KERNEL void add_column(double *restrict g, const double *s, const aml_linear_matrix *m,
                           size_t j, bool squared) {
    size_t k = m->k;
    for (size_t c = 0; c < k; c++) g[c] = 0;
    for (size_t e = m->start[j]; e < m->start[j + 1]; e++) {
        const double *from = s + m->position[e] * k;
        double v = (double)m->value[e];
        if (squared) v *= v;
        for (size_t c = 0; c < k; c++) g[c] += v * from[c];
    }
}

AML_BEST(add_column,
         (double *g, const double *s, const aml_linear_matrix *m, size_t j, bool squared),
         (g, s, m, j, squared))

static double one_column(const double *s, const aml_linear_matrix *m, size_t j, bool squared) {
    size_t from = m->start[j], n = m->start[j + 1] - from;
    return squared ? sum_of(s, m->position + from, m->value + from, n, true)
                   : sum_of(s, m->position + from, m->value + from, n, false);
}

static void sparse_columns(void *arg, size_t block, size_t begin, size_t end, int thread) {
    job *b = arg;
    const aml_linear_matrix *m = b->m;
    (void)block, (void)thread;
    if (stopped(b)) return;
    for (size_t j = begin; j < end; j++) {
        double *g = b->out + j * m->k;
        if (m->k == 1) *g = one_column(b->in, m, j, b->squared);
        else add_column_best(g, b->in, m, j, b->squared);
    }
}

static void add_dense(double *sum, void *arg, size_t begin, size_t end, double *scratch) {
    const job *b = arg;
    const aml_linear_matrix *m = b->m;
    size_t p = m->p, k = m->k;
    const double *x = scratch, *s = b->in + begin * k;
    if (p) aml_rows_doubles(scratch, m->x, m->center, begin, end);
    for (size_t i = begin; i < end; i++, x += p, s += k) {
        for (size_t j = 0; j < p; j++) {
            double v = b->squared ? x[j] * x[j] : x[j];
            for (size_t c = 0; c < k; c++) sum[j * k + c] += v * s[c];
        }
        for (size_t c = 0; c < k; c++) sum[p * k + c] += s[c];
    }
}

static aml_status transposed(double *g, aml_linear_matrix *m, const double *s, bool squared,
                             aml_ctx *ctx) {
    size_t p = m->p, q = m->q, k = m->k, block = q / COLUMN_BLOCKS + 1;
    job b = {.m = m, .out = g + p * k, .in = s, .squared = squared, .ctx = ctx};
    atomic_init(&b.stopped, false);
    AML_TRY(aml_sum_run(g, &m->pass, add_dense, &b, ctx));
    memmove(g + (p + q) * k, g + p * k, k * sizeof *g); /* the intercepts go behind */
    if (q) aml_par_for(ctx->n_threads, q, block, sparse_columns, &b);
    return atomic_load(&b.stopped) ? aml_stopped() : AML_OK;
}

aml_status aml_linear_matrix_transposed(double *g, aml_linear_matrix *m, const double *s,
                                        aml_ctx *ctx) {
    return transposed(g, m, s, false, ctx);
}

aml_status aml_linear_matrix_squares(double *g, aml_linear_matrix *m, const double *s,
                                     aml_ctx *ctx) {
    return transposed(g, m, s, true, ctx);
}
