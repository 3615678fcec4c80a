/* step_fixture.h: a table of everything for the tests of featurization steps, whose rows are functions
 * of seeds of their own, and tables as bytes. */
#ifndef AML_TESTS_STEP_FIXTURE_H
#define AML_TESTS_STEP_FIXTURE_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "automl/engine/catalog.h"

enum { N = 240, N_FIT = 160, N_COLUMNS = 14, N_TEXT = 64, N_SPARSE = 7 };

/* ---- a table of everything; a row is a function of its own seed */

typedef struct fixture {
    aml_arena *arena;
    size_t n;
    float number[6][N];
    int32_t code[4][N];
    double time[2][N];
    char text[2][N][N_TEXT];
    char bytes[2][N * N_TEXT];
    uint64_t offset[2][N + 1], start[N + 1];
    uint32_t column[N * N_SPARSE];
    float value[N * N_SPARSE];
    double y[N], w[N];
    uint32_t rows[N];
    aml_feature features[N_COLUMNS];
    aml_csr csr;
    aml_table table;
    aml_data target;
} fixture;

static const char *const cities[] = {"Rome", "Oslo", "Bern", "Riga", "Lima", "Kiel",
                                     "Graz", "Linz", "Nice", "Lyon", "Cork", "Bonn"};
static const char *const words[] = {"the", "Quick", "brown", "fox", "jumps",  "over", "LAZY",
                                    "dog", "42",    "ждет",  "été", "don't!", "猫犬", "\xff\xfe"};

static inline void fill_numbers(fixture *x, size_t i, aml_rng *r) {
    double z = aml_rng_normal(r), scale = pow(10, 60 * aml_rng_uniform(r) - 22);
    x->number[0][i] = aml_rng_below(r, 5) ? (float)z : NAN;
    x->number[1][i] = (float)fmax(fmin(z * scale, 3e38), -3e38);
    x->number[2][i] = 7;
    x->number[3][i] = NAN;
    x->number[4][i] = (float)exp(1 + z);
    x->number[5][i] = (float)aml_rng_below(r, 3) + (float)z * 0.5f;
}

static inline void fill_codes(fixture *x, size_t i, bool fit, aml_rng *r) {
    uint32_t skewed = aml_rng_below(r, 1 + aml_rng_below(r, 60));
    x->code[0][i] = (int32_t)aml_rng_below(r, 12);
    if (!aml_rng_below(r, 9)) x->code[0][i] = -1;
    if (!fit && !aml_rng_below(r, 9)) x->code[0][i] = -2;
    x->code[1][i] = (int32_t)aml_rng_below(r, 2);
    x->code[2][i] = -1;
    x->code[3][i] = (int32_t)skewed;
}

static inline void fill_text(fixture *x, size_t k, size_t i, aml_rng *r) {
    char *to = x->text[k][i];
    size_t n_words = aml_rng_below(r, 8), at = 0;
    to[0] = 0;
    for (size_t w = 0; w < n_words && at < N_TEXT - 20; w++)
        at += (size_t)snprintf(to + at, N_TEXT - at, "%s%s", words[aml_rng_below(r, 14)],
                               aml_rng_below(r, 3) ? " " : ", ");
}

static inline void fill_row(fixture *x, size_t i, uint64_t seed, bool fit) {
    aml_rng r = aml_rng_stream(seed, AML_RNG_TEST, i, 0);
    fill_numbers(x, i, &r);
    fill_codes(x, i, fit, &r);
    x->time[0][i] = aml_rng_below(&r, 7) ? floor(3e8 * aml_rng_normal(&r)) : NAN;
    x->time[1][i] = 86400.0 * 365;
    fill_text(x, 0, i, &r);
    fill_text(x, 1, i, &r);
    x->y[i] = (double)aml_rng_below(&r, 3);
    x->w[i] = 0.5 + aml_rng_uniform(&r);
    for (uint32_t c = 0; c < N_SPARSE; c++) /* width 7, any pattern; stitched in finish() */
        x->value[i * N_SPARSE + c] = aml_rng_below(&r, 2) ? (float)aml_rng_normal(&r) : 0;
}

static inline void finish_sparse(fixture *x) {
    size_t at = 0;
    for (size_t i = 0; i < x->n; i++) {
        x->start[i] = at;
        for (uint32_t c = 0; c < N_SPARSE; c++) {
            float v = x->value[i * N_SPARSE + c];
            if (v == 0) continue;
            x->column[at] = c;
            x->value[at++] = v;
        }
    }
    x->start[x->n] = at;
    x->csr = (aml_csr){x->n, N_SPARSE, x->start, x->column, x->value};
}

static inline void finish_text(fixture *x, size_t k) {
    size_t at = 0;
    for (size_t i = 0; i < x->n; i++) {
        size_t n = strlen(x->text[k][i]);
        x->offset[k][i] = at;
        memcpy(x->bytes[k] + at, x->text[k][i], n);
        at += n;
    }
    x->offset[k][x->n] = at;
}

