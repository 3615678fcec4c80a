/* test_search.c: the contracts of samplers and schedulers over the registry, and that they are of
 * use. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "automl/core/linalg.h"
#include "automl/core/par.h"
#include "automl/core/sampler.h"
#include "automl/core/scheduler.h"
#include "automl/core/sort.h"
#include "search/parts/points.h"
#include "search/parts/prior.h"

#define AML_SAMPLER(name) extern const aml_sampler aml_sampler_##name;
#include "search/samplers.def"
#undef AML_SAMPLER
#define AML_SCHEDULER(name) extern const aml_scheduler aml_scheduler_##name;
#include "search/schedulers.def"
#undef AML_SCHEDULER
static const aml_sampler *const samplers[] = {
#define AML_SAMPLER(name) &aml_sampler_##name,
#include "search/samplers.def"
    NULL};
static const aml_scheduler *const schedulers[] = {
#define AML_SCHEDULER(name) &aml_scheduler_##name,
#include "search/schedulers.def"
    NULL};

/* ---- spaces ---- */

static const char *const learners[] = {"linear", "tree", "knn", NULL};
static const char *const penalties[] = {"none", "l2", "elastic", NULL};
static const char *const yes_no[] = {"no", "yes", NULL};
static const aml_param root = {.name = "learner", .kind = AML_CHOICE, .choices = learners};
static const aml_param penalty = {
    .name = "penalty", .kind = AML_CHOICE, .choices = penalties, .fallback = 1};
static const aml_param strength = {
    .name = "c", .kind = AML_REAL, .log = true, .lo = 1e-4, .hi = 1e4, .fallback = 1};
static const aml_param mix = {.name = "mix", .kind = AML_REAL, .lo = 0, .hi = 1, .fallback = 0.5};
static const aml_param depth = {.name = "depth", .kind = AML_INT, .lo = 1, .hi = 20, .fallback = 6};
static const aml_param leaf = {
    .name = "leaf", .kind = AML_INT, .log = true, .lo = 1, .hi = 256, .fallback = 1};
static const aml_param neighbours = {
    .name = "k", .kind = AML_INT, .log = true, .lo = 1, .hi = 64, .fallback = 5};
static const aml_param weigh = {.name = "weigh", .kind = AML_CHOICE, .choices = yes_no};
static const aml_param unit = {.name = "u", .kind = AML_REAL, .lo = 0, .hi = 1, .fallback = 0.5};
static const aml_param knob = {
    .name = "f", .kind = AML_REAL, .lo = 0, .hi = 9, .fallback = 2, .fixed = true};
static const aml_param whole = {.name = "i", .kind = AML_INT, .lo = 0, .hi = 3, .fallback = 1};

static const aml_dim tree_dims[] = {
    {.name = "learner", .param = &root, .lo = 0, .hi = 2, .parent = -1, .when = 0},
    {.name = "linear.penalty", .param = &penalty, .lo = 0, .hi = 2, .parent = 0, .when = 0},
    {.name = "linear.c", .param = &strength, .lo = 1e-4, .hi = 1e4, .parent = 0, .when = 0},
    {.name = "linear.mix", .param = &mix, .lo = 0, .hi = 1, .parent = 1, .when = 2},
    {.name = "tree.depth", .param = &depth, .lo = 1, .hi = 20, .parent = 0, .when = 1},
    {.name = "tree.leaf", .param = &leaf, .lo = 1, .hi = 100, .parent = 0, .when = 1},
    {.name = "knn.k", .param = &neighbours, .lo = 1, .hi = 64, .parent = 0, .when = 2},
    {.name = "knn.weigh", .param = &weigh, .lo = 0, .hi = 1, .parent = 0, .when = 2}};
static const aml_dim line_dims[] = {
    {.name = "u", .param = &unit, .lo = 0, .hi = 1, .parent = -1, .when = 0}};
static const aml_dim whole_dims[] = {
    {.name = "i", .param = &whole, .lo = 0, .hi = 3, .parent = -1, .when = 0}};
static const aml_dim choice_dims[] = {
    {.name = "a", .param = &penalty, .lo = 0, .hi = 2, .parent = -1, .when = 0},
    {.name = "b", .param = &weigh, .lo = 0, .hi = 1, .parent = -1, .when = 0}};
