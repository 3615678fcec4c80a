/* test_menu.c: the final models that one run has to choose from, and the limits that they keep. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "automl/automl.h"

#define DATA(name) SOURCE_DIR "/datasets/" name

static const char *const learners[] = {"ridge", "elastic_net", "knn", "random_forest", NULL};

static aml_frame *diabetes(void) {
    aml_frame *f;
    assert_int_equal(aml_frame_read(&f, DATA("diabetes.csv"), NULL), AML_OK);
    return f;
}

static aml_train_options options(const char *prefer) {
    return (aml_train_options){.size = sizeof(aml_train_options),
                               .target = "progression",
                               .trials = 10,
                               .threads = 1,
                               .learners = learners,
                               .prefer = prefer};
}

static aml_model *train(const aml_train_options *o) {
    aml_frame *f = diabetes();
    aml_model *m;
    if (aml_train(&m, f, o)) fail_msg("%s", aml_last_error()->message);
    aml_frame_free(f);
    return m;
}

static bool find(aml_alternative *out, const aml_model *m, const char *name) {
    for (size_t i = 0; aml_model_alternative(m, i, out); i++)
        if (!strcmp(out->name, name)) return true;
    return false;
}

static void one_run_has_several_models(void **state) {
    (void)state;
    aml_train_options o = options(NULL);
    aml_model *m = train(&o);
    aml_alternative best = {.size = sizeof best}, single = best, readable = best, none = best;
    assert_true(find(&best, m, "best") && best.chosen);
    assert_true(find(&single, m, "single") && !single.chosen && single.n_members == 1);
    assert_true(find(&readable, m, "interpretable") && readable.n_members == 1);
    assert_false(find(&none, m, "cheap"));
    assert_true(strstr(readable.members, "ridge") || strstr(readable.members, "elastic_net"));
    assert_true(best.score <= single.score + 1e-12 && single.score <= readable.score + 1e-12);
    assert_true(best.predict_us > 0 && best.bytes > 0 && best.fits >= 1);
    aml_score s = {.size = sizeof s};
    aml_model_score(m, &s);
    assert_true(s.value == best.score);
    aml_model_free(m);
}

static void what_is_preferred_is_what_comes(void **state) {
    (void)state;
    static const char *const names[] = {"single", "interpretable", "fast", NULL};
    for (size_t i = 0; names[i]; i++) {
        aml_train_options o = options(names[i]);
        aml_model *m = train(&o);
        aml_alternative a = {.size = sizeof a}, best = a;
        aml_part part = {.size = sizeof part};
        assert_true(find(&a, m, names[i]) && a.chosen);
        assert_true(find(&best, m, "best"));
        assert_true(aml_model_part(m, 0, &part));
        if (i < 2) assert_false(aml_model_part(m, 1, &part));
        aml_leader l = {.size = sizeof l};
        for (size_t k = 0; i == 1 && aml_model_leader(m, k, &l); k++)
            assert_true(strcmp(l.learner, "knn") && strcmp(l.learner, "random_forest"));
        aml_model_free(m);
    }
}

/* Boosted trees stop early in each fold: the blend averages the folds, a single model is fitted once on all rows. */
static void single_boosters_are_fitted_once(void **state) {
    (void)state;
    static const char *const gbdt[] = {"gbdt", NULL};
    aml_train_options o = options("single");
    o.learners = gbdt;
    o.trials = 1;
    o.validation = "cv3";
    aml_model *once = train(&o);
    o.prefer = "best";
    o.ensemble = -1;
    aml_model *folds = train(&o);
    aml_part part = {.size = sizeof part};
    assert_true(aml_model_part(once, 0, &part) && part.fits == 1);
    size_t bytes = part.bytes;
    assert_true(aml_model_part(folds, 0, &part) && part.fits == 3);
    assert_true(bytes < part.bytes * 2 / 3);
    aml_frame *f = diabetes();
    enum { ROWS = 442 };
    static double p[ROWS], q[ROWS];
    double apart = 0, spread = 0, mean = 0;
    assert_int_equal(aml_frame_rows_count(f), ROWS);
    assert_int_equal(aml_model_predict(p, once, f, 1), AML_OK);
    assert_int_equal(aml_model_predict(q, folds, f, 1), AML_OK);
    for (size_t i = 0; i < ROWS; i++) mean += q[i] / ROWS;
    for (size_t i = 0; i < ROWS; i++) {
        apart += pow(p[i] - q[i], 2);
        spread += pow(q[i] - mean, 2);
    }
    assert_true(apart < 0.3 * spread); /* as many rounds: much the same predictions */
    aml_model_free(once), aml_model_free(folds);
    aml_frame_free(f);
}

