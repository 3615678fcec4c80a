/* schema.c: the tables, and the way from each older version to the present one.
 *
 * Step i of `steps` leads from version i to version i + 1 and is never changed once it was released: a store of any age takes the
 * steps that it lacks, in one transaction. Numbers with columns of their own are for people and for SQL; what the engine reads back
 * is in trials.record, to the bit. */
#include "automl/store/sql.h"

enum { APPLICATION = 0x414D4C53 }; /* "AMLS" */

static const char *const steps[] = {
    "CREATE TABLE experiments("
    " id INTEGER PRIMARY KEY,"
    " name TEXT NOT NULL UNIQUE,"
    " created REAL NOT NULL);"

    "CREATE TABLE runs("
    " id INTEGER PRIMARY KEY,"
    " name TEXT NOT NULL UNIQUE," /* what users call it */
    " experiment INTEGER NOT NULL REFERENCES experiments(id),"
    " verb TEXT NOT NULL,"
    " parent TEXT,"
    " status TEXT NOT NULL CHECK(status IN ('running', 'finished', 'stopped', 'failed')),"
    " reason TEXT,"
    " identity TEXT NOT NULL,"                                  /* equal for equal searches */
    " options TEXT NOT NULL,"                                   /* JSON */
    " trials_limit INTEGER NOT NULL, time_limit REAL NOT NULL," /* 0 = none */
    " task TEXT, metric TEXT, higher_is_better INTEGER, target TEXT, validation TEXT,"
    " data TEXT, data_hash TEXT, data_rows INTEGER, data_columns INTEGER,"
    " git_commit TEXT, git_branch TEXT, git_dirty INTEGER," /* dirty: -1 unknown */
    " version TEXT NOT NULL, host TEXT, cores INTEGER, memory INTEGER,"
    " created REAL NOT NULL, updated REAL NOT NULL," /* seconds since 1970 */
    " seconds REAL NOT NULL DEFAULT 0,"              /* of all sessions */
    " trials INTEGER NOT NULL DEFAULT 0, failed INTEGER NOT NULL DEFAULT 0,"
    " pruned INTEGER NOT NULL DEFAULT 0,"
    " best_trial INTEGER, best_loss REAL, best REAL, best_error REAL,"
    " best_learner TEXT, best_pipeline TEXT,"
    " score REAL, score_low REAL, score_high REAL, baseline REAL,"
    " model TEXT,"  /* path */
    " board TEXT);" /* manifest of the model, JSON */
    "CREATE INDEX runs_by_identity ON runs(identity, data_hash);"
    "CREATE INDEX runs_by_experiment ON runs(experiment);"

    /* processes that worked at a run; the last one is the one that may be running */
    "CREATE TABLE sessions("
    " run INTEGER NOT NULL REFERENCES runs(id) ON DELETE CASCADE,"
    " number INTEGER NOT NULL,"
    " started REAL NOT NULL, seconds REAL NOT NULL DEFAULT 0,"
    " host TEXT, boot TEXT, space TEXT, pid INTEGER, pid_start INTEGER,"
    " trials_before INTEGER NOT NULL,"
    " PRIMARY KEY(run, number)) WITHOUT ROWID;"

    "CREATE TABLE tags("
    " run INTEGER NOT NULL REFERENCES runs(id) ON DELETE CASCADE,"
    " key TEXT NOT NULL, value TEXT NOT NULL,"
    " PRIMARY KEY(run, key)) WITHOUT ROWID;"

    "CREATE TABLE trials("
    " id INTEGER PRIMARY KEY," /* in the order of their ends */
    " run INTEGER NOT NULL REFERENCES runs(id) ON DELETE CASCADE,"
    " number INTEGER NOT NULL,"
    " state TEXT NOT NULL CHECK(state IN ('done', 'pruned', 'failed')),"
    " partial INTEGER NOT NULL," /* stopped by the clock or on request: repeated by a resume */
    " learner TEXT, pipeline TEXT, reason TEXT,"
    " loss REAL, score REAL, error REAL,"
    " folds INTEGER, folds_done INTEGER, bytes INTEGER,"
    " fit_seconds REAL, predict_us REAL,"
    " ended REAL NOT NULL,"
    " record BLOB,"
    " UNIQUE(run, number));"
    "CREATE INDEX partial_trials ON trials(run) WHERE partial;"

    "CREATE TABLE params("
    " trial INTEGER NOT NULL REFERENCES trials(id) ON DELETE CASCADE,"
    " name TEXT NOT NULL, value," /* a number or a text */
    " PRIMARY KEY(trial, name)) WITHOUT ROWID;"

    "CREATE TABLE metrics("
    " trial INTEGER NOT NULL REFERENCES trials(id) ON DELETE CASCADE,"
    " name TEXT NOT NULL, fold INTEGER NOT NULL, step INTEGER NOT NULL," /* -1 = of all */
    " value REAL,"
    " PRIMARY KEY(trial, name, fold, step)) WITHOUT ROWID;"

    "CREATE TABLE artifacts("
    " run INTEGER NOT NULL REFERENCES runs(id) ON DELETE CASCADE,"
    " name TEXT NOT NULL,"
    " trial INTEGER,"            /* number of the one that it belongs to */
    " lasting INTEGER NOT NULL," /* else it goes when the run is finished */
    " content BLOB,"
    " PRIMARY KEY(run, name));",
};
enum { VERSION = sizeof steps / sizeof *steps };

