/* similarity.c: how much each past dataset counts for a new one. */
#include "search/parts/similarity.h"

#include <math.h>
#include <string.h>

#include "automl/core/linalg.h"
#include "automl/core/par.h"

enum { COMPONENTS = 12, TREES = 300, TREES_A_BLOCK = 25, LEAF = 3, LEARN_STEPS = 150 };
static const double start_weight = 0.15; /* of a squared difference of standardised features */
static const double uniform_share = 0.2;

struct aml_similarity {
    size_t n, f, n_components;
    double *x;         /* f × n: transformed features, one after the other */
    double *mean, *sd; /* f; sd 0 = constant, ignored */
    double *weight;    /* f: m_f */
    double *target[2]; /* n × n_components: of the rows, and of the rows centred */
};

/* ---- features and components ---- */

static double signed_log(double x) { return copysign(log1p(fabs(x)), x); }

static double standardise(const aml_similarity *s, size_t f, double x) {
    if (isnan(x) || !(s->sd[f] > 0)) return 0;
    double z = (signed_log(x) - s->mean[f]) / s->sd[f];
    return z < -4 ? -4 : z > 4 ? 4 : z;
}

static void transform(aml_similarity *s, const double *x) {
    size_t n = s->n, f = s->f;
    for (size_t j = 0; j < f; j++) {
        double sum = 0, squares = 0, count = 0;
        for (size_t i = 0; i < n; i++)
            if (!isnan(x[i * f + j])) sum += signed_log(x[i * f + j]), count++;
        s->mean[j] = count > 0 ? sum / count : 0;
        for (size_t i = 0; i < n; i++) {
            double d = isnan(x[i * f + j]) ? 0 : signed_log(x[i * f + j]) - s->mean[j];
            squares += d * d;
        }
        double sd = count > 0 ? sqrt(squares / count) : 0;
        s->sd[j] = sd > 1e-9 ? sd : 0;
        for (size_t i = 0; i < n; i++) s->x[j * n + i] = standardise(s, j, x[i * f + j]);
    }
}

/* out: n × q, the rows (centred by row if asked, then by column) on their first q principal axes. */
static aml_status components(double *out, const double *rows, size_t n, size_t p, size_t q,
                             bool by_row, aml_arena *scratch) {
    double *r = AML_ARRAY(scratch, n * p, double), *gram = AML_ARRAY(scratch, p * p, double);
    double *values = AML_ARRAY(scratch, p, double), *axes = AML_ARRAY(scratch, p * q, double);
    if (!r || !gram || !values || !axes) return AML_ENOMEM;
    for (size_t i = 0; i < n; i++) {
        double mean = 0;
        for (size_t j = 0; j < p && by_row; j++) mean += rows[i * p + j] / (double)p;
        for (size_t j = 0; j < p; j++) r[i * p + j] = rows[i * p + j] - mean;
    }
    for (size_t j = 0; j < p; j++) {
        double mean = 0;
        for (size_t i = 0; i < n; i++) mean += r[i * p + j] / (double)n;
        for (size_t i = 0; i < n; i++) r[i * p + j] -= mean;
    }
    aml_dsyrk(p, n, r, p, 0, gram, p);
    AML_TRY(aml_eigen(gram, p, values));
    for (size_t j = 0; j < p; j++)
        for (size_t k = 0; k < q; k++) axes[j * q + k] = gram[j * p + (p - 1 - k)];
    aml_dgemm(false, false, n, q, p, 1, r, p, axes, q, 0, out, q);
    return AML_OK;
}

static aml_status prepare(aml_similarity *s, const double *x, size_t n, size_t f,
                          aml_arena *arena) {
    s->n = n;
    s->f = f;
    s->x = AML_ARRAY(arena, n * f, double);
    s->mean = AML_ARRAY(arena, f, double);
    s->sd = AML_ARRAY(arena, f, double);
    s->weight = AML_ARRAY(arena, f, double);
    if (!s->x || !s->mean || !s->sd || !s->weight) return AML_ENOMEM;
    transform(s, x);
    for (size_t j = 0; j < f; j++) s->weight[j] = start_weight;
    return AML_OK;
}

