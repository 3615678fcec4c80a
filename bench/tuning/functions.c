/* functions.c: the functions of functions.h. */
#include "bench/tuning/functions.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { D_MOST = 10, PEAKS = 101 };
static const double pi = 3.14159265358979323846;

/* ---- random numbers of an instance: splitmix64 ---- */

typedef struct stream {
    uint64_t state;
} stream;

static uint64_t next(stream *s) {
    uint64_t z = s->state += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}
static double uniform(stream *s) { return (double)(next(s) >> 11) * 0x1p-53; }
static double normal(stream *s) {
    double u = 1 - uniform(s), v = uniform(s);
    return sqrt(-2 * log(u)) * cos(2 * pi * v);
}

/* ---- an instance of a function in d dimensions ---- */

typedef struct world {
    size_t f, d, n_peaks;
    unsigned instance;
    double shift[D_MOST], r[D_MOST][D_MOST], q[D_MOST][D_MOST];
    double peak[PEAKS][D_MOST], scale[PEAKS][D_MOST], height[PEAKS];
} world;

static void rotation(double m[D_MOST][D_MOST], size_t d, stream *s) {
    for (size_t i = 0; i < d; i++) {
        for (size_t j = 0; j < d; j++) m[i][j] = normal(s);
        for (size_t k = 0; k < i; k++) {
            double dot = 0;
            for (size_t j = 0; j < d; j++) dot += m[i][j] * m[k][j];
            for (size_t j = 0; j < d; j++) m[i][j] -= dot * m[k][j];
        }
        double length = 0;
        for (size_t j = 0; j < d; j++) length += m[i][j] * m[i][j];
        for (size_t j = 0; j < d; j++) m[i][j] /= sqrt(length);
    }
}

static void peaks(world *w, stream *s, size_t n, double most) {
    w->n_peaks = n;
    for (size_t k = 0; k < n; k++) {
        double alpha =
            k ? pow(1000, 2 * floor((double)(n - 1) * uniform(s)) / (double)(n - 2)) : most;
        w->height[k] = k ? 1.1 + 8 * (double)(k - 1) / (double)(n - 2) : 10;
        for (size_t j = 0; j < w->d; j++) {
            double at = w->d > 1 ? (double)j / (double)(w->d - 1) : 0;
            w->peak[k][j] = (k ? 10 : 8) * uniform(s) - (k ? 5 : 4);
            w->scale[k][j] = pow(alpha, 0.5 * at) / pow(alpha, 0.25);
        }
    }
}

/* One world is kept: runs ask for the same one again and again. */
static const world *world_of(size_t f, size_t d, unsigned instance) {
    static world w;
    if (w.d == d && w.f == f && w.instance == instance) return &w;
    stream s = {(uint64_t)f * 1000003u + instance * 7919u + d};
    w = (world){.f = f, .d = d, .instance = instance};
    for (size_t j = 0; j < d; j++) w.shift[j] = 8 * uniform(&s) - 4;
    rotation(w.r, d, &s);
    rotation(w.q, d, &s);
    if (f == 21) peaks(&w, &s, 101, 1000);
    if (f == 22) peaks(&w, &s, 21, 1000 * 1000);
    return &w;
}

static void turn(double *out, const double m[D_MOST][D_MOST], const double *x, size_t d) {
    double t[D_MOST];
    for (size_t i = 0; i < d; i++) {
        t[i] = 0;
        for (size_t j = 0; j < d; j++) t[i] += m[i][j] * x[j];
    }
    memcpy(out, t, d * sizeof *t);
}

static double at(size_t i, size_t d) { return d > 1 ? (double)i / (double)(d - 1) : 0; }

