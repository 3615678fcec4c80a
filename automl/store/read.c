/* read.c: runs by filter and by name, and the records of one. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "automl/core/call.h"
#include "automl/core/text.h"
#include "automl/store/sql.h"

struct aml_runs {
    aml_arena *arena;
    size_t n, room;
    aml_run_info *at;
};

static const char columns[] =
    "SELECT r.name, e.name, r.verb, r.status, r.reason, r.parent, r.options,"
    " r.task, r.metric, r.target, r.validation, r.data, r.data_hash, r.git_commit, r.git_branch,"
    " r.version, r.host, r.best_learner, r.best_pipeline, r.model,"
    " (SELECT group_concat(t, ', ') FROM (SELECT key || iif(value = '', '', '=' || value) AS t"
    "  FROM tags WHERE run = r.id ORDER BY key)),"
    " r.higher_is_better, r.data_rows, r.data_columns, r.git_dirty, r.cores, r.memory,"
    " r.trials_limit, r.trials, r.failed, r.pruned, ifnull(r.best_trial, -1),"
    " (SELECT count(*) FROM sessions WHERE run = r.id),"
    " r.created, r.updated, r.seconds, r.time_limit, r.best, r.best_error, r.score, r.score_low,"
    " r.score_high, r.baseline, p.host, p.boot, p.space, p.pid, p.pid_start"
    " FROM runs r JOIN experiments e ON e.id = r.experiment"
    " LEFT JOIN sessions p ON p.run = r.id AND p.number ="
    "  (SELECT max(number) FROM sessions WHERE run = r.id)";
enum { TEXTS = 21, COUNTS = 11, NUMBERS = 10, PROCESS = TEXTS + COUNTS + NUMBERS + 1 };

/* ---- rows */

static bool is_gone(sqlite3_stmt *st, const aml_process *self, double updated) {
    aml_process p = {0};
    snprintf(p.host, sizeof p.host, "%s", aml_sql_text(st, PROCESS));
    snprintf(p.boot, sizeof p.boot, "%s", aml_sql_text(st, PROCESS + 1));
    snprintf(p.space, sizeof p.space, "%s", aml_sql_text(st, PROCESS + 2));
    p.pid = sqlite3_column_int64(st, PROCESS + 3);
    p.start = sqlite3_column_int64(st, PROCESS + 4);
    return aml_process_is_gone(&p, self, aml_wall_clock() - updated);
}

static aml_status read_run(aml_run_info *r, sqlite3_stmt *st, const aml_process *self,
                           aml_arena *arena) {
    *r = (aml_run_info){.size = sizeof *r};
    const char **texts[TEXTS] = {&r->id,        &r->experiment,   &r->verb,          &r->status,
                                 &r->reason,    &r->parent,       &r->options,       &r->task,
                                 &r->metric,    &r->target,       &r->validation,    &r->data,
                                 &r->data_hash, &r->git_commit,   &r->git_branch,    &r->version,
                                 &r->host,      &r->best_learner, &r->best_pipeline, &r->model,
                                 &r->tags};
    int64_t n[COUNTS + 1];
    double *numbers[NUMBERS] = {&r->created, &r->updated,    &r->seconds, &r->time_limit,
                                &r->best,    &r->best_error, &r->score,   &r->low,
                                &r->high,    &r->baseline};
    for (int i = 0; i < TEXTS; i++)
        if (!(*texts[i] = aml_strdup(arena, aml_sql_text(st, i)))) return AML_ENOMEM;
    for (int i = 0; i <= COUNTS; i++) n[i] = sqlite3_column_int64(st, TEXTS + i);
    for (int i = 0; i < NUMBERS; i++) *numbers[i] = aml_sql_number(st, TEXTS + COUNTS + 1 + i);
    r->higher_is_better = (int)n[0];
    r->rows = (size_t)n[1], r->columns = (size_t)n[2];
    r->git_dirty = (int)n[3];
    r->cores = (int)n[4], r->memory = (size_t)n[5];
    r->trials_limit = (size_t)n[6];
    r->trials = (size_t)n[7], r->failed = (size_t)n[8], r->pruned = (size_t)n[9];
    r->best_trial = n[10] < 0 ? SIZE_MAX : (size_t)n[10];
    r->sessions = (size_t)n[11];
    if (!strcmp(r->status, "running") && is_gone(st, self, r->updated)) r->status = "killed";
    return AML_OK;
}

