/* journal_write.c: records on their way to the disk: a thread writes them, many at once when they come faster than it is. */
#include <math.h>
#include <signal.h>
#include <string.h>

#include "automl/engine/journal_internal.h"

enum { MOST_AT_ONCE = 256 };
static const double LEAST_SECONDS = 0.2, SECONDS_A_BYTE = 0.2e-6; /* ten times what writing takes */
static const double MOST_BYTES = 256.0 * 1048576;                 /* of one trial */

static void free_item(aml_journal_item *i) {
    if (i) aml_arena_free(i->keep);
}

void aml_journal_stop_writer(aml_journal *j) {
    if (!j->running) return;
    pthread_mutex_lock(&j->lock);
    j->closing = true;
    pthread_cond_broadcast(&j->changed);
    pthread_mutex_unlock(&j->lock);
    pthread_join(j->thread, NULL);
    j->running = false;
}

/* ---- the writing thread */

/* Takes what waits; NULL when all is done. */
static aml_journal_item *take(size_t *n, aml_journal *j) {
    pthread_mutex_lock(&j->lock);
    while (!j->first && !j->closing) pthread_cond_wait(&j->changed, &j->lock);
    aml_journal_item *list = j->first, *last = list;
    *n = list ? 1 : 0;
    while (last && last->next && *n < MOST_AT_ONCE) {
        last = last->next;
        ++*n;
    }
    if (last) {
        j->first = last->next;
        last->next = NULL;
    }
    if (!j->first) j->end = &j->first;
    pthread_mutex_unlock(&j->lock);
    return list;
}

static void report(const aml_journal *j, aml_journal_item *list) {
    for (aml_journal_item *i = list; i; i = i->next) {
        i->progress.last = &i->last;
        if (!j->options->progress) continue;
        if (j->options->progress(&i->progress, j->options->progress_arg))
            atomic_store(j->stop, true);
    }
}

static aml_status write_items(aml_journal *j, const aml_journal_item *list, size_t n) {
    aml_entry *entries = aml_malloc(n * sizeof *entries);
    if (!entries) return AML_ENOMEM;
    n = 0;
    for (const aml_journal_item *i = list; i; i = i->next) entries[n++] = i->entry;
    aml_status status = aml_store_append(j->store, &j->run, entries, n);
    aml_free(entries);
    return status;
}

static void *write_all(void *arg) {
    aml_journal *j = arg;
    size_t n;
    for (aml_journal_item *list; (list = take(&n, j));) {
        aml_status status = j->status ? j->status : write_items(j, list, n);
        if (!status) report(j, list);
        for (aml_journal_item *next; list; list = next) {
            next = list->next;
            free_item(list);
        }
        pthread_mutex_lock(&j->lock);
        if (status && !j->status) j->error = *aml_last_error();
        j->status = status;
        j->pending -= n;
        pthread_cond_broadcast(&j->changed);
        pthread_mutex_unlock(&j->lock);
    }
    return NULL;
}

/* Signals are for the main thread. */
aml_status aml_journal_start_writer(aml_journal *j) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&j->thread, NULL, write_all, j);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    j->running = !failed;
    return failed ? aml_fail(AML_ENOMEM, "cannot start the thread that writes the run store")
                  : AML_OK;
}

/* ---- a trial */

static aml_status put_params(aml_entry *e, const aml_trial *t, const aml_space *space,
                             aml_arena *keep) {
    aml_entry_param *p = AML_ARRAY(keep, space->n, aml_entry_param);
    if (!p) return AML_ENOMEM;
    e->params = p;
    for (size_t i = 0; i < space->n; i++) {
        const aml_dim *d = &space->dims[i];
        if (isnan(t->config[i])) continue;
        bool choice = d->param->kind == AML_CHOICE;
        p[e->n_params++] =
            (aml_entry_param){.name = d->name,
                              .number = choice ? NAN : t->config[i],
                              .text = choice ? d->param->choices[(size_t)t->config[i]] : NULL};
    }
    return AML_OK;
}

static aml_status put_metrics(aml_entry *e, const aml_trial *t, const char *metric,
                              aml_arena *keep) {
    aml_entry_metric *m = AML_ARRAY(keep, t->n_done + 1, aml_entry_metric);
    if (!m) return AML_ENOMEM;
    e->metrics = m;
    for (size_t f = 0; f < t->n_done; f++)
        m[e->n_metrics++] = (aml_entry_metric){metric, (int64_t)f, -1, t->fold_score[f]};
    return AML_OK;
}

