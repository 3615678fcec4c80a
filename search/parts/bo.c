/* bo.c: Bayesian optimisation in a conditional, mixed space. */
#include "search/parts/bo.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "search/parts/acquisition.h"
#include "search/parts/gp.h"
#include "search/parts/layout.h"
#include "search/parts/warp.h"

enum { LEADERS = 5, MOVES = 24, RANDOM = 96, MAX_POINTS = 150 };
static const double cost_exponent = 0.5;

/* What is believed of one group. */
typedef struct group {
    aml_layout layout;
    aml_gp gp;      /* of warped losses minus the prior mean */
    aml_gp columns; /* smooths the pipelines' expected relative losses; n = 0: none */
    double mean;    /* of those */
    size_t n_told;
} group;

typedef struct search {
    const aml_space *space;
    const aml_told *told;
    const aml_advice *advice;   /* NULL: no prior mean */
    const aml_problem *problem; /* or NULL */
    aml_groups groups;
    group *group; /* groups.n */
    aml_warp warp;
    double best;       /* warped */
    double trust;      /* share of the prior mean that is believed */
    double *y, *prior; /* told->n: warped losses (NaN: pending), prior means */
    double *x;         /* room for one encoded point */
    aml_arena *scratch;
} search;

/* ---- losses ---- */

static aml_status warp_losses(search *s) {
    const aml_told *told = s->told;
    double *loss = AML_ARRAY(s->scratch, told->n, double), worst = -INFINITY;
    size_t n = 0;
    if (!loss) return AML_ENOMEM;
    for (size_t i = 0; i < told->n; i++)
        if (aml_has_loss(&told->records[i])) loss[n++] = told->records[i].loss;
    AML_TRY(aml_warp_new(&s->warp, loss, n, s->scratch));
    s->best = INFINITY;
    for (size_t i = 0; i < told->n; i++) {
        s->y[i] =
            aml_has_loss(&told->records[i]) ? aml_warp_apply(&s->warp, told->records[i].loss) : NAN;
        if (isnan(s->y[i])) continue;
        s->best = fmin(s->best, s->y[i]);
        worst = fmax(worst, s->y[i]);
    }
    for (size_t i = 0; i < told->n; i++)
        if (isnan(s->y[i]) && told->records[i].state != AML_TRIAL_PENDING) s->y[i] = worst;
    return AML_OK;
}

/* ---- groups ---- */

static group *group_of(const search *s, const double *config) {
    return &s->group[aml_group_of(&s->groups, config)];
}

static aml_status lay_out(search *s) {
    size_t widest = 0;
    for (size_t g = 0; g < s->groups.n; g++) {
        AML_TRY(aml_layout_new(&s->group[g].layout, s->space, &s->groups, g, s->scratch));
        widest = s->group[g].layout.n > widest ? s->group[g].layout.n : widest;
    }
    for (size_t i = 0; i < s->told->n; i++) group_of(s, s->told->records[i].config)->n_told++;
    for (size_t g = 0; g < s->groups.n; g++) {
        group *q = &s->group[g];
        AML_TRY(aml_gp_new(&q->gp, q->n_told, q->layout.n, q->layout.scale, q->layout.n_scales,
                           s->scratch));
        if (s->groups.n > 1)
            q->gp.level = 0.5; /* learners differ more than a process around one mean */
    }
    s->x = AML_ARRAY(s->scratch, widest, double);
    return s->x ? AML_OK : AML_ENOMEM;
}

/* ---- the prior mean ---- */