static const aml_dim one_learner_dims[] = {
    {.name = "learner", .param = &root, .lo = 1, .hi = 1, .parent = -1, .when = 0},
    {.name = "tree.depth", .param = &depth, .lo = 1, .hi = 20, .parent = 0, .when = 1},
    {.name = "tree.f", .param = &knob, .lo = 0, .hi = 9, .parent = 0, .when = 1}};
static const aml_dim cube_dims[] = {
    {.name = "x", .param = &unit, .lo = 0, .hi = 1, .parent = -1, .when = 0},
    {.name = "y", .param = &unit, .lo = 0, .hi = 1, .parent = -1, .when = 0},
    {.name = "z", .param = &unit, .lo = 0, .hi = 1, .parent = -1, .when = 0}};

typedef struct named_space {
    const char *name;
    aml_space space;
    size_t configs; /* how many there are; 0 = practically endless */
} named_space;
static const named_space spaces[] = {{"learners", {.n = 8, .dims = tree_dims}, 0},
                                     {"line", {.n = 1, .dims = line_dims}, 0},
                                     {"whole", {.n = 1, .dims = whole_dims}, 4},
                                     {"choices", {.n = 2, .dims = choice_dims}, 6},
                                     {"one learner", {.n = 3, .dims = one_learner_dims}, 20},
                                     {"cube", {.n = 3, .dims = cube_dims}, 0}};
enum { N_SPACES = sizeof spaces / sizeof *spaces, MOST_DIMS = 8, MOST_TRIALS = 200 };

/* ---- a search ---- */

typedef double (*objective)(const double *config);

typedef struct history {
    aml_record records[MOST_TRIALS];
    double configs[MOST_TRIALS][MOST_DIMS];
    aml_told told;
} history;

static void clear(history *h) {
    h->told = (aml_told){
        .records = h->records, .time_left = INFINITY, .trials_left = SIZE_MAX, .concurrency = 1};
}

static void tell(history *h, const double *config, size_t dims, aml_trial_state state,
                 double loss) {
    size_t i = h->told.n++;
    memcpy(h->configs[i], config, dims * sizeof *config);
    h->records[i] = (aml_record){.id = i,
                                 .state = state,
                                 .config = h->configs[i],
                                 .loss = loss,
                                 .seconds = 0.5 + (double)(i % 3),
                                 .n_done = 5,
                                 .n_folds = 5};
    if (state == AML_TRIAL_PENDING || state == AML_TRIAL_FAILED) h->records[i].loss = NAN;
    if (state == AML_TRIAL_PRUNED) h->records[i].n_done = 2;
}

static aml_status ask(double *config, const aml_sampler *s, const aml_space *space,
                      const history *h, const aml_problem *problem, uint64_t seed) {
    aml_ctx ctx = {.keep = aml_arena_new(NULL), .scratch = aml_arena_new(NULL), .n_threads = 1};
    ctx.rng = aml_rng_stream(seed, AML_RNG_SEARCH, 0, 0);
    double hp[16];
    for (size_t i = 0; i < aml_params_count(s->params); i++) hp[i] = s->params[i].fallback;
    aml_status status = s->suggest(config, space, &h->told, problem, hp, &ctx);
    aml_arena_free(ctx.keep);
    aml_arena_free(ctx.scratch);
    return status;
}

static double smooth_loss(const double *config) {
    double sum = 0.3;
    for (size_t i = 0; i < 1; i++) sum += isnan(config[i]) ? 0 : 0.05 * sin(3 * config[i]);
    return sum;
}

/* ---- knowledge for the space of three learners ---- */

enum { PIPELINES = 12, DATASETS = 40 };

/* Datasets differ in which learner suits them; within one the tree wants a depth that depends on
 * the first feature. */
static double tree_space_loss(const double *config, double kind) {
    double loss = 0.5;
    if (config[0] == 0) loss = 0.30 + 0.25 * kind + 0.01 * fabs(log10(config[2]) - 1);
    if (config[0] == 1) {
        double ideal = 4 + 12 * kind;
        loss = 0.35 - 0.15 * kind + 0.002 * (config[4] - ideal) * (config[4] - ideal) +
               0.01 * log(config[5]);
    }
    if (config[0] == 2) loss = 0.45 + 0.02 * fabs(log(config[6]) - 2) + 0.01 * config[7];
    return loss;
}

