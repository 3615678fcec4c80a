/* neighbours_coarse.c: rounding rows and queries to bytes, with their errors. */
#include "learners/parts/neighbours_coarse.h"

#include <math.h>
#include <string.h>

#include "automl/core/par.h"

/* Fewer features or rows gain nothing, more could overflow. Steps are halved up to HALVINGS times below the one that
 * covers all values: what is beyond is cut off. */
enum { LEAST_FEATURES = 5, MOST_FEATURES = 4096, LEAST_ROWS = 4096, SAMPLE = 64, HALVINGS = 8 };
enum { TOP = 127, OFFSET = 128, NO_ROW = INT32_MIN / 2, BLOCK = 256 * AML_PANEL };

/* More than all roundings in float of a bound and of a distance of p features. */
static double slack(size_t p) { return 1 + ((double)p + 64) * 0x1p-22; }

/* An error in steps, up: the part of a value between two steps is off by 2^-15 at most. */
static float error_of(float square, size_t p) {
    return (float)(sqrt((double)square) * slack(p) + sqrt((double)p) * 0x1p-15);
}

/* x in steps, rounded to whole numbers between ±TOP: far away from 0 floats are whole. */
static inline float rounded(float x) {
    const float whole = 12582912; /* 1.5 × 2^23 */
    float u = x < TOP ? x : TOP;
    u = u > -TOP ? u : -TOP;
    return (u + whole) - whole;
}

/* Feature j of the 16 rows of a panel: codes, and what they add to the squares of the errors. */
static inline void round_feature(float code[AML_PANEL], float square[AML_PANEL], const float *x,
                                 float centre, float inverse) {
    for (size_t i = 0; i < AML_PANEL; i++) {
        float v = (x[i] - centre) * inverse;
        code[i] = rounded(v);
        square[i] += (v - code[i]) * (v - code[i]);
    }
}

/* ---- centre and step, by a sample of panels */

static const float *sample_panel(const aml_neighbours *m, size_t i) {
    return m->panel + i * (m->n / AML_PANEL) / SAMPLE * m->p * AML_PANEL;
}

/* The largest distance of a value from the centre. */
static float place(float *centre, const aml_neighbours *m) {
    float widest = 0;
    for (size_t j = 0; j < m->p; j++) {
        float lo = INFINITY, hi = -INFINITY;
        for (size_t i = 0; i < SAMPLE * AML_PANEL; i++) {
            float v = sample_panel(m, i / AML_PANEL)[j * AML_PANEL + i % AML_PANEL];
            lo = v < lo ? v : lo;
            hi = v > hi ? v : hi;
        }
        centre[j] = lo / 2 + hi / 2;
        widest = fmaxf(widest, (hi - lo) / 2);
    }
    return widest;
}

/* Sum over the panels of the largest error of a row. */
static double sum_errors(const aml_coarse_rows *c, const aml_neighbours *m) {
    double sum = 0;
    for (size_t i = 0; i < SAMPLE; i++) {
        float code[AML_PANEL], square[AML_PANEL] = {0}, most = 0;
        for (size_t j = 0; j < m->p; j++)
            round_feature(code, square, sample_panel(m, i) + j * AML_PANEL, c->centre[j],
                          1 / c->step);
        for (size_t r = 0; r < AML_PANEL; r++) most = fmaxf(most, square[r]);
        sum += sqrt((double)most) * (double)c->step;
    }
    return sum;
}

static void choose_step(aml_coarse_rows *c, const aml_neighbours *m, float widest) {
    double least = INFINITY;
    float best = 1;
    c->step = widest > 1e-30f ? widest / TOP : 1;
    for (int i = 0; i < HALVINGS; i++, c->step /= 2) {
        double sum = sum_errors(c, m);
        if (sum < least) least = sum, best = c->step;
    }
    c->step = best;
}

/* ---- rows */

typedef struct rounding {
    const aml_coarse_rows *c;
    const aml_neighbours *m;
    uint8_t *code;
    int32_t *start;
    float *error;
} rounding;

