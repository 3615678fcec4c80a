/* tables.h: what the benches on real tables share: reading a table of the folder, splitting its rows, a metric's value.
 * Every failure ends the program with the error's text. */
#ifndef AML_BENCH_TABLES_H
#define AML_BENCH_TABLES_H

#include <stdint.h>

#include "automl/automl.h"
#include "automl/core/frame.h"

_Noreturn void bench_stop(const char *what);

/* $AUTOML_DATASETS, default ../shared/datasets. */
const char *bench_folder(void);
aml_frame *bench_read(const char *file);

/* Rows in a fixed random order that depends on `number`: the first `share` of them, and the rest. */
void bench_split(aml_frame **first, aml_frame **rest, const aml_frame *all, double share,
                 uint32_t number);

/* A metric of a model on rows; NAN when it is not defined on them. */
double bench_score(const aml_model *m, const aml_frame *data, const char *metric, int threads);

/* A number of the command line; ends the program with 64 when it is none. */
double bench_number(const char *text);

/* How much a bench of trainings is to do. */
typedef struct bench_options {
    size_t trials, learn_rows, most_rows, splits, first_split;
    int threads;
} bench_options;

/* --trials, --learn-rows, --most-rows, --splits, --first-split and --threads; the place of the first operand. Ends the program
 * with 64, naming it, when an option is wrong. */
int bench_options_read(bench_options *o, int argc, char **argv);

/* A line of index.csv. */
typedef struct bench_table {
    const char *name, *file, *target, *task;
} bench_table;

/* Calls fn for the tables with so many rows, one target and neither time nor group columns; n names: only those. */
void bench_each_table(void (*fn)(const bench_table *table, void *arg), void *arg, size_t least_rows,
                      size_t most_rows, int n, char **names);

/* At most `rows` and half of the rows to learn from, and at most 20,000 others to test on, by the number of the split. */
void bench_divide(aml_frame **learn, aml_frame **test, const aml_frame *all, size_t rows,
                  size_t split);

#endif