static aml_status add(aml_runs *list, const aml_run_info *r) {
    if (list->n == list->room) {
        size_t room = list->room * 2 + 16;
        aml_run_info *at = aml_realloc(list->at, room * sizeof *at);
        if (!at) return AML_ENOMEM;
        list->at = at;
        list->room = room;
    }
    list->at[list->n++] = *r;
    return AML_OK;
}

static aml_runs *list_new(void) {
    aml_runs *list = aml_calloc(1, sizeof *list);
    if (list) list->arena = aml_arena_new(NULL);
    if (list && list->arena) return list;
    aml_free(list);
    return NULL;
}

void aml_runs_free(aml_runs *list) {
    if (!list) return;
    aml_arena_free(list->arena);
    aml_free(list->at);
    aml_free(list);
}

size_t aml_runs_count(const aml_runs *runs) {
    AML_NEED_OR(runs, 0);
    return runs->n;
}

int aml_runs_at(const aml_runs *runs, size_t i, aml_run_info *out) {
    AML_NEED_OR(runs, 0);
    AML_NEED_OR(out, 0);
    if (i >= runs->n) return 0;
    return aml_call_give(out, &runs->at[i], sizeof *out);
}

/* ---- by filter */

/* What "best" means is the metric's: among runs of one metric the order is right, those of others come after it. */
static const char *const orders[][3] = {
    {"created", "r.created DESC, r.id DESC", "r.created, r.id"},
    {"updated", "r.updated DESC, r.id DESC", "r.updated, r.id"},
    {"experiment", "e.name, r.created DESC", "e.name DESC, r.created DESC"},
    {"status", "r.status, r.created DESC", "r.status DESC, r.created DESC"},
    {"trials", "r.trials DESC, r.created DESC", "r.trials, r.created DESC"},
    {"seconds", "r.seconds DESC, r.created DESC", "r.seconds, r.created DESC"},
    {"score",
     "r.metric, r.score IS NULL, iif(r.higher_is_better, -r.score, r.score), r.created DESC",
     "r.metric, r.score IS NULL, iif(r.higher_is_better, r.score, -r.score), r.created DESC"},
    {"best", "r.metric, r.best IS NULL, iif(r.higher_is_better, -r.best, r.best), r.created DESC",
     "r.metric, r.best IS NULL, iif(r.higher_is_better, r.best, -r.best), r.created DESC"}};
enum { ORDERS = sizeof orders / sizeof *orders };

static aml_status find_order(const char **out, const char *sort) {
    const char *names[ORDERS], *word = sort ? sort : "created";
    bool back = *word == '-';
    word += back;
    for (size_t i = 0; i < ORDERS; i++) {
        names[i] = orders[i][0];
        *out = orders[i][1 + back];
        if (!strcmp(word, orders[i][0])) return AML_OK;
    }
    const char *near = aml_nearest(word, names, ORDERS);
    aml_fail(AML_EUSAGE, "runs cannot be sorted by `%.80s`", word);
    return near ? aml_help(AML_EUSAGE, NULL, "did you mean `%s`?", near)
                : aml_help(AML_EUSAGE, NULL,
                           "sort by created, updated, experiment, status, trials, seconds, score "
                           "or best; with - before it the other way round");
}

