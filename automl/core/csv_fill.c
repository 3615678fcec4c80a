/* csv_fill.c: cells into columns, block by block on several threads. */
#include <math.h>
#include <string.h>

#include "automl/core/csv_internal.h"
#include "automl/core/par.h"

/* One pass over the text. `again`: only for columns that turned out not to be numbers. */
typedef struct pass {
    csv_reader *r;
    csv_ref **cells; /* one room for a block per thread */
    csv_flaw *flaws; /* one per block */
    bool again;
} pass;

static void fill_numbers(csv_column *c, const csv_reader *r, const csv_ref *cells,
                         const csv_block *b) {
    double *out = c->number + b->row;
    bool soft = false, mixed = false, long_integer = false;
    for (size_t i = 0; i < b->n_rows; i++) {
        csv_ref ref = cells[i * r->width + c->field];
        const char *s = r->source.text + csv_ref_at(ref);
        size_t n = csv_ref_size(ref);
        double x = NAN;
        if (n && csv_number(&x, s, n, r->decimal) && isfinite(x)) {
            if (n >= 16) long_integer |= csv_long_integer(s, n, x);
        } else if (n) {
            x = NAN;
            bool missing = aml_is_missing_text(s, n), dash = !missing && csv_missing_number(s, n);
            soft |= dash;
            mixed |= !missing && !dash;
        }
        out[i] = x;
    }
    if (soft) c->soft = true;
    if (mixed) c->mixed = true;
    if (long_integer) c->long_integer = true;
}

static void fill_references(csv_column *c, size_t width, const csv_ref *cells, const csv_block *b) {
    for (size_t i = 0; i < b->n_rows; i++) c->ref[b->row + i] = cells[i * width + c->field];
}

static void fill_blocks(void *arg, size_t block, size_t begin, size_t end, int thread) {
    pass *p = arg;
    csv_reader *r = p->r;
    (void)begin, (void)end;
    const csv_block *b = &r->index.blocks[block];
    csv_ref *cells = p->cells[thread];
    csv_tokens(cells, p->again ? NULL : r->line + b->row, &p->flaws[block], &r->source, &r->index,
               b, r->width);
    for (size_t k = 0; k < r->n_columns; k++) {
        csv_column *c = &r->columns[k];
        if (p->again && !c->mixed) continue;
        if (c->ref) fill_references(c, r->width, cells, b);
        else fill_numbers(c, r, cells, b);
    }
}

static aml_status check_flaws(const csv_reader *r, const csv_flaw *flaws) {
    const csv_flaw *first = NULL;
    size_t count = 0;
    for (size_t b = 0; b < r->index.n_blocks; b++) {
        if (flaws[b].kind && !first) first = &flaws[b];
        count += flaws[b].count;
    }
    return first ? csv_explain_flaw(r, first, count) : AML_OK;
}

static bool all_missing(const csv_column *c, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (!isnan(c->number[i])) return false;
    return true;
}

/* Columns taken for numbers that are not get references, in the same place. */
static bool turn_mixed(csv_reader *r) {
    bool any = false;
    for (size_t k = 0; k < r->n_columns; k++) {
        csv_column *c = &r->columns[k];
        if (!c->number) continue;
        if (c->soft && !c->schema && all_missing(c, r->index.n_rows)) c->mixed = true;
        if (!c->mixed) continue;
        c->ref = (csv_ref *)(void *)c->number;
        c->number = NULL;
        any = true;
    }
    return any;
}

/* A column is taken for numbers when no cell of the sample says otherwise. */
static bool sample_is_numbers(const csv_reader *r, const csv_column *c) {
    for (size_t i = r->header ? 1 : 0; i < r->n_sample; i++) {
        double x;
        csv_ref ref = r->sample[i * r->width + c->field];
        const char *s = r->source.text + csv_ref_at(ref);
        size_t n = csv_ref_size(ref);
        if (csv_number(&x, s, n, r->decimal) || aml_is_missing_text(s, n) ||
            csv_missing_number(s, n))
            continue;
        return false;
    }
    return true;
}

static aml_status make_room(csv_reader *r, pass *p) {
    size_t n = r->index.n_rows, most = 0,
           threads = (size_t)(r->options->n_threads > 1 ? r->options->n_threads : 1);
    for (size_t b = 0; b < r->index.n_blocks; b++)
        if (r->index.blocks[b].n_rows > most) most = r->index.blocks[b].n_rows;
    if (threads > r->index.n_blocks) threads = r->index.n_blocks ? r->index.n_blocks : 1;
    p->cells = AML_ARRAY(r->work, threads, csv_ref *);
    p->flaws = AML_ARRAY(r->work, r->index.n_blocks, csv_flaw);
    r->line = aml_alloc_raw(r->keep, n, sizeof *r->line);
    if (!p->cells || !p->flaws || !r->line) return AML_ENOMEM;
    for (size_t t = 0; t < threads; t++)
        if (!(p->cells[t] = aml_alloc_raw(r->work, most * r->width, sizeof **p->cells)))
            return AML_ENOMEM;
    for (size_t k = 0; k < r->n_columns; k++) {
        csv_column *c = &r->columns[k];
        bool numbers = c->kind == AML_NUMBER || (c->kind == 0 && sample_is_numbers(r, c));
        if (numbers) c->number = aml_alloc_raw(r->keep, n, sizeof *c->number);
        else c->ref = aml_alloc_raw(r->work, n, sizeof *c->ref);
        if (!c->number && !c->ref) return AML_ENOMEM;
    }
    return AML_OK;
}

aml_status csv_fill(csv_reader *r) {
    pass p = {.r = r};
    AML_TRY(make_room(r, &p));
    aml_par_for(r->options->n_threads, r->index.n_blocks, 1, fill_blocks, &p);
    AML_TRY(check_flaws(r, p.flaws));
    if (!turn_mixed(r)) return AML_OK;
    p.again = true;
    aml_par_for(r->options->n_threads, r->index.n_blocks, 1, fill_blocks, &p);
    return AML_OK;
}
