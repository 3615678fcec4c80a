/* table_file.h: tables that the drivers beside have written, and hyperparameters from the command line.
 *
 * A file is uint32 n, p, classes (0 = regression), levels[p] (0 = number), then p columns of n float32, then n
 * float32 targets. */
#ifndef AML_BENCH_TABLE_FILE_H
#define AML_BENCH_TABLE_FILE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "automl/core/learner.h"

enum { TABLE_PARAMS = 64 }; /* more than any learner has */

typedef struct table_file {
    aml_design design;
    aml_data
        data; /* all rows; with `n_valid`, the last ones are kept from learning to stop early on */
} table_file;

_Noreturn static inline void table_stop(const char *what) {
    char text[2048] = "";
    const aml_error *e = aml_last_error();
    if (e && e->status) aml_format_error(text, sizeof text, e);
    fprintf(stderr, "%s %s\n", what, text);
    exit(1);
}

static inline void table_take(void *to, size_t size, FILE *f) {
    if (!to || fread(to, 1, size, f) != size) table_stop("no memory, or the file is too short");
}

static inline void table_open(table_file *t, const char *path, size_t n_valid, aml_arena *keep) {
    uint32_t head[3];
    FILE *f = fopen(path, "rb");
    if (!f) table_stop(path);
    table_take(head, sizeof head, f);
    size_t n = head[0], p = head[1];
    if (n_valid >= n) table_stop("no rows are left to learn from");
    uint32_t *levels = AML_ARRAY(keep, p, uint32_t), *rows = AML_ARRAY(keep, n, uint32_t);
    float **column = AML_ARRAY(keep, p, float *), *target = AML_ARRAY(keep, n, float);
    double *y = AML_ARRAY(keep, n, double);
    if (!rows || !column || !y) table_stop("memory");
    table_take(levels, p * sizeof *levels, f);
    for (size_t j = 0; j < p; j++) {
        column[j] = AML_ARRAY(keep, n, float);
        table_take(column[j], n * sizeof(float), f);
    }
    table_take(target, n * sizeof *target, f);
    fclose(f);
    for (size_t i = 0; i < n; i++) y[i] = (double)target[i], rows[i] = (uint32_t)i;
    aml_task_kind task = head[2] == 0 ? AML_REGRESSION : head[2] == 2 ? AML_BINARY : AML_MULTICLASS;
    t->design =
        (aml_design){.n = n, .p = p, .n_levels = levels, .column = (const float *const *)column};
    t->data = (aml_data){.x = &t->design,
                         .rows = rows,
                         .n = n - n_valid,
                         .valid = n_valid ? rows + n - n_valid : NULL,
                         .n_valid = n_valid,
                         .task = task,
                         .n_classes = (int)head[2],
                         .y = y};
}

static inline size_t table_outputs(const table_file *t) {
    return (size_t)aml_task_outputs(t->data.task, t->data.n_classes);
}

static inline aml_shape table_shape(const table_file *t) {
    return (aml_shape){
        .n = t->data.n, .p = t->design.p, .task = t->data.task, .n_classes = t->data.n_classes};
}

#define AML_LEARNER(name) extern const aml_learner aml_learner_##name;
#include "learners/learners.def"
#undef AML_LEARNER

#define AML_LEARNER(name) &aml_learner_##name,
static const aml_learner *const table_learners[] = {
#include "learners/learners.def"
    NULL};
#undef AML_LEARNER

static inline const aml_learner *table_learner(const char *name) {
    for (size_t i = 0; table_learners[i]; i++)
        if (!strcmp(table_learners[i]->name, name)) return table_learners[i];
    table_stop(name);
}

#endif
