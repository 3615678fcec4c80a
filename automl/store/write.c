/* write.c: a run begins, goes on in another process, gets its trials, ends. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "automl/core/ctx.h"
#include "automl/store/sql.h"

/* ---- beginning */

static aml_status experiment_row(int64_t *out, aml_store *s, const char *name) {
    sqlite3_stmt *st;
    bool more;
    AML_TRY(aml_sql_run(s, "INSERT OR IGNORE INTO experiments(name, created) VALUES(?, ?)", "td",
                        name, aml_wall_clock()));
    AML_TRY(aml_sql(&st, s, "SELECT id FROM experiments WHERE name = ?", "t", name));
    AML_TRY(aml_sql_row(&more, s, st));
    if (!more) return aml_fail(AML_EINTERNAL, "an experiment got lost");
    *out = sqlite3_column_int64(st, 0);
    sqlite3_reset(st);
    return AML_OK;
}

static aml_status is_taken(bool *out, aml_store *s, const char *id) {
    sqlite3_stmt *st;
    AML_TRY(aml_sql(&st, s, "SELECT 1 FROM runs WHERE name = ?", "t", id));
    AML_TRY(aml_sql_row(out, s, st));
    sqlite3_reset(st);
    return AML_OK;
}

static aml_status add_session(aml_run_handle *run, aml_store *s, const aml_process *p) {
    sqlite3_stmt *st;
    bool more;
    AML_TRY(aml_sql(&st, s, "SELECT count(*) FROM sessions WHERE run = ?", "i", run->row));
    AML_TRY(aml_sql_row(&more, s, st));
    run->session = (size_t)sqlite3_column_int64(st, 0);
    sqlite3_reset(st);
    run->began = aml_now();
    return aml_sql_run(
        s,
        "INSERT INTO sessions(run, number, started, host, boot, space, pid, pid_start,"
        " trials_before) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)",
        "iidtttiii", run->row, (int64_t)run->session, aml_wall_clock(), p->host, p->boot, p->space,
        p->pid, p->start, (int64_t)run->trials);
}

static aml_status add_tags(aml_store *s, int64_t row, const char *const *tags) {
    for (; tags && *tags; tags++) {
        char key[256];
        const char *equals = strchr(*tags, '=');
        size_t n = equals ? (size_t)(equals - *tags) : strlen(*tags);
        if (!n || n >= sizeof key)
            return aml_help(aml_fail(AML_EUSAGE, "`%.80s` is no tag", *tags), NULL,
                            "write it as key=value");
        snprintf(key, sizeof key, "%.*s", (int)n, *tags);
        AML_TRY(aml_sql_run(s, "INSERT OR REPLACE INTO tags(run, key, value) VALUES(?, ?, ?)",
                            "itt", row, key, equals ? equals + 1 : ""));
    }
    return AML_OK;
}

static aml_status insert_run(aml_run_handle *out, aml_store *s, const aml_run_start *r,
                             const aml_process *p, const aml_git *g) {
    int64_t experiment = 0;
    double now = aml_wall_clock();
    AML_TRY(experiment_row(&experiment, s, r->experiment ? r->experiment : "default"));
    for (bool taken = true; taken;) {
        aml_run_id_make(out->id, now);
        AML_TRY(is_taken(&taken, s, out->id));
    }
    AML_TRY(aml_sql_run(
        s,
        "INSERT INTO runs(name, experiment, verb, parent, status, identity, options, trials_limit,"
        " time_limit, task, metric, higher_is_better, target, validation, data, data_hash,"
        " data_rows, data_columns, git_commit, git_branch, git_dirty, version, host, cores, memory,"
        " created, updated, model) VALUES(?, ?, ?, ?, 'running', ?, ?, ?,"
        " ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        "titt"
        "ttid"
        "ttitttt"
        "iittitt"
        "iiddt",
        out->id, experiment, r->verb, r->parent, r->identity, r->options, (int64_t)r->trials_limit,
        r->time_limit, r->task, r->metric, (int64_t)r->higher_is_better, r->target, r->validation,
        r->data, r->data_hash, (int64_t)r->rows, (int64_t)r->columns, g->commit, g->branch,
        (int64_t)g->dirty, aml_version(), p->host, (int64_t)p->cores, (int64_t)p->memory, now, now,
        r->model));
    out->row = sqlite3_last_insert_rowid(s->db);
    AML_TRY(add_tags(s, out->row, r->tags));
    return add_session(out, s, p);
}

