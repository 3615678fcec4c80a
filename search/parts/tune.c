/* tune.c: Bayesian optimisation in a space of a user. */
#include "search/parts/tune.h"

#include <math.h>
#include <string.h>

#include "automl/core/sort.h"
#include "search/parts/acquisition.h"
#include "search/parts/krige.h"
#include "search/parts/layout.h"
#include "search/parts/spread.h"
#include "search/parts/warp.h"

enum {
    MAX_POINTS = 300,   /* of the process */
    LEARN_POINTS = 100, /* of them, for its hyperparameters */
    LEADERS = 6,
    MOVES = 40,
    WIDE = 400,
    CLIMBS = 6,
    STEPS = 40
};

typedef struct search {
    const aml_space *space;
    const aml_told *told;
    aml_layout layout;
    aml_krige gp;
    double best; /* lowest value expected of a trial so far, warped */
    /* A trust region: the cube of side 2 reach around the best trial's point; reach INFINITY: everywhere. */
    double reach;
    double *centre;
    bool *near; /* told->n: trials that the model is made of */
    size_t n;   /* candidates */
    double *config, *x, *score;
    aml_arena *scratch;
} search;

/* ---- the trust region ---- */

enum { LOCAL_EVERY = 2, SUCCESSES = 3, LEAST_FAILURES = 4, FEWEST_NEAR = 12 };
static const double first_reach = 0.4, least_reach = 0.003;

static bool is_local(const search *s, size_t trial) {
    return trial % LOCAL_EVERY == 1 && trial >= 2 * (s->layout.n_scales + 1);
}

/* Its reach follows from how the local trials did (Eriksson et al. 2019, "TuRBO"): twice as far after three better ones in a
 * row, half as far after as many failures in a row as there are dimensions; anew when it has become tiny. */
static double reach_of(const search *s) {
    size_t failures = LEAST_FAILURES, won = 0, lost = 0;
    double reach = first_reach, best = INFINITY;
    if (s->layout.n_scales > failures) failures = s->layout.n_scales;
    for (size_t i = 0; i < s->told->n; i++) {
        const aml_record *r = &s->told->records[i];
        bool known = aml_has_loss(r), better = known && r->loss < best - 1e-4 * fabs(best);
        if (is_local(s, i) && r->state != AML_TRIAL_PENDING) {
            won = better ? won + 1 : 0;
            lost = better ? 0 : lost + 1;
            if (won == SUCCESSES) reach = fmin(2 * reach, 0.8), won = 0;
            if (lost == failures) reach /= 2, lost = 0;
            if (reach < least_reach) reach = first_reach;
        }
        if (known) best = fmin(best, r->loss);
    }
    return reach;
}

/* Distance of two points as the cube measures it: the largest of a coordinate; other choices count half. */
static double distance(const search *s, const double *a, const double *b) {
    double most = 0, other = 0;
    for (size_t j = 0; j < s->layout.n; j++) {
        if (isnan(s->layout.value[j])) most = fmax(most, fabs(a[j] - b[j]));
        else if (fabs(a[j] - b[j]) > 0.1) other = 0.5;
    }
    return fmax(most, other);
}

/* The trials that a local model is made of: those within twice the reach, and the nearest ones where these are few. */
static aml_status choose_near(search *s) {
    size_t n = s->told->n, top, fewest = 2 * s->layout.n_scales;
    if (fewest < FEWEST_NEAR) fewest = FEWEST_NEAR;
    double *away = AML_ARRAY(s->scratch, n, double),
           *x = AML_ARRAY(s->scratch, s->layout.n, double);
    uint32_t *order = AML_ARRAY(s->scratch, n, uint32_t);
    s->near = AML_ARRAY(s->scratch, n, bool);
    s->centre = AML_ARRAY(s->scratch, s->layout.n, double);
    if (!away || !x || !order || !s->near || !s->centre) return AML_ENOMEM;
    aml_best_records(&top, 1, s->told);
    aml_layout_encode(s->centre, &s->layout, s->space, s->told->records[top].config);
    for (size_t i = 0; i < n; i++) {
        aml_layout_encode(x, &s->layout, s->space, s->told->records[i].config);
        away[i] = distance(s, x, s->centre);
    }
    AML_TRY(aml_argsort(order, away, n));
    for (size_t k = 0, losses = 0; k < n; k++) {
        const aml_record *r = &s->told->records[order[k]];
        s->near[order[k]] =
            !isfinite(s->reach) || losses < fewest || away[order[k]] <= 2 * s->reach;
        losses += aml_has_loss(r);
    }
    return AML_OK;
}

