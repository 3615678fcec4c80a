/* knowledge.h: what past datasets taught: which pipelines did how well on which data.
 *
 * A table holds the losses of P pipelines on n datasets, one table for each family of tasks
 * ("classification", "regression"). A pipeline is a list of settings by name ("learner=gbdt",
 * "gbdt.num_leaves=63"). A loss is relative: loss / loss of the constant prediction. Text form:
 * lines of fields separated by tabs, numbers with four significant digits, "-" for a gap, rows
 * sorted by dataset:
 *
 *     automl-knowledge 1              end with the CRC-32 of all bytes before its line:
 *     provenance TEXT                 end 8-HEX-DIGITS
 *     features NAME…
 *     table NAME                      for each table: metrics, then pipelines, weights, rows
 *     metrics NAME…
 *     pipeline NAME=VALUE…
 *     weights METRIC log-weight…      of the meta-features (similarity.h), at most one line a metric
 *     row DATASET FAMILY feature…     followed by one line "loss METRIC value…" for each metric in order
 *     seconds log-seconds…            and this one  */
#ifndef AML_SEARCH_KNOWLEDGE_H
#define AML_SEARCH_KNOWLEDGE_H

#include "automl/core/arena.h"
#include "automl/core/text.h"

typedef struct aml_setting {
    const char *name, *value;
} aml_setting;

typedef struct aml_pipeline {
    size_t n;
    const aml_setting *settings;
} aml_pipeline;

typedef struct aml_knowledge_row {
    const char *dataset;
    uint32_t family;        /* datasets of one source or generator share it */
    const double *features; /* n_features, NaN = unknown */
    const double *loss;     /* n_metrics × n_pipelines, NaN = not evaluated */
    const double
        *seconds_log; /* n_pipelines: natural log of a whole evaluation's seconds, NaN = unknown */
} aml_knowledge_row;

typedef struct aml_knowledge_table {
    const char *name;
    size_t n_metrics, n_pipelines, n_rows;
    const char *const *metrics;
    const aml_pipeline *pipelines;
    const double *const *weights;  /* n_metrics: n_features learnt log weights, or NULL */
    const aml_knowledge_row *rows; /* by dataset, bytewise upwards */
} aml_knowledge_table;

typedef struct aml_knowledge {
    const char *provenance;
    size_t n_features, n_tables;
    const char *const *features;
    const aml_knowledge_table *tables;
} aml_knowledge;

/* Strict: anything that aml_knowledge_write would not have written in form, a wrong checksum,
 * unsorted or repeated rows are AML_EDATA with the line. All memory in `keep`. `file` names the
 * source in errors. */
aml_status aml_knowledge_parse(aml_knowledge **out, const char *text, size_t size, const char *file,
                               aml_arena *keep);

/* Appends the text form; what was read is written back byte for byte. Check out->failed. */
void aml_knowledge_write(aml_string *out, const aml_knowledge *k);

/* The union of two: pipelines of `a` first; entries of a dataset that both know come from `b`
 * where it has them. Both must have the same features, and the same metrics in tables of the same
 * name (AML_EDATA). Learnt weights come from `a`, whose provenance stays. Borrows from both; new
 * arrays in `keep`. */
aml_status aml_knowledge_merge(aml_knowledge **out, const aml_knowledge *a, const aml_knowledge *b,
                               aml_arena *keep);

const aml_knowledge_table *aml_knowledge_find(const aml_knowledge *k,
                                              const char *table); /* or NULL */

/* The text that is compiled in (search/knowledge.tsv). */
const char *aml_knowledge_text(size_t *size);

#endif
