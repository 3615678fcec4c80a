/* rng.c: Philox4x32-10 and what is drawn from it. */
#include "automl/core/rng.h"

#include <math.h>

void aml_philox(uint32_t out[4], const uint32_t counter[4], const uint32_t key[2]) {
    uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
    uint32_t k0 = key[0], k1 = key[1];
    for (int round = 0; round < 10; round++) {
        uint64_t p0 = (uint64_t)0xD2511F53u * c0, p1 = (uint64_t)0xCD9E8D57u * c2;
        uint32_t n0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0, n2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c1 = (uint32_t)p1;
        c3 = (uint32_t)p0;
        c0 = n0;
        c2 = n2;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    out[0] = c0, out[1] = c1, out[2] = c2, out[3] = c3;
}

/* splitmix64's finaliser: spreads a name over all bits of the key. */
static uint64_t mix(uint64_t z) {
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

static aml_rng named(uint64_t key, uint64_t high) {
    return (aml_rng){.key = {(uint32_t)key, (uint32_t)(key >> 32)},
                     .counter = {0, 0, (uint32_t)high, (uint32_t)(high >> 32)}};
}

aml_rng aml_rng_stream(uint64_t seed, aml_purpose purpose, uint64_t a, uint32_t b) {
    uint64_t key = mix(seed + 0x9E3779B97F4A7C15u);
    return named(key, mix(mix(a * 64 + (uint64_t)purpose) + b));
}

aml_rng aml_rng_child(const aml_rng *r, uint32_t item) {
    uint64_t key = (uint64_t)r->key[1] << 32 | r->key[0];
    uint64_t high = (uint64_t)r->counter[3] << 32 | r->counter[2];
    return named(mix(key + 0xD1B54A32D192ED03u), mix(high + item));
}

uint32_t aml_rng_u32(aml_rng *r) {
    if (!r->left) {
        aml_philox(r->out, r->counter, r->key);
        if (!++r->counter[0]) r->counter[1]++;
        r->left = 4;
    }
    return r->out[4 - r->left--];
}

uint64_t aml_rng_u64(aml_rng *r) {
    uint64_t high = aml_rng_u32(r);
    return high << 32 | aml_rng_u32(r);
}

double aml_rng_uniform(aml_rng *r) { return (double)(aml_rng_u64(r) >> 11) * 0x1p-53; }

/* Marsaglia's polar method: exact, and log and sqrt are the only functions it needs. */
double aml_rng_normal(aml_rng *r) {
    for (;;) {
        double u = 2 * aml_rng_uniform(r) - 1, v = 2 * aml_rng_uniform(r) - 1;
        double s = u * u + v * v;
        if (s > 0 && s < 1) return u * sqrt(-2 * log(s) / s);
    }
}

uint32_t aml_rng_below(aml_rng *r, uint32_t n) { /* Lemire 2019 */
    uint64_t m = (uint64_t)aml_rng_u32(r) * n;
    if ((uint32_t)m < n) {
        uint32_t threshold = (uint32_t)-n % n;
        while ((uint32_t)m < threshold) m = (uint64_t)aml_rng_u32(r) * n;
    }
    return (uint32_t)(m >> 32);
}

void aml_rng_shuffle(aml_rng *r, uint32_t *v, size_t n) {
    for (size_t i = n; i > 1; i--) {
        size_t j = aml_rng_below(r, (uint32_t)i);
        uint32_t t = v[i - 1];
        v[i - 1] = v[j];
        v[j] = t;
    }
}