/* ---- learning ---- */

/* Warped losses; failed trials are as bad as the worst; NaN: in flight. */
static aml_status warp_losses(double *y, const search *s) {
    const aml_told *told = s->told;
    double *loss = AML_ARRAY(s->scratch, told->n, double), worst = -INFINITY;
    aml_warp warp;
    size_t n = 0;
    if (!loss) return AML_ENOMEM;
    for (size_t i = 0; i < told->n; i++)
        if (s->near[i] && aml_has_loss(&told->records[i])) loss[n++] = told->records[i].loss;
    AML_TRY(aml_warp_new(&warp, loss, n, s->scratch));
    for (size_t i = 0; i < told->n; i++) {
        y[i] = aml_has_loss(&told->records[i]) ? aml_warp_apply(&warp, told->records[i].loss) : NAN;
        if (!isnan(y[i])) worst = fmax(worst, y[i]);
    }
    for (size_t i = 0; i < told->n; i++)
        if (isnan(y[i]) && told->records[i].state != AML_TRIAL_PENDING) y[i] = worst;
    return AML_OK;
}

/* Of too many points the better half of the room and the latest. */
static bool keep_point(const double *y, size_t n, size_t record, size_t known) {
    size_t better = 0, later = 0;
    if (known <= MAX_POINTS) return true;
    for (size_t i = 0; i < n; i++) {
        if (isnan(y[i])) continue;
        later += i > record;
        better += y[i] < y[record] || (i < record && y[i] == y[record]);
    }
    return better < MAX_POINTS / 2 || later < MAX_POINTS / 2;
}

static aml_status learn(search *s) {
    size_t n = s->told->n, known = 0;
    const aml_record *r = s->told->records;
    double *y = AML_ARRAY(s->scratch, n, double), *x = AML_ARRAY(s->scratch, s->layout.n, double);
    if (!y || !x) return AML_ENOMEM;
    AML_TRY(warp_losses(y, s));
    for (size_t i = 0; i < n; i++) {
        if (!s->near[i]) y[i] = NAN;
        known += !isnan(y[i]);
    }
    size_t room = (known < MAX_POINTS ? known : MAX_POINTS) + (n - known);
    AML_TRY(
        aml_krige_new(&s->gp, room, s->layout.n, s->layout.scale, s->layout.n_scales, s->scratch));
    for (size_t i = 0; i < n; i++) {
        if (isnan(y[i]) || !keep_point(y, n, i, known)) continue;
        aml_layout_encode(x, &s->layout, s->space, r[i].config);
        aml_krige_add(&s->gp, x, y[i]);
    }
    AML_TRY(aml_krige_learn(&s->gp, LEARN_POINTS, s->scratch));
    AML_TRY(aml_krige_factorise(&s->gp));
    for (size_t i = 0; i < n; i++) {
        if (!isnan(y[i]) || !s->near[i]) continue;
        aml_layout_encode(x, &s->layout, s->space, r[i].config);
        aml_krige_believe(&s->gp, x);
    }
    s->best = INFINITY;
    for (size_t i = 0; i < s->gp.n; i++)
        s->best = fmin(s->best, s->gp.y[i] - s->gp.noise * s->gp.alpha[i]);
    return AML_OK;
}

/* ---- candidates ---- */

static void add_candidate(search *s, const double *config) {
    size_t d = s->space->n;
    if (!aml_space_allows(s->space, config)) return;
    memmove(s->config + s->n * d, config, d * sizeof *config);
    aml_layout_encode(s->x + s->n * s->layout.n, &s->layout, s->space, config);
    s->n++;
}

/* The point of the cube that a configuration stands for, with numbers drawn into the trust region. */
static void draw_in(double *config, const search *s, aml_rng *rng) {
    for (size_t j = 0; j < s->layout.n; j++) {
        size_t dim = s->layout.dim[j];
        if (!isnan(s->layout.value[j]) || isnan(config[dim])) continue;
        double lo = fmax(s->centre[j] - s->reach, 0), hi = fmin(s->centre[j] + s->reach, 1);
        config[dim] = aml_dim_decode(&s->space->dims[dim], lo + (hi - lo) * aml_rng_uniform(rng));
    }
    aml_space_repair(config, s->space);
}