static aml_knowledge *tree_knowledge(aml_ctx *ctx) {
    static const char *const features[] = {"kind"}, *const metrics[] = {"log_loss"};
    aml_knowledge *k = AML_NEW(ctx->keep, aml_knowledge);
    aml_knowledge_table *t = AML_NEW(ctx->keep, aml_knowledge_table);
    aml_pipeline *pipelines = AML_ARRAY(ctx->keep, PIPELINES, aml_pipeline);
    aml_knowledge_row *rows = AML_ARRAY(ctx->keep, DATASETS, aml_knowledge_row);
    const double **weights = AML_ARRAY(ctx->keep, 1, const double *);
    double configs[PIPELINES][MOST_DIMS];
    for (size_t j = 0; j < PIPELINES; j++) {
        aml_setting *s = AML_ARRAY(ctx->keep, MOST_DIMS, aml_setting);
        size_t n = 0;
        aml_space_random(configs[j], &spaces[0].space, &ctx->rng);
        for (size_t i = 0; i < MOST_DIMS; i++) {
            aml_string text = {0};
            if (isnan(configs[j][i])) continue;
            aml_param_write(&text, tree_dims[i].param, configs[j][i]);
            s[n++] = (aml_setting){tree_dims[i].name, aml_strdup(ctx->keep, text.text)};
            aml_string_free(&text);
        }
        if (j == 5) s[0].value = "a learner that this space does not have";
        pipelines[j] = (aml_pipeline){n, s};
    }
    for (size_t i = 0; i < DATASETS; i++) {
        double *x = AML_ARRAY(ctx->keep, 1 + 2 * PIPELINES, double);
        x[0] = aml_rng_uniform(&ctx->rng);
        for (size_t j = 0; j < PIPELINES; j++) {
            x[1 + j] = tree_space_loss(configs[j], x[0]) + 0.005 * aml_rng_normal(&ctx->rng);
            x[1 + PIPELINES + j] = configs[j][0] + 0.1 * aml_rng_normal(&ctx->rng);
        }
        rows[i] = (aml_knowledge_row){aml_printf(ctx->keep, "set%02zu", i), (uint32_t)i, x, x + 1,
                                      x + 1 + PIPELINES};
    }
    *t = (aml_knowledge_table){"classification", 1,         PIPELINES, DATASETS,
                               metrics,          pipelines, weights,   rows};
    *k = (aml_knowledge){"made by a test", 1, 1, features, t};
    return k;
}

static aml_ctx knowledge_ctx(void) {
    aml_ctx ctx = {.keep = aml_arena_new(NULL), .scratch = aml_arena_new(NULL), .n_threads = 1};
    ctx.rng = aml_rng_stream(3, AML_RNG_TEST, 0, 0);
    return ctx;
}

/* ---- conformance ---- */

static void check_config(const aml_space *space, const double *config) {
    double whole_config[MOST_DIMS];
    memcpy(whole_config, config, space->n * sizeof *config);
    aml_space_repair(whole_config, space);
    assert_true(aml_space_equal(space, config, whole_config));
    for (size_t i = 0; i < space->n; i++) {
        assert_true(aml_space_live(space, config, i) == !isnan(config[i]));
        if (!isnan(config[i]))
            assert_true(config[i] >= space->dims[i].lo && config[i] <= space->dims[i].hi);
    }
}

/* Valid, the same when asked again, new while there is anything new; with trials in flight, failed
 * and pruned. */
