/* explain.c: what input columns contribute to the predictions of a model. */
#include "automl/engine/explain.h"

#include <math.h>
#include <string.h>

#include "automl/core/call.h"
#include "automl/core/par.h"
#include "automl/core/sort.h"
#include "featurize/parts/table.h"

enum { DRAWS = 16 };

aml_status aml_explain_table(aml_table *out, const aml_frame *view, const uint32_t *const *from,
                             size_t n, aml_ctx *ctx) {
    aml_frame *f = AML_NEW(ctx->keep, aml_frame);
    aml_column *columns = AML_ARRAY(ctx->keep, view->p + 1, aml_column);
    if (!f || !columns) return AML_ENOMEM;
    for (size_t j = 0; j < view->p; j++)
        AML_TRY(aml_column_rows(&columns[j], &view->columns[j], from[j], n, ctx->keep));
    *f = (aml_frame){.n = n, .p = view->p, .columns = columns, .source = view->source};
    return aml_table_from_frame(out, f, NULL, ctx);
}

/* ---- which fits tell their contributions */

static aml_status is_exact(bool *out, const aml_explanation *e, const aml_member *member,
                           aml_batch *none, const aml_fit *fit) {
    aml_data x;
    *out = false;
    if (!member->learner->contributions) return AML_OK;
    AML_TRY(aml_batch_data(&x, none, fit));
    if (x.x->csr) return AML_OK; /* sparse features do not know their columns */
    *out = true;
    for (size_t j = 0; j < x.x->p; j++)
        if (aml_explain_source(e->m, x.x, j) == e->p) *out = false;
    return AML_OK;
}

/* By a table without rows: what features there are does not depend on them. */
static aml_status find_exact(bool *exact, bool *all, const aml_explanation *e,
                             const aml_table *table, aml_ctx *ctx) {
    size_t number = 0;
    aml_table empty;
    aml_batch none;
    AML_TRY(aml_table_slice(&empty, table, 0, 0, ctx->keep));
    AML_TRY(aml_batch_init(&none, e->m, &empty, ctx));
    *all = true;
    for (size_t i = 0; i < e->m->n_members; i++)
        for (size_t f = 0; f < e->m->members[i].n_fits; f++, number++) {
            const aml_member *member = &e->m->members[i];
            AML_TRY(is_exact(&exact[number], e, member, &none, &member->fits[f]));
            *all = *all && exact[number];
        }
    return AML_OK;
}

static aml_status describe(aml_explanation *e, const bool *exact, size_t draws) {
    size_t number = 0;
    double *room = AML_ARRAY(e->arena, e->k, double);
    e->text = AML_ARRAY(e->arena, e->m->n_members + 1, const char *);
    if (!e->text || !room) return AML_ENOMEM;
    for (size_t i = 0; i < e->m->n_members; i++) {
        const aml_member *member = &e->m->members[i];
        bool linked = e->m->calibrator.kind ||
                      aml_is_linked(member->learner, member->fits[0].model, e->k, room);
        e->text[i] = !exact[number]
                         ? aml_printf(e->arena, "sampled: %zu orders of the columns", draws)
                     : linked ? "exact before the link, and carried through it"
                              : "exact";
        if (!e->text[i]) return AML_ENOMEM;
        number += member->n_fits;
    }
    return AML_OK;
}

/* ---- the whole */

static aml_status take_rows(aml_explanation *e, const aml_explain_options *o, size_t n) {
    e->n = o->rows ? o->n_rows : n;
    uint32_t *row = AML_ARRAY(e->arena, e->n + 1, uint32_t);
    if (!row) return AML_ENOMEM;
    for (size_t i = 0; i < e->n; i++) {
        size_t at = o->rows ? o->rows[i] : i;
        if (at >= n)
            return aml_help(aml_fail(AML_EUSAGE, "there is no row %zu", at + 1), NULL,
                            "the data have %zu rows", n);
        row[i] = (uint32_t)at;
    }
    e->row = row;
    return AML_OK;
}

static aml_status rank_columns(aml_explanation *e, aml_ctx *ctx) {
    size_t p = e->p, k = e->k;
    double *key = AML_ARRAY(ctx->scratch, p + 1, double);
    e->mean = AML_ARRAY(e->arena, p + 1, double);
    e->order = AML_ARRAY(e->arena, p + 1, uint32_t);
    if (!key || !e->mean || !e->order) return AML_ENOMEM;
    for (size_t i = 0; i < e->n; i++)
        for (size_t j = 0; j < p * k; j++)
            e->mean[j / k] += fabs(e->value[i * (p + 1) * k + j]) / (double)(e->n * k);
    for (size_t j = 0; j < p; j++) key[j] = -e->mean[j];
    return aml_argsort(e->order, key, p);
}

/* The contributions to the members' mean, carried through the calibration. */
static void link_of(double *z, const void *model) {
    const aml_model *m = model;
    aml_calibrator_apply(z, &m->calibrator, aml_model_outputs(m));
}

