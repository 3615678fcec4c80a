/* tree_shap.h: what each feature contributes to a prediction of trees: Shapley values of the game in which a feature that
 * is not told sends a row down both ways, by the shares of the training rows ("path dependent"; Lundberg, Erion and
 * Lee 2018, "Consistent individualized feature attribution for tree ensembles", algorithm 2). */
#ifndef AML_LEARNERS_PARTS_TREE_SHAP_H
#define AML_LEARNERS_PARTS_TREE_SHAP_H

#include "learners/parts/tree.h"

/* out: x->n × (p + 1) × k, row-major, added to: contributions of the features, then what is predicted when none is
 * told; together they are the sums of aml_trees_predict. AML_ENOMEM, AML_ESTOPPED. */
aml_status aml_trees_contributions(double *out, const aml_trees *t, size_t k, const aml_data *x,
                                   aml_ctx *ctx);

#endif
