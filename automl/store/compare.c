/* compare.c: two runs side by side. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "automl/core/call.h"
#include "automl/core/json.h"
#include "automl/store/sql.h"

struct aml_comparison {
    aml_arena *arena;
    size_t n, room;
    aml_compared *at;
};

/* Where both stand while they are compared. */
typedef struct pair {
    aml_comparison *c;
    aml_store *store;
    aml_run_info a, b;
} pair;

/* ---- lines */

static aml_status add_line(aml_comparison *c, const char *section, const char *name, const char *a,
                           const char *b) {
    if (!*a && !*b) return AML_OK;
    if (c->n == c->room) {
        size_t room = c->room * 2 + 64;
        aml_compared *at = aml_realloc(c->at, room * sizeof *at);
        if (!at) return AML_ENOMEM;
        c->at = at;
        c->room = room;
    }
    aml_compared *line = &c->at[c->n++];
    *line = (aml_compared){.size = sizeof *line,
                           .section = section,
                           .name = aml_strdup(c->arena, name),
                           .a = aml_strdup(c->arena, a),
                           .b = aml_strdup(c->arena, b),
                           .differs = strcmp(a, b) != 0};
    return line->name && line->a && line->b ? AML_OK : AML_ENOMEM;
}

typedef struct cell {
    char text[96];
} cell;

static const char *number(cell *out, double x, const char *form) {
    out->text[0] = 0;
    if (!isnan(x)) sqlite3_snprintf(sizeof out->text, out->text, form, x);
    return out->text;
}

static const char *count(cell *out, size_t n) {
    snprintf(out->text, sizeof out->text, "%zu", n);
    return out->text;
}

static aml_status add_numbers(pair *p, const char *section, const char *name, double a, double b,
                              const char *form) {
    cell x, y;
    return add_line(p->c, section, name, number(&x, a, form), number(&y, b, form));
}

static aml_status add_counts(pair *p, const char *section, const char *name, size_t a, size_t b) {
    cell x, y;
    return add_line(p->c, section, name, count(&x, a), count(&y, b));
}

/* ---- sections */

static aml_status compare_runs(pair *p) {
    char a[AML_TIME_TEXT], b[AML_TIME_TEXT];
    AML_TRY(add_line(p->c, "run", "id", p->a.id, p->b.id));
    AML_TRY(add_line(p->c, "run", "experiment", p->a.experiment, p->b.experiment));
    AML_TRY(add_line(p->c, "run", "verb", p->a.verb, p->b.verb));
    AML_TRY(add_line(p->c, "run", "status", p->a.status, p->b.status));
    AML_TRY(add_line(p->c, "run", "tags", p->a.tags, p->b.tags));
    return add_line(p->c, "run", "created", aml_time_text(a, p->a.created),
                    aml_time_text(b, p->b.created));
}

static bool is_limit(const char *name) {
    static const char *const names[] = {"trials", "time_limit", "threads", "memory_limit"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!strcmp(name, names[i])) return true;
    return false;
}

static void put_value(aml_string *s, const aml_json *x) {
    if (!x) return;
    if (x->type == AML_JSON_STRING || x->type == AML_JSON_NUMBER) aml_string_put(s, x->string);
    else if (x->type < AML_JSON_NUMBER)
        aml_string_put(s, x->type == AML_JSON_TRUE ? "true" : x->type ? "false" : "null");
    for (const aml_json *c = x->child; c; c = c->next) {
        if (c != x->child) aml_string_put(s, ", ");
        if (c->name) aml_string_printf(s, "%s: ", c->name);
        bool nested = c->child != NULL;
        if (nested) aml_string_put(s, "(");
        put_value(s, c);
        if (nested) aml_string_put(s, ")");
    }
}

static aml_status compare_option(pair *p, const char *name, const aml_json *a, const aml_json *b) {
    aml_string x = {0}, y = {0};
    put_value(&x, a);
    put_value(&y, b);
    bool failed = x.failed || y.failed;
    aml_status status = failed ? AML_ENOMEM
                               : add_line(p->c, is_limit(name) ? "limits" : "options", name,
                                          x.text ? x.text : "", y.text ? y.text : "");
    aml_string_free(&x);
    aml_string_free(&y);
    return status;
}

static aml_status compare_options(pair *p) {
    aml_json *a, *b;
    AML_TRY(aml_json_parse(&a, p->c->arena, p->a.options, strlen(p->a.options), "run store", 0,
                           AML_EDATA));
    AML_TRY(aml_json_parse(&b, p->c->arena, p->b.options, strlen(p->b.options), "run store", 0,
                           AML_EDATA));
    for (int limits = 1; limits >= 0; limits--) {
        for (const aml_json *x = a->child; x; x = x->next)
            if (x->name && is_limit(x->name) == limits)
                AML_TRY(compare_option(p, x->name, x, aml_json_find(b, x->name)));
        for (const aml_json *y = b->child; y; y = y->next)
            if (y->name && is_limit(y->name) == limits && !aml_json_find(a, y->name))
                AML_TRY(compare_option(p, y->name, NULL, y));
    }
    return AML_OK;
}

