/* csv_words.c: what one thread has seen of a column of words. */
#include "automl/core/csv_words.h"

#include <string.h>

enum { MANY = 1 << 15 };

static bool grow(csv_words *w) {
    size_t room = w->room ? w->room * 2 : 16, bytes = (room - w->room) * sizeof *w->segments;
    if (aml_memory_charge(w->dict.account, bytes)) return false;
    csv_segment *more = aml_realloc(w->segments, room * sizeof *more);
    if (!more) {
        aml_memory_release(w->dict.account, bytes);
        return false;
    }
    w->charged += bytes;
    w->segments = more;
    w->room = room;
    return true;
}

static size_t segment_size(const csv_segment *s) { return s->n * sizeof *s->size + s->n_bytes; }

csv_segment *csv_segment_add(csv_words *w, size_t row, size_t n, size_t n_bytes) {
    csv_segment s = {.row = row, .n = n, .n_bytes = n_bytes};
    if (w->n_segments == w->room && !grow(w)) return NULL;
    if (aml_memory_charge(w->dict.account, segment_size(&s))) return NULL;
    s.size = aml_malloc(segment_size(&s));
    if (!s.size) {
        aml_memory_release(w->dict.account, segment_size(&s));
        return NULL;
    }
    w->segments[w->n_segments] = s;
    return &w->segments[w->n_segments++];
}

void csv_segment_drop(csv_words *w, csv_segment *s) {
    if (!s->size) return;
    aml_memory_release(w->dict.account, segment_size(s));
    aml_free(s->size);
    s->size = NULL;
}

bool csv_words_too_many(const csv_words *w) {
    return w->dict.n > MANY && w->dict.n > w->n_cells / 4;
}

bool csv_words_note_unseen(csv_words *w, const char *text, size_t size, size_t row) {
    enum { KEPT = 256 };
    if (w->unseen && w->unseen_row < row) return true;
    if (size >= KEPT) size = KEPT - 1;
    char *copy = aml_realloc(w->unseen, size + 1);
    if (!copy) return false;
    memcpy(copy, text, size);
    copy[size] = 0;
    w->unseen = copy;
    w->unseen_row = row;
    return true;
}

void csv_words_free(csv_words *w) {
    for (size_t i = 0; i < w->n_segments; i++) csv_segment_drop(w, &w->segments[i]);
    aml_memory_release(w->dict.account, w->charged);
    aml_free(w->segments);
    aml_free(w->unseen);
    w->segments = NULL;
    w->unseen = NULL;
    w->n_segments = w->room = w->charged = 0;
    csv_dict_free(&w->dict);
}
