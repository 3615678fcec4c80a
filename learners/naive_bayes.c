/* naive_bayes.c: naive Bayes: Gaussian for dense features, multinomial or complement (Rennie et al.
 * 2003) for sparse counts; the sum of both scores is calibrated on a fifth of the rows, since
 * features are never independent. */
#include "automl/core/learner.h"
#include "automl/core/par.h"
#include "learners/parts/calibrate.h"
#include "learners/parts/linear.h"
#include "learners/parts/rows.h"

#include <math.h>
#include <string.h>

enum { SMOOTHING, ALPHA, COUNTS, CALIBRATE };
enum { MULTINOMIAL, COMPLEMENT };
enum { BLOCK = 256, MOST_FEATURES = 1 << 28, MOST_CLASSES = 1 << 20 };

static const char *const counts[] = {"multinomial", "complement", NULL};
static const char *const switches[] = {"off", "on", NULL};
static const aml_param params[] = {
    [SMOOTHING] = {.name = "smoothing",
                   .summary =
                       "share of a feature's overall variance added to its variance in a class",
                   .kind = AML_REAL,
                   .log = true,
                   .lo = 1e-9,
                   .hi = 1,
                   .fallback = 1e-3},
    [ALPHA] = {.name = "alpha",
               .summary = "count added to each sparse feature",
               .kind = AML_REAL,
               .log = true,
               .lo = 1e-3,
               .hi = 10,
               .fallback = 0.3},
    [COUNTS] = {.name = "counts",
                .summary = "model of the sparse features: of the class, or of all the others",
                .kind = AML_CHOICE,
                .hi = 1,
                .fallback = COMPLEMENT,
                .choices = counts},
    [CALIBRATE] = {.name = "calibrate",
                   .summary = "probabilities corrected on rows left out",
                   .kind = AML_CHOICE,
                   .hi = 1,
                   .fallback = 1,
                   .choices = switches,
                   .fixed = true},
    {.name = NULL}};

typedef struct naive_bayes {
    size_t p, q, k;   /* k: classes, 2 for binary */
    double *constant; /* k: everything that does not depend on the row */
    double *mean,
        *scale;    /* p × k: a feature's mean, and 1 / (2 variance), 0 for a constant feature */
    double *count; /* q × k: what one count adds to the score */
    aml_calibration calibration;
} naive_bayes;

/* ---- fit */

typedef struct tally {
    const aml_data *x;
    const double *w, *center;
    size_t p, q, k;
} tally;

/* sum: weight of each class, then k × p sums and squares of centered values, then q × k counts. */
static void add_rows(double *sum, void *arg, size_t begin, size_t end, double *scratch) {
    const tally *t = arg;
    size_t p = t->p, k = t->k;
    double *count = sum + k + 2 * p * k;
    aml_rows_doubles(scratch, t->x, t->center, begin, end);
    for (size_t i = begin; i < end; i++, scratch += p) {
        size_t label = (size_t)t->x->y[t->x->rows[i]];
        double w = t->w[i], *s1 = sum + k + label * p, *s2 = s1 + p * k;
        sum[label] += w;
        for (size_t j = 0; j < p; j++) {
            double wx = w * scratch[j];
            s1[j] += wx;
            s2[j] += wx * scratch[j];
        }
        const uint32_t *column;
        const float *value;
        size_t entries = t->q ? aml_rows_entries(&column, &value, t->x, i) : 0;
        for (size_t e = 0; e < entries; e++)
            count[column[e] * k + label] += w * fabs((double)aml_rows_value(value[e]));
    }
}

