/* csv_columns.h: a column of words on its way to its final form; between csv_gather.c, csv_kinds.c and
 * csv_columns.c. */
#ifndef AML_CORE_CSV_COLUMNS_H
#define AML_CORE_CSV_COLUMNS_H

#include "automl/core/csv_internal.h"

/* The texts of a column with their counts: the distinct ones, or each cell where the column is plain. They come in
 * no particular order. Stops when the function returns false. */
typedef bool csv_item_fn(void *arg, const csv_level *item);
void csv_each(const csv_column *c, size_t n, csv_item_fn *fn, void *arg);
/* Rows begin … end-1 of a plain column, in order. */
void csv_each_cell(const csv_column *c, size_t begin, size_t end, csv_item_fn *fn, void *arg);

/* An array of n elements on the heap, charged to the column's account; NULL when memory is short. */
void *csv_new_array(csv_column *c, size_t n, size_t size);
void csv_drop_array(csv_column *c, void **array, size_t bytes); /* frees it; *array becomes NULL */
/* Puts all cells of a plain column into a dictionary and codes. False: out of memory. */
bool csv_encode(csv_column *c, size_t n);
/* The text of a row. */
const char *csv_text_at(size_t *size, const csv_column *c, size_t row);

/* Cells to the form that c->kind asks for. */
void csv_convert(csv_column *c, size_t n, const csv_dialect *d);

/* csv_forms.c: of a converted column. */
aml_form csv_find_form(const csv_column *c, size_t n);
/* csv_lists.c: sets c->list. False: out of memory. */
bool csv_find_lists(csv_column *c, size_t n);

/* Remembers the first cell that does not fit (SIZE_MAX: none) and how many there are. */
void csv_note_bad(csv_column *c, size_t row, size_t count);

#endif
