/* study_board.c: the leaderboard of a model. */
#include <math.h>
#include <string.h>

#include "automl/core/sort.h"
#include "automl/engine/choice.h"

static int better(const void *a, const void *b, void *arg) {
    const aml_leader *x = a, *y = b;
    const aml_metric *metric = arg;
    bool dx = !strcmp(x->state, "done"), dy = !strcmp(y->state, "done");
    if (dx != dy) return dx ? -1 : 1;
    double lx = aml_metric_loss(metric, x->score), ly = aml_metric_loss(metric, y->score);
    if (isnan(lx) || isnan(ly)) return isnan(lx) - isnan(ly);
    if (lx != ly) return lx < ly ? -1 : 1;
    return 0;
}

aml_status aml_rank_leaders(aml_model *m) {
    aml_leader *l = m->leaders;
    AML_TRY(aml_sort(l, m->n_leaders, sizeof *l, better, (void *)(uintptr_t)m->metric));
    for (size_t i = 0, rank = 0; i < m->n_leaders; i++)
        if (!strcmp(l[i].state, "done")) l[i].rank = ++rank;
    return AML_OK;
}

static aml_status copy_texts(aml_leader *l, aml_arena *keep) {
    l->pipeline = aml_strdup(keep, l->pipeline);
    l->reason = aml_strdup(keep, l->reason);
    return l->pipeline && l->reason ? AML_OK : AML_ENOMEM;
}

static aml_leader ensemble_leader(const aml_study *s, double error) {
    const aml_model *m = s->model;
    aml_leader l = {.size = sizeof l,
                    .trial = SIZE_MAX,
                    .pipeline = aml_printf(m->arena, "ensemble of %zu pipelines", m->n_members),
                    .learner = "ensemble",
                    .state = "done",
                    .reason = "",
                    .score = m->score.value,
                    .error = error,
                    .folds = s->folds.k,
                    .folds_done = s->folds.k,
                    .weight = 1};
    return l;
}

static double weight_of(const aml_choice *c, const aml_trial *t) {
    for (size_t i = 0; c && i < c->n; i++)
        if (c->trial[i] == t) return c->weight[i];
    return 0;
}

aml_status aml_study_board(aml_study *s, const aml_choice *c) {
    aml_model *m = s->model;
    aml_leader *l = m->leaders = AML_ARRAY(m->arena, s->trials.n + 2, aml_leader);
    if (!l) return AML_ENOMEM;
    if (m->n_members > 1) {
        l[m->n_leaders++] = ensemble_leader(s, c->error);
        for (size_t i = 0; i < m->n_members; i++) l[0].bytes += m->members[i].bytes;
    }
    for (size_t i = 0; i <= s->trials.n; i++) {
        const aml_trial *t = i < s->trials.n ? s->trials.at[i] : s->yardstick;
        if (t->status == AML_ESTOPPED && !t->n_done && !t->timed_out)
            continue; /* in flight at the deadline */
        aml_leader *at = &l[m->n_leaders++];
        *at = aml_leader_of(s, t);
        at->weight = weight_of(c, t);
        AML_TRY(copy_texts(at, m->arena));
        if (m->n_members > 1 && at->weight > 0) {
            l[0].fit_seconds += at->fit_seconds;
            l[0].predict_us += at->predict_us * (double)t->n_folds;
        }
    }
    return aml_rank_leaders(m);
}
