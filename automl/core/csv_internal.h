/* csv_internal.h: the stages of reading CSV, from bytes to columns.
 *
 * load (bytes, checked) → dialect (separator) → index (records in blocks) → tokens of a block (cells) →
 * columns of numbers or of references → kinds → frame. Blocks, then columns, are worked on in parallel. */
#ifndef AML_CORE_CSV_INTERNAL_H
#define AML_CORE_CSV_INTERNAL_H

#include "automl/core/csv.h"

enum {
    CSV_FIELD_LIMIT = 16 << 20, /* bytes of one field */
    CSV_LINE_LIMIT = 256 << 20, /* bytes of one line */
    CSV_PADDING = 64            /* readable bytes behind the text, a line feed first */
};

/* ---- csv_load.c: the text in memory, without NUL, valid UTF-8, byte order mark left out */
typedef struct csv_source {
    const char *name;
    char *text; /* length bytes, then CSV_PADDING */
    size_t length;
    bool bom;
    const char *compression;
    char *buffer;
    size_t room; /* of buffer, charged to account */
    aml_memory *account;
} csv_source;

aml_status csv_load_file(csv_source *s, const char *path, aml_memory *account);
aml_status csv_load_text(csv_source *s, const char *text, size_t length, const char *name,
                         aml_memory *account);
void csv_unload(csv_source *s);

/* ---- csv_scan.c: records and cells */

/* A cell: where it begins, its size, and whether it holds doubled quotes still to be undone. */
typedef uint64_t csv_ref;
enum { CSV_SIZE_BITS = 25 };
static inline csv_ref csv_ref_make(size_t at, size_t size, bool escaped) {
    return (uint64_t)at << (CSV_SIZE_BITS + 1) | (uint64_t)escaped << CSV_SIZE_BITS | size;
}
static inline size_t csv_ref_at(csv_ref r) { return (size_t)(r >> (CSV_SIZE_BITS + 1)); }
static inline size_t csv_ref_size(csv_ref r) { return r & ((1u << CSV_SIZE_BITS) - 1); }
static inline bool csv_ref_escaped(csv_ref r) { return r >> CSV_SIZE_BITS & 1; }

typedef struct csv_block {
    size_t at, row, n_rows, line; /* first byte, first row, rows, line number of the first byte */
} csv_block;

typedef struct csv_index {
    csv_block *blocks; /* heap */
    size_t n_blocks, room;
    size_t n_rows, n_blank;
    size_t n_lf, n_crlf, n_cr;
    char separator;
} csv_index;

/* Finds where records begin. An unterminated quote fails at its opening line. */
aml_status csv_index_build(csv_index *x, const csv_source *s, char separator, size_t max_rows);
void csv_index_free(csv_index *x);
void csv_index_drop_first(csv_index *x, const csv_source *s); /* the header is no row */

typedef enum csv_flaw_kind { CSV_FINE, CSV_WIDTH, CSV_AFTER_QUOTE, CSV_LONG_FIELD } csv_flaw_kind;
typedef struct csv_flaw {
    csv_flaw_kind kind; /* of the first flawed row of a block */
    size_t at, fields;  /* the place, and the fields that row has */
    size_t count;       /* flawed rows of the block */
} csv_flaw;

/* cells[row * width + field] of all rows of a block; rows that are too short are filled with empty cells.
 * line[row] (may be NULL) gets line numbers. */
void csv_tokens(csv_ref *cells, uint64_t *line, csv_flaw *flaw, const csv_source *s,
                const csv_index *x, const csv_block *block, size_t width);
/* Fields of the record that begins at `at`, and where its line ends. */
size_t csv_count_fields(size_t *end, const csv_source *s, size_t at, char separator);
/* Line and column (in characters, from 1) of a byte. */
void csv_place(size_t *line, size_t *column, const csv_source *s, const csv_index *x, size_t at);
/* Undoes doubled quotes in the text itself. */
csv_ref csv_unescape(char *text, csv_ref r);

/* ---- csv_dialect.c: what the first records tell */
char csv_find_separator(const csv_source *s);
/* A decimal comma is looked for only where the separator leaves room for it. */
char csv_find_decimal(const csv_source *s, const csv_ref *cells, size_t n, char separator);
/* Is the first of `n` rows a header? */
bool csv_find_header(const csv_source *s, const csv_ref *cells, size_t n, size_t width,
                     char decimal);

/* ---- csv_values.c: what one cell says */
bool csv_number(double *out, const char *s, size_t n,
                char decimal); /* true for an overflow, with ±inf */
bool csv_missing_number(const char *s,
                        size_t n); /* spellings of missing only in a column of numbers: - . None */
bool csv_infinite(const char *s, size_t n);               /* inf, Infinity, … */
bool csv_thousands(const char *s, size_t n);              /* 1,234 or 1,234,567.8 */
bool csv_long_integer(const char *s, size_t n, double x); /* digits that a double does not keep */

