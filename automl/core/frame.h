/* frame.h: a table as it came: typed columns with names. It knows no task. */
#ifndef AML_CORE_FRAME_H
#define AML_CORE_FRAME_H

#include "automl/core/arena.h"

typedef enum aml_kind {
    AML_NUMBER = 1,   /* double, NaN = missing */
    AML_CATEGORY = 2, /* int32 code into levels, -1 = missing, -2 = a level not in the schema */
    AML_TEXT = 4,     /* free text, missing = no bytes */
    AML_DATETIME =
        8, /* seconds since 1970-01-01T00:00:00 (UTC unless the text has an offset), NaN = missing */
    AML_IDENTIFIER = 16 /* a key of the row: kept as text, never a feature by default */
} aml_kind;

/* What cells look like beyond their kind. */
typedef enum aml_form {
    AML_PLAIN,
    AML_BOOLEAN,  /* NUMBER 0 and 1; CATEGORY yes and no, true and false, y n, t f, on off */
    AML_MONEY,    /* NUMBER written as "$1,200", "5 EUR" */
    AML_PERCENT,  /* NUMBER written as "12 %": 12 */
    AML_QUANTITY, /* NUMBER written with a unit: "36 months" */
    AML_DATE,     /* DATETIME without a time of day */
    AML_CLOCK,    /* DATETIME without a date: of 1970-01-01 */
    AML_LIST      /* TEXT of items: "Action|Comedy", "[1, 2]" */
} aml_form;

const char *aml_kind_name(aml_kind kind); /* "number" … */
/* A name of a kind, or of a form (aml_column_form), whose kind it gives. */
bool aml_kind_parse(aml_kind *out, const char *name);

typedef struct aml_column {
    const char *name;
    aml_kind kind;
    const double *number;      /* NUMBER, DATETIME: n values */
    const int32_t *code;       /* CATEGORY: n codes */
    const char *const *levels; /* CATEGORY: n_levels texts, most frequent first, ties bytewise */
    uint32_t n_levels;
    const char *bytes;      /* TEXT, IDENTIFIER: cell i is bytes[offset[i] … offset[i + 1]-1] */
    const uint64_t *offset; /* n + 1 */
    size_t n_missing;
    size_t n_unseen; /* CATEGORY read with a schema: cells whose level is not in it */
    bool integer;    /* NUMBER: every value is a whole number */
    aml_form form;
    char list;        /* TEXT of lists: what separates their items; else 0 */
    const char *unit; /* NUMBER written with one: "$", "%", "kg"; else NULL */
    bool day_first;   /* DATETIME: dates such as 03/04/2020 were read with the day first */
} aml_column;

/* Immutable once made; owns its arena. */
typedef struct aml_frame {
    size_t n, p;
    const aml_column *columns;
    const uint64_t *line; /* n line numbers in the source file (from 1), or NULL: */
    size_t first_line;    /* row i is on line first_line + i; 0 = unknown */
    const char *source;   /* file name for messages, or "memory" */
    bool no_header;       /* names were made up: c1, c2, … */
    aml_arena *arena;
    const char *const *notes; /* what was guessed or mended on reading, or NULL */
    size_t n_notes;
    const char *reading; /* how the file was read, as JSON that a schema file may have; or NULL */
} aml_frame;

/* "integer", "real", "boolean", "money", "percent", "quantity", "category", "text", "list", "date", "time",
 * "datetime", "identifier". */
const char *aml_column_form(const aml_column *c);

/* Line of a row in the source file, 0 when there is none. */
static inline size_t aml_frame_line(const aml_frame *f, size_t row) {
    return f->line ? (size_t)f->line[row] : f->first_line ? f->first_line + row : 0;
}

/* Of names, kinds and cells; not of the file that they came from. */
uint64_t aml_frame_hash(const aml_frame *f, uint64_t seed);

int aml_frame_find(const aml_frame *f, const char *name); /* column number or -1 */
/* The same, failing with AML_EDATA and the nearest name: "column `yy` is not in x.csv; did you mean `y`?" */
aml_status aml_frame_need(size_t *column, const aml_frame *f, const char *name, const char *what);

/* Cell as text for output and messages: category level, number in shortest form, text, ISO date; empty when
 * missing. Appends nothing on missing. `scratch` gives room for 64 bytes used by numbers and dates. */
const char *aml_frame_cell(size_t *length, const aml_column *c, size_t row, char scratch[64]);

/* A frame built column by column in memory (library users, tests). All columns must have n rows. */
/* The rest of the builder is public: aml_frame_builder_new, _add_numbers, _build, _free in automl.h. */
size_t aml_frame_builder_rows(const aml_frame_builder *b);
/* Strings (copied); NULL or "" = missing. Kind 0 infers it as the CSV reader does. */
aml_status aml_frame_add_strings(aml_frame_builder *b, const char *name, const char *const *values,
                                 aml_kind kind);
/* A frame of the rows rows[0 … n-1] of f (copied). */
aml_status aml_frame_rows(aml_frame **out, const aml_frame *f, const uint32_t *rows, size_t n,
                          aml_memory *account);
/* The cells of one column for rows[0 … n-1]; name and levels stay borrowed, cells go to `keep`. */
aml_status aml_column_rows(aml_column *out, const aml_column *c, const uint32_t *rows, size_t n,
                           aml_arena *keep);

#endif
