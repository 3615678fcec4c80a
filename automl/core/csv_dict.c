/* csv_dict.c: distinct texts by open addressing; the index is the order of first appearance. */
#include <string.h>

#include "automl/core/csv_internal.h"

/* Slots are at most half full. */
static bool rehash(csv_dict *d, size_t n_slots) {
    size_t bytes = n_slots * sizeof *d->slots;
    if (aml_memory_charge(d->account, bytes)) return false;
    d->charged += bytes;
    uint64_t *slots = aml_calloc(n_slots, sizeof *slots);
    if (!slots) return false;
    for (size_t i = 0; i < d->n_slots; i++) {
        if (!d->slots[i]) continue;
        size_t at = (d->slots[i] >> 32) & (n_slots - 1);
        while (slots[at]) at = (at + 1) & (n_slots - 1);
        slots[at] = d->slots[i];
    }
    aml_free(d->slots);
    d->slots = slots;
    d->n_slots = n_slots;
    return true;
}

static bool grow_levels(csv_dict *d) {
    size_t room = d->room ? d->room * 2 : 16, bytes = room * sizeof *d->levels;
    if (aml_memory_charge(d->account, bytes - d->room * sizeof *d->levels)) return false;
    d->charged += bytes - d->room * sizeof *d->levels;
    csv_level *more = aml_realloc(d->levels, bytes);
    if (!more) return false;
    d->levels = more;
    d->room = room;
    return true;
}

/* The slot of a text, or the empty one where it belongs. */
static size_t locate(const csv_dict *d, uint64_t hash, const char *text, size_t size) {
    size_t at = hash & (d->n_slots - 1);
    for (; d->slots[at]; at = (at + 1) & (d->n_slots - 1)) {
        if (d->slots[at] >> 32 != hash) continue;
        const csv_level *l = &d->levels[(uint32_t)d->slots[at] - 1];
        if (l->size == size && !memcmp(l->text, text, size)) break;
    }
    return at;
}

/* Eight bytes a step, each mixed by a multiplication; the upper half is the better one. */
static uint64_t mix(uint64_t h, uint64_t word) {
    h = (h ^ word) * 0x9E3779B97F4A7C15u;
    return h ^ h >> 29;
}

static uint64_t hash_of(const char *text, size_t size) {
    uint64_t h = size, word;
    for (; size >= sizeof word; text += sizeof word, size -= sizeof word) {
        memcpy(&word, text, sizeof word);
        h = mix(h, word);
    }
    word = 0;
    for (size_t i = 0; i < size; i++) word = word << 8 | (unsigned char)text[i];
    return mix(h, word) * 0xD6E8FEB86659FD93u >> 32;
}

int64_t csv_dict_find(const csv_dict *d, const char *text, size_t size) {
    if (d->n_slots == 0) return CSV_NO_LEVEL;
    uint64_t slot = d->slots[locate(d, hash_of(text, size), text, size)];
    return slot ? (int64_t)(uint32_t)slot - 1 : CSV_NO_LEVEL;
}

int64_t csv_dict_add(csv_dict *d, const char *text, size_t size) {
    if (d->n >= INT32_MAX - 1) return CSV_NO_MEMORY;
    if (d->n * 2 >= d->n_slots && !rehash(d, d->n_slots ? d->n_slots * 2 : 64))
        return CSV_NO_MEMORY;
    uint64_t hash = hash_of(text, size);
    size_t at = locate(d, hash, text, size);
    if (d->slots[at]) return (int64_t)(uint32_t)d->slots[at] - 1;
    if (d->n == d->room && !grow_levels(d)) return CSV_NO_MEMORY;
    d->levels[d->n] = (csv_level){.text = text, .size = size};
    d->slots[at] = hash << 32 | ++d->n;
    return (int64_t)d->n - 1;
}

void csv_dict_free(csv_dict *d) {
    aml_memory_release(d->account, d->charged);
    aml_free(d->levels);
    aml_free(d->slots);
    *d = (csv_dict){.account = d->account};
}
