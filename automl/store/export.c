/* export.c: runs and their trials as JSON and CSV. */
#include <math.h>
#include <string.h>

#include "automl/core/call.h"
#include "automl/core/csv.h"
#include "automl/core/json.h"
#include "automl/store/sql.h"

/* ---- JSON */

static void put_time(aml_string *s, const char *name, double seconds) {
    char text[AML_TIME_TEXT];
    aml_json_add_string(s, name, aml_time_text(text, seconds));
}

static void put_text(aml_string *s, const char *name, const char *text) {
    if (*text) aml_json_add_string(s, name, text);
}

static void put_bool(aml_string *s, const char *name, bool x) {
    aml_json_key(s, name);
    aml_string_put(s, x ? "true" : "false");
}

static void put_code(aml_string *s, const aml_run_info *r) {
    aml_json_key(s, "code");
    aml_string_put(s, "{");
    put_text(s, "git_commit", r->git_commit);
    put_text(s, "git_branch", r->git_branch);
    if (r->git_dirty >= 0) put_bool(s, "git_dirty", r->git_dirty);
    aml_json_add_string(s, "automl", r->version);
    aml_string_put(s, "}");
    aml_json_key(s, "machine");
    aml_string_put(s, "{");
    aml_json_add_string(s, "host", r->host);
    aml_json_add_number(s, "cores", r->cores);
    aml_json_add_number(s, "memory", (double)r->memory);
    aml_string_put(s, "}");
}

static void put_data(aml_string *s, const aml_run_info *r) {
    aml_json_key(s, "data");
    aml_string_put(s, "{");
    aml_json_add_string(s, "source", r->data);
    aml_json_add_string(s, "hash", r->data_hash);
    aml_json_add_number(s, "rows", (double)r->rows);
    aml_json_add_number(s, "columns", (double)r->columns);
    aml_string_put(s, "}");
    put_text(s, "target", r->target);
    put_text(s, "task", r->task);
    aml_json_add_string(s, "metric", r->metric);
    put_bool(s, "higher_is_better", r->higher_is_better);
    put_text(s, "validation", r->validation);
}

static void put_results(aml_string *s, const aml_run_info *r) {
    aml_json_key(s, "counts");
    aml_string_put(s, "{");
    aml_json_add_number(s, "trials", (double)r->trials);
    aml_json_add_number(s, "failed", (double)r->failed);
    aml_json_add_number(s, "pruned", (double)r->pruned);
    aml_string_put(s, "}");
    if (r->best_trial != SIZE_MAX) {
        aml_json_key(s, "best");
        aml_string_put(s, "{");
        aml_json_add_number(s, "trial", (double)r->best_trial);
        aml_json_add_string(s, "learner", r->best_learner);
        aml_json_add_string(s, "pipeline", r->best_pipeline);
        aml_json_add_number(s, "score", r->best);
        aml_json_add_number(s, "error", r->best_error);
        aml_string_put(s, "}");
    }
    aml_json_add_number(s, "score", r->score);
    aml_json_add_number(s, "score_low", r->low);
    aml_json_add_number(s, "score_high", r->high);
    aml_json_add_number(s, "baseline", r->baseline);
    put_text(s, "model", r->model);
}

static aml_status put_tags(aml_string *s, aml_store *store, const char *id) {
    sqlite3_stmt *st;
    bool more;
    AML_TRY(aml_sql(&st, store,
                    "SELECT key, value FROM tags JOIN runs r ON r.id = run WHERE r.name = ?"
                    " ORDER BY key",
                    "t", id));
    aml_json_key(s, "tags");
    aml_string_put(s, "{");
    for (;;) {
        AML_TRY(aml_sql_row(&more, store, st));
        if (!more) break;
        aml_json_add_string(s, aml_sql_text(st, 0), aml_sql_text(st, 1));
    }
    aml_string_put(s, "}");
    return AML_OK;
}

static aml_status put_params(aml_string *s, aml_store *store, int64_t trial) {
    sqlite3_stmt *st;
    bool more;
    AML_TRY(aml_sql(&st, store, "SELECT name, value FROM params WHERE trial = ? ORDER BY name", "i",
                    trial));
    aml_json_key(s, "params");
    aml_string_put(s, "{");
    for (;;) {
        AML_TRY(aml_sql_row(&more, store, st));
        if (!more) break;
        if (sqlite3_column_type(st, 1) == SQLITE_TEXT)
            aml_json_add_string(s, aml_sql_text(st, 0), aml_sql_text(st, 1));
        else aml_json_add_number(s, aml_sql_text(st, 0), aml_sql_number(st, 1));
    }
    aml_string_put(s, "}");
    return AML_OK;
}

