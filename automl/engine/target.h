/* target.h: from a column to a task. */
#ifndef AML_ENGINE_TARGET_H
#define AML_ENGINE_TARGET_H

#include "automl/core/ctx.h"
#include "automl/core/task.h"

/* Rows of the frame whose target (and weight) is there. */
typedef struct aml_target {
    aml_task task;    /* of the n usable rows */
    uint32_t *rows;   /* frame rows, upwards */
    size_t n_missing; /* rows left out because the target is missing */
    size_t n_zero_weight;
} aml_target;

/* Infers the task unless `kind` is given: text or category: classes; numbers: classes when they are at most 20 whole numbers that
 * repeat (binary: two values), else regression. AML_EDATA: one class only, all missing, too many classes. weight, group, time:
 * column numbers or -1. Memory in ctx->keep. */
aml_status aml_target_make(aml_target *out, const aml_frame *f, size_t column, const char *kind,
                           int weight, int group, int time, aml_ctx *ctx);

/* Class numbers (or values) of a column by a known task: unknown classes give NAN. y has room for f->n. */
aml_status aml_target_read(double *y, const aml_frame *f, size_t column, aml_task_kind kind,
                           const char *const *classes, int n_classes);

#endif