static void round_panel(const rounding *r, size_t panel) {
    const aml_coarse_rows *c = r->c;
    const float *x = r->m->panel + panel * AML_PANEL * c->p;
    uint8_t *to = r->code + panel * AML_PANEL * c->width;
    float code[AML_PANEL], square[AML_PANEL] = {0}, most = 0;
    int32_t own[AML_PANEL] = {0};
    memset(to, OFFSET, AML_PANEL * c->width);
    for (size_t j = 0; j < c->p; j++) {
        round_feature(code, square, x + j * AML_PANEL, c->centre[j], 1 / c->step);
        for (size_t i = 0; i < AML_PANEL; i++) {
            int32_t u = (int32_t)code[i];
            own[i] += u * u;
            to[j / 4 * 64 + i * 4 + j % 4] = (uint8_t)(u + OFFSET);
        }
    }
    for (size_t i = 0; i < AML_PANEL; i++) {
        bool exists = panel * AML_PANEL + i < r->m->n;
        r->start[panel * AML_PANEL + i] = exists ? -(own[i] / 2) : NO_ROW;
        if (exists) most = fmaxf(most, square[i]);
    }
    r->error[panel / 2] = fmaxf(r->error[panel / 2], error_of(most, c->p));
}

/* Whole pairs of panels a block. */
static void round_rows(void *arg, size_t block, size_t begin, size_t end, int thread) {
    (void)block, (void)thread;
    for (size_t i = begin; i < end; i += AML_PANEL) round_panel(arg, i / AML_PANEL);
}

aml_status aml_coarse_build(const aml_coarse_rows **out, const aml_neighbours *m, aml_ctx *ctx) {
    *out = NULL;
    if (!aml_neighbour_kernels_best()->coarse || m->p < LEAST_FEATURES || m->p > MOST_FEATURES ||
        m->n < LEAST_ROWS)
        return AML_OK;
    size_t n_pairs = (m->n + 2 * AML_PANEL - 1) / (2 * AML_PANEL), rows = n_pairs * 2 * AML_PANEL;
    aml_coarse_rows *c = AML_NEW(ctx->keep, aml_coarse_rows);
    float *centre = AML_ARRAY(ctx->keep, m->p, float);
    rounding r = {.c = c,
                  .m = m,
                  .code = aml_alloc(ctx->keep, rows, (m->p + 3) / 4 * 4),
                  .start = aml_alloc_raw(ctx->keep, rows, sizeof(int32_t)),
                  .error = AML_ARRAY(ctx->keep, n_pairs, float)};
    if (!c || !centre || !r.code || !r.start || !r.error) return AML_ENOMEM;
    *c = (aml_coarse_rows){.p = m->p,
                           .width = (m->p + 3) / 4 * 4,
                           .centre = centre,
                           .code = r.code,
                           .start = r.start,
                           .error = r.error};
    float widest = place(centre, m);
    choose_step(c, m, widest);
    for (size_t i = rows - AML_PANEL; i < rows; i++) r.start[i] = NO_ROW;
    aml_par_for(ctx->n_threads, m->n, BLOCK, round_rows, &r);
    *out = c;
    return AML_OK;
}

/* ---- queries */

void aml_coarse_query(int8_t *code, float *base, float *error, const aml_coarse_rows *c,
                      const float *q) {
    int32_t own = 0, sum = 0;
    float square = 0;
    memset(code, 0, c->width);
    for (size_t j = 0; j < c->p; j++) {
        float v = (q[j] - c->centre[j]) * (1 / c->step), u = rounded(v);
        square += (v - u) * (v - u);
        own += (int32_t)u * (int32_t)u;
        sum += (int32_t)u;
        code[j] = (int8_t)u;
    }
    double exact = (double)own / 2 + OFFSET * (double)sum;
    *base = (float)(exact - fabs(exact) * 0x1p-20 - 3);
    *error = error_of(square, c->p);
}

float aml_coarse_reach(const aml_coarse_rows *c, float square, float error) {
    return (float)((sqrt((double)square) / (double)c->step * slack(c->p) + (double)error) *
                   (1 + 0x1p-20));
}
