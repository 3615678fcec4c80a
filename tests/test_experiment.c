/* test_experiment.c: every key of an experiment arrives, and says so when it is wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "automl/core/io.h"
#include "automl/core/rng.h"
#include "automl/experiment/experiment.h"
#include "automl/experiment/experiment_files.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

static const char everything[] = SOURCE_DIR "/tests/experiments/everything.json";
static const char own_rows[] = SOURCE_DIR "/tests/experiments/own_rows.json";

static aml_experiment *read_file(const char *path) {
    aml_experiment *e = NULL;
    aml_status status = aml_experiment_read(&e, path, NULL);
    if (status) fail_msg("%s: %s", path, aml_last_error()->message);
    return e;
}

/* ---- every key is in one of the samples */

static void need_keys(const aml_key *keys, const aml_json *a, const aml_json *b) {
    for (const aml_key *k = keys; k->name; k++) {
        const aml_json *in_a = aml_json_find(a, k->name), *in_b = aml_json_find(b, k->name);
        if (!in_a && !in_b) fail_msg("no sample has the key `%s`", k->name);
        if (!k->summary || !k->summary[0]) fail_msg("the key `%s` has no summary", k->name);
        if (k->type == AML_KEY_OBJECT) need_keys(k->keys, in_a, in_b);
    }
}

static void samples_have_every_key(void **state) {
    aml_experiment *a = read_file(everything), *b = read_file(own_rows);
    (void)state;
    need_keys(aml_experiment_keys, a->root, b->root);
    aml_experiment_free(a);
    aml_experiment_free(b);
}

static void names_and_data_arrive(void **state) {
    aml_experiment *e = read_file(everything);
    const aml_train_options *o = aml_experiment_options(e);
    const aml_read_options *r = aml_experiment_reading(e);
    aml_experiment_files f = {.size = sizeof f};
    const char *name, *value;
    (void)state;
    assert_string_equal(aml_experiment_name(e), "churn");
    assert_string_equal(aml_experiment_description(e), "Who leaves within a month?");
    assert_true(aml_experiment_tag(e, 1, &name, &value));
    assert_string_equal(name, "ticket");
    assert_string_equal(value, "1234");
    assert_false(aml_experiment_tag(e, 2, &name, &value));
    aml_experiment_paths(e, &f);
    assert_string_equal(f.train, SOURCE_DIR "/tests/experiments/train.csv.gz");
    assert_string_equal(f.test, "/data/test.csv");
    assert_null(f.validation);
    assert_string_equal(f.model, SOURCE_DIR "/tests/experiments/out/churn.automl");
    assert_string_equal(f.leaderboard[1], SOURCE_DIR "/tests/experiments/out/board.json");
    assert_null(f.leaderboard[2]);
    assert_string_equal(f.predictions, SOURCE_DIR "/tests/experiments/out/rows.csv");
    assert_string_equal(f.evaluation, SOURCE_DIR "/tests/experiments/out/metrics.json");
    assert_string_equal(f.store, SOURCE_DIR "/tests/experiments/out/runs.db");
    assert_string_equal(r->schema, SOURCE_DIR "/tests/experiments/schema.json");
    assert_true(r->separator == ';' && r->decimal == ',' && r->header == -1 && r->threads == 3);
    assert_true(r->skip_lines == 2 && r->skip_footer == AML_NO_LINES);
    assert_string_equal(r->thousands, ".");
    assert_string_equal(r->quote, "'");
    assert_string_equal(r->escape, "none");
    assert_string_equal(r->encoding, "latin1");
    assert_string_equal(r->ragged, "pad");
    assert_string_equal(r->text[0], "zip");
    assert_true(r->memory_limit == o->memory_limit);
    assert_string_equal(o->target, "left");
    assert_string_equal(o->drop[1], "name");
    assert_string_equal(o->weight, "w");
    assert_string_equal(o->group, "customer");
    assert_string_equal(o->time, "day");
    aml_experiment_free(e);
}

