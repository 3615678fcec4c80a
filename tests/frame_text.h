/* frame_text.h: frames from text, and as text, for tests. */
#ifndef AML_TESTS_FRAME_TEXT_H
#define AML_TESTS_FRAME_TEXT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "automl/core/csv.h"
#include "automl/core/rng.h"

/* A frame as text: names and kinds (n c t d i), then a line of cells for each row. */
static inline char *show(const aml_frame *f) {
    aml_string s = {0};
    for (size_t j = 0; j < f->p; j++) {
        const char *kind = aml_kind_name(f->columns[j].kind);
        aml_string_printf(&s, "%s%s:%c", j ? "|" : "", f->columns[j].name, kind[0]);
    }
    for (size_t i = 0; i < f->n; i++) {
        for (size_t j = 0; j < f->p; j++) {
            char room[64];
            size_t n;
            const char *cell = aml_frame_cell(&n, &f->columns[j], i, room);
            aml_string_put(&s, j ? "|" : "\n");
            aml_string_add(&s, cell, n);
        }
    }
    assert_false(s.failed);
    return s.text;
}

static inline aml_status parse(aml_frame **f, aml_csv_report *r, const char *text,
                               const aml_csv_options *o) {
    return aml_csv_parse(f, r, text, strlen(text), "t.csv", o);
}

static inline void check_frame(const char *text, const aml_csv_options *o, const char *expected) {
    aml_frame *f;
    aml_csv_report r;
    if (parse(&f, &r, text, o)) fail_msg("%s: %s", text, aml_last_error()->message);
    char *shown = show(f);
    if (strcmp(shown, expected)) fail_msg("of: %s\ngot: %s\nexpected: %s", text, shown, expected);
    aml_free(shown);
    aml_frame_free(f);
}

/* Rows with quoted line breaks, blank lines between, and a column that turns out to be text near its end. */
/* A table with everything: numbers, words, quotes, line ends in cells, blank lines. */
static inline char *make_table(size_t n) {
    aml_string s = {0};
    aml_rng r = aml_rng_stream(5, AML_RNG_TEST, 0, 0);
    aml_string_put(&s, "x,word,late,\"q \"\"n\"\"\",day\n");
    for (size_t i = 0; i < n; i++) {
        aml_string_double(&s, aml_rng_normal(&r));
        aml_string_printf(&s, ",w%u,", aml_rng_below(&r, 50));
        if (i > n - 5 && i % 2) aml_string_put(&s, "text"); /* numbers so far: a second pass */
        else aml_string_printf(&s, i % 30 ? "%u" : "v%u", aml_rng_below(&r, 99));
        aml_string_printf(&s, ",\"say \"\"%u\"\",\n and more\",2020-01-%02u\n",
                          aml_rng_below(&r, 9), 1 + aml_rng_below(&r, 28));
        if (i % 100 == 0) aml_string_put(&s, "\n");
    }
    assert_false(s.failed);
    return s.text;
}

static const char *const levels[] = {"red", "blue"};
static const aml_schema_column schema_columns[] = {
    {.name = "c", .kind = AML_CATEGORY, .levels = levels, .n_levels = 2},
    {.name = "a", .kind = AML_NUMBER},
    {.name = "o", .kind = AML_TEXT, .optional = true},
    {.name = "d", .kind = AML_DATETIME, .day_first = true}};
static const aml_schema schema = {.p = 4, .columns = schema_columns};
static const aml_csv_options by_schema = {.schema = &schema};

#endif
