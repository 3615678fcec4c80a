/* enet_descent.c: elastic net: coordinate descent and Newton steps on the working set. */
#include "learners/parts/enet_descent.h"

#include "automl/core/linalg.h"
#include "learners/parts/simd.h"

#include <math.h>
#include <string.h>

enum { MOST_SWEEPS = 20000, INNER_SWEEPS = 100, SLOW = 4, SLOW_SHARE = 32, MOST_NEWTON = 100 };

AML_KERNEL void subtract(double *restrict c, const double *restrict row, double change, size_t m) {
    for (size_t i = 0; i < m; i++) c[i] -= change * row[i];
}

AML_BEST(subtract, (double *c, const double *row, double change, size_t m), (c, row, change, m))

void aml_enet_subtract(double *c, const double *row, double change, size_t m) {
    subtract_best(c, row, change, m);
}

/* Once over the first m members, of which the slopes follow; the largest change, in units of the
 * target's spread. */
static double sweep(aml_enet *e, double l2, size_t m) {
    double largest = 0;
    for (size_t i = 0; i < m; i++) {
        double square = e->gram[i * e->room + i], old = e->b[i];
        if (!(square > 0)) continue;
        double pull = e->c[i] + square * old;
        double shrunk = pull > e->l1 ? pull - e->l1 : pull < -e->l1 ? pull + e->l1 : 0;
        double change = shrunk / (square + l2) - old;
        if (change == 0 || !isfinite(change)) continue;
        subtract_best(e->c, e->gram + i * e->room, change, m);
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
    size_t front = 0, back = e->size;
    for (;;) {
        while (front < back && e->b[front] != 0) front++;
        while (front < back && e->b[back - 1] == 0) back--;
        if (front >= back) return front;
        swap_members(e, front, back - 1);
    }
}

/* Slopes of the members behind the first m, which alone are not 0. */
static void follow(aml_enet *e, size_t m) {
    for (size_t i = m; i < e->size; i++)
        e->c[i] = e->pull[e->member[i]] - aml_dot(e->gram + i * e->room, e->b, m);
}

/* Slopes of the set at its coefficients, afresh. */
static void load_set(aml_enet *e) {
    for (size_t i = 0; i < e->size; i++) {
        e->b[i] = e->coef[e->member[i]];
        e->c[i] = e->pull[e->member[i]];
    }
    for (size_t i = 0; i < e->size; i++)
        if (e->b[i] != 0) aml_enet_subtract(e->c, e->gram + i * e->room, e->b[i], e->size);
}

double aml_enet_gap(const aml_enet *e, double l2, const double *coef, const double *slope,
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

/* As far along the step as the value falls: each change of a sign is a kink of the value there, after
 * which it falls less by 2 l1 |step|. `promise`: minus the slope at the start. *stop: whose kink it
 * ends at, or m. */
static double step_length(size_t *stop, const aml_enet *e, size_t m, double promise) {
    double kinks = 0, from = 0;
    for (;;) {
        double at = 1 - kinks / promise, next = INFINITY;
        *stop = m;
        for (size_t i = 0; i < m; i++) {
            double t = -e->b[i] / e->step[i];
            if (t > from && t < next) next = t, *stop = i;
        }
        if (!(next < at)) {
            *stop = m;
            return at;
        }
        kinks += 2 * e->l1 * fabs(e->step[*stop]);
        from = next;
        if (kinks >= promise * (1 - next)) return next;
    }
}

/* The whole step, members whose sign would change left at 0, if the value falls by a good part of
 * what the step promises. */
static bool to_the_end(bool *more, aml_enet *e, double l2, size_t m, double promise) {
    double *change = e->step + 2 * e->room, *moved = change + e->room, gain = 0;
    *more = false;
    for (size_t i = 0; i < m; i++) {
        bool crosses = e->b[i] * (e->b[i] + e->step[i]) <= 0;
        change[i] = crosses ? -e->b[i] : e->step[i];
        *more |= crosses;
    }
    for (size_t i = 0; i < m; i++) {
        moved[i] = aml_dot(e->gram + i * e->room, change, m);
        gain += change[i] * (e->slack[i] - 0.5 * (moved[i] + l2 * change[i]));
    }
    if (!(gain >= 0.1 * promise)) return false;
    for (size_t i = 0; i < m; i++) {
        e->b[i] = change[i] == -e->b[i] ? 0 : e->b[i] + change[i];
        e->c[i] -= moved[i];
    }
    return true;
}

/* The first m members, none of them 0, go towards where they are best with the signs they have.
 * *more: a sign changed, and the next step may go further; nothing moves without positive curvature. */
static void newton(bool *more, aml_enet *e, double l2, size_t m) {
    double *h = e->factor, *step = e->step, promise = 0;
    size_t stop;
    *more = false;
    for (size_t i = 0; i < m; i++) {
        memcpy(h + i * m, e->gram + i * e->room, (i + 1) * sizeof *h);
        h[i * m + i] = h[i * m + i] * (1 + 1e-14) + l2;
        step[i] = e->c[i] - l2 * e->b[i] - copysign(e->l1, e->b[i]);
        e->slack[i] = step[i];
    }
    if (!aml_cholesky(h, m, m)) return;
    aml_cholesky_solve(h, m, m, step);
    for (size_t i = 0; i < m; i++) promise += step[i] * e->slack[i];
    if (!(promise > 0) || !isfinite(promise)) return;
    if (to_the_end(more, e, l2, m, promise)) return;
    double length = step_length(&stop, e, m, promise);
    for (size_t i = 0; i < m; i++) {
        e->b[i] = i == stop ? 0 : e->b[i] + length * step[i];
        e->slack[i] = length * step[i];
    }
    for (size_t i = 0; i < m; i++) e->c[i] -= aml_dot(e->gram + i * e->room, e->slack, m);
    *more = length < 1;
}

/* Newton steps until no sign changes any more; *m: how many members are not 0. */
static aml_status newton_steps(size_t *m, aml_enet *e, double l2) {
    bool more = true;
    for (int k = 0; more && k < MOST_NEWTON; k++) {
        *m = sort_members(e);
        if (aml_should_stop(e->ctx)) return aml_stopped();
        if (!*m || *m > AML_ENET_NEWTON) return AML_OK;
        newton(&more, e, l2, *m);
    }
    *m = sort_members(e);
    return AML_OK;
}

/* Sweeps over the set and, as many as it takes, over its coefficients that are not 0, until the gap
 * of the set alone is small, or nothing moves. */
aml_status aml_enet_descend(aml_enet *e, double l2, double tolerance) {
    double change = INFINITY, least = sqrt(tolerance);
    load_set(e);
    for (int sweeps = 0; change > 1e-15 && sweeps < MOST_SWEEPS; sweeps++, least *= 0.3) {
        change = sweep(e, l2, e->size);
        size_t m = sort_members(e);
        double inner = change;
        for (int k = 0; k < INNER_SWEEPS && inner > fmax(least, 1e-15); k++, sweeps++) {
            if (aml_should_stop(e->ctx)) return aml_stopped();
            if (k == SLOW + (int)m / SLOW_SHARE) AML_TRY(newton_steps(&m, e, l2));
            inner = sweep(e, l2, m);
        }
        follow(e, m);
        if (aml_should_stop(e->ctx)) return aml_stopped();
        if (aml_enet_gap(e, l2, e->b, e->c, e->member, e->size) <= tolerance) break;
    }
    for (size_t i = 0; i < e->size; i++) e->coef[e->member[i]] = e->b[i];
    return AML_OK;
}