static void oscillate(double *x, size_t d) {
    for (size_t i = 0; i < d; i++) {
        if (x[i] == 0) continue;
        double l = log(fabs(x[i])), a = x[i] > 0 ? 10 : 5.5, b = x[i] > 0 ? 7.9 : 3.1;
        x[i] = copysign(exp(l + 0.049 * (sin(a * l) + sin(b * l))), x[i]);
    }
}
static void skew(double *x, size_t d, double beta) {
    for (size_t i = 0; i < d; i++)
        if (x[i] > 0) x[i] = pow(x[i], 1 + beta * at(i, d) * sqrt(x[i]));
}
static void stretch(double *x, size_t d, double alpha) {
    for (size_t i = 0; i < d; i++) x[i] *= pow(alpha, 0.5 * at(i, d));
}
static double penalty(const double *x, size_t d) {
    double sum = 0;
    for (size_t i = 0; i < d; i++) sum += pow(fmax(0, fabs(x[i]) - 5), 2);
    return sum;
}
static double ellipse(const double *z, size_t d, double condition) {
    double sum = 0;
    for (size_t i = 0; i < d; i++) sum += pow(condition, at(i, d)) * z[i] * z[i];
    return sum;
}
static double waves(const double *z, size_t d) {
    double c = 0, q = 0;
    for (size_t i = 0; i < d; i++) c += cos(2 * pi * z[i]), q += z[i] * z[i];
    return 10 * ((double)d - c) + q;
}
static double valley(const double *z, size_t d) {
    double sum = 0;
    for (size_t i = 0; i + 1 < d; i++)
        sum += 100 * pow(z[i] * z[i] - z[i + 1], 2) + pow(z[i] - 1, 2);
    return sum;
}

static double gallagher(const world *w, const double *x) {
    double best = 0, z[D_MOST];
    for (size_t k = 0; k < w->n_peaks; k++) {
        double q = 0;
        for (size_t j = 0; j < w->d; j++) z[j] = x[j] - w->peak[k][j];
        turn(z, w->r, z, w->d);
        for (size_t j = 0; j < w->d; j++) q += w->scale[k][j] * z[j] * z[j];
        best = fmax(best, w->height[k] * exp(-0.5 * q / (double)w->d));
    }
    double t = 10 - best;
    oscillate(&t, 1);
    return t * t;
}

static double schwefel(const world *w, const double *x, size_t d) {
    double z[D_MOST], sum = 0, over = 0, opt[D_MOST];
    for (size_t i = 0; i < d; i++) {
        double sign = w->shift[i] < 0 ? -1 : 1;
        opt[i] = 4.2096874633 / 2;
        z[i] = 2 * sign * x[i];
    }
    for (size_t i = d; i-- > 1;) z[i] += 0.25 * (z[i - 1] - 2 * opt[i - 1]);
    for (size_t i = 0; i < d; i++)
        z[i] = 100 * (pow(10, 0.5 * at(i, d)) * (z[i] - 2 * opt[i]) + 2 * opt[i]);
    for (size_t i = 0; i < d; i++) {
        sum += z[i] * sin(sqrt(fabs(z[i])));
        over += pow(fmax(0, fabs(z[i] / 100) - 5), 2);
    }
    return 4.189828872724339 - sum / (100 * (double)d) + 100 * over;
}

static double weierstrass(const double *z, size_t d) {
    double sum = 0, zero = 0;
    for (int k = 0; k < 12; k++) zero += pow(0.5, k) * cos(pi * pow(3, k));
    for (size_t i = 0; i < d; i++)
        for (int k = 0; k < 12; k++) sum += pow(0.5, k) * cos(2 * pi * pow(3, k) * (z[i] + 0.5));
    return 10 * pow(sum / (double)d - zero, 3);
}

static double schaffers(const double *z, size_t d) {
    double sum = 0;
    for (size_t i = 0; i + 1 < d; i++) {
        double s = sqrt(z[i] * z[i] + z[i + 1] * z[i + 1]);
        sum += sqrt(s) * (1 + pow(sin(50 * pow(s, 0.2)), 2));
    }
    return d > 1 ? pow(sum / (double)(d - 1), 2) : 0;
}

static double katsuura(const double *z, size_t d) {
    double product = 1;
    for (size_t i = 0; i < d; i++) {
        double sum = 0;
        for (int j = 1; j <= 32; j++) {
            double p = pow(2, j);
            sum += fabs(p * z[i] - round(p * z[i])) / p;
        }
        product *= pow(1 + (double)(i + 1) * sum, 10 / pow((double)d, 1.2));
    }
    return 10 / (double)(d * d) * (product - 1);
}

static double lunacek(const world *w, const double *x, size_t d) {
    double mu0 = 2.5, s = 1 - 1 / (2 * sqrt((double)d + 20) - 8.2),
           mu1 = -sqrt((mu0 * mu0 - 1) / s);
    double one = 0, two = (double)d, c = 0, y[D_MOST], z[D_MOST] = {0};
    for (size_t i = 0; i < d; i++) {
        y[i] = 2 * (w->shift[i] < 0 ? -1 : 1) * x[i];
        one += pow(y[i] - mu0, 2);
        two += s * pow(y[i] - mu1, 2);
        z[i] = y[i] - mu0;
    }
    turn(z, w->r, z, d);
    stretch(z, d, 100);
    turn(z, w->q, z, d);
    for (size_t i = 0; i < d; i++) c += cos(2 * pi * z[i]);
    return fmin(one, two) + 10 * ((double)d - c) + 1e4 * penalty(x, d);
}