static void options_arrive(void **state) {
    aml_experiment *e = read_file(everything);
    const aml_train_options *o = aml_experiment_options(e);
    (void)state;
    assert_string_equal(o->task, "binary");
    assert_string_equal(o->metric, "f1");
    assert_true(o->time_limit == 5400 && o->trial_timeout == 20.5 && o->trials == 500);
    assert_true(o->max_concurrent_trials == 2 && *o->exit_score == 0.99 && o->patience == 40);
    assert_true(o->memory_limit == (size_t)3 << 29 && o->threads == 3);
    assert_string_equal(o->validation, "cv7");
    assert_string_equal(o->sampler, "sobol");
    assert_string_equal(o->scheduler, "none");
    assert_non_null(strstr(o->learn_from, "tests/experiments/../past.db"));
    assert_true(o->seed == UINT64_MAX && o->ensemble == -1 && o->calibration == -1);
    assert_string_equal(o->prefer, "single");
    assert_true(o->max_predict_seconds == 50 * 1e-6 && o->max_model_bytes == 500000);
    assert_true(o->threshold == 0.25);
    assert_string_equal(o->increasing[0], "calls");
    assert_string_equal(o->decreasing[0], "age");
    assert_string_equal(o->interactions[0][1], "age");
    assert_string_equal(o->interactions[1][0], "plan");
    assert_null(o->interactions[2]);
    assert_non_null(o->featurization);
    assert_string_equal(o->learners[2], "logistic");
    assert_null(o->learners[3]);
    aml_experiment_free(e);
}

static void spaces_arrive(void **state) {
    aml_experiment *e = read_file(everything);
    const aml_param_range *const *r = aml_experiment_options(e)->ranges;
    (void)state;
    assert_string_equal(r[0]->param, "learning_rate");
    assert_true(r[0]->min == 0.01 && r[0]->max == 0.3 && !r[0]->values);
    assert_string_equal(r[1]->values[1], "31");
    assert_string_equal(r[2]->values[0], "6");
    assert_null(r[2]->values[1]);
    assert_string_equal(r[3]->learner, "knn");
    assert_string_equal(r[3]->values[0], "distance");
    assert_null(r[4]);
    aml_experiment_free(e);
}

static void defaults_are_those_of_train(void **state) {
    aml_experiment *e = read_file(own_rows);
    const aml_train_options *o = aml_experiment_options(e);
    aml_experiment_files f = {.size = sizeof f};
    (void)state;
    aml_experiment_paths(e, &f);
    assert_string_equal(aml_experiment_name(e), "own_rows");
    assert_string_equal(f.model, SOURCE_DIR "/tests/experiments/own_rows.automl");
    assert_string_equal(f.train, SOURCE_DIR "/tests/experiments/./a.csv");
    assert_string_equal(f.validation, SOURCE_DIR "/tests/experiments/b.csv");
    assert_string_equal(o->target, "y$");
    assert_true(o->trials == 7 && o->time_limit == 0 && o->ensemble == 0);
    assert_string_equal(o->learners[1], "ridge");
    assert_null(o->ranges);
    aml_experiment_free(e);
}

/* ---- experiments that extend others */

static void bases_fill_what_is_not_said(void **state) {
    aml_experiment *e = read_file(own_rows);
    const aml_train_options *o = aml_experiment_options(e);
    aml_experiment_files f = {.size = sizeof f};
    const char *name, *value;
    (void)state;
    aml_experiment_paths(e, &f);
    assert_string_equal(o->drop[0], "id");                       /* a new member of an object */
    assert_string_equal(o->target, "y$");                        /* said here */
    assert_true(o->patience == 9 && o->memory_limit == 1 << 30); /* of the base, of its base */
    assert_true(o->time_limit == 0);                             /* null unsets */
    assert_string_equal(aml_experiment_reading(e)->schema,
                        SOURCE_DIR "/tests/experiments/bases/kinds.json"); /* its own folder */
    assert_true(aml_experiment_tag(e, 0, &name, &value));
    assert_string_equal(value, "growth");
    aml_experiment_free(e);
}