static void run_conformance(const aml_sampler *s, const named_space *n, const aml_problem *problem,
                            double time_left) {
    static history h;
    double config[MOST_DIMS], again[MOST_DIMS];
    clear(&h);
    h.told.time_left = time_left;
    for (size_t t = 0; t < 36; t++) {
        aml_status status = ask(config, s, &n->space, &h, problem, 11);
        if (status == AML_ESTOPPED) { /* a grid is done */
            assert_ptr_equal(s, &aml_sampler_grid);
            return;
        }
        assert_int_equal(status, AML_OK);
        assert_int_equal(ask(again, s, &n->space, &h, problem, 11), AML_OK);
        assert_memory_equal(config, again, n->space.n * sizeof *config);
        check_config(&n->space, config);
        if (!n->configs || t < n->configs) assert_false(aml_is_told(&n->space, &h.told, config));
        aml_trial_state state = t % 9 == 7   ? AML_TRIAL_FAILED
                                : t % 9 == 4 ? AML_TRIAL_PRUNED
                                : t > 30     ? AML_TRIAL_PENDING
                                             : AML_TRIAL_DONE;
        tell(&h, config, n->space.n, state, smooth_loss(config));
    }
}

static void test_samplers_keep_the_contract(void **state) {
    (void)state;
    aml_ctx ctx = knowledge_ctx();
    aml_problem problem = {.task = AML_BINARY,
                           .metric = "log_loss",
                           .baseline_loss = 1,
                           .shape = {1000, 10, 0, AML_BINARY, 2}};
    aml_problem informed = problem;
    const double feature = 0.8, cost[] = {3, 1, 2};
    const aml_prior *prior;
    informed.features = &feature;
    informed.n_features = 1;
    assert_int_equal(aml_prior_new(&prior, tree_knowledge(&ctx), &informed, NULL, &ctx), AML_OK);
    informed.knowledge = prior;
    informed.default_cost = problem.default_cost = cost;
    for (size_t i = 0; samplers[i]; i++) {
        assert_int_equal(samplers[i]->abi, AML_ABI);
        assert_true(samplers[i]->name && samplers[i]->summary);
        for (size_t k = 0; k < N_SPACES; k++) {
            run_conformance(samplers[i], &spaces[k], NULL, INFINITY);
            run_conformance(samplers[i], &spaces[k], &problem, 100);
            run_conformance(samplers[i], &spaces[k], &informed, INFINITY);
            informed.baseline_loss = NAN;
            run_conformance(samplers[i], &spaces[k], &informed, 30);
            informed.baseline_loss = 1;
        }
    }
    aml_arena_free(ctx.keep);
    aml_arena_free(ctx.scratch);
}

/* Whichever allocation fails, the answer is AML_ENOMEM or a whole configuration, and nothing leaks. */
static void test_samplers_without_memory(void **state) {
    (void)state;
    aml_ctx ctx = knowledge_ctx();
    const double feature = 0.8;
    aml_problem problem = {
        .features = &feature, .n_features = 1, .task = AML_BINARY, .baseline_loss = 1};
    const aml_prior *prior;
    static history h;
    double config[MOST_DIMS];
    assert_int_equal(aml_prior_new(&prior, tree_knowledge(&ctx), &problem, NULL, &ctx), AML_OK);
    problem.knowledge = prior;
    for (size_t i = 0; samplers[i]; i++) {
        clear(&h);
        h.told.time_left = 60;
        for (size_t t = 0; t < 24; t++) {
            assert_int_equal(ask(config, samplers[i], &spaces[0].space, &h, &problem, 1), AML_OK);
            tell(&h, config, MOST_DIMS, AML_TRIAL_DONE, tree_space_loss(config, 0.4));
        }
        for (uint64_t n = 1; n < 40; n++) {
            aml_ctx own = {
                .keep = aml_arena_new(NULL), .scratch = aml_arena_new(NULL), .n_threads = 1};
            aml_fail_alloc(n, true);
            aml_status status =
                samplers[i]->suggest(config, &spaces[0].space, &h.told, &problem, NULL, &own);
            aml_fail_alloc(0, false);
            assert_true(status == AML_OK || status == AML_ENOMEM);
            if (!status) check_config(&spaces[0].space, config);
            aml_arena_free(own.keep);
            aml_arena_free(own.scratch);
        }
    }
    aml_arena_free(ctx.keep);
    aml_arena_free(ctx.scratch);
}

