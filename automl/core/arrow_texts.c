/* arrow_texts.c: Arrow's texts, truth values and dictionaries as cells of text. */
#include <math.h>
#include <string.h>

#include "automl/core/arrow.h"
#include "automl/core/frame_cells.h"

/* Where the next cell is; cells are asked for in order. */
typedef struct cursor {
    const arrow_column *column;
    size_t piece, before; /* rows of the pieces before this one */
    const char *yes, *no; /* how truth values are written */
    char scratch[64];
} cursor;

static const char *view_at(const struct ArrowArray *a, size_t at, size_t *size) {
    const char *view = (const char *)a->buffers[1] + at * 16;
    int32_t length, buffer, offset;
    memcpy(&length, view, 4);
    *size = (size_t)length;
    if (length <= 12) return view + 4;
    memcpy(&buffer, view + 8, 4);
    memcpy(&offset, view + 12, 4);
    return (const char *)a->buffers[2 + buffer] + offset;
}

/* Value `at` of an array's buffers. */
static const char *value_at(cursor *c, const arrow_type *type, const struct ArrowArray *a,
                            size_t at, size_t *size) {
    *size = 0;
    if (type->class == ARROW_TEXT) {
        const int32_t *offset = a->buffers[1];
        *size = (size_t)(offset[at + 1] - offset[at]);
        return *size ? (const char *)a->buffers[2] + offset[at] : NULL;
    }
    if (type->class == ARROW_LARGE_TEXT) {
        const int64_t *offset = a->buffers[1];
        *size = (size_t)(offset[at + 1] - offset[at]);
        return *size ? (const char *)a->buffers[2] + offset[at] : NULL;
    }
    if (type->class == ARROW_TEXT_VIEW) return view_at(a, at, size);
    if (type->class == ARROW_NULL) return NULL;
    double x = arrow_number(type, a->buffers[1], at);
    if (type->class == ARROW_BOOL) {
        *size = strlen(x == 1 ? c->yes : c->no);
        return x == 1 ? c->yes : c->no;
    }
    bool date = type->class == ARROW_DATE || type->class == ARROW_MOMENT;
    if (isnan(x)) return NULL;
    *size = date ? aml_format_datetime(c->scratch, x) : aml_format_double(c->scratch, x);
    return c->scratch;
}

static const char *cell_at(void *arg, size_t i, size_t *size) {
    cursor *c = arg;
    const arrow_column *column = c->column;
    while (i - c->before >= column->pieces[c->piece].n) c->before += column->pieces[c->piece++].n;
    const arrow_piece *p = &column->pieces[c->piece];
    size_t row = i - c->before, at = p->first + row;
    *size = 0;
    if (!arrow_is_there(p, row)) return NULL;
    if (!column->has_dictionary) return value_at(c, &column->type, p->array, at, size);
    const struct ArrowArray *d = p->array->dictionary;
    size_t k = (size_t)d->offset + (size_t)arrow_number(&column->type, p->array->buffers[1], at);
    if (d->null_count != 0 && d->n_buffers && !arrow_bit(d->buffers[0], k)) return NULL;
    return value_at(c, &column->dictionary, d, k, size);
}

static bool is_word(const char *level, const char *word) {
    size_t n = strlen(word);
    for (size_t i = 0; i < n; i++)
        if ((level[i] | 32) != word[i]) return false;
    return !level[n];
}

/* As the levels of a model have them: True, TRUE, true; 1 where it knows numbers only. */
static void spell_truth(cursor *c, const aml_schema_column *want) {
    c->yes = "true";
    c->no = "false";
    if (!want) return;
    for (uint32_t l = 0; l < want->n_levels; l++) {
        const char *level = want->levels[l];
        if (is_word(level, "true") || !strcmp(level, "1")) c->yes = level;
        if (is_word(level, "false") || !strcmp(level, "0")) c->no = level;
    }
}

aml_status arrow_texts(aml_column *out, const arrow_column *c, aml_kind kind,
                       const aml_schema_column *want, aml_arena *keep) {
    cursor at = {.column = c};
    spell_truth(&at, want);
    bool chosen = c->has_dictionary || c->type.class == ARROW_BOOL;
    aml_cells cells = {.name = c->name,
                       .n = c->n,
                       .at = cell_at,
                       .arg = &at,
                       .kind = kind     ? kind
                               : chosen ? AML_CATEGORY
                                        : 0,
                       .want = want};
    return aml_column_of_cells(out, &cells, c->account, keep);
}
