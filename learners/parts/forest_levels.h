/* forest_levels.h: categories of many levels in the order of their targets, so that forests cut them like numbers.
 *
 * Ordering the levels once instead of in every node is as good and does not mistake the noise of small nodes for
 * differences between levels (Wright and König 2019). How far the means of levels can be trusted is told by the
 * variance components of a one-way layout, by the analysis of variance (Searle, Casella and McCulloch 1992): with
 * variance s² within levels and t² between them, the mean of r rows is signal and noise in equal parts at r = s² / t².
 * Levels are ordered by their means, shrunk by so many rows; where there are more levels than codes those of fewer rows
 * share a code, and neighbours share codes if there are still too many. */
#ifndef AML_LEARNERS_PARTS_FOREST_LEVELS_H
#define AML_LEARNERS_PARTS_FOREST_LEVELS_H

#include "automl/core/data.h"

enum { AML_MANY_LEVELS = 32 }; /* from here on levels are ordered once */

typedef struct aml_forest_levels {
    aml_bins bins;       /* the design's, or with further codes of ordered categories */
    const bool *ordered; /* per feature: a category whose codes are cut in their order */
} aml_forest_levels;

/* order: false leaves all as it is: for random cuts, to which random sets of levels suit better. Targets of many
 * classes: the share of the class that differs most between the levels of a feature, of those that have a sixteenth of
 * the rows. Categories whose levels do not differ for sure are cut in the order of the design's codes. In ctx->scratch. AML_ENOMEM, AML_ESTOPPED. */
aml_status aml_forest_levels_init(aml_forest_levels *out, const aml_data *data, bool order,
                                  aml_ctx *ctx);

#endif
