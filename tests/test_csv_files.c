/* test_csv_files.c: the inputs that fuzzing starts from, and those that it found: nasty ones, read in every way. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "automl/core/io.h"
#include "automl/core/par.h"
#include "csv_pieces.h"

enum { LEAST_FILES = 40 };

static void check_file(const char *path) {
    char *text, *wrong;
    size_t size;
    assert_int_equal(aml_read_file(&text, &size, path, 1 << 20, NULL), AML_OK);
    if ((wrong = read_strange(text, size))) fail_msg("%s: %s", path, wrong);
    if (size >= 2) {
        aml_csv_options o = {.separator = ',', .header = 1, .decimal = '.'};
        if ((wrong = reading_differs(text, size - 2, o))) fail_msg("%s: %s", path, wrong);
        read_by_schema(text, size - 2, 1);
    }
    aml_free(text);
}

static void test_files(void **state) {
    (void)state;
    static const char folder[] = SOURCE_DIR "/tests/corpus/csv";
    size_t n = 0;
    DIR *d = opendir(folder);
    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d));) {
        char path[1000];
        if (e->d_name[0] == '.') continue;
        snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        check_file(path);
        n++;
    }
    closedir(d);
    assert_true(n >= LEAST_FILES);
}

int main(void) {
    aml_par_init();
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_files)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
