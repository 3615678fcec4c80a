/* test_export.c: exported models predict what the engine predicts. All cases are exported as C, compiled at C99 with all
 * warnings as errors into one library, and asked for the same rows: the results must be equal bit for bit. */
#include <dlfcn.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/export_cases.h"

extern char **environ;
static char folder[] = "export_XXXXXX";
/* ---- building */

static void path_to(char *out, size_t size, const char *name, const char *suffix) {
    assert_true(strlen(folder) + strlen(name) + strlen(suffix) + 2 < size);
    snprintf(out, size, "%s/%.20s%s", folder, name, suffix);
}

static void export_all(const char *format, const char *suffix) {
    char path[256];
    for (size_t i = 0; i < n_cases; i++) {
        path_to(path, sizeof path, cases[i].name, suffix);
        aml_status status = aml_model_export(cases[i].model, format, path);
        if (status) fail_msg("%s: %s", cases[i].what, aml_last_error()->message);
    }
}

static int run(char **argv) {
    pid_t pid;
    int status = 0;
    assert_int_equal(posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* All of the cases in one library. */
static void *build(void) {
    static char paths[MOST_CASES][64], library[64], compiler[256];
    char *argv[MOST_CASES + 16];
    const char *cc = getenv("CC"),
               *flags[] = {"-std=c99", "-O0", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared"};
    size_t n = 0;
    snprintf(compiler, sizeof compiler, "%s", cc && *cc ? cc : "cc");
    path_to(library, sizeof library, "all", ".so");
    argv[n++] = compiler;
    for (size_t i = 0; i < COUNT(flags); i++) argv[n++] = (char *)flags[i];
    argv[n++] = "-o", argv[n++] = library;
    for (size_t i = 0; i < n_cases; i++) {
        path_to(paths[i], sizeof paths[i], cases[i].name, ".c");
        argv[n++] = paths[i];
    }
    argv[n++] = "-lm", argv[n] = NULL;
    assert_int_equal(run(argv), 0);
    char *whole = realpath(library, NULL);
    assert_non_null(whole);
    void *handle = dlopen(whole, RTLD_NOW | RTLD_LOCAL);
    free(whole);
    if (!handle) fail_msg("%s", dlerror());
    return handle;
}

/* ---- rows */

/* A field of a generated struct: a double or a text, both of eight bytes. */
typedef union field {
    double number;
    const char *text;
} field;
typedef int (*predict_fn)(const void *row, double *out);

static void put_row(field *row, char buffer[COLUMNS][CELL], const export_rows *x, size_t i) {
    for (size_t j = 0; j < COLUMNS; j++) {
        const aml_column *c = &x->columns[j];
        if (c->kind == AML_NUMBER || c->kind == AML_DATETIME) row[j].number = c->number[i];
        else if (c->kind == AML_CATEGORY)
            row[j].text = c->code[i] < 0 ? NULL : c->levels[c->code[i]];
        else {
            size_t n = (size_t)(c->offset[i + 1] - c->offset[i]);
            memcpy(buffer[j], c->bytes + c->offset[i], n);
            buffer[j][n] = 0;
            row[j].text = buffer[j];
        }
    }
}

static void compare(const export_case *c, predict_fn predict, const export_rows *x) {
    size_t k = aml_model_outputs(c->model), wrong = 0;
    double expected[ROWS * OUTPUTS];
    assert_int_equal(aml_model_predict(expected, c->model, &x->frame, 1), AML_OK);
    for (size_t i = 0; i < x->n; i++) {
        field row[COLUMNS];
        char buffer[COLUMNS][CELL];
        double out[OUTPUTS];
        put_row(row, buffer, x, i);
        int class = predict(row, out);
        if (!memcmp(out, expected + i * k, k * sizeof *out)) {
            size_t chosen = c->model->n_classes ? aml_model_choose(c->model, out) : 0;
            assert_int_equal(class, chosen);
            continue;
        }
        if (!wrong++)
            print_error("%s (%s): row %zu is %.17g, the engine says %.17g\n", c->name, c->what, i,
                        out[0], expected[i * k]);
    }
    if (wrong) fail_msg("%s: %zu of %zu rows differ", c->what, wrong, x->n);
}

static void test_c(void **state) {
    (void)state;
    export_all("c", ".c");
    void *library = build();
    for (size_t i = 0; i < n_cases; i++) {
        char symbol[64];
        predict_fn predict;
        snprintf(symbol, sizeof symbol, "%.20s_predict", cases[i].name);
        void *found = dlsym(library, symbol);
        assert_non_null(found);
        memcpy(&predict, &found, sizeof predict);
        compare(&cases[i], predict, rows_of(cases[i].model->kind));
        compare(&cases[i], predict, &fresh);
    }
    dlclose(library);
}

/* ---- refusals */

static void test_refusals(void **state) {
    (void)state;
    char path[256];
    struct stat s;
    aml_learner deaf = *cases[0].model->members[0].learner;
    path_to(path, sizeof path, "refused", ".json");
    assert_int_equal(aml_model_export(cases[0].model, "jsn", path), AML_EUSAGE);
    assert_non_null(strstr(aml_last_error()->help, "json"));
    const aml_learner *was = cases[0].model->members[0].learner;
    deaf.lower = NULL;
    deaf.name = "deaf";
    cases[0].model->members[0].learner = &deaf;
    assert_int_equal(aml_model_export(cases[0].model, "json", path), AML_EUSAGE);
    assert_non_null(strstr(aml_last_error()->message, "learner `deaf`"));
    cases[0].model->members[0].learner = was;
    path_to(path, sizeof path, "refused", ".h");
    assert_int_equal(aml_model_export(cases[0].model, "c", path), AML_EUSAGE);
    path_to(path, sizeof path, "no/folder", ".c");
    assert_int_equal(aml_model_export(cases[0].model, "c", path), AML_ECANTCREATE);
    path_to(path, sizeof path, "refused", ".json");
    assert_int_not_equal(stat(path, &s), 0);
}

static int setup(void **state) {
    (void)state;
    if (!mkdtemp(folder)) return 1;
    make_cases();
    return 0;
}

static int teardown(void **state) {
    (void)state;
    free_cases();
    char *argv[] = {"rm", "-rf", folder, NULL};
    return getenv("KEEP_EXPORTS") ? 0 : run(argv);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_c), cmocka_unit_test(test_refusals)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
