/* calibrate.h: scores to probabilities (Platt 1999, and its multinomial form): a logistic
 * regression on the scores themselves, softmax(scale * score_c + offset_c), fitted on rows that the
 * scores' model has not seen. */
#ifndef AML_LEARNERS_PARTS_CALIBRATE_H
#define AML_LEARNERS_PARTS_CALIBRATE_H

#include "automl/core/bytes.h"
#include "automl/core/data.h"
#include "automl/core/lower.h"

/* k = 1: one score for class 1 of two, probability logistic(scale * score + offset). */
typedef struct aml_calibration {
    size_t k;
    double scale;         /* ≥ 0 */
    const double *offset; /* k */
} aml_calibration;

/* score: n × k, y class numbers and w (NULL = 1) by position. Into ctx->keep. AML_ESTOPPED when interrupted at any
 * point, AML_ENOMEM. */
aml_status aml_calibration_fit(aml_calibration *out, const double *score, const double *y,
                               const double *w, size_t n, size_t k, aml_ctx *ctx);
/* The identity: scale 1, offsets 0. */
aml_status aml_calibration_none(aml_calibration *out, size_t k, aml_ctx *ctx);
void aml_calibration_apply(double *score, size_t k,
                           const void *calibration); /* an aml_linear_link */
/* The same of the vector z; returns the probabilities. */
uint32_t aml_calibration_lower(uint32_t z, const aml_calibration *c, aml_ir *ir);
void aml_calibration_save(const aml_calibration *c, aml_writer *w);
aml_status aml_calibration_load(aml_calibration *c, size_t k, aml_reader *r, aml_ctx *ctx);

/* The inner split: a random fifth of the row list, by ctx->rng, goes to rest, the others to inner;
 * both borrow ctx->scratch. False when the fifth has fewer than 20 rows or only one class: nothing
 * to calibrate on. AML_ENOMEM. */
aml_status aml_calibration_split(bool *possible, aml_data *inner, aml_data *rest,
                                 const aml_data *train, aml_ctx *ctx);

#endif
