/* run_board.c: the leaderboard of a run in the store, as a model that cannot predict. */
#include <math.h>
#include <string.h>

#include "automl/core/call.h"
#include "automl/engine/catalog.h"
#include "automl/engine/model.h"
#include "automl/store/store.h"

/* ---- a run without a model: what its trials tell */

typedef struct gathering {
    aml_model *m;
    size_t room;
    size_t *by_trial; /* place among the leaders + 1, 0 = none; of `room` trials */
} gathering;

static aml_status add_leader(const aml_leader *l, void *arg) {
    gathering *g = arg;
    aml_model *m = g->m;
    if (m->n_leaders == g->room) return AML_OK; /* it came after they were counted */
    aml_leader *at = &m->leaders[m->n_leaders++];
    *at = *l;
    at->pipeline = aml_strdup(m->arena, l->pipeline);
    at->learner = aml_strdup(m->arena, l->learner);
    at->state = aml_strdup(m->arena, l->state);
    at->reason = aml_strdup(m->arena, l->reason);
    return at->pipeline && at->learner && at->state && at->reason ? AML_OK : AML_ENOMEM;
}

/* The first goal of a sweep is whatever its command prints. */
static aml_status sweep_metric(aml_model *m, const aml_run_info *run) {
    aml_metric *own = AML_NEW(m->arena, aml_metric);
    if (own) own->name = aml_strdup(m->arena, run->metric);
    if (!own || !own->name) return AML_ENOMEM;
    own->abi = AML_ABI;
    own->higher_is_better = run->higher_is_better != 0;
    m->metric = own;
    return AML_OK;
}

static aml_status from_trials(aml_model *m, aml_store *store, const aml_run_info *run) {
    gathering g = {m, run->trials, NULL};
    bool sweep = !strcmp(run->verb, "tune");
    m->metric = aml_metric_find(run->metric);
    if (sweep) AML_TRY(sweep_metric(m, run));
    if (!m->metric || (!sweep && !aml_task_parse(&m->kind, run->task)))
        return aml_help(aml_fail(AML_EUSAGE, "run %s has no leaderboard of models", run->id), NULL,
                        "`automl runs show %s` tells what it has", run->id);
    m->target = aml_strdup(m->arena, run->target);
    m->validation = aml_strdup(m->arena, run->validation);
    m->version = aml_strdup(m->arena, run->version);
    m->leaders = AML_ARRAY(m->arena, run->trials + 1, aml_leader);
    if (!m->target || !m->validation || !m->version || !m->leaders) return AML_ENOMEM;
    m->fingerprint = "";
    m->score = (aml_score){.size = sizeof m->score,
                           .value = NAN,
                           .low = NAN,
                           .high = NAN,
                           .baseline = NAN,
                           .method = "",
                           .gain = NAN,
                           .gain_low = NAN,
                           .gain_high = NAN,
                           .linear = NAN,
                           .linear_gain = NAN,
                           .linear_gain_low = NAN,
                           .linear_gain_high = NAN};
    AML_TRY(aml_store_leaders(store, run->id, add_leader, &g));
    return aml_rank_leaders(m);
}

/* ---- a run with one: its manifest, and the timings that this does not have */

static aml_status add_timings(const aml_leader *l, void *arg) {
    const gathering *g = arg;
    if (l->trial >= g->room || !g->by_trial[l->trial]) return AML_OK;
    aml_leader *at = &g->m->leaders[g->by_trial[l->trial] - 1];
    at->fit_seconds = l->fit_seconds;
    at->predict_us = l->predict_us;
    return AML_OK;
}

static aml_status find_timings(aml_model *m, aml_store *store, const aml_run_info *run) {
    gathering g = {m, 0, NULL};
    for (size_t i = 0; i < m->n_leaders; i++)
        if (m->leaders[i].trial < SIZE_MAX && m->leaders[i].trial >= g.room)
            g.room = m->leaders[i].trial + 1;
    g.by_trial = aml_calloc(g.room + 1, sizeof *g.by_trial);
    if (!g.by_trial) return AML_ENOMEM;
    for (size_t i = 0; i < m->n_leaders; i++)
        if (m->leaders[i].trial < SIZE_MAX) g.by_trial[m->leaders[i].trial] = i + 1;
    aml_status status = aml_store_leaders(store, run->id, add_timings, &g);
    aml_free(g.by_trial);
    return status;
}

static aml_status fill(aml_model *m, aml_store *store, const aml_run_info *run) {
    const char *board;
    AML_TRY(aml_store_board(&board, store, run->id, m->arena));
    bool current = !strcmp(run->status, "finished") || !strcmp(run->status, "stopped");
    if (!*board || !current) return from_trials(m, store, run);
    AML_TRY(aml_manifest_read(m, board, strlen(board), "run store"));
    m->n_members = 0; /* their fits are in the model's file */
    return find_timings(m, store, run);
}

aml_status aml_store_leaderboard(aml_model **out, aml_store *store, const char *id) {
    AML_NEED(out);
    *out = NULL;
    AML_NEED(store);
    AML_NEED(id);
    aml_runs *found;
    aml_run_info run = {.size = sizeof run};
    AML_TRY(aml_store_find(&found, store, id));
    aml_runs_at(found, 0, &run);
    aml_model *m = aml_model_new();
    aml_status status = m ? fill(m, store, &run) : AML_ENOMEM;
    aml_runs_free(found);
    if (status) aml_model_free(m);
    else *out = m;
    return status;
}
