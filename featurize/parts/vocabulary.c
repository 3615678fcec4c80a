/* vocabulary.c: which terms count: those that enough training rows have. */
#include "featurize/parts/vocabulary.h"

#include <math.h>
#include <string.h>

#include "automl/core/sort.h"
#include "featurize/parts/each.h"
#include "featurize/parts/table.h"

enum { PARTS = 8, POLL = 16 };

const unsigned aml_set_terms[AML_TERM_SETS] = {AML_WORD_TERMS, AML_CHAR_TERMS};

bool aml_vocabulary_has(const aml_vocabulary *v, size_t column, size_t set) {
    return v->kind[column] == AML_TEXT && (v->what & aml_set_terms[set]);
}

typedef struct fit_job {
    aml_ctx *ctx;
    const aml_vocabulary *s;
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
        aml_text_cell(&text, &n, u->f, u->target->rows[i]);
        AML_TRY(aml_text_terms(t, &counts, text, n, u->what));
        for (size_t k = 0; k < t->n; k++) {
            uint32_t b = t->hash[k] >> (32 - u->s->bits);
            df[b] += last[b] != i + 1;
            last[b] = (uint32_t)i + 1;
        }
    }
    return AML_OK;
}

/* df[b] = the rows that have hash value b; those that enough rows have, in `bucket`, upwards. Returns how many. */
static size_t add_up(double *df, uint32_t *bucket, const fit_job *u, double min_df) {
    size_t n = 0;
    for (size_t b = 0; b < (size_t)1 << u->s->bits; b++) {
        df[b] = 0;
        for (size_t part = 0; part < PARTS; part++) df[b] += u->df[part][b];
        if (df[b] > 0 && df[b] >= min_df) bucket[n++] = (uint32_t)b;
    }
    return n;
}

/* Of n hash values the `most` that the most rows have, still upwards. */
static aml_status most_frequent(uint32_t *bucket, size_t n, size_t most, const double *df,
                                aml_ctx *ctx) {
    double *key = aml_alloc_raw(ctx->scratch, n, sizeof *key);
    uint32_t *order = aml_alloc_raw(ctx->scratch, n, sizeof *order);
    uint8_t *chosen = AML_ARRAY(ctx->scratch, n, uint8_t);
    if (!key || !order || !chosen) return AML_ENOMEM;
    for (size_t i = 0; i < n; i++) key[i] = -df[bucket[i]];
    AML_TRY(aml_argsort(order, key, n));
    for (size_t i = 0; i < most; i++) chosen[order[i]] = 1;
    for (size_t i = 0, to = 0; i < n; i++)
        if (chosen[i]) bucket[to++] = bucket[i];
    return AML_OK;
}

/* The terms that enough rows have, or the most frequent of these, with their weights. */
static aml_status choose(aml_term_set *c, const fit_job *u, double min_df, double max_terms,
                         aml_ctx *ctx) {
    size_t buckets = (size_t)1 << u->s->bits;
    double *df = aml_alloc_raw(ctx->scratch, buckets, sizeof *df);
    uint32_t *bucket = aml_alloc_raw(ctx->scratch, buckets, sizeof *bucket);
    if (!df || !bucket) return AML_ENOMEM;
    c->n_terms = add_up(df, bucket, u, min_df);
    if ((double)c->n_terms > max_terms) {
        AML_TRY(most_frequent(bucket, c->n_terms, (size_t)max_terms, df, ctx));
        c->n_terms = (size_t)max_terms;
    }
    c->bucket = aml_copy(ctx->keep, bucket, c->n_terms * sizeof *bucket);
    c->idf = AML_ARRAY(ctx->keep, c->n_terms, float);
    if (!c->bucket || !c->idf) return AML_ENOMEM;
    for (size_t i = 0; i < c->n_terms; i++)
        c->idf[i] = (float)(log((1 + (double)u->target->n) / (1 + df[bucket[i]])) + 1);
    return AML_OK;
}

/* Numbers the new columns and makes the look-up tables. */
static aml_status number_terms(aml_vocabulary *s, aml_arena *keep) {
    size_t buckets = (size_t)1 << s->bits;
    for (size_t e = 0; e < AML_TERM_SETS * s->p; e++) {
        aml_term_set *c = &s->set[e];
        if (!aml_vocabulary_has(s, e / AML_TERM_SETS, e % AML_TERM_SETS)) continue;
        c->first = (uint32_t)s->n_new;
        s->n_new += c->n_terms;
        c->place = aml_alloc_raw(keep, buckets, sizeof *c->place);
        if (!c->place) return AML_ENOMEM;
        for (size_t b = 0; b < buckets; b++) c->place[b] = UINT32_MAX;
        for (size_t k = 0; k < c->n_terms; k++) c->place[c->bucket[k]] = (uint32_t)k;
    }
    return AML_OK;
}

