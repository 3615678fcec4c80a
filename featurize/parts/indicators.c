/* indicators.c: one pass counts the entries of each row, another writes them. */
#include "featurize/parts/indicators.h"

#include "featurize/parts/each.h"
#include "featurize/parts/levels.h"
#include "featurize/parts/sparse.h"
#include "featurize/parts/table.h"

enum { ROWS = 4096 };

typedef struct job {
    const aml_table *x;
    const uint32_t *const *place;
    uint64_t *start;
    uint32_t *column; /* NULL while entries are counted, into start[row + 1] */
    float *value;
} job;

static aml_status fill(void *arg, size_t block, int thread) {
    const job *u = arg;
    size_t end = (block + 1) * ROWS < u->x->n ? (block + 1) * ROWS : u->x->n;
    (void)thread;
    for (size_t i = block * ROWS; i < end; i++) {
        uint64_t at = u->column ? u->start[i] : 0;
        for (size_t j = 0; j < u->x->p; j++) {
            const aml_feature *f = &u->x->features[j];
            if (!u->place[j]) continue;
            size_t l = aml_level_row(f->code[i], f->n_levels);
            uint32_t place = l < f->n_levels ? u->place[j][l] : UINT32_MAX;
            if (place == UINT32_MAX) continue;
            if (u->column) {
                u->column[at] = place;
                u->value[at] = 1;
            }
            at++;
        }
        if (!u->column) u->start[i + 1] = at;
    }
    return AML_OK;
}

aml_status aml_indicators_apply(aml_table *out, const aml_table *x, const uint32_t *const *place,
                                size_t n_new, const aml_block *blocks, size_t n_blocks,
                                aml_ctx *ctx) {
    size_t n = x->n, pieces = (n + ROWS - 1) / ROWS;
    aml_arena *arena = aml_csr_arena(x->csr, ctx);
    job u = {.x = x, .place = place, .start = AML_ARRAY(arena, n + 1, uint64_t)};
    aml_table_builder b = aml_table_begin(x, x->p, ctx);
    if (!u.start) return AML_ENOMEM;
    for (size_t j = 0; j < x->p; j++)
        if (!place[j]) aml_table_share(&b, &x->features[j]);
    AML_TRY(aml_table_end(out, &b));
    AML_TRY(aml_each(ctx, pieces, fill, &u));
    aml_csr_starts(u.start, n);
    uint32_t *column = aml_alloc_raw(arena, u.start[n], sizeof *column);
    u.value = aml_alloc_raw(arena, u.start[n], sizeof *u.value);
    if (!column || !u.value) return AML_ENOMEM;
    u.column = column;
    AML_TRY(aml_each(ctx, pieces, fill, &u));
    aml_csr fresh = {n, n_new, u.start, u.column, u.value};
    return aml_sparse_add(out, x, &fresh, blocks, n_blocks, ctx);
}
