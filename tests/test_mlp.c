/* test_mlp.c: the network behind `mlp`: gradients, encodings, schedules, and what it can learn. */
#include "learners/parts/nn_kernels.h"
#include "mlp_fixture.h"

enum { N = 24, P = 3 };

/* ---- a net on random rows */

typedef struct rig {
    aml_arena *keep, *scratch;
    aml_ctx ctx;
    aml_nn net;
    aml_nn_work work;
    float x[N * P];
    aml_design design;
    uint32_t rows[N];
    float y[N];
    aml_nn_data data;
} rig;

static void rig_open(rig *t, aml_nn net, aml_nn_embedding embedding) {
    *t = (rig){.keep = aml_arena_new(NULL), .scratch = aml_arena_new(NULL), .net = net};
    t->ctx = (aml_ctx){.keep = t->keep,
                       .scratch = t->scratch,
                       .rng = aml_rng_stream(2, AML_RNG_TEST, 0, 0),
                       .n_threads = 1};
    aml_rng rng = aml_rng_stream(1, AML_RNG_TEST, 0, 0);
    for (size_t i = 0; i < N * P; i++) t->x[i] = (float)aml_rng_normal(&rng);
    for (size_t i = 0; i < N; i++) {
        t->rows[i] = (uint32_t)i;
        t->y[i] =
            net.link == AML_NN_VALUE ? (float)aml_rng_normal(&rng) : (float)aml_rng_below(&rng, 2);
    }
    t->design = (aml_design){.n = N, .p = P, .dense = t->x};
    t->data = (aml_nn_data){.x = &t->design, .rows = t->rows, .y = t->y, .n = N};
    t->net.p = P;
    assert_int_equal(aml_nn_input_fit(&t->net, &t->data, embedding, 4, &t->ctx), AML_OK);
    assert_true(aml_nn_layout(&t->net));
    assert_int_equal(aml_nn_init(&t->net, 0.3, aml_rng_child(&t->ctx.rng, 0), t->keep), AML_OK);
    assert_int_equal(aml_nn_work_new(&t->work, &t->net, N, true, true, t->scratch), AML_OK);
    for (size_t i = 0; i < N; i++) {
        t->work.y[i] = t->y[i];
        t->work.w[i] = 0.5f + (float)(i % 3);
    }
}

static void rig_close(rig *t) {
    aml_arena_free(t->keep);
    aml_arena_free(t->scratch);
}

static double loss_at(rig *t, size_t parameter, float value, double dropout, double smoothing) {
    float old = t->net.theta[parameter];
    t->net.theta[parameter] = value;
    assert_true(
        aml_nn_forward(&t->work, &t->net, &t->design, t->rows, N, dropout, t->ctx.rng, &t->ctx));
    t->net.theta[parameter] = old;
    return aml_nn_loss(&t->work, &t->net, N, smoothing, N);
}

/* ---- gradients are differences */

static void check_gradient(aml_nn net, aml_nn_embedding embedding, double dropout,
                           double smoothing) {
    rig t;
    rig_open(&t, net, embedding);
    loss_at(&t, 0, t.net.theta[0], dropout, smoothing);
    assert_true(aml_nn_backward(&t.work, &t.net, N, smoothing, N, &t.ctx));
    double difference = 0, length = 0;
    for (size_t i = 0; i < t.net.n_theta; i++) {
        float at = t.net.theta[i], h = 4e-3f, up = at + h, down = at - h;
        double numeric =
            (loss_at(&t, i, up, dropout, smoothing) - loss_at(&t, i, down, dropout, smoothing)) /
            ((double)up - (double)down);
        double d = numeric - (double)t.work.gradient[i];
        assert_true(fabs(d) < 3e-3 * (1 + fabs(numeric)));
        difference += d * d;
        length += numeric * numeric;
    }
    assert_true(length > 1e-4);
    assert_true(sqrt(difference / length) < 5e-3);
    rig_close(&t);
}