/* ---- the learnt metric ---- */

typedef struct learning {
    const aml_similarity *s;
    const uint32_t *family;
    const double *target; /* n × q */
    size_t q;
    double *w, *predicted, *residual, *g; /* n × n, n × q, n × q, n × n */
} learning;

/* w: each row's kernel weights over the rows of other families. */
static void kernel_rows(learning *a) {
    size_t n = a->s->n;
    memset(a->w, 0, n * n * sizeof(double));
    for (size_t j = 0; j < a->s->f; j++) {
        const double *x = a->s->x + j * n, m = a->s->weight[j];
        for (size_t i = 0; i < n; i++)
            for (size_t k = 0; k < n; k++) a->w[i * n + k] -= m * (x[i] - x[k]) * (x[i] - x[k]);
    }
    for (size_t i = 0; i < n; i++) {
        double *w = a->w + i * n, top = -INFINITY, sum = 0;
        for (size_t k = 0; k < n; k++)
            if (a->family[k] != a->family[i]) top = fmax(top, w[k]);
        for (size_t k = 0; k < n; k++) {
            w[k] = a->family[k] != a->family[i] ? exp(w[k] - top) : 0;
            sum += w[k];
        }
        for (size_t k = 0; k < n; k++) w[k] = sum > 0 ? w[k] / sum : 0;
    }
}

/* gradient[f] of the mean squared error by log m_f. */
static void gradient(double *gradient_out, learning *a) {
    size_t n = a->s->n, q = a->q;
    kernel_rows(a);
    aml_dgemm(false, false, n, q, n, 1, a->w, n, a->target, q, 0, a->predicted, q);
    for (size_t k = 0; k < n * q; k++) a->residual[k] = a->predicted[k] - a->target[k];
    aml_dgemm(false, true, n, n, q, 1, a->residual, q, a->target, q, 0, a->g, n);
    for (size_t i = 0; i < n; i++) {
        double own = aml_dot(a->residual + i * q, a->predicted + i * q, q);
        for (size_t k = 0; k < n; k++)
            a->g[i * n + k] = a->w[i * n + k] * (a->g[i * n + k] - own) * 2 / (double)n;
    }
    for (size_t j = 0; j < a->s->f; j++) {
        const double *x = a->s->x + j * n;
        double sum = 0;
        for (size_t i = 0; i < n; i++)
            for (size_t k = 0; k < n; k++) sum += a->g[i * n + k] * (x[i] - x[k]) * (x[i] - x[k]);
        gradient_out[j] = (1e-3 - sum) * a->s->weight[j];
    }
}

static aml_status descend(double *metric, learning *a, aml_ctx *ctx) {
    size_t f = a->s->f;
    double *g = AML_ARRAY(ctx->scratch, 3 * f, double), *m1 = g + f, *m2 = g + 2 * f;
    if (!g) return AML_ENOMEM;
    for (size_t j = 0; j < f; j++) metric[j] = log(start_weight);
    for (int step = 1; step <= LEARN_STEPS; step++) { /* Adam (Kingma and Ba 2015) */
        if (aml_should_stop(ctx)) return aml_stopped();
        gradient(g, a);
        for (size_t j = 0; j < f; j++) {
            m1[j] = 0.9 * m1[j] + 0.1 * g[j];
            m2[j] = 0.99 * m2[j] + 0.01 * g[j] * g[j];
            double mean = m1[j] / (1 - pow(0.9, step)), size = sqrt(m2[j] / (1 - pow(0.99, step)));
            metric[j] = fmin(fmax(metric[j] - 0.05 * mean / (size + 1e-9), -12), 3);
            a->s->weight[j] = exp(metric[j]);
        }
    }
    return AML_OK;
}

