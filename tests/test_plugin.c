/* test_plugin.c: parts that are registered at run time: what is refused, and that the others are searched, saved and missed. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "automl/automl_plugin.h"

enum { ROWS = 150 };

/* ---- a learner: the mean of the target by the sign of the first feature */

typedef struct split {
    double low, high;
} split;

static aml_status split_fit(void **model, const aml_data *d, const double *hp, aml_ctx *ctx) {
    split *m = AML_NEW(ctx->keep, split);
    double n[2] = {hp[0], hp[0]}, sum[2] = {0, 0};
    if (!m) return AML_ENOMEM;
    for (size_t i = 0; i < d->n; i++) {
        size_t row = d->rows[i];
        int high = d->x->p && d->x->dense[row * d->x->p] > 0;
        n[high]++;
        sum[high] += d->y[row];
    }
    m->low = sum[0] / n[0];
    m->high = sum[1] / n[1];
    *model = m;
    return AML_OK;
}

static aml_status split_predict(double *out, const void *model, const aml_data *x, aml_ctx *ctx) {
    const split *m = model;
    (void)ctx;
    for (size_t i = 0; i < x->n; i++)
        out[i] = x->x->p && x->x->dense[(size_t)x->rows[i] * x->x->p] > 0 ? m->high : m->low;
    return AML_OK;
}

static void split_save(const void *model, aml_writer *w) {
    const split *m = model;
    aml_put_f64(w, m->low);
    aml_put_f64(w, m->high);
}

static aml_status split_load(void **model, aml_reader *r, aml_ctx *ctx) {
    split *m = AML_NEW(ctx->keep, split);
    if (!m) return AML_ENOMEM;
    m->low = aml_get_f64(r);
    m->high = aml_get_f64(r);
    *model = m;
    return r->status;
}

static const aml_param prior[] = {{.name = "prior",
                                   .summary = "rows of value 0",
                                   .kind = AML_REAL,
                                   .lo = 0.1,
                                   .hi = 10,
                                   .fallback = 1},
                                  {0}};
static const aml_learner good_learner = {.abi = AML_ABI,
                                         .name = "sign_split",
                                         .summary = "means by the sign of the first feature",
                                         .tasks = AML_REGRESSION,
                                         .can = AML_WANTS_DENSE,
                                         .params = prior,
                                         .fit = split_fit,
                                         .predict = split_predict,
                                         .save = split_save,
                                         .load = split_load};

/* ---- a step: numbers get their square beside them */

static aml_status nothing_fit(void **state, const aml_table *x, const aml_data *target,
                              const double *hp, aml_ctx *ctx) {
    (void)x, (void)target, (void)hp;
    *state = aml_alloc(ctx->keep, 1, 1);
    return *state ? AML_OK : AML_ENOMEM;
}

static aml_status square_apply(aml_table *out, const void *state, const aml_table *x,
                               aml_ctx *ctx) {
    aml_feature *f = AML_ARRAY(ctx->keep, 2 * x->p, aml_feature);
    size_t p = 0;
    (void)state;
    if (!f) return AML_ENOMEM;
    for (size_t j = 0; j < x->p; j++) {
        f[p++] = x->features[j];
        if (x->features[j].kind != AML_NUMBER) continue;
        float *v = AML_ARRAY(ctx->keep, x->n, float);
        f[p] = x->features[j];
        f[p].name = aml_printf(ctx->keep, "%s.square", x->features[j].name);
        f[p].x = v;
        if (!v || !f[p].name) return AML_ENOMEM;
        for (size_t i = 0; i < x->n; i++) v[i] = x->features[j].x[i] * x->features[j].x[i];
        p++;
    }
    *out = *x;
    out->p = p;
    out->features = f;
    return AML_OK;
}

static void nothing_save(const void *state, aml_writer *w) { (void)state, (void)w; }
static aml_status nothing_load(void **state, aml_reader *r, aml_ctx *ctx) {
    (void)r;
    *state = aml_alloc(ctx->keep, 1, 1);
    return *state ? AML_OK : AML_ENOMEM;
}

static const aml_step good_step = {.abi = AML_ABI,
                                   .name = "square",
                                   .summary = "squares of numbers",
                                   .kinds = AML_NUMBER,
                                   .fit = nothing_fit,
                                   .apply = square_apply,
                                   .save = nothing_save,
                                   .load = nothing_load};

/* ---- a sampler, a scheduler, a metric */

static aml_status last_value(double *config, const aml_space *space, const aml_told *told,
                             const aml_problem *problem, const double *hp, aml_ctx *ctx) {
    (void)told, (void)problem, (void)hp;
    aml_space_random(config, space, &ctx->rng);
    for (size_t d = 0; d < space->n; d++)
        if (!isnan(config[d])) config[d] = space->dims[d].hi;
    return AML_OK;
}

static bool never(const double *fold_loss, size_t n_done, size_t n_folds, const aml_told *told,
                  const double *hp) {
    (void)fold_loss, (void)n_done, (void)n_folds, (void)told, (void)hp;
    return false;
}