/* A class without rows has the overall mean and variance. */
static void set_dense(naive_bayes *m, const double *sum, const double *center, const double *sd,
                      double smoothing) {
    size_t p = m->p, k = m->k;
    const double *s1 = sum + k, *s2 = s1 + p * k;
    for (size_t j = 0; j < p; j++) {
        double all = sd[j] * sd[j];
        for (size_t c = 0; c < k; c++) {
            double w = sum[c], d = w > 0 ? s1[c * p + j] / w : 0,
                   own = w > 0 ? s2[c * p + j] / w - d * d : all;
            double variance = fmax(own, 0) + smoothing * all;
            m->mean[j * k + c] = center[j] + d;
            if (!(variance > 1e-200) || !(1 / variance < 1e80)) continue;
            m->scale[j * k + c] = 0.5 / variance;
            m->constant[c] -= 0.5 * log(2 * acos(-1) * variance);
        }
    }
}

static aml_status set_counts(naive_bayes *m, const double *count, double alpha, bool complement,
                             aml_ctx *ctx) {
    size_t q = m->q, k = m->k;
    double *of_class = AML_ARRAY(ctx->scratch, k, double), all = 0;
    if (!of_class) return AML_ENOMEM;
    for (size_t j = 0; j < q * k; j++) {
        of_class[j % k] += count[j];
        all += count[j];
    }
    for (size_t j = 0; j < q; j++) {
        double total = 0;
        for (size_t c = 0; c < k; c++) total += count[j * k + c];
        for (size_t c = 0; c < k; c++) {
            double own = count[j * k + c], others = fmax(total - own, 0),
                   rest = fmax(all - of_class[c], 0);
            double share = complement ? (alpha + others) / (alpha * (double)q + rest)
                                      : (alpha + own) / (alpha * (double)q + of_class[c]);
            m->count[j * k + c] = complement ? -log(share) : log(share);
        }
    }
    return AML_OK;
}

static aml_status learn(naive_bayes *m, const aml_data *train, const double *hp, aml_ctx *ctx) {
    size_t p = m->p, q = m->q, k = m->k, d = k + 2 * p * k + q * k, chunk = aml_rows_chunk(p);
    aml_sum s;
    double *sum = AML_ARRAY(ctx->scratch, d, double), *center = AML_ARRAY(ctx->scratch, p, double);
    double total, *sd = AML_ARRAY(ctx->scratch, p, double),
                  *w = aml_rows_weights(&total, train, ctx->scratch);
    m->constant = AML_ARRAY(ctx->keep, k, double);
    m->mean = AML_ARRAY(ctx->keep, p * k, double);
    m->scale = AML_ARRAY(ctx->keep, p * k, double);
    m->count = AML_ARRAY(ctx->keep, q * k, double);
    if (!sum || !center || !sd || !w || !m->constant || !m->mean || !m->scale || !m->count)
        return AML_ENOMEM;
    AML_TRY(aml_rows_moments(center, sd, train, w, total, ctx));
    AML_TRY(aml_sum_init(&s, train->n, d, chunk, chunk * p, ctx));
    AML_TRY(aml_sum_run(sum, &s, add_rows, &(tally){train, w, center, p, q, k}, ctx));
    for (size_t c = 0; c < k; c++)
        m->constant[c] = log(sum[c] > 0 ? sum[c] / total : 0.5 / (total + 1));
    set_dense(m, sum, center, sd, hp[SMOOTHING]);
    return set_counts(m, sum + k + 2 * p * k, hp[ALPHA], (int)hp[COUNTS] == COMPLEMENT, ctx);
}

/* ---- scores */

typedef struct scoring {
    double *out;
    const naive_bayes *m;
    const aml_data *x;
    double *scratch; /* k and p doubles for each thread */
    bool linked;     /* probabilities, else scores */
    const aml_ctx *ctx;
    atomic_bool stopped;
} scoring;

static void score_row(double *z, const naive_bayes *m, const aml_data *x, size_t i,
                      double *values) {
    size_t k = m->k;
    const double *mean = m->mean, *scale = m->scale;
    memcpy(z, m->constant, k * sizeof *z);
    aml_rows_doubles(values, x, NULL, i, i + 1);
    for (size_t j = 0; j < m->p; j++, mean += k, scale += k) {
        for (size_t c = 0; c < k; c++) {
            double d = values[j] - mean[c];
            z[c] -= d * d * scale[c];
        }
    }
    if (!m->q) return;
    const uint32_t *column;
    const float *value;
    size_t entries = aml_rows_entries(&column, &value, x, i);
    for (size_t e = 0; e < entries; e++) {
        double v = fabs((double)aml_rows_value(value[e]));
        for (size_t c = 0; c < k; c++) z[c] += v * m->count[column[e] * k + c];
    }
}

