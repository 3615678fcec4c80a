/* knn.c: the k nearest training rows vote, or are averaged. Class shares count the shares of the
 * whole training set as one more neighbour, so that no probability is 0 for a class that exists. */
#include "automl/core/learner.h"
#include "learners/parts/neighbours.h"
#include "learners/parts/rows.h"

#include <math.h>
#include <string.h>

enum { K, WEIGHTS };
enum { UNIFORM, DISTANCE };
enum { MOST_NEIGHBOURS = 100, MOST_ROWS = 1 << 30, MOST_FEATURES = 1 << 28 };

static const char *const weightings[] = {"uniform", "distance", NULL};
static const aml_param params[] = {
    [K] = {.name = "k",
           .summary = "neighbours",
           .kind = AML_INT,
           .log = true,
           .lo = 1,
           .hi = MOST_NEIGHBOURS,
           .fallback = 10},
    [WEIGHTS] = {.name = "weights",
                 .summary = "how much a neighbour counts: equally, or by 1 / distance",
                 .kind = AML_CHOICE,
                 .hi = 1,
                 .fallback = DISTANCE,
                 .choices = weightings},
    {.name = NULL}};

typedef struct knn {
    aml_neighbours rows;
    size_t k, n_classes; /* n_classes: 0 for regression */
    bool by_distance;
    const double *y, *w; /* by row of `rows` */
    const double *prior; /* n_classes, or the mean */
} knn;

static size_t n_priors(const knn *m) { return m->n_classes ? m->n_classes : 1; }

/* Rows without weight have no vote: they are not kept, unless none has any. */
static aml_status keep_rows(aml_data *kept, const aml_data *train, aml_ctx *ctx) {
    uint32_t *rows = AML_ARRAY(ctx->scratch, train->n, uint32_t);
    if (!rows) return AML_ENOMEM;
    *kept = *train;
    kept->rows = rows;
    kept->n = 0;
    for (size_t i = 0; i < train->n; i++)
        if (!train->w || train->w[train->rows[i]] > 0) rows[kept->n++] = train->rows[i];
    if (!kept->n) *kept = *train;
    return AML_OK;
}

static aml_status keep_targets(knn *m, const aml_data *x, aml_ctx *ctx) {
    double total, *y = AML_ARRAY(ctx->keep, x->n, double),
                  *prior = AML_ARRAY(ctx->keep, n_priors(m), double);
    double *w = aml_rows_weights(&total, x, ctx->keep);
    if (!y || !w || !prior) return AML_ENOMEM;
    for (size_t i = 0; i < x->n; i++) {
        y[i] = x->y[x->rows[i]];
        w[i] *= (double)x->n / total;
        if (m->n_classes) prior[(size_t)y[i]] += w[i] / (double)x->n;
        else prior[0] += y[i] * (w[i] / (double)x->n);
    }
    m->y = y, m->w = w, m->prior = prior;
    return AML_OK;
}

static aml_status fit(void **model, const aml_data *train, const double *hp, aml_ctx *ctx) {
    knn *m = AML_NEW(ctx->keep, knn);
    aml_data kept;
    if (!m) return AML_ENOMEM;
    AML_TRY(keep_rows(&kept, train, ctx));
    m->n_classes = train->task == AML_REGRESSION ? 0 : (size_t)train->n_classes;
    m->k = hp[K] < (double)kept.n ? (size_t)hp[K] : kept.n;
    m->by_distance = (int)hp[WEIGHTS] == DISTANCE;
    AML_TRY(aml_neighbours_build(&m->rows, &kept, m->k, ctx));
    AML_TRY(keep_targets(m, &kept, ctx));
    *model = m;
    return AML_OK;
}

typedef struct prediction {
    double *out;
    const knn *m;
} prediction;

/* The neighbours' votes, their mean about 1; a neighbour at distance 0 outvotes all others. */
static double votes(double *vote, const knn *m, const uint32_t *row, const float *distance,
                    size_t k) {
    double raw = 0, total = 0;
    for (size_t i = 0; i < k; i++) {
        double d = sqrt((double)distance[i]);
        vote[i] = !m->by_distance ? 1 : distance[0] > 0 ? 1 / d : distance[i] > 0 ? 0 : 1;
        raw += vote[i];
    }
    for (size_t i = 0; i < k; i++) total += vote[i] *= m->w[row[i]] * ((double)k / raw);
    return total;
}

static void decide(void *arg, size_t query, const uint32_t *row, const float *distance, size_t k) {
    const prediction *p = arg;
    const knn *m = p->m;
    double vote[MOST_NEIGHBOURS], total = votes(vote, m, row, distance, k);
    if (!m->n_classes) {
        double mean = 0;
        for (size_t i = 0; i < k; i++) mean += vote[i] / total * m->y[row[i]];
        p->out[query] = mean;
        return;
    }
    size_t outputs = m->n_classes == 2 ? 1 : m->n_classes, first = outputs == 1 ? 1 : 0;
    double *out = p->out + query * outputs;
    for (size_t c = 0; c < outputs; c++) out[c] = m->prior[first + c];
    for (size_t i = 0; i < k; i++) {
        size_t label = (size_t)m->y[row[i]];
        if (label >= first) out[label - first] += vote[i];
    }
    for (size_t c = 0; c < outputs; c++) out[c] /= total + 1;
    if (outputs == 1) out[0] = fmin(out[0], 1);
}