static aml_status largest_gap(double *out, const double *y, const double *w, const double *pred,
                              size_t n, int k) {
    (void)w, (void)k;
    *out = 0;
    for (size_t i = 0; i < n; i++) *out = fmax(*out, fabs(y[i] - pred[i]));
    return AML_OK;
}

static const aml_sampler good_sampler = {
    .abi = AML_ABI, .name = "highest", .summary = "the upper ends", .suggest = last_value};
static const aml_scheduler good_scheduler = {
    .abi = AML_ABI, .name = "one_fold", .summary = "never goes on", .keep_going = never};
static const aml_metric good_metric = {.abi = AML_ABI,
                                       .name = "largest_gap",
                                       .summary = "the largest error",
                                       .tasks = AML_REGRESSION,
                                       .best = 0,
                                       .worst = INFINITY,
                                       .score = largest_gap};

/* ---- what is refused */

static void refused(aml_status status, const char *word) {
    assert_int_equal(status, AML_EUSAGE);
    if (strstr(aml_last_error()->message, word)) return;
    print_error("`%s` is not in: %s\n", word, aml_last_error()->message);
    fail();
}

#define REFUSED_LEARNER(word, change)            \
    do {                                         \
        aml_learner l = good_learner;            \
        l.change;                                \
        refused(aml_register_learner(&l), word); \
    } while (0)

static void learners_that_lack_something(void **state) {
    (void)state;
    refused(aml_register_learner(NULL), "part");
    REFUSED_LEARNER("abi 7", abi = 7);
    REFUSED_LEARNER("no name", name = NULL);
    REFUSED_LEARNER("no name", name = "Not A Name");
    REFUSED_LEARNER("no name", name = "a.b");
    REFUSED_LEARNER("no summary", summary = NULL);
    REFUSED_LEARNER("no fit", fit = NULL);
    REFUSED_LEARNER("no predict", predict = NULL);
    REFUSED_LEARNER("no save", save = NULL);
    REFUSED_LEARNER("no load", load = NULL);
    REFUSED_LEARNER("no tasks", tasks = 0);
    REFUSED_LEARNER("no tasks", tasks = 8);
    REFUSED_LEARNER("not known", can = 1u << 30);
    REFUSED_LEARNER("yardstick", can = AML_YARDSTICK);
    REFUSED_LEARNER("already", name = "gbdt");
    refused(aml_register_part((aml_plugin_kind)0, &good_learner, sizeof good_learner), "kind");
    refused(aml_register_part((aml_plugin_kind)6, &good_learner, sizeof good_learner), "kind");
    refused(aml_register_part(AML_PLUGIN_LEARNER, &good_learner, 4), "4 bytes");
}

