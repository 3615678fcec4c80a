/* test_export.c: exported models predict what the engine predicts. All cases are exported as C, compiled at C99 with all
 * warnings as errors into one library, and asked for the same rows: the results must be equal bit for bit. */
#include <dlfcn.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/export_world.h"

extern char **environ;
enum { MOST_CASES = 100, OUTPUTS = 3 };

typedef struct export_case {
    char name[16], what[160];
    aml_model *model;
} export_case;

static export_case cases[MOST_CASES];
static size_t n_cases;
static char folder[] = "export_XXXXXX";
static export_rows train[3], fresh;

static const aml_task_kind tasks[] = {AML_BINARY, AML_MULTICLASS, AML_REGRESSION};
static const export_rows *rows_of(aml_task_kind task) {
    return &train[task == AML_BINARY ? 0 : task == AML_MULTICLASS ? 1 : 2];
}

static export_case *new_case(aml_task_kind task, const char *what) {
    assert_true(n_cases < MOST_CASES);
    export_case *c = &cases[n_cases];
    snprintf(c->name, sizeof c->name, "m%zu", n_cases++);
    snprintf(c->what, sizeof c->what, "%s, %s", what, aml_task_name(task));
    c->model = new_model(&rows_of(task)->frame, task);
    return c;
}

/* ---- the cases */

/* One step with one of its settings before boosted trees, or a linear model. */
static void add_step_member(export_case *c, const aml_step *step, const double *hp, bool linear) {
    aml_plan p = {0};
    bool number = c->model->kind == AML_REGRESSION;
    set_learner(&p, !linear ? "gbdt" : number ? "ridge" : "logistic");
    if (!strcmp(step->name, "text_svd")) add_step(&p, "text_hash");
    add_step(&p, step->name);
    memcpy(p.steps[p.n_steps - 1].hp, hp, sizeof p.hp);
    if (linear) add_usual_steps(&p, true);
    else add_step(&p, "datetime"), add_step(&p, "text_hash");
    add_member(c->model, &p, rows_of(c->model->kind), 0.1 + 0.03 * (double)c->model->n_members);
}

/* All settings of a part together: a difference of one bit in one of them is one in the mean for many of the rows. */
static void add_step_cases(void) {
    size_t nth = 0;
    for (const aml_step *const *s = aml_steps(); *s; s++, nth++) {
        char what[96];
        snprintf(what, sizeof what, "step %s", (*s)->name);
        export_case *c = new_case(tasks[nth % COUNT(tasks)], what);
        for (size_t number = 0;; number++) {
            double hp[AML_MAX_PARAMS] = {0};
            put_defaults(hp, (*s)->params);
            if (!set_variant(hp, (*s)->params, number, true)) break;
            add_step_member(c, *s, hp, number % 2);
            if (!number) add_step_member(c, *s, hp, true);
        }
    }
}

static void add_learner_cases(const aml_learner *l, aml_task_kind task) {
    char what[96];
    snprintf(what, sizeof what, "learner %s", l->name);
    export_case *c = new_case(task, what);
    for (size_t number = 0;; number++) {
        aml_plan p = {0};
        set_learner(&p, l->name);
        if (!set_variant(p.hp, l->params, number, false)) return;
        if (l->can & AML_CAN_CATEGORIES) add_step(&p, "datetime"), add_step(&p, "text_hash");
        else add_usual_steps(&p, l->can & AML_CAN_SPARSE);
        add_member(c->model, &p, rows_of(task), 0.1 + 0.05 * (double)number);
    }
}

/* Ensembles with every calibration, a threshold, and chains that members share or not. */
static void add_ensembles(void) {
    static const double from[] = {0, 0.2, 0.2000001, 0.7, 1}, to[] = {0, 0.1, 0.4, 0.9, 1};
    for (int kind = AML_AS_IT_IS; kind <= AML_ISOTONIC; kind++) {
        aml_task_kind task = kind == AML_TEMPERATURE ? AML_MULTICLASS : AML_BINARY;
        static const char *const learners[] = {"gbdt", "naive_bayes", "random_forest", "baseline"};
        export_case *c = new_case(task, "ensemble");
        for (size_t i = 0; i < COUNT(learners); i++) {
            aml_plan p = {0};
            set_learner(&p, learners[i]);
            add_usual_steps(&p, true);
            add_member(c->model, &p, rows_of(task), i ? 0.3 : 0.1);
        }
        c->model->calibrator = (aml_calibrator){(aml_calibrator_kind)kind, 1.7, -0.3, 5, from, to};
        c->model->threshold = 0.37;
    }
}

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
    aml_par_init();
    for (size_t t = 0; t < COUNT(tasks); t++)
        make_rows(&train[t], ROWS, 11, true,
                  tasks[t] == AML_REGRESSION ? 0
                  : tasks[t] == AML_BINARY   ? 2
                                             : 3);
    make_rows(&fresh, NEW_ROWS, 12, false, 2);
    if (!mkdtemp(folder)) return 1;
    add_step_cases();
    for (const aml_learner *const *l = aml_learners(); *l; l++)
        for (size_t t = 0; t < COUNT(tasks); t++)
            if ((*l)->tasks & tasks[t]) add_learner_cases(*l, tasks[t]);
    add_ensembles();
    return 0;
}

static int teardown(void **state) {
    (void)state;
    for (size_t i = 0; i < n_cases; i++) aml_model_free(cases[i].model);
    char *argv[] = {"rm", "-rf", folder, NULL};
    return getenv("KEEP_EXPORTS") ? 0 : run(argv);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_c), cmocka_unit_test(test_refusals)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