static aml_status smooth_columns(search *s) {
    const aml_advice *a = s->advice;
    double *mean = AML_ARRAY(s->scratch, a->p, double);
    if (!mean) return AML_ENOMEM;
    AML_TRY(aml_advice_means(mean, a, s->scratch));
    for (size_t g = 0; g < s->groups.n; g++) {
        group *q = &s->group[g];
        double sum = 0;
        size_t n = 0;
        for (size_t j = 0; j < a->p; j++)
            if (a->usable[j] && group_of(s, a->configs + j * s->space->n) == q) sum += mean[j], n++;
        AML_TRY(aml_gp_new(&q->columns, n, q->layout.n, q->layout.scale, q->layout.n_scales,
                           s->scratch));
        q->columns.level = 0;
        q->columns.noise = 0.05;
        q->mean = n ? sum / (double)n : NAN;
    }
    for (size_t j = 0; j < a->p; j++) {
        const double *config = a->configs + j * s->space->n;
        group *q = group_of(s, config);
        if (!a->usable[j]) continue;
        aml_layout_encode(s->x, &q->layout, s->space, config);
        aml_gp_append(&q->columns, s->x, mean[j] - q->mean);
    }
    for (size_t g = 0; g < s->groups.n; g++) aml_gp_solve(&s->group[g].columns);
    return AML_OK;
}

/* Warped prior mean at a point of the group; 0 where nothing is known. */
static double prior_mean(const search *s, const group *q, const double *x) {
    if (!s->advice || !q->columns.n) return 0;
    double relative = q->mean;
    for (size_t i = 0; i < q->columns.n; i++)
        relative +=
            q->columns.alpha[i] * aml_gp_kernel(&q->columns, q->columns.x + i * q->columns.d, x);
    double loss = s->advice->unit * pow(fmax(relative, 0), 1 / s->advice->prior->power);
    return aml_warp_apply(&s->warp, loss);
}

/* How far the trials bear the prior mean out: the slope of a ridge regression, between 0 and 1. */
static double bear_out(const search *s) {
    static const double strength = 3, expected = 0.8;
    double my = 0, mp = 0, n = 0, cross = strength * expected, square = strength;
    for (size_t i = 0; i < s->told->n; i++)
        if (!isnan(s->y[i])) my += s->y[i], mp += s->prior[i], n++;
    for (size_t i = 0; i < s->told->n && n > 0; i++) {
        if (isnan(s->y[i])) continue;
        cross += (s->prior[i] - mp / n) * (s->y[i] - my / n);
        square += (s->prior[i] - mp / n) * (s->prior[i] - mp / n);
    }
    return fmin(fmax(cross / square, 0), 1);
}

/* ---- learning ---- */

/* With too many points in a group only the better half of the room and the latest are kept. */
static bool keep_point(const search *s, const group *q, size_t record) {
    size_t better = 0, later = 0;
    if (q->n_told <= MAX_POINTS) return true;
    for (size_t i = 0; i < s->told->n; i++) {
        if (group_of(s, s->told->records[i].config) != q) continue;
        later += i > record;
        better += s->y[i] < s->y[record] || (i < record && s->y[i] == s->y[record]);
    }
    return better < MAX_POINTS / 2 || later < MAX_POINTS / 2;
}

static void tell_pending(search *s, group *q, const double *config) {
    double m = 0, prior;
    aml_layout_encode(s->x, &q->layout, s->space, config);
    prior = s->trust * prior_mean(s, q, s->x);
    aml_gp_solve(&q->gp);
    for (size_t i = 0; i < q->gp.n; i++)
        m += q->gp.alpha[i] * aml_gp_kernel(&q->gp, q->gp.x + i * q->gp.d, s->x);
    aml_gp_append(&q->gp, s->x, m);
    s->best = fmin(s->best, m + prior);
}

/* Observations with their hyperparameters first, then the trials in flight, believed to end as
 * expected. */
