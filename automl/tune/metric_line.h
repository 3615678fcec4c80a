/* metric_line.h: numbers with a name in a line of text. */
#ifndef AML_TUNE_METRIC_LINE_H
#define AML_TUNE_METRIC_LINE_H

#include "automl/core/text.h"

/* A number at the beginning of s[0 … n-1], also nan, inf and infinity with a sign, in any case; what follows must not go on
 * as a word or number would ("1.2.3", "3s"). Returns its length, 0 = there is none. */
size_t aml_scan_number(double *out, const char *s, size_t n);

/* The next `name=number` or `name: number` from byte *at on, blanks and quotes allowed; the name must stand alone ("loss" is
 * not in "val_loss"). `any_case`: letters match in both cases. False: there is none. */
bool aml_scan_pair(double *out, size_t *at, const char *line, size_t n, const char *name,
                   bool any_case);
/* The next name of any pair, for hints: bytes *from … *from + *length - 1 of the line. */
bool aml_scan_any_pair(size_t *from, size_t *length, size_t *at, const char *line, size_t n);

/* A member of the JSON object in a line, numbers only; NaN and Infinity, as Python writes them, and null, are NAN, ±INFINITY and NAN.
 * "a.b" is the member b of the member a, unless there is one of that whole name. */
typedef struct aml_line_json aml_line_json;
aml_line_json *aml_line_json_new(const char *line,
                                 size_t n); /* NULL: there is no object, or no memory */
bool aml_line_json_number(double *out, const aml_line_json *j, const char *key);
void aml_line_json_free(aml_line_json *j);

#endif
