/* nn_gemm.c: panels of b are packed, tiles of 8 rows × 32 columns of c are summed in registers (Goto and van de
 * Geijn 2008, "Anatomy of high-performance matrix multiplication"; the matrices here fit in L2, so a is read
 * as it lies). */
#include "learners/parts/nn_gemm.h"

#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

/* Of a tile; a packed panel takes 32 KB of L1. Up to FEW tiles a copy of the panel does not pay, up to THIN
 * elements of c not even a tile. */
enum { ROWS = 8, COLUMNS = 32, DEPTH = 256, FEW = 4, THIN = 4 };

/* A tile: rows a[0 … 7] with `step` between the elements of a row, b (depth × COLUMNS, `next` from row to row), and c. Rows
 * from `rows` on repeat the last one and are not stored, columns from `columns` on are zeros of b. */
typedef struct tile {
    const float *a[ROWS];
    size_t step, depth, next;
    const float *b;
    float *c;
    size_t ldc, rows, columns;
    bool add;
} tile;

/* ---- tiles */

static void store(const tile *t, const float *sum) {
    for (size_t i = 0; i < t->rows; i++)
        memcpy(t->c + i * t->ldc, sum + i * COLUMNS, t->columns * sizeof *sum);
}

static void fetch(float *sum, const tile *t) {
    memset(sum, 0, ROWS * COLUMNS * sizeof *sum);
    for (size_t i = 0; t->add && i < t->rows; i++)
        memcpy(sum + i * COLUMNS, t->c + i * t->ldc, t->columns * sizeof *sum);
}

static void tile_any(const tile *t) {
    float sum[ROWS * COLUMNS];
    fetch(sum, t);
    for (size_t i = 0; i < t->rows; i++)
        for (size_t k = 0; k < t->depth; k++)
            for (size_t j = 0; j < COLUMNS; j++)
                sum[i * COLUMNS + j] += t->a[i][k * t->step] * t->b[k * t->next + j];
    store(t, sum);
}

#if defined(__x86_64__)
/* Four rows × 16 columns: 8 sums, enough to hide the latency of the multiply-add. */
__attribute__((target("avx2,fma"))) static void quarter_avx2(const tile *t, size_t row, size_t at,
                                                             float *sum) {
    __m256 s[4][2];
    const float *b = t->b + at;
    for (size_t i = 0; i < 4; i++)
        for (size_t v = 0; v < 2; v++)
            s[i][v] = _mm256_loadu_ps(sum + (row + i) * COLUMNS + at + 8 * v);
    for (size_t k = 0; k < t->depth; k++, b += t->next) {
        __m256 b0 = _mm256_loadu_ps(b), b1 = _mm256_loadu_ps(b + 8);
        for (size_t i = 0; i < 4; i++) {
            __m256 x = _mm256_set1_ps(t->a[row + i][k * t->step]);
            s[i][0] = _mm256_fmadd_ps(x, b0, s[i][0]);
            s[i][1] = _mm256_fmadd_ps(x, b1, s[i][1]);
        }
    }
    for (size_t i = 0; i < 4; i++)
        for (size_t v = 0; v < 2; v++)
            _mm256_storeu_ps(sum + (row + i) * COLUMNS + at + 8 * v, s[i][v]);
}

static void tile_avx2(const tile *t) {
    float sum[ROWS * COLUMNS];
    fetch(sum, t);
    for (size_t row = 0; row < t->rows; row += 4)
        for (size_t at = 0; at < t->columns; at += 16) quarter_avx2(t, row, at, sum);
    store(t, sum);
}

#define AVX512 __attribute__((target("avx512f,avx512vl,avx512dq,avx512bw,fma")))

AVX512 static __mmask16 lanes(size_t n) {
    return n >= 16 ? (__mmask16)0xFFFF : (__mmask16)((1u << n) - 1);
}

/* `vectors` is constant where this is called. */
AVX512 static inline __attribute__((always_inline)) void tile_512(const tile *t, size_t vectors) {
    __m512 s[ROWS][2];
    const __mmask16 mask[2] = {lanes(t->columns), lanes(t->columns > 16 ? t->columns - 16 : 0)};
    const size_t next = t->next;
    const float *b = t->b, *a0 = t->a[0], *a1 = t->a[1], *a2 = t->a[2], *a3 = t->a[3],
                *a4 = t->a[4], *a5 = t->a[5], *a6 = t->a[6], *a7 = t->a[7];
    for (size_t i = 0; i < ROWS; i++)
        for (size_t v = 0; v < vectors; v++)
            s[i][v] = t->add && i < t->rows
                          ? _mm512_maskz_loadu_ps(mask[v], t->c + i * t->ldc + 16 * v)
                          : _mm512_setzero_ps();
    for (size_t k = 0, at = 0; k < t->depth; k++, at += t->step, b += next) {
        __m512 y[2];
        for (size_t v = 0; v < vectors; v++) y[v] = _mm512_maskz_loadu_ps(mask[v], b + 16 * v);
        const float *const x[ROWS] = {a0, a1, a2, a3, a4, a5, a6, a7};
        for (size_t i = 0; i < ROWS; i++) {
            __m512 e = _mm512_set1_ps(x[i][at]);
            for (size_t v = 0; v < vectors; v++) s[i][v] = _mm512_fmadd_ps(e, y[v], s[i][v]);
        }
    }
    for (size_t i = 0; i < ROWS; i++)
        for (size_t v = 0; v < vectors; v++)
            if (i < t->rows) _mm512_mask_storeu_ps(t->c + i * t->ldc + 16 * v, mask[v], s[i][v]);
}

AVX512 static void tile_avx512(const tile *t) {
    if (t->columns > 16) tile_512(t, 2);
    else tile_512(t, 1);
}
#endif

