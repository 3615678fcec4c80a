/* test_par.c: loops on threads that are opened for them, and on a team. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "automl/core/par.h"

enum { N = 1000, THREADS = 3 };

typedef struct visits {
    int n_threads, size;
    int of[N];
    int bad; /* threads or blocks that are none */
} visits;

static void visit(void *arg, size_t block, size_t begin, size_t end, int thread) {
    visits *v = arg;
    if (thread < 0 || thread >= v->n_threads || begin != block * (size_t)v->size) v->bad++;
    for (size_t i = begin; i < end; i++) v->of[i]++;
}

static void expect_once(int n_threads, int size, size_t n) {
    visits v = {.n_threads = n_threads, .size = size};
    aml_par_for(n_threads, n, (size_t)size, visit, &v);
    assert_int_equal(v.bad, 0);
    for (size_t i = 0; i < N; i++) assert_int_equal(v.of[i], i < n);
}

static void many_loops(void *arg) {
    for (int round = 0; round < 300; round++) {
        expect_once(1 + round % (THREADS + 1), 1 + round % 7, (size_t)(round * 3));
        if (round % 100 == 50) usleep(3000); /* the others fall asleep */
    }
    *(int *)arg += 1;
}

static void test_loops_visit_all_once(void **state) {
    (void)state;
    int ran = 0;
    many_loops(&ran);
    aml_par_team(THREADS, many_loops, &ran);
    aml_par_team(1, many_loops, &ran);
    assert_int_equal(ran, 3);
}

/* A slow block: the caller, who has none left, falls asleep. */
static void dawdle(void *arg, size_t block, size_t begin, size_t end, int thread) {
    int *done = arg;
    (void)thread, (void)end;
    if (block) usleep(2000);
    done[begin] = 1;
}

static void slow_loops(void *arg) {
    (void)arg;
    for (int round = 0; round < 5; round++) {
        int done[2 * THREADS] = {0};
        aml_par_for(THREADS, 2 * THREADS, 1, dawdle, done);
        for (int i = 0; i < 2 * THREADS; i++) assert_int_equal(done[i], 1);
    }
}

static void test_slow_blocks_are_waited_for(void **state) {
    (void)state;
    aml_par_team(THREADS, slow_loops, NULL);
}

/* Loops and teams inside a block of a team's loop. */
static void inside(void *arg, size_t block, size_t begin, size_t end, int thread) {
    int ran = 0;
    (void)end, (void)thread;
    if (block % 2) many_loops(&ran);
    else aml_par_team(2, many_loops, &ran);
    ((int *)arg)[begin] = ran;
}

static void nest(void *arg) { aml_par_for(THREADS, 4, 1, inside, arg); }

static void test_teams_nest(void **state) {
    (void)state;
    int ran[4] = {0};
    aml_par_team(THREADS, nest, ran);
    for (int i = 0; i < 4; i++) assert_int_equal(ran[i], 1);
}

int main(void) {
    aml_par_init();
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_loops_visit_all_once),
                                       cmocka_unit_test(test_slow_blocks_are_waited_for),
                                       cmocka_unit_test(test_teams_nest)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
