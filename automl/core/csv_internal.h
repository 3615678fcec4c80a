/* csv_internal.h: the stages of reading CSV, from bytes to columns.
 *
 * stream (windows of whole records, with masks) → dialect (from the first window) → rows (where cells end) →
 * numbers or words of columns, in place → kinds → frame. Windows are read one after the other and worked on side
 * by side; columns are judged side by side. Only what the frame needs is kept of the text. */
#ifndef AML_CORE_CSV_INTERNAL_H
#define AML_CORE_CSV_INTERNAL_H

#include "automl/core/csv.h"
#include "automl/core/csv_marks.h"
#include "automl/core/csv_values.h"
#include "automl/core/csv_words.h"
#include "automl/core/io.h"

enum {
    CSV_FIELD_LIMIT = 16 << 20, /* bytes of one field */
    CSV_LINE_LIMIT = 256 << 20, /* bytes of one line */
    CSV_PADDING = 64            /* readable bytes before and behind a text */
};

/* ---- csv_encoding.c: other encodings to UTF-8 */
typedef struct csv_decoder csv_decoder;
typedef aml_status csv_bytes_fn(void *arg, char *to, size_t size, size_t *got);
/* *out is NULL for UTF-8 (and name NULL), which needs none. Frees with aml_free. AML_EUSAGE: unknown name. */
aml_status csv_decoder_new(csv_decoder **out, const char *name);
void csv_decoder_rewind(csv_decoder *d);
/* Fills `to` but for up to 3 bytes, with bytes from `read`. *got is 0 at the end. */
aml_status csv_decode(csv_decoder *d, char *to, size_t size, size_t *got, csv_bytes_fn *read,
                      void *arg);

/* ---- csv_edges.c: lines above the header and at the end that are no rows */

/* How lines at the end are known. */
typedef struct csv_tail {
    size_t width;        /* fields of a row; 0 = nothing is known yet */
    const bool *numbers; /* width: columns of numbers or dates */
    bool totals;         /* rows of the table itself are called Total or Mean */
    size_t found;        /* lines left out */
    char text[64];       /* of the first of them */
} csv_tail;
enum { CSV_TAIL_LINES = 8, CSV_TAIL_BYTES = 1 << 14 }; /* no more are looked at */

/* ---- csv_stream.c: the text in windows */

/* A piece of the text that begins and ends with a record. */
typedef struct csv_window {
    size_t number; /* 0, 1, 2 … */
    char *text;    /* readable from -CSV_PADDING to length + CSV_PADDING */
    size_t length; /* of its records, the last line end included; 0: the text has ended */
    size_t filled; /* bytes of text: the records and the beginning of the next one */
    bool last;     /* nothing comes behind `filled` */
    bool closed;   /* the last line end is not in the file */
    csv_marks marks;
    uint64_t *end;  /* masks: line ends of records, */
    uint64_t *line; /* and all line ends, those within quotes too */
    size_t n_lines; /* bits of `line` up to length */
    size_t lines_before;
    bool irregular; /* it has quotes that take a walk to understand */
    char *buffer;
    uint64_t *masks;
    size_t room, charged;
} csv_window;

typedef struct csv_stream {
    const char *name;
    aml_input *input;   /* or NULL: */
    const char *memory; /* the text, borrowed */
    size_t memory_length, memory_at;
    csv_decoder *decoder; /* or NULL: it is UTF-8 */
    csv_dialect dialect;
    size_t skip_lines, skip_footer; /* lines at the beginning and the end that are not read */
    bool find_tail;                 /* skip_footer is not given */
    csv_tail tail;
    bool keep;  /* the input cannot be read again: it is kept */
    char *kept; /* heap */
    size_t kept_room;
    char *carry; /* the beginning of the next record: heap */
    size_t carry_size, carry_room;
    size_t window_bytes; /* grows with the records */
    size_t
        first_bytes; /* read for the first window: it is the same one when the text is read again */
    size_t least_window;
    size_t n_windows, n_bytes, n_lines; /* of windows so far */
    bool ended, bom;
    const char *compression;
    aml_memory *account;
} csv_stream;

aml_status csv_stream_open(csv_stream *s, const char *path, const aml_csv_options *options);
aml_status csv_stream_open_text(csv_stream *s, const char *text, size_t length, const char *name,
                                const aml_csv_options *options);
