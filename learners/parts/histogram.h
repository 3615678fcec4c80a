/* histogram.h: sums of gradients over the bins of all features.
 *
 * Gradients are whole numbers, the slope in the upper and the curvature in the lower 32 bits of one word, so that one
 * add takes both, and the sums do not depend on the order of the rows: any number of threads gives the same bits.
 * Each feature has a slot for each code 0 … n_bins; features lie side by side. */
#ifndef AML_LEARNERS_PARTS_HISTOGRAM_H
#define AML_LEARNERS_PARTS_HISTOGRAM_H

#include "automl/core/data.h"

/* The two sums of a slot. */
static inline int64_t aml_slope(uint64_t slot) { return (int64_t)slot >> 32; }
static inline int64_t aml_curvature(uint64_t slot) { return (int64_t)(slot & UINT32_MAX); }
static inline uint64_t aml_pack(int64_t slope, int64_t curvature) {
    return ((uint64_t)slope << 32) + (uint64_t)curvature;
}

/* `bytes` codes of a design row from `from` on go to `to` of a gathered row. */
typedef struct aml_run {
    uint32_t from, to, bytes;
} aml_run;

/* Which features are summed, and where. Rows are known by their position along `rows`. */
typedef struct aml_hist_plan {
    const aml_bins *bins;
    const uint32_t *rows; /* position to design row */
    size_t n_features, n_slots;
    size_t row_bytes;  /* codes of a row, whole words: n_features rounded up to 8 */
    uint32_t *feature; /* design feature numbers */
    uint32_t *offset;  /* first slot of each feature */
    uint32_t *
        tile; /* words [tile[k], tile[k + 1]) are summed together: their slots stay in the L1 cache */
    size_t n_tiles;
    aml_run *run; /* neighbouring features, copied together */
    size_t n_runs;
    int n_threads;
    size_t block_bytes;  /* room for a gathered block */
    uint8_t *gathered;   /* each thread's block of rows, */
    uint64_t *gradients; /* its gradients, */
    uint64_t *partial;   /* and its sums (threads beyond the first) */
} aml_hist_plan;

aml_status aml_hist_plan_init(aml_hist_plan *p, const aml_bins *bins, const uint32_t *rows,
                              aml_ctx *ctx);
void aml_hist_plan_features(aml_hist_plan *p, const uint32_t *feature, size_t n_features);

/* hist[0 … n_slots) = the sums over n positions (NULL: 0 … n-1) of gradient[position]. False when
 * the stop flag went up: the sums are then not to be used. */
bool aml_hist_sum(uint64_t *hist, aml_hist_plan *p, const uint32_t *position, size_t n,
                  const uint64_t *gradient, const aml_ctx *ctx);

/* The same from rows already gathered (aml_hist_gather) with their gradients. */
bool aml_hist_sum_rows(uint64_t *hist, aml_hist_plan *p, const uint8_t *row, size_t n,
                       const uint64_t *gradient, const aml_ctx *ctx);

/* out: n rows of row_bytes codes of the planned features. */
void aml_hist_gather(uint8_t *out, const aml_hist_plan *p, const uint32_t *position, size_t first,
                     size_t n);

/* a -= b, slot by slot. */
void aml_hist_subtract(uint64_t *a, const uint64_t *b, size_t n_slots);

#endif
