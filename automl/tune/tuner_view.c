/* tuner_view.c: what is known of a search: parameters of trials, the best ones, the Pareto front, importance. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "automl/core/call.h"
#include "automl/core/sort.h"
#include "automl/tune/tuner.h"
#include "search/parts/importance.h"

enum { FEWEST = 10 }; /* trials for an importance */

/* Worked out once for all that was told so far. */
struct aml_tuner_view {
    size_t told;
    size_t n_done, n_best;
    uint32_t *best;                  /* n_best: done trials in order, or the front */
    double *importance;              /* n_goals × dimensions */
    uint32_t *order[AML_MOST_GOALS]; /* dimensions by importance */
};

void aml_tuner_free_view(aml_tuner *t) {
    if (!t->view) return;
    aml_free(t->view->best);
    aml_free(t->view->importance);
    for (size_t g = 0; g < AML_MOST_GOALS; g++) aml_free(t->view->order[g]);
    aml_free(t->view);
    t->view = NULL;
}

/* ---- the best ---- */

/* Of trials in the order of their first goal, ties by the others: those that none before them dominates. */
static size_t keep_front(uint32_t *best, size_t n, const aml_tuner *t) {
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        const double *own = aml_record_goals(&t->records[best[i]]);
        bool beaten = false;
        for (size_t k = 0; k < n && !beaten; k++)
            beaten =
                k != i && aml_dominates(aml_record_goals(&t->records[best[k]]), own, t->n_goals);
        if (!beaten) best[n + kept++] = best[i];
    }
    memmove(best, best + n, kept * sizeof *best);
    return kept;
}

static aml_status find_best(struct aml_tuner_view *v, const aml_tuner *t) {
    size_t n = 0;
    double *loss = aml_malloc((t->n + 1) * sizeof *loss);
    uint32_t *id = aml_malloc((t->n + 1) * sizeof *id),
             *order = aml_malloc((t->n + 1) * sizeof *order);
    v->best = aml_malloc(2 * (t->n + 1) * sizeof *v->best);
    aml_status status = loss && id && order && v->best ? AML_OK : AML_ENOMEM;
    for (size_t i = 0; i < t->n && !status; i++) {
        if (t->records[i].state != AML_TRIAL_DONE) continue;
        loss[n] = t->records[i].loss;
        id[n++] = (uint32_t)i;
    }
    if (!status) status = aml_argsort(order, loss, n);
    for (size_t i = 0; i < n && !status; i++) v->best[i] = id[order[i]];
    v->n_done = n;
    v->n_best = n;
    if (!status && t->n_goals > 1) v->n_best = keep_front(v->best, n, t);
    aml_free(loss);
    aml_free(id);
    aml_free(order);
    return status;
}

/* ---- importance ---- */

static aml_status weigh(struct aml_tuner_view *v, const aml_tuner *t, size_t goal) {
    size_t n = 0, d = t->space->space.n;
    double *loss = aml_malloc((t->n + 1) * sizeof *loss), *share = v->importance + goal * d;
    double *down = aml_malloc(d * sizeof *down);
    const double **configs = aml_malloc((t->n + 1) * sizeof *configs);
    v->order[goal] = aml_malloc(d * sizeof **v->order);
    aml_status status = loss && down && configs && v->order[goal] ? AML_OK : AML_ENOMEM;
    for (size_t i = 0; i < t->n && !status; i++) {
        const aml_record *r = &t->records[i];
        if (r->state != AML_TRIAL_DONE) continue;
        loss[n] = aml_record_goals(r)[goal];
        configs[n++] = r->config;
    }
    if (!status && n >= FEWEST) status = aml_importance(share, &t->space->space, configs, loss, n);
    for (size_t i = 0; i < d && !status; i++) down[i] = -share[i];
    if (!status) status = aml_argsort(v->order[goal], down, d);
    aml_free(loss);
    aml_free(down);
    aml_free((void *)configs);
    return status;
}

/* With the lock held: NULL when memory is short. */
static const struct aml_tuner_view *view_of(aml_tuner *t) {
    if (t->view && t->view->told == t->told) return t->view;
    aml_tuner_free_view(t);
    struct aml_tuner_view *v = t->view = aml_calloc(1, sizeof *v);
    if (!v) return NULL;
    v->told = t->told;
    v->importance = aml_calloc(t->n_goals * t->space->space.n, sizeof *v->importance);
    aml_status status = v->importance ? find_best(v, t) : AML_ENOMEM;
    for (size_t g = 0; g < t->n_goals && !status; g++) status = weigh(v, t, g);
    if (status) aml_tuner_free_view(t);
    return t->view;
}

int aml_tuner_best(aml_tuner *t, size_t i, size_t *trial) {
    AML_NEED_OR(t, 0);
    AML_NEED_OR(trial, 0);
    pthread_mutex_lock(&t->lock);
    const struct aml_tuner_view *v = view_of(t);
    int found = v && i < v->n_best;
    if (found) *trial = v->best[i];
    pthread_mutex_unlock(&t->lock);
    return found;
}

int aml_tuner_importance(aml_tuner *t, size_t goal, size_t i, const char **name, double *share) {
    AML_NEED_OR(t, 0);
    AML_NEED_OR(name, 0);
    AML_NEED_OR(share, 0);
    pthread_mutex_lock(&t->lock);
    const struct aml_tuner_view *v = view_of(t);
    size_t d = t->space->space.n;
    int found = v && goal < t->n_goals && i < d && v->n_done >= FEWEST;
    if (found) {
        size_t dim = v->order[goal][i];
        *name = t->space->space.dims[dim].name;
        *share = v->importance[goal * d + dim];
    }
    pthread_mutex_unlock(&t->lock);
    return found;
}

