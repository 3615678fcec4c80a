/* test_search_use.c: samplers are of use: better than chance, better with knowledge, cheap things first. */
#include "automl/core/linalg.h"
#include "automl/core/par.h"
#include "automl/core/sort.h"
#include "search_fixture.h"

typedef double (*objective)(const double *config);

static double branin(const double *c) {
    double x = 15 * c[0] - 5, y = 15 * c[1], pi = 3.14159265358979323846;
    double a = y - 5.1 / (4 * pi * pi) * x * x + 5 / pi * x - 6;
    return a * a + 10 * (1 - 1 / (8 * pi)) * cos(x) + 10 - 0.397887;
}

static double hartmann(const double *c) {
    static const double weight[4] = {1, 1.2, 3, 3.2},
                        a[4][3] = {{3, 10, 30}, {0.1, 10, 35}, {3, 10, 30}, {0.1, 10, 35}};
    static const double p[4][3] = {{0.3689, 0.1170, 0.2673},
                                   {0.4699, 0.4387, 0.7470},
                                   {0.1091, 0.8732, 0.5547},
                                   {0.0381, 0.5743, 0.8828}};
    double sum = 3.86278;
    for (int i = 0; i < 4; i++) {
        double q = 0;
        for (int j = 0; j < 3; j++) q += a[i][j] * (c[j] - p[i][j]) * (c[j] - p[i][j]);
        sum -= weight[i] * exp(-q);
    }
    return sum;
}

static double conditional(const double *c) { return tree_space_loss(c, 0.7); }

/* Median over seeds of the best loss after `budget` trials. */
static double median_best(const aml_sampler *s, const aml_space *space, objective f, size_t budget,
                          const aml_problem *problem) {
    enum { SEEDS = 10 };
    static history h;
    double best[SEEDS], config[MOST_DIMS];
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        clear(&h);
        best[seed] = INFINITY;
        for (size_t t = 0; t < budget; t++) {
            assert_int_equal(ask(config, s, space, &h, problem, seed), AML_OK);
            tell(&h, config, space->n, AML_TRIAL_DONE, f(config));
            best[seed] = fmin(best[seed], f(config));
        }
    }
    assert_int_equal(aml_sort_f64(best, SEEDS), AML_OK);
    return 0.5 * (best[SEEDS / 2] + best[SEEDS / 2 - 1]);
}

static void test_samplers_beat_random(void **state) {
    (void)state;
    static const struct {
        const char *name;
        aml_space space;
        objective f;
        double best, share; /* the best value, and what is left of random's distance from it */
    } problems[] = {{"branin", {.n = 2, .dims = cube_dims}, branin, 0, 0.3},
                    {"hartmann", {.n = 3, .dims = cube_dims}, hartmann, 0, 0.3},
                    {"conditional", {.n = 8, .dims = tree_dims}, conditional, 0.245, 0.6}};
    static const char *const samplers[] = {"random", "sobol", "bayes", "tpe", "cmaes"};
    enum { RANDOM, SOBOL, BAYES, TPE, CMAES, SAMPLERS };
    for (size_t i = 0; i < sizeof problems / sizeof *problems; i++) {
        double left[SAMPLERS];
        printf("%-12s after 40 trials:", problems[i].name);
        for (int s = 0; s < SAMPLERS; s++) {
            left[s] = median_best(aml_sampler_find(samplers[s]), &problems[i].space, problems[i].f,
                                  40, NULL) -
                      problems[i].best;
            printf(" %s %.5f", samplers[s], left[s]);
        }
        printf("\n");
        assert_true(left[BAYES] < problems[i].share * left[RANDOM]);
        assert_true(left[TPE] < 0.8 * left[RANDOM] && left[CMAES] < 0.8 * left[RANDOM]);
    }
}

/* With knowledge of like datasets the first picks are good, and the search goes on below the
 * matrix' best. */
static void test_knowledge_helps(void **state) {
    (void)state;
    aml_ctx ctx = search_ctx(3);
    const double feature = 0.7;
    aml_problem problem = {.features = &feature,
                           .n_features = 1,
                           .task = AML_BINARY,
                           .metric = "log_loss",
                           .baseline_loss = 1};
    const aml_prior *prior;
    assert_int_equal(aml_prior_new(&prior, tree_knowledge(&ctx), &problem, "set00", &ctx), AML_OK);
    problem.knowledge = prior;
    assert_int_equal(prior->mix->n, DATASETS - 1);
    const aml_space *space = &spaces[0].space;
    double blind = median_best(aml_sampler_find("bayes"), space, conditional, 3, NULL);
    double matrix = median_best(aml_sampler_find("pmf"), space, conditional, 3, &problem);
    double late = median_best(aml_sampler_find("auto"), space, conditional, 25, &problem);
    double columns =
        median_best(aml_sampler_find("pmf"), space, conditional, PIPELINES - 1, &problem);
    printf("after 3: bayes %.4f, pmf %.4f; after 25: auto %.4f; best pipeline %.4f\n", blind,
           matrix, late, columns);
    assert_true(matrix < blind);
    assert_true(late < columns);
    aml_ctx_close(&ctx);
}

/* Without results under a time limit the cheapest default comes first. */
static void test_cheap_ones_first(void **state) {
    (void)state;
    static const double cost[] = {3, 1, 2};
    static history h;
    aml_problem problem = {.task = AML_BINARY, .baseline_loss = NAN, .default_cost = cost};
    double config[MOST_DIMS];
    for (const aml_sampler *const *s = aml_samplers(); *s; s++) {
        if (*s == aml_sampler_find("random") || *s == aml_sampler_find("sobol")) continue;
        clear(&h);
        for (int t = 0; t < 3; t++) {
            assert_int_equal(ask(config, *s, &spaces[0].space, &h, &problem, 1), AML_OK);
            assert_int_equal((int)config[0], "120"[t] - '0');
            tell(&h, config, MOST_DIMS, AML_TRIAL_DONE, 0.5);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_samplers_beat_random),
        cmocka_unit_test(test_knowledge_helps),
        cmocka_unit_test(test_cheap_ones_first),
    };
    aml_linalg_init();
    aml_par_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
