/* partition.c: stable partitions. */
#include "learners/parts/partition.h"

#include <string.h>

#include "automl/core/par.h"
#include "learners/parts/simd.h"

#ifdef AML_AVX512
#include <immintrin.h>
#endif

enum { BLOCK = 8192, PREFETCH = 16 };

static inline uint32_t goes_left(const aml_code_set *set, uint32_t code) {
    return set->word[code / 32] >> code % 32 & 1;
}

/* Positions first … first + n - 1 of the job to two sides. */
typedef size_t divide_fn(uint32_t *to_left, uint32_t *to_right, const aml_partition_job *job,
                         size_t first, size_t n);

static size_t divide_plain(uint32_t *to_left, uint32_t *to_right, const aml_partition_job *job,
                           size_t first, size_t n) {
    const uint32_t *position = job->position + first, *rows = job->rows;
    size_t l = 0, r = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t at = job->fresh ? (uint32_t)(first + i) : position[i];
        if (!job->fresh && i + PREFETCH < n) {
            uint32_t next = position[i + PREFETCH];
            __builtin_prefetch(job->column + (rows ? rows[next] : next));
        }
        uint32_t go = goes_left(&job->left, job->column[rows ? rows[at] : at]);
        to_left[l] = at;
        to_right[r] = at;
        l += go;
        r += 1 - go;
    }
    return l;
}

static size_t divide_sparse(uint32_t *to_left, uint32_t *to_right, const aml_partition_job *job,
                            size_t first, size_t n) {
    size_t l = 0, r = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t at = job->fresh ? (uint32_t)(first + i) : job->position[first + i];
        size_t row = job->rows ? job->rows[at] : at;
        uint32_t go = goes_left(&job->left, aml_boost_row_code(job->sparse, row, job->feature));
        to_left[l] = at;
        to_right[r] = at;
        l += go;
        r += 1 - go;
    }
    return l;
}

#ifdef AML_AVX512
/* 16 positions at a time: both sides are written whole and count on by what belongs to them. */
AML_AVX512 static size_t divide_avx512(uint32_t *to_left, uint32_t *to_right,
                                       const aml_partition_job *job, size_t first, size_t n) {
    const __m512i set = _mm512_castsi256_si512(_mm256_loadu_si256((const void *)job->left.word));
    const __m512i low5 = _mm512_set1_epi32(31), one = _mm512_set1_epi32(1);
    const __m512i steps = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    size_t l = 0, r = 0, i = 0;
    for (; i + 16 <= n; i += 16) {
        __m512i at = job->fresh ? _mm512_add_epi32(_mm512_set1_epi32((int)(first + i)), steps)
                                : _mm512_loadu_si512(job->position + first + i);
        __m512i row = job->rows ? _mm512_i32gather_epi32(at, job->rows, 4) : at, code;
        if (job->fresh && !job->rows)
            code = _mm512_cvtepu8_epi32(_mm_loadu_si128((const void *)(job->column + first + i)));
        else
            code = _mm512_and_si512(_mm512_i32gather_epi32(row, job->column, 1),
                                    _mm512_set1_epi32(255));
        __m512i word = _mm512_permutexvar_epi32(_mm512_srli_epi32(code, 5), set);
        __m512i bit = _mm512_srlv_epi32(word, _mm512_and_si512(code, low5));
        __mmask16 go = _mm512_test_epi32_mask(bit, one), stay = (__mmask16)~go;
        size_t n_left = (size_t)__builtin_popcount(go);
        _mm512_storeu_si512(to_left + l, _mm512_maskz_compress_epi32(go, at));
        _mm512_storeu_si512(to_right + r, _mm512_maskz_compress_epi32(stay, at));
        l += n_left;
        r += 16 - n_left;
    }
    return l + divide_plain(to_left + l, to_right + r, job, first + i, n - i);
}
#endif

/* A block: the left side, then the right side, at the block's own place of the spare. */
typedef struct part_job {
    const aml_partition_job *job;
    divide_fn *divide;
    size_t *n_left; /* per block; then where its left side begins */
    size_t block, total;
} part_job;

/* Right sides are written where positions were read, and wait behind the left ones. */
static void divide_block(void *arg, size_t block, size_t begin, size_t end, int thread) {
    part_job *job = arg;
    uint32_t *left = job->job->spare + begin, *right = job->job->position + begin;
    (void)thread;
    size_t n_left = job->divide(left, right, job->job, begin, end - begin);
    memcpy(left + n_left, right, (end - begin - n_left) * sizeof *left);
    job->n_left[block] = n_left;
}

static void place_block(void *arg, size_t block, size_t begin, size_t end, int thread) {
    const part_job *job = arg;
    size_t at = job->n_left[block], l = job->n_left[block + 1] - at;
    const uint32_t *spare = job->job->spare + begin;
    uint32_t *position = job->job->position;
    (void)thread;
    memcpy(position + at, spare, l * sizeof *spare);
    memcpy(position + job->total + (begin - at), spare + l, (end - begin - l) * sizeof *spare);
}

enum { MAX_BLOCKS = 256 };

size_t aml_partition(const aml_partition_job *job, int n_threads) {
    size_t n_left[MAX_BLOCKS + 1], n = job->n;
    part_job part = {.job = job, .divide = divide_plain, .n_left = n_left, .block = BLOCK};
#ifdef AML_AVX512
    if (aml_has_avx512()) part.divide = divide_avx512;
#endif
    if (job->sparse) part.divide = divide_sparse;
    if (n > (size_t)BLOCK * MAX_BLOCKS) part.block = (n / MAX_BLOCKS / BLOCK + 1) * BLOCK;
    if (n_threads < 2 || n < 4 * (size_t)BLOCK) { /* the left side never overtakes the reader */
        size_t l = part.divide(job->position, job->spare, job, 0, n);
        memcpy(job->position + l, job->spare, (n - l) * sizeof *job->spare);
        return l;
    }
    size_t n_blocks = (n + part.block - 1) / part.block;
    aml_par_for(n_threads, n, part.block, divide_block, &part);
    for (size_t b = 0; b < n_blocks; b++) {
        size_t l = n_left[b];
        n_left[b] = part.total;
        part.total += l;
    }
    n_left[n_blocks] = part.total;
    aml_par_for(n_threads, n, part.block, place_block, &part);
    return part.total;
}