/* ---- datetime.c */
typedef enum csv_date_form {
    CSV_NO_DATE,
    CSV_YMD,
    CSV_YM,
    CSV_SLASHED,
    CSV_NAMED,
    CSV_COMPACT
} csv_date_form;
/* As aml_parse_datetime, telling the form; CSV_NO_DATE when it is none. */
csv_date_form csv_datetime(double *seconds, const char *s, size_t n, bool day_first, bool compact);

/* ---- csv_dict.c: distinct texts */
typedef struct csv_level {
    const char *text; /* borrowed */
    size_t size, count;
    size_t row; /* where it comes first */
} csv_level;
typedef struct csv_dict {
    csv_level *levels;
    uint64_t *slots; /* hash << 32 | index + 1 */
    size_t n, room, n_slots;
    size_t charged;
    aml_memory *account;
} csv_dict;
enum { CSV_NO_LEVEL = -1, CSV_NO_MEMORY = -2 };
/* Index of a text, added when new. CSV_NO_MEMORY. Count and row are the caller's. */
int64_t csv_dict_add(csv_dict *d, const char *text, size_t size);
int64_t csv_dict_find(const csv_dict *d, const char *text, size_t size);
void csv_dict_free(csv_dict *d);

/* ---- csv_kinds.c, csv_columns.c: a column of references to a typed column */
typedef enum csv_verdict {
    CSV_GOOD,
    CSV_SHORT_OF_MEMORY,
    CSV_STRAY_TEXT, /* text in a column of numbers */
    CSV_INFINITE_CELL,
    CSV_OVERFLOW_CELL,
    CSV_THOUSANDS_CELL,
    CSV_BAD_DATES /* most cells of a date column are no dates */
} csv_verdict;

typedef struct csv_column {
    const char *name;
    size_t field;                    /* its place in the row */
    bool unnamed;                    /* the header has no name for it */
    bool verbatim;                   /* TEXT whose cells stay as they are written */
    aml_kind kind;                   /* given, or 0 until it is found */
    const aml_schema_column *schema; /* or NULL */
    double *number;                  /* numbers so far, or NULL */
    csv_ref *ref;                    /* references, or NULL; later doubles */
    _Atomic bool mixed;              /* a cell of `number` is no number: references are needed */
    _Atomic bool soft;               /* a cell is missing only if the column is numbers */
    _Atomic bool long_integer;       /* digits were lost */
    /* found by csv_judge */
    csv_verdict verdict;
    size_t bad_row, n_bad; /* the first cell that does not fit, and how many there are */
    csv_ref bad;
    csv_dict dict;
    int32_t *code;     /* of each row: index in dict, then code of the level: heap */
    size_t code_bytes; /* charged for it */
    uint32_t *order;   /* the levels of a category in order, n_levels indices into dict: heap */
    uint32_t n_levels;
    bool day_first, ambiguous_date;
    bool date_compact; /* the kind is given: 20200131 is a date */
    bool mostly_numbers;
    size_t n_missing, n_unseen, n_bytes;
    bool integer;
} csv_column;

/* Finds the kind of a column with references, and what the frame needs: numbers and dates are written over
 * `ref` as doubles, category codes go to `code`. Touches only the column (and the text of its cells). Distinct
 * texts are found first, so that each is looked at once. */
void csv_judge(csv_column *c, char *text, size_t n, char decimal);
void csv_judge_numbers(csv_column *c, size_t n); /* counts of a column of numbers */
/* The judged column as part of a frame, in the arena. */
aml_status csv_finish(aml_column *out, csv_column *c, const char *text, size_t n, aml_arena *keep);
void csv_column_free(csv_column *c);

/* ---- csv.c: a reading under way */
typedef struct csv_reader {
    const aml_csv_options *options;
    csv_source source;
    csv_index index;
    char decimal;
    bool header;
    size_t width;        /* fields of a row */
    csv_ref *sample;     /* cells of the first block, the header among them */
    size_t n_sample;     /* its rows */
    const char **names;  /* of all fields */
    csv_column *columns; /* those the frame gets */
    size_t n_columns;
    uint64_t *line;         /* of each row */
    aml_arena *keep, *work; /* the frame's; dropped at the end */
    const char **notes;
    size_t n_notes;
    const char **ignored;
    size_t n_ignored;
} csv_reader;

/* Adds a sentence to the report (AML_ENOMEM); beyond a fixed number they are left out. */
aml_status csv_note(csv_reader *r, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The same on several columns: "<format> `a`, `b` and 3 more: <rest>". */
typedef bool csv_column_test(const csv_column *c);
aml_status csv_note_columns(csv_reader *r, csv_column_test *test, const char *before,
                            const char *after);

/* ---- csv_names.c: names of the fields, and which columns are wanted */
aml_status csv_name_fields(csv_reader *r);
aml_status csv_choose_columns(csv_reader *r);

/* ---- csv_fill.c: cells into columns */
aml_status csv_fill(csv_reader *r);

/* ---- csv_explain.c: failures in words */
aml_status csv_explain_flaw(const csv_reader *r, const csv_flaw *first, size_t count);
aml_status csv_explain_column(const csv_column *c, const char *text, size_t n, const char *source,
                              size_t line, size_t column);

#endif
