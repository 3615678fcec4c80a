/* missing_pattern.c: the number of missing cells of a row, and a category for each frequent set of columns that
 * are missing together. */
#include <math.h>

#include "automl/core/sort.h"
#include "automl/core/text.h"
#include "featurize/parts/each.h"
#include "featurize/parts/signature.h"
#include "featurize/parts/table.h"

enum { ROWS = 1024, MOST_PATTERNS = 1000 };

static const aml_param params[] = {{.name = "max_patterns",
                                    .summary = "At most this many of the most frequent patterns",
                                    .kind = AML_INT,
                                    .log = true,
                                    .lo = 1,
                                    .hi = MOST_PATTERNS,
                                    .fallback = 24},
                                   {0}};

typedef struct pattern_state {
    aml_signature signature;
    uint8_t *gaps; /* per column: has it missing cells? Others are not looked at */
    size_t n;      /* patterns with a level, by hash upwards */
    double *hash;
    bool adds; /* any column has missing cells */
} pattern_state;

static bool is_missing(const aml_feature *f, size_t i) {
    if (f->kind == AML_NUMBER) return isnan(f->x[i]);
    if (f->kind == AML_DATETIME) return isnan(f->time[i]);
    if (f->kind == AML_CATEGORY) return f->code[i] == -1;
    return f->offset[i] == f->offset[i + 1];
}

/* 52 bits of a hash of the set of missing columns, and its size. */
static double pattern_of(size_t *size, const aml_table *x, const uint8_t *gaps, size_t row) {
    uint64_t h = 1;
    *size = 0;
    for (size_t j = 0; j < x->p; j++) {
        if (!gaps[j] || !is_missing(&x->features[j], row)) continue;
        h = (h + j + 1) * 0x9FB21C651E98DF25u;
        h ^= h >> 29;
        ++*size;
    }
    return (double)(h >> 12);
}

typedef struct job {
    const aml_table *x;
    const uint32_t *rows; /* NULL = all of x */
    size_t n;
    uint8_t *gaps;
    const pattern_state *s;
    double *hash;
    float *count;
    int32_t *code;
} job;

static aml_status look(void *arg, size_t j, int thread) {
    const job *u = arg;
    (void)thread;
    for (size_t i = 0; !u->gaps[j] && i < u->n; i++)
        u->gaps[j] = is_missing(&u->x->features[j], u->rows[i]);
    return AML_OK;
}

static aml_status hash_rows(void *arg, size_t block, int thread) {
    const job *u = arg;
    size_t end = (block + 1) * ROWS < u->n ? (block + 1) * ROWS : u->n, size;
    (void)thread;
    for (size_t i = block * ROWS; i < end; i++)
        u->hash[i] = pattern_of(&size, u->x, u->gaps, u->rows[i]);
    return AML_OK;
}

/* The most frequent of the sorted hashes, upwards. */
static aml_status keep_frequent(pattern_state *s, const double *hash, size_t n, size_t most,
                                aml_ctx *ctx) {
    double *run = AML_ARRAY(ctx->scratch, n, double), *key = AML_ARRAY(ctx->scratch, n, double);
    uint32_t *order = AML_ARRAY(ctx->scratch, n, uint32_t);
    size_t runs = 0;
    if (!run || !key || !order) return AML_ENOMEM;
    for (size_t i = 0; i < n; i++) {
        if (!i || hash[i] != hash[i - 1]) run[runs++] = hash[i];
        key[runs - 1]--;
    }
    AML_TRY(aml_argsort(order, key, runs));
    s->n = runs < most ? runs : most;
    s->hash = AML_ARRAY(ctx->keep, s->n, double);
    if (!s->hash) return AML_ENOMEM;
    for (size_t k = 0; k < s->n; k++) s->hash[k] = run[order[k]];
    return aml_sort_f64(s->hash, s->n);
}

static aml_status fit(void **state, const aml_table *x, const aml_data *target, const double *hp,
                      aml_ctx *ctx) {
    pattern_state *s = AML_NEW(ctx->keep, pattern_state);
    if (!s) return AML_ENOMEM;
    AML_TRY(aml_signature_of(&s->signature, x, ctx->keep));
    s->gaps = AML_ARRAY(ctx->keep, x->p, uint8_t);
    job u = {.x = x, .rows = target->rows, .n = target->n, .gaps = s->gaps};
    u.hash = AML_ARRAY(ctx->scratch, target->n, double);
    if (!s->gaps || !u.hash) return AML_ENOMEM;
    *state = s;
    AML_TRY(aml_each(ctx, x->p, look, &u));
    for (size_t j = 0; j < x->p; j++) s->adds |= s->gaps[j];
    if (!s->adds) return AML_OK;
    AML_TRY(aml_each(ctx, (u.n + ROWS - 1) / ROWS, hash_rows, &u));
    AML_TRY(aml_sort_f64(u.hash, u.n));
    return keep_frequent(s, u.hash, u.n, (size_t)hp[0], ctx);
}

