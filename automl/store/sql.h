/* sql.h: the one door to SQLite: statements with their values in one line, errors as ours. */
#ifndef AML_STORE_SQL_H
#define AML_STORE_SQL_H

#include <pthread.h>
#include <sqlite3.h>

#include "automl/store/store.h"

enum { AML_SQL_CACHE = 64 };

struct aml_store {
    sqlite3 *db;
    char *path;
    pthread_mutex_t lock; /* recursive */
    bool read_only;
    int patience_ms; /* with others that have it locked */
    size_t n_cached;
    struct {
        const char *sql; /* a literal: compared by its address */
        sqlite3_stmt *statement;
    } cached[AML_SQL_CACHE];
};

/* What SQLite's result code means to the user; `what` says what could not be done. */
aml_status aml_sql_fail(const aml_store *s, int code, const char *what);

/* A statement, prepared once, with its values. One letter of `types` for each "?": t const char * (NULL is NULL), i int64_t,
 * d double (NAN is NULL), b const void * and size_t. Texts and bytes are borrowed until the statement is reset. */
aml_status aml_sql(sqlite3_stmt **out, aml_store *s, const char *sql, const char *types, ...);

/* The same, run to its end; what it selects is dropped. */
aml_status aml_sql_run(aml_store *s, const char *sql, const char *types, ...);

/* The next row: *more = false after the last, when the statement is also reset. */
aml_status aml_sql_row(bool *more, aml_store *s, sqlite3_stmt *statement);

/* Columns of a row. A text that is NULL gives "", a number NAN. */
const char *aml_sql_text(sqlite3_stmt *statement, int column);
double aml_sql_number(sqlite3_stmt *statement, int column);

/* With the lock of the store held between them: all that is done or nothing. end rolls back unless status is AML_OK, and passes
 * it on. */
aml_status aml_sql_begin(aml_store *s);
aml_status aml_sql_end(aml_store *s, aml_status status);

/* Creates the tables, or brings those of an older version up to date. */
aml_status aml_schema_prepare(aml_store *s);

/* ---- the surroundings of a process (surroundings.c) */

typedef struct aml_process {
    char host[128];
    char boot[64];  /* of this start of the machine */
    char space[64]; /* in which process numbers are unique */
    int64_t pid, start;
    int cores;
    size_t memory;
} aml_process;
void aml_process_self(aml_process *out);
/* Is a process that was recorded certainly gone? `silent`: seconds since it was last heard of. */
bool aml_process_is_gone(const aml_process *of, const aml_process *self, double silent);

/* The commit that the working directory is at, read from .git, and whether there are changes: -1 when that cannot be told. */
typedef struct aml_git {
    char commit[72], branch[256];
    int dirty;
} aml_git;
void aml_git_read(aml_git *out);

/* "3fk2a9xq5d": time in eighths of a second, then chance; sorts by time. */
enum { AML_RUN_ID = 16 };
void aml_run_id_make(char out[AML_RUN_ID], double now);

double aml_wall_clock(void); /* seconds since 1970 */

/* "2026-11-21T19:20:11Z" */
enum { AML_TIME_TEXT = 32 };
char *aml_time_text(char out[AML_TIME_TEXT], double seconds);

/* The run's row by its name, a beginning or "last" (runs.c). AML_EUSAGE. */
aml_status aml_run_row(int64_t *row, aml_store *s, const char *id);

#endif
