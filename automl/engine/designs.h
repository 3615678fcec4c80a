/* designs.h: the cache of designs: each featurization of the training rows is made once and shared by all trials. */
#ifndef AML_ENGINE_DESIGNS_H
#define AML_ENGINE_DESIGNS_H

#include "automl/engine/chain.h"

typedef struct aml_designs aml_designs;

/* A design that is in use: valid until it is given back. */
typedef struct aml_lease {
    const aml_design *design;
    aml_chain *chain; /* held by the cache; hold it to keep it longer */
    void *entry;
} aml_lease;

/* `room`: bytes of designs kept for later use (those in use are never dropped); 0 = no limit. */
aml_designs *aml_designs_new(size_t room, aml_memory *account);
void aml_designs_free(aml_designs *d);

/* The design of `plan` on `table`, made now if it is not there: steps are fitted on target->rows. fold tells apart the
 * row lists of steps that see the target; it is ignored for plans without such steps, whose target must then name all rows.
 * The RNG stream is the featurization's own, so that it does not matter which trial came first. Thread-safe: whoever
 * comes second waits. */
aml_status aml_designs_get(aml_lease *out, aml_designs *d, const aml_plan *plan, size_t fold,
                           const aml_table *table, const aml_data *target, uint64_t seed,
                           aml_ctx *ctx);
void aml_designs_give_back(aml_designs *d, aml_lease *lease);
bool aml_designs_trim(aml_designs *d); /* drops those that nobody uses; were there any? */

#endif
