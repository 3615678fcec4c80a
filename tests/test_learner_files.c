/* test_learner_files.c: models of every learner as bytes: the same when loaded, harmless when damaged. */
#include "tests/learner_checks.h"

static void check_round_trip(const aml_learner *l, aml_task_kind task) {
    for (int sparse = 0; sparse < (l->can & AML_CAN_SPARSE ? 2 : 1); sparse++) {
        problem *q = ready(l, task, (problem_shape){.n = 200, .p = 6, .sparse = sparse});
        aml_rng rng = aml_rng_stream(5, AML_RNG_TEST, 0, 0);
        for (int k = 0; k < 3; k++) {
            double hp[MOST_PARAMS];
            cheap_hp(hp, l, q);
            if (k) random_hp(hp, l, q, &rng);
            fitted f = fit(l, q, hp);
            EXPECT(!f.status, l, task, aml_last_error()->message);
            fitted g = load(l, q, f.saved.data, f.saved.size, NULL);
            EXPECT(!g.status, l, task, aml_last_error()->message);
            EXPECT(same_predictions(&f, &g, q), l, task, "a loaded model predicts other bits");
            EXPECT(same_saved(&f, &g), l, task, "a loaded model saves other bytes");
            fitted_free(&f);
            fitted_free(&g);
        }
        problem_free(q);
    }
}
static void loaded_models_are_the_same(void **state) { (void)state, for_all(check_round_trip); }

/* Whatever the bytes are: a status or finite memory-safe work, within 64 MB. */
static void try_bytes(const aml_learner *l, aml_task_kind task, const problem *q,
                      const unsigned char *bytes, size_t size) {
    aml_memory account = {.limit = 64 << 20};
    fitted f = load(l, q, bytes, size, &account);
    bool known = !f.status || f.status == AML_EDATA || f.status == AML_ENOMEM;
    EXPECT(known, l, task, "damaged bytes give a status that is none of data or memory");
    fitted_free(&f);
    EXPECT(account.used == 0, l, task, "memory is not given back");
}

static void check_damage(const aml_learner *l, aml_task_kind task) {
    const unsigned char flips[] = {0x01, 0x80, 0xff};
    problem *q = ready(l, task, (problem_shape){.n = 24, .p = 3});
    double hp[MOST_PARAMS];
    cheap_hp(hp, l, q);
    fitted f = fit(l, q, hp);
    EXPECT(!f.status, l, task, aml_last_error()->message);
    size_t size = f.saved.size;
    for (size_t i = 0; i < size; i += i < 200 ? 1 : 1 + size / 400) {
        unsigned char *copy =
            aml_malloc(i); /* exactly as long, so that a read past the end is seen */
        assert_non_null(copy);
        memcpy(copy, f.saved.data, i);
        try_bytes(l, task, q, copy, i);
        aml_free(copy);
        for (int k = 0; k < 3; k++) {
            f.saved.data[i] ^= flips[k];
            try_bytes(l, task, q, f.saved.data, size);
            f.saved.data[i] ^= flips[k];
        }
    }
    fitted_free(&f);
    problem_free(q);
}
static void damaged_models_do_no_harm(void **state) { (void)state, for_all(check_damage); }

/* A file may say any number of classes and features: nothing is written to the room of others. */
static void check_refusal(const aml_learner *l, const fitted *f, const aml_data *x) {
    double out[4] = {1, 2, 3, 4}; /* where a row of the right sizes has more than fits */
    fitted g = *f;
    aml_data one = without_target(x);
    one.n = 1;
    aml_status status = l->predict(out, g.model, &one, &g.ctx);
    EXPECT(status == AML_EDATA, l, x->task, "rows of other sizes are predicted");
    if (l->contributions) status = l->contributions(out, g.model, &one, &g.ctx);
    EXPECT(status == AML_EDATA, l, x->task, "rows of other sizes are explained");
    for (int i = 0; i < 4; i++)
        EXPECT(out[i] == i + 1, l, x->task, "something is written for rows of other sizes");
}

static void check_sizes(const aml_learner *l, aml_task_kind task) {
    problem *q = ready(l, task, (problem_shape){.n = 60, .p = 6});
    problem *narrow = ready(l, task, (problem_shape){.n = 60, .p = 2});
    double hp[MOST_PARAMS];
    cheap_hp(hp, l, q);
    fitted f = fit(l, q, hp);
    EXPECT(!f.status, l, task, aml_last_error()->message);
    aml_data other = q->data;
    other.task = task == AML_MULTICLASS ? AML_BINARY : AML_MULTICLASS;
    other.n_classes = task == AML_MULTICLASS ? 2 : CLASSES;
    check_refusal(l, &f, &other);
    if (task == AML_MULTICLASS) {
        other = q->data;
        other.n_classes = CLASSES + 4;
        check_refusal(l, &f, &other);
    }
    if (learns(l)) check_refusal(l, &f, &narrow->data);
    fitted_free(&f);
    problem_free(narrow);
    problem_free(q);
}
static void other_sizes_are_refused(void **state) { (void)state, for_all(check_sizes); }

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loaded_models_are_the_same),
        cmocka_unit_test(damaged_models_do_no_harm),
        cmocka_unit_test(other_sizes_are_refused),
    };
    aml_linalg_init();
    aml_par_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