static int32_t level_of(const pattern_state *s, double hash) {
    size_t low = 0, high = s->n;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (s->hash[middle] < hash) low = middle + 1;
        else high = middle;
    }
    return low < s->n && s->hash[low] == hash ? (int32_t)low : -2;
}

static aml_status fill(void *arg, size_t block, int thread) {
    const job *u = arg;
    size_t end = (block + 1) * ROWS < u->n ? (block + 1) * ROWS : u->n, size;
    (void)thread;
    for (size_t i = block * ROWS; i < end; i++) {
        u->code[i] = level_of(u->s, pattern_of(&size, u->x, u->s->gaps, i));
        u->count[i] = (float)size;
    }
    return AML_OK;
}

static aml_status apply(aml_table *out, const void *state, const aml_table *x, aml_ctx *ctx) {
    const pattern_state *s = state;
    AML_TRY(aml_signature_check(&s->signature, x));
    aml_table_builder b = aml_table_begin(x, x->p + 2, ctx);
    for (size_t j = 0; j < x->p; j++) aml_table_share(&b, &x->features[j]);
    if (!s->adds) return aml_table_end(out, &b);
    aml_feature made = {
        .name = "missing.pattern", .n_levels = (uint32_t)s->n, .source = UINT32_MAX};
    job u = {.x = x, .n = x->n, .s = s};
    u.count = aml_table_number(&b, "missing.count", UINT32_MAX);
    u.code = aml_table_new_category(&b, &made);
    AML_TRY(aml_table_end(out, &b));
    return aml_each(ctx, (u.n + ROWS - 1) / ROWS, fill, &u);
}

static aml_status lower(aml_ir_table *out, const void *state, const aml_ir_table *x, aml_ir *ir) {
    const pattern_state *s = state;
    uint32_t *in = AML_ARRAY(ir->keep, x->n + 1, uint32_t), n = 0;
    aml_ir_columns b = aml_ir_columns_of(ir, x);
    for (size_t j = 0; j < x->n; j++) aml_ir_push(&b, x->column[j]);
    *out = b.to;
    if (!in) return AML_ENOMEM;
    if (!s->adds) return ir->status;
    for (size_t j = 0; j < x->n; j++)
        if (s->gaps[j]) in[n++] = x->column[j];
    aml_ir_op(ir, AML_OP_MISSING_PATTERN, in, n);
    uint32_t *place = aml_ir_new(ir, "place", AML_U32, n), k = 0;
    for (size_t j = 0; place && j < x->n; j++)
        if (s->gaps[j]) place[k++] = (uint32_t)j;
    aml_ir_array(ir, "hash", AML_F64, s->hash, s->n);
    aml_ir_push(&b, aml_ir_number(ir));
    aml_ir_push(&b, aml_ir_out(ir, AML_IR_CODE, s->n));
    *out = b.to;
    return ir->status;
}

static void save(const void *state, aml_writer *w) {
    const pattern_state *s = state;
    aml_signature_save(&s->signature, w);
    aml_put_u8s(w, s->gaps, s->signature.p);
    aml_put_f64s(w, s->hash, s->n);
}

static aml_status load(void **state, aml_reader *r, aml_ctx *ctx) {
    pattern_state *s = AML_NEW(ctx->keep, pattern_state);
    if (!s) return AML_ENOMEM;
    AML_TRY(aml_signature_load(&s->signature, r, ctx->keep));
    s->gaps = aml_get_u8s(r, ctx->keep, s->signature.p, NULL);
    s->hash = aml_get_f64s(r, ctx->keep, SIZE_MAX, &s->n);
    if (!s->gaps || !s->hash) return r->status;
    for (size_t j = 0; j < s->signature.p; j++) s->adds |= s->gaps[j] != 0;
    if (s->n > MOST_PATTERNS) return aml_reader_fail(r, "%zu patterns", s->n);
    for (size_t k = 0; k < s->n; k++)
        if (!(s->hash[k] >= 0) || (k && !(s->hash[k] > s->hash[k - 1])))
            return aml_reader_fail(r, "pattern %zu of missing cells", k);
    *state = s;
    return AML_OK;
}

extern const aml_step aml_step_missing_pattern;
const aml_step aml_step_missing_pattern = {
    .abi = AML_ABI,
    .name = "missing_pattern",
    .summary = "Adds how many cells of a row are missing, and which are missing together",
    .kinds = AML_NUMBER | AML_CATEGORY | AML_DATETIME | AML_TEXT,
    .params = AML_FIT(params),
    .fit = AML_FIT(fit),
    .apply = apply,
    .save = AML_FIT(save),
    .load = load,
    .lower = AML_FIT(lower),
};