static void gradients_are_differences(void **state) {
    (void)state;
    for (int link = 0; link < 3; link++) {
        for (int embedding = 0; embedding < 4; embedding++) {
            aml_nn net = {.layers = 2,
                          .width = 6,
                          .members = 3,
                          .outputs = link == AML_NN_SOFTMAX ? 4 : 1,
                          .activation = AML_NN_SILU,
                          .link = (aml_nn_link)link};
            check_gradient(net, (aml_nn_embedding)embedding, 0, 0);
            net.layers = 3;
            net.residual = true;
            check_gradient(net, (aml_nn_embedding)embedding, 0.25, link == AML_NN_VALUE ? 0 : 0.1);
        }
    }
}

/* The kinks of relu would spoil differences of whole nets: its slope is checked by itself, with selu's. */
static void slopes_are_differences(void **state) {
    (void)state;
    const float scale = 1, bias = 0, one = 1;
    for (int kind = AML_NN_RELU; kind <= AML_NN_SELU; kind++) {
        for (float u = -5.03f; u < 5; u += 0.1f) {
            float h = 1e-2f, high, low, a, slope, up = u + h, down = u - h;
            float d = 0, d_scale = 0, d_bias = 0;
            const aml_nn_unit unit = {
                .scale = &scale, .bias = &bias, .activation = (aml_nn_activation)kind};
            aml_nn_unit_forward(&high, NULL, &up, &unit, 1, 1);
            aml_nn_unit_forward(&low, NULL, &down, &unit, 1, 1);
            aml_nn_unit_forward(&a, &slope, &u, &unit, 1, 1);
            aml_nn_unit_backward(&d, false, &d_scale, &d_bias, &one, &u, &slope, &scale, 1, 1);
            assert_true(fabsf((high - low) / (up - down) - d) < 2e-3f);
            assert_true(d_bias == d && fabsf(d_scale - d * u) < 1e-5f);
        }
    }
}

/* ---- inputs */

static void ramps_encode_quantiles(void **state) {
    (void)state;
    rig t;
    rig_open(&t, (aml_nn){.layers = 1, .width = 4, .members = 1, .outputs = 1}, AML_NN_PLE);
    assert_int_equal(t.net.plain, P);
    assert_int_equal(t.net.ramps, P * (1 + 4));
    aml_nn_input_forward(t.work.input, t.work.angle, &t.net, t.x, t.rows, N);
    for (size_t i = 0; i < N; i++) {
        for (size_t j = 0; j < P; j++) {
            const float *bins = t.work.input + i * t.net.inputs + P + 4 * j;
            for (size_t b = 0; b < 4; b++) {
                assert_true(bins[b] >= -1 && bins[b] <= 1);
                assert_true(!b || bins[b] < -0.9999f ||
                            bins[b - 1] > 0.9999f); /* full before the next begins */
            }
        }
    }
    rig_close(&t);
}

static void waves_are_cosines(void **state) {
    (void)state;
    rig t;
    rig_open(&t, (aml_nn){.layers = 1, .width = 4, .members = 1, .outputs = 1}, AML_NN_PERIODIC);
    assert_int_equal(t.net.waves, 4 * P);
    aml_nn_input_forward(t.work.input, t.work.angle, &t.net, t.x, t.rows, N);
    for (size_t i = 0; i < N; i++) {
        const float *row = t.work.input + i * t.net.inputs;
        for (size_t c = 0; c < t.net.waves; c++) {
            double turns = (double)t.net.theta[t.net.frequency + c] *
                               (double)row[t.net.source[t.net.ramps + c]] +
                           (double)t.net.theta[t.net.phase + c];
            assert_true(fabs(cos(2 * 3.14159265358979 * turns) - (double)row[t.net.ramps + c]) <
                        3e-6);
        }
    }
    rig_close(&t);
}

