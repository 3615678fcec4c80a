/* gram_floats.c: inner products of features by float arithmetic, with their centers, in one pass. The
 * rows are shifted near the centers by a sample, so that what is taken off at the end is small. */
#include "learners/parts/gram.h"

#include "automl/core/linalg.h"
#include "learners/parts/simd.h"

#include <math.h>
#include <string.h>

enum { SAMPLE = 1024, BLOCK = 131072, LEAST_BLOCK = 64, BLOCKS = 4 };

/* A row becomes p features, 1 and y, all times the root of its weight: `width` products with each. */
typedef struct pass {
    const aml_data *x;
    const double *w, *y;
    const float *shift, *unit; /* p: near the center, and one over the spread */
    size_t p, width, block;    /* rows at once */
} pass;

AML_KERNEL void load(float *restrict to, const float *restrict from, const float *restrict shift,
                     const float *restrict unit, float root, size_t p) {
    for (size_t j = 0; j < p; j++) to[j] = (aml_rows_value(from[j]) - shift[j]) * unit[j] * root;
}

AML_BEST(load,
         (float *to, const float *from, const float *shift, const float *unit, float root,
          size_t p),
         (to, from, shift, unit, root, p))

AML_KERNEL void widen(double *restrict sum, const float *restrict part, size_t n) {
    for (size_t j = 0; j < n; j++) sum[j] += (double)part[j];
}

AML_BEST(widen, (double *sum, const float *part, size_t n), (sum, part, n))

static void load_block(float *to, float *room, const pass *a, size_t begin, size_t end) {
    const aml_design *d = a->x->x;
    size_t p = a->p;
    if (!d->dense) aml_rows_floats(room, a->x, begin, end);
    for (size_t i = begin; i < end; i++, to += a->width) {
        const float *from = d->dense ? d->dense + a->x->rows[i] * p : room + (i - begin) * p;
        float root = (float)sqrt(a->w[i]);
        load_best(to, from, a->shift, a->unit, root, p);
        to[p] = root;
        to[p + 1] = (float)(sqrt(a->w[i]) * a->y[i]);
    }
}

/* Blocks of rows that the second-level cache holds, a few of them before their sum becomes doubles. */
static void add_chunk(double *sum, void *arg, size_t begin, size_t end, double *scratch) {
    const pass *a = arg;
    size_t width = a->width, to;
    float *x = (float *)scratch, *part = x + a->block * width, *room = part + width * width;
    for (size_t at = begin; at < end; at = to) {
        to = at + a->block < end ? at + a->block : end;
        load_block(x, room, a, at, to);
        aml_ssyrk_lower(width, to - at, x, width, at > begin ? 1 : 0, part, width);
    }
    for (size_t j = 0; j < width; j++) widen_best(sum + j * width, part + j * width, j + 1);
}

/* Means of an even sample, as floats; a feature that does not vary in it keeps its first value. */
static aml_status look_ahead(float *shift, float *unit, const aml_data *x, aml_arena *scratch) {
    size_t p = x->x->p, n = x->n < SAMPLE ? x->n : SAMPLE;
    double *row = AML_ARRAY(scratch, 4 * p, double), *first = row + p, *s1 = row + 2 * p,
           *s2 = row + 3 * p;
    if (!row) return AML_ENOMEM;
    if (x->n) aml_rows_doubles(first, x, NULL, 0, 1);
    for (size_t i = 0; i < n; i++) {
        size_t at = (size_t)((double)i * ((double)x->n / (double)n));
        aml_rows_doubles(row, x, first, at, at + 1);
        for (size_t j = 0; j < p; j++) {
            s1[j] += row[j] / (double)n;
            s2[j] += row[j] / (double)n * row[j];
        }
    }
    for (size_t j = 0; j < p; j++) {
        double spread = sqrt(fmax(s2[j] - s1[j] * s1[j], 0));
        shift[j] = (float)(first[j] + s1[j]);
        unit[j] = spread > 1e-30 ? (float)(1 / spread) : 1;
    }
    return AML_OK;
}

/* Takes the units and what the shift left of the means out. */
static bool finish(double *out, double *center, double *sd, const pass *a, const double *sum) {
    size_t p = a->p, width = a->width;
    const double *mean = sum + p * width, *xy = mean + width;
    for (size_t j = 0; j < p; j++)
        if (!isfinite(sum[j * width + j]) || !isfinite(mean[j]) || !isfinite(xy[j])) return false;
    for (size_t i = 0; i < p; i++) {
        double unit = 1 / (double)a->unit[i];
        for (size_t j = 0; j <= i; j++)
            out[i * p + j] = (sum[i * width + j] - mean[i] * mean[j]) * (unit / (double)a->unit[j]);
        out[i * p + i] = fmax(out[i * p + i], 0);
        out[p * p + i] = xy[i] * unit;
        center[i] = (double)a->shift[i] + mean[i] * unit;
        sd[i] = sqrt(out[i * p + i]);
    }
    aml_mirror(out, p, p);
    return true;
}

aml_status aml_gram_floats(bool *sound, double *out, double *center, double *sd, const aml_data *x,
                           const double *w, const double *y, aml_ctx *ctx) {
    size_t p = x->x->p, width = p + 2, block = BLOCK / width / 8 * 8;
    block = block < LEAST_BLOCK               ? LEAST_BLOCK
            : block > AML_GRAM_CHUNK / BLOCKS ? AML_GRAM_CHUNK / BLOCKS
                                              : block;
    size_t room = (x->x->dense ? block : 2 * block) + width;
    aml_mark mark = aml_arena_mark(ctx->scratch);
    float *shift = AML_ARRAY(ctx->scratch, p, float), *unit = AML_ARRAY(ctx->scratch, p, float);
    double *sum = aml_alloc_raw(ctx->scratch, width * width, sizeof *sum);
    if (!shift || !unit || !sum) return AML_ENOMEM;
    AML_TRY(look_ahead(shift, unit, x, ctx->scratch));
    pass a = {x, w, y, shift, unit, p, width, block};
    aml_sum s;
    AML_TRY(aml_sum_init(&s, x->n, width * width, BLOCKS * block, room * width / 2 + 1, ctx));
    AML_TRY(aml_sum_run(sum, &s, add_chunk, &a, ctx));
    *sound = finish(out, center, sd, &a, sum);
    aml_arena_release(ctx->scratch, mark);
    return AML_OK;
}