static void add_local(search *s, double *one, size_t top, aml_rng *rng) {
    for (size_t k = 0; k < LEADERS * MOVES + WIDE; k++) {
        const double *from = s->told->records[top].config;
        if (k % 4 == 0) { /* a few coordinates, and choices */
            aml_perturb(one, s->space, from, s->reach * (k % 8 ? 0.5 : 0.1), rng);
        } else {
            memmove(one, from, s->space->n * sizeof *one);
            draw_in(one, s, rng);
        }
        add_candidate(s, one);
    }
}

static aml_status make_candidates(search *s, const aml_rng *rng) {
    static const double widths[] = {0.3, 0.1, 0.03, 0.01};
    size_t best[LEADERS], leaders = aml_best_records(best, LEADERS, s->told), d = s->space->n;
    size_t room = LEADERS * MOVES + WIDE + CLIMBS + 1;
    aml_rng local = aml_rng_child(rng, 1), wide = aml_rng_child(rng, 2);
    double *one = AML_ARRAY(s->scratch, d, double);
    s->config = AML_ARRAY(s->scratch, room * d, double);
    s->x = AML_ARRAY(s->scratch, room * s->layout.n, double);
    s->score = AML_ARRAY(s->scratch, room, double);
    if (!one || !s->config || !s->x || !s->score) return AML_ENOMEM;
    if (isfinite(s->reach)) {
        add_local(s, one, best[0], &local);
        return AML_OK;
    }
    for (size_t l = 0; l < leaders; l++)
        for (size_t k = 0; k < MOVES; k++) {
            aml_perturb(one, s->space, s->told->records[best[l]].config, widths[k % 4], &local);
            add_candidate(s, one);
        }
    for (size_t k = 0; k < WIDE; k++) {
        aml_space_random(one, s->space, &wide);
        add_candidate(s, one);
    }
    return AML_OK;
}

static aml_status score(search *s, size_t from) {
    size_t m = s->n - from;
    double *mean = AML_ARRAY(s->scratch, 2 * m, double), *variance = mean + m;
    if (!mean) return AML_ENOMEM;
    AML_TRY(aml_krige_predict(mean, variance, &s->gp, s->x + from * s->layout.n, m, s->scratch));
    for (size_t i = 0; i < m; i++)
        s->score[from + i] = aml_log_expected_improvement(mean[i], sqrt(variance[i]), s->best);
    return AML_OK;
}

/* ---- along the gradient ---- */

/* Log expected improvement at x with its gradient. d log EI = (-Phi(z) d mean + phi(z) d sd) / (sd h(z)), h = phi + z Phi. */
static double improvement(double *gradient, const search *s, const double *x, double *work) {
    size_t d = s->layout.n;
    double mean, variance, *by_mean = work, *by_variance = work + d;
    aml_krige_slope(&mean, &variance, by_mean, by_variance, &s->gp, x, work + 2 * d);
    double sd = sqrt(variance), z = (s->best - mean) / sd, cdf_share, pdf_share;
    if (z > -8) {
        double pdf = 0.39894228040143267794 * exp(-0.5 * z * z),
               cdf = 0.5 * erfc(-z * 0.70710678118654752440), h = pdf + z * cdf;
        cdf_share = cdf / h;
        pdf_share = pdf / h;
    } else { /* phi / h = z² + 3 - …, Phi / h = |z| + 2 / |z| … */
        cdf_share = -z - 2 / z;
        pdf_share = z * z + 3;
    }
    for (size_t j = 0; j < d; j++)
        gradient[j] = (-cdf_share * by_mean[j] + pdf_share * by_variance[j] / (2 * sd)) / sd;
    return aml_log_expected_improvement(mean, sd, s->best);
}