/* ---- the 24 of BBOB, x in [-5, 5]^d ---- */

static double bbob(size_t f, size_t d, unsigned instance, const double *x) {
    const world *w = world_of(f, d, instance);
    double z[D_MOST] = {0}, sum = 0, first, grow;
    for (size_t i = 0; i < d; i++) z[i] = x[i] - w->shift[i];
    switch (f) {
    case 1: return ellipse(z, d, 1);
    case 2: oscillate(z, d); return ellipse(z, d, 1e6);
    case 3:
        oscillate(z, d);
        skew(z, d, 0.2);
        stretch(z, d, 10);
        return waves(z, d);
    case 4:
        oscillate(z, d);
        for (size_t i = 0; i < d; i++)
            z[i] *= pow(10, 0.5 * at(i, d)) * (i % 2 == 0 && z[i] > 0 ? 10 : 1);
        return waves(z, d) + 100 * penalty(x, d);
    case 5:
        for (size_t i = 0; i < d; i++) {
            double sign = w->shift[i] < 0 ? -1 : 1, s = sign * pow(10, at(i, d));
            sum += 5 * fabs(s) - s * (x[i] * sign * 5 < 25 ? x[i] : 5 * sign);
        }
        return sum;
    case 6:
        turn(z, w->r, z, d);
        stretch(z, d, 10);
        turn(z, w->q, z, d);
        for (size_t i = 0; i < d; i++) sum += pow((z[i] * w->shift[i] > 0 ? 100 : 1) * z[i], 2);
        oscillate(&sum, 1);
        return pow(sum, 0.9);
    case 7:
        turn(z, w->r, z, d);
        stretch(z, d, 10);
        first = fabs(z[0]);
        for (size_t i = 0; i < d; i++)
            z[i] = fabs(z[i]) > 0.5 ? round(z[i]) : round(10 * z[i]) / 10;
        turn(z, w->q, z, d);
        return 0.1 * fmax(first / 1e4, ellipse(z, d, 100)) + penalty(x, d);
    case 8:
    case 9:
    case 19:
        if (f != 8) turn(z, w->r, x, d);
        grow = fmax(1, sqrt((double)d) / 8);
        for (size_t i = 0; i < d; i++) z[i] = f == 8 ? grow * 0.75 * z[i] + 1 : grow * z[i] + 0.5;
        if (f != 19) return valley(z, d);
        for (size_t i = 0; i + 1 < d; i++) {
            double s = 100 * pow(z[i] * z[i] - z[i + 1], 2) + pow(z[i] - 1, 2);
            sum += s / 4000 - cos(s);
        }
        return 10 * sum / (double)(d - 1) + 10;
    case 10:
        turn(z, w->r, z, d);
        oscillate(z, d);
        return ellipse(z, d, 1e6);
    case 11:
        turn(z, w->r, z, d);
        oscillate(z, d);
        return ellipse(z, d, 1) + (1e6 - 1) * z[0] * z[0];
    case 12:
        turn(z, w->r, z, d);
        skew(z, d, 0.5);
        turn(z, w->r, z, d);
        return z[0] * z[0] + 1e6 * (ellipse(z, d, 1) - z[0] * z[0]);
    case 13:
        turn(z, w->r, z, d);
        stretch(z, d, 10);
        turn(z, w->q, z, d);
        return z[0] * z[0] + 100 * sqrt(ellipse(z, d, 1) - z[0] * z[0]);
    case 14:
        turn(z, w->r, z, d);
        for (size_t i = 0; i < d; i++) sum += pow(fabs(z[i]), 2 + 4 * at(i, d));
        return sqrt(sum);
    case 15:
        turn(z, w->r, z, d);
        oscillate(z, d);
        skew(z, d, 0.2);
        turn(z, w->q, z, d);
        stretch(z, d, 10);
        turn(z, w->r, z, d);
        return waves(z, d);
    case 16:
        turn(z, w->r, z, d);
        oscillate(z, d);
        turn(z, w->q, z, d);
        stretch(z, d, 0.01);
        turn(z, w->r, z, d);
        return weierstrass(z, d) + 10 / (double)d * penalty(x, d);
    case 17:
    case 18:
        turn(z, w->r, z, d);
        skew(z, d, 0.5);
        turn(z, w->q, z, d);
        stretch(z, d, f == 17 ? 10 : 1000);
        return schaffers(z, d) + 10 * penalty(x, d);
    case 20: return schwefel(w, x, d);
    case 21:
    case 22: return gallagher(w, x) + penalty(x, d);
    case 23:
        turn(z, w->r, z, d);
        stretch(z, d, 100);
        turn(z, w->q, z, d);
        return katsuura(z, d) + penalty(x, d);
    default: return lunacek(w, x, d);
    }
}

