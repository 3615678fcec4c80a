/* level_index.c: levels by their text. */
#include "automl/core/level_index.h"

#include <string.h>

#include "automl/core/text.h"

aml_status aml_level_index_make(aml_level_index *out, const char *const *levels, uint32_t n,
                                aml_arena *keep) {
    size_t room = 16;
    while (room < (size_t)n * 2) room *= 2;
    *out = (aml_level_index){.levels = levels, .n = n, .mask = room - 1};
    out->slot = AML_ARRAY(keep, room, uint32_t);
    out->size = aml_alloc_raw(keep, n, sizeof *out->size);
    if (!out->slot || !out->size) return AML_ENOMEM;
    for (uint32_t l = 0; l < n; l++) {
        size_t size = strlen(levels[l]), at = aml_hash(levels[l], size, 0) & out->mask;
        while (out->slot[at]) at = (at + 1) & out->mask;
        out->slot[at] = l + 1;
        out->size[l] = size < UINT32_MAX ? (uint32_t)size : UINT32_MAX;
    }
    return AML_OK;
}

int32_t aml_level_find(const aml_level_index *x, const char *text, size_t size) {
    if (!size) return -1;
    for (size_t at = aml_hash(text, size, 0) & x->mask; x->slot[at]; at = (at + 1) & x->mask) {
        uint32_t l = x->slot[at] - 1;
        if (x->size[l] == size && !memcmp(x->levels[l], text, size)) return (int32_t)l;
    }
    return -2;
}