static void bases_have_places(void **state) {
    static const struct {
        const char *text;
        aml_status status;
        size_t line;
        const char *file, *words;
    } bad[] = {{"{\n\"extends\": \"no.json\"}", AML_ENOINPUT, 2, "a.json", "no.json"},
               {"{\n\"extends\": 7}", AML_ECONFIG, 2, "a.json", "`extends` must be a text"},
               {"{\n\"extends\": \"a.json\"}", AML_ECONFIG, 2, "a.json", "more than 8 times"},
               {"{\"extends\": \"b.json\"}", AML_ECONFIG, 3, "b.json", "max_trails"}};
    char folder[] = "/tmp/automl_bases_XXXXXX", a[64], b[64];
    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(a, sizeof a, "%s/a.json", folder);
    snprintf(b, sizeof b, "%s/b.json", folder);
    assert_int_equal(aml_text_write("{\"data\": {\"train\": \"t\", \"target\": \"y\"},\n"
                                    "\"limits\": {\n\"max_trails\": 3}}",
                                    b),
                     AML_OK);
    for (size_t i = 0; i < COUNT(bad); i++) {
        aml_experiment *e = NULL;
        const aml_error *error = aml_last_error();
        assert_int_equal(aml_text_write(bad[i].text, a), AML_OK);
        assert_int_equal(aml_experiment_read(&e, a, NULL), bad[i].status);
        if (error->line != bad[i].line || !strstr(error->file, bad[i].file) ||
            !strstr(error->message, bad[i].words))
            fail_msg("%s: %s:%zu %s", bad[i].text, error->file, error->line, error->message);
    }
    unlink(a);
    unlink(b);
    rmdir(folder);
}

/* ---- changes from outside */

static aml_status read_with(aml_experiment **e, const char *path, const char *set) {
    const char *const sets[] = {set, NULL};
    return aml_experiment_read(e, path, sets);
}

static void settings_change_it(void **state) {
    static const char *const sets[] = {"limits.max_trials=3",
                                       "limits.timeout=\"5s\"",
                                       "data.target=2024",
                                       "learners=ridge",
                                       "outputs.model=x.automl",
                                       "search.seed=9",
                                       "ensemble=false",
                                       "outputs.store=false",
                                       "model.threshold=0.7",
                                       "data.drop=[\"a\",\"b\"]",
                                       NULL};
    aml_experiment *e = NULL;
    (void)state;
    assert_int_equal(aml_experiment_read(&e, own_rows, sets), AML_OK);
    const aml_train_options *o = aml_experiment_options(e);
    aml_experiment_files f = {.size = sizeof f};
    aml_experiment_paths(e, &f);
    assert_string_equal(f.store, "");
    assert_true(o->trials == 3 && o->time_limit == 5 && o->seed == 9 && o->ensemble == -1);
    assert_true(o->threshold == 0.7);
    assert_string_equal(o->target, "2024");
    assert_string_equal(o->learners[0], "ridge");
    assert_string_equal(o->drop[1], "b");
    char *text = aml_experiment_json(e); /* the same again, as a document */
    assert_non_null(strstr(text, "\"target\": \"2024\""));
    assert_non_null(strstr(text, "\"max_trials\": 3"));
    assert_non_null(strstr(text, "\"ensemble\": false"));
    aml_text_free(text);
    aml_experiment_free(e);
}

static void bad_settings_are_refused(void **state) {
    static const struct {
        const char *set;
        aml_status status;
        const char *words;
    } bad[] = {{"max_trials", AML_EUSAGE, "key=value"},
               {"=5", AML_EUSAGE, "key=value"},
               {"limits..x=5", AML_EUSAGE, "key=value"},
               {"limits.max_trails=5", AML_ECONFIG, "max_trials"},
               {"limits.max_trials=many", AML_ECONFIG, "an integer"},
               {"limits.max_trials=0", AML_ECONFIG, "limits.max_trials"},
               {"learners.gbdt=7", AML_ECONFIG, "not an object"},
               {"data.drop=[\"a\"", AML_ECONFIG, "text ends here"},
               {"extends=a.json", AML_ECONFIG, "from outside"},
               {"metric=acuracy", AML_ECONFIG, "accuracy"}};
    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++) {
        aml_experiment *e = NULL;
        const aml_error *error = aml_last_error();
        assert_int_equal(read_with(&e, own_rows, bad[i].set), bad[i].status);
        assert_null(e);
        if (!strstr(error->message, bad[i].words) && !strstr(error->help, bad[i].words))
            fail_msg("%s: %s | %s", bad[i].set, error->message, error->help);
        if (bad[i].status == AML_ECONFIG) assert_non_null(strstr(error->file, "--set"));
    }
}

