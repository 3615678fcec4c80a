/* enet_descent.h: the elastic net on its working set. */
#ifndef AML_LEARNERS_PARTS_ENET_DESCENT_H
#define AML_LEARNERS_PARTS_ENET_DESCENT_H

#include "learners/parts/enet.h"

enum { AML_ENET_NEWTON = 2048 }; /* no Newton steps for more coefficients */

/* From e->coef down until the duality gap of the members alone is at most the tolerance. */
aml_status aml_enet_descend(aml_enet *e, double l2, double tolerance);

/* Value less that of the dual point in the direction of the residuals, for m features. */
double aml_enet_gap(const aml_enet *e, double l2, const double *coef, const double *slope,
                    const uint32_t *feature, size_t m);

/* c (m) -= change * row. */
void aml_enet_subtract(double *c, const double *row, double change, size_t m);

#endif
