/* table.h: making the tables that flow through steps, and the ends of the flow: from a frame, to a
 * design. */
#ifndef AML_FEATURIZE_TABLE_H
#define AML_FEATURIZE_TABLE_H

#include "automl/core/step.h"

/* A table in the making, over the rows of another. Columns come in the order in which they are
 * added. A failed allocation is remembered: check once, at the end. */
typedef struct aml_table_builder {
    aml_table table;
    aml_feature *features;
    size_t room;
    aml_ctx *ctx;
    bool failed;
} aml_table_builder;

/* Room for `room` columns; the sparse part of x is shared. Memory from ctx->keep. */
aml_table_builder aml_table_begin(const aml_table *x, size_t room, aml_ctx *ctx);
void aml_table_share(aml_table_builder *b, const aml_feature *f);
/* New columns of n values, not set yet; NULL on failure. The name is not copied: NULL (a failed
 * aml_feature_name) fails. aml_table_replace keeps name and source of `f`. */
float *aml_table_number(aml_table_builder *b, const char *name, uint32_t source);
/* aml_table_derived has the source and parents of `f`. */
float *aml_table_derived(aml_table_builder *b, const char *name, const aml_feature *f);
float *aml_table_replace(aml_table_builder *b, const aml_feature *f);
/* A new number column made of two: its parents are those columns' sources. */
float *aml_table_crossed(aml_table_builder *b, const char *name, const aml_feature *f,
                         const aml_feature *g);
int32_t *aml_table_category(aml_table_builder *b, const aml_feature *f, uint32_t n_levels,
                            const char *const *levels);
/* A new category column of the given name, source and parents. */
int32_t *aml_table_new_category(aml_table_builder *b, const aml_feature *like);
/* The parents of a column made of f and g, for f and g of one source each. */
void aml_feature_cross(aml_feature *out, const aml_feature *f, const aml_feature *g);
aml_status aml_table_end(aml_table *out, const aml_table_builder *b);

/* column, separator and what was done in one text: "date" "." "month". NULL when memory is short. */
char *aml_feature_name(aml_arena *arena, const char *column, const char *separator,
                       const char *what);

/* The same with a number: "city" "=#" "7". */
char *aml_feature_number(aml_arena *arena, const char *column, const char *separator,
                         size_t number);

/* x as a float within ±3e38; NaN stays. */
float aml_to_float(double x);

/* The number of columns whose kind is among `kinds`. */
size_t aml_table_count(const aml_table *t, unsigned kinds);

/* The columns of a frame with use[j] != 0 (NULL: all), identifiers left out: numbers as float32
 * within ±3e38, all else borrowed. */
aml_status aml_table_from_frame(aml_table *out, const aml_frame *f, const uint8_t *use,
                                aml_ctx *ctx);

/* The rows begin … begin + n - 1, without sparse columns: pointers moved, nothing copied but the list of columns (keep). */
aml_status aml_table_slice(aml_table *out, const aml_table *t, size_t begin, size_t n,
                           aml_arena *keep);

/* The design of a table of numbers and categories; codes below 0 become NaN. A column of text or
 * dates is AML_EINTERNAL: a step to treat it is missing. */
aml_status aml_table_to_design(aml_design *out, const aml_table *t, aml_ctx *ctx);

#endif
