/* task.c: names of the tasks, and the shape of their predictions. */
#include "automl/core/task.h"

#include <string.h>

const char *aml_task_name(aml_task_kind kind) {
    switch (kind) {
    case AML_BINARY: return "binary";
    case AML_MULTICLASS: return "multiclass";
    case AML_REGRESSION: return "regression";
    }
    return "unknown";
}

bool aml_task_parse(aml_task_kind *out, const char *name) {
    static const aml_task_kind all[] = {AML_BINARY, AML_MULTICLASS, AML_REGRESSION};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        if (strcmp(aml_task_name(all[i]), name)) continue;
        *out = all[i];
        return true;
    }
    return false;
}

int aml_task_outputs(aml_task_kind kind, int n_classes) {
    return kind == AML_MULTICLASS ? n_classes : 1;
}