aml_status aml_similarity_learn(double *metric, const double *x, size_t n, size_t f,
                                const uint32_t *family, const double *rows, size_t p,
                                aml_ctx *ctx) {
    aml_similarity s = {0};
    size_t q = p < 40 ? p : 40;
    AML_TRY(prepare(&s, x, n, f, ctx->scratch));
    double *target = AML_ARRAY(ctx->scratch, n * q, double);
    learning a = {.s = &s, .family = family, .target = target, .q = q};
    a.w = AML_ARRAY(ctx->scratch, n * n, double);
    a.g = AML_ARRAY(ctx->scratch, n * n, double);
    a.predicted = AML_ARRAY(ctx->scratch, n * q, double);
    a.residual = AML_ARRAY(ctx->scratch, n * q, double);
    if (!target || !a.w || !a.g || !a.predicted || !a.residual) return AML_ENOMEM;
    AML_TRY(components(target, rows, n, p, q, true, ctx->scratch));
    return descend(metric, &a, ctx);
}

/* ---- the model and its weights ---- */

aml_status aml_similarity_new(aml_similarity **out, const double *x, size_t n, size_t f,
                              const double *metric, const double *rows, size_t p, aml_ctx *ctx) {
    aml_similarity *s = AML_NEW(ctx->keep, aml_similarity);
    if (!s) return AML_ENOMEM;
    AML_TRY(prepare(s, x, n, f, ctx->keep));
    for (size_t j = 0; j < f && metric; j++) s->weight[j] = exp(metric[j]);
    s->n_components = p < COMPONENTS ? p : COMPONENTS;
    for (int t = 0; t < 2; t++) {
        s->target[t] = AML_ARRAY(ctx->keep, n * s->n_components, double);
        if (!s->target[t]) return AML_ENOMEM;
        AML_TRY(components(s->target[t], rows, n, p, s->n_components, t == 1, ctx->scratch));
    }
    *out = s;
    return AML_OK;
}

typedef struct forest_job {
    const aml_similarity *s;
    const double *query; /* transformed */
    aml_rng rng;
    double *sums; /* a block after the other: n each */
    uint32_t *rows, *features;
} forest_job;

typedef struct split {
    size_t feature;
    double threshold, score;
} split;

/* How much a random cut of `feature` explains: sum over the sides of |sum of targets|² / count.
 * -1: too few rows on a side; threshold NaN: the feature does not vary. */
static split try_cut(const forest_job *job, const double *target, const uint32_t *rows, size_t m,
                     size_t feature, aml_rng *rng) {
    size_t q = job->s->n_components, n_left = 0;
    const double *x = job->s->x + feature * job->s->n;
    double lo = INFINITY, hi = -INFINITY, left[COMPONENTS] = {0}, all[COMPONENTS] = {0};
    for (size_t i = 0; i < m; i++) lo = fmin(lo, x[rows[i]]), hi = fmax(hi, x[rows[i]]);
    split s = {feature, NAN, -1};
    if (!(hi > lo)) return s;
    s.threshold = lo + aml_rng_uniform(rng) * (hi - lo);
    for (size_t i = 0; i < m; i++) {
        const double *t = target + rows[i] * q;
        bool is_left = x[rows[i]] <= s.threshold;
        n_left += is_left;
        for (size_t c = 0; c < q; c++) {
            all[c] += t[c];
            if (is_left) left[c] += t[c];
        }
    }
    if (n_left < LEAF || m - n_left < LEAF) return s;
    s.score = 0;
    for (size_t c = 0; c < q; c++) {
        double right = all[c] - left[c];
        s.score += left[c] * left[c] / (double)n_left + right * right / (double)(m - n_left);
    }
    return s;
}

/* The best cut among a third of the features (three at least) that vary in the node, drawn without
 * repetition. */