static aml_status pragma(int64_t *out, aml_store *s, const char *sql) {
    sqlite3_stmt *statement;
    bool more;
    *out = 0;
    AML_TRY(aml_sql(&statement, s, sql, ""));
    AML_TRY(aml_sql_row(&more, s, statement));
    if (more) *out = sqlite3_column_int64(statement, 0);
    sqlite3_reset(statement);
    return AML_OK;
}

static aml_status execute(aml_store *s, const char *sql) {
    int code = sqlite3_exec(s->db, sql, NULL, NULL, NULL);
    return code ? aml_sql_fail(s, code, "prepare the run store") : AML_OK;
}

static aml_status foreign(const aml_store *s) {
    return aml_help(aml_fail_at(AML_EDATA, s->path, 0, 0, "this database is no run store"),
                    "it belongs to another program",
                    "check the path of --store; another file makes a new store");
}

static aml_status too_new(const aml_store *s, int64_t version) {
    return aml_help(
        aml_fail_at(AML_EDATA, s->path, 0, 0,
                    "the run store has version %lld, this program knows versions up to %d",
                    (long long)version, VERSION),
        "a newer automl made or changed it", "use that one, or another --store");
}

/* Version and owner of the file; 0 for one that is empty. */
static aml_status look(int64_t *version, aml_store *s) {
    int64_t application, tables;
    AML_TRY(pragma(version, s, "PRAGMA user_version"));
    AML_TRY(pragma(&application, s, "PRAGMA application_id"));
    if (application == APPLICATION) return *version > VERSION ? too_new(s, *version) : AML_OK;
    AML_TRY(pragma(&tables, s, "SELECT count(*) FROM sqlite_master"));
    return application || tables || *version ? foreign(s) : AML_OK;
}

/* Another process may have done it meanwhile: everything is looked at again inside the transaction. */
static aml_status upgrade(aml_store *s) {
    char number[96];
    int64_t version;
    AML_TRY(look(&version, s));
    for (; version < VERSION; version++) AML_TRY(execute(s, steps[version]));
    sqlite3_snprintf(sizeof number, number, "PRAGMA user_version = %d; PRAGMA application_id = %d",
                     VERSION, APPLICATION);
    return execute(s, number);
}

/* Readers and writers do not wait for each other with a log. Two processes that want it at once may both be sent away. */
static aml_status use_log(aml_store *s) {
    enum { TRIES = 100 };
    aml_status status = AML_EAGAIN;
    for (int i = 0; i < TRIES && status == AML_EAGAIN; i++) {
        if (i) sqlite3_sleep(i);
        status = aml_sql_run(s, "PRAGMA journal_mode = WAL", "");
    }
    return status;
}

static aml_status too_old(const aml_store *s) {
    return aml_help(aml_fail_at(AML_EDATA, s->path, 0, 0,
                                "the run store is of an older version and cannot be changed"),
                    NULL, "make it and its folder writable once");
}

aml_status aml_schema_prepare(aml_store *s) {
    int64_t version;
    AML_TRY(look(&version, s));
    if (s->read_only) return version == VERSION ? AML_OK : version ? too_old(s) : foreign(s);
    if (!version) AML_TRY(aml_sql_run(s, "PRAGMA auto_vacuum = INCREMENTAL", ""));
    AML_TRY(use_log(s));
    if (version == VERSION) return AML_OK;
    AML_TRY(aml_sql_begin(s));
    return aml_sql_end(s, upgrade(s));
}
