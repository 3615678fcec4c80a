/* csv_pieces.h: readings of the same text that must agree, for tests and fuzzing. */
#ifndef AML_TESTS_CSV_PIECES_H
#define AML_TESTS_CSV_PIECES_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "automl/core/csv.h"
#include "automl/core/text.h"

/* All of a frame: kinds, cells, line numbers. Frees it. Heap. */
static inline char *whole_frame(aml_frame *f) {
    aml_string s = {0};
    for (size_t j = 0; j < f->p; j++) {
        const aml_column *c = &f->columns[j];
        aml_string_printf(&s, "%s:%d missing %zu levels %u whole %d day first %d|", c->name,
                          (int)c->kind, c->n_missing, c->n_levels, c->integer, c->day_first);
    }
    for (size_t i = 0; i < f->n; i++) {
        aml_string_printf(&s, "\n%zu", aml_frame_line(f, i));
        for (size_t j = 0; j < f->p; j++) {
            char room[64];
            size_t n;
            const char *cell = aml_frame_cell(&n, &f->columns[j], i, room);
            aml_string_put(&s, "|");
            aml_string_add(&s, cell, n);
        }
    }
    aml_frame_free(f);
    if (s.failed) abort();
    return s.text ? s.text : calloc(1, 1);
}

/* A way to read a text; window 0 is the usual one. */
typedef struct csv_way {
    size_t window;
    int threads;
} csv_way;

/* NULL when the frames are the same, or both readings fail with the same status; else what differs (heap). */
static inline char *ways_differ(const char *text, size_t length, aml_csv_options o, csv_way a,
                                csv_way b) {
    const csv_way ways[2] = {a, b};
    char *got[2] = {NULL, NULL};
    aml_status status[2];
    aml_string s = {0};
    for (int i = 0; i < 2; i++) {
        aml_frame *f;
        o.window_bytes = ways[i].window;
        o.n_threads = ways[i].threads;
        status[i] = aml_csv_parse(&f, NULL, text, length, "t.csv", &o);
        if (!status[i]) got[i] = whole_frame(f);
    }
    if (status[0] != status[1] || (got[0] && strcmp(got[0], got[1]) != 0))
        aml_string_printf(&s, "window %zu, %d threads: status %d, not %d\n%s\ninstead of\n%s\n",
                          b.window, b.threads, (int)status[1], (int)status[0],
                          got[1] ? got[1] : aml_last_error()->message, got[0] ? got[0] : "-");
    free(got[0]);
    free(got[1]);
    return s.text;
}

/* Whatever the windows and threads, the frame is the same, or it is none. NULL when so, else what differs (heap).
 * Lines to leave out and escapes are guessed from the first window, so they are not guessed here. */
static inline char *reading_differs(const char *text, size_t length, aml_csv_options o) {
    static const csv_way ways[] = {{64, 1}, {97, 3}, {300, 2}, {5000, 1}};
    char *differs = NULL;
    if (!o.skip_lines) o.skip_lines = CSV_NO_LINES;
    if (!o.skip_footer) o.skip_footer = CSV_NO_LINES;
    if (!o.escape) o.escape = '\1';
    for (size_t i = 0; i < sizeof ways / sizeof *ways && !differs; i++)
        differs = ways_differ(text, length, o, (csv_way){0, 1}, ways[i]);
    return differs;
}

/* The kinds of a schema for any text: the columns a, b and c1. */
static inline aml_status read_by_schema(const char *text, size_t length, int header) {
    static const char *const levels[] = {"x", "red"};
    static const aml_schema_column columns[] = {
        {.name = "a", .kind = AML_NUMBER, .optional = true, .unit = "kg"},
        {.name = "b", .kind = AML_CATEGORY, .levels = levels, .n_levels = 2, .optional = true},
        {.name = "c1", .kind = AML_DATETIME, .optional = true}};
    static const aml_schema schema = {.p = 3, .columns = columns};
    aml_frame *f;
    aml_status status = aml_csv_parse(
        &f, NULL, text, length, "t.csv",
        &(aml_csv_options){.schema = &schema, .header = header, .ragged = CSV_RAGGED_PAD});
    if (!status) aml_frame_free(f);
    return status;
}

/* One input of fuzzing: the last two bytes choose options, so that files of any text are inputs. NULL, or what is
 * wrong (heap). */
static inline char *read_strange(const char *text, size_t size) {
    static const char separators[] = {0, ',', ';', '\t', '|', ' ', '"', 'a'};
    static const char thousands[] = {0, ',', '.', '\1'}, escapes[] = {0, '\\', '\1', '^'};
    static const char *const texts[] = {"a", NULL};
    if (size < 2) return NULL;
    size -= 2;
    unsigned first = (unsigned char)text[size], second = (unsigned char)text[size + 1];
    aml_csv_options o = {.separator = separators[first & 7],
                         .header = (int)((first >> 3) % 3) - 1,
                         .ragged = (csv_ragged)((first >> 5) % 3),
                         .decimal = second & 1 ? ',' : 0,
                         .max_rows = (second & 0x60) == 0x60 ? 3 : 0,
                         .text_columns = (second & 0x60) == 0x40 ? texts : NULL,
                         .thousands = thousands[second >> 1 & 3],
                         .escape = escapes[second >> 3 & 3]};
    if (second & 128) { /* what is guessed */
        aml_frame *f;
        if ((first & 31) == 31) return (void)read_by_schema(text, size, o.header), NULL;
        if (!aml_csv_parse(&f, NULL, text, size, "t.csv", &o)) aml_frame_free(f);
        return NULL;
    }
    if (!o.separator || o.separator == '"') o.separator = ',';
    if (!o.header) o.header = 1;
    if (!o.decimal || o.separator == ',') o.decimal = '.';
    if (!o.escape) o.escape = '\1';
    o.skip_lines = o.skip_footer = CSV_NO_LINES;
    o.max_rows = 0; /* how much is looked at behind them depends on the windows */
    return ways_differ(text, size, o, (csv_way){0, 1}, (csv_way){64 + 37 * (first >> 6), 1});
}

#endif
