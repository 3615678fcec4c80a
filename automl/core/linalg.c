/* linalg.c: OpenBLAS and LAPACKE. */
#include "automl/core/linalg.h"

#include <cblas.h>
#include <lapacke.h>
#include <math.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "automl/core/arena.h"

#if defined(__x86_64__)
/* How OpenBLAS chooses its kernels; not in its header, and not in builds for one processor. */
extern void gotoblas_dynamic_quit(void) __attribute__((weak));
extern void gotoblas_dynamic_init(void) __attribute__((weak));

/* OpenBLAS takes a processor newer than itself for a Prescott of 2004, four times slower than need
 * be: it is told to choose again by what the processor can do. Whoever has set OPENBLAS_CORETYPE
 * is left alone. */
static void choose_kernels(void) {
    const char *name = "OPENBLAS_CORETYPE";
    bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
                  __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq"),
         avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    if (!gotoblas_dynamic_quit || !gotoblas_dynamic_init || !(avx512 || avx2) || getenv(name) ||
        strcmp(openblas_get_corename(), "Prescott") != 0)
        return;
    if (setenv(name, avx512 ? "SKYLAKEX" : "HASWELL", 1)) return;
    gotoblas_dynamic_quit();
    gotoblas_dynamic_init();
    unsetenv(name);
}
#else
static void choose_kernels(void) {}
#endif

static void init(void) {
    choose_kernels();
    openblas_set_num_threads(1);
}

void aml_linalg_init(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, init);
}

/* ---- the memory that OpenBLAS works in: a buffer for each product under way, asked for again and again, for ever, when there is
 * none. As many as there are processors are taken before the first product, fewer where memory is short, and no more
 * products than these run at a time. */

extern void *blas_memory_alloc(int) __attribute__((weak));
extern void blas_memory_free(void *) __attribute__((weak));

/* In bytes: what it asks for, and a little more. */
enum { BUFFER = (128 << 20) + (1 << 16), MOST_BUFFERS = 64 };
static _Atomic int buffers; /* 0: not asked for yet, or none there */
static sem_t gate;

static int take_buffers(int most) {
    void *taken[MOST_BUFFERS];
    int n = 0;
    while (n < most) {
        void *room = aml_malloc(n ? 2 * (size_t)BUFFER : BUFFER); /* others need memory, too */
        if (!room) break;
        aml_free(room);
        taken[n++] = blas_memory_alloc ? blas_memory_alloc(0) : NULL;
    }
    for (int i = 0; i < n && blas_memory_free; i++) blas_memory_free(taken[i]); /* kept by it */
    if (n) aml_clear_error();
    return n;
}

static int have_buffers(void) {
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    if (atomic_load(&buffers)) return buffers;
    aml_linalg_init();
    pthread_mutex_lock(&lock);
    if (!buffers) {
        long cores = sysconf(_SC_NPROCESSORS_ONLN);
        int n = take_buffers(cores < 1 ? 1 : cores < MOST_BUFFERS ? (int)cores : MOST_BUFFERS);
        if (n && !sem_init(&gate, 0, (unsigned)n)) atomic_store(&buffers, n);
    }
    pthread_mutex_unlock(&lock);
    return buffers;
}

static bool enter(void) {
    if (!have_buffers()) return false;
    while (sem_wait(&gate)) {}
    return true;
}

static void leave(bool entered) {
    if (entered) sem_post(&gate);
}

#define PRODUCT(call)           \
    do {                        \
        bool entered = enter(); \
        call;                   \
        leave(entered);         \
    } while (0)

aml_status aml_linalg_reserve(void) {
    if (have_buffers()) return AML_OK;
    aml_fail(AML_ENOMEM, "out of memory: linear algebra needs %d MiB to work in", BUFFER >> 20);
    return aml_help(AML_ENOMEM, "address space is limited (ulimit -v), or memory is short",
                    "give the process more of it");
}

static CBLAS_TRANSPOSE op(bool transpose) { return transpose ? CblasTrans : CblasNoTrans; }

void aml_sgemm(bool ta, bool tb, size_t m, size_t n, size_t k, float alpha, const float *a,
               size_t lda, const float *b, size_t ldb, float beta, float *c, size_t ldc) {
    if (!m || !n) return;
    PRODUCT(cblas_sgemm(CblasRowMajor, op(ta), op(tb), (blasint)m, (blasint)n, (blasint)k, alpha, a,
                        (blasint)lda, b, (blasint)ldb, beta, c, (blasint)ldc));
}

