/* ranges.h: spaces of learners narrowed by the user. */
#ifndef AML_ENGINE_RANGES_H
#define AML_ENGINE_RANGES_H

#include "automl/engine/catalog.h"

/* AML_EUSAGE for a learner or parameter that is not there, or values that it does not take. ranges may be NULL. */
aml_status aml_ranges_check(const aml_param_range *const *ranges);
/* That of a parameter of a learner, or NULL. */
const aml_param_range *aml_range_find(const aml_param_range *const *ranges, const aml_learner *l,
                                      size_t param);
/* Narrows a dimension to a range that was checked; lists of values lie in `keep`. What the shape of the data allows is
 * kept to where the two meet. */
aml_status aml_range_apply(aml_dim *d, const aml_param_range *range, aml_arena *keep);

#endif
