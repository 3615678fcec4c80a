/* enet.c: elastic net: the working set, screening and the duality gap. */
#include "learners/parts/enet.h"

#include "learners/parts/enet_descent.h"
#include "learners/parts/enet_rows.h"
#include "learners/parts/gram.h"

#include <math.h>
#include <string.h>

enum { LARGEST_ALL = 2048, LARGEST_SET = 4096, MOST_ROUNDS = 60, SMALL = 64 };
#define NOWHERE UINT32_MAX

static aml_status all_products(aml_enet *e, double *center) {
    size_t p = e->p;
    e->all = aml_alloc_raw(e->ctx->scratch, p * p + p, sizeof *e->all);
    if (!e->all) return AML_ENOMEM;
    AML_TRY(aml_gram_floats(&e->floats, e->all, center, e->sd, e->x, e->w, e->y, e->ctx));
    if (!e->floats) {
        AML_TRY(aml_rows_moments(center, e->sd, e->x, e->w, 1, e->ctx));
        AML_TRY(aml_gram_features(e->all, e->x, center, e->w, e->y, e->ctx));
    }
    memcpy(e->xy, e->all + p * p, p * sizeof *e->xy);
    return AML_OK;
}

static aml_status first_slopes(aml_enet *e, double *center) {
    AML_TRY(aml_rows_moments(center, e->sd, e->x, e->w, 1, e->ctx));
    e->plain = aml_rows_near(center, e->sd, e->p) && aml_rows_plain(e->x, e->ctx);
    aml_enet_sparse_means(center + e->p, e);
    return aml_enet_slopes(e->xy, e, e->coef); /* all 0 */
}

aml_status aml_enet_init(aml_enet *e, const aml_data *train, aml_ctx *ctx) {
    size_t n = train->n, p = train->x->p, q = aml_rows_sparse(train), d = p + q;
    aml_arena *scratch = ctx->scratch;
    double total, *w = aml_rows_weights(&total, train, scratch);
    double *center = AML_ARRAY(scratch, d, double);
    *e = (aml_enet){.x = train, .n = n, .p = p, .q = q, .d = d, .w = w, .center = center};
    e->ctx = ctx;
    e->sd = AML_ARRAY(scratch, p, double), e->coef = AML_ARRAY(scratch, d, double);
    e->slope = AML_ARRAY(scratch, d + 1, double), e->xy = AML_ARRAY(scratch, d + 1, double);
    e->pull = AML_ARRAY(scratch, d, double);
    e->member = AML_ARRAY(scratch, d, uint32_t), e->place = AML_ARRAY(scratch, d, uint32_t);
    if (!w || !center || !e->sd || !e->coef || !e->slope || !e->xy || !e->pull || !e->member ||
        !e->place)
        return AML_ENOMEM;
    for (size_t i = 0; i < n; i++) w[i] /= total;
    for (size_t j = 0; j < d; j++) e->place[j] = NOWHERE;
    e->y = aml_rows_target(&e->y_mean, &e->y_sd, train, w, scratch);
    if (!e->y) return AML_ENOMEM;
    e->square_y = e->y_sd > 0 ? 1 : 0;
    AML_TRY(!q && p <= LARGEST_ALL && p <= 2 * n ? all_products(e, center)
                                                 : first_slopes(e, center));
    memcpy(e->slope, e->xy, d * sizeof *e->xy);
    memcpy(e->pull, e->xy, d * sizeof *e->xy);
    return AML_OK;
}

double aml_enet_largest(const aml_enet *e) {
    double largest = 0;
    for (size_t j = 0; j < e->d; j++) largest = fmax(largest, fabs(e->xy[j]));
    return largest;
}

/* Room for `size` features, with what there is. */
static aml_status grow(aml_enet *e, size_t size) {
    size_t room = e->room ? e->room : SMALL, old = e->room;
    if (size <= old) return AML_OK;
    while (room < size) room *= 2;
    double *gram = aml_alloc_raw(e->ctx->scratch, room * room, sizeof *gram);
    double *b = AML_ARRAY(e->ctx->scratch, room, double),
           *c = AML_ARRAY(e->ctx->scratch, room, double),
           *step = AML_ARRAY(e->ctx->scratch, 4 * room, double);
    size_t newton = room < AML_ENET_NEWTON ? room : AML_ENET_NEWTON;
    double *factor = aml_alloc_raw(e->ctx->scratch, newton * newton, sizeof *factor);
    if (!gram || !b || !c || !step || !factor) return AML_ENOMEM;
    for (size_t i = 0; i < e->size; i++)
        memcpy(gram + i * room, e->gram + i * old, e->size * sizeof *gram);
    e->gram = gram, e->b = b, e->c = c, e->room = room;
    e->step = step, e->slack = step + room, e->factor = factor;
    return AML_OK;
}

