/* explain_exact.c: contributions that learners tell themselves. */
#include <string.h>

#include "automl/engine/explain.h"

enum { BLOCK = 256 };

size_t aml_explain_source(const aml_model *m, const aml_design *d, size_t feature) {
    size_t source = d->source[feature], text = m->inputs.p, n_texts = 0;
    if (source < m->inputs.p) return source;
    for (size_t i = 0; i < m->inputs.p; i++) {
        if (m->inputs.columns[i].kind != AML_TEXT) continue;
        text = i;
        n_texts++;
    }
    return n_texts == 1 ? text : m->inputs.p; /* what is made of several columns is made of texts */
}

/* One fit's contributions to a row (d features, on the scale before the link) go to the columns, after it. */
typedef struct carrier {
    const aml_learner *learner;
    const void *model;
    double share;
    const size_t *source; /* d columns */
    size_t d, p, k;
    bool linked;
    double *matrix, *base, *z, *room; /* k × k, k, k, 4k */
} carrier;

static void add_row(double *out, const double *phi, const carrier *c) {
    size_t k = c->k;
    const double *z0 = phi + c->d * k;
    memcpy(c->base, z0, k * sizeof *z0);
    if (c->linked) {
        memcpy(c->z, z0, k * sizeof *z0);
        for (size_t j = 0; j < c->d; j++)
            for (size_t o = 0; o < k; o++) c->z[o] += phi[j * k + o];
        aml_carry(c->matrix, c->base, z0, c->z, k, c->learner->link, c->model, c->room);
    }
    for (size_t o = 0; o < k; o++) out[c->p * k + o] += c->share * c->base[o];
    for (size_t j = 0; j < c->d; j++) {
        double *to = out + c->source[j] * k;
        const double *from = phi + j * k;
        for (size_t o = 0; o < k; o++) {
            double sum = c->linked ? 0 : from[o];
            for (size_t i = 0; c->linked && i < k; i++) sum += c->matrix[o * k + i] * from[i];
            to[o] += c->share * sum;
        }
    }
}

static aml_status add_fit(double *out, const aml_explaining *job, const aml_member *member,
                          const aml_fit *fit, aml_batch *batch, aml_ctx *ctx) {
    aml_data x;
    AML_TRY(aml_batch_data(&x, batch, fit));
    size_t k = job->e->k, p = job->e->p, d = x.x->p, width = (d + 1) * k;
    aml_arena *a = ctx->scratch;
    double *phi = aml_alloc_raw(a, x.n * width, sizeof *phi);
    size_t *source = AML_ARRAY(a, d + 1, size_t);
    carrier c = {.learner = member->learner,
                 .model = fit->model,
                 .share = member->weight / (double)member->n_fits,
                 .source = source,
                 .d = d,
                 .p = p,
                 .k = k,
                 .matrix = AML_ARRAY(a, k * k, double),
                 .base = AML_ARRAY(a, k, double),
                 .z = AML_ARRAY(a, k, double),
                 .room = AML_ARRAY(a, 4 * k, double)};
    if (!phi || !source || !c.matrix || !c.base || !c.z || !c.room) return AML_ENOMEM;
    c.linked = aml_is_linked(c.learner, c.model, k, c.room);
    for (size_t j = 0; j < d; j++) source[j] = aml_explain_source(job->e->m, x.x, j);
    AML_TRY(member->learner->contributions(phi, fit->model, &x, ctx));
    for (size_t i = 0; i < x.n; i++) add_row(out + i * (p + 1) * k, phi + i * width, &c);
    return AML_OK;
}

static aml_status explain_block(void *arg, size_t begin, size_t end, aml_ctx *ctx) {
    const aml_explaining *job = arg;
    const aml_explanation *e = job->e;
    size_t number = 0;
    aml_table rows;
    aml_batch batch;
    const uint32_t **from = AML_ARRAY(ctx->keep, e->p + 1, const uint32_t *);
    if (!from) return AML_ENOMEM;
    for (size_t j = 0; j < e->p; j++) from[j] = e->row + begin;
    AML_TRY(aml_explain_table(&rows, job->view, from, end - begin, ctx));
    AML_TRY(aml_batch_init(&batch, e->m, &rows, ctx));
    for (size_t i = 0; i < e->m->n_members; i++) {
        const aml_member *member = &e->m->members[i];
        for (size_t f = 0; f < member->n_fits; f++) {
            if (!job->exact[number++]) continue;
            aml_mark mark = aml_arena_mark(ctx->scratch);
            AML_TRY(add_fit(e->value + begin * (e->p + 1) * e->k, job, member, &member->fits[f],
                            &batch, ctx));
            aml_arena_release(ctx->scratch, mark);
        }
    }
    return AML_OK;
}

aml_status aml_explain_exactly(const aml_explaining *job, int threads) {
    return aml_blocks(job->e->n, BLOCK, threads, explain_block, (void *)(uintptr_t)job);
}
