/* histogram.h: sums of gradients over the bins of all features.
 *
 * Gradients are whole numbers, slope and curvature in the upper and lower half of one word, so that one add takes
 * both, and the sums do not depend on the order of the rows: any number of threads gives the same bits. A row's word
 * has 32 bits, a sum's 64. Where the numbers are small, thousands of rows are first summed in 32 bits, in a table that
 * stays in the L1 cache. */
#ifndef AML_LEARNERS_PARTS_HISTOGRAM_H
#define AML_LEARNERS_PARTS_HISTOGRAM_H

#include "learners/parts/boost_bins.h"

/* The two sums of a slot. */
static inline int64_t aml_slope(uint64_t slot) { return (int64_t)slot >> 32; }
static inline int64_t aml_curvature(uint64_t slot) { return (int64_t)(slot & UINT32_MAX); }
static inline uint64_t aml_pack(int64_t slope, int64_t curvature) {
    return ((uint64_t)slope << 32) + (uint64_t)curvature;
}

/* Of all rows, by position: (slope << 16) + curvature, |slope| and curvature at most what is said. */
typedef struct aml_gradients {
    const uint32_t *packed;
    uint32_t top_slope, top_curvature;
    double slope_unit, curvature_unit; /* of one in the packed sums */
} aml_gradients;

static inline uint64_t aml_widen(uint32_t gradient) {
    return ((uint64_t)(int64_t)((int32_t)gradient >> 16) << 32) + (gradient & 0xFFFF);
}

/* `bytes` codes of a design row from `from` on go to `to` of a gathered row. */
typedef struct aml_run {
    uint32_t from, to, bytes;
} aml_run;

/* One thread's room. */
typedef struct aml_hist_room {
    uint8_t *gathered;         /* a block of rows */
    uint32_t *narrow;          /* n_slots sums of 32 bits, 0 between uses */
    uint64_t *partial;         /* n_slots sums; of threads beyond the first */
    size_t slopes, curvatures; /* what no sum in `narrow` is above */
    bool has_partial;          /* is something in `partial`? */
} aml_hist_room;

/* Which features are summed, and where. Column c of the plan has slots [c * slots, …) for its codes; behind all columns
 * come the slots of the sparse features (aml_sparse_bins), used or not, and one that nobody looks at. */
typedef struct aml_hist_plan {
    const aml_boost_bins *from;
    size_t slots; /* of a column: 64 or 256 */
    size_t n_features, n_columns;
    size_t n_dense, n_slots; /* slots of columns, and all */
    size_t row_work;         /* adds of a row, about */
    size_t row_bytes;  /* of a gathered row: codes, then the gradient in the last 4; whole words */
    size_t words;      /* 16-byte pieces to copy when all columns are used, else 0 */
    uint32_t *feature; /* design feature numbers */
    uint32_t
        *place; /* per feature of the plan: its column among the plan's, or its sparse column */
    uint32_t *column; /* of the bins, upwards */
    aml_run *run;     /* neighbouring columns, copied together */
    size_t n_runs;
    int n_threads;
    aml_hist_room *room;
} aml_hist_plan;

aml_status aml_hist_plan_init(aml_hist_plan *p, const aml_boost_bins *from, aml_ctx *ctx);
size_t aml_hist_most_slots(const aml_hist_plan *p); /* of a histogram */
void aml_hist_plan_features(aml_hist_plan *p, const uint32_t *feature, size_t n_features);

/* Who works: all of n_threads threads, or, where that is 1, thread number `thread` alone. */
typedef struct aml_hands {
    int n_threads, thread;
} aml_hands;

/* hist[0 … n_slots) = the sums over n positions (NULL: 0 … n-1). They are taken from `rest`, if there is one. False when
 * the stop flag went up: the sums are then not to be used. */
bool aml_hist_sum(uint64_t *hist, uint64_t *rest, const aml_hist_plan *p, const uint32_t *position,
                  size_t n, const aml_gradients *gradients, aml_hands by, const aml_ctx *ctx);

static inline bool aml_hist_is_sparse(const aml_hist_plan *p, size_t k) {
    return p->feature[k] >= p->from->n_dense;
}

/* The sum over the slots of sparse feature k of the plan: over the rows where it has another code than that of 0. */
uint64_t aml_hist_apart_from_zero(const aml_hist_plan *p, const uint64_t *hist, size_t k);

/* The slots of feature k of the plan: in the histogram, or in `room`: summed up from its bundle, or those of a sparse
 * feature with what is left of `total`, the sum of all rows, for 0. */
const uint64_t *aml_hist_feature(uint64_t room[256], const aml_hist_plan *p, const uint64_t *hist,
                                 uint64_t total, size_t k);

#endif
