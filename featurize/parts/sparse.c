/* sparse.c: two CSR matrices into one. */
#include "featurize/parts/sparse.h"

#include <string.h>

#include "featurize/parts/each.h"

enum { ROWS = 4096 };

aml_arena *aml_csr_arena(const aml_csr *a, aml_ctx *ctx) { return a ? ctx->scratch : ctx->keep; }

void aml_csr_starts(uint64_t *start, size_t n) {
    start[0] = 0;
    for (size_t i = 0; i < n; i++) start[i + 1] += start[i];
}

typedef struct join {
    const aml_csr *a, *b;
    const uint64_t *start;
    uint32_t *column;
    float *value;
} join;

static void put(const join *m, size_t *at, const aml_csr *from, size_t row, uint32_t shift) {
    size_t begin = from->start[row], n = from->start[row + 1] - begin;
    for (size_t k = 0; k < n; k++) m->column[*at + k] = from->column[begin + k] + shift;
    if (n) memcpy(m->value + *at, from->value + begin, n * sizeof *m->value);
    *at += n;
}

static aml_status join_rows(void *arg, size_t block, int thread) {
    const join *m = arg;
    size_t end = (block + 1) * ROWS < m->a->n ? (block + 1) * ROWS : m->a->n;
    (void)thread;
    for (size_t i = block * ROWS; i < end; i++) {
        size_t at = m->start[i];
        put(m, &at, m->a, i, 0);
        put(m, &at, m->b, i, (uint32_t)m->a->p);
    }
    return AML_OK;
}

aml_status aml_csr_beside(const aml_csr **out, const aml_csr *a, const aml_csr *b, aml_ctx *ctx) {
    if (!a || !b->p) {
        *out = b->p ? aml_copy(ctx->keep, b, sizeof *b) : a;
        return *out || !b->p ? AML_OK : AML_ENOMEM;
    }
    size_t n = a->n, nnz = a->start[n] + b->start[n];
    aml_csr *c = AML_NEW(ctx->keep, aml_csr);
    uint64_t *start = AML_ARRAY(ctx->keep, n + 1, uint64_t);
    uint32_t *column = aml_alloc_raw(ctx->keep, nnz, sizeof *column);
    float *value = aml_alloc_raw(ctx->keep, nnz, sizeof *value);
    if (!c || !start || !column || !value) return AML_ENOMEM;
    for (size_t i = 0; i <= n; i++) start[i] = a->start[i] + b->start[i];
    *c = (aml_csr){n, a->p + b->p, start, column, value};
    *out = c;
    return aml_each(ctx, (n + ROWS - 1) / ROWS, join_rows, &(join){a, b, start, column, value});
}

aml_status aml_sparse_add(aml_table *out, const aml_table *x, const aml_csr *fresh,
                          const aml_block *blocks, size_t n_blocks, aml_ctx *ctx) {
    aml_block *all = AML_ARRAY(ctx->keep, x->n_blocks + n_blocks, aml_block);
    if (!all) return AML_ENOMEM;
    if (x->n_blocks) memcpy(all, x->blocks, x->n_blocks * sizeof *all);
    if (n_blocks) memcpy(all + x->n_blocks, blocks, n_blocks * sizeof *all);
    out->blocks = all;
    out->n_blocks = x->n_blocks + n_blocks;
    return aml_csr_beside(&out->csr, x->csr, fresh, ctx);
}