/* All trials failed, all equal, infinite losses: still valid suggestions. */
static void test_samplers_survive_bad_luck(void **state) {
    (void)state;
    static history h;
    static const double losses[] = {NAN, 0.25, INFINITY, 1e300, -1e300, 0};
    double config[MOST_DIMS];
    for (size_t i = 0; samplers[i]; i++)
        for (size_t l = 0; l < sizeof losses / sizeof *losses; l++) {
            clear(&h);
            for (size_t t = 0; t < 25; t++) {
                assert_int_equal(ask(config, samplers[i], &spaces[0].space, &h, NULL, 5), AML_OK);
                check_config(&spaces[0].space, config);
                bool odd = l >= 2 && t % 2;
                tell(&h, config, spaces[0].space.n, l ? AML_TRIAL_DONE : AML_TRIAL_FAILED,
                     odd ? 0.1 : losses[l]);
            }
        }
}

static void test_speed_is_shown(void **state) {
    (void)state;
    aml_ctx ctx = knowledge_ctx();
    const double feature = 0.8;
    aml_problem problem = {
        .features = &feature, .n_features = 1, .task = AML_BINARY, .baseline_loss = 1};
    const aml_prior *prior;
    static history h;
    double config[MOST_DIMS];
    assert_int_equal(aml_prior_new(&prior, tree_knowledge(&ctx), &problem, NULL, &ctx), AML_OK);
    problem.knowledge = prior;
    for (size_t i = 0; samplers[i]; i++) {
        aml_rng rng = aml_rng_stream(1, AML_RNG_TEST, 0, 0);
        clear(&h);
        while (h.told.n < MOST_TRIALS) {
            bool early = h.told.n < 8; /* of the matrix, so that `auto` is behind them */
            if (early) ask(config, &aml_sampler_portfolio, &spaces[0].space, &h, &problem, 1);
            else aml_space_random(config, &spaces[0].space, &rng);
            tell(&h, config, MOST_DIMS, AML_TRIAL_DONE, tree_space_loss(config, 0.4));
        }
        h.told.n -= 2; /* not one of the random ones */
        double start = aml_now();
        for (uint64_t k = 0; k < 10; k++)
            assert_int_equal(ask(config, samplers[i], &spaces[0].space, &h, &problem, k), AML_OK);
        printf("%-10s %.2f ms a suggestion after %zu trials\n", samplers[i]->name,
               100 * (aml_now() - start), h.told.n);
    }
    aml_arena_free(ctx.keep);
    aml_arena_free(ctx.scratch);
}

/* ---- use ---- */

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

static void test_bayes_beats_random(void **state) {
    (void)state;
    static const struct {
        const char *name;
        aml_space space;
        objective f;
        double share; /* of random's distance from the best value 0 (conditional: 0.245) */
    } problems[] = {{"branin", {.n = 2, .dims = cube_dims}, branin, 0.3},
                    {"hartmann", {.n = 3, .dims = cube_dims}, hartmann, 0.3},
                    {"conditional", {.n = 8, .dims = tree_dims}, conditional, 0.6}};
    for (size_t i = 0; i < 3; i++) {
        double floor_loss = problems[i].f == conditional ? 0.245 : 0;
        double b = median_best(&aml_sampler_bayes, &problems[i].space, problems[i].f, 40, NULL) -
                   floor_loss;
        double r = median_best(&aml_sampler_random, &problems[i].space, problems[i].f, 40, NULL) -
                   floor_loss;
        double q = median_best(&aml_sampler_sobol, &problems[i].space, problems[i].f, 40, NULL) -
                   floor_loss;
        printf("%-12s after 40 trials: bayes %.5f, random %.5f, sobol %.5f\n", problems[i].name, b,
               r, q);
        assert_true(b < problems[i].share * r);
        double t =
            median_best(&aml_sampler_tpe, &problems[i].space, problems[i].f, 40, NULL) - floor_loss;
        double c = median_best(&aml_sampler_cmaes, &problems[i].space, problems[i].f, 40, NULL) -
                   floor_loss;
        printf("%-12s tpe %.5f, cmaes %.5f\n", "", t, c);
        assert_true(t < 0.8 * r && c < 0.8 * r);
    }
}

/* With knowledge of like datasets the first picks are good, and the search goes on below the
 * matrix' best. */
