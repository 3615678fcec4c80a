/* csv_words.h: the distinct texts of a column, and its cells as they came where these are too many. */
#ifndef AML_CORE_CSV_WORDS_H
#define AML_CORE_CSV_WORDS_H

#include "automl/core/arena.h"

/* ---- distinct texts; the index is the order of first appearance */
typedef struct csv_level {
    const char *text; /* in the dictionary's arena, 8 bytes readable behind it */
    size_t size, count;
    size_t row; /* where it comes first */
} csv_level;

typedef struct csv_slot {
    uint64_t key; /* up to 8 bytes of text themselves, else a hash */
    uint32_t size,
        index; /* of the text (at most 2^32-1 counted), and of the level + 1; 0 = empty */
} csv_slot;

typedef struct csv_dict {
    csv_level *levels;
    csv_slot *slots;
    aml_arena *texts;
    size_t n, room, n_slots;
    size_t charged;
    aml_memory *account;
} csv_dict;
enum { CSV_NO_LEVEL = -1, CSV_NO_MEMORY = -2 };
/* Index of a text, copied when new. CSV_NO_MEMORY. Count and row are the caller's. Eight bytes behind the text
 * must be readable. */
int64_t csv_dict_add(csv_dict *d, const char *text, size_t size);
int64_t csv_dict_find(const csv_dict *d, const char *text, size_t size);
/* The same for text that may end where memory does. */
int64_t csv_dict_add_text(csv_dict *d, const char *text, size_t size);
int64_t csv_dict_find_text(const csv_dict *d, const char *text, size_t size);
void csv_dict_free(csv_dict *d);

/* ---- cells one after the other */
typedef struct csv_segment {
    size_t row, n, n_bytes;
    uint32_t *size; /* n sizes, then the bytes: heap */
} csv_segment;

/* What one thread has seen of a column. */
typedef struct csv_words {
    csv_dict dict;
    size_t n_cells; /* looked up in it */
    csv_segment *segments;
    size_t n_segments, room, charged;
    char *unseen; /* of a schema's column: the first cell that is not in it, cut; heap */
    size_t unseen_row;
} csv_words;

/* Room for the sizes of n cells and n_bytes of text; NULL when memory is short. */
csv_segment *csv_segment_add(csv_words *w, size_t row, size_t n, size_t n_bytes);
static inline char *csv_segment_bytes(const csv_segment *s) { return (char *)(s->size + s->n); }
void csv_segment_drop(csv_words *w, csv_segment *s);
/* So many distinct texts that a dictionary does not pay. */
bool csv_words_too_many(const csv_words *w);
/* A cell that the schema does not know, in this row. false when memory is short. */
bool csv_words_note_unseen(csv_words *w, const char *text, size_t size, size_t row);
void csv_words_free(csv_words *w);

/* The number of distinct texts among n, by 64-bit hashes, or `limit` as soon as there are so many; SIZE_MAX when
 * memory is short. */
size_t csv_count_distinct(const uint64_t *offset, const char *bytes, size_t n, size_t limit,
                          aml_memory *account);

#endif