aml_status csv_stream_rewind(csv_stream *s); /* back to the first window */
void csv_stream_close(csv_stream *s);
/* Bytes of text if they can be foretold, else 0. */
size_t csv_stream_size(const csv_stream *s);
/* Reads on into the window, which keeps what it has, until `want` bytes are there or the text ends. */
aml_status csv_stream_fill(csv_stream *s, csv_window *w, size_t want);
/* The next window, filled up to whole records. Its length is 0 at the end. */
aml_status csv_stream_next(csv_stream *s, csv_window *w);
/* The same for a window that has been filled. */
aml_status csv_stream_cut(csv_stream *s, csv_window *w);
/* Leaves out `bytes` with `lines` line ends at the beginning of the first window, which has not been cut. */
void csv_stream_skip(csv_stream *s, csv_window *w, size_t bytes, size_t lines);
/* Leaves out the lines at the end of the first window, when it is the last and s->tail is known. */
void csv_stream_trim(csv_stream *s, csv_window *w);
void csv_window_free(csv_window *w, aml_memory *account);

/* ---- csv_check.c: bytes that are no text */

/* Refuses other kinds of files by their first bytes. */
aml_status csv_check_magic(const char *text, size_t length, const char *name);
/* Refuses NUL and what is not UTF-8 in text[0 … length-1], whose first line has the number `line`. At `end`, the
 * last character must be whole. */
aml_status csv_check_text(const char *text, size_t length, bool end, const char *name, size_t line);

/* ---- csv_scan.c: the structure of records */

/* Makes w->end, w->line and w->marks.separator those of the structure. Returns the length of the whole records but
 * the last `skip` ones, 0 when not even the first one is whole. *open gets the place of a quote that is not closed, or SIZE_MAX. */
size_t csv_structure(csv_window *w, size_t *open, const csv_dialect *d, size_t skip);
/* The same where w->end and w->line are known; sets w->n_lines. */
size_t csv_whole_records(csv_window *w, size_t skip);
/* Fields of the record that begins at `at`, and where its line ends. */
size_t csv_count_fields(size_t *end, const char *text, size_t length, size_t at,
                        const csv_dialect *d);
/* Where the field that begins at `at` ends: at a separator, a line end, or the end of the text. */
size_t csv_field_end(const char *text, size_t length, size_t at, const csv_dialect *d);
/* The quote that closes the one at `open`, or SIZE_MAX. */
size_t csv_closing_quote(const char *text, size_t length, size_t open, const csv_dialect *d);
bool csv_ends_line(const char *text, size_t i);
/* Line (from 1) and column (in characters, from 1) of a byte of a text. */
void csv_place(size_t *line, size_t *column, const char *text, size_t at);

/* ---- csv_rows.c: the cells of a window */

typedef enum csv_flaw_kind { CSV_FINE, CSV_WIDTH, CSV_AFTER_QUOTE, CSV_LONG_FIELD } csv_flaw_kind;
typedef struct csv_flaw {
    csv_flaw_kind kind; /* of the first flawed row */
    size_t at, fields;  /* the place, and the fields that row has */
    size_t line, column;
    size_t count; /* flawed rows */
} csv_flaw;

/* Field k of row i ends at field_end[first[i] + k]; first[i] + k < next[i]. */
typedef struct csv_rows {
    uint32_t *field_end; /* positions in the window */
    uint32_t *first;     /* n: index into field_end */
    uint32_t *next;      /* n: behind the last one */
    uint32_t *start;     /* n: first byte */
    uint32_t *line;      /* n: line ends before the row, where not `plain` */
    size_t n, n_blank, n_ragged;
    size_t n_feed, n_pair, n_carriage; /* lines that end with LF, CRLF, CR */
    bool plain;                        /* row i is line i + skip */
    size_t skip;
    csv_flaw flaw;
    size_t room_ends, room_rows, charged;
} csv_rows;

/* Width 0: of any. */
aml_status csv_rows_find(csv_rows *rows, const csv_window *w, const csv_dialect *d, size_t width,
                         csv_ragged ragged, aml_memory *account);
void csv_rows_drop_first(csv_rows *rows);
void csv_rows_free(csv_rows *rows, aml_memory *account);

/* A cell: its text without blanks around it or quotes. */
typedef struct csv_cell {
    const char *text;
    size_t size;
    bool escaped; /* holds doubled quotes, or what the escape stands before */
    bool quoted;
} csv_cell;
csv_cell csv_cell_at(const csv_window *w, const csv_rows *rows, size_t row, size_t field,
                     const csv_dialect *d);
/* Undoes doubled quotes and escapes into `room`, which has cell.size bytes. */
csv_cell csv_unescape(char *room, csv_cell cell, const csv_dialect *d);