static void test_knowledge_helps(void **state) {
    (void)state;
    aml_ctx ctx = knowledge_ctx();
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
    double blind = median_best(&aml_sampler_bayes, space, conditional, 3, NULL);
    double matrix = median_best(&aml_sampler_pmf, space, conditional, 3, &problem);
    double late = median_best(&aml_sampler_auto, space, conditional, 25, &problem);
    double columns = median_best(&aml_sampler_pmf, space, conditional, PIPELINES - 1, &problem);
    printf("after 3: bayes %.4f, pmf %.4f; after 25: auto %.4f; best pipeline %.4f\n", blind,
           matrix, late, columns);
    assert_true(matrix < blind);
    assert_true(late < columns);
    aml_arena_free(ctx.keep);
    aml_arena_free(ctx.scratch);
}

/* Without results under a time limit the cheapest default comes first. */
static void test_cheap_ones_first(void **state) {
    (void)state;
    static const double cost[] = {3, 1, 2};
    static history h;
    aml_problem problem = {.task = AML_BINARY, .baseline_loss = NAN, .default_cost = cost};
    double config[MOST_DIMS];
    for (size_t i = 0; samplers[i]; i++) {
        if (samplers[i] == &aml_sampler_random || samplers[i] == &aml_sampler_sobol) continue;
        clear(&h);
        for (int t = 0; t < 3; t++) {
            assert_int_equal(ask(config, samplers[i], &spaces[0].space, &h, &problem, 1), AML_OK);
            assert_int_equal((int)config[0], "120"[t] - '0');
            tell(&h, config, MOST_DIMS, AML_TRIAL_DONE, 0.5);
        }
    }
}

/* ---- schedulers ---- */

enum { FOLDS = 5, RACES = 400 };

typedef struct race {
    aml_record records[30];
    double folds[30][FOLDS];
    aml_told told;
} race;

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
        race r = {.told = {.records = r.records,
                           .time_left = INFINITY,
                           .trials_left = SIZE_MAX,
                           .concurrency = 1}};
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
            for (size_t s = 0; schedulers[s]; s++) {
                bool stop = false;
                for (size_t done = 1; done < FOLDS; done++)
                    stop |= schedulers[s]->keep_going &&
                            !schedulers[s]->keep_going(folds, done, FOLDS, &r.told, NULL);
                if (i == 8) assert_false(stop);
                if (schedulers[s] != &aml_scheduler_race) continue;
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
    race r = {.told = {.records = r.records,
                       .time_left = INFINITY,
                       .trials_left = SIZE_MAX,
                       .concurrency = 1}};
    aml_rng rng = aml_rng_stream(1, AML_RNG_TEST, 2, 0);
    const double difficulty[FOLDS] = {0}, bad[FOLDS] = {9, 9, 9, 9, 9}, lost[FOLDS] = {INFINITY};
    assert_true(aml_scheduler_race.keep_going(bad, 1, FOLDS, &r.told, NULL));
    add_trial(&r, difficulty, 0.3, 0.01, &rng);
    assert_true(aml_scheduler_race.keep_going(bad, 1, FOLDS, &r.told, NULL));
    assert_false(aml_scheduler_race.keep_going(lost, 1, FOLDS, &r.told, NULL));
    add_trial(&r, difficulty, 0.3, 0.01, &rng);
    add_trial(&r, difficulty, 0.3, 0.01, &rng);
    assert_false(aml_scheduler_race.keep_going(bad, 1, FOLDS, &r.told, NULL));
    for (size_t i = 0; i < r.told.n; i++) r.records[i].state = AML_TRIAL_PRUNED;
    assert_true(aml_scheduler_race.keep_going(bad, 1, FOLDS, &r.told, NULL));
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
        cmocka_unit_test(test_pruned_trials_are_told_fairly),
        cmocka_unit_test(test_samplers_keep_the_contract),
        cmocka_unit_test(test_samplers_survive_bad_luck),
        cmocka_unit_test(test_samplers_without_memory),
        cmocka_unit_test(test_speed_is_shown),
        cmocka_unit_test(test_bayes_beats_random),
        cmocka_unit_test(test_knowledge_helps),
        cmocka_unit_test(test_cheap_ones_first),
        cmocka_unit_test(test_schedulers_keep_the_best),
        cmocka_unit_test(test_race_needs_evidence),
    };
    aml_linalg_init();
    aml_par_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