static aml_status learn(search *s) {
    const aml_record *r = s->told->records;
    for (size_t i = 0; i < s->told->n; i++) {
        group *q = group_of(s, r[i].config);
        aml_layout_encode(s->x, &q->layout, s->space, r[i].config);
        s->prior[i] = prior_mean(s, q, s->x);
    }
    s->trust = s->advice ? bear_out(s) : 0;
    for (size_t i = 0; i < s->told->n; i++) {
        group *q = group_of(s, r[i].config);
        if (isnan(s->y[i]) || !keep_point(s, q, i)) continue;
        aml_layout_encode(s->x, &q->layout, s->space, r[i].config);
        memcpy(q->gp.x + q->gp.n * q->gp.d, s->x, q->gp.d * sizeof *s->x);
        q->gp.y[q->gp.n++] = s->y[i] - s->trust * s->prior[i];
    }
    for (size_t g = 0; g < s->groups.n; g++) AML_TRY(aml_gp_fit(&s->group[g].gp, s->scratch));
    for (size_t i = 0; i < s->told->n; i++)
        if (isnan(s->y[i])) tell_pending(s, group_of(s, r[i].config), r[i].config);
    for (size_t g = 0; g < s->groups.n; g++) aml_gp_solve(&s->group[g].gp);
    return AML_OK;
}

/* ---- candidates ---- */

static aml_status make_candidates(double **out, size_t *n, search *s, const aml_rng *rng) {
    static const double widths[] = {0.25, 0.1, 0.04};
    size_t best[LEADERS], leaders = aml_best_records(best, LEADERS, s->told), d = s->space->n;
    size_t columns = s->advice ? s->advice->p : 0;
    double *all = AML_ARRAY(s->scratch, (LEADERS * MOVES + RANDOM + columns) * d, double);
    if (!all) return AML_ENOMEM;
    aml_rng local = aml_rng_child(rng, 1), wide = aml_rng_child(rng, 2);
    *n = 0;
    for (size_t l = 0; l < leaders; l++)
        for (size_t k = 0; k < MOVES; k++)
            aml_perturb(all + d * (*n)++, s->space, s->told->records[best[l]].config, widths[k % 3],
                        &local);
    for (size_t k = 0; k < RANDOM; k++) aml_space_random(all + d * (*n)++, s->space, &wide);
    for (size_t j = 0; j < columns; j++)
        if (s->advice->usable[j])
            memcpy(all + d * (*n)++, s->advice->configs + j * d, d * sizeof *all);
    *out = all;
    return AML_OK;
}

/* ---- seconds ---- */

/* What is known of the seconds in one group: the pipelines' predictions and, twice as heavy, the
 * trials' times. */
typedef struct times {
    size_t n;
    double *x, *log, *weight;
    double
        elsewhere; /* where there are none: what a default is said to take, or the mean of all trials */
} times;

static void add_time(times *t, const search *s, const group *q, const double *config,
                     double log_seconds, double weight) {
    aml_layout_encode(t->x + t->n * q->layout.n, &q->layout, s->space, config);
    t->log[t->n] = log_seconds;
    t->weight[t->n++] = weight;
}

static aml_status collect_times(times *t, const search *s, const group *q) {
    const aml_advice *a = s->advice && s->advice->seconds_log ? s->advice : NULL;
    size_t room = s->told->n + (a ? a->p : 0), all = 0;
    *t = (times){.x = AML_ARRAY(s->scratch, room * q->layout.n, double),
                 .log = AML_ARRAY(s->scratch, room, double),
                 .weight = AML_ARRAY(s->scratch, room, double)};
    if (!t->x || !t->log || !t->weight) return AML_ENOMEM;
    for (size_t j = 0; a && j < a->p; j++) {
        const double *config = a->configs + j * s->space->n;
        if (a->usable[j] && group_of(s, config) == q)
            add_time(t, s, q, config, a->seconds_log[j], 1);
    }
    for (size_t i = 0; i < s->told->n; i++) {
        const aml_record *r = &s->told->records[i];
        if (!aml_has_loss(r) || !(r->seconds > 0) || !r->n_done) continue;
        double log_seconds = log(r->seconds * (double)r->n_folds / (double)r->n_done);
        t->elsewhere += log_seconds;
        all++;
        if (group_of(s, r->config) == q) add_time(t, s, q, r->config, log_seconds, 2);
    }
    if (all) t->elsewhere /= (double)all;
    const double *cost = s->problem && s->groups.rooted ? s->problem->default_cost : NULL;
    size_t root = (size_t)s->groups.first + (size_t)(q - s->group);
    if (cost && cost[root] > 0) t->elsewhere = log(cost[root]);
    return AML_OK;
}

