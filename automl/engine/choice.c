/* choice.c: candidates, weights, and the score of what they make together. */
#include "automl/engine/choice.h"

#include <math.h>
#include <string.h>

enum { ROUNDS_ALONE = 1, PARTS = 5 };

/* ---- parts */

aml_status aml_parts_make(aml_parts *p, aml_study *s) {
    const aml_bench *b = &s->bench;
    aml_rng rng = aml_rng_stream(b->seed, AML_RNG_ENSEMBLE, 1, 0);
    size_t k = b->folds->k;
    p->n = k > 1 && k < PARTS ? k : PARTS;
    p->n_ranges = k > 1 ? k : PARTS;
    p->of = AML_ARRAY(s->ctx.keep, b->n_scored, uint32_t);
    p->range = AML_ARRAY(s->ctx.keep, b->n_scored, uint32_t);
    if (!p->of || !p->range) return AML_ENOMEM;
    for (size_t f = 0; f < k; f++) {
        for (size_t i = b->begin[f]; i < b->begin[f + 1]; i++) {
            p->range[i] = k > 1 ? (uint32_t)f : aml_rng_below(&rng, PARTS);
            p->of[i] = p->range[i] % (uint32_t)p->n;
        }
    }
    return AML_OK;
}

typedef struct range_rows {
    double *y, *w, *pred;
} range_rows;

static aml_status score_range(double *out, size_t *rows, const aml_study *s, const aml_parts *p,
                              const double *pred, size_t range, const range_rows *r) {
    const aml_bench *b = &s->bench;
    size_t n = 0, k = (size_t)b->n_outputs;
    for (size_t i = 0; i < b->n_scored; i++) {
        if (p->range[i] != range) continue;
        r->y[n] = b->y[i];
        if (b->w) r->w[n] = b->w[i];
        memcpy(r->pred + n++ * k, pred + i * k, k * sizeof *pred);
    }
    *rows = n;
    *out = NAN;
    aml_status status =
        n ? aml_bench_score(out, b, r->y, b->w ? r->w : NULL, r->pred, n, s->ctx.scratch) : AML_OK;
    return status == AML_ENOMEM ? status : AML_OK;
}

aml_status aml_parts_score(double *score, double *error, double *one, aml_study *s,
                           const aml_parts *p, const double *pred) {
    const aml_bench *b = &s->bench;
    aml_mark mark = aml_arena_mark(s->ctx.scratch);
    size_t k = (size_t)b->n_outputs;
    range_rows room = {AML_ARRAY(s->ctx.scratch, b->n_scored, double),
                       AML_ARRAY(s->ctx.scratch, b->n_scored, double),
                       AML_ARRAY(s->ctx.scratch, b->n_scored * k, double)};
    double *own = AML_ARRAY(s->ctx.scratch, p->n_ranges, double), sum = 0, weight = 0, square = 0;
    if (!room.y || !room.w || !room.pred || !own) return AML_ENOMEM;
    if (!one) one = own;
    for (size_t r = 0; r < p->n_ranges; r++) {
        size_t n;
        AML_TRY(score_range(&one[r], &n, s, p, pred, r, &room));
        sum += (double)n * (n ? one[r] : 0);
        weight += (double)n;
    }
    *score = sum / weight;
    for (size_t r = 0; r < p->n_ranges; r++) square += pow(one[r] - *score, 2);
    *error = p->n_ranges > 1 ? sqrt(square / (double)(p->n_ranges - 1) / (double)p->n_ranges) : NAN;
    aml_arena_release(s->ctx.scratch, mark);
    if (isfinite(*score)) return AML_OK;
    *error = NAN;
    aml_status status = b->metric->score(score, b->y, b->w, pred, b->n_scored, s->task.n_classes);
    if (status) *score = NAN;
    return status == AML_ENOMEM ? status : AML_OK;
}

/* ---- candidates */

static bool is_limited(const aml_wish *w) {
    return isfinite(w->most_us) || isfinite(w->most_bytes);
}

static bool comes_up(const aml_trial *t, const aml_study *s, const aml_wish *w) {
    if (t->state != AML_TRIAL_DONE || !t->out_of_fold || !aml_study_delivers(s, t)) return false;
    if (w->readable && !(t->plan.learner->can & AML_READABLE)) return false;
    if (!is_limited(w) && t->kept > (w->readable ? AML_KEPT_LEARNER : AML_KEPT_GOOD)) return false;
    return aml_trial_us(t, 1) <= w->most_us && aml_trial_bytes(t, 1) <= w->most_bytes;
}

/* The best that come up to the wish, best first; the baseline when nothing at all was better. */
static void pick_candidates(aml_choice *c, const aml_study *s, const aml_wish *w) {
    size_t n = 0;
    bool any = false;
    for (size_t i = 0; i < s->trials.n; i++) {
        aml_trial *t = s->trials.at[i];
        any |= t->state == AML_TRIAL_DONE && t->out_of_fold && t->loss < s->yardstick->loss &&
               aml_study_delivers(s, t);
        if (!comes_up(t, s, w)) continue;
        size_t at = n < AML_MOST_CANDIDATES ? n++ : AML_MOST_CANDIDATES;
        while (at > 0 && c->trial[at - 1]->loss > t->loss) {
            if (at < AML_MOST_CANDIDATES) c->trial[at] = c->trial[at - 1];
            at--;
        }
        if (at < AML_MOST_CANDIDATES) c->trial[at] = t;
    }
    if (n && !(c->trial[0]->loss < s->yardstick->loss)) n = 0;
    if (!any) c->trial[0] = s->yardstick, n = 1;
    c->n = n;
}