aml_status aml_store_begin(aml_run_handle *out, aml_store *s, const aml_run_start *start) {
    aml_process self;
    aml_git git;
    *out = (aml_run_handle){0};
    aml_process_self(&self);
    aml_git_read(&git);
    AML_TRY(aml_sql_begin(s));
    return aml_sql_end(s, insert_run(out, s, start, &self, &git));
}

/* ---- going on */

static double limit_of(double x) { return x > 0 ? x : INFINITY; }

/* Is there more to do for the wanted limits than the run did? */
static bool goes_on(sqlite3_stmt *st, const aml_run_wanted *w) {
    enum { STATUS = 2, TRIALS_LIMIT = 4, TIME_LIMIT = 5, TRIALS = 6, SECONDS = 7 };
    double trials = limit_of((double)w->trials_limit), time = limit_of(w->time_limit);
    if (w->always) return true;
    if (sqlite3_column_double(st, TRIALS) > trials) return false;
    if (strcmp(aml_sql_text(st, STATUS), "finished") != 0) return true;
    bool more = trials > limit_of(sqlite3_column_double(st, TRIALS_LIMIT)) ||
                time > limit_of(sqlite3_column_double(st, TIME_LIMIT));
    return more && trials > sqlite3_column_double(st, TRIALS) &&
           time > sqlite3_column_double(st, SECONDS);
}

static bool is_alive(sqlite3_stmt *st, const aml_process *self) {
    enum { STATUS = 2, UPDATED = 8, HOST = 9 };
    aml_process p = {0};
    if (strcmp(aml_sql_text(st, STATUS), "running") != 0) return false;
    snprintf(p.host, sizeof p.host, "%s", aml_sql_text(st, HOST));
    snprintf(p.boot, sizeof p.boot, "%s", aml_sql_text(st, HOST + 1));
    snprintf(p.space, sizeof p.space, "%s", aml_sql_text(st, HOST + 2));
    p.pid = sqlite3_column_int64(st, HOST + 3);
    p.start = sqlite3_column_int64(st, HOST + 4);
    return !aml_process_is_gone(&p, self, aml_wall_clock() - sqlite3_column_double(st, UPDATED));
}

/* The newest one that nobody works at decides: what is older than a finished run is not taken up again. */
static aml_status find_run(bool *found, bool *alive, aml_run_handle *out, const char **validation,
                           aml_store *s, const aml_run_wanted *w, const aml_process *self,
                           aml_arena *keep) {
    sqlite3_stmt *st;
    bool more;
    *found = *alive = false;
    AML_TRY(aml_sql(&st, s,
                    "SELECT r.id, r.name, r.status, r.validation, r.trials_limit, r.time_limit,"
                    " r.trials, r.seconds, r.updated, p.host, p.boot, p.space, p.pid, p.pid_start"
                    " FROM runs r JOIN experiments e ON e.id = r.experiment"
                    " JOIN sessions p ON p.run = r.id AND p.number ="
                    " (SELECT max(number) FROM sessions WHERE run = r.id)"
                    " WHERE r.identity = ? AND r.data_hash = ? AND e.name = ?"
                    " ORDER BY r.created DESC, r.id DESC",
                    "ttt", w->identity, w->data_hash, w->experiment ? w->experiment : "default"));
    for (;;) {
        AML_TRY(aml_sql_row(&more, s, st));
        if (!more) return AML_OK;
        if (!is_alive(st, self)) break;
        *alive = true;
    }
    *found = goes_on(st, w);
    *out = (aml_run_handle){.row = sqlite3_column_int64(st, 0),
                            .seconds = sqlite3_column_double(st, 7)};
    snprintf(out->id, sizeof out->id, "%s", aml_sql_text(st, 1));
    *validation = aml_strdup(keep, aml_sql_text(st, 3));
    sqlite3_reset(st);
    return *validation ? AML_OK : AML_ENOMEM;
}

/* What was stopped on the way is done again: it leaves the record. */
static aml_status drop_partial(aml_store *s, int64_t run) {
    AML_TRY(aml_sql_run(s,
                        "DELETE FROM artifacts WHERE run = ?1 AND trial IN"
                        " (SELECT number FROM trials WHERE run = ?1 AND partial)",
                        "i", run));
    AML_TRY(aml_sql_run(s, "DELETE FROM trials WHERE run = ? AND partial", "i", run));
    if (!sqlite3_changes(s->db)) return AML_OK;
    return aml_sql_run(s,
                       "UPDATE runs SET (trials, failed, pruned) ="
                       " (SELECT count(*), total(state = 'failed'), total(state = 'pruned')"
                       "  FROM trials WHERE run = ?1) WHERE id = ?1",
                       "i", run);
}

