/* chain.h: a fitted featurization: the states of its steps in order, ending in a design. */
#ifndef AML_ENGINE_CHAIN_H
#define AML_ENGINE_CHAIN_H

#include "automl/engine/compose.h"

typedef struct aml_fitted_step {
    const aml_step *step;
    void *state;
} aml_fitted_step;

/* Shared by the fits that were made on it; the last release frees it. */
typedef struct aml_chain {
    size_t n_steps;
    aml_fitted_step *steps;
    unsigned build; /* what designs for its learners need */
    aml_arena *arena;
    _Atomic size_t users;
} aml_chain;

/* Fits the plan's steps on target->rows of the table and makes the design of all its rows (training rows of steps
 * that see the target get cross-fitted values). Design memory in ctx->keep; the chain is held once. */
aml_status aml_chain_fit(aml_chain **out, aml_design *design, const aml_plan *plan,
                         const aml_table *table, const aml_data *target, aml_memory *account,
                         aml_ctx *ctx);

/* The design of other rows; memory in ctx->keep. Bins are built for fitting only. */
aml_status aml_chain_apply(aml_design *out, const aml_chain *c, const aml_table *table,
                           aml_ctx *ctx);

/* The same, before it becomes a design. */
aml_status aml_chain_table(aml_table *out, const aml_chain *c, const aml_table *table,
                           aml_ctx *ctx);

aml_chain *aml_chain_hold(aml_chain *c);
void aml_chain_release(aml_chain *c); /* NULL is fine */

void aml_chain_save(const aml_chain *c, aml_writer *w);
aml_status aml_chain_load(aml_chain **out, aml_reader *r, aml_memory *account);

#endif