static aml_status put_metrics(aml_string *s, aml_store *store, int64_t trial) {
    sqlite3_stmt *st;
    bool more;
    AML_TRY(aml_sql(&st, store,
                    "SELECT name, fold, step, value FROM metrics WHERE trial = ?"
                    " ORDER BY name, fold, step",
                    "i", trial));
    aml_json_key(s, "metrics");
    aml_string_put(s, "[");
    for (;;) {
        AML_TRY(aml_sql_row(&more, store, st));
        if (!more) break;
        aml_json_comma(s);
        aml_string_put(s, "{");
        aml_json_add_string(s, "name", aml_sql_text(st, 0));
        if (sqlite3_column_int64(st, 1) >= 0)
            aml_json_add_number(s, "fold", sqlite3_column_double(st, 1));
        if (sqlite3_column_int64(st, 2) >= 0)
            aml_json_add_number(s, "step", sqlite3_column_double(st, 2));
        aml_json_add_number(s, "value", aml_sql_number(st, 3));
        aml_string_put(s, "}");
    }
    aml_string_put(s, "]");
    return AML_OK;
}

static const char trials_sql[] =
    "SELECT t.id, number, state, learner, pipeline, t.reason, t.score, t.error, folds_done, folds,"
    " bytes, fit_seconds, predict_us, ended FROM trials t JOIN runs r ON r.id = t.run"
    " WHERE r.name = ? ORDER BY number";

static aml_status put_trial(aml_string *s, aml_store *store, sqlite3_stmt *st) {
    static const char *const names[] = {"score", "error",       "folds_done", "folds",
                                        "bytes", "fit_seconds", "predict_us"};
    aml_json_comma(s);
    aml_string_put(s, "{");
    aml_json_add_number(s, "trial", sqlite3_column_double(st, 1));
    aml_json_add_string(s, "state", aml_sql_text(st, 2));
    aml_json_add_string(s, "learner", aml_sql_text(st, 3));
    aml_json_add_string(s, "pipeline", aml_sql_text(st, 4));
    put_text(s, "reason", aml_sql_text(st, 5));
    for (int i = 0; i < 7; i++) aml_json_add_number(s, names[i], aml_sql_number(st, 6 + i));
    put_time(s, "ended", sqlite3_column_double(st, 13));
    AML_TRY(put_params(s, store, sqlite3_column_int64(st, 0)));
    AML_TRY(put_metrics(s, store, sqlite3_column_int64(st, 0)));
    aml_string_put(s, "}");
    return AML_OK;
}

static aml_status put_trials(aml_string *s, aml_store *store, const char *id) {
    sqlite3_stmt *st;
    bool more;
    AML_TRY(aml_sql(&st, store, trials_sql, "t", id));
    aml_json_key(s, "trials");
    aml_string_put(s, "[");
    for (;;) {
        AML_TRY(aml_sql_row(&more, store, st));
        if (!more) break;
        AML_TRY(put_trial(s, store, st));
    }
    aml_string_put(s, "]");
    return AML_OK;
}

static aml_status put_run(aml_string *s, aml_store *store, const aml_run_info *r, bool trials) {
    aml_json_comma(s);
    aml_string_put(s, "{");
    aml_json_add_string(s, "id", r->id);
    aml_json_add_string(s, "experiment", r->experiment);
    aml_json_add_string(s, "verb", r->verb);
    put_text(s, "parent", r->parent);
    aml_json_add_string(s, "status", r->status);
    put_text(s, "reason", r->reason);
    put_time(s, "created", r->created);
    put_time(s, "updated", r->updated);
    aml_json_add_number(s, "seconds", r->seconds);
    aml_json_add_number(s, "sessions", (double)r->sessions);
    AML_TRY(put_tags(s, store, r->id));
    aml_json_key(s, "options");
    aml_string_put(s, *r->options ? r->options : "{}");
    put_data(s, r);
    put_code(s, r);
    put_results(s, r);
    if (trials) AML_TRY(put_trials(s, store, r->id));
    aml_string_put(s, "}");
    return AML_OK;
}

/* Ends a text for the caller, who frees it. */
static aml_status hand_over(char **out, aml_string *s, aml_status status) {
    if (!status && s->failed) status = AML_ENOMEM;
    if (!status && !s->text) aml_string_put(s, "");
    if (status) aml_string_free(s);
    *out = s->text;
    return status;
}

aml_status aml_store_json(char **out, aml_store *store, const aml_runs *runs, int with_trials) {
    AML_NEED(out);
    AML_NEED(store);
    AML_NEED(runs);
    aml_string s = {0};
    aml_run_info r = {.size = sizeof r};
    aml_status status = AML_OK;
    pthread_mutex_lock(&store->lock);
    aml_string_put(&s, "[");
    for (size_t i = 0; !status && aml_runs_at(runs, i, &r); i++)
        status = put_run(&s, store, &r, with_trials);
    aml_string_put(&s, "]");
    pthread_mutex_unlock(&store->lock);
    s.failed |= status != AML_OK;
    *out = aml_json_finish(&s);
    return status || *out ? status : AML_ENOMEM;
}

