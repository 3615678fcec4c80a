/* text_hash.c: text becomes sparse TF-IDF weights of its hashed terms, and a few dense numbers about
 * its form.
 *
 * Weight of a term: tf · (log((1 + n) / (1 + df)) + 1), with tf = 1 + log(count) when sublinear;
 * the weights of a row have length 1, words and runs of characters of each text column apart. Only hash
 * values that at least min_df training rows have get a column, and of each of these sets at most
 * max_terms. */
#include <math.h>
#include <string.h>

#include "automl/core/sort.h"
#include "featurize/parts/each.h"
#include "featurize/parts/signature.h"
#include "featurize/parts/sparse.h"
#include "featurize/parts/table.h"
#include "featurize/parts/words.h"

enum { TERMS, BITS, MIN_DF, MAX_TERMS, SUBLINEAR, FORM };
enum { MIN_BITS = 10, MAX_BITS = 18, PARTS = 8, ROWS = 256, POLL = 16 };

static const char *const term_choices[] = {"words", "chars", "both", NULL};
static const char *const flag_choices[] = {"false", "true", NULL};
static const aml_param params[] = {
    {.name = "terms",
     .summary = "Words and word pairs, runs of 3 to 5 characters, or both",
     .kind = AML_CHOICE,
     .fallback = 0,
     .choices = term_choices},
    {.name = "bits",
     .summary = "Terms are hashed to 2^bits values",
     .kind = AML_INT,
     .lo = MIN_BITS,
     .hi = MAX_BITS,
     .fallback = 18},
    {.name = "min_df",
     .summary = "Rows that must have a term for it to count",
     .kind = AML_INT,
     .log = true,
     .lo = 1,
     .hi = 20,
     .fallback = 2},
    {.name = "max_terms",
     .summary = "Only this many of the most frequent words, and of the runs, count",
     .kind = AML_INT,
     .log = true,
     .lo = 100,
     .hi = 1 << MAX_BITS,
     .fallback = 100000},
    {.name = "sublinear",
     .summary = "Use 1 + log(count) in place of the count",
     .kind = AML_CHOICE,
     .fallback = 1,
     .choices = flag_choices},
    {.name = "form",
     .summary = "Add length, words and shares of digits, capitals, punctuation",
     .kind = AML_CHOICE,
     .fallback = 1,
     .choices = flag_choices},
    {0}};

enum { N_FORM = 5 };
static const char *const form_names[N_FORM] = {"length", "words", "digits", "capitals",
                                               "punctuation"};

typedef struct text_column {
    uint32_t *bucket; /* n_terms hash values, upwards */
    float *idf;
    size_t n_terms;
    uint32_t *place; /* 2^bits: number of the term, UINT32_MAX = none */
    uint32_t first;  /* column of term 0 among the new ones */
} text_column;

typedef struct text_state {
    aml_signature signature;
    uint8_t what, bits, sublinear, form;
    size_t n_new;
    text_column *column; /* SETS for each column: words, runs of characters */
} text_state;

enum { SETS = 2 };
static const unsigned set_terms[SETS] = {AML_WORD_TERMS, AML_CHAR_TERMS};
static const char *const set_prefixes[SETS] = {"~word", "~char"};

static bool has_set(const text_state *s, size_t j, size_t set) {
    return s->signature.kind[j] == AML_TEXT && (s->what & set_terms[set]);
}

static void cell(const char **text, size_t *n, const aml_feature *f, size_t row) {
    *n = (size_t)(f->offset[row + 1] - f->offset[row]);
    *text = *n ? f->bytes + f->offset[row] : "";
}

typedef struct fit_job {
    aml_ctx *ctx;
    const text_state *s;
    const aml_feature *f;
    unsigned what;
    const aml_data *target;
    uint32_t *df[PARTS], *last[PARTS]; /* 2^bits each: rows with the term; the last of them */
    aml_terms terms[PARTS];
} fit_job;

