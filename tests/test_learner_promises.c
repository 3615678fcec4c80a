/* test_learner_promises.c: identities that every learner keeps, exactly where it can, and what those promise that say so:
 * monotone features, groups of features, contributions. */
#include "tests/learner_checks.h"

/* How near two fits come that ought to be the same, in standard deviations of the predictions, at most; 0: rows or
 * features are drawn at random, or ties are broken by their order, and fits agree on average only. */
typedef struct nearness {
    const char *name;
    double weights, rows, columns;
} nearness;

static const nearness exact[] = {
    {"baseline", 1e-12, 1e-12, 1e-12},
    {"ridge", 1e-9, 1e-9, 1e-9},
    {"elastic_net", 1e-9, 1e-9, 1e-9},
    {"logistic", 1e-5, 1e-5, 1e-9},
    {"glm", 1e-5, 1e-5, 1e-9},
    {"linear_svm", 0, 0, 1e-9},  /* calibrated on rows that are drawn */
    {"naive_bayes", 0, 0, 1e-9}, /* the same */
    {"extra_trees", 0, 1e-9, 1e-9},
    {"knn", 0, 1e-9, 1e-9}, /* a weight is no neighbour more */
};

enum { SAME_WEIGHTS, SAME_ROWS, SAME_COLUMNS };

static double allowed(const aml_learner *l, int what) {
    for (size_t i = 0; i < sizeof exact / sizeof *exact; i++) {
        const double tolerance[] = {exact[i].weights, exact[i].rows, exact[i].columns};
        if (!strcmp(exact[i].name, l->name)) return tolerance[what];
    }
    return 0;
}

/* Largest and mean difference of n × k predictions, in standard deviations of the first. */
static void compare(double *most, double *mean, const double *a, const double *b, size_t n,
                    size_t k) {
    double center = 0, square = 0, size = (double)(n * k);
    *most = *mean = 0;
    for (size_t i = 0; i < n * k; i++) center += a[i] / size;
    for (size_t i = 0; i < n * k; i++) {
        double d = fabs(a[i] - b[i]);
        *most = fmax(*most, d);
        *mean += d / size;
        square += (a[i] - center) * (a[i] - center) / size;
    }
    double spread = sqrt(square) > 1e-9 * fabs(center) ? sqrt(square) : 1;
    *most /= spread;
    *mean /= spread;
}

static void expect_same(const aml_learner *l, aml_task_kind task, const double *a, const double *b,
                        size_t n, size_t k, int what) {
    static const char *const texts[] = {"weights are not repeated rows",
                                        "the order of the rows matters",
                                        "the order of the columns matters"};
    double most, mean, limit = allowed(l, what);
    compare(&most, &mean, a, b, n, k);
    if (limit > 0) EXPECT(most <= limit, l, task, texts[what]);
    EXPECT(mean < 0.25, l, task, texts[what]);
}

/* Predictions of the first n rows of the design. */
static double *predict_all(const aml_learner *l, const problem *q, fitted *f, size_t n) {
    uint32_t *rows = AML_ARRAY(f->keep, n, uint32_t);
    double *out = AML_ARRAY(f->keep, n * outputs(q), double);
    aml_data x = without_target(&q->data);
    for (size_t i = 0; i < n; i++) rows[i] = (uint32_t)i;
    x.rows = rows;
    x.n = n;
    assert_int_equal(l->predict(out, f->model, &x, &f->ctx), AML_OK);
    return out;
}

static void check_weights(const aml_learner *l, aml_task_kind task) {
    enum { N = 200 };
    if (!(l->can & AML_CAN_WEIGHTS)) return;
    problem *q = ready(l, task, (problem_shape){.n = N, .p = 4, .weights = true});
    double hp[MOST_PARAMS];
    aml_params_defaults(hp, l->params);
    uint32_t often[3 * N];
    size_t n = 0;
    for (uint32_t i = 0; i < N; i++) {
        q->w[i] = 1 + i % 3;
        for (uint32_t r = 0; r <= i % 3; r++) often[n++] = i;
    }
    fitted weighted = fit(l, q, hp);
    problem repeated = *q;
    repeated.data.rows = often;
    repeated.data.n = n;
    repeated.data.w = NULL;
    fitted other = fit(l, &repeated, hp);
    EXPECT(!weighted.status && !other.status, l, task, aml_last_error()->message);
    expect_same(l, task, predict_all(l, q, &weighted, N), predict_all(l, q, &other, N), N,
                outputs(q), SAME_WEIGHTS);
    fitted_free(&weighted);
    fitted_free(&other);
    problem_free(q);
}
static void weights_are_repeated_rows(void **state) { (void)state, for_all(check_weights); }