/* ---- mixed and conditional ---- */

static double square(double x) { return x * x; }

/* An error curve of a booster, by guess: learning rate and rounds trade off, depth has a best, choices shift. */
static double booster(unsigned k, const double *x) {
    double rate = log10(x[0]), rounds = log10(x[1]), depth = x[2], rows = x[3];
    double lucky = 0.1 * (double)(k % 5);
    double v = 0.12 + 0.05 * square(rate + rounds - 1.2 - lucky) + 0.01 * square(rate + 1.5) +
               0.004 * square(depth - 6 + (double)(k % 3)) + 0.06 * square(rows - 0.8);
    if (x[4] == 1) v += 0.01 + 0.05 * square(x[5] - 0.15); /* dart */
    if (x[4] == 2) v += 0.03 - 0.02 * x[6];                /* goss */
    return v + (x[7] == (double)(k % 4) ? 0 : 0.015);
}

/* Three families with parameters of their own; the second has the best, the first is easier. */
static double families(unsigned k, const double *x) {
    double s = 0.2 * (double)(k % 5);
    if (x[0] == 0) return 0.20 + 0.02 * square(log10(x[1]) - s) + (x[2] == 1 ? 0.01 : 0);
    if (x[0] == 1)
        return 0.15 + 0.03 * square(log10(x[3]) + 1 + s) + 0.03 * square(log10(x[4]) - 1 + s) +
               0.02 * fabs(x[5] - 3);
    return 0.25 + 0.1 * square(x[6] - 0.5 - 0.1 * s) - 0.03 * cos(9 * x[6]);
}

/* Choices that only together do well, as flags of a compiler. */
static double flags(unsigned k, const double *x) {
    double v = 10;
    for (int i = 0; i < 8; i++) {
        int want = (int)((k * 37u + 11u) >> i & 1u),
            next_want = (int)((k * 37u + 11u) >> ((i + 1) % 8) & 1u);
        if (x[i] == want) v -= 0.5;
        if (x[i] == want && x[(i + 1) % 8] == next_want) v -= 0.6;
    }
    v -= x[8] == (double)(k % 4) ? 0.7 : 0;
    return v + 0.3 * fabs(log2(x[9]) - 3 - (double)(k % 3));
}

/* Layers of a network, constrained by habit: width and depth trade off; rates and decay on log scales. */
static double network(unsigned k, const double *x) {
    double layers = x[0], width = log2(x[1]), rate = log10(x[2]), decay = log10(x[3]), drop = x[4];
    double size = layers * width;
    double v = 0.08 + 0.002 * square(size - 24 - (double)(k % 4)) +
               0.02 * square(rate + 3 - 0.1 * (layers - 3)) + 0.004 * square(decay + 4) +
               0.15 * square(drop - 0.02 * size / 2.4);
    if (x[5] == 0) v += 0.03 + 0.02 * square(rate + 1.5); /* sgd: another best rate */
    if (x[5] == 2) v += 0.008;
    return v + 0.004 * sin(7 * rate + width);
}

/* Integers in a rotated bowl. */
static double whole(unsigned k, const double *x) {
    double z[D_MOST];
    const world *w = world_of(50, 5, k);
    for (int i = 0; i < 5; i++) z[i] = (x[i] - round(5 + w->shift[i])) / 2;
    turn(z, w->r, z, 5);
    return ellipse(z, 5, 100);
}

/* A sum over a categorical of many values, each with its own centre, and two reals. */
static double many(unsigned k, const double *x) {
    stream s = {k * 100u + (unsigned)x[0]};
    double a = uniform(&s), b = uniform(&s), base = 3 * uniform(&s);
    return base + 8 * square(x[1] - a) + 8 * square(x[2] - b) + (x[3] == (double)(k % 3) ? 0 : 1);
}

