/* automl_score.h: libautoml_score: predicting with models of automl, and nothing else.
 *
 * The same predictions as libautoml's, bit for bit: both are compiled from the same sources. It needs the C library and
 * the mathematics library only, opens no threads and keeps no global state but the text of a thread's last error.
 *
 *     aml_score_model *model;          immutable: any number of threads may share it
 *     aml_scorer *scorer;              the memory that one thread predicts in
 *     double p[MOST_CLASSES];
 *     if (aml_score_load(&model, "m.automl") || aml_scorer_new(&scorer, model)) …
 *     aml_cell row[2] = {{.number = 39}, {.text = "Rome", .size = 4}};
 *     if (aml_scorer_row(p, scorer, row)) puts(aml_score_last_error()->message);
 *
 * Functions that can fail return an aml_status, and aml_score_last_error() has the text of the thread's last failure.
 * After the first calls with a scorer a prediction allocates nothing. Strings are UTF-8; those handed out live as
 * long as the model. Structs begin with their size, set it with sizeof. */
#ifndef AUTOML_SCORE_H
#define AUTOML_SCORE_H

#include <stddef.h>
#include <stdint.h>

#include "automl_status.h"

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define AML_SCORE_API __attribute__((visibility("default")))
#else
#define AML_SCORE_API
#endif

AML_SCORE_API const char *aml_score_version(void);
AML_SCORE_API const aml_error *aml_score_last_error(void);
/* The whole block "error[E-DATA]: … --> file:line:column …" as text. */
AML_SCORE_API void aml_score_format_error(char *out, size_t size, const aml_error *error);

/* ---- models ------------------------------------------------------------------------------- */

typedef struct aml_score_model aml_score_model;

/* AML_ENOINPUT, AML_EIO, AML_EDATA (not a model, damaged, of a newer automl), AML_ENOMEM. */
AML_SCORE_API aml_status aml_score_load(aml_score_model **out, const char *path);
/* The same from the bytes of a model file. They are copied: the caller may free them at once. */
AML_SCORE_API aml_status aml_score_load_memory(aml_score_model **out, const void *data,
                                               size_t size);
/* Scorers of the model are to be freed before. NULL is fine. */
AML_SCORE_API void aml_score_free(aml_score_model *m);

AML_SCORE_API const char *aml_score_task(
    const aml_score_model *m); /* "binary", "multiclass", "regression" */
AML_SCORE_API const char *aml_score_target(const aml_score_model *m);
AML_SCORE_API size_t aml_score_classes(const aml_score_model *m); /* 0 for regression */
AML_SCORE_API const char *aml_score_class(const aml_score_model *m,
                                          size_t i); /* NULL after the last */
/* Numbers of a prediction: the probability of class 1 for binary tasks, of each class for multiclass, the value for
 * regression. */
AML_SCORE_API size_t aml_score_outputs(const aml_score_model *m);
/* Two classes: class 1 is predicted where its probability is above this; NAN for other tasks. */
AML_SCORE_API double aml_score_threshold(const aml_score_model *m);

/* Columns of a row, in the order in which it has its cells. */
typedef struct aml_score_input {
    size_t size;
    const char *name;
    const char
        *kind; /* "number", "category", "text", "datetime", "identifier" (which is not looked at) */
    size_t levels; /* of a category */
} aml_score_input;
AML_SCORE_API size_t aml_score_inputs(const aml_score_model *m);
AML_SCORE_API int aml_score_input_at(const aml_score_model *m, size_t i,
                                     aml_score_input *out); /* 0 after the last */
/* Text of a category's level; NULL after the last. */
AML_SCORE_API const char *aml_score_level(const aml_score_model *m, size_t input, size_t level);
/* Number of the input of that name, or -1. */
AML_SCORE_API ptrdiff_t aml_score_find(const aml_score_model *m, const char *name);

/* ---- predictions -------------------------------------------------------------------------- */

/* What one thread at a time predicts in. The model must outlive it. */
typedef struct aml_scorer aml_scorer;
AML_SCORE_API aml_status aml_scorer_new(aml_scorer **out, const aml_score_model *m);
AML_SCORE_API void aml_scorer_free(aml_scorer *s); /* NULL is fine */

/* A cell: a text when `text` is not NULL, else a number, NaN = missing. What kind the column is decides how it is read:
 *     number     a number, or a text as a CSV file has it: "12.5", "1,234", "$5"; "", "NA", "null" … are missing
 *     category   a level's text, or a number, which is taken as its shortest text ("3", "0.25"); others are unseen
 *     datetime   seconds since 1970-01-01T00:00:00, or a text in one of the usual forms; missing where it is none
 *     text       the text, or a number as text
 * Blanks around a text are no part of it but in columns of texts. */
typedef struct aml_cell {
    const char *text;
    size_t size; /* bytes of the text */
    double number;
} aml_cell;

/* out: outputs (rows × outputs, row-major); cells: one for each input in order (rows × inputs, row-major). AML_EDATA names
 * the row, the column and the cell that cannot be read; out is then not set, or in part. A row's prediction
 * does not depend on the rows beside it. */
AML_SCORE_API aml_status aml_scorer_row(double *out, aml_scorer *s, const aml_cell *cells);
AML_SCORE_API aml_status aml_scorer_rows(double *out, aml_scorer *s, const aml_cell *cells,
                                         size_t rows);
/* The same of cells that are all numbers (rows × inputs, NaN = missing), or all texts that end with a NUL (NULL =
 * missing). */
AML_SCORE_API aml_status aml_scorer_numbers(double *out, aml_scorer *s, const double *cells,
                                            size_t rows);
AML_SCORE_API aml_status aml_scorer_texts(double *out, aml_scorer *s, const char *const *cells,
                                          size_t rows);

/* The class that is predicted from one row of outputs, by the threshold; 0 for regression. */
AML_SCORE_API size_t aml_score_choose(const aml_score_model *m, const double *outputs);

#ifdef __cplusplus
}
#endif
#endif
