/* chain.c: fit, apply, save and load of a featurization. */
#include "automl/engine/chain.h"

#include <string.h>

#include "featurize/parts/table.h"

static aml_chain *chain_new(size_t n_steps, unsigned build, aml_memory *account) {
    aml_arena *arena = aml_arena_new(account);
    aml_chain *c = arena ? AML_NEW(arena, aml_chain) : NULL;
    if (!c) {
        aml_arena_free(arena);
        return NULL;
    }
    c->arena = arena;
    c->build = build;
    c->users = 1;
    c->steps = AML_ARRAY(arena, n_steps, aml_fitted_step);
    if (c->steps) return c;
    aml_arena_free(arena);
    return NULL;
}

aml_chain *aml_chain_hold(aml_chain *c) {
    atomic_fetch_add(&c->users, 1);
    return c;
}

void aml_chain_release(aml_chain *c) {
    if (c && atomic_fetch_sub(&c->users, 1) == 1) aml_arena_free(c->arena);
}

static aml_table start(const aml_table *table, unsigned build) {
    aml_table t = *table;
    if (build & AML_NO_FEATURES) t.p = 0;
    return t;
}

/* The state goes to the chain's arena, the columns to ctx->keep. */
static aml_status fit_step(aml_fitted_step *fitted, aml_table *table, const aml_plan_step *plan,
                           const aml_data *target, aml_arena *states, aml_ctx *ctx) {
    aml_ctx fit_ctx = *ctx;
    fit_ctx.keep = states;
    fitted->step = plan->step;
    AML_TRY(plan->step->fit(&fitted->state, table, target, plan->hp, &fit_ctx));
    aml_table next = {0};
    if (plan->step->fit_apply)
        AML_TRY(plan->step->fit_apply(&next, &fitted->state, table, target, plan->hp, ctx));
    else AML_TRY(plan->step->apply(&next, fitted->state, table, ctx));
    *table = next;
    return AML_OK;
}

static aml_status fit_steps(aml_chain *c, aml_design *design, const aml_plan *plan,
                            const aml_table *table, const aml_data *target, aml_ctx *ctx) {
    aml_table at = start(table, c->build);
    aml_rng rng = ctx->rng;
    for (size_t i = 0; i < plan->n_steps; i++) {
        if (aml_should_stop(ctx)) return aml_stopped();
        ctx->rng = aml_rng_child(&rng, (uint32_t)i);
        AML_TRY(fit_step(&c->steps[i], &at, &plan->steps[i], target, c->arena, ctx));
        c->n_steps = i + 1;
    }
    AML_TRY(aml_table_to_design(design, &at, ctx));
    return aml_design_prepare(design, c->build & AML_BUILD_ALL, ctx);
}

aml_status aml_chain_fit(aml_chain **out, aml_design *design, const aml_plan *plan,
                         const aml_table *table, const aml_data *target, aml_memory *account,
                         aml_ctx *ctx) {
    aml_chain *c = chain_new(plan->n_steps, aml_plan_build(plan), account);
    if (!c) return AML_ENOMEM;
    aml_status status = fit_steps(c, design, plan, table, target, ctx);
    if (status) aml_chain_release(c);
    else *out = c;
    return status;
}

aml_status aml_chain_table(aml_table *out, const aml_chain *c, const aml_table *table,
                           aml_ctx *ctx) {
    *out = start(table, c->build);
    for (size_t i = 0; i < c->n_steps; i++) {
        aml_table next = {0};
        AML_TRY(c->steps[i].step->apply(&next, c->steps[i].state, out, ctx));
        *out = next;
    }
    return AML_OK;
}

aml_status aml_chain_apply(aml_design *out, const aml_chain *c, const aml_table *table,
                           aml_ctx *ctx) {
    aml_table at;
    AML_TRY(aml_chain_table(&at, c, table, ctx));
    AML_TRY(aml_table_to_design(out, &at, ctx));
    return c->build & AML_BUILD_DENSE ? aml_design_dense(out, ctx) : AML_OK;
}

void aml_chain_save(const aml_chain *c, aml_writer *w) {
    aml_put_u32(w, c->build);
    aml_put_u32(w, (uint32_t)c->n_steps);
    for (size_t i = 0; i < c->n_steps; i++) {
        aml_put_string(w, c->steps[i].step->name);
        c->steps[i].step->save(c->steps[i].state, w);
    }
}

static aml_status load_step(aml_fitted_step *s, aml_reader *r, aml_ctx *ctx) {
    char *name = aml_get_string(r, ctx->scratch);
    if (!name) return r->status;
    s->step = aml_step_find(name);
    if (!s->step) return r->status = aml_part_missing(r->file, "featurization step", name);
    AML_TRY(s->step->load(&s->state, r, ctx));
    return r->status;
}

aml_status aml_chain_load(aml_chain **out, aml_reader *r, aml_memory *account) {
    unsigned build = aml_get_u32(r);
    uint32_t n = aml_get_u32(r);
    if (!r->status && (n > AML_MAX_STEPS || build > (AML_BUILD_ALL | AML_NO_FEATURES)))
        return aml_reader_fail(r, "%u featurization steps", n);
    if (r->status) return r->status;
    aml_chain *c = chain_new(n, build, account);
    aml_arena *scratch = aml_arena_new(account);
    aml_status status = c && scratch ? AML_OK : AML_ENOMEM;
    aml_ctx ctx = {.keep = c ? c->arena : NULL, .scratch = scratch, .n_threads = 1};
    for (uint32_t i = 0; !status && i < n; i++) {
        status = load_step(&c->steps[i], r, &ctx);
        c->n_steps = i + 1;
    }
    aml_arena_free(scratch);
    if (status) aml_chain_release(c);
    else *out = c;
    return status;
}