static aml_status recorded_trials(size_t *out, aml_store *s, int64_t run) {
    sqlite3_stmt *st;
    bool more;
    AML_TRY(aml_sql(&st, s, "SELECT trials FROM runs WHERE id = ?", "i", run));
    AML_TRY(aml_sql_row(&more, s, st));
    *out = (size_t)sqlite3_column_int64(st, 0);
    sqlite3_reset(st);
    return AML_OK;
}

static aml_status take_over(bool *found, bool *alive, aml_run_handle *out, const char **validation,
                            aml_store *s, const aml_run_wanted *w, const aml_process *self,
                            aml_arena *keep) {
    AML_TRY(find_run(found, alive, out, validation, s, w, self, keep));
    if (!*found) return AML_OK;
    AML_TRY(drop_partial(s, out->row));
    AML_TRY(recorded_trials(&out->trials, s, out->row));
    AML_TRY(aml_sql_run(s,
                        "UPDATE runs SET status = 'running', reason = NULL, options = ?,"
                        " trials_limit = ?, time_limit = ?, updated = ? WHERE id = ?",
                        "tiddi", w->options, (int64_t)w->trials_limit, w->time_limit,
                        aml_wall_clock(), out->row));
    return add_session(out, s, self);
}

aml_status aml_store_resume(bool *found, aml_run_handle *out, const char **validation, aml_store *s,
                            const aml_run_wanted *wanted, aml_arena *keep) {
    enum { TRIES = 15, PAUSE_MS = 20 };
    aml_process self;
    bool alive = true;
    *found = false;
    aml_process_self(&self);
    for (int i = 0; i < TRIES && alive && !*found; i++) { /* it may be dying */
        if (i) sqlite3_sleep(PAUSE_MS);
        *out = (aml_run_handle){0};
        AML_TRY(aml_sql_begin(s));
        AML_TRY(aml_sql_end(s, take_over(found, &alive, out, validation, s, wanted, &self, keep)));
    }
    return AML_OK;
}

/* ---- trials */

static aml_status add_params(aml_store *s, int64_t trial, const aml_entry *e) {
    static const char sql[] = "INSERT INTO params(trial, name, value) VALUES(?, ?, ?)";
    for (size_t i = 0; i < e->n_params; i++) {
        const aml_entry_param *p = &e->params[i];
        AML_TRY(isnan(p->number) ? aml_sql_run(s, sql, "itt", trial, p->name, p->text)
                                 : aml_sql_run(s, sql, "itd", trial, p->name, p->number));
    }
    return AML_OK;
}

static aml_status add_metrics(aml_store *s, int64_t trial, const aml_entry *e) {
    for (size_t i = 0; i < e->n_metrics; i++) {
        const aml_entry_metric *m = &e->metrics[i];
        AML_TRY(aml_sql_run(s,
                            "INSERT OR REPLACE INTO metrics(trial, name, fold, step, value)"
                            " VALUES(?, ?, ?, ?, ?)",
                            "itiid", trial, m->name, m->fold, m->step, m->value));
    }
    return AML_OK;
}

static aml_status add_best(aml_store *s, int64_t run, const aml_entry *e) {
    if (strcmp(e->state, "done") != 0 || isnan(e->loss)) return AML_OK;
    return aml_sql_run(
        s,
        "UPDATE runs SET best_trial = ?1, best_loss = ?2, best = ?3, best_error = ?4,"
        " best_learner = ?5, best_pipeline = ?6 WHERE id = ?7 AND"
        " (best_loss IS NULL OR best_loss > ?2 OR"
        "  (best_loss = ?2 AND best_trial > ?1))",
        "idddtti", (int64_t)e->number, e->loss, e->score, e->error, e->learner, e->pipeline, run);
}

static aml_status add_trial(aml_store *s, int64_t run, const aml_entry *e, double now) {
    AML_TRY(aml_sql_run(s,
                        "INSERT INTO trials(run, number, state, partial, learner, pipeline, reason,"
                        " loss, score, error, folds, folds_done, bytes, fit_seconds, predict_us,"
                        " ended, record) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                        "iititttdddiiidddb", run, (int64_t)e->number, e->state, (int64_t)e->partial,
                        e->learner, e->pipeline, e->reason, e->loss, e->score, e->error,
                        (int64_t)e->folds, (int64_t)e->folds_done, (int64_t)e->bytes,
                        e->fit_seconds, e->predict_us, now, e->record, e->record_size));
    int64_t trial = sqlite3_last_insert_rowid(s->db);
    AML_TRY(add_params(s, trial, e));
    AML_TRY(add_metrics(s, trial, e));
    return add_best(s, run, e);
}

