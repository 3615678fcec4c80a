/* test_csv_messy.c: awkward files as they came: those of ../shared/datasets/messy ($AUTOML_DATASETS), and the csv-spectrum collection
 * there with what its authors say is in them. Skipped where the folder is not. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "automl/core/arena.h"
#include "automl/core/io.h"
#include "automl/core/json.h"
#include "automl/core/par.h"
#include "automl/core/text.h"

static char folder[4096];

static void find_folder(void) {
    const char *given = getenv("AUTOML_DATASETS");
    if (given) snprintf(folder, sizeof folder, "%s/messy", given);
    else snprintf(folder, sizeof folder, SOURCE_DIR "/../shared/datasets/messy");
    DIR *d = opendir(folder);
    if (d) closedir(d);
    else *folder = 0;
}

static const char *path_of(const char *name) {
    static char path[4200];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

/* As it is, with what the message of a refusal says to do, or with what its notes say. */
static void test_originals(void **state) {
    (void)state;
    static const struct {
        const char *name;
        aml_read_options how;
        size_t rows, columns;
        const char *refusal, *help;
    } files[] = {
        {"auto_imports_no_header.csv.gz", {0}, 201, 26, NULL, NULL},
        {"bank_additional_semicolon.csv.gz", {0}, 4119, 21, NULL, NULL},
        {"horse_colic_no_header.csv.gz", {0}, 300, 28, NULL, NULL},
        {"htru2_cr_only_no_header.csv.gz", {0}, 17898, 9, NULL, NULL},
        {"h2o_bad_bytes.csv.gz", {0}, 0, 0, "NUL byte", "tr -d"},
        {"h2o_extra_columns.csv.gz", {0}, 0, 0, "row has 10 fields, the header has 8", "more rows"},
        {"h2o_extra_columns.csv.gz", {.skip_lines = 1, .header = -1}, 10000, 10, NULL, NULL},
        {"seeds_duplicate_header.csv.gz", {0}, 0, 0, "duplicate column name `length`", "rename"},
        {"seeds_duplicate_header.csv.gz", {.skip_lines = 1, .header = -1}, 210, 7, NULL, NULL},
        {"starwars_survey_two_headers.csv.gz", {0}, 0, 0, "is not UTF-8", "--encoding latin1"},
        {"starwars_survey_two_headers.csv.gz",
         {.encoding = "latin1", .skip_lines = 2, .header = -1},
         1186,
         38,
         NULL,
         NULL},
    };
    if (!*folder) skip();
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        aml_read_options how = files[i].how;
        aml_frame *f;
        how.size = sizeof how;
        aml_status status = aml_frame_read(&f, path_of(files[i].name), &how);
        if (files[i].refusal) {
            assert_int_equal(status, AML_EDATA);
            assert_non_null(strstr(aml_last_error()->message, files[i].refusal));
            assert_non_null(strstr(aml_last_error()->help, files[i].help));
            continue;
        }
        if (status) print_error("%s: %s\n", files[i].name, aml_last_error()->message);
        assert_int_equal(status, AML_OK);
        assert_int_equal(aml_frame_rows_count(f), files[i].rows);
        assert_int_equal(aml_frame_columns_count(f), files[i].columns);
        aml_frame_free(f);
    }
}

/* A number may be written another way: 08123, 8123. */
static bool is_same(const char *cell, const char *said) {
    double x, y;
    if (!strcmp(cell, said)) return true;
    return aml_parse_double(&x, cell, strlen(cell)) && aml_parse_double(&y, said, strlen(said)) &&
           x == y;
}

static void check_cells(const aml_frame *f, const aml_json *rows) {
    char cell[512];
    assert_int_equal(aml_frame_rows_count(f), rows->size);
    for (size_t i = 0; i < rows->size; i++) {
        const aml_json *row = aml_json_at(rows, i);
        assert_int_equal(aml_frame_columns_count(f), row->size);
        for (const aml_json *x = row->child; x; x = x->next) {
            aml_frame_text(cell, sizeof cell, f, x->name, i);
            if (!is_same(cell, x->string)) fail_msg("`%s` is not `%s`", cell, x->string);
        }
    }
}

static void test_spectrum(void **state) {
    static const char *const names[] = {"comma_in_quotes",
                                        "empty",
                                        "empty_crlf",
                                        "escaped_quotes",
                                        "json",
                                        "newlines",
                                        "newlines_crlf",
                                        "quotes_and_newlines",
                                        "simple",
                                        "simple_crlf",
                                        "utf8"};
    (void)state;
    if (!*folder) skip();
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char name[64], *text;
        size_t size;
        aml_frame *f;
        aml_json *rows;
        aml_arena *keep = aml_arena_new(NULL);
        const aml_read_options how = {.size = sizeof how, .header = 1};
        snprintf(name, sizeof name, "csv-spectrum/%s.csv", names[i]);
        assert_int_equal(aml_frame_read(&f, path_of(name), &how), AML_OK);
        snprintf(name, sizeof name, "csv-spectrum/%s.json", names[i]);
        assert_int_equal(aml_read_file(&text, &size, path_of(name), 1 << 20, NULL), AML_OK);
        assert_int_equal(aml_json_parse(&rows, keep, text, size, name, 0, AML_EDATA), AML_OK);
        check_cells(f, rows);
        aml_free(text);
        aml_frame_free(f);
        aml_arena_free(keep);
    }
}

int main(void) {
    aml_par_init();
    find_folder();
    if (!*folder) printf("SKIPPED: there is no folder of messy files, $AUTOML_DATASETS\n");
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_originals),
                                       cmocka_unit_test(test_spectrum)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
