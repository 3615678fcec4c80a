/* csv.h: CSV text to a frame, and rows to CSV text. Everything guessed is reported and can be set. */
#ifndef AML_CORE_CSV_H
#define AML_CORE_CSV_H

#include "automl/core/frame.h"
#include "automl/core/text.h"

/* One column as a model expects it. */
typedef struct aml_schema_column {
    const char *name;
    aml_kind kind;
    const char *const *levels; /* CATEGORY: the known levels, in code order */
    uint32_t n_levels;
    bool optional;             /* absent is fine: the column is then left out of the frame */
    bool day_first;            /* DATETIME: how 03/04/2020 is read, as the column of the training frame says */
} aml_schema_column;

typedef struct aml_schema {
    size_t p;
    const aml_schema_column *columns;
} aml_schema;

typedef struct aml_csv_options {
    char separator;           /* 0 = detect among , ; tab | */
    char decimal;             /* 0 = '.', or ',' where the separator is no comma and most numbers have one */
    int header;               /* 0 = detect, 1 = yes, -1 = no (columns are then named c1, c2, …) */
    const aml_schema *schema; /* NULL = infer kinds. Else the frame has exactly the schema's columns in its
                                 order (absent optional ones left out), other columns are ignored */
    const char *const *text_columns; /* names never inferred: read as TEXT (targets, kept columns); NULL-ended,
                                        may be NULL */
    size_t max_rows;          /* 0 = all */
    int n_threads;
    aml_memory *account;      /* may be NULL */
} aml_csv_options;

/* What the reader found; texts live in the frame's arena. */
typedef struct aml_csv_report {
    char separator;
    bool header, bom;
    const char *compression;     /* "none", "gzip", "zstd" */
    const char *line_end;        /* "LF", "CRLF", "CR", "mixed" */
    size_t n_bytes;              /* of decompressed text */
    size_t n_blank_lines;
    size_t n_ignored;            /* columns that the schema does not have */
    const char *const *ignored;  /* their names, at most 10 */
    const char *const *notes;    /* one sentence each on what was mended or guessed */
    size_t n_notes;
    char decimal;                /* '.' or ',' */
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

/* Is this text one of the usual spellings of missing? ("", NA, N/A, NaN, null, None?, ?, …: csv.c lists them.) */
bool aml_is_missing_text(const char *s, size_t n);

/* Date or date-time text in the usual forms (ISO 8601 with T or blank, fraction and offset; YYYY/MM/DD;
 * MM/DD/YYYY or DD/MM/YYYY by `day_first`; YYYYMMDD only with `compact`; month names) to seconds. */
bool aml_parse_datetime(double *seconds, const char *s, size_t n, bool day_first, bool compact);
/* "2011-03-01" or "2011-03-01T12:30:00"; returns the length (< 40). */
size_t aml_format_datetime(char *out, double seconds);

#endif
