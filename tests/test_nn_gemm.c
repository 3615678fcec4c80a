/* test_nn_gemm.c: the products of a network: right, and the same for a row wherever it stands. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "automl/core/arena.h"
#include "automl/core/rng.h"

/* The source itself, so that every instruction set is tested and not only the one that is chosen here. */
#define aml_nn_gemm own_gemm
#include "learners/parts/nn_gemm.c"
#undef aml_nn_gemm
void aml_nn_gemm(bool ta, bool tb, size_t m, size_t n, size_t k, const float *a, size_t lda,
                 const float *b, size_t ldb, bool add, float *c, size_t ldc);

static float *draw(aml_arena *a, size_t n, uint32_t item) {
    aml_rng rng = aml_rng_stream(7, AML_RNG_TEST, 0, item);
    float *v = AML_ARRAY(a, n, float);
    assert_non_null(v);
    for (size_t i = 0; i < n; i++) v[i] = (float)aml_rng_normal(&rng);
    return v;
}

/* Every form and every kind of edge, against sums in double; what lies beside c stays as it was. */
static void check_product(bool ta, bool tb, bool add, size_t m, size_t n, size_t k) {
    aml_arena *arena = aml_arena_new(NULL);
    size_t lda = (ta ? m : k) + 3, ldb = (tb ? k : n) + 1, ldc = n + 5;
    float *a = draw(arena, (ta ? k : m) * lda + 1, 1), *b = draw(arena, (tb ? n : k) * ldb + 1, 2),
          *c = draw(arena, m * ldc + 1, 3), *before = aml_copy(arena, c, m * ldc * sizeof *c);
    assert_non_null(before);
    aml_nn_gemm(ta, tb, m, n, k, a, lda, b, ldb, add, c, ldc);
    for (size_t i = 0; i < m; i++) {
        for (size_t j = 0; j < ldc; j++) {
            double sum = add ? (double)before[i * ldc + j] : 0, size = fabs(sum) + 1e-3;
            for (size_t l = 0; j < n && l < k; l++) {
                double term = (double)a[ta ? l * lda + i : i * lda + l] *
                              (double)b[tb ? j * ldb + l : l * ldb + j];
                sum += term;
                size += fabs(term);
            }
            if (j < n) assert_true(fabs(sum - (double)c[i * ldc + j]) < 2e-6 * size);
            else assert_true(c[i * ldc + j] == before[i * ldc + j]);
        }
    }
    aml_arena_free(arena);
}

static void products_are_sums(void **state) {
    (void)state;
    const size_t sizes[][3] = {{1, 1, 1},      {8, 32, 16}, {9, 33, 5},    {7, 31, 257},
                               {64, 128, 300}, {3, 16, 64}, {130, 17, 12}, {5, 48, 513},
                               {16, 1, 40},    {2, 70, 0}};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
        for (int form = 0; form < 8; form++)
            check_product(form & 1, form & 2, form & 4, sizes[s][0], sizes[s][1], sizes[s][2]);
}

/* Any cut of the rows and of the columns gives the same bits. */
static void cuts_do_not_matter(void **state) {
    (void)state;
    enum { M = 41, N = 75, K = 300 };
    aml_arena *arena = aml_arena_new(NULL);
    float *a = draw(arena, M * K, 1), *b = draw(arena, K * N, 2), *whole = draw(arena, M * N, 3),
          *parts = draw(arena, M * N, 4);
    aml_nn_gemm(false, false, M, N, K, a, K, b, N, false, whole, N);
    const size_t cuts[] = {1, 5, 8, 13, 40};
    for (size_t s = 0; s < sizeof cuts / sizeof *cuts; s++) {
        for (size_t i = 0; i < M; i += cuts[s]) {
            size_t rows = M - i < cuts[s] ? M - i : cuts[s], left = cuts[s];
            aml_nn_gemm(false, false, rows, left, K, a + i * K, K, b, N, false, parts + i * N, N);
            aml_nn_gemm(false, false, rows, N - left, K, a + i * K, K, b + left, N, false,
                        parts + i * N + left, N);
        }
        assert_memory_equal(whole, parts, M * N * sizeof *whole);
    }
    aml_arena_free(arena);
}

static void check_tile(tile t, aml_arena *arena) {
    float *any = draw(arena, ROWS * COLUMNS, 3), *fused = draw(arena, ROWS * COLUMNS, 3);
    t.c = any;
    tile_any(&t);
#if defined(__x86_64__)
    bool has_fma = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    if (!has_fma) return;
    t.c = fused;
    tile_avx2(&t);
    for (size_t i = 0; i < ROWS * COLUMNS; i++) assert_true(fabsf(any[i] - fused[i]) < 2e-4f);
    if (best_tile() != tile_avx512) return;
    float *wide = draw(arena, ROWS * COLUMNS, 3);
    t.c = wide;
    tile_avx512(&t);
    assert_memory_equal(wide, fused, ROWS * COLUMNS * sizeof *wide);
#endif
}

/* The same tile by each instruction set: fused ones agree to the bit, the portable one nearly. */
static void tiles_agree(void **state) {
    (void)state;
    enum { K = 100, STEP = 3 };
    aml_arena *arena = aml_arena_new(NULL);
    float *a = draw(arena, ROWS * K * STEP, 1), *b = draw(arena, K * COLUMNS, 2);
    for (size_t columns = 1; columns <= COLUMNS; columns += 5) {
        for (size_t rows = 1; rows <= ROWS; rows++) {
            tile t = {.step = STEP,
                      .depth = K,
                      .b = b,
                      .next = COLUMNS,
                      .ldc = COLUMNS,
                      .rows = rows,
                      .columns = columns,
                      .add = rows % 2};
            for (size_t r = 0; r < ROWS; r++) t.a[r] = a + (r < rows ? r : 0) * K * STEP;
            check_tile(t, arena);
        }
    }
    aml_arena_free(arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(products_are_sums),
        cmocka_unit_test(cuts_do_not_matter),
        cmocka_unit_test(tiles_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
