/* boost_bins.h: bins as boosting wants them: categories of many levels in the order of their targets, and features of
 * few codes bundled into one column, so that a histogram takes one add for all of them. */
#ifndef AML_LEARNERS_PARTS_BOOST_BINS_H
#define AML_LEARNERS_PARTS_BOOST_BINS_H

#include "automl/core/data.h"

enum { AML_FEW_CODES = 32 }; /* of a feature that is bundled, missing included */

/* A feature in a bundle. */
typedef struct aml_member {
    uint8_t code[256];           /* its code for each code of the column */
    uint8_t common;              /* its code that most codes of the column have */
    uint8_t order[256];          /* the others of the column, by its code: */
    uint16_t end[AML_FEW_CODES]; /* those of its code c end at end[c] */
} aml_member;

/* Dense features, then the sparse ones of the design: number n_dense + j is column j of the csr.
 * A column of a row holds one dense feature, or a bundle: then its codes number the tuples of the members' codes that occur
 * in the design. Nothing is lost: `member` gives each tuple's code of a feature back. */
typedef struct aml_boost_bins {
    aml_bins bins; /* codes of features by design row; of sparse ones all but the columns */
    size_t n_dense;
    const aml_csr *csr; /* NULL where no feature is sparse */
    const aml_sparse_bins *sparse;
    const uint32_t *design_row; /* by position */
    size_t n, n_columns, stride;
    const uint8_t *row; /* of each of n positions: stride codes of columns; and 64 bytes beyond */
    uint32_t *column;   /* per feature: its column */
    const aml_member **member; /* per feature: where it is found in its column; NULL = alone */
    size_t n_codes;            /* of a column, at most */
} aml_boost_bins;

/* The code of sparse feature j in a design row. */
static inline unsigned aml_boost_sparse_code(const aml_boost_bins *b, size_t row, size_t j) {
    size_t low = (size_t)b->csr->start[row], end = (size_t)b->csr->start[row + 1], high = end;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (b->csr->column[middle] < j) low = middle + 1;
        else high = middle;
    }
    const aml_sparse_bins *s = b->sparse;
    if (low == end || b->csr->column[low] != j || s->slot[low] >= s->first[j + 1])
        return s->zero[j];
    return aml_sparse_code(s, j, s->slot[low]);
}

/* The code of a feature in a design row. */
static inline unsigned aml_boost_row_code(const aml_boost_bins *b, size_t row, size_t feature) {
    if (feature < b->n_dense) return b->bins.column[feature][row];
    return aml_boost_sparse_code(b, row, feature - b->n_dense);
}

static inline unsigned aml_boost_code(const aml_boost_bins *b, size_t position, size_t feature) {
    unsigned code = b->row[position * b->stride + b->column[feature]];
    return b->member[feature] ? b->member[feature]->code[code] : code;
}

/* In ctx->scratch, but level codes that differ from the design's in ctx->keep. Categories of more levels than codes are
 * ordered by their mean target (level_codes.h), and neighbours share a code. Positions count along data->rows.
 * AML_ENOMEM, AML_ESTOPPED. */
aml_status aml_boost_bins_init(aml_boost_bins *b, const aml_data *data, double smooth,
                               aml_ctx *ctx);

/* The design as the learning rows were coded: where such a category got a row's code from other rows, the row has a
 * level of that code in place of its own. In ctx->scratch. AML_ENOMEM. */
aml_status aml_boost_bins_as_learnt(aml_design *out, const aml_boost_bins *b, const aml_data *data,
                                    aml_ctx *ctx);

#endif
