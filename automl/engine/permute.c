/* permute.c: permutation importance (Breiman 2001; Fisher, Rudin and Dominici 2019): what the metric loses when one
 * column tells nothing. */
#include <math.h>
#include <string.h>

#include "automl/core/call.h"
#include "automl/core/par.h"
#include "automl/core/sort.h"
#include "automl/engine/model.h"
#include "automl/engine/target.h"
#include "automl/engine/threshold.h"

enum { REPEATS = 5 };

struct aml_permutation {
    const aml_model *m;
    size_t n, p;
    double score, *loss, *error;
    uint32_t *order;
    aml_arena *arena;
};

/* The rows that are asked for and have a target. */
static aml_status known_rows(uint32_t *rows, double *y, size_t *n, const aml_model *m,
                             const aml_frame *data, const aml_explain_options *o, aml_ctx *ctx) {
    size_t column, asked = o->rows ? o->n_rows : data->n;
    double *all = AML_ARRAY(ctx->scratch, data->n + 1, double);
    if (!all) return AML_ENOMEM;
    AML_TRY(aml_frame_need(&column, data, m->target, "target"));
    AML_TRY(aml_target_read(all, data, column, m->kind, m->classes, m->n_classes));
    *n = 0;
    for (size_t i = 0; i < asked; i++) {
        size_t row = o->rows ? o->rows[i] : i;
        if (row >= data->n)
            return aml_help(aml_fail(AML_EUSAGE, "there is no row %zu", row + 1), NULL,
                            "the data have %zu rows", data->n);
        if (isnan(all[row])) continue;
        y[*n] = all[row];
        rows[(*n)++] = (uint32_t)row;
    }
    if (*n) return AML_OK;
    return aml_help(
        aml_fail_at(AML_EDATA, data->source, 0, 0, "no row has a known target `%s`", m->target),
        "permutation importance compares predictions with the target",
        "give rows whose target is one of the model's classes");
}

static aml_status score(double *out, const aml_model *m, const aml_frame *view, const double *y,
                        double *pred, int threads) {
    AML_TRY(aml_model_predict(pred, m, view, threads));
    if (m->metric->hard && m->kind == AML_BINARY) aml_harden(pred, view->n, m->threshold);
    return m->metric->score(out, y, NULL, pred, view->n, m->n_classes);
}

/* One column's cells change places; the column is put back. */
static aml_status shuffled(aml_permutation *p, aml_frame *view, aml_column *columns, size_t j,
                           const double *y, double *pred, uint64_t seed, aml_ctx *ctx) {
    uint32_t *place = AML_ARRAY(ctx->scratch, p->n, uint32_t);
    aml_rng rng = aml_rng_stream(seed, AML_RNG_SAMPLE, j, 4);
    aml_column own = columns[j];
    double lost[REPEATS], square = 0;
    if (!place) return AML_ENOMEM;
    for (size_t i = 0; i < p->n; i++) place[i] = (uint32_t)i;
    for (int r = 0; r < REPEATS; r++) {
        aml_mark mark = aml_arena_mark(ctx->keep);
        aml_rng_shuffle(&rng, place, p->n);
        AML_TRY(aml_column_rows(&columns[j], &own, place, p->n, ctx->keep));
        AML_TRY(score(&lost[r], p->m, view, y, pred, ctx->n_threads));
        columns[j] = own;
        aml_arena_release(ctx->keep, mark);
        lost[r] = p->m->metric->higher_is_better ? p->score - lost[r] : lost[r] - p->score;
        p->loss[j] += lost[r] / REPEATS;
    }
    for (int r = 0; r < REPEATS; r++) square += pow(lost[r] - p->loss[j], 2);
    p->error[j] = sqrt(square / (REPEATS - 1) / REPEATS);
    return AML_OK;
}

static aml_status permute(aml_permutation *p, const aml_frame *data, const aml_explain_options *o,
                          aml_ctx *ctx) {
    const aml_model *m = p->m;
    size_t room = (o->rows ? o->n_rows : data->n) + 1;
    uint32_t *rows = AML_ARRAY(ctx->keep, room, uint32_t);
    double *y = AML_ARRAY(ctx->keep, room, double), *key = AML_ARRAY(ctx->keep, p->p + 1, double);
    double *pred = AML_ARRAY(ctx->keep, room * aml_model_outputs(m), double);
    aml_column *columns = AML_ARRAY(ctx->keep, p->p + 1, aml_column);
    p->loss = AML_ARRAY(p->arena, p->p + 1, double);
    p->error = AML_ARRAY(p->arena, p->p + 1, double);
    p->order = AML_ARRAY(p->arena, p->p + 1, uint32_t);
    if (!rows || !y || !key || !pred || !columns || !p->loss || !p->error || !p->order)
        return AML_ENOMEM;
    AML_TRY(known_rows(rows, y, &p->n, m, data, o, ctx));
    aml_frame all, view;
    AML_TRY(aml_conform(&all, &m->inputs, data, ctx));
    for (size_t j = 0; j < p->p; j++)
        AML_TRY(aml_column_rows(&columns[j], &all.columns[j], rows, p->n, ctx->keep));
    view = (aml_frame){.n = p->n, .p = p->p, .columns = columns, .source = data->source};
    AML_TRY(score(&p->score, m, &view, y, pred, ctx->n_threads));
    for (size_t j = 0; j < p->p; j++) {
        AML_TRY(shuffled(p, &view, columns, j, y, pred, o->seed, ctx));
        key[j] = -p->loss[j];
    }
    return aml_argsort(p->order, key, p->p);
}

aml_status aml_model_permute(aml_permutation **out, const aml_model *m, const aml_frame *data,
                             const aml_explain_options *options) {
    AML_NEED(out);
    *out = NULL;
    AML_NEED(m);
    AML_NEED(data);
    AML_TRY(aml_model_predicts(m));
    aml_explain_options o = {0};
    if (options) AML_TRY(aml_call_options(&o, sizeof o, options, "aml_explain_options"));
    aml_ctx ctx;
    aml_status status = aml_ctx_open(&ctx, aml_par_threads(o.threads));
    aml_arena *arena = aml_arena_new(NULL);
    aml_permutation *p = arena ? AML_NEW(arena, aml_permutation) : NULL;
    if (!p) status = AML_ENOMEM;
    if (!status) {
        *p = (aml_permutation){.m = m, .p = m->inputs.p, .arena = arena};
        status = permute(p, data, &o, &ctx);
    }
    aml_ctx_close(&ctx);
    if (status) aml_arena_free(arena);
    else *out = p;
    return status;
}

int aml_permutation_column(const aml_permutation *p, size_t i, const char **name, double *loss,
                           double *error) {
    AML_NEED_OR(p, 0);
    AML_NEED_OR(name, 0);
    AML_NEED_OR(loss, 0);
    AML_NEED_OR(error, 0);
    if (i >= p->p) return 0;
    size_t j = p->order[i];
    *name = p->m->inputs.columns[j].name;
    *loss = p->loss[j];
    *error = p->error[j];
    return 1;
}

size_t aml_permutation_rows(const aml_permutation *p) {
    AML_NEED_OR(p, 0);
    return p->n;
}
double aml_permutation_score(const aml_permutation *p) {
    AML_NEED_OR(p, NAN);
    return p->score;
}

void aml_permutation_free(aml_permutation *p) {
    if (p) aml_arena_free(p->arena);
}