static const char *state_of_tree(const aml_run_info *r) {
    return !*r->git_commit ? "" : r->git_dirty < 0 ? "unknown" : r->git_dirty ? "yes" : "no";
}

static aml_status compare_surroundings(pair *p) {
    AML_TRY(add_line(p->c, "data", "source", p->a.data, p->b.data));
    AML_TRY(add_line(p->c, "data", "hash", p->a.data_hash, p->b.data_hash));
    AML_TRY(add_counts(p, "data", "rows", p->a.rows, p->b.rows));
    AML_TRY(add_counts(p, "data", "columns", p->a.columns, p->b.columns));
    AML_TRY(add_line(p->c, "data", "validation", p->a.validation, p->b.validation));
    AML_TRY(add_line(p->c, "code", "git commit", p->a.git_commit, p->b.git_commit));
    AML_TRY(add_line(p->c, "code", "git branch", p->a.git_branch, p->b.git_branch));
    AML_TRY(
        add_line(p->c, "code", "uncommitted changes", state_of_tree(&p->a), state_of_tree(&p->b)));
    AML_TRY(add_line(p->c, "code", "automl", p->a.version, p->b.version));
    AML_TRY(add_line(p->c, "machine", "host", p->a.host, p->b.host));
    AML_TRY(add_counts(p, "machine", "cores", (size_t)p->a.cores, (size_t)p->b.cores));
    return add_numbers(p, "machine", "memory, GiB", (double)p->a.memory / 0x1p30,
                       (double)p->b.memory / 0x1p30, "%.3g");
}

static const char *value_of(cell *out, sqlite3_stmt *st, int column) {
    if (sqlite3_column_type(st, column) != SQLITE_FLOAT) return aml_sql_text(st, column);
    aml_format_double(out->text, sqlite3_column_double(st, column));
    return out->text;
}

static aml_status compare_params(pair *p) {
    sqlite3_stmt *st;
    bool more;
    AML_TRY(aml_sql(
        &st, p->store,
        "WITH x AS (SELECT t.id, r.name FROM runs r JOIN trials t ON t.run = r.id AND"
        "           t.number = r.best_trial),"
        " a AS (SELECT p.name, value FROM params p JOIN x ON x.id = trial WHERE x.name = ?1),"
        " b AS (SELECT p.name, value FROM params p JOIN x ON x.id = trial WHERE x.name = ?2)"
        " SELECT name, (SELECT value FROM a WHERE a.name = n.name),"
        "  (SELECT value FROM b WHERE b.name = n.name)"
        " FROM (SELECT name FROM a UNION SELECT name FROM b) n ORDER BY name",
        "tt", p->a.id, p->b.id));
    for (;;) {
        AML_TRY(aml_sql_row(&more, p->store, st));
        if (!more) return AML_OK;
        cell a, b;
        AML_TRY(add_line(p->c, "best pipeline", aml_sql_text(st, 0), value_of(&a, st, 1),
                         value_of(&b, st, 2)));
    }
}

/* Scores of the best trials fold by fold: of the same folds their difference has less noise than each of them. */
static aml_status compare_folds(pair *p) {
    sqlite3_stmt *st;
    double n = 0, sum = 0, square = 0;
    bool more = true, same = !strcmp(p->a.data_hash, p->b.data_hash) &&
                             !strcmp(p->a.validation, p->b.validation) &&
                             !strcmp(p->a.target, p->b.target);
    if (!same) return AML_OK;
    AML_TRY(aml_sql(&st, p->store,
                    "SELECT x.value - y.value FROM runs a JOIN runs b"
                    " JOIN trials t ON t.run = a.id AND t.number = a.best_trial"
                    " JOIN trials u ON u.run = b.id AND u.number = b.best_trial"
                    " JOIN metrics x ON x.trial = t.id AND x.name = a.metric AND x.step = -1"
                    " JOIN metrics y ON y.trial = u.id AND y.name = b.metric AND y.step = -1"
                    "  AND y.fold = x.fold AND y.name = x.name"
                    " WHERE a.name = ? AND b.name = ?"
                    " AND json_extract(a.options, '$.seed') = json_extract(b.options, '$.seed')",
                    "tt", p->a.id, p->b.id));
    for (;;) {
        AML_TRY(aml_sql_row(&more, p->store, st));
        if (!more) break;
        double d = aml_sql_number(st, 0);
        n++, sum += d, square += d * d;
    }
    double mean = sum / n, error = sqrt(fmax(0, square / n - mean * mean) / (n - 1));
    if (!(n > 1) || !isfinite(mean) || !isfinite(error)) return AML_OK;
    char text[96];
    sqlite3_snprintf(sizeof text, text, "%+.4g ± %.2g", mean, error);
    return add_line(p->c, "scores", "best pipeline, first less second by fold", text, "");
}

