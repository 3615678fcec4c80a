/* arrow_table.h: Arrow arrays made by hand. Every array counts its releases; live says how many have none yet. */
#ifndef AML_TESTS_ARROW_TABLE_H
#define AML_TESTS_ARROW_TABLE_H

#include <stdlib.h>
#include <string.h>

#include "automl/automl.h"

enum { ARROW_BUFFERS = 6 };
static int arrow_live;   /* arrays and schemas that are not released */
static int arrow_errors; /* released twice */

typedef struct arrow_room {
    const void *buffers[ARROW_BUFFERS];
    void *owned[ARROW_BUFFERS]; /* heap: gone once released, for the sanitizer to see */
    struct ArrowArray *children[8], dictionary;
} arrow_room;

static inline void arrow_drop(struct ArrowArray *a) {
    arrow_room *room = a->private_data;
    if (!a->release) arrow_errors++;
    for (int64_t j = 0; j < a->n_children; j++) {
        if (room->children[j]->release) room->children[j]->release(room->children[j]);
        free(room->children[j]);
    }
    if (a->dictionary && a->dictionary->release) a->dictionary->release(a->dictionary);
    for (int i = 0; i < ARROW_BUFFERS; i++) free(room->owned[i]);
    free(room);
    a->release = NULL;
    arrow_live--;
}

/* An array without buffers. */
static inline struct ArrowArray arrow_array(int64_t n, int64_t offset, int64_t n_buffers) {
    arrow_room *room = calloc(1, sizeof *room);
    arrow_live++;
    return (struct ArrowArray){.length = n,
                               .null_count = -1,
                               .offset = offset,
                               .n_buffers = n_buffers,
                               .buffers = room->buffers,
                               .children = room->children,
                               .release = arrow_drop,
                               .private_data = room};
}

static inline void arrow_buffer(struct ArrowArray *a, int i, const void *bytes, size_t size) {
    arrow_room *room = a->private_data;
    room->owned[i] = malloc(size + !size);
    memcpy(room->owned[i], bytes, size);
    room->buffers[i] = room->owned[i];
}

/* Takes the child over. */
static inline void arrow_child(struct ArrowArray *a, struct ArrowArray child) {
    arrow_room *room = a->private_data;
    room->children[a->n_children] = malloc(sizeof child);
    *room->children[a->n_children++] = child;
}

static inline void arrow_dictionary(struct ArrowArray *a, struct ArrowArray values) {
    arrow_room *room = a->private_data;
    room->dictionary = values;
    a->dictionary = &room->dictionary;
}

/* Texts with 32 bit offsets; NULL is no bytes and, with a bitmap, a null. */
static inline struct ArrowArray arrow_texts_of(const char *const *values, int64_t n) {
    struct ArrowArray a = arrow_array(n, 0, 3);
    int32_t *offset = calloc((size_t)n + 1, sizeof *offset);
    uint8_t *valid = calloc((size_t)n / 8 + 1, 1);
    char *bytes = malloc(1);
    size_t size = 0;
    for (int64_t i = 0; i < n; i++) {
        size_t length = values[i] ? strlen(values[i]) : 0;
        bytes = realloc(bytes, size + length + 1);
        if (values[i]) memcpy(bytes + size, values[i], length);
        if (values[i]) valid[i / 8] |= (uint8_t)(1 << i % 8);
        size += length;
        offset[i + 1] = (int32_t)size;
    }
    arrow_buffer(&a, 0, valid, (size_t)n / 8 + 1);
    arrow_buffer(&a, 1, offset, ((size_t)n + 1) * sizeof *offset);
    arrow_buffer(&a, 2, bytes, size);
    free(offset);
    free(valid);
    free(bytes);
    return a;
}

static inline void arrow_drop_schema(struct ArrowSchema *s) {
    if (!s->release) arrow_errors++;
    for (int64_t j = 0; j < s->n_children; j++) {
        if (s->children[j]->release) s->children[j]->release(s->children[j]);
        free(s->children[j]);
    }
    free(s->children);
    if (s->dictionary && s->dictionary->release) s->dictionary->release(s->dictionary);
    free(s->dictionary);
    s->release = NULL;
    arrow_live--;
}

static inline struct ArrowSchema arrow_schema(const char *format, const char *name) {
    arrow_live++;
    return (struct ArrowSchema){.format = format, .name = name, .release = arrow_drop_schema};
}

static inline struct ArrowSchema *arrow_schema_copy(struct ArrowSchema s) {
    struct ArrowSchema *copy = malloc(sizeof s);
    *copy = s;
    return copy;
}

static inline void arrow_field(struct ArrowSchema *s, struct ArrowSchema child) {
    s->children = realloc(s->children, ((size_t)s->n_children + 1) * sizeof *s->children);
    s->children[s->n_children++] = arrow_schema_copy(child);
}

#endif