/* ---- csv_dialect.c: what the first records tell */
char csv_find_separator(const char *text, size_t length, char quote, char escape);
/* A backslash where quotes make sense with it only, else 0. */
char csv_find_escape(const char *text, size_t length, const csv_dialect *d);
/* The character that a first line such as `sep=;` names, else 0. */
char csv_named_separator(const char *text, size_t length);

/* The cells of the first window; those that a row is too short for are empty. */
typedef struct csv_sample {
    const csv_window *window;
    csv_rows rows;
    const csv_dialect *dialect;
    size_t n_rows, width;
} csv_sample;
static inline csv_cell csv_sample_cell(const csv_sample *s, size_t row, size_t field) {
    return csv_cell_at(s->window, &s->rows, row, field, s->dialect);
}
/* Is the first row a header? */
bool csv_find_header(const csv_sample *s, char decimal);

/* ---- csv_decimal.c: the decimal sign, by what numbers can only be read with */
char csv_find_decimal(const csv_sample *s, const csv_dialect *d);

/* ---- csv_edges.c */
/* Bytes and line ends before the header (0: it comes first). `header` as in aml_csv_options. */
size_t csv_find_head(size_t *n_lines, const char *text, size_t length, const csv_dialect *d,
                     int header);
/* A word such as Total, alone or before a colon. */
bool csv_is_total(const char *s, size_t n);
/* How many records at the end of a window csv_find_tail would look at if the text ended there. */
size_t csv_possible_tail(const csv_window *w);
/* How many of the last records of a window that ends the text are no rows. The same for every window that has those
 * records. */
size_t csv_find_tail(csv_tail *tail, const csv_window *w, const csv_dialect *d);

/* ---- csv_kinds.c, csv_columns.c: a column of words to a typed column */
typedef enum csv_verdict {
    CSV_GOOD,
    CSV_SHORT_OF_MEMORY,
    CSV_STRAY_TEXT, /* text in a column of numbers */
    CSV_INFINITE_CELL,
    CSV_OVERFLOW_CELL,
    CSV_THOUSANDS_CELL,
    CSV_OTHER_UNIT, /* than the schema's */
    CSV_BAD_DATES   /* most cells of a date column are no dates */
} csv_verdict;

/* What only a column of words needs. */
typedef struct csv_texts {
    csv_words *words; /* one for each thread; later all in the first */
    int32_t *code;    /* index into the dictionary, later the level; heap */
    size_t code_room;
    _Atomic size_t n_unseen;
    /* found by csv_judge */
    size_t bad_row, n_bad; /* the first cell that does not fit, and how many there are */
    char *bad;             /* its text: heap, NUL-ended */
    size_t bad_size;
    uint64_t *offset; /* text: cell i is bytes[offset[i] … offset[i + 1]-1]; heap */
    char *bytes;
    size_t text_size; /* bytes before spellings of missing were left out */
    bool complete;    /* no cell is a spelling of missing */
    /* the levels of a category in order, n_levels indices into the dictionary: heap */
    uint32_t *order;
    uint32_t n_levels;
    csv_unit unit_kind;
    char unit[16]; /* of amounts, "" for none */
} csv_texts;

/* There may be very many of them. */
typedef struct csv_column {
    const char *name;
    size_t field;                    /* its place in the row */
    const aml_schema_column *schema; /* or NULL */
    csv_texts *texts;                /* of a column of words */
    double *number;                  /* numbers (dates too), or NULL: heap, or */
    bool kept;                       /* in the frame's arena */
    size_t charged;                  /* for all arrays of the column but its words */
    aml_memory *account;
    _Atomic size_t n_missing;
    aml_kind kind;             /* given, or 0 until it is found */
    aml_form form;             /* of the judged column */
    csv_verdict verdict;       /* found by csv_judge */
    bool unnamed;              /* the header has no name for it */
    bool verbatim;             /* TEXT whose cells stay as they are written */
    _Atomic bool plain;        /* words whose texts are too many for a dictionary */
    _Atomic bool mixed;        /* a cell of `number` is no number: it takes a second pass */
    _Atomic bool soft;         /* a cell is missing only if the column is numbers */
    _Atomic bool long_integer; /* digits were lost */
    _Atomic bool broken;       /* a number is not whole */
    bool day_first, ambiguous_date;
    bool date_compact; /* the kind is given: 20200131 is a date */
    bool clock;        /* times of day */
    char list;         /* what separates items, where texts are lists; else 0 */
    bool amounts;      /* numbers are written as csv_amount_parse reads them */
    bool mostly_numbers;
} csv_column;