/* Resilient steps within the unit cube, over the numbers that the configuration has. */
static aml_status climb(double *config, const search *s, size_t start) {
    size_t d = s->layout.n;
    double *x = AML_ARRAY(s->scratch, 5 * d, double), *best = x + d, *gradient = best + d,
           *last = gradient + d, *step = last + d, highest = -INFINITY;
    double *work = AML_ARRAY(s->scratch, 2 * d + 3 * s->gp.n, double);
    if (!x || !work) return AML_ENOMEM;
    memcpy(x, s->x + start * d, d * sizeof *x);
    memcpy(config, s->config + start * s->space->n, s->space->n * sizeof *config);
    for (size_t j = 0; j < d; j++)
        step[j] = isnan(s->layout.value[j]) && !isnan(config[s->layout.dim[j]]) ? 0.02 : 0;
    for (int k = 0; k < STEPS; k++) {
        double value = improvement(gradient, s, x, work);
        if (value > highest) {
            highest = value;
            memcpy(best, x, d * sizeof *best);
        }
        for (size_t j = 0; j < d; j++) {
            double sign = gradient[j] * last[j];
            if (!(step[j] > 0)) continue;
            step[j] = fmin(fmax(step[j] * (sign > 0 ? 1.3 : sign < 0 ? 0.5 : 1), 1e-5), 0.2);
            if (gradient[j] != 0) x[j] += copysign(step[j], gradient[j]);
            x[j] = fmin(fmax(x[j], fmax(s->centre[j] - s->reach, 0)),
                        fmin(s->centre[j] + s->reach, 1));
            last[j] = gradient[j];
        }
    }
    for (size_t j = 0; j < d; j++)
        if (step[j] > 0)
            config[s->layout.dim[j]] = aml_dim_decode(&s->space->dims[s->layout.dim[j]], best[j]);
    aml_space_repair(config, s->space);
    return AML_OK;
}

static size_t top_of(const search *s) {
    size_t top = 0;
    for (size_t i = 1; i < s->n; i++)
        if (s->score[i] > s->score[top]) top = i;
    return top;
}

static aml_status improve(search *s) {
    size_t from = s->n, start[CLIMBS];
    double *one = AML_ARRAY(s->scratch, s->space->n, double), kept[CLIMBS];
    if (!one) return AML_ENOMEM;
    for (size_t c = 0; c < CLIMBS; c++) {
        start[c] = top_of(s);
        kept[c] = s->score[start[c]];
        s->score[start[c]] = -INFINITY;
    }
    for (size_t c = 0; c < CLIMBS; c++) {
        s->score[start[c]] = kept[c];
        AML_TRY(climb(one, s, start[c]));
        add_candidate(s, one);
    }
    return s->n > from ? score(s, from) : AML_OK;
}

aml_status aml_tune_suggest(double *config, const aml_space *space, const aml_told *told,
                            const aml_rng *rng, aml_arena *scratch) {
    search s = {.space = space, .told = told, .scratch = scratch};
    const aml_groups whole = {1, 0, false};
    AML_TRY(aml_layout_new(&s.layout, space, &whole, 0, scratch));
    if (s.layout.n) {
        s.reach = is_local(&s, told->n) ? reach_of(&s) : INFINITY;
        AML_TRY(choose_near(&s));
        AML_TRY(learn(&s));
        AML_TRY(make_candidates(&s, rng));
    }
    if (s.n > CLIMBS) {
        AML_TRY(score(&s, 0));
        AML_TRY(improve(&s));
    }
    for (size_t tries = 0; tries < s.n; tries++) {
        size_t top = top_of(&s);
        memcpy(config, s.config + top * space->n, space->n * sizeof *config);
        if (isfinite(s.score[top]) && !aml_is_told(space, told, config)) return AML_OK;
        s.score[top] = -INFINITY;
    }
    return aml_random_new(config, space, told, aml_rng_child(rng, 3), scratch);
}

aml_status aml_tune_next(double *config, const aml_space *space, const aml_told *told,
                         aml_ctx *ctx) {
    enum { FEWEST = 4, MOST = 10 };
    size_t best, first = 1;
    aml_rng rng = aml_rng_child(&ctx->rng, (uint32_t)told->n);
    for (size_t i = 0; i < space->n; i++) first += aml_dim_values(&space->dims[i]) > 1;
    if (first < FEWEST) first = FEWEST;
    if (first > MOST) first = MOST;
    if (told->n < first || !aml_best_records(&best, 1, told))
        return aml_spread_new(config, space, told, ctx);
    return aml_tune_suggest(config, space, told, &rng, ctx->scratch);
}