/* So many bits that hash values are not fewer than the terms that the longest column can have. */
static uint8_t enough_bits(const aml_vocabulary *v, const aml_table *x, const aml_data *target) {
    uint8_t bits = AML_MIN_BITS;
    for (size_t j = 0; j < x->p; j++) {
        size_t bytes = 0, n;
        const char *text;
        for (size_t i = 0; v->kind[j] == AML_TEXT && i < target->n; i++, bytes += n)
            aml_text_cell(&text, &n, &x->features[j], target->rows[i]);
        while (bits < v->bits && (size_t)1 << bits < 4 * bytes) bits++;
    }
    return bits;
}

static aml_status learn(aml_vocabulary *s, fit_job *u, const aml_table *x, double min_df,
                        double max_terms) {
    size_t buckets = (size_t)1 << s->bits;
    aml_arena *scratch = u->ctx->scratch;
    for (size_t part = 0; part < PARTS; part++) {
        u->df[part] = aml_alloc_raw(scratch, buckets, sizeof(uint32_t));
        u->last[part] = aml_alloc_raw(scratch, buckets, sizeof(uint32_t));
        if (!u->df[part] || !u->last[part]) return AML_ENOMEM;
    }
    for (size_t e = 0; e < AML_TERM_SETS * x->p; e++) {
        if (!aml_vocabulary_has(s, e / AML_TERM_SETS, e % AML_TERM_SETS)) continue;
        u->f = &x->features[e / AML_TERM_SETS];
        u->what = aml_set_terms[e % AML_TERM_SETS];
        AML_TRY(aml_each(u->ctx, PARTS, count_part, u));
        AML_TRY(choose(&s->set[e], u, min_df, max_terms, u->ctx));
    }
    return number_terms(s, u->ctx->keep);
}

aml_status aml_vocabulary_learn(aml_vocabulary *v, const aml_table *x, const aml_data *target,
                                double min_df, double max_terms, aml_ctx *ctx) {
    v->set = AML_ARRAY(ctx->keep, AML_TERM_SETS * v->p, aml_term_set);
    if (!v->set) return AML_ENOMEM;
    if (!aml_table_count(x, AML_TEXT)) return AML_OK;
    v->bits = enough_bits(v, x, target);
    fit_job u = {.ctx = ctx, .s = v, .target = target};
    aml_status status = learn(v, &u, x, min_df, max_terms);
    for (size_t part = 0; part < PARTS; part++) aml_terms_free(&u.terms[part]);
    return status;
}

/* ---- in files */

void aml_vocabulary_save(const aml_vocabulary *v, aml_writer *w) {
    for (size_t e = 0; e < AML_TERM_SETS * v->p; e++) {
        const aml_term_set *c = &v->set[e];
        if (!aml_vocabulary_has(v, e / AML_TERM_SETS, e % AML_TERM_SETS)) continue;
        aml_put_u32s(w, c->bucket, c->n_terms);
        aml_put_f32s(w, c->idf, c->n_terms);
    }
}

static aml_status load_terms(aml_term_set *c, unsigned bits, aml_reader *r, aml_arena *keep) {
    c->bucket = aml_get_u32s(r, keep, SIZE_MAX, &c->n_terms);
    c->idf = aml_get_f32s(r, keep, c->n_terms, NULL);
    if (!c->bucket || !c->idf) return r->status;
    for (size_t k = 0; k < c->n_terms; k++)
        if (c->bucket[k] >> bits || (k && c->bucket[k] <= c->bucket[k - 1]) ||
            !(c->idf[k] >= 0 && c->idf[k] < 100))
            return aml_reader_fail(r, "term %zu of a text column", k);
    return AML_OK;
}

aml_status aml_vocabulary_load(aml_vocabulary *v, aml_reader *r, aml_arena *keep) {
    v->set = AML_ARRAY(keep, AML_TERM_SETS * v->p, aml_term_set);
    if (!v->set) return AML_ENOMEM;
    for (size_t e = 0; e < AML_TERM_SETS * v->p; e++)
        if (aml_vocabulary_has(v, e / AML_TERM_SETS, e % AML_TERM_SETS))
            AML_TRY(load_terms(&v->set[e], v->bits, r, keep));
    return number_terms(v, keep);
}
