/* vocabulary_weigh.c: rows of text to sparse weights of the terms that count. */
#include <math.h>
#include <string.h>

#include "featurize/parts/each.h"
#include "featurize/parts/sparse.h"
#include "featurize/parts/table.h"
#include "featurize/parts/vocabulary.h"

enum { ROWS = 256 };
static const char *const set_prefixes[AML_TERM_SETS] = {"~word", "~char"};

/* The entries of ROWS rows, in the arena or, where that is NULL, on the heap. */
typedef struct entries {
    uint32_t *column;
    float *value;
    size_t n, room;
    aml_arena *arena;
} entries;

typedef struct apply_job {
    const aml_vocabulary *s;
    const aml_table *x;
    uint64_t *start;
    uint32_t *column;
    float *value;
    entries *blocks;
    aml_terms *terms, *other; /* one a thread */
    float **form;             /* AML_TEXT_FORM for each text column in turn, or NULL */
} apply_job;

static void *grown(void *old, size_t n, size_t room, size_t size, aml_arena *arena) {
    if (!arena) return aml_realloc(old, room * size);
    void *more = aml_alloc_raw(arena, room, size);
    if (more && n) memcpy(more, old, n * size);
    return more;
}

static aml_status grow(entries *e, size_t more) {
    if (e->room - e->n >= more) return AML_OK;
    size_t room = 2 * e->room + more + (e->arena ? 64 : 1024);
    uint32_t *column = grown(e->column, e->n, room, sizeof *column, e->arena);
    if (column) e->column = column;
    float *value = grown(e->value, e->n, room, sizeof *value, e->arena);
    if (value) e->value = value;
    if (!column || !value) return AML_ENOMEM;
    e->room = room;
    return AML_OK;
}

/* Appends the weights of sorted term numbers, scaled to length 1. */
static aml_status append(entries *e, const aml_vocabulary *s, const aml_term_set *c,
                         const uint32_t *term, size_t n) {
    size_t begin = e->n;
    double squares = 0;
    AML_TRY(grow(e, n));
    for (size_t i = 0, j; i < n; i = j) {
        for (j = i + 1; j < n && term[j] == term[i];) j++;
        double tf = s->sublinear ? 1 + log((double)(j - i)) : (double)(j - i);
        double weight = tf * c->idf[term[i]];
        squares += weight * weight;
        e->column[e->n] = c->first + term[i];
        e->value[e->n++] = (float)weight;
    }
    double scale = squares > 0 ? 1 / sqrt(squares) : 0;
    for (size_t k = begin; k < e->n; k++) e->value[k] = (float)(e->value[k] * scale);
    return AML_OK;
}

static void put_form(float **form, const aml_text_counts *c, size_t row) {
    double chars = c->chars ? (double)c->chars : 1;
    form[0][row] = (float)log1p((double)c->chars);
    form[1][row] = (float)log1p((double)c->words);
    form[2][row] = (float)((double)c->digits / chars);
    form[3][row] = (float)((double)c->upper / chars);
    form[4][row] = (float)((double)c->punctuation / chars);
}

static aml_status one_set(const apply_job *u, entries *e, aml_text_counts *counts, size_t j,
                          size_t set, size_t row, int thread) {
    aml_terms *t = &u->terms[thread], *other = &u->other[thread];
    const aml_term_set *c = &u->s->set[AML_TERM_SETS * j + set];
    const char *text;
    size_t n, known = 0;
    aml_text_cell(&text, &n, &u->x->features[j], row);
    AML_TRY(aml_text_terms(t, counts, text, n, aml_set_terms[set]));
    for (size_t k = 0; k < t->n; k++) {
        uint32_t place = c->place[t->hash[k] >> (32 - u->s->bits)];
        if (place != UINT32_MAX) t->hash[known++] = place;
    }
    AML_TRY(aml_terms_room(other, known));
    aml_sort_terms(t->hash, other->hash, known);
    return append(e, u->s, c, t->hash, known);
}

static aml_status one_cell(const apply_job *u, entries *e, size_t j, size_t nth, size_t row,
                           int thread) {
    aml_text_counts counts = {0};
    for (size_t set = 0; set < AML_TERM_SETS; set++)
        if (aml_vocabulary_has(u->s, j, set)) AML_TRY(one_set(u, e, &counts, j, set, row, thread));
    if (u->form) put_form(u->form + nth * AML_TEXT_FORM, &counts, row);
    return AML_OK;
}

