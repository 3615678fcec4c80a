/* rows.h: walking through the rows of a list for learners on numbers: blocks of rows as matrices,
 * and sums over rows that do not depend on the number of threads. Positions count along data->rows.
 * */
#ifndef AML_LEARNERS_PARTS_ROWS_H
#define AML_LEARNERS_PARTS_ROWS_H

#include "automl/core/data.h"

/* Feature values are brought into ±AML_ROWS_LIMIT, so that products of them stay finite in double.
 * */
#define AML_ROWS_LIMIT 1e30f

/* The value a learner on numbers sees: NaN is 0, ±infinity the limit. */
static inline float aml_rows_value(float x) {
    float v = x < AML_ROWS_LIMIT ? x : AML_ROWS_LIMIT; /* in this form a single instruction each */
    v = v > -AML_ROWS_LIMIT ? v : -AML_ROWS_LIMIT;
    return x == x ? v : 0; /* NOLINT: false for NaN alone */
}

/* out: (end - begin) × p, row-major; from design->dense, or from the columns when there is none. */
void aml_rows_floats(float *out, const aml_data *x, size_t begin, size_t end);
/* The same in double, with center[0 … p-1] taken off (NULL = nothing). */
void aml_rows_doubles(double *out, const aml_data *x, const double *center, size_t begin,
                      size_t end);

/* The same for columns begin … end-1 of all rows: n × (end - begin). */
void aml_rows_panel(double *out, const aml_data *x, const double *center, size_t begin, size_t end);

/* The number of sparse features, 0 without any. */
size_t aml_rows_sparse(const aml_data *x);
/* The sparse entries of the row at position i: their columns and values; returns how many. */
size_t aml_rows_entries(const uint32_t **column, const float **value, const aml_data *x, size_t i);

/* AML_EDATA unless x has p dense and q sparse features and its task wants so many outputs: the check at the start of a
 * prediction, since a model file may say what it likes. */
aml_status aml_rows_check(const aml_data *x, size_t p, size_t q, size_t outputs);
aml_status aml_rows_check_outputs(const aml_data *x, size_t outputs);

/* The weights by position, and their sum. Where all are 0 they count as 1. NULL when memory is
 * short. */
double *aml_rows_weights(double *total, const aml_data *x, aml_arena *arena);

/* A numeric target by position, brought to weighted mean 0 and spread 1 (all 0 when constant, *sd =
 * 0); the weights w sum to 1. Large values do not overflow. NULL when memory is short. */
double *aml_rows_target(double *mean, double *sd, const aml_data *x, const double *w,
                        aml_arena *arena);

/* A sum of d doubles over n positions: made once, run as often as needed. The positions are cut
 * into parts by n and d alone; each part is summed chunk by chunk, and the parts are added in their
 * order. */
typedef struct aml_sum {
    size_t n, d, chunk, part; /* positions a chunk, positions a part (a multiple of the chunk) */
    size_t room;              /* doubles of scratch for each thread */
    double *parts, *scratch;
} aml_sum;

/* Adds positions begin … end-1 (at most `chunk` of them) to sum[0 … d-1]. */
typedef void (*aml_sum_fn)(double *sum, void *arg, size_t begin, size_t end, double *scratch);

aml_status aml_sum_init(aml_sum *s, size_t n, size_t d, size_t chunk, size_t room, aml_ctx *ctx);
/* AML_ESTOPPED when the stop flag went up: `out` is then not to be used. */
aml_status aml_sum_run(double *out, aml_sum *s, aml_sum_fn fn, void *arg, aml_ctx *ctx);

/* Rows of `width` doubles that make a good chunk: it stays in the second-level cache. */
size_t aml_rows_chunk(size_t width);

/* True when all dense values of the rows can be read straight from design->dense: none is NaN or
 * beyond the limit. */
bool aml_rows_plain(const aml_data *x, aml_ctx *ctx);

/* True when no center is so many spreads away that it costs digits to take it off last. */
bool aml_rows_near(const double *center, const double *sd, size_t p);

/* Weighted mean and standard deviation of each dense feature; w by position. */
aml_status aml_rows_moments(double *mean, double *sd, const aml_data *x, const double *w,
                            double total, aml_ctx *ctx);

#endif