static aml_status carry_through_calibration(aml_explanation *e, aml_ctx *ctx) {
    size_t k = e->k, p = e->p;
    double *matrix = AML_ARRAY(ctx->scratch, k * k, double),
           *base = AML_ARRAY(ctx->scratch, k, double), *z = AML_ARRAY(ctx->scratch, k, double),
           *room = AML_ARRAY(ctx->scratch, 4 * k, double),
           *sum = AML_ARRAY(ctx->scratch, k, double);
    if (!matrix || !base || !z || !room || !sum) return AML_ENOMEM;
    for (size_t i = 0; i < e->n; i++) {
        double *row = e->value + i * (p + 1) * k, *last = row + p * k;
        memcpy(z, last, k * sizeof *z);
        for (size_t j = 0; j < p * k; j++) z[j % k] += row[j];
        aml_carry(matrix, base, last, z, k, link_of, e->m, room);
        memcpy(last, base, k * sizeof *base);
        for (size_t j = 0; j < p; j++) {
            for (size_t o = 0; o < k; o++) {
                sum[o] = 0;
                for (size_t l = 0; l < k; l++) sum[o] += matrix[o * k + l] * row[j * k + l];
            }
            memcpy(row + j * k, sum, k * sizeof *sum);
        }
    }
    return AML_OK;
}

static aml_status explain(aml_explanation *e, const aml_frame *data, const aml_explain_options *o,
                          aml_ctx *ctx) {
    aml_frame view;
    aml_table table;
    bool all, *exact = AML_ARRAY(ctx->keep, aml_model_fits(e->m) + 1, bool);
    AML_TRY(take_rows(e, o, data->n));
    e->value = AML_ARRAY(e->arena, e->n * (e->p + 1) * e->k + 1, double);
    if (!exact || !e->value) return AML_ENOMEM;
    AML_TRY(aml_conform(&view, &e->m->inputs, data, ctx));
    AML_TRY(aml_table_from_frame(&table, &view, NULL, ctx));
    AML_TRY(find_exact(exact, &all, e, &table, ctx));
    aml_explaining job = {.e = e,
                          .view = &view,
                          .exact = exact,
                          .draws = o->draws ? o->draws : DRAWS,
                          .seed = o->seed};
    AML_TRY(aml_explain_exactly(&job, ctx->n_threads));
    if (!all) AML_TRY(aml_explain_by_samples(&job, ctx->n_threads, ctx));
    if (e->m->calibrator.kind) AML_TRY(carry_through_calibration(e, ctx));
    AML_TRY(describe(e, exact, job.draws));
    return rank_columns(e, ctx);
}

aml_status aml_model_explain(aml_explanation **out, const aml_model *m, const aml_frame *data,
                             const aml_explain_options *options) {
    AML_NEED(out);
    *out = NULL;
    AML_NEED(m);
    AML_NEED(data);
    AML_TRY(aml_model_predicts(m));
    aml_explain_options o = {0};
    if (options) AML_TRY(aml_call_options(&o, sizeof o, options, "aml_explain_options"));
    if (o.draws > 100000)
        return aml_help(aml_fail(AML_EUSAGE, "%zu orders are too many", o.draws), NULL,
                        "some dozens are enough");
    aml_ctx ctx;
    aml_status status = aml_ctx_open(&ctx, aml_par_threads(o.threads));
    aml_arena *arena = aml_arena_new(NULL);
    aml_explanation *e = arena ? AML_NEW(arena, aml_explanation) : NULL;
    if (!e) status = AML_ENOMEM;
    if (!status) {
        *e = (aml_explanation){.m = m, .p = m->inputs.p, .k = aml_model_outputs(m), .arena = arena};
        status = explain(e, data, &o, &ctx);
    }
    aml_ctx_close(&ctx);
    if (status) aml_arena_free(arena);
    else *out = e;
    return status;
}

void aml_explanation_free(aml_explanation *e) {
    if (e) aml_arena_free(e->arena);
}

size_t aml_explanation_rows(const aml_explanation *e) {
    AML_NEED_OR(e, 0);
    return e->n;
}
const double *aml_explanation_values(const aml_explanation *e) {
    AML_NEED_OR(e, NULL);
    return e->value;
}

int aml_explanation_column(const aml_explanation *e, size_t i, const char **name, double *mean) {
    AML_NEED_OR(e, 0);
    AML_NEED_OR(name, 0);
    AML_NEED_OR(mean, 0);
    if (i >= e->p) return 0;
    *name = e->m->inputs.columns[e->order[i]].name;
    *mean = e->mean[e->order[i]];
    return 1;
}

const char *aml_explanation_method(const aml_explanation *e, size_t part) {
    AML_NEED_OR(e, NULL);
    return part < e->m->n_members ? e->text[part] : NULL;
}