/* The mean over what is known, weighted by the kernel. */
static double expected_seconds_log(const times *t, const group *q, const double *x) {
    double sum = 0, weight = 0;
    for (size_t i = 0; i < t->n; i++) {
        double k = aml_gp_kernel(&q->gp, x, t->x + i * q->gp.d) - q->gp.level + 1e-3;
        sum += t->weight[i] * k * t->log[i];
        weight += t->weight[i] * k;
    }
    return weight > 0 ? sum / weight : t->elsewhere;
}

/* ---- choice ---- */

/* score[i] of the candidates of one group: log expected improvement, less what it costs. */
static aml_status score_group(double *score, const search *s, const group *q,
                              const double *candidates, size_t n) {
    size_t m = 0, d = q->layout.n;
    bool timed = isfinite(s->told->time_left);
    times t = {0};
    double *x = AML_ARRAY(s->scratch, n * d, double), *mean = AML_ARRAY(s->scratch, 2 * n, double);
    size_t *which = AML_ARRAY(s->scratch, n, size_t);
    if (!x || !mean || !which) return AML_ENOMEM;
    for (size_t i = 0; i < n; i++) {
        const double *config = candidates + i * s->space->n;
        if (group_of(s, config) != q) continue;
        aml_layout_encode(x + m * d, &q->layout, s->space, config);
        which[m++] = i;
    }
    double *variance = mean + n;
    if (timed) AML_TRY(collect_times(&t, s, q));
    AML_TRY(aml_gp_predict(mean, variance, &q->gp, x, m, s->scratch));
    for (size_t k = 0; k < m; k++) {
        double centre = mean[k] + s->trust * prior_mean(s, q, x + k * d);
        score[which[k]] = aml_log_expected_improvement(centre, sqrt(variance[k]), s->best);
        if (!timed) continue;
        double seconds = expected_seconds_log(&t, q, x + k * d);
        score[which[k]] -= cost_exponent * seconds;
        if (exp(seconds) > fmax(s->told->time_left, 0))
            score[which[k]] -= 100; /* would not end in time */
    }
    return AML_OK;
}

static aml_status choose(double *config, search *s, const aml_rng *rng) {
    double *candidates, *score;
    size_t n, d = s->space->n;
    AML_TRY(make_candidates(&candidates, &n, s, rng));
    score = AML_ARRAY(s->scratch, n, double);
    if (!score) return AML_ENOMEM;
    for (size_t g = 0; g < s->groups.n; g++)
        AML_TRY(score_group(score, s, &s->group[g], candidates, n));
    for (size_t tries = 0; tries < n; tries++) {
        size_t top = 0;
        for (size_t i = 1; i < n; i++)
            if (score[i] > score[top]) top = i;
        memcpy(config, candidates + top * d, d * sizeof *config);
        if (!aml_is_told(s->space, s->told, config)) return AML_OK;
        score[top] = -INFINITY;
    }
    return aml_random_new(config, s->space, s->told, aml_rng_child(rng, 3), s->scratch);
}

aml_status aml_bo_suggest(double *config, const aml_space *space, const aml_told *told,
                          const aml_advice *advice, bool use_prior, const aml_problem *problem,
                          const aml_rng *rng, aml_arena *scratch) {
    search s = {
        .space = space, .told = told, .scratch = scratch, .groups = aml_space_groups(space)};
    s.advice = advice;
    s.problem = problem;
    s.group = AML_ARRAY(scratch, s.groups.n, group);
    s.y = AML_ARRAY(scratch, told->n, double);
    s.prior = AML_ARRAY(scratch, told->n, double);
    if (!s.group || !s.y || !s.prior) return AML_ENOMEM;
    AML_TRY(warp_losses(&s));
    AML_TRY(lay_out(&s));
    if (use_prior && advice && advice->prior->mix) AML_TRY(smooth_columns(&s));
    AML_TRY(learn(&s));
    return choose(config, &s, rng);
}