static void inputs_stay_bounded(void **state) {
    (void)state;
    const float odd[] = {1e30f, -1e30f, INFINITY, -INFINITY, NAN, 3e38f};
    for (int embedding = 0; embedding < 4; embedding++) {
        rig t;
        rig_open(&t, (aml_nn){.layers = 1, .width = 4, .members = 2, .outputs = 1},
                 (aml_nn_embedding)embedding);
        for (size_t i = 0; i < 6; i++) t.x[i * P] = odd[i];
        aml_nn_input_forward(t.work.input, t.work.angle, &t.net, t.x, t.rows, N);
        for (size_t i = 0; i < N * t.net.inputs; i++) assert_true(fabsf(t.work.input[i]) <= 4.001f);
        rig_close(&t);
    }
}

/* ---- kernels */

/* What is left out has neither value nor slope; the rest is scaled; the layer before is added whole. */
static void dropout_keeps_its_share(void **state) {
    (void)state;
    enum { UNITS = 2048 };
    float z[UNITS], skip[UNITS], a[UNITS], slope[UNITS], scale[UNITS], bias[UNITS] = {0};
    uint8_t random[UNITS];
    for (size_t i = 0; i < UNITS; i++)
        z[i] = 1, scale[i] = 1, skip[i] = (float)i, random[i] = (uint8_t)i;
    const aml_nn_unit unit = {.scale = scale,
                              .bias = bias,
                              .activation = AML_NN_RELU,
                              .random = random,
                              .threshold = 64,
                              .factor = 4.0f / 3,
                              .skip = skip};
    aml_nn_unit_forward(a, slope, z, &unit, 1, UNITS);
    double sum = 0;
    for (size_t i = 0; i < UNITS; i++) {
        float keep = random[i] < 64 ? 0 : 4.0f / 3;
        assert_true(a[i] == skip[i] + keep && slope[i] == keep);
        sum += (double)slope[i];
    }
    assert_true(fabs(sum - UNITS) < 1e-2);
}

static void random_bytes_are_philox(void **state) {
    (void)state;
    enum { BYTES = 1024 };
    uint8_t bytes[BYTES];
    const aml_rng rng = aml_rng_stream(3, AML_RNG_TEST, 1, 2);
    aml_nn_random(bytes, BYTES, &rng);
    for (uint32_t at = 0; at < BYTES / 16; at++) {
        uint32_t word, out[4], counter[4] = {at, rng.counter[1], rng.counter[2], rng.counter[3]};
        aml_philox(out, counter, rng.key);
        for (uint32_t w = 0; w < 4; w++) {
            memcpy(&word, bytes + (at / 16) * 256 + w * 64 + (at % 16) * 4, 4);
            assert_int_equal(word, out[w]);
        }
    }
}

static void one_column_is_a_product(void **state) {
    (void)state;
    enum { R = 3, W = 37 };
    float x[R * W], w[W], d[R] = {1, -2, 0.5f}, dots[R], sum[W], outer[R * W];
    for (size_t i = 0; i < R * W; i++) x[i] = (float)((i * 7) % 11) - 5;
    for (size_t j = 0; j < W; j++) w[j] = (float)(j % 5) - 2;
    aml_nn_dot_rows(dots, x, w, R, W);
    aml_nn_weigh_rows(sum, x, d, R, W);
    aml_nn_outer(outer, d, w, R, W);
    for (size_t i = 0; i < R; i++) {
        float dot = 0;
        for (size_t j = 0; j < W; j++) dot += x[i * W + j] * w[j];
        assert_true(dot == dots[i]); /* small whole numbers: no rounding in any order */
    }
    for (size_t j = 0; j < W; j++) {
        assert_true(sum[j] == d[0] * x[j] + d[1] * x[W + j] + d[2] * x[2 * W + j]);
        for (size_t i = 0; i < R; i++) assert_true(outer[i * W + j] == d[i] * w[j]);
    }
}

