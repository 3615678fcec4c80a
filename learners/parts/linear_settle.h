/* linear_settle.h: one step of coordinate ascent: the slopes of a row's loss at the margins that it ends at when these
 * slopes move them: m = z + length (slope(m) - before), which has one solution. */
#ifndef AML_LEARNERS_PARTS_LINEAR_SETTLE_H
#define AML_LEARNERS_PARTS_LINEAR_SETTLE_H

#include <stddef.h>

#include "learners/parts/linear.h"

enum { AML_SETTLE_ROOM = 5 }; /* × width doubles */

typedef struct aml_settling {
    aml_linear_loss loss; /* logistic and squared hinge, each output by itself, or softmax */
    double w;             /* of the row, > 0 */
    size_t target; /* the output of the row's class; any other number when it is none of them */
    double length; /* what a slope of 1 adds to its margin, but for */
    const double *reach; /* width: by the intercept */
    size_t width;
} aml_settling;

/* The largest curvature of these losses; 0 for all others. */
double aml_settle_curvature(aml_linear_loss loss);

/* slope (width): minus w * loss'; z: the margins with the slopes `before`. Within a hundredth of the way, about. */
void aml_settle(double *slope, const double *z, const double *before, const aml_settling *row,
                double *room);

#endif