static aml_status weigh(void *arg, size_t block, int thread) {
    const apply_job *u = arg;
    size_t end = (block + 1) * ROWS < u->x->n ? (block + 1) * ROWS : u->x->n;
    entries *e = &u->blocks[block];
    for (size_t i = block * ROWS; i < end; i++) {
        size_t before = e->n, nth = 0;
        for (size_t j = 0; j < u->x->p; j++)
            if (u->x->features[j].kind == AML_TEXT) AML_TRY(one_cell(u, e, j, nth++, i, thread));
        u->start[i + 1] = e->n - before;
    }
    return AML_OK;
}

static aml_status collect(void *arg, size_t block, int thread) {
    const apply_job *u = arg;
    const entries *e = &u->blocks[block];
    (void)thread;
    if (!e->n) return AML_OK;
    memcpy(u->column + u->start[block * ROWS], e->column, e->n * sizeof *e->column);
    memcpy(u->value + u->start[block * ROWS], e->value, e->n * sizeof *e->value);
    return AML_OK;
}

/* A block for each set of terms of each text column. */
static aml_status describe(aml_block **out, size_t *n, const apply_job *u, size_t texts,
                           aml_ctx *ctx) {
    aml_block *block = *out = AML_ARRAY(ctx->scratch, AML_TERM_SETS * texts, aml_block);
    if (!block) return AML_ENOMEM;
    for (size_t e = 0; e < AML_TERM_SETS * u->x->p; e++) {
        const aml_feature *f = &u->x->features[e / AML_TERM_SETS];
        if (!aml_vocabulary_has(u->s, e / AML_TERM_SETS, e % AML_TERM_SETS)) continue;
        block->prefix = aml_feature_name(ctx->keep, f->name, set_prefixes[e % AML_TERM_SETS], "");
        block->source = f->source;
        block->n_columns = (uint32_t)u->s->set[e].n_terms;
        if (!block++->prefix) return AML_ENOMEM;
    }
    *n = (size_t)(block - *out);
    return AML_OK;
}

static aml_status sparse_columns(aml_table *out, apply_job *u, size_t texts, aml_ctx *ctx) {
    size_t n = u->x->n, blocks = (n + ROWS - 1) / ROWS;
    aml_arena *arena = aml_csr_arena(u->x->csr, ctx);
    AML_TRY(aml_each(ctx, blocks, weigh, u));
    aml_csr_starts(u->start, n);
    u->column = aml_alloc_raw(arena, u->start[n], sizeof *u->column);
    u->value = aml_alloc_raw(arena, u->start[n], sizeof *u->value);
    if (!u->column || !u->value) return AML_ENOMEM;
    AML_TRY(aml_each(ctx, blocks, collect, u));
    aml_csr fresh = {n, u->s->n_new, u->start, u->column, u->value};
    aml_block *described;
    size_t n_described;
    AML_TRY(describe(&described, &n_described, u, texts, ctx));
    return aml_sparse_add(out, u->x, &fresh, described, n_described, ctx);
}

/* One thread works in the arena, so that a row costs no calls of malloc; several on the heap. */
static void choose_arena(apply_job *u, size_t threads, size_t blocks, aml_ctx *ctx) {
    aml_arena *arena = threads == 1 ? ctx->scratch : NULL;
    for (size_t t = 0; t < threads; t++) u->terms[t].arena = u->other[t].arena = arena;
    for (size_t k = 0; k < blocks; k++) u->blocks[k].arena = arena;
}

static void free_rooms(apply_job *u, size_t threads, size_t blocks) {
    for (size_t t = 0; t < threads; t++) {
        aml_terms_free(&u->terms[t]);
        aml_terms_free(&u->other[t]);
    }
    for (size_t k = 0; k < blocks && !u->blocks[k].arena; k++) {
        aml_free(u->blocks[k].column);
        aml_free(u->blocks[k].value);
    }
}

aml_status aml_vocabulary_weigh(aml_table *out, const aml_vocabulary *v, const aml_table *x,
                                float **form, aml_ctx *ctx) {
    size_t threads = (size_t)ctx->n_threads, texts = aml_table_count(x, AML_TEXT);
    size_t blocks = (x->n + ROWS - 1) / ROWS;
    apply_job u = {.s = v, .x = x, .form = form};
    if (!texts) return AML_OK;
    u.start = AML_ARRAY(aml_csr_arena(x->csr, ctx), x->n + 1, uint64_t);
    u.blocks = AML_ARRAY(ctx->scratch, blocks, entries);
    u.terms = AML_ARRAY(ctx->scratch, threads, aml_terms);
    u.other = AML_ARRAY(ctx->scratch, threads, aml_terms);
    if (!u.start || !u.blocks || !u.terms || !u.other) return AML_ENOMEM;
    choose_arena(&u, threads, blocks, ctx);
    aml_status status = sparse_columns(out, &u, texts, ctx);
    free_rooms(&u, threads, blocks);
    return status;
}
