/* trials_kept.c: which trials keep their models and predictions. */
#include <math.h>

#include "automl/engine/trials_internal.h"

enum { MOST_LEARNERS = 64 };
enum { SPECIAL = 64 }; /* times in the bytes that may be kept */

static bool is_small(const aml_trial *t, const aml_search *s) {
    double out_of_fold = 4.0 * (double)s->bench->n_scored * s->bench->n_outputs;
    return SPECIAL * fmax((double)t->held, out_of_fold) <= (double)s->keep_bytes;
}

/* Of use to a model that is held to something: the best of its learner, or at least twice as fast as all better ones. */
static bool is_special(aml_kept *why, const aml_team *m, const aml_trial *t, size_t n) {
    double us = t->predict_seconds / (double)t->n_predicted;
    if (!is_small(t, m->s)) return false;
    bool first = true, fast = true;
    for (size_t j = 0; j < n; j++) {
        const aml_trial *o = m->trials->at[j];
        if (!aml_trial_ended(o) || o->state != AML_TRIAL_DONE || !aml_trial_before(o, t)) continue;
        first &= o->plan.learner != t->plan.learner;
        fast &= 2 * us < o->predict_seconds / (double)o->n_predicted;
    }
    *why = first ? AML_KEPT_LEARNER : AML_KEPT_FAST;
    return first || fast;
}

/* Among the first n trials: is it in the longest run from the best on that fits, or a special one? Once it is not it never will be
 * again: so what is kept in the end does not depend on who ended first, and can be told from the records alone. */
static bool is_kept(const aml_team *m, aml_trial *t, size_t n) {
    size_t better = 0, bytes = t->held;
    for (size_t j = 0; j < n; j++) {
        const aml_trial *o = m->trials->at[j];
        if (!aml_trial_ended(o) || o->state != AML_TRIAL_DONE || !aml_trial_before(o, t)) continue;
        better++;
        bytes += o->held;
    }
    if (!better || (better < m->s->keep && bytes <= m->s->keep_bytes)) return true;
    return is_special(&t->kept, m, t, n);
}

void aml_team_slim(aml_team *m) {
    size_t n = m->deadline > 0 ? m->trials->n : aml_team_ended_prefix(m);
    for (size_t i = 0; i < n; i++) {
        aml_trial *t = m->trials->at[i];
        if (aml_trial_ended(t) && t->out_of_fold && !is_kept(m, t, n)) aml_trial_slim(t);
    }
}

/* The same by sums along the order: for very many trials. */
void aml_team_each_kept(const aml_search *s, aml_trial *const *at, size_t n,
                        void (*kept)(aml_trial *t, void *arg), void *arg) {
    const aml_learner *seen[MOST_LEARNERS];
    size_t bytes = 0, n_seen = 0;
    double least = INFINITY; /* microseconds a row of those before */
    for (size_t i = 0; i < n; i++) {
        aml_trial *t = at[i];
        double us = t->predict_seconds / (double)t->n_predicted;
        bool first = true;
        bytes += t->held;
        for (size_t k = 0; k < n_seen; k++) first &= seen[k] != t->plan.learner;
        if (first && n_seen < MOST_LEARNERS) seen[n_seen++] = t->plan.learner;
        bool good = !i || (i < s->keep && bytes <= s->keep_bytes);
        bool special = is_small(t, s) && (first || 2 * us < least);
        least = fmin(least, us);
        if (!good && special) t->kept = first ? AML_KEPT_LEARNER : AML_KEPT_FAST;
        if (good || special) kept(t, arg);
    }
}