static void softmax_sums_to_one(void **state) {
    (void)state;
    float v[] = {1000, -1000, 0, 3, 3, 3, -1e30f, 1e30f, 0};
    aml_nn_softmax(v, 3, 3);
    for (int i = 0; i < 3; i++)
        assert_true(fabsf(v[3 * i] + v[3 * i + 1] + v[3 * i + 2] - 1) < 1e-6f);
    assert_true(v[0] > 0.999f && fabsf(v[3] - 1.0f / 3) < 1e-6f && v[7] > 0.999f);
}

static void adam_walks_downhill(void **state) {
    (void)state;
    float theta[2] = {3, -2}, average[2] = {3, -2}, m[2] = {0}, v[2] = {0};
    for (int step = 1; step <= 2000; step++) {
        float gradient[2] = {theta[0] - 1, 4 * (theta[1] - 2)};
        aml_nn_adam o = {.rate = 0.01f,
                         .beta1 = 0.9f,
                         .beta2 = 0.99f,
                         .gradient_factor = 1,
                         .blend = 0.01f,
                         .correction1 = 1 / (1 - powf(0.9f, (float)step)),
                         .correction2 = 1 / (1 - powf(0.99f, (float)step))};
        aml_nn_adam_step(theta, average, m, v, gradient, 2, &o);
    }
    assert_true(fabsf(theta[0] - 1) < 1e-2f && fabsf(theta[1] - 2) < 1e-2f);
    assert_true(fabsf(average[0] - 1) < 1e-2f && fabsf(average[1] - 2) < 1e-2f);
}

/* ---- the learner */

enum { ROWS = 1200, TRAIN = 800 };

/* Mean squared error on held-out rows of y = sin(3 x0) + x1 x2, against the variance. */
static double unexplained(const char *parameter, double value, bool valid) {
    aml_arena *arena = aml_arena_new(NULL);
    float *x = AML_ARRAY(arena, ROWS * P, float);
    double *y = AML_ARRAY(arena, ROWS, double), *out = AML_ARRAY(arena, ROWS, double);
    uint32_t *rows = AML_ARRAY(arena, ROWS, uint32_t);
    double hp[64], sum = 0, square = 0;
    aml_rng rng = aml_rng_stream(4, AML_RNG_TEST, 0, 0);
    for (size_t i = 0; i < ROWS; i++) {
        for (size_t j = 0; j < P; j++) x[i * P + j] = (float)(3 * aml_rng_uniform(&rng) - 1.5);
        rows[i] = (uint32_t)i;
        y[i] = sin(3 * (double)x[i * P]) + (double)x[i * P + 1] * (double)x[i * P + 2];
    }
    aml_design design = {.n = ROWS, .p = P, .dense = x};
    aml_data d = {.x = &design, .rows = rows, .n = TRAIN, .task = AML_REGRESSION, .y = y};
    if (valid) d.valid = rows + TRAIN - 100, d.n_valid = 100, d.n -= 100;
    aml_params_defaults(hp, aml_learner_mlp.params);
    set_hp(hp, "width", 48); /* small: sanitizers run this too */
    set_hp(hp, "detail", 12);
    set_hp(hp, "members", 2);
    set_hp(hp, "learning_rate", 6e-3);
    if (parameter) set_hp(hp, parameter, value);
    aml_writer w = fitted_bytes(out, ROWS, &d, hp, 1);
    for (size_t i = TRAIN; i < ROWS; i++) {
        sum += (out[i] - y[i]) * (out[i] - y[i]);
        square += y[i] * y[i];
    }
    aml_writer_free(&w);
    aml_arena_free(arena);
    return sum / square;
}

static void curves_and_products_are_learnt(void **state) {
    (void)state;
    assert_true(unexplained(NULL, 0, false) < 0.01);
    assert_true(unexplained(NULL, 0, true) < 0.01);
    for (int embedding = 0; embedding < 4; embedding++)
        assert_true(unexplained("embedding", embedding, false) < 0.03);
    assert_true(unexplained("residual", 1, false) < 0.01);
    for (int activation = 1; activation < 3; activation++)
        assert_true(unexplained("activation", activation, false) < 0.02);
}

