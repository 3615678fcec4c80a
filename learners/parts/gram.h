/* gram.h: inner products of centered dense features over rows, and of rows over features. */
#ifndef AML_LEARNERS_PARTS_GRAM_H
#define AML_LEARNERS_PARTS_GRAM_H

#include "learners/parts/rows.h"

enum {
    AML_GRAM_CHUNK = 1024, /* at most that many rows are summed in floats */
    AML_GRAM_PANEL = 256   /* and features */
};

/* out: p × p sums of w x x', then p sums of w y x; x less its center; w and y by position. */
aml_status aml_gram_features(double *out, const aml_data *x, const double *center, const double *w,
                             const double *y, aml_ctx *ctx);

/* The same in one pass, with centers and spreads (both p) that are found on the way. Products in
 * floats, summed in doubles chunk by chunk: their error is about 1e-8 of the product of the spreads.
 * *sound is false, and nothing else set, where the values are too large for floats; the weights sum
 * to 1, y has mean 0. */
aml_status aml_gram_floats(bool *sound, double *out, double *center, double *sd, const aml_data *x,
                           const double *w, const double *y, aml_ctx *ctx);

/* out: n × n products x_i' x_l of rows less the center. */
aml_status aml_gram_rows(double *out, const aml_data *x, const double *center, aml_ctx *ctx);

/* The same in floats, summed in doubles panel by panel: errors are about 1e-7 of the products of the rows'
 * lengths. *sound is false, and out not set, where the values are too large or spread too far for
 * floats; sd: p. */
aml_status aml_gram_rows_floats(bool *sound, double *out, const aml_data *x, const double *center,
                                const double *sd, aml_ctx *ctx);

/* out (p × k) = sum of x_i v_i over rows less the center, for v (n × k). */
aml_status aml_gram_combine(double *out, const aml_data *x, const double *center, const double *v,
                            size_t k, aml_ctx *ctx);
/* The same in floats, where aml_gram_rows_floats was sound. */
aml_status aml_gram_combine_floats(double *out, const aml_data *x, const double *center,
                                   const double *sd, const double *v, size_t k, aml_ctx *ctx);

#endif