static void score_block(void *arg, size_t block, size_t begin, size_t end, int thread) {
    scoring *s = arg;
    const naive_bayes *m = s->m;
    size_t k = m->k, outputs = k == 2 ? 1 : k;
    double *z = s->scratch + (size_t)thread * (k + m->p);
    (void)block;
    if (aml_should_stop(s->ctx)) atomic_store(&s->stopped, true);
    if (atomic_load(&s->stopped)) return;
    for (size_t i = begin; i < end; i++) {
        double *out = s->out + i * outputs;
        score_row(z, m, s->x, i, z + k);
        if (outputs == 1) out[0] = z[1] - z[0];
        else memcpy(out, z, k * sizeof *out);
        if (s->linked) aml_calibration_apply(out, outputs, &m->calibration);
    }
}

static aml_status score(double *out, const naive_bayes *m, const aml_data *x, bool linked,
                        aml_ctx *ctx) {
    AML_TRY(aml_rows_check(x, m->p, m->q, m->k == 2 ? 1 : m->k));
    size_t n_threads = ctx->n_threads > 1 ? (size_t)ctx->n_threads : 1;
    scoring s = {.out = out, .m = m, .x = x, .linked = linked, .ctx = ctx};
    s.scratch = AML_ARRAY(ctx->scratch, n_threads * (m->k + m->p), double);
    if (!s.scratch) return AML_ENOMEM;
    atomic_init(&s.stopped, false);
    aml_par_for(ctx->n_threads, x->n, BLOCK, score_block, &s);
    return atomic_load(&s.stopped) ? aml_stopped() : AML_OK;
}

/* ---- the contract */

static aml_status calibrate(naive_bayes *m, const aml_data *train, const double *hp, aml_ctx *ctx) {
    aml_data inner, rest;
    bool possible;
    size_t outputs = m->k == 2 ? 1 : m->k;
    AML_TRY(aml_calibration_split(&possible, &inner, &rest, train, ctx));
    if (!possible || (int)hp[CALIBRATE] == 0)
        return aml_calibration_none(&m->calibration, outputs, ctx);
    naive_bayes first = *m;
    double *z = AML_ARRAY(ctx->scratch, rest.n * outputs, double),
           *y = AML_ARRAY(ctx->scratch, rest.n, double);
    double total, *w = aml_rows_weights(&total, &rest, ctx->scratch);
    if (!z || !y || !w) return AML_ENOMEM;
    for (size_t i = 0; i < rest.n; i++) y[i] = rest.y[rest.rows[i]];
    AML_TRY(learn(&first, &inner, hp, ctx));
    AML_TRY(score(z, &first, &rest, false, ctx));
    return aml_calibration_fit(&m->calibration, z, y, w, rest.n, outputs, ctx);
}

static aml_status fit(void **model, const aml_data *train, const double *hp, aml_ctx *ctx) {
    naive_bayes *m = AML_NEW(ctx->keep, naive_bayes);
    if (!m) return AML_ENOMEM;
    m->p = train->x->p, m->q = aml_rows_sparse(train), m->k = (size_t)train->n_classes;
    AML_TRY(calibrate(m, train, hp, ctx));
    AML_TRY(learn(m, train, hp, ctx));
    *model = m;
    return AML_OK;
}

static aml_status predict(double *out, const void *model, const aml_data *x, aml_ctx *ctx) {
    return score(out, model, x, true, ctx);
}