static const char *with_error(cell *out, double x, double error) {
    if (isnan(error)) return number(out, x, "%.6g");
    sqlite3_snprintf(sizeof out->text, out->text, "%.6g ± %.2g", x, error);
    return out->text;
}

static const char *with_interval(cell *out, double x, double low, double high) {
    if (isnan(low) || isnan(high)) return number(out, x, "%.6g");
    sqlite3_snprintf(sizeof out->text, out->text, "%.6g (%.6g to %.6g)", x, low, high);
    return out->text;
}

static aml_status compare_scores(pair *p) {
    cell a, b;
    AML_TRY(add_line(p->c, "scores", "metric", p->a.metric, p->b.metric));
    AML_TRY(add_line(p->c, "scores", "best pipeline", with_error(&a, p->a.best, p->a.best_error),
                     with_error(&b, p->b.best, p->b.best_error)));
    AML_TRY(compare_folds(p));
    AML_TRY(add_line(p->c, "scores", "model", with_interval(&a, p->a.score, p->a.low, p->a.high),
                     with_interval(&b, p->b.score, p->b.low, p->b.high)));
    AML_TRY(add_numbers(p, "scores", "baseline", p->a.baseline, p->b.baseline, "%.6g"));
    AML_TRY(add_counts(p, "timings", "trials", p->a.trials, p->b.trials));
    AML_TRY(add_counts(p, "timings", "stopped early", p->a.pruned, p->b.pruned));
    AML_TRY(add_counts(p, "timings", "failed", p->a.failed, p->b.failed));
    AML_TRY(add_numbers(p, "timings", "seconds", p->a.seconds, p->b.seconds, "%.4g"));
    return add_numbers(p, "timings", "seconds a trial", p->a.seconds / (double)p->a.trials,
                       p->b.seconds / (double)p->b.trials, "%.3g");
}

/* ---- the whole */

static aml_status compare(pair *p) {
    AML_TRY(compare_runs(p));
    AML_TRY(compare_options(p));
    AML_TRY(compare_surroundings(p));
    AML_TRY(add_line(p->c, "best pipeline", "pipeline", p->a.best_pipeline, p->b.best_pipeline));
    AML_TRY(compare_params(p));
    return compare_scores(p);
}

static aml_status compare_found(aml_comparison *c, aml_store *s, const char *a, const char *b) {
    aml_runs *x = NULL, *y = NULL;
    pair p = {.c = c, .store = s, .a.size = sizeof p.a, .b.size = sizeof p.b};
    aml_status status = aml_store_find(&x, s, a);
    if (!status) status = aml_store_find(&y, s, b);
    if (!status) {
        aml_runs_at(x, 0, &p.a);
        aml_runs_at(y, 0, &p.b);
        pthread_mutex_lock(&s->lock);
        status = compare(&p);
        pthread_mutex_unlock(&s->lock);
    }
    aml_runs_free(x);
    aml_runs_free(y);
    return status;
}

aml_status aml_store_compare(aml_comparison **out, aml_store *store, const char *a, const char *b) {
    AML_NEED(out);
    *out = NULL;
    AML_NEED(store);
    AML_NEED(a);
    AML_NEED(b);
    aml_comparison *c = *out = aml_calloc(1, sizeof *c);
    if (!c) return AML_ENOMEM;
    c->arena = aml_arena_new(NULL);
    aml_status status = c->arena ? compare_found(c, store, a, b) : AML_ENOMEM;
    if (!status) return AML_OK;
    aml_comparison_free(c);
    *out = NULL;
    return status;
}

int aml_comparison_at(const aml_comparison *c, size_t i, aml_compared *out) {
    AML_NEED_OR(c, 0);
    AML_NEED_OR(out, 0);
    if (i >= c->n) return 0;
    return aml_call_give(out, &c->at[i], sizeof *out);
}

char *aml_comparison_json(const aml_comparison *c) {
    AML_NEED_OR(c, NULL);
    aml_string s = {0};
    aml_string_put(&s, "[");
    for (size_t i = 0; i < c->n; i++) {
        const aml_compared *line = &c->at[i];
        aml_json_comma(&s);
        aml_string_put(&s, "{");
        aml_json_add_string(&s, "section", line->section);
        aml_json_add_string(&s, "name", line->name);
        aml_json_add_string(&s, "a", line->a);
        aml_json_add_string(&s, "b", line->b);
        aml_json_key(&s, "differs");
        aml_string_put(&s, line->differs ? "true}" : "false}");
    }
    aml_string_put(&s, "]");
    return aml_json_finish(&s);
}

void aml_comparison_free(aml_comparison *c) {
    if (!c) return;
    aml_arena_free(c->arena);
    aml_free(c->at);
    aml_free(c);
}