static aml_status predict(double *out, const void *model, const aml_data *x, aml_ctx *ctx) {
    const knn *m = model;
    AML_TRY(aml_rows_check(x, m->rows.p, aml_rows_sparse(x)));
    return aml_neighbours_find(&m->rows, m->k, x, decide, &(prediction){out, m}, ctx);
}

static void save(const void *model, aml_writer *w) {
    const knn *m = model;
    aml_put_u64(w, m->rows.n);
    aml_put_u64(w, m->rows.p);
    aml_put_u64(w, m->k);
    aml_put_u64(w, m->n_classes);
    aml_put_u8(w, m->by_distance);
    aml_put_f32s(w, m->rows.panel, aml_neighbours_floats(m->rows.n, m->rows.p));
    aml_put_f64s(w, m->y, m->rows.n);
    aml_put_f64s(w, m->w, m->rows.n);
    aml_put_f64s(w, m->prior, n_priors(m));
}

static bool sound(const knn *m) {
    size_t n_floats = aml_neighbours_floats(m->rows.n, m->rows.p), n_classes = m->n_classes;
    for (size_t i = 0; i < n_floats; i++)
        if (!(fabsf(m->rows.panel[i]) <= AML_NEIGHBOURS_LIMIT)) return false;
    for (size_t i = 0; i < m->rows.n; i++) {
        bool label = m->y[i] >= 0 && m->y[i] < (double)n_classes && floor(m->y[i]) == m->y[i];
        if (!isfinite(m->y[i]) || (n_classes && !label)) return false;
        if (!(m->w[i] > 0 && m->w[i] < 1e12)) return false;
    }
    double sum = 0;
    for (size_t c = 0; c < n_priors(m); c++) {
        if (!isfinite(m->prior[c]) || (n_classes && !(m->prior[c] >= 0))) return false;
        sum += m->prior[c];
    }
    return !n_classes || fabs(sum - 1) < 1e-9;
}

static aml_status load(void **model, aml_reader *r, aml_ctx *ctx) {
    knn *m = AML_NEW(ctx->keep, knn);
    if (!m) return AML_ENOMEM;
    uint64_t n = aml_get_u64(r), p = aml_get_u64(r), k = aml_get_u64(r), n_classes = aml_get_u64(r);
    uint8_t by_distance = aml_get_u8(r);
    if (r->status) return r->status;
    if (!n || n > MOST_ROWS || p > MOST_FEATURES || !k || k > n || k > MOST_NEIGHBOURS ||
        n_classes > MOST_ROWS || n_classes == 1 || by_distance > 1)
        return aml_reader_fail(r, "neighbours of impossible size");
    m->k = (size_t)k, m->n_classes = (size_t)n_classes, m->by_distance = by_distance;
    m->rows.n = (size_t)n, m->rows.p = (size_t)p;
    m->rows.panel = aml_get_f32s(r, ctx->keep, aml_neighbours_floats(m->rows.n, m->rows.p), NULL);
    m->y = aml_get_f64s(r, ctx->keep, m->rows.n, NULL);
    m->w = aml_get_f64s(r, ctx->keep, m->rows.n, NULL);
    m->prior = aml_get_f64s(r, ctx->keep, n_priors(m), NULL);
    if (r->status) return r->status;
    if (!sound(m)) return aml_reader_fail(r, "neighbours out of range");
    AML_TRY(aml_neighbours_ready(&m->rows, m->k, ctx));
    *model = m;
    return AML_OK;
}

static void bound(double *lo, double *hi, size_t param, const aml_shape *shape) {
    double half = floor((double)shape->n / 2);
    if (param == K) *hi = fmax(*lo, fmin(*hi, half));
}

/* The work is in the prediction: that of a fifth of the rows is counted. */
static double cost(const double *hp, const aml_shape *shape) {
    double n = (double)shape->n;
    (void)hp;
    return 1e-4 + n * (double)shape->p * 2e-9 + n / 5 * n * ((double)shape->p + 4) * 0.02e-9;
}

const aml_learner aml_learner_knn = {
    .abi = AML_ABI,
    .name = "knn",
    .summary = "k nearest neighbours",
    .tasks = AML_ANY_TASK,
    .can = AML_CAN_WEIGHTS | AML_WANTS_DENSE | AML_REFIT,
    .params = params,
    .fit = fit,
    .predict = predict,
    .save = save,
    .load = load,
    .bound = bound,
    .cost = cost,
};
