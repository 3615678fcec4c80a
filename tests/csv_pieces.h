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

/* Whatever the windows and threads, the frame is the same, or it is none. NULL when so, else what differs (heap).
 * Lines to leave out are guessed from the first window, so they are not guessed here. */
static inline char *reading_differs(const char *text, size_t length, aml_csv_options o) {
    static const struct {
        size_t window;
        int threads;
    } ways[] = {{64, 1}, {97, 3}, {300, 2}, {5000, 1}};
    aml_frame *f;
    o.n_threads = 1;
    if (!o.skip_lines) o.skip_lines = CSV_NO_LINES;
    if (!o.skip_footer) o.skip_footer = CSV_NO_LINES;
    if (!o.escape) o.escape = '\1';
    aml_status first = aml_csv_parse(&f, NULL, text, length, "t.csv", &o);
    char *expected = first ? NULL : whole_frame(f), *differs = NULL;
    for (size_t i = 0; i < sizeof ways / sizeof *ways && !differs; i++) {
        o.window_bytes = ways[i].window;
        o.n_threads = ways[i].threads;
        aml_status status = aml_csv_parse(&f, NULL, text, length, "t.csv", &o);
        char *got = status ? NULL : whole_frame(f);
        if (status != first || (got && strcmp(got, expected))) {
            aml_string s = {0};
            aml_string_printf(&s, "window %zu, %d threads: status %d, not %d\n%s\ninstead of\n%s\n",
                              ways[i].window, ways[i].threads, (int)status, (int)first,
                              got ? got : aml_last_error()->message, expected ? expected : "-");
            differs = s.text;
        }
        aml_free(got);
    }
    aml_free(expected);
    return differs;
}

#endif