static inline void finish(fixture *x, aml_task_kind task) {
    static const char *const names[] = {"num", "big", "constant", "gone", "skew", "mixed"};
    aml_feature *f = x->features;
    for (uint32_t j = 0; j < 6; j++)
        *f++ = (aml_feature){.name = names[j], .kind = AML_NUMBER, .x = x->number[j], .source = j};
    *f++ = (aml_feature){.name = "city",
                         .kind = AML_CATEGORY,
                         .code = x->code[0],
                         .n_levels = 12,
                         .levels = cities,
                         .source = 6};
    *f++ = (aml_feature){.name = "flag",
                         .kind = AML_CATEGORY,
                         .code = x->code[1],
                         .n_levels = 2,
                         .levels = cities,
                         .source = 7};
    *f++ = (aml_feature){.name = "none", .kind = AML_CATEGORY, .code = x->code[2], .source = 8};
    *f++ = (aml_feature){
        .name = "many", .kind = AML_CATEGORY, .code = x->code[3], .n_levels = 60, .source = 9};
    for (uint32_t k = 0; k < 2; k++)
        *f++ = (aml_feature){.name = k ? "fixed" : "when",
                             .kind = AML_DATETIME,
                             .time = x->time[k],
                             .source = 10 + k};
    for (uint32_t k = 0; k < 2; k++) {
        finish_text(x, k);
        *f++ = (aml_feature){.name = k ? "note" : "text",
                             .kind = AML_TEXT,
                             .bytes = x->bytes[k],
                             .offset = x->offset[k],
                             .list = k ? ',' : 0,
                             .source = 12 + k};
    }
    finish_sparse(x);
    x->table = (aml_table){.n = x->n, .p = N_COLUMNS, .features = x->features, .csr = &x->csr};
    x->target.task = task;
    x->target.n_classes = task == AML_REGRESSION ? 0 : task == AML_BINARY ? 2 : 3;
    for (size_t i = 0; task == AML_BINARY && i < x->n; i++) x->y[i] = x->y[i] > 0;
}

static inline bool is_fit_row(size_t i) { return i % 3 != 2; }

/* Rows with i % 3 != 2 are fitted on and come from seed a, the others from seed b. */
static inline fixture *make(size_t n, uint64_t a, uint64_t b, aml_task_kind task) {
    aml_arena *arena = aml_arena_new(NULL);
    assert_non_null(arena);
    fixture *x = AML_NEW(arena, fixture);
    assert_non_null(x);
    x->arena = arena;
    x->n = n;
    for (size_t i = 0; i < n; i++) {
        fill_row(x, i, is_fit_row(i) ? a : b, is_fit_row(i));
        if (is_fit_row(i)) x->rows[x->target.n++] = (uint32_t)i;
    }
    x->target.rows = x->rows;
    x->target.y = x->y;
    x->target.w = x->w;
    finish(x, task);
    return x;
}

static inline void drop(fixture *x) { aml_arena_free(x->arena); }

/* ---- calling steps */

typedef struct bench {
    aml_arena *keep, *scratch;
    aml_ctx ctx;
} bench;

static inline bench open_bench(int n_threads) {
    bench b = {.keep = aml_arena_new(NULL), .scratch = aml_arena_new(NULL)};
    b.ctx = (aml_ctx){.keep = b.keep,
                      .scratch = b.scratch,
                      .n_threads = n_threads,
                      .rng = aml_rng_stream(5, AML_RNG_STEP, 1, 2)};
    return b;
}

static inline void close_bench(bench *b) {
    aml_arena_free(b->keep);
    aml_arena_free(b->scratch);
}

static inline aml_status load_bytes(void **state, const aml_step *s, const void *data, size_t size,
                                    aml_ctx *ctx) {
    aml_reader r = {.data = data, .size = size, .file = "test"};
    aml_status status = s->load(state, &r, ctx);
    return status ? status : r.status;
}

static inline void write_csr(aml_writer *w, const aml_csr *c) {
    for (size_t i = 0; i <= c->n; i++) aml_put_u64(w, c->start[i]);
    aml_put_u64(w, c->p);
    aml_put_u32s(w, c->column, c->start[c->n]);
    aml_put_f32s(w, c->value, c->start[c->n]);
}

static inline void write_feature(aml_writer *w, const aml_feature *f, size_t n) {
    aml_put_string(w, f->name);
    aml_put_u32(w, (uint32_t)f->kind);
    aml_put_u32(w, f->source);
    aml_put_u32(w, f->kind == AML_CATEGORY ? f->n_levels : 0);
    for (size_t l = 0; f->kind == AML_CATEGORY && f->levels && l < f->n_levels; l++)
        aml_put_string(w, f->levels[l]);
    for (size_t i = 0; i < n; i++) {
        if (f->kind == AML_NUMBER) aml_put_f32(w, f->x[i]);
        if (f->kind == AML_CATEGORY) aml_put_u32(w, (uint32_t)f->code[i]);
        if (f->kind == AML_DATETIME) aml_put_f64(w, f->time[i]);
        if (f->kind == AML_TEXT)
            aml_put_bytes(w, f->bytes + f->offset[i], f->offset[i + 1] - f->offset[i]);
    }
}

/* All that a table says, as bytes. */
static inline void write_table(aml_writer *w, const aml_table *t) {
    aml_put_u64(w, t->n);
    aml_put_u64(w, t->p);
    for (size_t j = 0; j < t->p; j++) write_feature(w, &t->features[j], t->n);
    aml_put_u8(w, t->csr != NULL);
    if (t->csr) write_csr(w, t->csr);
}

static inline void assert_same_bytes(const aml_writer *a, const aml_writer *b) {
    assert_int_equal(a->status, AML_OK);
    assert_int_equal(b->status, AML_OK);
    assert_int_equal(a->size, b->size);
    assert_memory_equal(a->data, b->data, a->size);
}

static inline void assert_same_table(const aml_table *a, const aml_table *b) {
    aml_writer x = {0}, y = {0};
    write_table(&x, a);
    write_table(&y, b);
    assert_same_bytes(&x, &y);
    aml_writer_free(&x);
    aml_writer_free(&y);
}

#endif