static void check_rows(const aml_learner *l, aml_task_kind task) {
    enum { N = 300 };
    aml_rng rng = aml_rng_stream(17, AML_RNG_TEST, 0, 0);
    problem *q = ready(l, task, (problem_shape){.n = N, .p = 4, .weights = true});
    double hp[MOST_PARAMS];
    aml_params_defaults(hp, l->params);
    fitted in_order = fit(l, q, hp);
    double *a = predict_all(l, q, &in_order, N);
    aml_rng_shuffle(&rng, q->rows, N);
    fitted shuffled = fit(l, q, hp);
    EXPECT(!in_order.status && !shuffled.status, l, task, aml_last_error()->message);
    expect_same(l, task, a, predict_all(l, q, &shuffled, N), N, outputs(q), SAME_ROWS);
    fitted_free(&in_order);
    fitted_free(&shuffled);
    problem_free(q);
}
static void the_order_of_rows_does_not_matter(void **state) { (void)state, for_all(check_rows); }

static void check_columns(const aml_learner *l, aml_task_kind task) {
    enum { N = 300, COLUMNS = 5 };
    problem *q = ready(l, task, (problem_shape){.n = N, .p = COLUMNS});
    double hp[MOST_PARAMS];
    aml_params_defaults(hp, l->params);
    fitted before = fit(l, q, hp);
    double *a = predict_all(l, q, &before, N);
    float *turned[COLUMNS];
    uint32_t levels[COLUMNS];
    for (size_t j = 0; j < COLUMNS; j++) {
        turned[j] = q->column[COLUMNS - 1 - j];
        levels[j] = q->design.n_levels[COLUMNS - 1 - j];
    }
    q->design.column = (const float *const *)turned;
    q->design.n_levels = levels;
    EXPECT(!prepare(q, l), l, task, "the design cannot be prepared");
    fitted after = fit(l, q, hp);
    EXPECT(!before.status && !after.status, l, task, aml_last_error()->message);
    expect_same(l, task, a, predict_all(l, q, &after, N), N, outputs(q), SAME_COLUMNS);
    fitted_free(&before);
    fitted_free(&after);
    problem_free(q);
}
static void the_order_of_columns_does_not_matter(void **state) {
    (void)state, for_all(check_columns);
}

/* ---- what is declared */

enum { GRID = 41 };

/* Predictions (one output) of row `row` of q with other values in two columns: out[g] for from[0 … n-1]. */
static void predict_changed(double *out, const aml_learner *l, const problem *q, fitted *f,
                            size_t row, size_t column, const float *from, size_t n) {
    enum { MOST = 8 };
    float values[MOST][GRID], *columns[MOST];
    uint32_t rows[GRID];
    for (size_t j = 0; j < q->design.p; j++) {
        columns[j] = values[j];
        for (size_t g = 0; g < n; g++) values[j][g] = j == column ? from[g] : q->column[j][row];
    }
    for (size_t g = 0; g < n; g++) rows[g] = (uint32_t)g;
    aml_design grid = q->design;
    grid.n = n;
    grid.column = (const float *const *)columns;
    grid.dense = NULL;
    grid.bins = NULL;
    aml_data x = without_target(&q->data);
    x.x = &grid;
    x.rows = rows;
    x.n = n;
    if (l->can & AML_WANTS_DENSE)
        assert_int_equal(aml_design_prepare(&grid, AML_BUILD_DENSE, &f->ctx), AML_OK);
    assert_int_equal(l->predict(out, f->model, &x, &f->ctx), AML_OK);
}

