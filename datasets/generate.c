/* generate.c: writes CSV datasets whose best possible score is known.
 *
 *     cc -std=c11 -O2 generate.c -o generate -lm
 *     ./generate friedman1 1000 1 > friedman1.csv
 *
 * One row is one draw, so a longer file begins with the shorter one of the same seed; what links
 * inputs to target (coefficients, centres, effects of levels) never depends on the seed, so files
 * of two seeds are a training and a test set. datasets/README.md states the known answers. */
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXIT_USAGE = 64, EXIT_IO = 74 };

static const double PI = 3.14159265358979323846;

/* ---- random numbers: splitmix64 (Steele, Lea and Flood, OOPSLA 2014) ---- */

typedef struct rng {
    uint64_t state;
    double spare; /* second half of the last pair of normals */
    bool has_spare;
} rng;

static uint64_t rng_next(rng *r) {
    uint64_t z = r->state += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

/* Uniform in [0, 1), 53 bits. */
static double uniform(rng *r) { return (double)(rng_next(r) >> 11) * 0x1p-53; }

static double between(rng *r, double low, double high) { return low + (high - low) * uniform(r); }

/* Uniform in 0 … n-1; the bias is below n / 2^53. */
static unsigned pick(rng *r, unsigned n) { return (unsigned)(uniform(r) * n); }

/* Standard normal, Marsaglia's polar method. */
static double normal(rng *r) {
    double a, b, s;
    if (r->has_spare) {
        r->has_spare = false;
        return r->spare;
    }
    do {
        a = 2 * uniform(r) - 1;
        b = 2 * uniform(r) - 1;
        s = a * a + b * b;
    } while (s >= 1 || s == 0);
    s = sqrt(-2 * log(s) / s);
    r->spare = b * s;
    r->has_spare = true;
    return a * s;
}

static double logistic(double t) { return 1 / (1 + exp(-t)); }

/* ---- output: one buffered row writer, no printf on the way ---- */

typedef struct csv {
    size_t used;
    bool in_row, failed;
    bool truth; /* append the column `truth` */
    char buffer[1 << 16];
} csv;

static void csv_flush(csv *out) {
    if (fwrite(out->buffer, 1, out->used, stdout) != out->used) out->failed = true;
    out->used = 0;
}

static void put(csv *out, char c) {
    if (out->used == sizeof out->buffer) csv_flush(out);
    out->buffer[out->used++] = c;
}

static void separate(csv *out) {
    if (out->in_row) put(out, ',');
    out->in_row = true;
}

static void end_row(csv *out) {
    put(out, '\n');
    out->in_row = false;
}

static void empty(csv *out) { separate(out); }

static void text(csv *out, const char *s) {
    bool quote = strpbrk(s, ",\"\n") != NULL;
    separate(out);
    if (quote) put(out, '"');
    for (; *s; s++) {
        if (*s == '"') put(out, '"');
        put(out, *s);
    }
    if (quote) put(out, '"');
}

/* Six decimals at most, no trailing zeros; |x| < 9e12. */
static void number(csv *out, double x) {
    long long scaled = llround(x * 1e6);
    unsigned long long u =
        scaled < 0 ? 0ULL - (unsigned long long)scaled : (unsigned long long)scaled;
    unsigned long long whole = u / 1000000, part = u % 1000000;
    char digits[24];
    int n = 0;
    separate(out);
    if (scaled < 0) put(out, '-');
    do digits[n++] = (char)('0' + whole % 10);
    while (whole /= 10);
    while (n) put(out, digits[--n]);
    if (part) put(out, '.');
    for (unsigned long long unit = 100000; part; unit /= 10) {
        put(out, (char)('0' + part / unit));
        part %= unit;
    }
}

static void number_or_empty(csv *out, double x, bool missing) {
    if (missing) empty(out);
    else number(out, x);
}

static void text_or_empty(csv *out, const char *s, bool missing) { text(out, missing ? "" : s); }

/* Header fields prefix1 … prefixN. */
static void columns(csv *out, const char *prefix, uint64_t n) {
    char name[40];
    for (uint64_t j = 1; j <= n; j++) {
        snprintf(name, sizeof name, "%s%llu", prefix, (unsigned long long)j);
        text(out, name);
    }
}

/* Ends the header with the target's name. */
static void header_target(csv *out, const char *target) {
    text(out, target);
    if (out->truth) text(out, "truth");
    end_row(out);
}

/* Ends a row with a numeric target and its mean without noise, or the chance of class 1. */
static void row_target(csv *out, double y, double truth) {
    number(out, y);
    if (out->truth) number(out, truth);
    end_row(out);
}

/* ---- the datasets ---- */

/* Friedman (1991), Multivariate adaptive regression splines: x6 … x10 do nothing. */
static void friedman1(csv *out, rng *r, const uint64_t *arg) {
    columns(out, "x", 10);
    header_target(out, "y");
    for (uint64_t i = 0; i < arg[0]; i++) {
        double x[10], mean;
        for (int j = 0; j < 10; j++) number(out, x[j] = uniform(r));
        mean = 10 * sin(PI * x[0] * x[1]) + 20 * (x[2] - 0.5) * (x[2] - 0.5) + 10 * x[3] + 5 * x[4];
        row_target(out, mean + normal(r), mean);
    }
}

/* y = 1 + 5 x1 - 5/2 x2 + 5/3 x3 - … (ten terms at most) + noise of sd 1. */
static void linear(csv *out, rng *r, const uint64_t *arg) {
    columns(out, "x", arg[1]);
    header_target(out, "y");
    for (uint64_t i = 0; i < arg[0]; i++) {
        double mean = 1;
        for (uint64_t j = 0; j < arg[1]; j++) {
            double x = normal(r);
            if (j < 10) mean += (j % 2 ? -5.0 : 5.0) / (double)(j + 1) * x;
            number(out, x);
        }
        row_target(out, mean + normal(r), mean);
    }
}

/* The sign of x1 * x2, wrong in one row of ten; x3 and x4 do nothing. */
static void xor2(csv *out, rng *r, const uint64_t *arg) {
    columns(out, "x", 4);
    header_target(out, "y");
    for (uint64_t i = 0; i < arg[0]; i++) {
        double x[4], p;
        for (int j = 0; j < 4; j++) number(out, x[j] = between(r, -1, 1));
        p = x[0] * x[1] > 0 ? 0.9 : 0.1;
        row_target(out, uniform(r) < p, p);
    }
}

#define MOONS_SD 0.3

/* A point of moon c at an angle between 0 and pi. */
static void moon_point(double *x, int c, double angle) {
    x[0] = c ? 1 - cos(angle) : cos(angle);
    x[1] = c ? 0.5 - sin(angle) : sin(angle);
}

/* The chance of moon 1 at (x, y): densities by the midpoint rule over the angle. */
static double moon_truth(double x, double y) {
    double density[2] = {0, 0};
    for (int c = 0; c < 2; c++) {
        for (int k = 0; k < 256; k++) {
            double p[2];
            moon_point(p, c, PI * (k + 0.5) / 256);
            density[c] += exp(-((x - p[0]) * (x - p[0]) + (y - p[1]) * (y - p[1])) /
                              (2 * MOONS_SD * MOONS_SD));
        }
    }
    return density[0] + density[1] > 0 ? density[1] / (density[0] + density[1]) : 0.5;
}

static void moons(csv *out, rng *r, const uint64_t *arg) {
    columns(out, "x", 2);
    header_target(out, "y");
    for (uint64_t i = 0; i < arg[0]; i++) {
        int c = uniform(r) < 0.5;
        double x[2];
        moon_point(x, c, PI * uniform(r));
        for (int j = 0; j < 2; j++) number(out, x[j] += MOONS_SD * normal(r));
        row_target(out, c, out->truth ? moon_truth(x[0], x[1]) : 0);
    }
}

/* The likeliest class of a row of `blobs` given what can be seen (NaN and k = not seen): x1 and
 * x2 are normal around the class's centre; the colour is the class's own with chance 1/2 + 1/2k. */
static unsigned blob_truth(const double *x, unsigned colour, unsigned k, double radius) {
    unsigned best = 0;
    double best_log = -INFINITY;
    for (unsigned c = 0; c < k; c++) {
        double dx = isnan(x[0]) ? 0 : x[0] - radius * cos(2 * PI * c / k);
        double dy = isnan(x[1]) ? 0 : x[1] - radius * sin(2 * PI * c / k);
        double own = colour == c ? log(0.5 + 0.5 / k) : log(0.5 / k);
        double l = -0.5 * (dx * dx + dy * dy) + (colour == k ? 0 : own);
        if (l > best_log) {
            best_log = l;
            best = c;
        }
    }
    return best;
}

/* K unit normals on a circle, neighbours 4 apart; a category that tells the class half the time. */
static void blobs(csv *out, rng *r, const uint64_t *arg) {
    static const char *const shapes[] = {"circle", "square", "star", "cross", "ring"};
    unsigned k = (unsigned)arg[1];
    double radius = 2 / sin(PI / k);
    char name[32];
    text(out, "x1");
    text(out, "x2");
    text(out, "x3");
    text(out, "colour");
    text(out, "shape");
    header_target(out, "class");
    for (uint64_t i = 0; i < arg[0]; i++) {
        unsigned c = pick(r, k), colour, shape;
        double x[3], angle = 2 * PI * c / k;
        x[0] = radius * cos(angle) + normal(r);
        x[1] = radius * sin(angle) + normal(r);
        x[2] = normal(r);
        colour = uniform(r) < 0.5 ? c : pick(r, k);
        shape = pick(r, 5);
        if (uniform(r) < 0.05) x[0] = NAN;
        if (uniform(r) < 0.05) x[1] = NAN;
        if (uniform(r) < 0.10) colour = k;
        for (int j = 0; j < 3; j++) number_or_empty(out, x[j], isnan(x[j]));
        snprintf(name, sizeof name, "colour_%u", colour);
        text_or_empty(out, name, colour == k);
        text(out, shapes[shape]);
        snprintf(name, sizeof name, "class_%u", c);
        text(out, name);
        if (out->truth) {
            snprintf(name, sizeof name, "class_%u", blob_truth(x, colour, k, radius));
            text(out, name);
        }
        end_row(out);
    }
}

#define CITIES 200

/* Year, month and day of a day number counted from 1970-01-01 (proleptic Gregorian). */
static void civil(int day, int *y, int *m, int *d) {
    int z = day + 719468, era = z / 146097, e = z - era * 146097;
    int year = (e - e / 1460 + e / 36524 - e / 146096) / 365;
    int left = e - (365 * year + year / 4 - year / 100), month = (5 * left + 2) / 153;
    *d = left - (153 * month + 2) / 5 + 1;
    *m = month < 10 ? month + 3 : month - 9;
    *y = year + era * 400 + (*m <= 2);
}

/* A remark of 3 to 5 words whose mood (-1, 0, 1) shows in one word. */
static void remark(char *s, size_t size, int mood, rng *r) {
    static const char *const openings[] = {"the service was", "support, as usual, is", "I find it",
                                           "\"honestly\" it feels", "my last order was"};
    static const char *const good[] = {"great", "excellent", "fast", "lovely"};
    static const char *const plain[] = {"fine", "average", "okay", "normal"};
    static const char *const bad[] = {"slow", "terrible", "broken", "expensive"};
    const char *const *words = mood > 0 ? good : mood < 0 ? bad : plain;
    const char *opening = openings[pick(r, 5)];
    snprintf(s, size, "%s %s", opening, words[pick(r, 4)]);
}

static void mixed(csv *out, rng *r, const uint64_t *arg) {
    static const char *const header[] = {"age",    "income", "balance",     "visits",    "plan",
                                         "region", "city",   "signup_date", "last_seen", "remark"};
    static const char *const plans[] = {"basic", "plus", "pro"};
    static const char *const regions[] = {"north", "east", "south", "west"};
    rng fixed = {.state = 0xC171E5};
    double effect[CITIES];
    for (int c = 0; c < CITIES; c++) effect[c] = normal(&fixed);
    for (int j = 0; j < 10; j++) text(out, header[j]);
    header_target(out, "churn");
    for (uint64_t i = 0; i < arg[0]; i++) {
        double age = 18 + pick(r, 73), wealth = normal(r), balance = 1000 * normal(r) + 400;
        unsigned visits = pick(r, 40), plan = pick(r, 3), region = pick(r, 4);
        double skew = uniform(r);
        unsigned city = (unsigned)(CITIES * skew * skew); /* low numbers are frequent */
        int signup = 17532 + (int)pick(r, 2192),
            seen = 19723 + (int)pick(r, 366); /* 2018-23, 2024 */
        unsigned second = pick(r, 86400);
        int mood = (int)pick(r, 3) - 1, y, m, d;
        char day[40], stamp[64], place[32], words[64];
        bool hidden[10];
        double eta, p;
        for (int j = 0; j < 10; j++) hidden[j] = uniform(r) < 0.1;
        remark(words, sizeof words, mood, r);
        snprintf(place, sizeof place, "city_%03u", city);
        civil(seen, &y, &m, &d);
        snprintf(stamp, sizeof stamp, "%04d-%02d-%02dT%02u:%02u:%02uZ", y, m, d, second / 3600,
                 second / 60 % 60, second % 60);
        civil(signup, &y, &m, &d);
        snprintf(day, sizeof day, "%04d-%02d-%02d", y, m, d);
        eta = -0.6 + 1.2 * (age - 54) * (age - 54) / 441 - 0.8 * wealth + (plan == 0) * 0.4 -
              (plan == 2) * 0.6 + (plan == 2 && balance < 0) * 1.5 + effect[city] - 1.2 * mood +
              (m >= 11 || m == 1) * 0.7 - 0.3 * ((19723 - signup) / 365.25 - 3) +
              ((seen + 4) % 7 % 6 == 0) * 0.5 + hidden[1] * 0.6; /* day 0 was a Thursday */
        p = logistic(eta);
        number_or_empty(out, age, hidden[0]);
        number_or_empty(out, floor(exp(10.5 + 0.6 * wealth)), hidden[1]);
        number_or_empty(out, round(balance * 100) / 100, hidden[2]);
        number_or_empty(out, visits, hidden[3]);
        text_or_empty(out, plans[plan], hidden[4]);
        text_or_empty(out, regions[region], hidden[5]);
        text_or_empty(out, place, hidden[6]);
        text_or_empty(out, day, hidden[7]);
        text_or_empty(out, stamp, hidden[8]);
        text_or_empty(out, words, hidden[9]);
        text(out, uniform(r) < p ? "yes" : "no");
        if (out->truth) number(out, p);
        end_row(out);
    }
}

/* The invariant mass of two massless particles (momentum, pseudorapidity, azimuth). */
static double mass(const double *x, int a, int b) {
    return sqrt(2 * x[a] * x[b] * (cosh(x[5 + a] - x[5 + b]) - cos(x[10 + a] - x[10 + b])));
}

/* Columns 1-21 are raw, 22-28 are functions of them, as in the UCI HIGGS data. */
static void higgs(csv *out, rng *r, const uint64_t *arg) {
    columns(out, "f", 28);
    header_target(out, "signal");
    for (uint64_t i = 0; i < arg[0]; i++) {
        double x[28], eta, p;
        for (int j = 0; j < 5; j++) x[j] = 0.2 - log(1 - uniform(r));
        for (int j = 5; j < 10; j++) x[j] = normal(r);
        for (int j = 10; j < 15; j++) x[j] = between(r, -PI, PI);
        for (int j = 15; j < 19; j++) x[j] = normal(r);
        for (int j = 19; j < 21; j++) x[j] = 1.086538 * pick(r, 3);
        for (int j = 0; j < 4; j++) x[21 + j] = mass(x, j, j + 1);
        x[25] = mass(x, 0, 2);
        x[26] = mass(x, 0, 4);
        x[27] = sqrt(x[21] * x[21] + x[22] * x[22] + x[25] * x[25]); /* the first three together */
        eta = -1.75 + 2.5 * exp(-(x[21] - 2) * (x[21] - 2)) - 1.0 * log(x[22] / 2) +
              0.8 * (x[26] < 1.5) + 1.0 * x[15] * x[16] + 0.8 * (fabs(x[17]) - 0.8) -
              0.7 * (x[18] > 0 ? 1 : -1) * (x[5] > 0 ? 1 : -1) + 0.3 * x[19] * x[20] -
              0.6 * (x[0] - 1.2);
        p = logistic(eta);
        for (int j = 0; j < 28; j++) number(out, x[j]);
        row_target(out, uniform(r) < p, p);
    }
}

/* Ten columns, evenly spread, decide; z = their signed sum over sqrt(10) is a standard normal and
 * y = [z + noise > 0] with noise of sd tan(pi / 10), so that the sign of z is wrong in 1/10. */
static void wide(csv *out, rng *r, const uint64_t *arg) {
    uint64_t n_live = arg[1] < 10 ? arg[1] : 10;
    double sd = tan(PI / 10);
    columns(out, "x", arg[1]);
    header_target(out, "y");
    for (uint64_t i = 0; i < arg[0]; i++) {
        double z = 0;
        uint64_t live = 0;
        for (uint64_t j = 0; j < arg[1]; j++) {
            double x = normal(r);
            if (live < n_live && j == live * arg[1] / n_live) z += live++ % 2 ? -x : x;
            number(out, x);
        }
        z /= sqrt((double)n_live);
        row_target(out, z + sd * normal(r) > 0, 0.5 * erfc(-z / (sd * sqrt(2))));
    }
}

/* ---- command line ---- */

typedef struct generator {
    const char *name, *arguments, *summary;
    void (*run)(csv *out, rng *r, const uint64_t *arg);
    int n_arguments;    /* beside the seed */
    uint64_t low, high; /* range of the second argument */
} generator;

static const generator generators[] = {
    {"friedman1", "N SEED", "regression on 10 columns; noise sd 1", friedman1, 1, 0, 0},
    {"linear", "N P SEED", "regression, known coefficients; noise sd 1", linear, 2, 1, 1000000},
    {"xor", "N SEED", "binary, a pure interaction; 10 % flipped", xor2, 1, 0, 0},
    {"moons", "N SEED", "binary, two half circles with noise sd 0.3", moons, 1, 0, 0},
    {"blobs", "N K SEED", "K classes; categories, missing values", blobs, 2, 2, 1000},
    {"mixed", "N SEED", "binary; numbers, categories, dates, text, 10 % missing", mixed, 1, 0, 0},
    {"higgs", "N SEED", "binary, 28 dense columns, strongly nonlinear", higgs, 1, 0, 0},
    {"wide", "N P SEED", "binary, 10 of P columns matter; 10 % noise", wide, 2, 1, 1000000},
};

enum { N_GENERATORS = sizeof generators / sizeof generators[0] };

static void help(FILE *to) {
    fputs("usage: generate NAME ARGUMENTS [--truth]\n"
          "Writes a CSV dataset with a known answer to standard output.\n\n",
          to);
    for (int g = 0; g < N_GENERATORS; g++)
        fprintf(to, "  %-10s %-9s  %s\n", generators[g].name, generators[g].arguments,
                generators[g].summary);
    fputs("\n  N rows, P columns, K classes, SEED any unsigned 64-bit number\n"
          "  --truth    append what the best possible model predicts: the mean without noise, the\n"
          "             chance of the positive class, or (blobs) the likeliest class\n"
          "  --help     this text\n\n"
          "Example: generate friedman1 1000 1 > friedman1.csv\n",
          to);
}

static bool parse(uint64_t *out, const char *s) {
    char *end;
    if (*s < '0' || *s > '9') return false;
    errno = 0;
    *out = strtoull(s, &end, 10);
    return !errno && !*end;
}

static int usage(const char *what, const char *given) {
    fprintf(stderr, "generate: %s: '%s' (see generate --help)\n", what, given);
    return EXIT_USAGE;
}

static const generator *generator_find(const char *name) {
    for (int g = 0; g < N_GENERATORS; g++)
        if (!strcmp(generators[g].name, name)) return &generators[g];
    return NULL;
}

int main(int argc, char **argv) {
    static csv out;
    const generator *g;
    uint64_t arg[3] = {0};
    int n = 0;
    rng r = {0};
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--help")) {
            help(stdout);
            return fflush(stdout) ? EXIT_IO : 0;
        }
    }
    if (argc < 2) {
        help(stderr);
        return EXIT_USAGE;
    }
    g = generator_find(argv[1]);
    if (!g) return usage("unknown dataset", argv[1]);
    for (int i = 2; i < argc; i++) {
        if (!strcmp(argv[i], "--truth")) out.truth = true;
        else if (!strncmp(argv[i], "--", 2)) return usage("unknown option", argv[i]);
        else if (n > g->n_arguments) return usage("too many arguments", argv[i]);
        else if (!parse(&arg[n++], argv[i])) return usage("not an unsigned number", argv[i]);
    }
    if (n <= g->n_arguments) return usage("arguments wanted", g->arguments);
    if (arg[0] < 1) return usage("out of range", "N = 0");
    if (g->n_arguments == 2 && (arg[1] < g->low || arg[1] > g->high))
        return usage("P or K out of range", g->arguments);
    r.state = arg[n - 1];
    g->run(&out, &r, arg);
    csv_flush(&out);
    if (fflush(stdout) || out.failed) {
        fputs("generate: cannot write to standard output\n", stderr);
        return EXIT_IO;
    }
    return 0;
}
