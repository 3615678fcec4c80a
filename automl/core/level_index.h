/* level_index.h: from the text of a category's level to its code. */
#ifndef AML_CORE_LEVEL_INDEX_H
#define AML_CORE_LEVEL_INDEX_H

#include "automl/core/arena.h"

/* An open-addressed table of texts, which stay borrowed. Immutable once made. */
typedef struct aml_level_index {
    const char *const *levels;
    uint32_t n, *slot, *size; /* slot: 1 + a level, 0 = empty; size: bytes of each level */
    size_t mask;
} aml_level_index;

aml_status aml_level_index_make(aml_level_index *out, const char *const *levels, uint32_t n,
                                aml_arena *keep);
/* The code as frames have it: -1 for an empty text (missing), -2 for one that is no level. */
int32_t aml_level_find(const aml_level_index *x, const char *text, size_t size);

#endif
