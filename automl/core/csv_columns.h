/* csv_columns.h: a judged column in its final form; between csv_kinds.c and csv_columns.c. */
#ifndef AML_CORE_CSV_COLUMNS_H
#define AML_CORE_CSV_COLUMNS_H

#include "automl/core/csv_internal.h"

/* Fills c->dict with the distinct texts and c->code with each row's index in it. False: out of memory. */
bool csv_find_levels(csv_column *c, const char *text, size_t n);

/* Cells to the form that c->kind asks for. */
void csv_convert(csv_column *c, const char *text, size_t n, char decimal);
void csv_to_known_category(csv_column *c, const char *text, size_t n);

/* Remembers the first cell that does not fit (SIZE_MAX: none) and how many there are. */
void csv_note_bad(csv_column *c, size_t row, size_t count);

#endif