/* ---- trials ---- */

size_t aml_tuner_trials(aml_tuner *t) {
    AML_NEED_OR(t, 0);
    pthread_mutex_lock(&t->lock);
    if (!aml_tuner_enter(t)) aml_tuner_leave(t);
    size_t n = t->n;
    pthread_mutex_unlock(&t->lock);
    return n;
}

static double value_of(const aml_tuner *t, const aml_record *r, size_t goal) {
    double loss = r->goals ? r->goals[goal] : goal ? NAN : r->loss;
    return t->goals[goal].maximize ? -loss : loss;
}

double aml_tuner_trial_value(aml_tuner *t, size_t id, size_t goal) {
    AML_NEED_OR(t, NAN);
    pthread_mutex_lock(&t->lock);
    double x = id < t->n && goal < t->n_goals ? value_of(t, &t->records[id], goal) : NAN;
    pthread_mutex_unlock(&t->lock);
    return x;
}

static bool on_front(aml_tuner *t, size_t id) {
    const struct aml_tuner_view *v = view_of(t);
    if (!v || t->records[id].state != AML_TRIAL_DONE) return false;
    size_t n = t->n_goals > 1 ? v->n_best : v->n_best > 0;
    for (size_t i = 0; i < n; i++)
        if (v->best[i] == id) return true;
    return false;
}

int aml_tuner_trial_at(aml_tuner *t, size_t id, aml_tuner_trial *out) {
    AML_NEED_OR(t, 0);
    AML_NEED_OR(out, 0);
    aml_tuner_trial x = {.size = sizeof x, .id = id, .value = NAN, .step = NAN};
    pthread_mutex_lock(&t->lock);
    int found = id < t->n;
    if (found) {
        const aml_record *r = &t->records[id];
        x.outcome = (aml_outcome)r->state;
        x.value = value_of(t, r, 0);
        x.steps = r->n_reports;
        if (r->n_reports) x.step = r->steps[r->n_reports - 1];
        x.on_front = on_front(t, id);
    }
    pthread_mutex_unlock(&t->lock);
    return found && aml_call_give(out, &x, sizeof x);
}

int aml_tuner_trial_report(aml_tuner *t, size_t id, size_t i, double *step, double *value) {
    AML_NEED_OR(t, 0);
    AML_NEED_OR(step, 0);
    AML_NEED_OR(value, 0);
    pthread_mutex_lock(&t->lock);
    int found = id < t->n && i < t->records[id].n_reports;
    if (found) {
        const aml_record *r = &t->records[id];
        *step = r->steps[i];
        *value = t->goals[0].maximize ? -r->reports[i] : r->reports[i];
    }
    pthread_mutex_unlock(&t->lock);
    return found;
}

/* ---- parameters of a trial ---- */

static void fill_value(aml_tuner_value *out, const aml_user_space *s, size_t i, double x) {
    const aml_param *p = s->space.dims[i].param;
    out->name = s->space.dims[i].name;
    out->number = x;
    out->is_number = 1;
    out->is_boolean = 0;
    out->text = out->room;
    if (p->kind == AML_CHOICE) {
        aml_json_type type = s->types[i][(size_t)x];
        out->text = p->choices[(size_t)x];
        out->is_number = type == AML_JSON_NUMBER;
        out->is_boolean = type == AML_JSON_TRUE || type == AML_JSON_FALSE;
        if (!out->is_number || !aml_parse_double(&out->number, out->text, strlen(out->text)))
            out->number = NAN;
    } else if (p->kind == AML_INT) {
        snprintf(out->room, sizeof out->room, "%.0f", x);
    } else {
        aml_format_double(out->room, x);
    }
}

int aml_tuner_value_at(aml_tuner *t, size_t trial, size_t i, aml_tuner_value *out) {
    AML_NEED_OR(t, 0);
    AML_NEED_OR(out, 0);
    aml_tuner_value x = {.size = sizeof x};
    pthread_mutex_lock(&t->lock);
    const double *config = trial < t->n ? t->records[trial].config : NULL;
    size_t n = config ? t->space->space.n : 0, dim = 0;
    for (; dim < n; dim++)
        if (!isnan(config[dim]) && !i--) break;
    if (dim < n) fill_value(&x, t->space, dim, config[dim]);
    pthread_mutex_unlock(&t->lock);
    if (dim == n || !aml_call_give(out, &x, sizeof x)) return 0;
    if (x.text == x.room) out->text = out->room;
    return 1;
}

char *aml_tuner_params_json(aml_tuner *t, size_t trial) {
    AML_NEED_OR(t, NULL);
    aml_string s = {0};
    pthread_mutex_lock(&t->lock);
    if (trial < t->n) aml_user_space_write(&s, t->space, t->records[trial].config);
    pthread_mutex_unlock(&t->lock);
    if (!s.failed && s.text) return s.text;
    aml_string_free(&s);
    return NULL;
}

int aml_tuner_goal(aml_tuner *t, size_t i, const char **name, int *maximize) {
    AML_NEED_OR(t, 0);
    AML_NEED_OR(name, 0);
    AML_NEED_OR(maximize, 0);
    if (i >= t->n_goals) return 0;
    *name = t->goals[i].name;
    *maximize = t->goals[i].maximize;
    return 1;
}

const char *aml_tuner_note(const aml_tuner *t, size_t i) {
    AML_NEED_OR(t, NULL);
    for (size_t k = 0; k < i; k++)
        if (!t->space->notes[k]) return NULL;
    return t->space->notes[i];
}

int aml_read_number(double *out, const char *text) {
    AML_NEED_OR(out, 0);
    AML_NEED_OR(text, 0);
    return aml_parse_double(out, text, strlen(text));
}
