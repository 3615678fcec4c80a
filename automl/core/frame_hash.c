/* frame_hash.c: a number for the content of a table. */
#include <string.h>

#include "automl/core/frame.h"
#include "automl/core/text.h"

/* Eight bytes at a time: tables are large. The mixing is that of MurmurHash64A (Appleby), whose constant it is. */
static uint64_t mix(uint64_t h, uint64_t x) {
    static const uint64_t M = 0xC6A4A7935BD1E995u;
    x *= M;
    x ^= x >> 47;
    x *= M;
    return (h ^ x) * M;
}

static uint64_t add(uint64_t h, const void *data, size_t n) {
    const unsigned char *s = data;
    uint64_t x;
    h = mix(h, n);
    for (; n >= sizeof x; n -= sizeof x, s += sizeof x) {
        memcpy(&x, s, sizeof x);
        h = mix(h, x);
    }
    return n ? mix(h, aml_hash(s, n, 0)) : h;
}

static uint64_t add_column(uint64_t h, const aml_column *c, size_t n) {
    h = add(h, c->name, strlen(c->name));
    h = mix(h, (uint64_t)c->kind);
    if (c->kind == AML_NUMBER || c->kind == AML_DATETIME)
        return add(h, c->number, n * sizeof *c->number);
    if (c->kind != AML_CATEGORY) {
        h = add(h, c->bytes + c->offset[0], c->offset[n] - c->offset[0]);
        for (size_t i = 1; i <= n; i++) h = mix(h, c->offset[i] - c->offset[0]);
        return h;
    }
    for (uint32_t l = 0; l < c->n_levels; l++) h = add(h, c->levels[l], strlen(c->levels[l]));
    return add(h, c->code, n * sizeof *c->code);
}

uint64_t aml_frame_hash(const aml_frame *f, uint64_t seed) {
    uint64_t h = mix(mix(seed, f->n), f->p);
    for (size_t j = 0; j < f->p; j++) h = add_column(h, &f->columns[j], f->n);
    return h ^ h >> 47;
}
