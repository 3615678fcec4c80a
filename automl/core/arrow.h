/* arrow.h: frames from the Arrow C data interface (Arrow specification, "The Arrow C data interface", columnar format
 * version 1). Its structs are in automl.h.
 *
 * A table is an array of structs, or a stream of such arrays (chunks). What is read of a column is what the CSV reader
 * would read of the same values written as text; but texts behind a dictionary are a category, whatever they look like. */
#ifndef AML_CORE_ARROW_H
#define AML_CORE_ARROW_H

#include "automl/core/csv.h"

/* How a table is read. */
typedef struct aml_arrow_plan {
    const aml_schema
        *schema; /* of a model: these columns as far as they are there, no others; or NULL: */
    const char *const *skip;       /* columns that are not read, NULL-ended; or NULL */
    const char *const *categories; /* columns of text that are categories, NULL-ended; or NULL */
    aml_memory *account;           /* or NULL */
} aml_arrow_plan;

/* array and schema (or the stream) are taken over: they are released here or, where the frame borrows, with the frame; also
 * when this fails. Both are marked as released on return. */
aml_status aml_arrow_read(aml_frame **out, struct ArrowArray *array, struct ArrowSchema *schema,
                          const aml_arrow_plan *plan);
aml_status aml_arrow_read_stream(aml_frame **out, struct ArrowArrayStream *stream,
                                 const aml_arrow_plan *plan);

/* ---- between the files arrow*.c */

typedef enum arrow_class {
    ARROW_NULL,
    ARROW_BOOL,
    ARROW_INT,
    ARROW_UINT,
    ARROW_FLOAT,
    ARROW_DECIMAL,
    ARROW_DATE,   /* days or milliseconds since 1970 */
    ARROW_MOMENT, /* since 1970, UTC where there is a time zone, else by the clock on the wall */
    ARROW_CLOCK,  /* time of day */
    ARROW_SPAN,   /* duration: seconds, a number */
    ARROW_TEXT,   /* 32 bit offsets */
    ARROW_LARGE_TEXT,
    ARROW_TEXT_VIEW
} arrow_class;

typedef struct arrow_type {
    arrow_class class;
    unsigned width;  /* bytes of a value; 0 where there are none of one width */
    int64_t unit;    /* DATE to SPAN: how many make a second, or seconds of one when negative */
    int scale;       /* DECIMAL: digits behind the point */
    int64_t buffers; /* that an array of this type has, at least */
} arrow_type;

/* The type of a column, without its dictionary. AML_EDATA names columns that hold anything else. */
aml_status arrow_type_of(arrow_type *out, const struct ArrowSchema *schema, const char *name);

/* The rows of a column in one chunk. */
typedef struct arrow_piece {
    struct ArrowArray *array;
    const uint8_t *valid;       /* bit first + i: is value i there? NULL = all are */
    const uint8_t *rows;        /* bit first_row + i: is row i there? NULL = all are */
    size_t first, first_row, n; /* values before the first row in the buffers; rows */
} arrow_piece;

typedef struct arrow_column {
    const char *name;
    arrow_type type;       /* of the values, or of the numbers into the dictionary */
    bool has_dictionary;   /* then */
    arrow_type dictionary; /* the type of its values */
    const arrow_piece *pieces;
    size_t n_pieces, n; /* rows of all pieces */
    aml_memory *account;
} arrow_column;

/* Is what the array says of itself possible: buffers there, offsets upwards, dictionary numbers in range? */
aml_status arrow_check_piece(const arrow_column *c, const arrow_piece *piece);

static inline bool arrow_bit(const uint8_t *bits, size_t i) {
    return !bits || (bits[i >> 3] >> (i & 7) & 1);
}
static inline bool arrow_is_there(const arrow_piece *p, size_t i) {
    return arrow_bit(p->valid, p->first + i) && arrow_bit(p->rows, p->first_row + i);
}

/* arrow_numbers.c: value `at` of a buffer (counted without the array's offset) as a number. Not for texts. */
double arrow_number(const arrow_type *type, const void *values, size_t at);
/* A column of anything but texts, as numbers or dates. Numbers of 64 bits and without nulls in one chunk are borrowed: the
 * array is moved into the arena. *rounded: whole numbers that a double does not keep. */
aml_status arrow_numbers(aml_column *out, bool *rounded, const arrow_column *c, aml_arena *keep);

/* arrow_texts.c: a column of texts, of truth values, or with a dictionary. kind 0: as the CSV reader finds it. */
aml_status arrow_texts(aml_column *out, const arrow_column *c, aml_kind kind,
                       const aml_schema_column *want, aml_arena *keep);

#endif
