/* nn_terms.c: sparse features of a network: the most frequent have a row of weights each. */
#include "learners/parts/nn_terms.h"

#include <math.h>
#include <string.h>

#include "automl/core/par.h"

enum { BLOCK = 128 }; /* terms at a time */

/* ---- which features, in what scale */

static float finite_value(float v) { return v > -1e6f ? v < 1e6f ? v : 1e6f : v < 0 ? -1e6f : 0; }

/* As the plain inputs: bent, so that no value of a new row is beyond 4. */
static float bent(float v, float factor) {
    float u = finite_value(v) * factor;
    return u / sqrtf(1 + u * u * (1.0f / 16));
}

/* Rows that have each feature, and the scale of the values. */
static void survey(uint32_t *rows_of, float *factor, const aml_nn_data *d) {
    const aml_csr *s = d->x->csr;
    double square = 0, n = 0;
    for (size_t i = 0; i < d->n; i++) {
        if (d->w && !(d->w[i] > 0)) continue;
        for (uint64_t e = s->start[d->rows[i]]; e < s->start[d->rows[i] + 1]; e++) {
            double v = (double)finite_value(s->value[e]);
            rows_of[s->column[e]]++;
            square += v * v;
            n += v != 0;
        }
    }
    *factor = square > 0 ? (float)sqrt(n / square) : 1;
}

/* How many rows a feature must have at least, so that no more than `most` features have as many. */
static size_t fewest_rows(const uint32_t *rows_of, size_t q, size_t n_rows, size_t most,
                          uint32_t *n_with) {
    size_t least = n_rows + 1, n = 0;
    for (size_t j = 0; j < q; j++) n_with[rows_of[j]]++;
    while (least > 2 && n + n_with[least - 1] <= most) n += n_with[--least];
    return least;
}

bool aml_nn_terms_room(aml_nn_terms *terms, size_t width, aml_arena *keep) {
    uint32_t *term = aml_alloc_raw(keep, terms->q, sizeof *term);
    terms->weight = AML_ARRAY(keep, terms->n * width, float);
    if (!term || !terms->weight) return false;
    for (size_t j = 0; j < terms->q; j++) term[j] = UINT32_MAX;
    for (size_t t = 0; t < terms->n; t++) term[terms->feature[t]] = (uint32_t)t;
    terms->term = term;
    return true;
}

aml_status aml_nn_terms_fit(aml_nn *net, const aml_nn_data *d, size_t most, aml_ctx *ctx) {
    aml_nn_terms *terms = &net->terms;
    size_t q = d->x->csr ? d->x->csr->p : 0;
    if (q > AML_NN_MOST_SPARSE)
        return aml_fail(AML_EDATA, "a network takes at most %d sparse features, got %zu",
                        AML_NN_MOST_SPARSE, q);
    *terms = (aml_nn_terms){.q = q, .factor = 1};
    if (!q) return AML_OK;
    aml_mark mark = aml_arena_mark(ctx->scratch);
    uint32_t *rows_of = AML_ARRAY(ctx->scratch, q, uint32_t),
             *n_with = AML_ARRAY(ctx->scratch, d->n + 2, uint32_t);
    if (!rows_of || !n_with) return AML_ENOMEM;
    survey(rows_of, &terms->factor, d);
    size_t least = fewest_rows(rows_of, q, d->n, most, n_with);
    uint32_t *feature = AML_ARRAY(ctx->keep, most < q ? most : q, uint32_t);
    if (!feature) return AML_ENOMEM;
    for (size_t j = 0; j < q; j++)
        if (rows_of[j] >= least) feature[terms->n++] = (uint32_t)j;
    terms->feature = feature;
    aml_arena_release(ctx->scratch, mark);
    return aml_nn_terms_room(terms, net->width, ctx->keep) ? AML_OK : AML_ENOMEM;
}

/* ---- forward */

enum { PIECE = 256 }; /* entries taken together */

void aml_nn_terms_forward(float *first, const aml_nn *net, const aml_csr *csr, const uint32_t *rows,
                          size_t n) {
    const aml_nn_terms *terms = &net->terms;
    uint32_t index[PIECE];
    float value[PIECE];
    for (size_t i = 0; i < n; i++, first += net->width) {
        size_t k = 0;
        for (uint64_t e = csr->start[rows[i]]; e < csr->start[rows[i] + 1]; e++) {
            uint32_t t = terms->term[csr->column[e]];
            if (t == UINT32_MAX) continue;
            index[k] = t;
            value[k++] = bent(csr->value[e], terms->factor);
            if (k < PIECE) continue;
            aml_nn_add_weighted(first, terms->weight, index, value, k, net->width);
            k = 0;
        }
        aml_nn_add_weighted(first, terms->weight, index, value, k, net->width);
    }
}

/* ---- steps */

static size_t most_entries(const aml_nn_data *d, size_t rows) {
    const aml_csr *s = d->x->csr;
    size_t longest = 0;
    for (size_t i = 0; i < d->n; i++) {
        size_t n = (size_t)(s->start[d->rows[i] + 1] - s->start[d->rows[i]]);
        longest = n > longest ? n : longest;
    }
    size_t all = (size_t)s->start[s->n];
    return longest > all / (rows + 1) ? all : longest * rows;
}