/* The coefficients are those by which predictions change: over rows of one column, on its own scale, in proportion. */
static void terms_are_what_the_model_does(void **state) {
    (void)state;
    static const char *const ridge[] = {"ridge", NULL};
    aml_train_options o = options("interpretable");
    o.learners = ridge;
    o.featurization = NULL;
    aml_featurization *off;
    assert_int_equal(aml_featurization_parse(&off, "off"), AML_OK);
    o.featurization = off;
    aml_model *m = train(&o);
    aml_frame *f = diabetes();
    aml_explanation *e;
    aml_lineage *l;
    assert_int_equal(aml_model_explain(&e, m, f, NULL), AML_OK);
    assert_int_equal(aml_lineage_new(&l, m, 0), AML_OK);
    aml_engineered t = {.size = sizeof t};
    size_t p = 0;
    while (aml_lineage_at(l, p, &t)) p++;
    const double *phi = aml_explanation_values(e);
    size_t width = p + 1, n = aml_explanation_rows(e);
    for (size_t j = 0; aml_lineage_at(l, j, &t); j++) {
        double mean = 0, square = 0;
        assert_true(isfinite(t.coefficient));
        for (size_t i = 0; i < n; i++) mean += phi[i * width + j] / (double)n;
        for (size_t i = 0; i < n; i++) square += pow(phi[i * width + j] - mean, 2) / (double)n;
        /* the feature is scaled: one standard deviation changes the prediction by its coefficient */
        assert_true(fabs(sqrt(square) - fabs(t.coefficient)) < 2e-3 * fabs(t.coefficient) + 1e-6);
    }
    aml_lineage_free(l);
    aml_explanation_free(e);
    aml_featurization_free(off);
    aml_frame_free(f);
    aml_model_free(m);
}

static void limits_are_kept_or_refused(void **state) {
    (void)state;
    char path[64];
    struct stat st;
    aml_train_options o = options(NULL);
    o.max_model_bytes = 10000;
    aml_model *m = train(&o);
    snprintf(path, sizeof path, "/tmp/automl_menu_%ld.automl", (long)getpid());
    assert_int_equal(aml_model_save(m, path), AML_OK);
    assert_int_equal(stat(path, &st), 0);
    assert_true((size_t)st.st_size <= o.max_model_bytes);
    unlink(path);
    aml_model_free(m);

    aml_frame *f = diabetes();
    o.max_model_bytes = 100;
    assert_int_equal(aml_train(&m, f, &o), AML_ECONFIG);
    assert_true(aml_last_error()->help[0] != 0);
    o.max_model_bytes = 0;
    o.max_predict_seconds = 1e-12;
    assert_int_equal(aml_train(&m, f, &o), AML_ECONFIG);
    assert_non_null(strstr(aml_last_error()->help, "the fastest is"));
    o.max_predict_seconds = 0;
    o.prefer = "bst";
    assert_int_equal(aml_train(&m, f, &o), AML_EUSAGE);
    assert_non_null(strstr(aml_last_error()->help, "`best`"));
    aml_frame_free(f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_run_has_several_models),
        cmocka_unit_test(what_is_preferred_is_what_comes),
        cmocka_unit_test(single_boosters_are_fitted_once),
        cmocka_unit_test(terms_are_what_the_model_does),
        cmocka_unit_test(limits_are_kept_or_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