static split best_cut(const forest_job *job, const double *target, const uint32_t *rows, size_t m,
                      uint32_t *features, aml_rng *rng) {
    size_t f = job->s->f, want = f / 3 > 3 ? f / 3 : 3, drawn = 0;
    split best = {0, 0, -1};
    for (size_t j = 0; j < f; j++) features[j] = (uint32_t)j;
    for (size_t j = 0; j < f && drawn < want; j++) {
        size_t k = j + aml_rng_below(rng, (uint32_t)(f - j));
        uint32_t feature = features[k];
        features[k] = features[j];
        split s = try_cut(job, target, rows, m, feature, rng);
        drawn += !isnan(s.threshold);
        if (s.score > best.score) best = s;
    }
    return best;
}

/* Only the branch that the query falls into is ever grown: the rest of the tree would not be
 * looked at. */
static void grow_branch(const forest_job *job, size_t tree, double *sums, uint32_t *rows,
                        uint32_t *features) {
    size_t n = job->s->n, m = n;
    const double *target = job->s->target[tree % 2];
    aml_rng rng = aml_rng_child(&job->rng, (uint32_t)tree);
    for (size_t i = 0; i < n; i++) rows[i] = (uint32_t)i;
    while (m >= 2 * LEAF) {
        split s = best_cut(job, target, rows, m, features, &rng);
        if (s.score < 0) break;
        const double *x = job->s->x + s.feature * n;
        bool left = job->query[s.feature] <= s.threshold;
        size_t kept = 0;
        for (size_t i = 0; i < m; i++)
            if ((x[rows[i]] <= s.threshold) == left) rows[kept++] = rows[i];
        m = kept;
    }
    for (size_t i = 0; i < m; i++) sums[rows[i]] += 1 / (double)m;
}

static void forest_block(void *arg, size_t block, size_t begin, size_t end, int thread) {
    forest_job *job = arg;
    (void)thread;
    for (size_t tree = begin; tree < end; tree++)
        grow_branch(job, tree, job->sums + block * job->s->n, job->rows + block * job->s->n,
                    job->features + block * job->s->f);
}

static void add_metric_kernel(double *weights, const aml_similarity *s, const double *query,
                              double *d) {
    size_t n = s->n;
    double lowest = INFINITY, sum = 0;
    for (size_t i = 0; i < n; i++) {
        d[i] = 0;
        for (size_t j = 0; j < s->f; j++) {
            double diff = query[j] - s->x[j * n + i];
            d[i] += s->weight[j] * diff * diff;
        }
        lowest = fmin(lowest, d[i]);
    }
    for (size_t i = 0; i < n; i++) sum += d[i] = exp(lowest - d[i]);
    for (size_t i = 0; i < n; i++) weights[i] += d[i] / sum;
}

aml_status aml_similarity_weights(double *weights, const aml_similarity *s, const double *query,
                                  aml_ctx *ctx) {
    size_t n = s->n, blocks = (2 * TREES + TREES_A_BLOCK - 1) / TREES_A_BLOCK;
    double *q = AML_ARRAY(ctx->scratch, s->f, double), *d = AML_ARRAY(ctx->scratch, n, double);
    forest_job job = {.s = s, .query = q, .rng = ctx->rng};
    job.sums = AML_ARRAY(ctx->scratch, blocks * n, double);
    job.rows = AML_ARRAY(ctx->scratch, blocks * n, uint32_t);
    job.features = AML_ARRAY(ctx->scratch, blocks * s->f, uint32_t);
    if (!q || !d || !job.sums || !job.rows || !job.features) return AML_ENOMEM;
    for (size_t j = 0; j < s->f; j++) q[j] = standardise(s, j, query[j]);
    aml_par_for(ctx->n_threads, 2 * TREES, TREES_A_BLOCK, forest_block, &job);
    for (size_t i = 0; i < n; i++) {
        weights[i] = 0;
        for (size_t b = 0; b < blocks; b++) weights[i] += job.sums[b * n + i] / TREES;
    }
    add_metric_kernel(weights, s, q, d);
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += weights[i] = weights[i] / 3 + 1e-4;
    for (size_t i = 0; i < n; i++)
        weights[i] = (1 - uniform_share) * weights[i] / sum + uniform_share / (double)n;
    return AML_OK;
}
