/* knn.c: the k nearest training rows vote, or are averaged. */
#include "automl/core/learner.h"
#include "learners/parts/neighbours_tree.h"
#include "learners/parts/neighbours_vote.h"
#include "learners/parts/rows.h"

#include <math.h>
#include <string.h>

enum { K, WEIGHTS, CHOOSE };
enum { UNIFORM, DISTANCE };
enum { GIVEN, LEAVE_ONE_OUT };
enum { MOST_ROWS = 1 << 30, MOST_FEATURES = 1 << 28 };

static const char *const weightings[] = {"uniform", "distance", NULL};
static const char *const ways[] = {"given", "leave_one_out", NULL};
static const aml_param params[] = {
    [K] = {.name = "k",
           .summary = "neighbours",
           .kind = AML_INT,
           .log = true,
           .lo = 1,
           .hi = AML_MOST_NEIGHBOURS,
           .fallback = 10},
    [WEIGHTS] = {.name = "weights",
                 .summary = "how much a neighbour counts: equally, or by 1 / distance",
                 .kind = AML_CHOICE,
                 .hi = 1,
                 .fallback = DISTANCE,
                 .choices = weightings},
    [CHOOSE] = {.name = "choose_k",
                .summary = "k as given, or the one with the least loss of rows left out",
                .kind = AML_CHOICE,
                .fallback = GIVEN,
                .choices = ways},
    {.name = NULL}};

typedef struct knn {
    aml_neighbours rows;
    aml_voters voters;
    size_t k;
} knn;

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

static aml_status keep_targets(aml_voters *v, const aml_data *x, aml_ctx *ctx) {
    double total, *y = AML_ARRAY(ctx->keep, x->n, double),
                  *prior = AML_ARRAY(ctx->keep, aml_voters_priors(v), double);
    double *w = aml_rows_weights(&total, x, ctx->keep);
    if (!y || !w || !prior) return AML_ENOMEM;
    for (size_t i = 0; i < x->n; i++) {
        y[i] = x->y[x->rows[i]];
        w[i] *= (double)x->n / total;
        if (v->n_classes) prior[(size_t)y[i]] += w[i] / (double)x->n;
        else prior[0] += y[i] * (w[i] / (double)x->n);
    }
    v->n = x->n, v->y = y, v->w = w, v->prior = prior;
    return AML_OK;
}

/* The k with the least loss of rows left out, the smallest of equals. */
static aml_status choose_k(knn *m, size_t most, const aml_data *x, aml_ctx *ctx) {
    double loss[AML_MOST_NEIGHBOURS];
    AML_TRY(aml_voters_left_out(loss, most, &m->voters, &m->rows, x, ctx));
    m->k = 1;
    for (size_t k = 2; k <= most; k++)
        if (loss[k - 1] < loss[m->k - 1]) m->k = k;
    return m->rows.tree ? AML_OK : aml_neighbour_tree_build(&m->rows.tree, &m->rows, m->k, ctx);
}

static aml_status fit(void **model, const aml_data *train, const double *hp, aml_ctx *ctx) {
    knn *m = AML_NEW(ctx->keep, knn);
    aml_data kept;
    if (!m) return AML_ENOMEM;
    AML_TRY(keep_rows(&kept, train, ctx));
    bool choose = (int)hp[CHOOSE] == LEAVE_ONE_OUT && kept.n > 1;
    size_t most = kept.n - 1 < AML_MOST_NEIGHBOURS ? kept.n - 1 : AML_MOST_NEIGHBOURS;
    m->k = hp[K] < (double)kept.n ? (size_t)hp[K] : kept.n;
    m->voters.n_classes = train->task == AML_REGRESSION ? 0 : (size_t)train->n_classes;
    m->voters.by_distance = (int)hp[WEIGHTS] == DISTANCE;
    AML_TRY(aml_neighbours_build(&m->rows, &kept, choose ? most + 1 : m->k, ctx));
    AML_TRY(keep_targets(&m->voters, &kept, ctx));
    if (choose) AML_TRY(choose_k(m, most, &kept, ctx));
    *model = m;
    return AML_OK;
}

typedef struct prediction {
    double *out;
    size_t outputs;
    const aml_voters *voters;
} prediction;

static void decide(void *arg, size_t query, const uint32_t *row, const float *distance, size_t k) {
    const prediction *p = arg;
    aml_voters_decide(p->out + query * p->outputs, p->voters, row, distance, k);
}

static aml_status predict(double *out, const void *model, const aml_data *x, aml_ctx *ctx) {
    const knn *m = model;
    size_t outputs = m->voters.n_classes > 2 ? m->voters.n_classes : 1;
    AML_TRY(aml_rows_check(x, m->rows.p, aml_rows_sparse(x), outputs));
    return aml_neighbours_find(&m->rows, m->k, x, decide, &(prediction){out, outputs, &m->voters},
                               ctx);
}

/* The rows out of their panels. */
static void lower_rows(aml_ir *ir, const aml_neighbours *m) {
    float *row = aml_ir_new(ir, "row", AML_F32, m->n * m->p);
    for (size_t i = 0; row && i < m->n; i++)
        for (size_t j = 0; j < m->p; j++)
            row[i * m->p + j] = m->panel[(i / AML_PANEL * m->p + j) * AML_PANEL + i % AML_PANEL];
}