static aml_status lower(uint32_t *out, const void *model, uint32_t x, aml_ir *ir) {
    const naive_bayes *m = model;
    aml_ir_op1(ir, AML_OP_BAYES, x);
    aml_ir_array(ir, "constant", AML_F64, m->constant, m->k);
    aml_ir_array(ir, "mean", AML_F64, m->mean, m->p * m->k);
    aml_ir_array(ir, "scale", AML_F64, m->scale, m->p * m->k);
    aml_ir_array(ir, "count", AML_F64, m->count, m->q * m->k);
    *out = aml_ir_out(ir, AML_IR_VECTOR, m->k);
    if (m->k == 2) {
        aml_ir_op1(ir, AML_OP_DIFFERENCE, *out);
        *out = aml_ir_out(ir, AML_IR_VECTOR, 1);
    }
    *out = aml_calibration_lower(*out, &m->calibration, ir);
    return ir->status;
}

static void save(const void *model, aml_writer *w) {
    const naive_bayes *m = model;
    aml_put_u64(w, m->p);
    aml_put_u64(w, m->q);
    aml_put_u64(w, m->k);
    aml_put_f64s(w, m->constant, m->k);
    aml_put_f64s(w, m->mean, m->p * m->k);
    aml_put_f64s(w, m->scale, m->p * m->k);
    aml_put_f64s(w, m->count, m->q * m->k);
    aml_calibration_save(&m->calibration, w);
}

static bool within(const double *v, size_t n, double lo, double hi) {
    for (size_t i = 0; i < n; i++)
        if (!(v[i] >= lo && v[i] <= hi)) return false;
    return true;
}

static aml_status load(void **model, aml_reader *r, aml_ctx *ctx) {
    naive_bayes *m = AML_NEW(ctx->keep, naive_bayes);
    if (!m) return AML_ENOMEM;
    uint64_t p = aml_get_u64(r), q = aml_get_u64(r), k = aml_get_u64(r);
    if (r->status) return r->status;
    if (p > MOST_FEATURES || q > MOST_FEATURES || k < 2 || k > MOST_CLASSES)
        return aml_reader_fail(r, "a naive Bayes of impossible size");
    m->p = (size_t)p, m->q = (size_t)q, m->k = (size_t)k;
    m->constant = aml_get_f64s(r, ctx->keep, m->k, NULL);
    m->mean = aml_get_f64s(r, ctx->keep, m->p * m->k, NULL);
    m->scale = aml_get_f64s(r, ctx->keep, m->p * m->k, NULL);
    m->count = aml_get_f64s(r, ctx->keep, m->q * m->k, NULL);
    if (r->status) return r->status;
    bool good = within(m->constant, m->k, -1e15, 1e15) &&
                within(m->mean, m->p * m->k, -1e31, 1e31) &&
                within(m->scale, m->p * m->k, 0, 1e80) && within(m->count, m->q * m->k, -1e6, 1e6);
    if (!good) return aml_reader_fail(r, "a naive Bayes out of range");
    AML_TRY(aml_calibration_load(&m->calibration, m->k == 2 ? 1 : m->k, r, ctx));
    *model = m;
    return AML_OK;
}

static double cost(const double *hp, const aml_shape *shape) {
    double n = (double)shape->n, p = (double)shape->p, k = (double)shape->n_classes;
    (void)hp;
    double several = k > 2 ? 53e-9 * n * k : 0; /* their calibration */
    return 1e-5 + n * (5.2e-9 * p + 61e-9) + several + 15e-9 * (double)shape->nnz;
}

const aml_learner aml_learner_naive_bayes = {
    .abi = AML_ABI,
    .name = "naive_bayes",
    .summary = "naive Bayes: Gaussian for dense features, complement or multinomial for counts",
    .tasks = AML_CLASSIFICATION,
    .can = AML_CAN_WEIGHTS | AML_CAN_SPARSE | AML_WANTS_DENSE | AML_REFIT,
    .params = AML_FIT(params),
    .fit = AML_FIT(fit),
    .predict = predict,
    .save = AML_FIT(save),
    .load = load,
    .cost = AML_FIT(cost),
    .lower = AML_FIT(lower),
};
