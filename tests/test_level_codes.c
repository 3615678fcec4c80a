/* test_level_codes.c: codes of categories with many levels tell of the levels, not of the rows' own targets. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "learners/parts/level_codes.h"

enum { ROWS = 6000, LEVELS = 2000, MOST = 255 };

typedef struct world {
    aml_arena *keep;
    aml_ctx ctx;
    aml_design design;
    aml_data data;
    float level[ROWS];
    const float *columns[1];
    uint32_t n_levels[1], rows[ROWS];
    double y[ROWS], effect[LEVELS];
    uint8_t level_code[LEVELS], column[ROWS];
} world;

/* The target is noise, and `share` of it what the level says; every other row has one of the `frequent` first levels.
 * Rows 5 % missing; learnt from: all but the last tenth. */
static world *open_world(double share, uint32_t frequent) {
    world *s = calloc(1, sizeof *s);
    assert_non_null(s);
    s->keep = aml_arena_new(NULL);
    s->ctx = (aml_ctx){.keep = s->keep, .scratch = s->keep, .n_threads = 1};
    aml_rng rng = aml_rng_stream(1, AML_RNG_TEST, 0, 0);
    for (size_t l = 0; l < LEVELS; l++) s->effect[l] = aml_rng_normal(&rng);
    for (size_t i = 0; i < ROWS; i++) {
        uint32_t l = aml_rng_below(&rng, frequent && i % 2 ? frequent : LEVELS);
        s->rows[i] = (uint32_t)i;
        s->level[i] = i % 20 ? (float)l : NAN;
        s->y[i] = 5 + share * s->effect[l] + (1 - share) * aml_rng_normal(&rng);
    }
    s->columns[0] = s->level;
    s->n_levels[0] = LEVELS;
    s->design = (aml_design){.n = ROWS, .p = 1, .n_levels = s->n_levels, .column = s->columns};
    s->data = (aml_data){
        .x = &s->design, .rows = s->rows, .n = ROWS * 9 / 10, .task = AML_REGRESSION, .y = s->y};
    assert_int_equal(aml_level_codes(s->level_code, s->column, &s->data, 0, 10, MOST, &s->ctx),
                     AML_OK);
    return s;
}

static void close_world(world *s) {
    aml_arena_free(s->keep);
    free(s);
}

/* Of codes and targets, over rows begin … end-1 that have a level. */
static double correlation(const world *s, size_t begin, size_t end) {
    double n = 0, x = 0, y = 0, xx = 0, yy = 0, xy = 0;
    for (size_t i = begin; i < end; i++) {
        if (isnan(s->level[i])) continue;
        double a = s->column[i], b = s->y[i];
        n++, x += a, y += b, xx += a * a, yy += b * b, xy += a * b;
    }
    return (xy - x * y / n) / sqrt((xx - x * x / n) * (yy - y * y / n));
}

static void noise_has_no_order(void **state) {
    (void)state;
    world *s = open_world(0, 0);
    double learnt = correlation(s, 0, ROWS * 9 / 10), other = correlation(s, ROWS * 9 / 10, ROWS);
    assert_true(fabs(learnt) < 0.05);
    assert_true(fabs(other) < 0.15);
    close_world(s);
}

static void signal_is_found_alike(void **state) {
    (void)state;
    world *s = open_world(0.7, 0);
    double learnt = correlation(s, 0, ROWS * 9 / 10), other = correlation(s, ROWS * 9 / 10, ROWS);
    assert_true(learnt > 0.6 && other > 0.6);
    assert_true(fabs(learnt - other) < 0.1);
    close_world(s);
}

static void codes_are_in_range(void **state) {
    (void)state;
    world *s = open_world(0.5, 0);
    size_t count[MOST + 1] = {0};
    for (size_t i = 0; i < ROWS; i++) {
        assert_true(isnan(s->level[i]) == (s->column[i] == 0));
        if (i >= ROWS * 9 / 10 && s->column[i])
            assert_int_equal(s->column[i], s->level_code[(size_t)s->level[i]]);
        count[s->column[i]]++;
    }
    for (size_t l = 0; l < LEVELS; l++) assert_true(s->level_code[l] >= 1);
    assert_int_equal(count[0], ROWS / 20);
    close_world(s);
}

static void frequent_levels_share_no_code(void **state) {
    enum { FREQUENT = 20 };
    (void)state;
    world *s = open_world(0.5, FREQUENT);
    size_t count[MOST + 1] = {0};
    for (size_t l = 0; l < LEVELS; l++) count[s->level_code[l]]++;
    for (size_t l = 0; l < FREQUENT; l++) assert_int_equal(count[s->level_code[l]], 1);
    for (size_t i = 0; i < ROWS; i++)
        if (s->level[i] < FREQUENT)
            assert_int_equal(s->column[i], s->level_code[(size_t)s->level[i]]);
    close_world(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(noise_has_no_order),
        cmocka_unit_test(signal_is_found_alike),
        cmocka_unit_test(codes_are_in_range),
        cmocka_unit_test(frequent_levels_share_no_code),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
