/* explain_carry.c: contributions carried through a link. */
#include <math.h>
#include <string.h>

#include "automl/engine/explain.h"

enum { NODES = 20 }; /* midpoints along the line */

/* a += share * Jacobian at z, by central differences. */
static void add_jacobian(double *a, double share, const double *z, size_t k,
                         void (*link)(double *, const void *), const void *model, double *room) {
    double *up = room, *down = room + k;
    for (size_t j = 0; j < k; j++) {
        double h = 1e-5 * (1 + fabs(z[j]));
        memcpy(up, z, k * sizeof *z);
        memcpy(down, z, k * sizeof *z);
        up[j] += h;
        down[j] -= h;
        link(up, model);
        link(down, model);
        for (size_t i = 0; i < k; i++) a[i * k + j] += share * (up[i] - down[i]) / (2 * h);
    }
}

/* The smallest change of `a` after which it takes z1 - z0 to p1 - p0 exactly. */
static void complete(double *a, const double *p0, const double *p1, const double *z0,
                     const double *z1, size_t k) {
    double square = 0;
    for (size_t j = 0; j < k; j++) square += (z1[j] - z0[j]) * (z1[j] - z0[j]);
    if (!(square > 1e-20)) return;
    for (size_t i = 0; i < k; i++) {
        double rest = p1[i] - p0[i];
        for (size_t j = 0; j < k; j++) rest -= a[i * k + j] * (z1[j] - z0[j]);
        for (size_t j = 0; j < k; j++) a[i * k + j] += rest * (z1[j] - z0[j]) / square;
    }
}

bool aml_is_linked(const aml_learner *learner, const void *model, size_t k, double *room) {
    if (!learner->link) return false;
    for (size_t j = 0; j < k; j++) room[j] = 0.25 + (double)j;
    learner->link(room, model);
    for (size_t j = 0; j < k; j++)
        if (room[j] != 0.25 + (double)j) return true;
    return false;
}

void aml_carry(double *a, double *base, const double *z0, const double *z1, size_t k,
               void (*link)(double *z, const void *model), const void *model, double *room) {
    double *z = room + 2 * k, *p1 = room + 3 * k;
    size_t nodes = k > 1 ? NODES : 1;
    memset(a, 0, k * k * sizeof *a);
    for (size_t s = 0; s < nodes; s++) {
        double t = ((double)s + 0.5) / (double)nodes;
        for (size_t j = 0; j < k; j++) z[j] = z0[j] + t * (z1[j] - z0[j]);
        add_jacobian(a, 1 / (double)nodes, z, k, link, model, room);
    }
    memcpy(base, z0, k * sizeof *base);
    memcpy(p1, z1, k * sizeof *p1);
    link(base, model);
    link(p1, model);
    complete(a, base, p1, z0, z1, k);
}
