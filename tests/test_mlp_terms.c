/* test_mlp_terms.c: sparse features of the network behind `mlp`: which have weights, their gradients, lazy steps and averages. */
#include "learners/parts/nn_terms.h"
#include "mlp_fixture.h"

enum { N = 40, Q = 9, WIDTH = 6 };

/* Row i has every feature that divides i + 1 by number + 1, feature 7 in one row only, feature 8 in none. */
typedef struct rig {
    aml_arena *keep, *scratch;
    aml_ctx ctx;
    uint64_t start[N + 1];
    uint32_t column[N * Q], rows[N];
    float value[N * Q], y[N];
    aml_csr csr;
    aml_design design;
    aml_nn_data data;
    aml_nn net;
} rig;

static void rig_open(rig *t, size_t most) {
    *t = (rig){.keep = aml_arena_new(NULL), .scratch = aml_arena_new(NULL)};
    t->ctx = (aml_ctx){.keep = t->keep,
                       .scratch = t->scratch,
                       .rng = aml_rng_stream(2, AML_RNG_TEST, 0, 0),
                       .n_threads = 1};
    size_t at = 0;
    for (size_t i = 0; i < N; i++) {
        t->start[i] = at;
        for (uint32_t j = 0; j < 8; j++) {
            if (j == 7 ? i != 20 : (i + 1) % (j + 1) != 0) continue;
            t->column[at] = j;
            t->value[at++] = (float)(1 + (i + j) % 3);
        }
        t->rows[i] = (uint32_t)i;
        t->y[i] = (float)((i / 3) % 2);
    }
    t->start[N] = at;
    t->csr = (aml_csr){N, Q, t->start, t->column, t->value};
    t->design = (aml_design){.n = N, .csr = &t->csr};
    t->data = (aml_nn_data){.x = &t->design, .rows = t->rows, .y = t->y, .n = N};
    t->net = (aml_nn){.layers = 2,
                      .width = WIDTH,
                      .members = 2,
                      .outputs = 1,
                      .activation = AML_NN_SILU,
                      .link = AML_NN_LOGISTIC};
    assert_int_equal(aml_nn_input_fit(&t->net, &t->data, AML_NN_PLAIN, 4, &t->ctx), AML_OK);
    assert_int_equal(aml_nn_terms_fit(&t->net, &t->data, most, &t->ctx), AML_OK);
    assert_true(aml_nn_layout(&t->net));
    assert_int_equal(aml_nn_init(&t->net, 0.3, aml_rng_child(&t->ctx.rng, 0), t->keep), AML_OK);
}

static void rig_close(rig *t) {
    aml_arena_free(t->keep);
    aml_arena_free(t->scratch);
}

/* ---- which */

static void the_most_frequent_have_weights(void **state) {
    (void)state;
    static const uint32_t all[] = {0, 1, 2, 3, 4, 5, 6}, three[] = {0, 1, 2};
    rig t;
    rig_open(&t, 100);
    assert_int_equal(t.net.terms.n, 7); /* a single row or none is too few */
    assert_memory_equal(t.net.terms.feature, all, sizeof all);
    assert_true(t.net.terms.term[7] == UINT32_MAX && t.net.terms.term[8] == UINT32_MAX);
    rig_close(&t);
    rig_open(&t, 3);
    assert_int_equal(t.net.terms.n, 3);
    assert_memory_equal(t.net.terms.feature, three, sizeof three);
    rig_close(&t);
}

static void values_are_one_in_the_mean(void **state) {
    (void)state;
    rig t;
    double square = 0;
    rig_open(&t, 100);
    for (size_t e = 0; e < t.start[N]; e++) {
        double v = (double)t.value[e] * (double)t.net.terms.factor;
        square += v * v / (double)t.start[N];
    }
    assert_true(fabs(square - 1) < 1e-6);
    rig_close(&t);
}

/* ---- gradients are differences */

static double loss(rig *t, aml_nn_work *work) {
    assert_true(aml_nn_forward(work, &t->net, &t->design, t->rows, N, 0, t->ctx.rng, &t->ctx));
    return aml_nn_loss(work, &t->net, N, 0.1, N);
}