void aml_dgemm(bool ta, bool tb, size_t m, size_t n, size_t k, double alpha, const double *a,
               size_t lda, const double *b, size_t ldb, double beta, double *c, size_t ldc) {
    if (!m || !n) return;
    PRODUCT(cblas_dgemm(CblasRowMajor, op(ta), op(tb), (blasint)m, (blasint)n, (blasint)k, alpha, a,
                        (blasint)lda, b, (blasint)ldb, beta, c, (blasint)ldc));
}

void aml_dgemv(bool ta, size_t m, size_t n, double alpha, const double *a, size_t lda,
               const double *x, double beta, double *y) {
    if (!m || !n) return;
    PRODUCT(cblas_dgemv(CblasRowMajor, op(ta), (blasint)(ta ? n : m), (blasint)(ta ? m : n), alpha,
                        a, (blasint)lda, x, 1, beta, y, 1));
}

void aml_dsyrk_lower(size_t n, size_t m, const double *a, size_t lda, double beta, double *c,
                     size_t ldc) {
    if (!n) return;
    PRODUCT(cblas_dsyrk(CblasRowMajor, CblasLower, CblasTrans, (blasint)n, (blasint)m, 1, a,
                        (blasint)lda, beta, c, (blasint)ldc));
}

void aml_ssyrk_lower(size_t n, size_t m, const float *a, size_t lda, float beta, float *c,
                     size_t ldc) {
    if (!n) return;
    PRODUCT(cblas_ssyrk(CblasRowMajor, CblasLower, CblasTrans, (blasint)n, (blasint)m, 1, a,
                        (blasint)lda, beta, c, (blasint)ldc));
}

void aml_dsyrk_rows_lower(size_t n, size_t m, const double *a, size_t lda, double beta, double *c,
                          size_t ldc) {
    if (!n) return;
    PRODUCT(cblas_dsyrk(CblasRowMajor, CblasLower, CblasNoTrans, (blasint)n, (blasint)m, 1, a,
                        (blasint)lda, beta, c, (blasint)ldc));
}

void aml_ssyrk_rows_lower(size_t n, size_t m, const float *a, size_t lda, float beta, float *c,
                          size_t ldc) {
    if (!n) return;
    PRODUCT(cblas_ssyrk(CblasRowMajor, CblasLower, CblasNoTrans, (blasint)n, (blasint)m, 1, a,
                        (blasint)lda, beta, c, (blasint)ldc));
}

/* In squares, so that the strides stay within few pages. */
void aml_mirror(double *c, size_t n, size_t ldc) {
    enum { SQUARE = 32 };
    for (size_t i = 0; i < n; i += SQUARE)
        for (size_t j = 0; j <= i; j += SQUARE)
            for (size_t k = i; k < n && k < i + SQUARE; k++)
                for (size_t l = j; l < k && l < j + SQUARE; l++) c[l * ldc + k] = c[k * ldc + l];
}

void aml_dsyrk(size_t n, size_t m, const double *a, size_t lda, double beta, double *c,
               size_t ldc) {
    aml_dsyrk_lower(n, m, a, lda, beta, c, ldc);
    aml_mirror(c, n, ldc);
}

/* By columns the lower triangle is the upper one: nothing is transposed. */
bool aml_cholesky(double *a, size_t n, size_t lda) {
    lapack_int info = 0;
    if (n)
        PRODUCT(info =
                    LAPACKE_dpotrf_work(LAPACK_COL_MAJOR, 'U', (lapack_int)n, a, (lapack_int)lda));
    return info == 0;
}

bool aml_cholesky_ridge(double *factor, const double *s, size_t n, double scale, double lambda,
                        size_t n_penalised) {
    for (double ridge = 1e-13; ridge < 1; ridge *= 100) {
        for (size_t j = 0; j < n * n; j++) factor[j] = scale * s[j];
        for (size_t j = 0; j < n; j++) {
            double *diagonal = &factor[j * n + j];
            *diagonal = fmax(*diagonal, 0) * (1 + ridge) + (j < n_penalised ? lambda : 0);
            if (!(*diagonal > 1e-200)) *diagonal = 1;
        }
        if (aml_cholesky(factor, n, n)) return true;
    }
    return false;
}

void aml_cholesky_half(const double *l, size_t n, size_t lda, bool transpose, double *b) {
    if (!n) return;
    PRODUCT(cblas_dtrsv(CblasRowMajor, CblasLower, op(transpose), CblasNonUnit, (blasint)n, l,
                        (blasint)lda, b, 1));
}