static void variables_are_put_in(void **state) {
    aml_experiment *e = NULL;
    aml_experiment_files f = {.size = sizeof f};
    (void)state;
    setenv("TRIALS", "12", 1);
    setenv("DATA", "/tables", 1);
    assert_int_equal(read_with(&e, own_rows, NULL), AML_OK);
    aml_experiment_paths(e, &f);
    assert_int_equal(aml_experiment_options(e)->trials, 12);
    assert_string_equal(f.train, "/tables/a.csv");
    aml_experiment_free(e);
    setenv("TRIALS", "a dozen", 1);
    assert_int_equal(read_with(&e, own_rows, NULL), AML_ECONFIG);
    assert_int_equal(aml_last_error()->line, 6);
    assert_non_null(strstr(aml_last_error()->message, "a dozen"));
    unsetenv("TRIALS");
    unsetenv("DATA");
}

/* ---- a wrong value of each key is refused, with its path */

static void wrong_values(const aml_key *keys, const char *path, size_t *n) {
    for (const aml_key *k = keys; k->name; k++) {
        char at[200], set[256];
        aml_experiment *e = NULL;
        if (!strcmp(k->name, "$schema")) continue; /* `$` and any text */
        snprintf(at, sizeof at, "%s%s%s", path, path[0] ? "." : "", k->name);
        snprintf(set, sizeof set, "%s=[[{\"no\": 1}]]", at);
        aml_status status = read_with(&e, everything, set);
        if (status != AML_ECONFIG) fail_msg("%s is taken", set);
        if (!strstr(aml_last_error()->message, at))
            fail_msg("%s: no path in: %s", set, aml_last_error()->message);
        if (k->type == AML_KEY_OBJECT) wrong_values(k->keys, at, n);
        ++*n;
    }
}

static void each_key_refuses_what_it_cannot_be(void **state) {
    size_t n = 0;
    (void)state;
    wrong_values(aml_experiment_keys, "", &n);
    assert_true(n > 50);
}

static void need_in_schema(const aml_key *keys, const aml_json *schema) {
    const aml_json *properties = aml_json_find(schema, "properties");
    for (const aml_key *k = keys; k->name; k++) {
        const aml_json *x = aml_json_find(properties, k->name);
        if (!x || !aml_json_string(x, "description", NULL)) fail_msg("%s", k->name);
        if (k->type == AML_KEY_OBJECT) need_in_schema(k->keys, x);
    }
}

static void schema_has_every_key(void **state) {
    char *text = aml_experiment_schema();
    aml_arena *a = aml_arena_new(NULL);
    aml_json *root;
    (void)state;
    assert_int_equal(aml_json_parse(&root, a, text, strlen(text), "schema", 0, AML_ECONFIG), 0);
    need_in_schema(aml_experiment_keys, root);
    aml_arena_free(a);
    aml_text_free(text);
}

static void paths_lead_from_file_to_file(void **state) {
    static const struct {
        const char *from, *to, *path;
    } cases[] = {{"x.json", "data/a.csv", "data/a.csv"},
                 {"/a/x.json", "/b/y.csv", "/b/y.csv"},
                 {"x.json", "-", "-"}};
    aml_arena *a = aml_arena_new(NULL);
    char here[4096];
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_string_equal(aml_path_between(cases[i].from, cases[i].to, a), cases[i].path);
    assert_non_null(getcwd(here, sizeof here));
    assert_int_equal(chdir(SOURCE_DIR), 0);
    assert_string_equal(aml_path_between("tests/x.json", "datasets/iris.csv", a),
                        "../datasets/iris.csv");
    assert_string_equal(aml_path_between("tests/cli/x.json", "datasets/iris.csv", a),
                        "../../datasets/iris.csv");
    assert_string_equal(aml_path_between("datasets/x.json", "datasets/iris.csv", a), "iris.csv");
    assert_string_equal(aml_path_between("./x.json", "datasets/iris.csv", a), "datasets/iris.csv");
    assert_int_equal(chdir(here), 0);
    aml_arena_free(a);
}

