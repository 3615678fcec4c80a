/* enet.c: elastic net: the descent on the working set, screening and the duality gap. */
#include "learners/parts/enet.h"

#include "automl/core/linalg.h"
#include "learners/parts/enet_rows.h"
#include "learners/parts/gram.h"
#include "learners/parts/simd.h"

#include <math.h>
#include <string.h>

enum {
    LARGEST_ALL = 2048,
    LARGEST_SET = 4096,
    MOST_SWEEPS = 20000,
    MOST_ROUNDS = 60,
    INNER_SWEEPS = 100,
    SMALL = 64
};
#define NOWHERE UINT32_MAX

aml_status aml_enet_init(aml_enet *e, const aml_data *train, aml_ctx *ctx) {
    size_t n = train->n, p = train->x->p, q = aml_rows_sparse(train), d = p + q;
    aml_arena *scratch = ctx->scratch;
    double total, *w = aml_rows_weights(&total, train, scratch);
    double *center = AML_ARRAY(scratch, d, double);
    *e = (aml_enet){.x = train, .n = n, .p = p, .q = q, .d = d, .w = w, .center = center};
    e->ctx = ctx;
    e->sd = AML_ARRAY(scratch, p, double), e->coef = AML_ARRAY(scratch, d, double);
    e->slope = AML_ARRAY(scratch, d, double), e->xy = AML_ARRAY(scratch, d, double);
    e->member = AML_ARRAY(scratch, d, uint32_t), e->place = AML_ARRAY(scratch, d, uint32_t);
    if (!w || !center || !e->sd || !e->coef || !e->slope || !e->xy || !e->member || !e->place)
        return AML_ENOMEM;
    for (size_t i = 0; i < n; i++) w[i] /= total;
    for (size_t j = 0; j < d; j++) e->place[j] = NOWHERE;
    AML_TRY(aml_rows_moments(center, e->sd, train, w, 1, ctx));
    e->y = aml_rows_target(&e->y_mean, &e->y_sd, train, w, scratch);
    if (!e->y) return AML_ENOMEM;
    e->square_y = e->y_sd > 0 ? 1 : 0;
    aml_enet_sparse_means(center + p, e);
    if (!q && p <= LARGEST_ALL && p <= 2 * n) {
        e->all = aml_alloc_raw(scratch, p * p + p, sizeof *e->all);
        if (!e->all) return AML_ENOMEM;
        AML_TRY(aml_gram_features(e->all, train, center, w, e->y, ctx));
        memcpy(e->xy, e->all + p * p, p * sizeof *e->xy);
    } else {
        AML_TRY(aml_enet_slopes(e->xy, e));
    }
    memcpy(e->slope, e->xy, d * sizeof *e->xy);
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
           *c = AML_ARRAY(e->ctx->scratch, room, double);
    if (!gram || !b || !c) return AML_ENOMEM;
    for (size_t i = 0; i < e->size; i++)
        memcpy(gram + i * room, e->gram + i * old, e->size * sizeof *gram);
    e->gram = gram, e->b = b, e->c = c, e->room = room;
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

AML_KERNEL void subtract(double *restrict c, const double *restrict row, double change, size_t m) {
    for (size_t i = 0; i < m; i++) c[i] -= change * row[i];
}

static void subtract_plain(double *c, const double *row, double change, size_t m) {
    subtract(c, row, change, m);
}

AML_AVX2 static void subtract_avx2(double *c, const double *row, double change, size_t m) {
    subtract(c, row, change, m);
}

/* Once over the first m members, of which the slopes follow; the largest change, in units of the
 * target's spread. */
static double sweep(aml_enet *e, double l2, size_t m) {
    double largest = 0;
    bool avx2 = aml_has_avx2();
    for (size_t i = 0; i < m; i++) {
        double square = e->gram[i * e->room + i], old = e->b[i];
        if (!(square > 0)) continue;
        double pull = e->c[i] + square * old;
        double shrunk = pull > e->l1 ? pull - e->l1 : pull < -e->l1 ? pull + e->l1 : 0;
        double change = shrunk / (square + l2) - old;
        if (change == 0 || !isfinite(change)) continue;
        (avx2 ? subtract_avx2 : subtract_plain)(e->c, e->gram + i * e->room, change, m);
        e->b[i] = old + change;
        largest = fmax(largest, fabs(change) * sqrt(square));
    }
    return largest;
}

static void swap(double *a, double *b) {
    double t = *a;
    *a = *b, *b = t;
}

static void swap_members(aml_enet *e, size_t i, size_t l) {
    size_t room = e->room;
    uint32_t member = e->member[i];
    e->member[i] = e->member[l], e->member[l] = member;
    e->place[e->member[i]] = (uint32_t)i, e->place[member] = (uint32_t)l;
    swap(&e->b[i], &e->b[l]);
    swap(&e->c[i], &e->c[l]);
    for (size_t j = 0; j < e->size; j++) swap(&e->gram[i * room + j], &e->gram[l * room + j]);
    for (size_t j = 0; j < e->size; j++) swap(&e->gram[j * room + i], &e->gram[j * room + l]);
}

/* Members that are not 0 go to the front; returns how many. */
static size_t sort_members(aml_enet *e) {
    size_t front = 0;
    for (size_t i = 0; i < e->size; i++) {
        if (e->b[i] == 0) continue;
        if (i != front) swap_members(e, front, i);
        front++;
    }
    return front;
}

/* Slopes of the members behind the first m, which alone are not 0. */
static void follow(aml_enet *e, size_t m) {
    for (size_t i = m; i < e->size; i++)
        e->c[i] = e->xy[e->member[i]] - aml_dot(e->gram + i * e->room, e->b, m);
}

/* Slopes of the set at its coefficients, afresh. */
static void load_set(aml_enet *e) {
    for (size_t i = 0; i < e->size; i++) {
        e->b[i] = e->coef[e->member[i]];
        e->c[i] = e->xy[e->member[i]];
    }
    for (size_t i = 0; i < e->size; i++)
        if (e->b[i] != 0) subtract_plain(e->c, e->gram + i * e->room, e->b[i], e->size);
}

/* Value less that of the dual point in the direction of the residuals, for m features. */
static double duality_gap(const aml_enet *e, double l2, const double *coef, const double *slope,
                          const uint32_t *feature, size_t m) {
    double steepest = 0, ry = e->square_y, cg = 0, size = 0, square = 0;
    for (size_t j = 0; j < m; j++) {
        double c = coef[j];
        steepest = fmax(steepest, fabs(slope[j] - l2 * c));
        ry -= c * e->xy[feature ? feature[j] : j];
        cg += c * slope[j];
        size += fabs(c);
        square += c * c;
    }
    double s = steepest > e->l1 ? e->l1 / steepest : 1, rr = fmax(ry - cg, 0);
    return fmax(0.5 * (1 + s * s) * (rr + l2 * square) + e->l1 * size - s * ry, 0);
}

/* Sweeps over the set and, as many as it takes, over its coefficients that are not 0, until the gap
 * of the set alone is small, or nothing moves. */
static aml_status descend(aml_enet *e, double l2, double tolerance) {
    double change = INFINITY, least = sqrt(tolerance);
    load_set(e);
    for (int sweeps = 0; change > 1e-15 && sweeps < MOST_SWEEPS; sweeps++, least *= 0.3) {
        change = sweep(e, l2, e->size);
        size_t m = sort_members(e);
        double inner = change;
        for (int k = 0; k < INNER_SWEEPS && inner > fmax(least, 1e-15); k++, sweeps++) {
            if (aml_should_stop(e->ctx)) return aml_stopped();
            inner = sweep(e, l2, m);
        }
        follow(e, m);
        if (aml_should_stop(e->ctx)) return aml_stopped();
        if (duality_gap(e, l2, e->b, e->c, e->member, e->size) <= tolerance) break;
    }
    for (size_t i = 0; i < e->size; i++) e->coef[e->member[i]] = e->b[i];
    return AML_OK;
}

static aml_status refresh_slopes(aml_enet *e) {
    size_t d = e->d;
    if (!e->all) return aml_enet_slopes(e->slope, e);
    memcpy(e->slope, e->xy, d * sizeof *e->slope);
    for (size_t j = 0; j < d; j++)
        if (e->coef[j] != 0) subtract_plain(e->slope, e->all + j * d, e->coef[j], d);
    return AML_OK;
}

aml_status aml_enet_solve(aml_enet *e, double l1, double l2, double tolerance) {
    double above = e->l1 > 0 ? e->l1 : aml_enet_largest(e), inner = 0.5 * tolerance;
    bool entered;
    e->l1 = l1;
    AML_TRY(enter(&entered, e, fmax(2 * l1 - fmax(above, l1), 0.5 * l1)));
    for (int round = 0; round < MOST_ROUNDS; round++) {
        AML_TRY(descend(e, l2, inner));
        AML_TRY(refresh_slopes(e));
        e->gap = duality_gap(e, l2, e->coef, e->slope, NULL, e->d);
        if (e->gap <= tolerance) return AML_OK;
        AML_TRY(enter(&entered, e, l1 * (1 + 1e-12)));
        if (!entered) inner *= 0.1;
        if (inner < 1e-20) return AML_OK;
    }
    return AML_OK;
}

void aml_enet_coef(double *out, const aml_enet *e) {
    out[e->d] = e->y_mean;
    for (size_t j = 0; j < e->d; j++) {
        out[j] = e->coef[j] * e->y_sd;
        if (!(fabs(out[j]) < 1e150)) out[j] = 0;
        out[e->d] -= out[j] * e->center[j];
    }
}