static aml_status count_part(void *arg, size_t part, int thread) {
    fit_job *u = arg;
    size_t buckets = (size_t)1 << u->s->bits, end = (part + 1) * u->target->n / PARTS;
    uint32_t *df = u->df[part], *last = u->last[part];
    aml_terms *t = &u->terms[part];
    (void)thread;
    memset(df, 0, buckets * sizeof *df);
    memset(last, 0, buckets * sizeof *last);
    for (size_t i = part * u->target->n / PARTS; i < end; i++) {
        aml_text_counts counts;
        const char *text;
        size_t n;
        if (i % POLL == 0 && aml_should_stop(u->ctx)) return aml_stopped();
        cell(&text, &n, u->f, u->target->rows[i]);
        AML_TRY(aml_text_terms(t, &counts, text, n, u->what));
        for (size_t k = 0; k < t->n; k++) {
            uint32_t b = t->hash[k] >> (32 - u->s->bits);
            df[b] += last[b] != i + 1;
            last[b] = (uint32_t)i + 1;
        }
    }
    return AML_OK;
}

/* key[b] = minus the rows that have hash value b; returns how many have min_df of them. */
static size_t add_up(double *key, const fit_job *u, double min_df) {
    size_t n = 0;
    for (size_t b = 0; b < (size_t)1 << u->s->bits; b++) {
        double df = 0;
        for (size_t part = 0; part < PARTS; part++) df += u->df[part][b];
        key[b] = -df;
        n += df > 0 && df >= min_df;
    }
    return n;
}

/* The terms that enough rows have, or the most frequent of these, with their weights. */
static aml_status choose(text_column *c, const fit_job *u, const double *hp, aml_ctx *ctx) {
    size_t buckets = (size_t)1 << u->s->bits;
    double *key = aml_alloc_raw(ctx->scratch, buckets, sizeof *key);
    uint32_t *order = aml_alloc_raw(ctx->scratch, buckets, sizeof *order);
    uint8_t *chosen = AML_ARRAY(ctx->scratch, buckets, uint8_t);
    if (!key || !order || !chosen) return AML_ENOMEM;
    size_t n = add_up(key, u, hp[MIN_DF]);
    if ((double)n > hp[MAX_TERMS]) n = (size_t)hp[MAX_TERMS];
    AML_TRY(aml_argsort(order, key, buckets));
    for (size_t i = 0; i < n; i++) chosen[order[i]] = 1;
    c->bucket = AML_ARRAY(ctx->keep, n, uint32_t);
    c->idf = AML_ARRAY(ctx->keep, n, float);
    if (!c->bucket || !c->idf) return AML_ENOMEM;
    for (size_t b = 0; b < buckets; b++) {
        if (!chosen[b]) continue;
        c->bucket[c->n_terms] = (uint32_t)b;
        c->idf[c->n_terms++] = (float)(log((1 + (double)u->target->n) / (1 - key[b])) + 1);
    }
    return AML_OK;
}

/* Numbers the new columns and makes the look-up tables. */
static aml_status number_terms(text_state *s, aml_arena *keep) {
    size_t buckets = (size_t)1 << s->bits;
    for (size_t e = 0; e < SETS * s->signature.p; e++) {
        text_column *c = &s->column[e];
        if (!has_set(s, e / SETS, e % SETS)) continue;
        c->first = (uint32_t)s->n_new;
        s->n_new += c->n_terms;
        c->place = aml_alloc_raw(keep, buckets, sizeof *c->place);
        if (!c->place) return AML_ENOMEM;
        for (size_t b = 0; b < buckets; b++) c->place[b] = UINT32_MAX;
        for (size_t k = 0; k < c->n_terms; k++) c->place[c->bucket[k]] = (uint32_t)k;
    }
    return AML_OK;
}

static aml_status learn(text_state *s, fit_job *u, const aml_table *x, const double *hp) {
    size_t buckets = (size_t)1 << s->bits;
    aml_arena *scratch = u->ctx->scratch;
    for (size_t part = 0; part < PARTS; part++) {
        u->df[part] = aml_alloc_raw(scratch, buckets, sizeof(uint32_t));
        u->last[part] = aml_alloc_raw(scratch, buckets, sizeof(uint32_t));
        if (!u->df[part] || !u->last[part]) return AML_ENOMEM;
    }
    for (size_t e = 0; e < SETS * x->p; e++) {
        if (!has_set(s, e / SETS, e % SETS)) continue;
        u->f = &x->features[e / SETS];
        u->what = set_terms[e % SETS];
        AML_TRY(aml_each(u->ctx, PARTS, count_part, u));
        AML_TRY(choose(&s->column[e], u, hp, u->ctx));
    }
    return number_terms(s, u->ctx->keep);
}