static aml_status add_material(aml_store *s, int64_t run, const aml_entry *e) {
    char name[32];
    for (size_t i = 0; i < e->n_dropped; i++)
        AML_TRY(aml_sql_run(s, "DELETE FROM artifacts WHERE run = ? AND trial = ?", "ii", run,
                            (int64_t)e->dropped[i]));
    if (e->has_states)
        AML_TRY(aml_sql_run(s, "DELETE FROM artifacts WHERE run = ? AND trial = ?", "ii", run,
                            (int64_t)e->number));
    if (!e->material) return AML_OK;
    snprintf(name, sizeof name, "trial-%zu", e->number);
    return aml_sql_run(s,
                       "INSERT OR REPLACE INTO artifacts(run, name, trial, lasting, content)"
                       " VALUES(?, ?, ?, ?, ?)",
                       "itiib", run, name, (int64_t)e->number, (int64_t)e->lasting, e->material,
                       e->material_size);
}

static aml_status add_trials(aml_store *s, const aml_run_handle *run, const aml_entry *e,
                             size_t n) {
    double now = aml_wall_clock(), seconds = run->seconds + aml_now() - run->began;
    size_t failed = 0, pruned = 0;
    for (size_t i = 0; i < n; i++) {
        AML_TRY(add_trial(s, run->row, &e[i], now));
        AML_TRY(add_material(s, run->row, &e[i]));
        failed += !strcmp(e[i].state, "failed");
        pruned += !strcmp(e[i].state, "pruned");
    }
    return aml_sql_run(s,
                       "UPDATE runs SET trials = trials + ?, failed = failed + ?,"
                       " pruned = pruned + ?, updated = ?, seconds = ? WHERE id = ?",
                       "iiiddi", (int64_t)n, (int64_t)failed, (int64_t)pruned, now, seconds,
                       run->row);
}

aml_status aml_store_append(aml_store *s, const aml_run_handle *run, const aml_entry *entries,
                            size_t n) {
    AML_TRY(aml_sql_begin(s));
    return aml_sql_end(s, add_trials(s, run, entries, n));
}

/* ---- the end */

aml_status aml_store_end(aml_store *s, const aml_run_handle *run, const aml_run_end *e) {
    double seconds = aml_now() - run->began;
    AML_TRY(aml_sql_begin(s));
    aml_status status =
        aml_sql_run(s, "UPDATE sessions SET seconds = ? WHERE run = ? AND number = ?", "dii",
                    seconds, run->row, (int64_t)run->session);
    if (!status)
        status =
            aml_sql_run(s,
                        "UPDATE runs SET status = ?, reason = ?, score = ?, score_low = ?,"
                        " score_high = ?, baseline = ?, board = ?, updated = ?, seconds = ?"
                        " WHERE id = ?",
                        "ttddddtddi", e->status, e->reason, e->score, e->low, e->high, e->baseline,
                        e->board, aml_wall_clock(), run->seconds + seconds, run->row);
    if (!status && !strcmp(e->status, "finished"))
        status =
            aml_sql_run(s, "DELETE FROM artifacts WHERE run = ? AND NOT lasting", "i", run->row);
    AML_TRY(aml_sql_end(s, status));
    return aml_sql_run(s, "PRAGMA incremental_vacuum", ""); /* free pages go back to the disk */
}

aml_status aml_store_put(aml_store *s, const aml_run_handle *run, const char *name,
                         const void *content, size_t size) {
    AML_TRY(aml_sql_begin(s));
    return aml_sql_end(s,
                       aml_sql_run(s,
                                   "INSERT OR REPLACE INTO artifacts(run, name, lasting, content)"
                                   " VALUES(?, ?, 1, ?)",
                                   "itb", run->row, name, content, size));
}

aml_status aml_store_keep(aml_store *s, const aml_run_handle *run, const char *name, size_t trial,
                          const void *content, size_t size) {
    AML_TRY(aml_sql_begin(s));
    return aml_sql_end(
        s, aml_sql_run(s,
                       "INSERT OR REPLACE INTO artifacts(run, name, trial, lasting, content)"
                       " VALUES(?, ?, ?, 0, ?)",
                       "itib", run->row, name, (int64_t)trial, content, size));
}
