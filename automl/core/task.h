/* task.h: what is to be predicted. */
#ifndef AML_CORE_TASK_H
#define AML_CORE_TASK_H

#include "automl/core/frame.h"

typedef enum aml_task_kind { AML_BINARY = 1, AML_MULTICLASS = 2, AML_REGRESSION = 4 } aml_task_kind;
enum {
    AML_ANY_TASK = AML_BINARY | AML_MULTICLASS | AML_REGRESSION,
    AML_CLASSIFICATION = AML_BINARY | AML_MULTICLASS
};

const char *aml_task_name(aml_task_kind kind); /* "binary", "multiclass", "regression" */
bool aml_task_parse(aml_task_kind *out, const char *name);

/* The target of n rows. Classification: y is a class number 0 … n_classes-1 in the order of `classes`
 * (numbers upwards, else bytewise); class 1 of two is the positive one. */
typedef struct aml_task {
    aml_task_kind kind;
    size_t n;
    int n_classes; /* regression: 0 */
    const char *const *classes;
    const double *y;
    const double *w;       /* row weights ≥ 0, mean 1, or NULL */
    const uint32_t *group; /* rows of one group stay in one fold, or NULL */
    const double *time;    /* order of rows in time, or NULL */
} aml_task;

/* Columns of a prediction: 1 for binary (probability of class 1) and regression, n_classes for multiclass. */
AML_PLUGIN int aml_task_outputs(aml_task_kind kind, int n_classes);

#endif