static aml_status fit(void **state, const aml_table *x, const aml_data *target, const double *hp,
                      aml_ctx *ctx) {
    static const uint8_t what[] = {AML_WORD_TERMS, AML_CHAR_TERMS, AML_WORD_TERMS | AML_CHAR_TERMS};
    text_state *s = AML_NEW(ctx->keep, text_state);
    if (!s) return AML_ENOMEM;
    AML_TRY(aml_signature_of(&s->signature, x, ctx->keep));
    s->column = AML_ARRAY(ctx->keep, SETS * x->p, text_column);
    if (!s->column) return AML_ENOMEM;
    s->what = what[(size_t)hp[TERMS]];
    s->bits = (uint8_t)hp[BITS];
    s->sublinear = hp[SUBLINEAR] == 1;
    s->form = hp[FORM] == 1;
    *state = s;
    if (!aml_table_count(x, AML_TEXT)) return AML_OK;
    fit_job u = {.ctx = ctx, .s = s, .target = target};
    aml_status status = learn(s, &u, x, hp);
    for (size_t part = 0; part < PARTS; part++) aml_free(u.terms[part].hash);
    return status;
}

/* The entries of ROWS rows, on the heap. */
typedef struct entries {
    uint32_t *column;
    float *value;
    size_t n, room;
} entries;

typedef struct apply_job {
    const text_state *s;
    const aml_table *x;
    uint64_t *start;
    uint32_t *column;
    float *value;
    entries *blocks;
    aml_terms *terms, *other; /* one a thread */
    float **form;             /* N_FORM for each text column in turn, or NULL */
} apply_job;

static aml_status grow(entries *e, size_t more) {
    if (e->room - e->n >= more) return AML_OK;
    size_t room = 2 * e->room + more + 1024;
    uint32_t *column = aml_realloc(e->column, room * sizeof *column);
    if (column) e->column = column;
    float *value = aml_realloc(e->value, room * sizeof *value);
    if (value) e->value = value;
    if (!column || !value) return AML_ENOMEM;
    e->room = room;
    return AML_OK;
}

