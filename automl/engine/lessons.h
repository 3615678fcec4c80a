/* lessons.h: what finished runs teach: rows of the matrix that the search starts from (search/parts/knowledge.h). */
#ifndef AML_ENGINE_LESSONS_H
#define AML_ENGINE_LESSONS_H

#include "automl/engine/study.h"

/* Appends the lesson of the study's finished trials as a knowledge of one row, the data; nothing when there is none: losses are
 * relative to the baseline's, and of a metric that the matrix knows. AML_ENOMEM. */
aml_status aml_lesson_write(aml_string *out, aml_study *s);

typedef struct aml_lessons {
    aml_knowledge *knowledge; /* NULL = none */
    size_t runs, left_out;    /* that taught; whose lessons are those of another version */
} aml_lessons;

/* The lessons of the newest finished runs of the store at `path`; in `keep`. As aml_store_open. */
aml_status aml_lessons_read(aml_lessons *out, const char *path, aml_arena *keep);
/* Those that a run had: the text form of their knowledge. */
aml_status aml_lessons_parse(aml_lessons *out, const char *text, size_t size, aml_arena *keep);

#endif