/* Products of the members from `first` on with all members. */
static aml_status fill_products(aml_enet *e, size_t first) {
    size_t m = e->size, room = e->room;
    if (first == m) return AML_OK;
    if (!e->all) return aml_enet_products(e, first);
    for (size_t i = first; i < m; i++)
        for (size_t l = 0; l <= i; l++) {
            double v = e->all[(size_t)e->member[i] * e->d + e->member[l]];
            e->gram[i * room + l] = e->gram[l * room + i] = v;
        }
    return AML_OK;
}

/* Features outside the set whose slope is above the limit enter; of too many the steepest. */
static aml_status enter(bool *entered, aml_enet *e, double limit) {
    size_t first = e->size, count;
    for (;; limit *= 1.1) {
        count = 0;
        for (size_t j = 0; j < e->d; j++)
            count += e->place[j] == NOWHERE && fabs(e->slope[j]) > limit;
        if (first + count <= LARGEST_SET) break;
        if (first == LARGEST_SET || !(limit > 0)) count = 0;
        if (!count) break;
    }
    *entered = count > 0;
    if (!count) return AML_OK;
    AML_TRY(grow(e, first + count));
    for (size_t j = 0; j < e->d; j++) {
        if (e->place[j] != NOWHERE || !(fabs(e->slope[j]) > limit)) continue;
        e->place[j] = (uint32_t)e->size;
        e->member[e->size++] = (uint32_t)j;
    }
    return fill_products(e, first);
}

static void add_products_of_coef(double *slope, const aml_enet *e, double sign) {
    for (size_t j = 0; j < e->d; j++)
        if (e->coef[j] != 0) aml_enet_subtract(slope, e->all + j * e->d, -sign * e->coef[j], e->d);
}

/* From the rows: what the products missed of the slopes goes into `pull`. */
static aml_status correct(aml_enet *e) {
    if (!e->exact) {
        e->plain = aml_rows_near(e->center, e->sd, e->p) && aml_rows_plain(e->x, e->ctx);
        memset(e->slope, 0, e->d * sizeof *e->slope); /* as coefficients */
        AML_TRY(aml_enet_slopes(e->xy, e, e->slope));
        e->exact = true;
    }
    AML_TRY(aml_enet_slopes(e->slope, e, e->coef));
    memcpy(e->pull, e->slope, e->d * sizeof *e->pull);
    add_products_of_coef(e->pull, e, 1);
    return AML_OK;
}

static aml_status refresh_slopes(aml_enet *e, double tolerance) {
    if (!e->all) return aml_enet_slopes(e->slope, e, e->coef);
    if (e->floats && tolerance < AML_ENET_ROUGH) return correct(e);
    memcpy(e->slope, e->pull, e->d * sizeof *e->slope);
    e->slope[e->d] = 0;
    add_products_of_coef(e->slope, e, -1);
    return AML_OK;
}

aml_status aml_enet_solve(aml_enet *e, double l1, double l2, double tolerance) {
    double above = e->l1 > 0 ? e->l1 : aml_enet_largest(e), inner = 0.5 * tolerance;
    bool entered;
    e->l1 = l1;
    AML_TRY(enter(&entered, e, fmax(2 * l1 - fmax(above, l1), 0.5 * l1)));
    for (int round = 0; round < MOST_ROUNDS; round++) {
        AML_TRY(aml_enet_descend(e, l2, inner));
        AML_TRY(refresh_slopes(e, tolerance));
        e->gap = aml_enet_gap(e, l2, e->coef, e->slope, NULL, e->d);
        if (e->gap <= tolerance) return AML_OK;
        AML_TRY(enter(&entered, e, l1 * (1 + 1e-12)));
        if (!entered) inner *= 0.1;
        if (inner < 1e-20) return AML_OK;
    }
    return AML_OK;
}

void aml_enet_coef(double *out, const aml_enet *e) {
    out[e->d] = e->y_mean + e->slope[e->d] * e->y_sd;
    for (size_t j = 0; j < e->d; j++) {
        out[j] = e->coef[j] * e->y_sd;
        if (!(fabs(out[j]) < 1e150)) out[j] = 0;
        out[e->d] -= out[j] * e->center[j];
    }
}