/* Appends the weights of sorted term numbers, scaled to length 1. */
static aml_status append(entries *e, const text_state *s, const text_column *c,
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

static aml_status room_for(aml_terms *t, size_t n) {
    if (t->room >= n) return AML_OK;
    uint32_t *hash = aml_realloc(t->hash, 2 * n * sizeof *hash);
    if (!hash) return AML_ENOMEM;
    t->hash = hash;
    t->room = 2 * n;
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
    const text_column *c = &u->s->column[SETS * j + set];
    const char *text;
    size_t n, known = 0;
    cell(&text, &n, &u->x->features[j], row);
    AML_TRY(aml_text_terms(t, counts, text, n, set_terms[set]));
    for (size_t k = 0; k < t->n; k++) {
        uint32_t place = c->place[t->hash[k] >> (32 - u->s->bits)];
        if (place != UINT32_MAX) t->hash[known++] = place;
    }
    AML_TRY(room_for(other, known));
    aml_sort_terms(t->hash, other->hash, known);
    return append(e, u->s, c, t->hash, known);
}

static aml_status one_cell(const apply_job *u, entries *e, size_t j, size_t nth, size_t row,
                           int thread) {
    aml_text_counts counts = {0};
    for (size_t set = 0; set < SETS; set++)
        if (has_set(u->s, j, set)) AML_TRY(one_set(u, e, &counts, j, set, row, thread));
    if (u->form) put_form(u->form + nth * N_FORM, &counts, row);
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
    aml_block *block = *out = AML_ARRAY(ctx->scratch, SETS * texts, aml_block);
    if (!block) return AML_ENOMEM;
    for (size_t e = 0; e < SETS * u->x->p; e++) {
        const aml_feature *f = &u->x->features[e / SETS];
        if (!has_set(u->s, e / SETS, e % SETS)) continue;
        block->prefix = aml_feature_name(ctx->keep, f->name, set_prefixes[e % SETS], "");
        block->source = f->source;
        block->n_columns = (uint32_t)u->s->column[e].n_terms;
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

static void add_columns(aml_table_builder *b, apply_job *u, aml_ctx *ctx) {
    size_t nth = 0;
    for (size_t j = 0; j < u->x->p; j++) {
        const aml_feature *f = &u->x->features[j];
        if (f->kind != AML_TEXT) {
            aml_table_share(b, f);
            continue;
        }
        for (size_t k = 0; u->form && k < N_FORM; k++)
            u->form[nth++] = aml_table_number(
                b, aml_feature_name(ctx->keep, f->name, ".", form_names[k]), f->source);
    }
}

static aml_status apply(aml_table *out, const void *state, const aml_table *x, aml_ctx *ctx) {
    const text_state *s = state;
    AML_TRY(aml_signature_check(&s->signature, x));
    size_t threads = (size_t)ctx->n_threads, texts = aml_table_count(x, AML_TEXT);
    size_t blocks = (x->n + ROWS - 1) / ROWS;
    apply_job u = {.s = s, .x = x};
    u.start = AML_ARRAY(aml_csr_arena(x->csr, ctx), x->n + 1, uint64_t);
    u.blocks = AML_ARRAY(ctx->scratch, blocks, entries);
    u.terms = AML_ARRAY(ctx->scratch, threads, aml_terms);
    u.other = AML_ARRAY(ctx->scratch, threads, aml_terms);
    u.form = s->form ? AML_ARRAY(ctx->scratch, N_FORM * texts, float *) : NULL;
    aml_table_builder b = aml_table_begin(x, x->p + N_FORM * texts, ctx);
    if (!u.start || !u.blocks || !u.terms || !u.other || (s->form && !u.form)) return AML_ENOMEM;
    add_columns(&b, &u, ctx);
    AML_TRY(aml_table_end(out, &b));
    aml_status status = texts ? sparse_columns(out, &u, texts, ctx) : AML_OK;
    for (size_t t = 0; t < threads; t++) {
        aml_free(u.terms[t].hash);
        aml_free(u.other[t].hash);
    }
    for (size_t k = 0; k < blocks; k++) {
        aml_free(u.blocks[k].column);
        aml_free(u.blocks[k].value);
    }
    return status;
}

static void save(const void *state, aml_writer *w) {
    const text_state *s = state;
    aml_signature_save(&s->signature, w);
    aml_put_u8(w, s->what);
    aml_put_u8(w, s->bits);
    aml_put_u8(w, s->sublinear);
    aml_put_u8(w, s->form);
    for (size_t e = 0; e < SETS * s->signature.p; e++) {
        const text_column *c = &s->column[e];
        if (!has_set(s, e / SETS, e % SETS)) continue;
        aml_put_u32s(w, c->bucket, c->n_terms);
        aml_put_f32s(w, c->idf, c->n_terms);
    }
}

static aml_status load_terms(text_column *c, unsigned bits, aml_reader *r, aml_arena *keep) {
    c->bucket = aml_get_u32s(r, keep, SIZE_MAX, &c->n_terms);
    c->idf = aml_get_f32s(r, keep, c->n_terms, NULL);
    if (!c->bucket || !c->idf) return r->status;
    for (size_t k = 0; k < c->n_terms; k++)
        if (c->bucket[k] >> bits || (k && c->bucket[k] <= c->bucket[k - 1]) ||
            !(c->idf[k] >= 0 && c->idf[k] < 100))
            return aml_reader_fail(r, "term %zu of a text column", k);
    return AML_OK;
}

static aml_status load(void **state, aml_reader *r, aml_ctx *ctx) {
    text_state *s = AML_NEW(ctx->keep, text_state);
    if (!s) return AML_ENOMEM;
    AML_TRY(aml_signature_load(&s->signature, r, ctx->keep));
    s->what = aml_get_u8(r);
    s->bits = aml_get_u8(r);
    s->sublinear = aml_get_u8(r);
    s->form = aml_get_u8(r);
    if (r->status) return r->status;
    if (s->what < 1 || s->what > 3 || s->bits < MIN_BITS || s->bits > MAX_BITS ||
        s->sublinear > 1 || s->form > 1)
        return aml_reader_fail(r, "the settings of text terms");
    s->column = AML_ARRAY(ctx->keep, SETS * s->signature.p, text_column);
    if (!s->column) return AML_ENOMEM;
    for (size_t e = 0; e < SETS * s->signature.p; e++)
        if (has_set(s, e / SETS, e % SETS))
            AML_TRY(load_terms(&s->column[e], s->bits, r, ctx->keep));
    AML_TRY(number_terms(s, ctx->keep));
    *state = s;
    return AML_OK;
}

extern const aml_step aml_step_text_hash;
const aml_step aml_step_text_hash = {
    .abi = AML_ABI,
    .name = "text_hash",
    .summary = "Turns text into TF-IDF weights of hashed words or characters",
    .kinds = AML_TEXT,
    .params = params,
    .fit = fit,
    .apply = apply,
    .save = save,
    .load = load,
};
