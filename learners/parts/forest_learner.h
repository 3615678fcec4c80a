/* forest_learner.h: what the forests have in common as learners; they differ in how a tree is grown. */
#ifndef AML_LEARNERS_PARTS_FOREST_LEARNER_H
#define AML_LEARNERS_PARTS_FOREST_LEARNER_H

#include "automl/core/learner.h"

enum {
    AML_FOREST_CAN = AML_CAN_WEIGHTS | AML_CAN_MISSING | AML_CAN_CATEGORIES | AML_WANTS_BINS |
                     AML_WANTS_BIN_ROWS | AML_ANYTIME | AML_REFIT
};
typedef enum aml_forest_kind { AML_RANDOM_FOREST, AML_EXTRA_TREES } aml_forest_kind;

extern const aml_param aml_forest_params[];

/* The contract's functions; fit with the kind of forest before. */
aml_status aml_forest_learn(aml_forest_kind kind, void **model, const aml_data *train,
                            const double *hp, aml_ctx *ctx);
aml_status aml_forest_apply(double *out, const void *model, const aml_data *x, aml_ctx *ctx);
void aml_forest_put(const void *model, aml_writer *w);
aml_status aml_forest_get(void **model, aml_reader *r, aml_ctx *ctx);
void aml_forest_bound(double *lo, double *hi, size_t param, const aml_shape *shape);
double aml_forest_seconds(const double *hp, const aml_shape *shape);
aml_status aml_forest_importance(double *out, const void *model, size_t p);
aml_status aml_forest_explain(double *out, const void *model, const aml_data *x, aml_ctx *ctx);

#endif