static aml_status lower(uint32_t *out, const void *model, uint32_t x, aml_ir *ir) {
    const knn *m = model;
    const aml_voters *v = &m->voters;
    aml_ir_op1(ir, AML_OP_NEIGHBOURS, x);
    aml_ir_u32(ir, "k", m->k);
    aml_ir_u32(ir, "classes", v->n_classes);
    aml_ir_u32(ir, "by_distance", v->by_distance);
    lower_rows(ir, &m->rows);
    aml_ir_array(ir, "y", AML_F64, v->y, m->rows.n);
    aml_ir_array(ir, "w", AML_F64, v->w, m->rows.n);
    aml_ir_array(ir, "prior", AML_F64, v->prior, aml_voters_priors(v));
    *out = aml_ir_out(ir, AML_IR_VECTOR, v->n_classes > 2 ? v->n_classes : 1);
    return ir->status;
}

static void save(const void *model, aml_writer *w) {
    const knn *m = model;
    aml_put_u64(w, m->rows.n);
    aml_put_u64(w, m->rows.p);
    aml_put_u64(w, m->k);
    aml_put_u64(w, m->voters.n_classes);
    aml_put_u8(w, m->voters.by_distance);
    aml_put_f32s(w, m->rows.panel, aml_neighbours_floats(m->rows.n, m->rows.p));
    aml_put_f64s(w, m->voters.y, m->rows.n);
    aml_put_f64s(w, m->voters.w, m->rows.n);
    aml_put_f64s(w, m->voters.prior, aml_voters_priors(&m->voters));
}

static bool sound(const knn *m) {
    size_t n_floats = aml_neighbours_floats(m->rows.n, m->rows.p), n_classes = m->voters.n_classes;
    for (size_t i = 0; i < n_floats; i++)
        if (!(fabsf(m->rows.panel[i]) <= AML_NEIGHBOURS_LIMIT)) return false;
    for (size_t i = 0; i < m->rows.n; i++) {
        bool label = m->voters.y[i] >= 0 && m->voters.y[i] < (double)n_classes &&
                     floor(m->voters.y[i]) == m->voters.y[i];
        if (!isfinite(m->voters.y[i]) || (n_classes && !label)) return false;
        if (!(m->voters.w[i] > 0 && m->voters.w[i] < 1e12)) return false;
    }
    double sum = 0;
    for (size_t c = 0; c < aml_voters_priors(&m->voters); c++) {
        if (!isfinite(m->voters.prior[c]) || (n_classes && !(m->voters.prior[c] >= 0)))
            return false;
        sum += m->voters.prior[c];
    }
    return !n_classes || fabs(sum - 1) < 1e-9;
}

static aml_status load(void **model, aml_reader *r, aml_ctx *ctx) {
    knn *m = AML_NEW(ctx->keep, knn);
    if (!m) return AML_ENOMEM;
    uint64_t n = aml_get_u64(r), p = aml_get_u64(r), k = aml_get_u64(r), n_classes = aml_get_u64(r);
    uint8_t by_distance = aml_get_u8(r);
    if (r->status) return r->status;
    if (!n || n > MOST_ROWS || p > MOST_FEATURES || !k || k > n || k > AML_MOST_NEIGHBOURS ||
        n_classes > MOST_ROWS || n_classes == 1 || by_distance > 1)
        return aml_reader_fail(r, "neighbours of impossible size");
    m->k = (size_t)k, m->voters.n_classes = (size_t)n_classes, m->voters.by_distance = by_distance;
    m->rows.n = m->voters.n = (size_t)n, m->rows.p = (size_t)p;
    m->rows.panel = aml_get_f32s(r, ctx->keep, aml_neighbours_floats(m->rows.n, m->rows.p), NULL);
    m->voters.y = aml_get_f64s(r, ctx->keep, m->rows.n, NULL);
    m->voters.w = aml_get_f64s(r, ctx->keep, m->rows.n, NULL);
    m->voters.prior = aml_get_f64s(r, ctx->keep, aml_voters_priors(&m->voters), NULL);
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

/* Of a row's search: all are compared, some measured; of few features most are passed over by a tree. */
static double search_cost(double n, double p, double k) {
    double scan = n * (p + 8) * (p < 5 ? 0 : n < 4096 ? 5.6e-12 : 11e-12);
    return scan + k * (1 + log(fmax(n / k, 1))) * (31e-9 + 0.15e-9 * p);
}

/* The work is in the prediction: that of a fifth of the rows is counted. */
static double cost(const double *hp, const aml_shape *shape) {
    double n = (double)shape->n, p = (double)shape->p, most = fmin(AML_MOST_NEIGHBOURS + 1, n);
    bool choose = (int)hp[CHOOSE] == LEAVE_ONE_OUT;
    double seconds = n * (22e-9 + 5.2e-9 * p) + n / 4 * search_cost(n, p, choose ? 10 : hp[K]);
    return 1e-5 + seconds + (choose ? fmin(n, 4096) * search_cost(n, p, most) : 0);
}

const aml_learner aml_learner_knn = {
    .abi = AML_ABI,
    .name = "knn",
    .summary = "k nearest neighbours",
    .tasks = AML_ANY_TASK,
    .can = AML_CAN_WEIGHTS | AML_WANTS_DENSE | AML_REFIT,
    .params = AML_FIT(params),
    .fit = AML_FIT(fit),
    .predict = predict,
    .save = AML_FIT(save),
    .load = load,
    .bound = AML_FIT(bound),
    .cost = AML_FIT(cost),
    .lower = AML_FIT(lower),
};