static void gradients_are_differences(void **state) {
    (void)state;
    rig t;
    aml_nn_work work;
    aml_nn_terms_batch batch;
    rig_open(&t, 100);
    assert_int_equal(aml_nn_work_new(&work, &t.net, N, true, false, t.scratch), AML_OK);
    assert_int_equal(aml_nn_terms_open(&batch, &t.net, &t.data, N, t.scratch), AML_OK);
    for (size_t i = 0; i < N; i++) work.y[i] = t.y[i], work.w[i] = 1;
    for (size_t i = 0; i < t.net.terms.n * WIDTH; i++)
        t.net.terms.weight[i] = (float)(i % 7) / 7 - 0.4f;
    loss(&t, &work);
    assert_true(aml_nn_backward(&work, &t.net, N, 0.1, N, &t.ctx));
    memcpy(batch.d_first, work.d_first, N * WIDTH * sizeof(float));
    double square = aml_nn_terms_gradient(&batch, t.rows, N, 1), sum = 0;
    assert_int_equal(batch.n, 7);
    for (size_t i = 0; i < 7 * WIDTH; i++) {
        float *w = &t.net.terms.weight[i], at = *w, h = 4e-3f, up = at + h, down = at - h;
        double high, low, g = (double)batch.gradient[i];
        *w = up, high = loss(&t, &work);
        *w = down, low = loss(&t, &work);
        *w = at;
        double numeric = (high - low) / ((double)up - (double)down);
        assert_true(fabs(numeric - g) < 3e-3 * (1 + fabs(numeric)));
        sum += g * g;
    }
    assert_true(sum > 1e-6 && fabs(sum - square) < 1e-5 * sum);
    rig_close(&t);
}

/* ---- lazy steps */

static aml_nn_adam adam_at(size_t step) {
    return (aml_nn_adam){.rate = 0.05f,
                         .decay = 0.01f,
                         .beta1 = 0.9f,
                         .beta2 = 0.98f,
                         .correction1 = 1,
                         .correction2 = 1,
                         .gradient_factor = 1,
                         .blend = 1 / (1 + (float)step / 10)};
}

/* Steps on single rows move the terms of that row alone; the average is what it would be if all were averaged at
 * every step. */
static void averages_catch_up(void **state) {
    (void)state;
    rig t;
    aml_nn_terms_batch batch;
    double average[7 * WIDTH] = {0};
    rig_open(&t, 100);
    assert_int_equal(aml_nn_terms_open(&batch, &t.net, &t.data, 1, t.scratch), AML_OK);
    for (size_t step = 0; step < 60; step++) {
        uint32_t row = (uint32_t)(step * 7 % N);
        float before[7 * WIDTH];
        memcpy(before, t.net.terms.weight, sizeof before);
        for (size_t j = 0; j < WIDTH; j++) batch.d_first[j] = (float)((step + j) % 5) - 2;
        aml_nn_terms_gradient(&batch, &row, 1, 1);
        aml_nn_adam adam = adam_at(step);
        aml_nn_terms_step(&batch, &adam, !step, 1);
        for (size_t i = 0; i < 7 * WIDTH; i++) {
            bool there = (row + 1) % (i / WIDTH + 1) == 0;
            float now = t.net.terms.weight[i];
            assert_true(there || now == before[i]);
            average[i] += (double)adam.blend * ((double)now - average[i]);
        }
    }
    aml_nn_terms_catch_up(&batch);
    for (size_t i = 0; i < 7 * WIDTH; i++)
        assert_true(fabs((double)batch.average[i] - average[i]) < 1e-5);
    rig_close(&t);
}

/* ---- the learner */

enum { ROWS = 900, TRAIN = 600, WORDS = 160, A_ROW = 40 };

/* Texts of 40 of 160 words: the class says whether more of the first 30 words or of the next 30 are there. */
static void make_texts(uint64_t *start, uint32_t *column, float *value, double *y) {
    aml_rng rng = aml_rng_stream(9, AML_RNG_TEST, 0, 0);
    size_t at = 0;
    for (size_t i = 0; i < ROWS; i++) {
        bool there[WORDS] = {false};
        int score = 0;
        start[i] = at;
        for (size_t k = 0; k < A_ROW; k++) there[aml_rng_below(&rng, WORDS)] = true;
        for (uint32_t j = 0; j < WORDS; j++) {
            if (!there[j]) continue;
            column[at] = j;
            value[at++] = 0.2f;
            score += j < 30 ? 1 : j < 60 ? -1 : 0;
        }
        y[i] = score > 0;
    }
    start[ROWS] = at;
}

