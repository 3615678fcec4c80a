/* test_search_race.c: schedulers stop trials that are behind on the folds they have seen, and never the best. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "automl/engine/catalog.h"

enum { FOLDS = 5, RACES = 400 };

typedef struct race {
    aml_record records[30];
    double folds[30][FOLDS];
    aml_told told;
} race;

static void clear(race *r) {
    *r = (race){.told = {.records = r->records,
                         .time_left = INFINITY,
                         .trials_left = SIZE_MAX,
                         .concurrency = 1}};
}

static void add_trial(race *r, const double *difficulty, double level, double noise, aml_rng *rng) {
    size_t i = r->told.n++;
    double sum = 0;
    for (int f = 0; f < FOLDS; f++)
        sum += r->folds[i][f] = level + difficulty[f] + noise * aml_rng_normal(rng);
    r->records[i] = (aml_record){.id = i,
                                 .state = AML_TRIAL_DONE,
                                 .loss = sum / FOLDS,
                                 .seconds = 1,
                                 .fold_loss = r->folds[i],
                                 .n_done = FOLDS,
                                 .n_folds = FOLDS};
}

/* Folds differ in difficulty far more than trials do: only the paired test can tell. A trial that
 * is nowhere worse than the best never stops; one that comes out best in the end hardly ever; one
 * that is far behind nearly always. */
static void test_schedulers_keep_the_best(void **state) {
    (void)state;
    size_t wrong = 0, good = 0, stopped = 0, hopeless = 0;
    for (uint32_t k = 0; k < RACES; k++) {
        race r;
        clear(&r);
        aml_rng rng = aml_rng_stream(k, AML_RNG_TEST, 1, 0);
        double difficulty[FOLDS];
        size_t best = 0;
        for (int f = 0; f < FOLDS; f++) difficulty[f] = 0.2 * aml_rng_normal(&rng);
        for (int i = 0; i < 12; i++)
            add_trial(&r, difficulty, 0.3 + 0.03 * aml_rng_uniform(&rng), 0.01, &rng);
        for (size_t t = 0; t < r.told.n; t++)
            if (r.records[t].loss < r.records[best].loss) best = t;
        for (int i = 0; i < 9; i++) {
            double level = i < 4 ? 0.28 : 0.45, mean = 0, folds[FOLDS];
            for (int f = 0; f < FOLDS; f++)
                mean += folds[f] = i == 8 ? r.folds[best][f] - 0.1 * aml_rng_uniform(&rng)
                                          : level + difficulty[f] + 0.01 * aml_rng_normal(&rng);
            bool is_best = mean / FOLDS < r.records[best].loss;
            for (const aml_scheduler *const *s = aml_schedulers(); *s; s++) {
                bool stop = false;
                for (size_t done = 1; done < FOLDS; done++)
                    stop |=
                        (*s)->keep_going && !(*s)->keep_going(folds, done, FOLDS, &r.told, NULL);
                if (i == 8) assert_false(stop);
                if (*s != aml_scheduler_find("race")) continue;
                if (is_best) good++, wrong += stop;
                if (i >= 4 && i < 8) hopeless++, stopped += stop;
            }
        }
    }
    printf("race: stopped %zu of %zu hopeless trials, %zu of %zu that were to be the best\n",
           stopped, hopeless, wrong, good);
    assert_true(wrong * 500 < good);
    assert_true(stopped > hopeless * 9 / 10);
}

static void test_race_needs_evidence(void **state) {
    (void)state;
    const aml_scheduler *s = aml_scheduler_find("race");
    race r;
    clear(&r);
    aml_rng rng = aml_rng_stream(1, AML_RNG_TEST, 2, 0);
    const double difficulty[FOLDS] = {0}, bad[FOLDS] = {9, 9, 9, 9, 9}, lost[FOLDS] = {INFINITY};
    assert_true(s->keep_going(bad, 1, FOLDS, &r.told, NULL));
    add_trial(&r, difficulty, 0.3, 0.01, &rng);
    assert_true(s->keep_going(bad, 1, FOLDS, &r.told, NULL));
    assert_false(s->keep_going(lost, 1, FOLDS, &r.told, NULL));
    add_trial(&r, difficulty, 0.3, 0.01, &rng);
    add_trial(&r, difficulty, 0.3, 0.01, &rng);
    assert_false(s->keep_going(bad, 1, FOLDS, &r.told, NULL));
    for (size_t i = 0; i < r.told.n; i++) r.records[i].state = AML_TRIAL_PRUNED;
    assert_true(s->keep_going(bad, 1, FOLDS, &r.told, NULL));
}

/* A pruned trial had the easiest fold, and lost there. */
static void test_pruned_trials_are_told_fairly(void **state) {
    (void)state;
    const double best[] = {0.2, 0.5, 0.5}, other[] = {0.1, 0.6, 0.8}, lost[] = {0.3};
    aml_record r[] = {
        {.state = AML_TRIAL_PENDING, .loss = NAN},
        {.state = AML_TRIAL_PRUNED, .loss = 0.3, .fold_loss = lost, .n_done = 1, .n_folds = 3},
        {.state = AML_TRIAL_DONE, .loss = 0.5, .fold_loss = other, .n_done = 3, .n_folds = 3},
        {.state = AML_TRIAL_DONE, .loss = 0.4, .fold_loss = best, .n_done = 3, .n_folds = 3}};
    aml_records_align(r, 2);
    assert_true(r[1].loss == 0.3); /* nothing to compare it with */
    aml_records_align(r, 4);
    assert_true(fabs(r[1].loss - 0.5) < 1e-12);
    assert_true(isnan(r[0].loss) && r[2].loss == 0.5 && r[3].loss == 0.4);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_schedulers_keep_the_best),
        cmocka_unit_test(test_race_needs_evidence),
        cmocka_unit_test(test_pruned_trials_are_told_fairly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
