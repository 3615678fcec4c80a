/* csv.h: CSV text to a frame, and rows to CSV text. Everything guessed is reported and can be set.
 *
 * Text: UTF-8 with or without byte order mark (other encodings by option), fields by RFC 4180 (quotes count only at
 * the beginning of a field), line ends LF, CRLF or CR. Blank lines are skipped, blanks around unquoted fields are no
 * part of them. Refused with file, line and column: NUL, other encodings, other kinds of files, rows of another
 * width (unless `ragged`), unterminated quotes, text behind a closing quote, fields over 16 MiB, lines over 256 MiB,
 * a file without text. A header alone gives a frame of no rows.
 *
 * The text is read once, in windows of whole records that threads work on side by side, and not kept; what a pipe
 * gives is kept. Columns of numbers whose text beyond the first window is none are read a second time. The frame
 * does not depend on windows, threads or vector kernels. Numbers are the nearest doubles, as strtod gives them.
 *
 * Lines above the header that are no rows, when they are to be found: `sep=;`, comments (# // %), lines with one cell,
 * and lines with half the cells or less if a blank line follows or names above numbers. Lines at the end, likewise:
 * totals (in a column of numbers, or with empty cells), comments, remarks of one cell with words, and what follows a
 * blank line with half the cells or less; of 8 lines at most, in tables of up to 1,000 columns. A file that ends within its last line has no
 * remarks there.
 *
 * Header, when it is to be detected: the first line is one unless it has numbers (or words that come again in
 * their column) where the rows have them. A name that comes twice gets the suffix .1, an empty one is c<k>.
 *
 * Kind of a column, when it is to be found:
 *   NUMBER      every cell is a number or missing (- . None and some more are missing here only); or an amount
 *               with thousands separators, one currency or a percent sign, if a tenth or more are amounts; or
 *               a quantity in one and the same unit ("36 months"), if half or more have it
 *   DATETIME    at least 99 % of the cells are dates of one form, or times of day; the others become missing
 *   TEXT        lists of changing length, in 50 or more combinations, whose items come again; 20 cells or more, and on average 3 words or 64 bytes in cells of which 30 % differ,
 *               or 6 words in cells of which 5 % and 50 differ
 *   IDENTIFIER  50 cells or more in single words, over 95 % of them different
 *   CATEGORY    else
 * But AML_EDATA where a column is meant to be numbers: all cells are numbers except infinite, overflowing or
 * thousands-separated ones (1,234), or 99 % of 100 cells or more are numbers. */
#ifndef AML_CORE_CSV_H
#define AML_CORE_CSV_H

#include "automl/core/frame.h"
#include "automl/core/level_index.h"
#include "automl/core/text.h"

/* One column as a model expects it. */
typedef struct aml_schema_column {
    const char *name;
    aml_kind kind;
    const char *const *levels; /* CATEGORY: the known levels, in code order */
    uint32_t n_levels;
    bool optional;  /* absent is fine: the column is then left out of the frame */
    bool day_first; /* DATETIME: how 03/04/2020 is read, as the column of the training frame says */
    const char
        *unit; /* NUMBER: what its numbers are in, or NULL; a file in another unit is refused */
} aml_schema_column;

typedef struct aml_schema {
    size_t p;
    const aml_schema_column *columns;
    const aml_level_index *index; /* p tables of the levels of categories, or NULL: not made */
} aml_schema;

/* Rows that have not as many fields as the header. */
typedef enum csv_ragged {
    CSV_RAGGED_ERROR,
    CSV_RAGGED_PAD, /* cells that are not there are missing, further ones left out */
    CSV_RAGGED_SKIP /* the row is left out */
} csv_ragged;

/* What a person says a column is. */
typedef struct aml_csv_kind {
    const char *name;
    aml_kind kind;
} aml_csv_kind;

/* For skip_lines and skip_footer. */
#define CSV_NO_LINES SIZE_MAX

