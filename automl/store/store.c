/* store.c: opening and closing the file. */
#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "automl/core/call.h"
#include "automl/core/io.h"
#include "automl/store/sql.h"

enum { PATIENCE_MS = 60000, LONGEST_PAUSE_MS = 20 };

static int64_t now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Who waits for another process tries again soon, at times that differ from those of others who wait. */
static int wait_for_others(void *arg, int count) {
    static _Thread_local int64_t began;
    static _Thread_local uint32_t chance;
    const aml_store *s = arg;
    int64_t now = now_ms();
    if (!count) began = now;
    if (now - began > s->patience_ms) return 0;
    if (!chance) chance = (uint32_t)getpid() * 2654435761u + (uint32_t)now;
    chance = chance * 1664525u + 1013904223u;
    uint32_t most = count < LONGEST_PAUSE_MS ? (uint32_t)count + 1 : LONGEST_PAUSE_MS;
    usleep(200 + (chance >> 8) % (most * 1000));
    return 1;
}

static aml_status no_store(const char *path) {
    char shown[1040];
    return aml_help(aml_fail(AML_ENOINPUT, "there is no run store at %s",
                             aml_printable(shown, sizeof shown, path, strlen(path), 255)),
                    NULL, "check the path; `automl train … --store FILE` makes one");
}

static aml_status connect(aml_store *s, unsigned flags) {
    int mode = SQLITE_OPEN_READWRITE | SQLITE_OPEN_FULLMUTEX |
               (flags & AML_STORE_CREATE ? SQLITE_OPEN_CREATE : 0);
    int code = sqlite3_open_v2(s->path, &s->db, mode, NULL);
    if (code) return aml_sql_fail(s, code, "open the run store");
    sqlite3_extended_result_codes(s->db, 1);
    sqlite3_busy_handler(s->db, wait_for_others, s);
    sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(s->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    s->read_only = sqlite3_db_readonly(s->db, "main") == 1;
    if (s->read_only && (flags & AML_STORE_CREATE))
        return aml_sql_fail(s, SQLITE_READONLY, "write to the run store");
    AML_TRY(aml_sql_run(s, "PRAGMA foreign_keys = ON", ""));
    AML_TRY(aml_sql_run(s, "PRAGMA synchronous = FULL", ""));
    return aml_schema_prepare(s);
}

static void disconnect(aml_store *s) {
    for (size_t i = 0; i < s->n_cached; i++) sqlite3_finalize(s->cached[i].statement);
    s->n_cached = 0;
    sqlite3_close(s->db);
    s->db = NULL;
}

/* In a folder where nothing can be written the log that readers share cannot be made: then the file alone is read. */
static aml_status connect_immutable(aml_store *s) {
    char *uri = sqlite3_mprintf("file:%q?immutable=1", s->path);
    bool plain = uri && !strpbrk(s->path, "?#%");
    int code = !uri    ? SQLITE_NOMEM
               : plain ? sqlite3_open_v2(uri, &s->db, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, NULL)
                       : SQLITE_CANTOPEN;
    sqlite3_free(uri);
    if (code) return aml_sql_fail(s, code, "open the run store");
    s->read_only = true;
    return aml_schema_prepare(s);
}

static aml_status open_file(aml_store *s, const char *path, unsigned flags) {
    s->path = aml_malloc(strlen(path) + 1);
    if (!s->path) return AML_ENOMEM;
    memcpy(s->path, path, strlen(path) + 1);
    aml_status status = connect(s, flags);
    if (!status || (flags & AML_STORE_CREATE) || !s->read_only) return status;
    disconnect(s);
    return connect_immutable(s);
}

aml_status aml_store_open(aml_store **out, const char *path, unsigned flags) {
    AML_NEED(out);
    *out = NULL;
    AML_NEED(path);
    if (!path || !*path || *path == ':' || !strcmp(path, "-"))
        return aml_help(aml_fail(AML_EUSAGE, "a run store needs a file name"), NULL,
                        "for example --store automl.db");
    if (!(flags & AML_STORE_CREATE) && access(path, F_OK)) return no_store(path);
    aml_store *s = aml_calloc(1, sizeof *s);
    if (!s) return AML_ENOMEM;
    s->patience_ms = PATIENCE_MS;
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE);
    pthread_mutex_init(&s->lock, &attributes);
    pthread_mutexattr_destroy(&attributes);
    aml_status status = open_file(s, path, flags);
    if (status) aml_store_close(s);
    else *out = s;
    return status;
}

void aml_store_close(aml_store *s) {
    if (!s) return;
    disconnect(s);
    pthread_mutex_destroy(&s->lock);
    aml_free(s->path);
    aml_free(s);
}