static aml_writer fit_texts(double *out, int threads, bool valid) {
    double hp[64], *y;
    aml_arena *arena = aml_arena_new(NULL);
    uint64_t *start = AML_ARRAY(arena, ROWS + 1, uint64_t);
    uint32_t *column = AML_ARRAY(arena, ROWS * A_ROW, uint32_t),
             *rows = AML_ARRAY(arena, ROWS, uint32_t);
    float *value = AML_ARRAY(arena, ROWS * A_ROW, float);
    y = AML_ARRAY(arena, ROWS, double);
    make_texts(start, column, value, y);
    for (size_t i = 0; i < ROWS; i++) rows[i] = (uint32_t)i;
    aml_csr csr = {ROWS, WORDS, start, column, value};
    aml_design design = {.n = ROWS, .csr = &csr};
    aml_data d = {
        .x = &design, .rows = rows, .n = TRAIN, .task = AML_BINARY, .n_classes = 2, .y = y};
    if (valid) d.n -= 100, d.valid = rows + d.n, d.n_valid = 100;
    aml_params_defaults(hp, aml_learner_mlp.params);
    set_hp(hp, "width", 37); /* whole vectors and a rest */
    set_hp(hp, "members", 2);
    aml_writer w = fitted_bytes(out, ROWS, &d, hp, threads);
    size_t right = 0;
    for (size_t i = TRAIN; i < ROWS; i++) right += (out[i] > 0.5) == (y[i] > 0.5);
    assert_true(right > (ROWS - TRAIN) * 85 / 100);
    aml_arena_free(arena);
    return w;
}

static void texts_are_learnt_at_any_number_of_threads(void **state) {
    (void)state;
    static double a[ROWS], b[ROWS];
    for (int valid = 0; valid < 2; valid++) {
        aml_writer one = fit_texts(a, 1, valid), three = fit_texts(b, 3, valid);
        assert_memory_equal(a, b, sizeof a);
        assert_int_equal(one.size, three.size);
        assert_memory_equal(one.data, three.data, one.size);
        aml_writer_free(&one);
        aml_writer_free(&three);
    }
}

/* ---- files */

static void put_net(aml_writer *w, rig *t) {
    *w = (aml_writer){0};
    aml_nn_save(&t->net, w);
}

static aml_status read_net(rig *t, const aml_writer *w, size_t size) {
    aml_nn back;
    aml_reader r = {.data = w->data, .size = size, .file = "test"};
    return aml_nn_load(&back, &r, t->keep);
}

static void damaged_terms_are_refused(void **state) {
    (void)state;
    rig t;
    aml_writer w;
    rig_open(&t, 100);
    put_net(&w, &t);
    assert_int_equal(read_net(&t, &w, w.size), AML_OK);
    for (size_t less = 1; less < 7 * WIDTH * 4 + 40; less++)
        assert_int_equal(read_net(&t, &w, w.size - less), AML_EDATA);
    aml_writer_free(&w);
    uint32_t *feature = (uint32_t *)(uintptr_t)t.net.terms.feature;
    feature[6] = Q;
    put_net(&w, &t);
    assert_int_equal(read_net(&t, &w, w.size), AML_EDATA);
    aml_writer_free(&w);
    feature[6] = 6, feature[2] = 1;
    put_net(&w, &t);
    assert_int_equal(read_net(&t, &w, w.size), AML_EDATA);
    aml_writer_free(&w);
    feature[2] = 2, t.net.terms.weight[3] = NAN;
    put_net(&w, &t);
    assert_int_equal(read_net(&t, &w, w.size), AML_EDATA);
    aml_writer_free(&w);
    rig_close(&t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_most_frequent_have_weights),
        cmocka_unit_test(values_are_one_in_the_mean),
        cmocka_unit_test(gradients_are_differences),
        cmocka_unit_test(averages_catch_up),
        cmocka_unit_test(texts_are_learnt_at_any_number_of_threads),
        cmocka_unit_test(damaged_terms_are_refused),
    };
    aml_linalg_init();
    aml_par_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