static void check_monotone(const aml_learner *l, aml_task_kind task) {
    if (!(l->can & AML_CAN_MONOTONE) || task == AML_MULTICLASS) return;
    for (int sign = -1; sign <= 1; sign += 2) {
        problem *q = ready(l, task, (problem_shape){.n = 500, .p = 5});
        int8_t monotone[5] = {(int8_t)sign, 0, 0, (int8_t)-sign, 0};
        double hp[MOST_PARAMS], out[GRID];
        float grid[GRID];
        aml_params_defaults(hp, l->params);
        q->data.monotone = monotone;
        fitted f = fit(l, q, hp);
        EXPECT(!f.status, l, task, aml_last_error()->message);
        for (size_t g = 0; g < GRID; g++) grid[g] = 0.2f * (float)g - 4;
        for (size_t i = 0; i < 60; i++)
            for (size_t j = 0; j < 5; j++) {
                predict_changed(out, l, q, &f, i, j, grid, monotone[j] ? GRID : 1);
                for (size_t g = 1; monotone[j] && g < GRID; g++)
                    EXPECT((out[g] - out[g - 1]) * monotone[j] >= 0, l, task,
                           "predictions go against a monotone feature");
            }
        fitted_free(&f);
        problem_free(q);
    }
}
static void monotone_features_hold(void **state) { (void)state, for_all(check_monotone); }

/* Before the link, what a change of column 0 does may not depend on column 1 when no group has both. */
static void check_groups(const aml_learner *l, aml_task_kind task) {
    static const uint64_t groups[5] = {1, 2, 1, 2, 0};
    if (!(l->can & AML_CAN_GROUPS) || task == AML_MULTICLASS) return;
    problem *q = ready(l, task, (problem_shape){.n = 500, .p = 5});
    double hp[MOST_PARAMS], out[2], first[2] = {0};
    aml_params_defaults(hp, l->params);
    q->data.groups = groups;
    fitted f = fit(l, q, hp);
    EXPECT(!f.status, l, task, aml_last_error()->message);
    const float ends[2] = {-1, 1};
    for (size_t i = 0; i < 60; i++) {
        float kept = q->column[1][0];
        q->column[1][0] = q->column[1][i]; /* row 0 with the cells of others in column 1 */
        predict_changed(out, l, q, &f, 0, 0, ends, 2);
        q->column[1][0] = kept;
        for (size_t g = 0; task == AML_BINARY && g < 2; g++) out[g] = log(out[g] / (1 - out[g]));
        if (!i) memcpy(first, out, sizeof first);
        EXPECT(fabs(out[1] - out[0] - first[1] + first[0]) < 1e-5, l, task,
               "features of different groups interact");
    }
    fitted_free(&f);
    problem_free(q);
}
static void only_groups_interact(void **state) { (void)state, for_all(check_groups); }

static void check_contributions(const aml_learner *l, aml_task_kind task) {
    enum { N = 120, COLUMNS = 5 };
    if (!l->contributions) return;
    for (int sparse = 0; sparse < (l->can & AML_CAN_SPARSE ? 2 : 1); sparse++) {
        problem *q = ready(l, task, (problem_shape){.n = N, .p = COLUMNS, .sparse = sparse});
        double hp[MOST_PARAMS];
        aml_params_defaults(hp, l->params);
        fitted f = fit(l, q, hp);
        EXPECT(!f.status, l, task, aml_last_error()->message);
        size_t k = outputs(q), width = (COLUMNS + 1) * k;
        double *phi = AML_ARRAY(f.keep, N * width, double), z[CLASSES];
        aml_data x = without_target(&q->data);
        EXPECT(!l->contributions(phi, f.model, &x, &f.ctx), l, task, aml_last_error()->message);
        for (size_t i = 0; i < N; i++) {
            memset(z, 0, sizeof z);
            for (size_t j = 0; j < width; j++) z[j % k] += phi[i * width + j];
            if (l->link) l->link(z, f.model);
            for (size_t c = 0; c < k; c++)
                EXPECT(fabs(z[c] - f.out[i * k + c]) < 1e-6, l, task,
                       "contributions do not sum to the prediction");
        }
        fitted_free(&f);
        problem_free(q);
    }
}
static void contributions_sum_up(void **state) { (void)state, for_all(check_contributions); }

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weights_are_repeated_rows),
        cmocka_unit_test(the_order_of_rows_does_not_matter),
        cmocka_unit_test(the_order_of_columns_does_not_matter),
        cmocka_unit_test(monotone_features_hold),
        cmocka_unit_test(only_groups_interact),
        cmocka_unit_test(contributions_sum_up),
    };
    aml_linalg_init();
    aml_par_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