static void params_without_a_range(void **state) {
    (void)state;
    static const char *const none[] = {NULL};
    const struct {
        const char *word;
        aml_param param;
    } cases[] = {
        {"no name", {.name = "A b", .summary = "", .kind = AML_REAL}},
        {"no summary", {.name = "a", .kind = AML_REAL}},
        {"no kind", {.name = "a", .summary = ""}},
        {"no range", {.name = "a", .summary = "", .kind = AML_REAL, .lo = 2, .hi = 1}},
        {"no range", {.name = "a", .summary = "", .kind = AML_INT, .lo = 2, .hi = INFINITY}},
        {"logarithmic", {.name = "a", .summary = "", .kind = AML_REAL, .log = true, .hi = 1}},
        {"default", {.name = "a", .summary = "", .kind = AML_REAL, .hi = 1, .fallback = 2}},
        {"choices", {.name = "a", .summary = "", .kind = AML_CHOICE}},
        {"choices", {.name = "a", .summary = "", .kind = AML_CHOICE, .choices = none}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const aml_param list[2] = {cases[i].param};
        REFUSED_LEARNER(cases[i].word, params = list);
    }
    const aml_param twice[3] = {prior[0], prior[0]};
    REFUSED_LEARNER("twice", params = twice);
}

static void other_kinds_that_lack_something(void **state) {
    (void)state;
    aml_step s = good_step;
    s.kinds = 0;
    refused(aml_register_step(&s), "no kinds");
    s = good_step;
    s.apply = NULL;
    refused(aml_register_step(&s), "no apply");
    aml_sampler a = good_sampler;
    a.suggest = NULL;
    refused(aml_register_sampler(&a), "no suggest");
    aml_scheduler c = good_scheduler;
    c.keep_going = NULL;
    refused(aml_register_scheduler(&c), "keep_step");
    aml_metric m = good_metric;
    m.worst = -1;
    refused(aml_register_metric(&m), "best and worst");
    m = good_metric;
    m.name = "auc";
    refused(aml_register_metric(&m), "already");
}

static void plugins_that_are_none(void **state) {
    (void)state;
    assert_int_equal(aml_plugin_load(NULL), AML_EUSAGE);
    assert_int_equal(aml_plugin_load("/nothing/there.so"), AML_ENOINPUT);
    assert_non_null(strstr(aml_last_error()->message, "/nothing/there.so"));
    assert_int_equal(aml_plugin_load("libm.so.6"), AML_EDATA);
}

/* ---- what is searched */

static int in_catalog(const char *kind, const char *name) {
    aml_catalog_entry e = {.size = sizeof e};
    for (size_t i = 0; aml_catalog(i, &e); i++)
        if (!strcmp(e.kind, kind) && !strcmp(e.name, name)) return 1;
    return 0;
}

static aml_frame *table(void) {
    double x[ROWS], z[ROWS], y[ROWS];
    for (int i = 0; i < ROWS; i++) {
        x[i] = (i * 37) % ROWS - ROWS / 2;
        z[i] = (i * 53) % 17;
        y[i] = x[i] * x[i] + z[i];
    }
    aml_frame_builder *b = aml_frame_builder_new(ROWS, NULL);
    assert_false(aml_frame_add_numbers(b, "x", x) || aml_frame_add_numbers(b, "z", z) ||
                 aml_frame_add_numbers(b, "y", y));
    return aml_frame_build(b);
}

static size_t count(const aml_model *m, const char *text) {
    aml_leader l = {.size = sizeof l};
    size_t n = 0;
    for (size_t i = 0; aml_model_leader(m, i, &l); i++) n += strstr(l.pipeline, text) != NULL;
    return n;
}

static void they_are_searched_saved_and_loaded(void **state) {
    static const char *const learners[] = {"sign_split", "ridge", NULL};
    char path[] = "/tmp/automl_plugin_XXXXXX";
    double p[ROWS], q[ROWS];
    aml_model *m, *again;
    aml_frame *data = table();
    (void)state;
    assert_false(in_catalog("learner", "sign_split"));
    assert_int_equal(aml_register_learner(&good_learner), AML_OK);
    assert_int_equal(aml_register_step(&good_step), AML_OK);
    assert_int_equal(aml_register_sampler(&good_sampler), AML_OK);
    assert_int_equal(aml_register_scheduler(&good_scheduler), AML_OK);
    assert_int_equal(aml_register_metric(&good_metric), AML_OK);
    assert_true(in_catalog("learner", "sign_split") && in_catalog("step", "square") &&
                in_catalog("sampler", "highest") && in_catalog("scheduler", "one_fold") &&
                in_catalog("metric", "largest_gap"));
    refused(aml_register_learner(&good_learner), "already");

    aml_train_options o = {.size = sizeof o,
                           .target = "y",
                           .trials = 16,
                           .learners = learners,
                           .sampler = "random",
                           .scheduler = "none",
                           .metric = "largest_gap"};
    assert_int_equal(aml_train(&m, data, &o), AML_OK);
    assert_string_equal(aml_model_metric(m), "largest_gap");
    assert_true(count(m, "sign_split(") + count(m, "sign_split <-") > 2);
    assert_true(count(m, "<- square") > 2);
    int fd = mkstemp(path);
    close(fd);
    assert_int_equal(aml_model_save(m, path), AML_OK);
    assert_int_equal(aml_model_load(&again, path), AML_OK);
    unlink(path);
    assert_int_equal(aml_model_predict(p, m, data, 1), AML_OK);
    assert_int_equal(aml_model_predict(q, again, data, 2), AML_OK);
    assert_memory_equal(p, q, sizeof p);
    aml_model_free(m);
    aml_model_free(again);

    o.sampler = "highest";
    o.scheduler = "one_fold";
    o.metric = NULL;
    o.trials = 8;
    assert_int_equal(aml_train(&m, data, &o), AML_OK);
    aml_model_free(m);
    aml_frame_free(data);
}

static void a_sampler_tunes(void **state) {
    aml_tuner *t;
    size_t trial;
    aml_tuner_value v = {.size = sizeof v};
    aml_tuner_options o = {.size = sizeof o, .space = "a = float(1, 5)", .sampler = "highest"};
    (void)state;
    assert_int_equal(aml_tuner_new(&t, &o), AML_OK);
    assert_int_equal(aml_tuner_ask(t, &trial), AML_OK);
    assert_true(aml_tuner_value_at(t, trial, 0, &v) && v.number == 5);
    aml_tuner_free(t);
}

static void there_is_an_end(void **state) {
    static char names[100][16];
    (void)state;
    for (int i = 0; i < 100; i++) {
        aml_metric m = good_metric;
        snprintf(names[i], sizeof names[i], "metric_%d", i);
        m.name = names[i];
        if (!aml_register_metric(&m)) continue;
        assert_true(i > 20);
        assert_non_null(strstr(aml_last_error()->message, "60 metrics"));
        return;
    }
    fail();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(learners_that_lack_something),
        cmocka_unit_test(params_without_a_range),
        cmocka_unit_test(other_kinds_that_lack_something),
        cmocka_unit_test(plugins_that_are_none),
        cmocka_unit_test(they_are_searched_saved_and_loaded),
        cmocka_unit_test(a_sampler_tunes),
        cmocka_unit_test(there_is_an_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
