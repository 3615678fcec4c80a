/* transform.c: the engineered matrix of a part, as CSV. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "automl/core/call.h"
#include "automl/core/csv.h"
#include "automl/core/io.h"
#include "automl/core/par.h"
#include "automl/engine/model.h"
#include "featurize/parts/table.h"

enum { BATCH = 4096 };

static void put_name(aml_string *s, bool first, const char *name) {
    if (!first) aml_string_put(s, ",");
    aml_csv_put(s, name, strlen(name), true);
}

/* prefix + name, or prefix + number. */
static aml_status put_block(aml_string *s, const aml_block *b, bool first, aml_arena *scratch) {
    for (uint32_t k = 0; k < b->n_columns; k++) {
        char number[16];
        snprintf(number, sizeof number, "%u", k);
        char *name = aml_feature_name(scratch, b->prefix, "", b->names ? b->names[k] : number);
        if (!name) return AML_ENOMEM;
        put_name(s, first && !k, name);
    }
    return AML_OK;
}

static aml_status put_header(aml_string *s, const aml_table *t, aml_arena *scratch) {
    for (size_t j = 0; j < t->p; j++) put_name(s, !j, t->features[j].name);
    for (size_t k = 0; k < t->n_blocks; k++)
        AML_TRY(put_block(s, &t->blocks[k], !t->p && !k, scratch));
    aml_string_put(s, "\n");
    return AML_OK;
}

/* Missing is empty; a level that training has not seen, "?"; a level without a text, "#" and its number. */
static void put_cell(aml_string *s, const aml_feature *f, size_t row) {
    if (f->kind == AML_NUMBER) {
        if (!isnan(f->x[row])) aml_string_double(s, (double)f->x[row]);
        return;
    }
    int32_t code = f->code[row];
    if (code == -1) return;
    if (code < 0 || (uint32_t)code >= f->n_levels) aml_string_put(s, "?");
    else if (!f->levels) aml_string_printf(s, "#%d", code);
    else aml_csv_put(s, f->levels[code], strlen(f->levels[code]), true);
}

static void put_sparse(aml_string *s, const aml_csr *csr, size_t row, bool first) {
    uint64_t e = csr->start[row];
    for (size_t k = 0; k < csr->p; k++) {
        if (!first || k) aml_string_put(s, ",");
        bool there = e < csr->start[row + 1] && csr->column[e] == k;
        if (there) aml_string_double(s, (double)csr->value[e++]);
        else aml_string_put(s, "0");
    }
}

static aml_status write_table(aml_output *o, const aml_table *t) {
    aml_string s = {0};
    aml_status status = AML_OK;
    for (size_t i = 0; !status && i < t->n; i++) {
        for (size_t j = 0; j < t->p; j++) {
            if (j) aml_string_put(&s, ",");
            put_cell(&s, &t->features[j], i);
        }
        if (t->csr) put_sparse(&s, t->csr, i, !t->p);
        aml_string_put(&s, "\n");
        if (s.failed) status = AML_ENOMEM;
        else if (s.length > 1 << 16 || i + 1 == t->n) {
            status = aml_output_write(o, s.text, s.length);
            s.length = 0;
        }
    }
    aml_string_free(&s);
    return status;
}

static aml_status write_header(aml_output *o, const aml_table *t, aml_arena *scratch) {
    aml_string s = {0};
    aml_status status = put_header(&s, t, scratch);
    if (!status) status = s.failed ? AML_ENOMEM : aml_output_write(o, s.text, s.length);
    aml_string_free(&s);
    return status;
}

/* Rows [begin, begin + BATCH) through the steps, and out. */
static aml_status write_batch(aml_output *o, const aml_chain *chain, const aml_table *all,
                              size_t begin, int threads) {
    aml_ctx ctx;
    size_t n = all->n - begin < BATCH ? all->n - begin : BATCH;
    aml_table rows, made;
    aml_status status = aml_ctx_open(&ctx, threads);
    if (!status) status = aml_table_slice(&rows, all, begin, n, ctx.keep);
    if (!status) status = aml_chain_table(&made, chain, &rows, &ctx);
    if (!status && !begin) status = write_header(o, &made, ctx.scratch);
    if (!status) status = write_table(o, &made);
    aml_ctx_close(&ctx);
    return status;
}

static aml_status write_all(aml_output *o, const aml_model *m, const aml_chain *chain,
                            const aml_frame *data, aml_ctx *ctx) {
    aml_frame view;
    aml_table all;
    AML_TRY(aml_conform(&view, &m->inputs, data, ctx));
    AML_TRY(aml_table_from_frame(&all, &view, NULL, ctx));
    size_t begin = 0;
    do AML_TRY(write_batch(o, chain, &all, begin, ctx->n_threads));
    while ((begin += BATCH) < all.n);
    return AML_OK;
}

aml_status aml_model_transform_csv(const aml_model *m, const aml_frame *data, size_t part,
                                   const char *path, int threads) {
    AML_NEED(m);
    AML_NEED(data);
    AML_NEED(path);
    if (part >= m->n_members || !m->members[part].n_fits)
        return aml_help(aml_fail(AML_EUSAGE, "the model has no part %zu", part + 1), NULL,
                        "it has %zu; `automl inspect` lists them", m->n_members);
    aml_par_init();
    aml_ctx ctx;
    aml_output *o = NULL;
    aml_status status = aml_ctx_open(&ctx, aml_par_threads(threads));
    if (!status) status = aml_output_open(&o, path);
    if (!status) status = write_all(o, m, m->members[part].fits[0].chain, data, &ctx);
    if (o && status) aml_output_drop(o);
    else if (o) status = aml_output_commit(o);
    aml_ctx_close(&ctx);
    return status;
}
