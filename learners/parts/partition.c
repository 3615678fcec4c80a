/* partition.c: stable partitions. */
#include "learners/parts/partition.h"

#include <string.h>

#include "automl/core/par.h"

enum { BLOCK = 16384, PREFETCH = 16, SHORT = 64 };

typedef struct part_job {
    uint32_t *position;
    size_t n;
    const uint8_t *column;
    const uint32_t *rows;
    const uint8_t *left;
    uint32_t *to_left, *to_right; /* a block's sides at the block's own place */
    size_t *n_left;               /* per block; then where its left side begins */
    size_t total;                 /* positions on the left */
} part_job;

static size_t divide(uint32_t *to_left, uint32_t *to_right, const part_job *job,
                     const uint32_t *position, size_t n) {
    size_t l = 0, r = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t at = position[i], go = job->left[job->column[job->rows[at]]];
        if (i + PREFETCH < n) __builtin_prefetch(job->column + job->rows[position[i + PREFETCH]]);
        to_left[l] = at;
        to_right[r] = at;
        l += go;
        r += 1 - go;
    }
    return l;
}

static void divide_block(void *arg, size_t block, size_t begin, size_t end, int thread) {
    part_job *job = arg;
    (void)thread;
    job->n_left[block] = divide(job->to_left + begin, job->to_right + begin, job,
                                job->position + begin, end - begin);
}

static void place_block(void *arg, size_t block, size_t begin, size_t end, int thread) {
    part_job *job = arg;
    size_t at = job->n_left[block], l = job->n_left[block + 1] - at;
    (void)thread;
    memcpy(job->position + at, job->to_left + begin, l * sizeof(uint32_t));
    memcpy(job->position + job->total + (begin - at), job->to_right + begin,
           (end - begin - l) * sizeof(uint32_t));
}

enum { MAX_BLOCKS = 1024 };

size_t aml_partition(uint32_t *position, size_t n, const uint8_t *column, const uint32_t *rows,
                     const uint8_t left[256], uint32_t *spare, int n_threads) {
    size_t n_left[MAX_BLOCKS + 1], block = n / MAX_BLOCKS + 1;
    part_job job = {position, n, column, rows, left, spare, spare + n, n_left, 0};
    if (n_threads < 2 || n < 4 * BLOCK) {
        size_t l = divide(position, spare, &job, position,
                          n); /* the left side never overtakes the reader */
        memcpy(position + l, spare, (n - l) * sizeof *position);
        return l;
    }
    if (block < BLOCK) block = BLOCK;
    size_t n_blocks = (n + block - 1) / block;
    aml_par_for(n_threads, n, block, divide_block, &job);
    for (size_t b = 0; b < n_blocks; b++) {
        size_t l = n_left[b];
        n_left[b] = job.total;
        job.total += l;
    }
    n_left[n_blocks] = job.total;
    aml_par_for(n_threads, n, block, place_block, &job);
    return job.total;
}

/* Short rows are written to both sides and count on one: no branch to predict. */
static inline __attribute__((always_inline)) size_t divide_short(aml_row_block rows, size_t n,
                                                                 size_t bytes, size_t byte,
                                                                 const uint8_t left[256],
                                                                 aml_row_block spare) {
    size_t l = 0, r = 0;
    for (size_t i = 0; i < n; i++) {
        uint8_t row[SHORT];
        uint64_t gradient = rows.gradient[i];
        uint32_t position = rows.position[i], go = left[rows.row[i * bytes + byte]];
        memcpy(row, rows.row + i * bytes, bytes);
        memcpy(rows.row + l * bytes, row, bytes);
        memcpy(spare.row + r * bytes, row, bytes);
        rows.gradient[l] = spare.gradient[r] = gradient;
        rows.position[l] = spare.position[r] = position;
        l += go;
        r += 1 - go;
    }
    return l;
}

static size_t divide_long(aml_row_block rows, size_t n, size_t bytes, size_t byte,
                          const uint8_t left[256], aml_row_block spare) {
    size_t l = 0, r = 0;
    for (size_t i = 0; i < n; i++) {
        const uint8_t *row = rows.row + i * bytes;
        uint64_t gradient = rows.gradient[i];
        uint32_t position = rows.position[i], go = left[row[byte]];
        uint8_t *to = go ? rows.row + l * bytes : spare.row + r * bytes;
        if (to != row) memcpy(to, row, bytes);
        rows.gradient[l] = spare.gradient[r] = gradient;
        rows.position[l] = spare.position[r] = position;
        l += go;
        r += 1 - go;
    }
    return l;
}

size_t aml_partition_rows(aml_row_block rows, size_t n, size_t bytes, size_t byte,
                          const uint8_t left[256], aml_row_block spare) {
    size_t l;
    switch (bytes) {
    case 8: l = divide_short(rows, n, 8, byte, left, spare); break;
    case 16: l = divide_short(rows, n, 16, byte, left, spare); break;
    case 24: l = divide_short(rows, n, 24, byte, left, spare); break;
    case 32: l = divide_short(rows, n, 32, byte, left, spare); break;
    case 40: l = divide_short(rows, n, 40, byte, left, spare); break;
    case 48: l = divide_short(rows, n, 48, byte, left, spare); break;
    case 56: l = divide_short(rows, n, 56, byte, left, spare); break;
    case 64: l = divide_short(rows, n, 64, byte, left, spare); break;
    default: l = divide_long(rows, n, bytes, byte, left, spare);
    }
    memcpy(rows.row + l * bytes, spare.row, (n - l) * bytes);
    memcpy(rows.gradient + l, spare.gradient, (n - l) * sizeof *spare.gradient);
    memcpy(rows.position + l, spare.position, (n - l) * sizeof *spare.position);
    return l;
}