aml_status aml_nn_terms_open(aml_nn_terms_batch *b, aml_nn *net, const aml_nn_data *data,
                             size_t most, aml_arena *a) {
    size_t n = net->terms.n, entries = n ? most_entries(data, most) : 0;
    size_t terms = entries < n ? entries : n;
    *b = (aml_nn_terms_batch){.net = net, .data = data, .most = most, .left = 1};
    if (!n) return AML_OK;
    b->d_first = AML_ARRAY(a, most * net->width, float);
    b->term = AML_ARRAY(a, terms, uint32_t);
    b->begin = AML_ARRAY(a, terms + 1, uint32_t);
    b->place = AML_ARRAY(a, n, uint32_t);
    b->row = AML_ARRAY(a, entries, uint32_t);
    b->value = AML_ARRAY(a, entries, float);
    b->gradient = AML_ARRAY(a, terms * net->width, float);
    b->m = AML_ARRAY(a, n * net->width, float);
    b->v = AML_ARRAY(a, n * net->width, float);
    b->average = aml_copy(a, net->terms.weight, n * net->width * sizeof(float));
    b->seen = AML_ARRAY(a, n, double);
    b->block_norm = AML_ARRAY(a, terms / BLOCK + 1, double);
    if (!b->d_first || !b->term || !b->begin || !b->place || !b->row || !b->value || !b->gradient ||
        !b->m || !b->v || !b->average || !b->seen || !b->block_norm)
        return AML_ENOMEM;
    for (size_t t = 0; t < n; t++) b->seen[t] = 1;
    return AML_OK;
}

/* A counting sort: entries by term, rows upwards. */
static void sort_entries(aml_nn_terms_batch *b, const uint32_t *rows, size_t n) {
    const aml_csr *s = b->data->x->csr;
    const aml_nn_terms *terms = &b->net->terms;
    memset(b->place, 0, terms->n * sizeof *b->place);
    for (size_t i = 0; i < n; i++)
        for (uint64_t e = s->start[rows[i]]; e < s->start[rows[i] + 1]; e++)
            if (terms->term[s->column[e]] != UINT32_MAX) b->place[terms->term[s->column[e]]]++;
    b->n = b->begin[0] = 0;
    for (uint32_t t = 0; t < terms->n; t++) {
        if (!b->place[t]) continue;
        b->term[b->n] = t;
        b->begin[b->n + 1] = b->begin[b->n] + b->place[t];
        b->place[t] = b->begin[b->n++];
    }
    for (size_t i = 0; i < n; i++)
        for (uint64_t e = s->start[rows[i]]; e < s->start[rows[i] + 1]; e++) {
            uint32_t t = terms->term[s->column[e]];
            if (t == UINT32_MAX) continue;
            b->row[b->place[t]] = (uint32_t)i;
            b->value[b->place[t]++] = bent(s->value[e], terms->factor);
        }
}

static void sum_block(void *arg, size_t block, size_t begin, size_t end, int thread) {
    aml_nn_terms_batch *b = arg;
    size_t width = b->net->width;
    (void)thread;
    memset(b->gradient + begin * width, 0, (end - begin) * width * sizeof(float));
    for (size_t t = begin; t < end; t++)
        aml_nn_add_weighted(b->gradient + t * width, b->d_first, b->row + b->begin[t],
                            b->value + b->begin[t], b->begin[t + 1] - b->begin[t], width);
    b->block_norm[block] = aml_nn_square_sum(b->gradient + begin * width, (end - begin) * width);
}

double aml_nn_terms_gradient(aml_nn_terms_batch *b, const uint32_t *rows, size_t n, int n_threads) {
    double square = 0;
    if (!b->net->terms.n) return 0;
    sort_entries(b, rows, n);
    aml_par_for(n_threads, b->n, BLOCK, sum_block, b);
    for (size_t k = 0; k * BLOCK < b->n; k++) square += b->block_norm[k];
    return square;
}

static void catch_up(aml_nn_terms_batch *b, size_t t) {
    size_t width = b->net->width, at = t * width;
    float share = (float)(b->left / b->seen[t]);
    if (share != 1)
        for (size_t j = at; j < at + width; j++)
            b->average[j] =
                b->net->terms.weight[j] + share * (b->average[j] - b->net->terms.weight[j]);
    b->seen[t] = b->left;
}

static void step_block(void *arg, size_t block, size_t begin, size_t end, int thread) {
    aml_nn_terms_batch *b = arg;
    size_t width = b->net->width;
    (void)block, (void)thread;
    for (size_t i = begin; i < end; i++) {
        size_t at = b->term[i] * width;
        catch_up(b, b->term[i]);
        aml_nn_adam_step(b->net->terms.weight + at, b->average + at, b->m + at, b->v + at,
                         b->gradient + i * width, width, &b->adam);
    }
}

static void mark_seen(aml_nn_terms_batch *b) {
    for (size_t i = 0; i < b->n; i++) b->seen[b->term[i]] = b->left;
}

void aml_nn_terms_step(aml_nn_terms_batch *b, const aml_nn_adam *adam, bool first, int n_threads) {
    b->adam = *adam;
    aml_par_for(n_threads, b->n, BLOCK, step_block, b);
    if (!first) b->left *= 1 - (double)adam->blend;
    mark_seen(b);
}

void aml_nn_terms_catch_up(aml_nn_terms_batch *b) {
    for (size_t t = 0; t < b->net->terms.n; t++) catch_up(b, t);
}