/* ---- whatever the text is, there is an experiment or an error with a place */

static void mutate(char *text, size_t *n, aml_rng *rng) {
    static const char marks[] = "{}[],:\"\\$ \n0-9.eE/*tfn\x01\xC3\xFF";
    size_t at = aml_rng_below(rng, (uint32_t)*n), length = 1 + aml_rng_below(rng, 40);
    if (at + length > *n) length = *n - at;
    switch (aml_rng_below(rng, 4)) {
    case 0: text[at] = marks[aml_rng_below(rng, sizeof marks - 1)]; return;
    case 1:
        memmove(text + at, text + at + length, *n - at - length + 1);
        *n -= length;
        return;
    case 2: /* once more */
        memmove(text + at + length, text + at, *n - at + 1);
        *n += length;
        return;
    default:
        text[at] = 0;
        *n = at;
        return; /* cut */
    }
}

static void mutants_are_read_or_refused(void **state) {
    enum { MUTANTS = 2000, ROOM = 16384 };
    char *text, *mutant = malloc(ROOM);
    size_t size, good = 0;
    aml_rng rng = aml_rng_stream(1, 0, 0, 0);
    (void)state;
    assert_non_null(mutant);
    assert_int_equal(aml_read_file(&text, &size, everything, ROOM, NULL), AML_OK);
    for (size_t i = 0; i < MUTANTS; i++) {
        aml_experiment *e = NULL;
        size_t n = size;
        memcpy(mutant, text, size + 1);
        for (uint32_t k = aml_rng_below(&rng, 4); n && k < 4; k++) mutate(mutant, &n, &rng);
        aml_clear_error();
        aml_status status = aml_experiment_parse(&e, mutant, "a.json", NULL);
        const aml_error *error = aml_last_error();
        if (status && (status != AML_ECONFIG || !error->message[0] || !error->line))
            fail_msg("%d %s: %s", status, error->message, mutant);
        good += !status;
        aml_experiment_free(e);
    }
    assert_true(good > 10 && good < MUTANTS / 2);
    aml_free(text);
    free(mutant);
}

/* Each allocation fails once: AML_ENOMEM, or for messages that were to be made the message without; nothing leaks. */
static void short_memory_is_survived(void **state) {
    static const char *const sets[] = {"limits.max_trials=3", "data.drop=[\"a\"]", NULL};
    uint64_t calls = 1;
    (void)state;
    for (uint64_t i = 0; i <= calls; i++) {
        aml_experiment *e = NULL;
        aml_fail_alloc(i, false);
        aml_status status = aml_experiment_read(&e, everything, sets);
        uint64_t seen = aml_fail_alloc(0, false);
        if (!i) calls = seen;
        assert_true(status == AML_OK || (i && status == AML_ENOMEM && !e));
        aml_experiment_free(e);
    }
    assert_true(calls > 10);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(samples_have_every_key),
                                       cmocka_unit_test(names_and_data_arrive),
                                       cmocka_unit_test(options_arrive),
                                       cmocka_unit_test(spaces_arrive),
                                       cmocka_unit_test(defaults_are_those_of_train),
                                       cmocka_unit_test(bases_fill_what_is_not_said),
                                       cmocka_unit_test(bases_have_places),
                                       cmocka_unit_test(settings_change_it),
                                       cmocka_unit_test(bad_settings_are_refused),
                                       cmocka_unit_test(variables_are_put_in),
                                       cmocka_unit_test(each_key_refuses_what_it_cannot_be),
                                       cmocka_unit_test(schema_has_every_key),
                                       cmocka_unit_test(mutants_are_read_or_refused),
                                       cmocka_unit_test(short_memory_is_survived),
                                       cmocka_unit_test(paths_lead_from_file_to_file)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