enum { NOISE_ROWS = 333 };

/* Three classes that nothing tells apart: noise, or columns without a value. */
static aml_writer fit_noise(double *out, int threads, bool missing) {
    float x[NOISE_ROWS * P];
    double y[NOISE_ROWS], hp[64];
    uint32_t rows[NOISE_ROWS];
    aml_rng rng = aml_rng_stream(6, AML_RNG_TEST, 0, 0);
    for (size_t i = 0; i < NOISE_ROWS * P; i++) x[i] = missing ? 0 : (float)aml_rng_normal(&rng);
    for (size_t i = 0; i < NOISE_ROWS; i++) {
        rows[i] = (uint32_t)i;
        y[i] = (double)aml_rng_below(&rng, 3);
    }
    aml_design design = {.n = NOISE_ROWS, .p = P, .dense = x};
    aml_data d = {.x = &design,
                  .rows = rows,
                  .n = NOISE_ROWS,
                  .task = AML_MULTICLASS,
                  .n_classes = 3,
                  .y = y};
    aml_params_defaults(hp, aml_learner_mlp.params);
    set_hp(hp, "epochs", 2);
    set_hp(hp, "dropout", 0.2);
    return fitted_bytes(out, NOISE_ROWS, &d, hp, threads);
}

static void threads_and_cuts_do_not_matter(void **state) {
    (void)state;
    static const int threads[] = {1, 2, 4};
    double out[3][3 * NOISE_ROWS];
    aml_writer bytes[3];
    for (size_t t = 0; t < 3; t++) {
        bytes[t] = fit_noise(out[t], threads[t], false);
        assert_int_equal(bytes[t].size, bytes[0].size);
        assert_memory_equal(bytes[t].data, bytes[0].data, bytes[0].size);
        assert_memory_equal(out[t], out[0], sizeof out[0]);
    }
    for (size_t t = 0; t < 3; t++) aml_writer_free(&bytes[t]);
}

/* Columns without a value tell nothing: every row gets the shares of the classes, or nearly. */
static void nothing_to_see_gives_shares(void **state) {
    (void)state;
    double out[3 * NOISE_ROWS];
    aml_writer w = fit_noise(out, 1, true);
    for (size_t i = 0; i < NOISE_ROWS; i++)
        for (size_t j = 0; j < 3; j++) {
            assert_true(out[3 * i + j] == out[j]);
            assert_true(fabs(out[3 * i + j] - 1.0 / 3) < 0.15);
        }
    aml_writer_free(&w);
}

static void mlp_takes_what_is_damaged(void **state) {
    (void)state;
    rig t;
    aml_nn back;
    aml_writer w = {0};
    rig_open(&t, (aml_nn){.layers = 2, .width = 4, .members = 2, .outputs = 1}, AML_NN_PERIODIC);
    t.net.theta[1] = NAN;
    aml_nn_save(&t.net, &w);
    aml_reader r = {.data = w.data, .size = w.size};
    assert_int_equal(aml_nn_load(&back, &r, t.keep), AML_EDATA);
    aml_writer_free(&w);
    rig_close(&t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gradients_are_differences),
        cmocka_unit_test(slopes_are_differences),
        cmocka_unit_test(ramps_encode_quantiles),
        cmocka_unit_test(waves_are_cosines),
        cmocka_unit_test(inputs_stay_bounded),
        cmocka_unit_test(dropout_keeps_its_share),
        cmocka_unit_test(random_bytes_are_philox),
        cmocka_unit_test(one_column_is_a_product),
        cmocka_unit_test(softmax_sums_to_one),
        cmocka_unit_test(adam_walks_downhill),
        cmocka_unit_test(curves_and_products_are_learnt),
        cmocka_unit_test(threads_and_cuts_do_not_matter),
        cmocka_unit_test(nothing_to_see_gives_shares),
        cmocka_unit_test(mlp_takes_what_is_damaged),
    };
    aml_linalg_init();
    aml_par_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