/* The rows of a window in the table. */
typedef struct csv_block {
    size_t row, n_rows;
    size_t line; /* of its first byte */
    int thread;  /* whose words they are */
    bool plain;
    uint32_t *lines; /* of its rows, from `line`, where not plain: heap */
} csv_block;
typedef struct csv_blocks {
    csv_block *at; /* heap */
    size_t n, room;
} csv_blocks;

/* csv_gather.c: what n_readers threads have, in the first one's dictionary and in code; or in bytes and offset where the
 * column is plain. False: out of memory. */
bool csv_gather(csv_column *c, const csv_blocks *blocks, size_t n, size_t n_readers, int n_threads);
/* Finds the kind of a gathered column of words, and what the frame needs of it: number, code and order, or bytes
 * and offset. Touches only the column. */
void csv_judge(csv_column *c, size_t n, const csv_dialect *d, int n_threads);
/* The first cell that the schema does not know, of what n_threads have seen. */
aml_status csv_find_unseen(aml_csv_unseen *out, const csv_column *c, size_t n_threads,
                           aml_arena *keep);
/* The judged column as part of a frame, in the arena. */
aml_status csv_finish(aml_column *out, csv_column *c, size_t n, aml_arena *keep);
void csv_column_free(csv_column *c, size_t n_threads);

/* ---- csv.c: a reading under way */

typedef struct csv_reader {
    const aml_csv_options *options;
    csv_stream stream;
    csv_dialect dialect;
    bool header;
    size_t width; /* fields of a row */
    csv_window first;
    csv_rows first_rows;
    csv_sample sample; /* of the first window, the header among it */
    const char **names;
    csv_column *columns; /* those the frame gets */
    size_t n_columns;
    csv_column **by_field; /* the same in the order of their fields */
    size_t n_threads;
    char head_text[64]; /* of the first line above the header that was left out */
    bool found_head;
    csv_blocks blocks,
        again; /* of the first pass, and of the one for columns that were not numbers */
    size_t n_rows, room_rows, n_blank, n_ragged;
    size_t n_feed, n_pair, n_carriage;
    aml_arena *keep, *work; /* the frame's; dropped at the end */
    const char **notes;
    size_t n_notes;
    const char **ignored;
    size_t n_ignored;
    aml_csv_unseen *unseen; /* with a schema, by column */
} csv_reader;

/* Adds a sentence to the report (AML_ENOMEM); beyond a fixed number they are left out. */
aml_status csv_note(csv_reader *r, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The same on several columns: "<format> `a`, `b` and 3 more: <rest>". */
typedef bool csv_column_test(const csv_column *c);
aml_status csv_note_columns(csv_reader *r, csv_column_test *test, const char *before,
                            const char *after);

/* ---- csv_begin.c: the first window, the dialect, the sample and the header */
enum { CSV_SAMPLE_BYTES = 1 << 20 };
aml_status csv_begin(csv_reader *r);

/* ---- csv_names.c: names of the fields, and which columns are wanted */
aml_status csv_name_fields(csv_reader *r);
aml_status csv_choose_columns(csv_reader *r);

/* ---- csv_cells.c: the cells of a window into columns */
/* What one thread works with. */
typedef struct csv_worker {
    csv_window window;
    csv_rows rows;
    char *scratch; /* for doubled quotes and texts side by side; heap */
    size_t scratch_room;
    int thread;
} csv_worker;
/* Rows of the window are rows `row` … of the table. `again`: only columns that turned out not to be numbers.
 * False: out of memory. */
bool csv_put_cells(csv_reader *r, csv_worker *w, size_t row, bool again);
/* csv_numbers.c: up to CSV_RUN columns of numbers whose fields are neighbours. */
enum { CSV_RUN = 16 };
void csv_put_numbers(csv_column **columns, size_t count, const csv_reader *r, const csv_worker *w,
                     size_t row);

/* ---- csv_fill.c: all windows */
aml_status csv_fill(csv_reader *r);
/* Line and column of a cell, by reading the text again. 0 when it cannot be. */
void csv_locate(size_t *line, size_t *column, csv_reader *r, size_t row, size_t field);

/* ---- csv_explain.c: failures in words */
aml_status csv_explain_flaw(const csv_reader *r, const csv_flaw *first);
/* A field beyond CSV_FIELD_LIMIT begins here. */
aml_status csv_fail_long_field(const char *source, size_t line, size_t column);
aml_status csv_explain_column(const csv_column *c, size_t n, const char *source, size_t line,
                              size_t column);

#endif
