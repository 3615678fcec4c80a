/* csv_dict.c: distinct texts by open addressing. Texts of up to eight bytes are their own keys. */
#include <string.h>

#include "automl/core/csv_words.h"

/* Slots are at most half full. */
static uint64_t spread(uint64_t key, uint64_t size) {
    uint64_t h = (key ^ size << 59 ^ size >> 5) * 0x9E3779B97F4A7C15u;
    return h ^ h >> 32;
}

static bool rehash(csv_dict *d, size_t n_slots) {
    size_t bytes = n_slots * sizeof *d->slots;
    if (aml_memory_charge(d->account, bytes)) return false;
    csv_slot *slots = aml_calloc(n_slots, sizeof *slots);
    if (!slots) {
        aml_memory_release(d->account, bytes);
        return false;
    }
    for (size_t i = 0; i < d->n_slots; i++) {
        if (!d->slots[i].index) continue;
        size_t at = spread(d->slots[i].key, d->slots[i].size) & (n_slots - 1);
        while (slots[at].index) at = (at + 1) & (n_slots - 1);
        slots[at] = d->slots[i];
    }
    aml_memory_release(d->account, d->n_slots * sizeof *slots);
    aml_free(d->slots);
    d->charged += bytes - d->n_slots * sizeof *slots;
    d->slots = slots;
    d->n_slots = n_slots;
    return true;
}

static bool grow_levels(csv_dict *d) {
    size_t room = d->room ? d->room * 2 : 16, bytes = room * sizeof *d->levels;
    size_t more_bytes = bytes - d->room * sizeof *d->levels;
    if (aml_memory_charge(d->account, more_bytes)) return false;
    csv_level *more = aml_realloc(d->levels, bytes);
    if (!more) {
        aml_memory_release(d->account, more_bytes);
        return false;
    }
    d->charged += more_bytes;
    d->levels = more;
    d->room = room;
    return true;
}

/* Eight bytes a step, each mixed by a multiplication. */
static uint64_t mix(uint64_t h, uint64_t word) {
    h = (h ^ word) * 0x9E3779B97F4A7C15u;
    return h ^ h >> 29;
}

static uint64_t first_bytes(const char *text, size_t size) {
    uint64_t word;
    memcpy(&word, text, sizeof word);
    return size == 8 ? word : word & (((uint64_t)1 << 8 * size) - 1);
}

static uint64_t key_of(const char *text, size_t size) {
    uint64_t h = size, word;
    if (size <= sizeof word) return first_bytes(text, size);
    for (size_t i = 0; i + sizeof word < size; i += sizeof word) {
        memcpy(&word, text + i, sizeof word);
        h = mix(h, word);
    }
    memcpy(&word, text + size - sizeof word, sizeof word);
    return mix(h, word) * 0xD6E8FEB86659FD93u;
}

/* Texts of more than eight bytes; up to sixteen are two words that overlap. */
static bool same(const char *a, const char *b, size_t size) {
    uint64_t words[4];
    if (size > 16) return !memcmp(a, b, size);
    memcpy(&words[0], a, 8);
    memcpy(&words[1], b, 8);
    memcpy(&words[2], a + size - 8, 8);
    memcpy(&words[3], b + size - 8, 8);
    return words[0] == words[1] && words[2] == words[3];
}

/* The slot of a text, or the empty one where it belongs. */
static csv_slot *locate(const csv_dict *d, uint64_t key, const char *text, size_t size) {
    size_t at = spread(key, (uint32_t)size) & (d->n_slots - 1);
    for (; d->slots[at].index; at = (at + 1) & (d->n_slots - 1)) {
        const csv_slot *s = &d->slots[at];
        if (s->key != key || s->size != (uint32_t)size) continue;
        if (size <= 8 || same(d->levels[s->index - 1].text, text, size)) break;
    }
    return &d->slots[at];
}

int64_t csv_dict_find(const csv_dict *d, const char *text, size_t size) {
    if (d->n_slots == 0) return CSV_NO_LEVEL;
    return (int64_t)locate(d, key_of(text, size), text, size)->index - 1;
}

int64_t csv_dict_add(csv_dict *d, const char *text, size_t size) {
    if (d->n >= INT32_MAX - 1) return CSV_NO_MEMORY;
    if (d->n * 2 >= d->n_slots && !rehash(d, d->n_slots ? d->n_slots * 4 : 64))
        return CSV_NO_MEMORY;
    uint64_t key = key_of(text, size);
    csv_slot *slot = locate(d, key, text, size);
    if (slot->index) return (int64_t)slot->index - 1;
    if (d->n == d->room && !grow_levels(d)) return CSV_NO_MEMORY;
    if (!d->texts && !(d->texts = aml_arena_new(d->account))) return CSV_NO_MEMORY;
    char *copy = aml_alloc_raw(d->texts, size + sizeof key, 1);
    if (!copy) return CSV_NO_MEMORY;
    memcpy(copy, text, size);
    memset(copy + size, 0, sizeof key);
    d->levels[d->n] = (csv_level){.text = copy, .size = size};
    *slot = (csv_slot){key, (uint32_t)size, (uint32_t)++d->n};
    return (int64_t)d->n - 1;
}

/* Short texts are copied so that eight bytes can be read. */
static const char *readable(char room[16], const char *text, size_t size) {
    if (size >= 8) return text;
    memset(room, 0, 16);
    if (size) memcpy(room, text, size);
    return room;
}

int64_t csv_dict_add_text(csv_dict *d, const char *text, size_t size) {
    char room[16];
    return csv_dict_add(d, readable(room, text, size), size);
}

int64_t csv_dict_find_text(const csv_dict *d, const char *text, size_t size) {
    char room[16];
    return csv_dict_find(d, readable(room, text, size), size);
}

void csv_dict_free(csv_dict *d) {
    aml_memory_release(d->account, d->charged);
    aml_free(d->levels);
    aml_free(d->slots);
    aml_arena_free(d->texts);
    *d = (csv_dict){.account = d->account};
}

/* ---- how many differ */

size_t csv_count_distinct(const uint64_t *offset, const char *bytes, size_t n, size_t limit,
                          aml_memory *account) {
    size_t n_slots = 64, count = 0;
    while (n_slots < 2 * limit) n_slots *= 2;
    if (aml_memory_charge(account, n_slots * sizeof(uint64_t))) return SIZE_MAX;
    uint64_t *slots = aml_calloc(n_slots, sizeof *slots);
    for (size_t i = 0; slots && i < n && count < limit; i++) {
        size_t size = offset[i + 1] - offset[i];
        char room[16];
        const char *text = readable(room, bytes + offset[i], size);
        uint64_t hash = spread(key_of(text, size), size) | 1;
        size_t at = hash >> 8 & (n_slots - 1);
        while (slots[at] && slots[at] != hash) at = (at + 1) & (n_slots - 1);
        count += !slots[at];
        slots[at] = hash;
    }
    aml_memory_release(account, n_slots * sizeof *slots);
    if (!slots) return SIZE_MAX;
    aml_free(slots);
    return count;
}