static aml_status check_status(const char *status) {
    static const char *const names[] = {"running", "finished", "stopped", "failed", "killed"};
    enum { N = sizeof names / sizeof *names };
    for (size_t i = 0; !status || i < N; i++)
        if (!status || !strcmp(status, names[i])) return AML_OK;
    const char *near = aml_nearest(status, names, N);
    aml_fail(AML_EUSAGE, "no run has the status `%.80s`", status);
    return near ? aml_help(AML_EUSAGE, NULL, "did you mean `%s`?", near)
                : aml_help(AML_EUSAGE, NULL, "it is running, finished, stopped, failed or killed");
}

static aml_status collect(aml_runs *list, aml_store *s, sqlite3_stmt *st, const char *status,
                          size_t limit) {
    aml_process self;
    aml_process_self(&self);
    for (;;) {
        bool more;
        aml_run_info r;
        AML_TRY(aml_sql_row(&more, s, st));
        if (!more) return AML_OK;
        AML_TRY(read_run(&r, st, &self, list->arena));
        if (status && strcmp(status, r.status) != 0) continue;
        AML_TRY(add(list, &r));
        if (limit && list->n == limit) return AML_OK;
    }
}

static aml_status select_runs(aml_runs *list, aml_store *s, const aml_run_filter *f,
                              const char *order) {
    sqlite3_stmt *st;
    char key[256], *value = NULL;
    snprintf(key, sizeof key, "%s", f->tag ? f->tag : "");
    if ((value = strchr(key, '='))) *value++ = 0;
    char *sql = sqlite3_mprintf(
        "%s WHERE (?1 IS NULL OR e.name = ?1) AND r.created >= ?2 AND (?3 IS NULL OR EXISTS"
        " (SELECT 1 FROM tags WHERE run = r.id AND key = ?3 AND (?4 IS NULL OR value = ?4)))"
        " ORDER BY %s",
        columns, order);
    if (!sql) return AML_ENOMEM;
    int code = sqlite3_prepare_v2(s->db, sql, -1, &st, NULL);
    sqlite3_free(sql);
    if (code) return aml_sql_fail(s, code, "read the run store");
    sqlite3_bind_text(st, 1, f->experiment, -1, SQLITE_STATIC);
    sqlite3_bind_double(st, 2, f->since);
    sqlite3_bind_text(st, 3, f->tag ? key : NULL, -1, SQLITE_STATIC);
    sqlite3_bind_text(st, 4, value, -1, SQLITE_STATIC);
    aml_status status = collect(list, s, st, f->status, f->limit);
    sqlite3_finalize(st);
    return status;
}

aml_status aml_store_list(aml_runs **out, aml_store *store, const aml_run_filter *filter) {
    AML_NEED(out);
    *out = NULL;
    AML_NEED(store);
    aml_run_filter f = {0};
    const char *order;
    if (filter) AML_TRY(aml_call_options(&f, sizeof f, filter, "aml_run_filter"));
    AML_TRY(check_status(f.status));
    AML_TRY(find_order(&order, f.sort));
    aml_runs *list = list_new();
    if (!list) return AML_ENOMEM;
    pthread_mutex_lock(&store->lock);
    aml_status status = select_runs(list, store, &f, order);
    pthread_mutex_unlock(&store->lock);
    if (status) aml_runs_free(list);
    else *out = list;
    return status;
}

/* ---- by name */

static aml_status none(const char *id) {
    return aml_help(aml_fail(AML_EUSAGE, "there is no run `%.80s`", id), NULL,
                    "`automl runs` lists them; a beginning that is unique is enough, or `last`");
}

static aml_status several(const char *id, const char *a, const char *b) {
    return aml_help(aml_fail(AML_EUSAGE, "`%.80s` is the beginning of more than one run", id), NULL,
                    "%s and %s among them", a, b);
}

