/* predict.c: prediction. */
#include "automl/engine/predict.h"

#include "automl/core/call.h"
#include "automl/core/par.h"
#include "featurize/parts/table.h"

enum { BLOCK = 4096 };

/* ---- blocks */

typedef struct blocks {
    aml_block_fn fn;
    void *arg;
    _Atomic int status;
    aml_error error; /* of whoever failed first */
} blocks;

static void run_block(void *arg, size_t block, size_t begin, size_t end, int thread) {
    blocks *b = arg;
    (void)block, (void)thread;
    if (b->status) return;
    aml_ctx ctx;
    aml_status status = aml_ctx_open(&ctx, 1);
    if (!status) status = b->fn(b->arg, begin, end, &ctx);
    if (status && !atomic_exchange(&b->status, (int)status)) b->error = *aml_last_error();
    aml_ctx_close(&ctx);
}

aml_status aml_blocks(size_t n, size_t size, int threads, aml_block_fn fn, void *arg) {
    blocks b = {.fn = fn, .arg = arg};
    aml_par_for(threads, n, size, run_block, &b);
    if (b.status) aml_set_error(&b.error);
    return (aml_status)b.status;
}

/* ---- batches */

typedef struct made {
    const aml_chain *chain;
    aml_design design;
} made;

size_t aml_model_fits(const aml_model *m) {
    size_t n = 0;
    for (size_t i = 0; i < m->n_members; i++) n += m->members[i].n_fits;
    return n;
}

aml_status aml_batch_init(aml_batch *b, const aml_model *m, const aml_table *rows, aml_ctx *ctx) {
    *b = (aml_batch){.m = m, .rows = rows, .ctx = ctx};
    if (!m->n_members)
        return aml_help(aml_fail(AML_EUSAGE, "the leaderboard of a run cannot predict"), NULL,
                        "load the model from its file");
    b->made = AML_ARRAY(ctx->keep, aml_model_fits(m) + 1, made);
    b->all = AML_ARRAY(ctx->keep, rows->n + 1, uint32_t);
    if (!b->made || !b->all) return AML_ENOMEM;
    for (size_t i = 0; i < rows->n; i++) b->all[i] = (uint32_t)i;
    return AML_OK;
}

aml_status aml_batch_data(aml_data *out, aml_batch *b, const aml_fit *fit) {
    size_t i = 0;
    while (i < b->n_made && b->made[i].chain != fit->chain) i++;
    if (i == b->n_made) {
        AML_TRY(aml_chain_apply(&b->made[i].design, fit->chain, b->rows, b->ctx));
        b->made[i].chain = fit->chain;
        b->n_made++;
    }
    *out = (aml_data){.x = &b->made[i].design,
                      .rows = b->all,
                      .n = b->rows->n,
                      .task = b->m->kind,
                      .n_classes = b->m->n_classes};
    return AML_OK;
}

aml_status aml_batch_predict(double *out, aml_batch *b, const bool *skip) {
    const aml_model *m = b->m;
    size_t n = b->rows->n * aml_model_outputs(m), number = 0;
    double *one = AML_ARRAY(b->ctx->keep, n + 1, double);
    if (!one) return AML_ENOMEM;
    for (size_t i = 0; i < n; i++) out[i] = 0;
    for (size_t i = 0; i < m->n_members; i++) {
        const aml_member *member = &m->members[i];
        for (size_t f = 0; f < member->n_fits; f++, number++) {
            aml_data x;
            if (skip && skip[number]) continue;
            AML_TRY(aml_batch_data(&x, b, &member->fits[f]));
            aml_mark mark = aml_arena_mark(b->ctx->scratch);
            AML_TRY(member->learner->predict(one, member->fits[f].model, &x, b->ctx));
            aml_arena_release(b->ctx->scratch, mark);
            for (size_t r = 0; r < n; r++)
                out[r] += member->weight / (double)member->n_fits * one[r];
        }
    }
    return AML_OK;
}

/* ---- frames */

typedef struct predict_job {
    const aml_model *m;
    const aml_table *table;
    double *out;
} predict_job;

static aml_status predict_block(void *arg, size_t begin, size_t end, aml_ctx *ctx) {
    predict_job *j = arg;
    aml_table rows;
    aml_batch batch;
    AML_TRY(aml_table_slice(&rows, j->table, begin, end - begin, ctx->keep));
    AML_TRY(aml_batch_init(&batch, j->m, &rows, ctx));
    size_t k = aml_model_outputs(j->m);
    AML_TRY(aml_batch_predict(j->out + begin * k, &batch, NULL));
    for (size_t i = begin; i < end; i++) aml_calibrator_apply(j->out + i * k, &j->m->calibrator, k);
    return AML_OK;
}

static aml_status predict_frame(double *out, const aml_model *m, const aml_frame *data,
                                aml_ctx *ctx) {
    aml_frame view;
    aml_table table;
    AML_TRY(aml_conform(&view, &m->inputs, data, ctx));
    AML_TRY(aml_table_from_frame(&table, &view, NULL, ctx));
    predict_job j = {.m = m, .table = &table, .out = out};
    if (data->n <= BLOCK)
        return predict_block(
            &j, 0, data->n, &(aml_ctx){.keep = ctx->keep, .scratch = ctx->scratch, .n_threads = 1});
    return aml_blocks(data->n, BLOCK, ctx->n_threads, predict_block, &j);
}

aml_status aml_model_predict(double *out, const aml_model *m, const aml_frame *data, int threads) {
    AML_NEED(out);
    AML_NEED(m);
    AML_NEED(data);
    AML_TRY(aml_model_predicts(m));
    aml_ctx ctx;
    aml_status status = aml_ctx_open(&ctx, aml_par_threads(threads));
    if (!status) status = predict_frame(out, m, data, &ctx);
    aml_ctx_close(&ctx);
    return status;
}
