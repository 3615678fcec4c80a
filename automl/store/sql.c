/* sql.c: statements, transactions, and what SQLite's errors mean. */
#include "automl/store/sql.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <string.h>

#include "automl/core/io.h"

static const char *reason_of(const aml_store *s, int code) {
    return s->db && code != SQLITE_NOMEM ? sqlite3_errmsg(s->db) : sqlite3_errstr(code);
}

static aml_status told(aml_status status, const aml_store *s, int code, const char *what) {
    return aml_fail_at(status, s->path, 0, 0, "cannot %s: %s", what, reason_of(s, code));
}

/* SQLite does not say why a file cannot be opened. */
static bool lacks_descriptors(const aml_store *s) {
    int error = s->db ? sqlite3_system_errno(s->db) : 0;
    return error == EMFILE || error == ENFILE;
}

/* Another program that writes to the file, or in its place, can do this while it is open. */
static bool lost_its_tables(const aml_store *s) {
    return s->db && sqlite3_table_column_metadata(s->db, "main", "runs", "id", NULL, NULL, NULL,
                                                  NULL, NULL) == SQLITE_ERROR;
}

aml_status aml_sql_fail(const aml_store *s, int code, const char *what) {
    if ((code & 0xFF) == SQLITE_CANTOPEN && lacks_descriptors(s))
        return aml_fail_errno(AML_ENOMEM, EMFILE, what, s->path);
    switch (code & 0xFF) {
    case SQLITE_NOMEM: return aml_fail(AML_ENOMEM, "out of memory for the run store");
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return aml_help(told(AML_EAGAIN, s, code, what),
                        "another process keeps the run store locked", "try again when it is done");
    case SQLITE_FULL:
        return aml_help(told(AML_EIO, s, code, what), NULL,
                        "make room on the disk; the same command goes on where it stopped");
    case SQLITE_READONLY:
    case SQLITE_PERM:
        return aml_help(told(AML_ECANTCREATE, s, code, what), NULL,
                        "the file and its folder must be writable: `ls -l`");
    case SQLITE_CANTOPEN:
        return aml_help(told(AML_ECANTCREATE, s, code, what), NULL,
                        "check the path, and that its folder is there and writable");
    case SQLITE_NOTADB:
        return aml_help(aml_fail_at(AML_EDATA, s->path, 0, 0, "this file is no run store"), NULL,
                        "check the path of --store; another file makes a new store");
    case SQLITE_CORRUPT:
        return aml_help(told(AML_EDATA, s, code, what), "the file is damaged",
                        "`sqlite3 FILE .recover` saves what can be saved");
    case SQLITE_IOERR: return aml_help(told(AML_EIO, s, code, what), NULL, "check the disk");
    default: break;
    }
    if (!lost_its_tables(s)) return told(AML_EINTERNAL, s, code, what);
    return aml_help(aml_fail_at(AML_EDATA, s->path, 0, 0, "cannot %s: its tables are gone", what),
                    "another program has changed the file", "take the run store back from a copy");
}

static int bind_one(sqlite3_stmt *st, int at, char type, va_list *values) {
    if (type == 'i') return sqlite3_bind_int64(st, at, va_arg(*values, int64_t));
    if (type == 'd') {
        double x = va_arg(*values, double);
        return isnan(x) ? sqlite3_bind_null(st, at) : sqlite3_bind_double(st, at, x);
    }
    if (type == 't') {
        const char *text = va_arg(*values, const char *);
        return sqlite3_bind_text(st, at, text, -1, SQLITE_STATIC);
    }
    const void *bytes = va_arg(*values, const void *);
    size_t size = va_arg(*values, size_t);
    return sqlite3_bind_blob64(st, at, bytes, size, SQLITE_STATIC);
}

static aml_status prepare(sqlite3_stmt **out, aml_store *s, const char *sql) {
    for (size_t i = 0; i < s->n_cached; i++) {
        if (s->cached[i].sql != sql) continue;
        *out = s->cached[i].statement;
        return AML_OK;
    }
    if (s->n_cached == AML_SQL_CACHE) sqlite3_finalize(s->cached[--s->n_cached].statement);
    int code = sqlite3_prepare_v3(s->db, sql, -1, SQLITE_PREPARE_PERSISTENT, out, NULL);
    if (code) return aml_sql_fail(s, code, "read the run store");
    s->cached[s->n_cached].sql = sql;
    s->cached[s->n_cached++].statement = *out;
    return AML_OK;
}

static aml_status bind_all(sqlite3_stmt **out, aml_store *s, const char *sql, const char *types,
                           va_list *values) {
    AML_TRY(prepare(out, s, sql));
    sqlite3_reset(*out);
    for (int i = 0; types[i]; i++) {
        int code = bind_one(*out, i + 1, types[i], values);
        if (code) return aml_sql_fail(s, code, "write to the run store");
    }
    return AML_OK;
}

aml_status aml_sql(sqlite3_stmt **out, aml_store *s, const char *sql, const char *types, ...) {
    va_list values;
    va_start(values, types);
    aml_status status = bind_all(out, s, sql, types, &values);
    va_end(values);
    return status;
}

aml_status aml_sql_row(bool *more, aml_store *s, sqlite3_stmt *statement) {
    int code = sqlite3_step(statement);
    *more = code == SQLITE_ROW;
    if (*more) return AML_OK;
    aml_status status = code == SQLITE_DONE ? AML_OK
                        : sqlite3_stmt_readonly(statement)
                            ? aml_sql_fail(s, code, "read the run store")
                            : aml_sql_fail(s, code, "write to the run store");
    sqlite3_reset(statement);
    return status;
}

aml_status aml_sql_run(aml_store *s, const char *sql, const char *types, ...) {
    sqlite3_stmt *statement;
    va_list values;
    va_start(values, types);
    aml_status status = bind_all(&statement, s, sql, types, &values);
    va_end(values);
    for (bool more = true; !status && more;) status = aml_sql_row(&more, s, statement);
    return status;
}

const char *aml_sql_text(sqlite3_stmt *statement, int column) {
    const char *text = (const char *)sqlite3_column_text(statement, column);
    return text ? text : "";
}

double aml_sql_number(sqlite3_stmt *statement, int column) {
    bool none = sqlite3_column_type(statement, column) == SQLITE_NULL;
    return none ? NAN : sqlite3_column_double(statement, column);
}

aml_status aml_sql_begin(aml_store *s) {
    pthread_mutex_lock(&s->lock);
    aml_status status = aml_sql_run(s, "BEGIN IMMEDIATE", "");
    if (status) pthread_mutex_unlock(&s->lock);
    return status;
}

aml_status aml_sql_end(aml_store *s, aml_status status) {
    if (!status) status = aml_sql_run(s, "COMMIT", "");
    if (status && !sqlite3_get_autocommit(s->db)) { /* the message stays that of the failure */
        const aml_error error = *aml_last_error();
        aml_sql_run(s, "ROLLBACK", "");
        aml_set_error(&error);
    }
    pthread_mutex_unlock(&s->lock);
    return status;
}