typedef void (*tile_fn)(const tile *t);

static tile_fn best_tile(void) {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
        return tile_avx512;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return tile_avx2;
#endif
    return tile_any;
}

/* Does it not read b beyond the columns? */
static bool reads_parts(tile_fn run) {
#if defined(__x86_64__)
    return run == tile_avx512;
#else
    return (void)run, false;
#endif
}

/* ---- panels */

/* A copy of known size is a few vectors, one of unknown size a slow string instruction. */
static void pack_rows(float *panel, const float *b, size_t ldb, size_t depth, size_t columns) {
    for (size_t k = 0; columns == COLUMNS && k < depth; k++)
        memcpy(panel + k * COLUMNS, b + k * ldb, COLUMNS * sizeof *b);
    for (size_t k = 0; columns < COLUMNS && k < depth; k++) {
        memset(panel + k * COLUMNS, 0, COLUMNS * sizeof *panel);
        for (size_t j = 0; j < columns; j++) panel[k * COLUMNS + j] = b[k * ldb + j];
    }
}

/* Columns of the panel are rows of b; four by four where possible. */
static void pack_transposed(float *panel, const float *b, size_t ldb, size_t depth,
                            size_t columns) {
    size_t j = 0, k;
#if defined(__x86_64__)
    for (; j + 4 <= columns; j += 4) {
        const float *b0 = b + j * ldb, *b1 = b0 + ldb, *b2 = b1 + ldb, *b3 = b2 + ldb;
        for (k = 0; k + 4 <= depth; k += 4) {
            __m128 r0 = _mm_loadu_ps(b0 + k), r1 = _mm_loadu_ps(b1 + k);
            __m128 r2 = _mm_loadu_ps(b2 + k), r3 = _mm_loadu_ps(b3 + k);
            _MM_TRANSPOSE4_PS(r0, r1, r2, r3);
            float *to = panel + k * COLUMNS + j;
            _mm_storeu_ps(to, r0), _mm_storeu_ps(to + COLUMNS, r1);
            _mm_storeu_ps(to + 2 * COLUMNS, r2), _mm_storeu_ps(to + 3 * COLUMNS, r3);
        }
        for (; k < depth; k++) {
            float *to = panel + k * COLUMNS + j;
            to[0] = b0[k], to[1] = b1[k], to[2] = b2[k], to[3] = b3[k];
        }
    }
#endif
    for (; j < COLUMNS; j++)
        for (k = 0; k < depth; k++) panel[k * COLUMNS + j] = j < columns ? b[j * ldb + k] : 0;
}

/* ---- few rows and columns, without tiles: the same sums */

#define THIN_BODY(multiply_add)                                                                   \
    for (size_t i = 0; i < m; i++)                                                                \
        for (size_t j = 0; j < n; j++) {                                                          \
            const float *x = ta ? a + i : a + i * lda, *y = tb ? b + j * ldb : b + j;             \
            size_t x_step = ta ? lda : 1, y_step = tb ? 1 : ldb;                                  \
            float sum = add ? c[i * ldc + j] : 0;                                                 \
            for (size_t l = 0; l < k; l++) sum = multiply_add(x[l * x_step], y[l * y_step], sum); \
            c[i * ldc + j] = sum;                                                                 \
        }
#define TWO_ROUNDINGS(x, y, sum) ((sum) + (x) * (y))

static void thin_any(bool ta, bool tb, size_t m, size_t n, size_t k, const float *a, size_t lda,
                     const float *b, size_t ldb, bool add, float *c, size_t ldc) {
    THIN_BODY(TWO_ROUNDINGS)
}

#if defined(__x86_64__)
__attribute__((target("fma"))) static void thin_fused(bool ta, bool tb, size_t m, size_t n,
                                                      size_t k, const float *a, size_t lda,
                                                      const float *b, size_t ldb, bool add,
                                                      float *c, size_t ldc) {
    THIN_BODY(__builtin_fmaf)
}
#else
#define thin_fused thin_any
#endif

/* ---- all */

static size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

void aml_nn_gemm(bool ta, bool tb, size_t m, size_t n, size_t k, const float *a, size_t lda,
                 const float *b, size_t ldb, bool add, float *c, size_t ldc) {
    _Alignas(64) float panel[DEPTH * COLUMNS];
    const tile_fn run = best_tile();
    if (m * n <= THIN) {
        (run == tile_any ? thin_any : thin_fused)(ta, tb, m, n, k, a, lda, b, ldb, add, c, ldc);
        return;
    }
    for (size_t i = 0; !k && !add && i < m; i++) memset(c + i * ldc, 0, n * sizeof *c);
    for (size_t j = 0; j < n; j += COLUMNS) {
        for (size_t at = 0; at < k; at += DEPTH) {
            tile t = {.step = ta ? lda : 1,
                      .depth = smaller(DEPTH, k - at),
                      .b = panel,
                      .next = COLUMNS,
                      .ldc = ldc,
                      .columns = smaller(COLUMNS, n - j),
                      .add = add || at};
            bool once = m <= FEW * ROWS && !tb && (t.columns == COLUMNS || reads_parts(run));
            if (once) t.b = b + at * ldb + j, t.next = ldb;
            else if (tb) pack_transposed(panel, b + j * ldb + at, ldb, t.depth, t.columns);
            else pack_rows(panel, b + at * ldb + j, ldb, t.depth, t.columns);
            for (size_t i = 0; i < m; i += ROWS) {
                t.rows = smaller(ROWS, m - i);
                for (size_t r = 0; r < ROWS; r++) {
                    size_t row = i + smaller(r, t.rows - 1);
                    t.a[r] = ta ? a + at * lda + row : a + row * lda + at;
                }
                t.c = c + i * ldc + j;
                run(&t);
            }
        }
    }
}