typedef struct aml_csv_options {
    char separator; /* 0 = detect among , ; tab | */
    char decimal;   /* 0 = '.', or ',' where more numbers can only be read so */
    int header;     /* 0 = detect, 1 = yes, -1 = no (columns are then named c1, c2, …) */
    /* In groups of three digits: 0 = what each column has (, . ' or a blank), '\1' = none. */
    char thousands;
    /* The next byte is text, whatever it is: 0 = a backslash if quotes cannot be understood without; '\1' = none. */
    char escape;
    /* NULL = infer kinds. Else the frame has exactly the schema's columns in its order (absent optional ones left
     * out), other columns are ignored. */
    const aml_schema *schema;
    /* Names never inferred: read as TEXT (targets, kept columns); NULL-ended, may be NULL. Their cells stay as
     * written, "NA" too. */
    const char *const *text_columns;
    size_t max_rows; /* 0 = all; what is refused behind them may be seen or not */
    int n_threads;
    aml_memory *account; /* may be NULL */
    csv_ragged ragged;
    const aml_csv_kind *kinds; /* kinds that are not to be found; not with a schema */
    size_t n_kinds;
    const char *encoding; /* NULL = utf-8; latin1, windows-1252, utf-16[le|be] are converted */
    char quote;           /* 0 = double quote; '\1' = quotes are text */
    /* Lines before the header and at the end that are not read; 0 = as found, CSV_NO_LINES = none. */
    size_t skip_lines, skip_footer;
    size_t window_bytes; /* worked on at a time, 64 or more; 0 = 256 KiB. Tests make it small */
} aml_csv_options;

/* A level that a schema which lists its levels does not have. */
typedef struct aml_csv_unseen {
    const char *text; /* NULL: all are known */
    size_t row;
} aml_csv_unseen;

/* What the reader found; texts live in the frame's arena. */
typedef struct aml_csv_report {
    char separator;
    bool header, bom;
    const char *compression; /* "none", "gzip", "zstd" */
    const char *line_end;    /* "LF", "CRLF", "CR", "mixed" */
    size_t n_bytes;          /* of decompressed text */
    size_t n_blank_lines;
    size_t n_ignored;           /* columns that the schema does not have */
    const char *const *ignored; /* their names, at most 10 */
    const char *const *notes;   /* one sentence each on what was mended or guessed */
    size_t n_notes;
    char decimal;                   /* '.' or ',' */
    char escape;                    /* 0 = none */
    size_t skip_lines, skip_footer; /* given or found */
    const aml_csv_unseen
        *unseen; /* by column: the first cell whose level the schema does not have */
} aml_csv_report;

/* Reads a file ("-" = standard input; gzip and zstd by content). Errors carry file, line and column:
 * AML_ENOINPUT no such file, AML_EDATA malformed, AML_EIO, AML_ENOMEM. `report` may be NULL. */
aml_status aml_csv_read(aml_frame **out, aml_csv_report *report, const char *path,
                        const aml_csv_options *options);
/* The same from memory; `source` names it in messages. */
aml_status aml_csv_parse(aml_frame **out, aml_csv_report *report, const char *text, size_t length,
                         const char *source, const aml_csv_options *options);

/* Appends one field, quoted when needed. With `neutralise`, a text that a spreadsheet would take for a
 * formula (leading = + - @ tab CR) gets a leading apostrophe, unless it is a number. */
void aml_csv_put(aml_string *s, const char *text, size_t length, bool neutralise);

/* Is this text one of the usual spellings of missing? ("", NA, N/A, NaN, null, ? and the like; csv_values.c
 * lists them. "None" is none: it is a level in many tables.) */
bool aml_is_missing_text(const char *s, size_t n);

/* Date or date-time text in the usual forms (ISO 8601 with T or blank, fraction and offset; YYYY/MM/DD;
 * MM/DD/YYYY or DD/MM/YYYY by `day_first`, two-digit years 1969 to 2068; YYYYMMDD only with `compact` or before
 * a time; month names; YYYY-MM, YYYY Q1) to seconds. */
bool aml_parse_datetime(double *seconds, const char *s, size_t n, bool day_first, bool compact);
/* "2011-03-01" or "2011-03-01T12:30:00"; returns the length (< 40). */
size_t aml_format_datetime(char *out, double seconds);

#endif