/* ---- weights */

static aml_status view_of(aml_candidates *out, const aml_choice *c, const aml_study *s,
                          const aml_wish *w) {
    const float **pred = AML_ARRAY(s->ctx.keep, c->n, const float *);
    double *us = AML_ARRAY(s->ctx.keep, c->n, double),
           *bytes = AML_ARRAY(s->ctx.keep, c->n, double);
    bool by_label = s->bench.chooses_threshold || s->bench.threshold != 0.5; /* than 0.5 */
    if (!pred || !us || !bytes) return AML_ENOMEM;
    for (size_t i = 0; i < c->n; i++) {
        pred[i] = c->trial[i]->out_of_fold;
        us[i] = aml_trial_us(c->trial[i], 1);
        bytes[i] = aml_trial_bytes(c->trial[i], 1);
    }
    *out = (aml_candidates){.n = c->n,
                            .outputs = (size_t)s->bench.n_outputs,
                            .rows = s->bench.n_scored,
                            .pred = pred,
                            .y = s->bench.y,
                            .w = s->bench.w,
                            .n_classes = s->task.n_classes,
                            .metric = by_label ? aml_metric_find("log_loss") : s->model->metric,
                            .us = us,
                            .bytes = bytes,
                            .most_us = w->most_us,
                            .most_bytes = w->most_bytes,
                            .decisions = s->decisions};
    return AML_OK;
}

static void drop_small_weights(double *weight, size_t n) {
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        if (weight[i] < 0.03) weight[i] = 0;
        sum += weight[i];
    }
    for (size_t i = 0; i < n; i++) weight[i] /= sum;
}

/* Weights by so many greedy rounds, and what they are worth on rows that had no say. Half of the time is for what comes after. */
static aml_status weigh(aml_choice *c, aml_study *s, const aml_parts *p, const aml_candidates *view,
                        size_t rounds, double share) {
    uint32_t *all = AML_ARRAY(s->ctx.keep, s->bench.n_scored, uint32_t);
    double begin = aml_now(), left = (s->deadline - begin) / 2;
    c->pred = AML_ARRAY(s->ctx.keep, s->bench.n_scored * (size_t)s->bench.n_outputs, double);
    if (!all || !c->pred) return AML_ENOMEM;
    for (size_t i = 0; i < s->bench.n_scored; i++) all[i] = (uint32_t)i;
    s->ctx.deadline = s->deadline > 0 ? begin + 0.5 * share * left : 0;
    AML_TRY(aml_ensemble_select(c->weight, view, all, s->bench.n_scored, rounds, &s->ctx));
    s->ctx.deadline = s->deadline > 0 ? begin + share * left : 0;
    AML_TRY(aml_ensemble_crossfit(c->pred, view, p->of, p->n, rounds, &s->ctx));
    s->ctx.deadline = 0;
    return aml_parts_score(&c->score, &c->error, NULL, s, p, c->pred);
}

/* All fits of the members, or one each where a limit does not allow more: more for those with the most weight. */
static void count_fits(aml_choice *c, const aml_study *s, const aml_wish *w) {
    bool seen[AML_MOST_CANDIDATES] = {false};
    c->us = c->bytes = 0;
    for (size_t i = 0; i < c->n; i++) {
        c->fits[i] = 1;
        if (!(c->weight[i] > 0)) continue;
        c->us += aml_trial_us(c->trial[i], 1);
        c->bytes += aml_trial_bytes(c->trial[i], 1);
    }
    for (size_t round = 0; round < c->n; round++) {
        size_t best = c->n;
        for (size_t i = 0; i < c->n; i++)
            if (!seen[i] && c->weight[i] > 0 && (best == c->n || c->weight[i] > c->weight[best]))
                best = i;
        if (best == c->n) return;
        seen[best] = true;
        const aml_trial *t = c->trial[best];
        size_t fits = w->once && t->plan.learner->settle ? 1 : aml_trial_final_fits(s, t);
        double us = c->us + aml_trial_us(t, fits) - aml_trial_us(t, 1),
               bytes = c->bytes + aml_trial_bytes(t, fits) - aml_trial_bytes(t, 1);
        if (us > w->most_us || bytes > w->most_bytes) continue;
        c->us = us, c->bytes = bytes, c->fits[best] = fits;
    }
}

aml_status aml_choose(aml_choice *c, aml_study *s, const aml_parts *p, const aml_wish *w) {
    aml_candidates view;
    *c = (aml_choice){.score = NAN, .error = NAN};
    pick_candidates(c, s, w);
    if (!c->n) return AML_OK;
    AML_TRY(view_of(&view, c, s, w));
    if (!is_limited(w)) view.us = view.bytes = NULL;
    AML_TRY(weigh(c, s, p, &view, ROUNDS_ALONE, w->rounds > 1 ? 0.15 * w->share : w->share));
    if (w->rounds > 1 && c->n > 1) {
        aml_choice mixed = *c;
        AML_TRY(weigh(&mixed, s, p, &view, w->rounds, w->share));
        const aml_metric *metric = s->model->metric;
        if (aml_metric_loss(metric, mixed.score) < aml_metric_loss(metric, c->score)) *c = mixed;
        drop_small_weights(c->weight, c->n);
    }
    count_fits(c, s, w);
    return AML_OK;
}