aml_status aml_run_row(int64_t *row, aml_store *s, const char *id) {
    sqlite3_stmt *st;
    bool more, last = !strcmp(id, "last");
    char first[32];
    AML_TRY(last ? aml_sql(&st, s, "SELECT id, name FROM runs ORDER BY created DESC, id DESC", "")
                 : aml_sql(&st, s,
                           "SELECT id, name FROM runs WHERE substr(name, 1, length(?1)) = ?1"
                           " ORDER BY name LIMIT 2",
                           "t", id));
    AML_TRY(aml_sql_row(&more, s, st));
    if (!more || !*id) return none(id);
    *row = sqlite3_column_int64(st, 0);
    snprintf(first, sizeof first, "%s", aml_sql_text(st, 1));
    aml_status status = AML_OK;
    if (!last && strcmp(first, id) != 0) status = aml_sql_row(&more, s, st);
    else more = false;
    if (!status && more) status = several(id, first, aml_sql_text(st, 1));
    sqlite3_reset(st);
    return status;
}

static aml_status find_one(aml_runs *list, aml_store *s, const char *id) {
    sqlite3_stmt *st;
    int64_t row;
    AML_TRY(aml_run_row(&row, s, id));
    char *sql = sqlite3_mprintf("%s WHERE r.id = %lld", columns, (long long)row);
    if (!sql) return AML_ENOMEM;
    int code = sqlite3_prepare_v2(s->db, sql, -1, &st, NULL);
    sqlite3_free(sql);
    if (code) return aml_sql_fail(s, code, "read the run store");
    aml_status status = collect(list, s, st, NULL, 1);
    sqlite3_finalize(st);
    return status || list->n ? status : none(id);
}

aml_status aml_store_find(aml_runs **out, aml_store *store, const char *id) {
    AML_NEED(out);
    *out = NULL;
    AML_NEED(store);
    AML_NEED(id);
    aml_runs *list = list_new();
    if (!list) return AML_ENOMEM;
    pthread_mutex_lock(&store->lock);
    aml_status status = find_one(list, store, id);
    pthread_mutex_unlock(&store->lock);
    if (status) aml_runs_free(list);
    else *out = list;
    return status;
}

/* ---- what a run keeps */

static aml_status give_records(aml_store *s, const char *id, bool partial, aml_give_record give,
                               void *arg) {
    sqlite3_stmt *st;
    int64_t row;
    bool more;
    AML_TRY(aml_run_row(&row, s, id));
    AML_TRY(aml_sql(&st, s,
                    "SELECT number, record FROM trials WHERE run = ? AND partial <= ?"
                    " ORDER BY number",
                    "ii", row, (int64_t)partial));
    for (;;) {
        AML_TRY(aml_sql_row(&more, s, st));
        if (!more) return AML_OK;
        const void *bytes = sqlite3_column_blob(st, 1);
        aml_status status = give((size_t)sqlite3_column_int64(st, 0), bytes ? bytes : "",
                                 (size_t)sqlite3_column_bytes(st, 1), arg);
        if (!status) continue;
        sqlite3_reset(st);
        return status;
    }
}

aml_status aml_store_records(aml_store *s, const char *id, bool partial, aml_give_record give,
                             void *arg) {
    pthread_mutex_lock(&s->lock);
    aml_status status = give_records(s, id, partial, give, arg);
    pthread_mutex_unlock(&s->lock);
    return status;
}

static aml_status get(const void **content, size_t *size, aml_store *s, const char *id,
                      const char *name, aml_arena *keep) {
    sqlite3_stmt *st;
    int64_t row;
    bool more;
    *content = NULL;
    *size = 0;
    AML_TRY(aml_run_row(&row, s, id));
    AML_TRY(aml_sql(&st, s, "SELECT content FROM artifacts WHERE run = ? AND name = ?", "it", row,
                    name));
    AML_TRY(aml_sql_row(&more, s, st));
    if (!more) return AML_OK;
    *size = (size_t)sqlite3_column_bytes(st, 0);
    *content = aml_copy(keep, *size ? sqlite3_column_blob(st, 0) : "", *size + !*size);
    sqlite3_reset(st);
    return *content ? AML_OK : AML_ENOMEM;
}