static aml_status put_record(aml_entry *e, const aml_trial *t, size_t n_config, aml_arena *keep) {
    aml_writer w = {0};
    aml_status status = aml_record_write(&w, t, n_config);
    if (!status) e->record = aml_copy(keep, w.data, e->record_size = w.size);
    aml_writer_free(&w);
    return status || e->record ? status : AML_ENOMEM;
}

static aml_status fill(aml_journal_item *i, const aml_journal *j, const aml_trial *t,
                       const aml_progress *p) {
    i->progress = *p;
    i->last = *p->last;
    i->entry = (aml_entry){.number = t->id,
                           .state = p->last->state,
                           .learner = p->last->learner,
                           .pipeline = aml_strdup(i->keep, t->text),
                           .reason = aml_strdup(i->keep, t->reason),
                           .loss = t->loss,
                           .score = t->score,
                           .error = t->error,
                           .folds = t->n_folds,
                           .folds_done = t->n_done,
                           .bytes = t->bytes,
                           .fit_seconds = t->fit_seconds,
                           .predict_us = p->last->predict_us,
                           .partial = t->status == AML_ESTOPPED && !t->timed_out,
                           .has_states = atomic_load(&j->has_states)};
    if (!i->entry.pipeline || !i->entry.reason) return AML_ENOMEM;
    AML_TRY(put_params(&i->entry, t, j->space, i->keep));
    AML_TRY(put_metrics(&i->entry, t, p->metric, i->keep));
    return put_record(&i->entry, t, j->space->n, i->keep);
}

/* What is faster computed again than written is not. */
static bool is_worth_storing(const aml_trial *t, const aml_bench *b) {
    double bytes = (double)t->held + 4.0 * (double)b->n_scored * b->n_outputs;
    if (!t->out_of_fold || bytes > MOST_BYTES) return false;
    return t->truncated || t->status == AML_ESTOPPED ||
           t->fit_seconds > LEAST_SECONDS + SECONDS_A_BYTE * bytes;
}

static aml_status put_material(aml_journal_item *i, aml_journal *j, const aml_trial *t) {
    aml_writer w = {0};
    if (j->n_stored == AML_MOST_STORED || !is_worth_storing(t, j->bench)) return AML_OK;
    aml_status status = aml_material_write(&w, t, j->bench);
    if (!status) i->entry.material = aml_copy(i->keep, w.data, i->entry.material_size = w.size);
    aml_writer_free(&w);
    if (!status && !i->entry.material) status = AML_ENOMEM;
    i->entry.lasting = t->truncated || t->status == AML_ESTOPPED;
    if (!status) j->stored[j->n_stored++] = t;
    return status;
}

/* Trials that the search has dropped meanwhile. */
static aml_status put_dropped(aml_journal_item *i, aml_journal *j) {
    size_t n = 0, *dropped = AML_ARRAY(i->keep, j->n_stored + 1, size_t);
    if (!dropped) return AML_ENOMEM;
    for (size_t k = 0; k < j->n_stored; k++) {
        if (j->stored[k]->out_of_fold) j->stored[n++] = j->stored[k];
        else dropped[i->entry.n_dropped++] = j->stored[k]->id;
    }
    i->entry.dropped = dropped;
    j->n_stored = n;
    return AML_OK;
}

aml_status aml_journal_add(aml_journal *j, const aml_trial *t, const aml_progress *progress) {
    aml_arena *keep = aml_arena_new(NULL);
    aml_journal_item *i = keep ? AML_NEW(keep, aml_journal_item) : NULL;
    if (i) i->keep = keep;
    aml_status status = i ? fill(i, j, t, progress) : AML_ENOMEM;
    if (!status) status = put_dropped(i, j);
    if (!status) status = put_material(i, j, t);
    if (status) {
        aml_arena_free(keep);
        return status;
    }
    pthread_mutex_lock(&j->lock);
    *j->end = i;
    j->end = &i->next;
    j->pending++;
    status = j->status;
    pthread_cond_broadcast(&j->changed);
    pthread_mutex_unlock(&j->lock);
    return status;
}

aml_status aml_journal_flush(aml_journal *j) {
    pthread_mutex_lock(&j->lock);
    while (j->pending) pthread_cond_wait(&j->changed, &j->lock);
    aml_status status = j->status;
    if (status) aml_set_error(&j->error);
    pthread_mutex_unlock(&j->lock);
    return status;
}
