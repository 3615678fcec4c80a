/* rng.h: the one random number generator: Philox4x32-10 (Salmon et al. 2011, "Parallel random
 * numbers: as easy as 1, 2, 3"). A stream is named, not shared, so that results never depend on
 * which thread drew first. */
#ifndef AML_CORE_RNG_H
#define AML_CORE_RNG_H

#include <stddef.h>
#include <stdint.h>

#include "automl/core/export.h"

typedef struct aml_rng {
    uint32_t key[2], counter[4], out[4];
    unsigned left; /* unread words of out */
} aml_rng;

/* What a stream is for; part of its name. Append only: the numbers are part of the results. */
typedef enum aml_purpose {
    AML_RNG_SPLIT = 1,
    AML_RNG_FIT,
    AML_RNG_STEP,
    AML_RNG_SEARCH,
    AML_RNG_ENSEMBLE,
    AML_RNG_BOOTSTRAP,
    AML_RNG_SAMPLE,
    AML_RNG_TEST
} aml_purpose;

/* The stream named (seed, purpose, a, b): for example (seed, FIT, trial, fold). */
AML_PLUGIN aml_rng aml_rng_stream(uint64_t seed, aml_purpose purpose, uint64_t a, uint32_t b);

/* A child stream of `r`'s name for item `item` (a tree, a column): `r` itself is not advanced. */
AML_PLUGIN aml_rng aml_rng_child(const aml_rng *r, uint32_t item);

AML_PLUGIN uint32_t aml_rng_u32(aml_rng *r);
AML_PLUGIN uint64_t aml_rng_u64(aml_rng *r);
AML_PLUGIN double aml_rng_uniform(aml_rng *r);             /* [0, 1), 53 bits */
AML_PLUGIN double aml_rng_normal(aml_rng *r);              /* standard normal (polar method) */
AML_PLUGIN uint32_t aml_rng_below(aml_rng *r, uint32_t n); /* 0 … n-1, unbiased; n ≥ 1 */
AML_PLUGIN void aml_rng_shuffle(aml_rng *r, uint32_t *v, size_t n);

/* The bare function: out = philox4x32-10(counter, key). */
void aml_philox(uint32_t out[4], const uint32_t counter[4], const uint32_t key[2]);

#endif