void aml_cholesky_half_many(const double *l, size_t n, size_t lda, double *b, size_t m) {
    if (!n || !m) return;
    PRODUCT(cblas_dtrsm(CblasRowMajor, CblasLeft, CblasLower, CblasNoTrans, CblasNonUnit,
                        (blasint)n, (blasint)m, 1, l, (blasint)lda, b, (blasint)m));
}

bool aml_cholesky_invert(double *l, size_t n, size_t lda) {
    lapack_int info = 0;
    if (n)
        PRODUCT(info =
                    LAPACKE_dpotri_work(LAPACK_COL_MAJOR, 'U', (lapack_int)n, l, (lapack_int)lda));
    return info == 0;
}

void aml_cholesky_solve(const double *l, size_t n, size_t lda, double *b) {
    aml_cholesky_half(l, n, lda, false, b);
    aml_cholesky_half(l, n, lda, true, b);
}

static aml_status decomposed(lapack_int info, const char *what, size_t n) {
    if (info == LAPACK_WORK_MEMORY_ERROR || info == LAPACK_TRANSPOSE_MEMORY_ERROR)
        return aml_fail(AML_ENOMEM, "out of memory in the %s of a %zu x %zu matrix", what, n, n);
    if (info) return aml_fail(AML_EINTERNAL, "%s of a %zu x %zu matrix failed", what, n, n);
    return AML_OK;
}

/* The matrix is its own transpose; the vectors come in rows. */
aml_status aml_eigen(double *a, size_t n, double *w) {
    lapack_int order = (lapack_int)n, info;
    if (!n) return AML_OK;
    PRODUCT(info = LAPACKE_dsyevd(LAPACK_COL_MAJOR, 'V', 'U', order, a, order, w));
    AML_TRY(decomposed(info, "eigenvalues", n));
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < i; j++) {
            double v = a[i * n + j];
            a[i * n + j] = a[j * n + i];
            a[j * n + i] = v;
        }
    return AML_OK;
}

aml_status aml_tridiagonal(double *a, size_t n, double *d, double *e) {
    lapack_int order = (lapack_int)n;
    double *tau = aml_calloc(n + 1, sizeof *tau);
    if (!tau) return AML_ENOMEM;
    lapack_int info = 0;
    if (n) PRODUCT(info = LAPACKE_dsytrd(LAPACK_COL_MAJOR, 'U', order, a, order, d, e, tau));
    if (n && !info) PRODUCT(info = LAPACKE_dorgtr(LAPACK_COL_MAJOR, 'U', order, a, order, tau));
    aml_free(tau);
    return decomposed(info, "tridiagonal form", n);
}

/* Gram-Schmidt, twice: orthogonal to rounding, and a dependent column becomes zero. */
aml_status aml_orthonormalise(double *a, size_t m, size_t n) {
    for (size_t j = 0; j < n; j++) {
        double before = cblas_dnrm2((blasint)m, a + j, (blasint)n);
        for (int pass = 0; pass < 2; pass++) {
            for (size_t k = 0; k < j; k++) {
                double r = 0;
                for (size_t i = 0; i < m; i++) r += a[i * n + k] * a[i * n + j];
                for (size_t i = 0; i < m; i++) a[i * n + j] -= r * a[i * n + k];
            }
        }
        double norm = cblas_dnrm2((blasint)m, a + j, (blasint)n);
        double scale = norm > 1e-12 * before && norm > 0 ? 1 / norm : 0;
        for (size_t i = 0; i < m; i++) a[i * n + j] *= scale;
    }
    return AML_OK;
}

double aml_dot(const double *x, const double *y, size_t n) {
    double s0 = 0, s1 = 0, s2 = 0, s3 = 0;
    size_t i = 0;
    for (; i + 4 <= n; i += 4) {
        s0 += x[i] * y[i];
        s1 += x[i + 1] * y[i + 1];
        s2 += x[i + 2] * y[i + 2];
        s3 += x[i + 3] * y[i + 3];
    }
    for (; i < n; i++) s0 += x[i] * y[i];
    return (s0 + s1) + (s2 + s3);
}

float aml_dot_f32(const float *x, const float *y, size_t n) {
    float s[8] = {0};
    size_t i = 0;
    for (; i + 8 <= n; i += 8)
        for (int k = 0; k < 8; k++) s[k] += x[i + (size_t)k] * y[i + (size_t)k];
    for (; i < n; i++) s[0] += x[i] * y[i];
    return ((s[0] + s[1]) + (s[2] + s[3])) + ((s[4] + s[5]) + (s[6] + s[7]));
}