/* Goldstein and Price with its logarithm, x a log scale, noisy at the third digit. */
static double crooked(unsigned k, const double *x) {
    double a = 0.5 * log10(x[0]), b = x[1] / 8 - 2;
    double p = 1 + square(a + b + 1) * (19 - 14 * a + 3 * a * a - 14 * b + 6 * a * b + 3 * b * b);
    double q =
        30 + square(2 * a - 3 * b) * (18 - 32 * a + 12 * a * a + 48 * b - 36 * a * b + 27 * b * b);
    stream s = {(uint64_t)(x[0] * 1e6) + k};
    return log(p * q) + 0.01 * normal(&s);
}

/* ---- the list ---- */

static const struct function {
    const char *name, *space;
    size_t inputs;
    double (*own)(unsigned, const double *);
} mixed[] = {
    {"booster",
     "rate = loguniform(1e-3, 1); rounds = int(10, 3000, log); depth = int(2, 14); rows = "
     "uniform(0.3, 1); kind = choice(gbtree, dart, goss); drop = uniform(0, 0.5) if kind == dart; "
     "top = uniform(0, 1) if kind == goss; loss = choice(a, b, c, d)",
     8, booster},
    {"families",
     "learner = choice(linear, kernel, trees); c = loguniform(1e-4, 1e4) if learner == linear; "
     "penalty = choice(l1, l2) if learner == linear; gamma = loguniform(1e-5, 1e2) if learner == "
     "kernel; cost = loguniform(1e-2, 1e3) if learner == kernel; degree = int(1, 6) if learner == "
     "kernel; share = uniform(0, 1) if learner == trees",
     7, families},
    {"flags",
     "a = bool(); b = bool(); c = bool(); d = bool(); e = bool(); f = bool(); g = bool(); h = "
     "bool(); level = choice(O1, O2, O3, Os); unroll = int(1, 64, log)",
     10, flags},
    {"network",
     "layers = int(1, 6); width = int(8, 1024, log); rate = loguniform(1e-6, 1e-1); decay = "
     "loguniform(1e-8, 1e-1); drop = uniform(0, 0.7); optimizer = choice(sgd, adam, lamb)",
     6, network},
    {"whole", "a = int(0, 10); b = int(0, 10); c = int(0, 10); d = int(0, 10); e = int(0, 10)", 5,
     whole},
    {"many",
     "k = choice(c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11); x = uniform(0, 1); y = "
     "uniform(0, 1); m = choice(p, q, r)",
     4, many},
    {"crooked", "x = loguniform(1e-4, 1e4); y = float(0, 32, step=0.25)", 2, crooked},
};
enum { N_MIXED = sizeof mixed / sizeof *mixed, N_BBOB = 24, N_WIDE = 10 };
static const size_t wide[N_WIDE] = {1, 3, 5, 8, 10, 13, 15, 17, 20, 21};

size_t tuning_functions(void) { return N_BBOB + N_WIDE + N_MIXED; }

static size_t number_of(size_t f) { return f < N_BBOB ? f + 1 : wide[f - N_BBOB]; }

size_t tuning_inputs(size_t f) {
    return f < N_BBOB ? 5 : f < N_BBOB + N_WIDE ? 10 : mixed[f - N_BBOB - N_WIDE].inputs;
}

const char *tuning_name(size_t f) {
    static char name[32];
    if (f >= N_BBOB + N_WIDE) return mixed[f - N_BBOB - N_WIDE].name;
    snprintf(name, sizeof name, "f%zu_%zud", number_of(f), tuning_inputs(f));
    return name;
}

const char *tuning_space(size_t f) {
    static char space[1024];
    size_t n = 0;
    if (f >= N_BBOB + N_WIDE) return mixed[f - N_BBOB - N_WIDE].space;
    for (size_t i = 0; i < tuning_inputs(f); i++)
        n += (size_t)snprintf(space + n, sizeof space - n, "%sx%zu = uniform(-5, 5)", i ? "; " : "",
                              i);
    return space;
}

double tuning_value(size_t f, unsigned instance, const double *x) {
    if (f >= N_BBOB + N_WIDE) return mixed[f - N_BBOB - N_WIDE].own(instance, x);
    return bbob(number_of(f), tuning_inputs(f), instance, x);
}
