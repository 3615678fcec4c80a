/* enet_rows.h: what the elastic net reads from the rows. */
#ifndef AML_LEARNERS_PARTS_ENET_ROWS_H
#define AML_LEARNERS_PARTS_ENET_ROWS_H

#include "learners/parts/enet.h"

void aml_enet_sparse_means(double *mean, const aml_enet *e);
/* out (d + 1) = [x 1]' W (y - x coef). */
aml_status aml_enet_slopes(double *out, const aml_enet *e, const double *coef);
/* Fills e->gram for the members from `first` on. */
aml_status aml_enet_products(aml_enet *e, size_t first);

#endif