aml_status aml_store_get(const void **content, size_t *size, aml_store *s, const char *id,
                         const char *name, aml_arena *keep) {
    pthread_mutex_lock(&s->lock);
    aml_status status = get(content, size, s, id, name, keep);
    pthread_mutex_unlock(&s->lock);
    return status;
}

static aml_status identity_of(const char **identity, const char **data_hash, aml_store *s,
                              const char *id, aml_arena *keep) {
    sqlite3_stmt *st;
    int64_t row;
    bool more;
    AML_TRY(aml_run_row(&row, s, id));
    AML_TRY(aml_sql(&st, s, "SELECT identity, data_hash FROM runs WHERE id = ?", "i", row));
    AML_TRY(aml_sql_row(&more, s, st));
    *identity = aml_strdup(keep, more ? aml_sql_text(st, 0) : "");
    *data_hash = aml_strdup(keep, more ? aml_sql_text(st, 1) : "");
    sqlite3_reset(st);
    return *identity && *data_hash ? AML_OK : AML_ENOMEM;
}

aml_status aml_store_identity(const char **identity, const char **data_hash, aml_store *s,
                              const char *id, aml_arena *keep) {
    pthread_mutex_lock(&s->lock);
    aml_status status = identity_of(identity, data_hash, s, id, keep);
    pthread_mutex_unlock(&s->lock);
    return status;
}

static aml_status board_of(const char **board, aml_store *s, const char *id, aml_arena *keep) {
    sqlite3_stmt *st;
    int64_t row;
    bool more;
    AML_TRY(aml_run_row(&row, s, id));
    AML_TRY(aml_sql(&st, s, "SELECT board FROM runs WHERE id = ?", "i", row));
    AML_TRY(aml_sql_row(&more, s, st));
    *board = aml_strdup(keep, more ? aml_sql_text(st, 0) : "");
    sqlite3_reset(st);
    return *board ? AML_OK : AML_ENOMEM;
}

aml_status aml_store_board(const char **board, aml_store *s, const char *id, aml_arena *keep) {
    pthread_mutex_lock(&s->lock);
    aml_status status = board_of(board, s, id, keep);
    pthread_mutex_unlock(&s->lock);
    return status;
}

static aml_status give_leaders(aml_store *s, const char *id, aml_give_leader give, void *arg) {
    sqlite3_stmt *st;
    int64_t row;
    bool more;
    AML_TRY(aml_run_row(&row, s, id));
    AML_TRY(aml_sql(&st, s,
                    "SELECT number, pipeline, learner, state, reason, score, error, folds,"
                    " folds_done, bytes, fit_seconds, predict_us FROM trials WHERE run = ?"
                    " ORDER BY number",
                    "i", row));
    for (;;) {
        AML_TRY(aml_sql_row(&more, s, st));
        if (!more) return AML_OK;
        const aml_leader l = {.size = sizeof l,
                              .trial = (size_t)sqlite3_column_int64(st, 0),
                              .pipeline = aml_sql_text(st, 1),
                              .learner = aml_sql_text(st, 2),
                              .state = aml_sql_text(st, 3),
                              .reason = aml_sql_text(st, 4),
                              .score = aml_sql_number(st, 5),
                              .error = aml_sql_number(st, 6),
                              .folds = (size_t)sqlite3_column_int64(st, 7),
                              .folds_done = (size_t)sqlite3_column_int64(st, 8),
                              .bytes = (size_t)sqlite3_column_int64(st, 9),
                              .fit_seconds = aml_sql_number(st, 10),
                              .predict_us = aml_sql_number(st, 11)};
        aml_status status = give(&l, arg);
        if (!status) continue;
        sqlite3_reset(st);
        return status;
    }
}

aml_status aml_store_leaders(aml_store *s, const char *id, aml_give_leader give, void *arg) {
    pthread_mutex_lock(&s->lock);
    aml_status status = give_leaders(s, id, give, arg);
    pthread_mutex_unlock(&s->lock);
    return status;
}