/* ---- CSV */

static void put_cell(aml_string *s, const char *text) {
    aml_string_put(s, ",");
    aml_csv_put(s, text, strlen(text), true);
}

static void put_number(aml_string *s, double x) {
    aml_string_put(s, ",");
    if (isfinite(x)) aml_string_double(s, x);
}

/* Names of all parameters of the runs. */
static aml_status gather_names(const char ***names, size_t *n, aml_store *store,
                               const aml_runs *runs, aml_arena *keep) {
    sqlite3_stmt *st;
    aml_run_info r = {.size = sizeof r};
    enum { MOST = 4096 };
    *n = 0;
    *names = AML_ARRAY(keep, MOST, const char *);
    if (!*names) return AML_ENOMEM;
    for (size_t i = 0; aml_runs_at(runs, i, &r); i++) {
        bool more = true;
        AML_TRY(aml_sql(&st, store,
                        "SELECT DISTINCT p.name FROM params p JOIN trials t ON t.id = trial"
                        " JOIN runs r ON r.id = t.run WHERE r.name = ? ORDER BY 1",
                        "t", r.id));
        for (;;) {
            AML_TRY(aml_sql_row(&more, store, st));
            if (!more) break;
            bool known = *n == MOST;
            for (size_t k = 0; k < *n && !known; k++)
                known = !strcmp((*names)[k], aml_sql_text(st, 0));
            if (!known && !((*names)[(*n)++] = aml_strdup(keep, aml_sql_text(st, 0))))
                return AML_ENOMEM;
        }
    }
    return AML_OK;
}

static aml_status put_values(aml_string *s, aml_store *store, int64_t trial,
                             const char *const *names, size_t n) {
    sqlite3_stmt *st;
    bool more;
    for (size_t i = 0; i < n; i++) {
        AML_TRY(aml_sql(&st, store, "SELECT value FROM params WHERE trial = ? AND name = ?", "it",
                        trial, names[i]));
        AML_TRY(aml_sql_row(&more, store, st));
        if (more && sqlite3_column_type(st, 0) != SQLITE_TEXT) put_number(s, aml_sql_number(st, 0));
        else put_cell(s, more ? aml_sql_text(st, 0) : "");
        sqlite3_reset(st);
    }
    return AML_OK;
}

static aml_status put_lines(aml_string *s, aml_store *store, const aml_run_info *r,
                            const char *const *names, size_t n) {
    sqlite3_stmt *st;
    bool more;
    AML_TRY(aml_sql(&st, store, trials_sql, "t", r->id));
    for (;;) {
        AML_TRY(aml_sql_row(&more, store, st));
        if (!more) return AML_OK;
        aml_string_put(s, r->id);
        put_cell(s, r->experiment);
        put_cell(s, r->status);
        put_cell(s, r->metric);
        put_number(s, sqlite3_column_double(st, 1));
        for (int i = 2; i <= 4; i++) put_cell(s, aml_sql_text(st, i));
        for (int i = 6; i <= 12; i++) put_number(s, aml_sql_number(st, i));
        put_cell(s, aml_sql_text(st, 5));
        AML_TRY(put_values(s, store, sqlite3_column_int64(st, 0), names, n));
        aml_string_put(s, "\n");
    }
}

static aml_status put_csv(aml_string *s, aml_store *store, const aml_runs *runs, aml_arena *keep) {
    const char **names;
    size_t n;
    aml_run_info r = {.size = sizeof r};
    AML_TRY(gather_names(&names, &n, store, runs, keep));
    aml_string_put(s, "run,experiment,status,metric,trial,state,learner,pipeline,score,error,"
                      "folds_done,folds,bytes,fit_seconds,predict_us,reason");
    for (size_t i = 0; i < n; i++) {
        aml_string_put(s, ",");
        aml_string_printf(s, "%s", names[i]);
    }
    aml_string_put(s, "\n");
    for (size_t i = 0; aml_runs_at(runs, i, &r); i++) AML_TRY(put_lines(s, store, &r, names, n));
    return AML_OK;
}

aml_status aml_store_csv(char **out, aml_store *store, const aml_runs *runs) {
    AML_NEED(out);
    AML_NEED(store);
    AML_NEED(runs);
    aml_string s = {0};
    aml_arena *keep = aml_arena_new(NULL);
    pthread_mutex_lock(&store->lock);
    aml_status status = keep ? put_csv(&s, store, runs, keep) : AML_ENOMEM;
    pthread_mutex_unlock(&store->lock);
    aml_arena_free(keep);
    return hand_over(out, &s, status);
}
