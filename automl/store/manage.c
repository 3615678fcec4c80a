/* manage.c: tags, and runs that are no longer wanted. */
#include <string.h>

#include "automl/store/sql.h"

#include "automl/core/call.h"

static aml_status tag(aml_store *s, const char *id, const char *key, const char *value) {
    int64_t row;
    AML_TRY(aml_run_row(&row, s, id));
    if (!value) return aml_sql_run(s, "DELETE FROM tags WHERE run = ? AND key = ?", "it", row, key);
    return aml_sql_run(s, "INSERT OR REPLACE INTO tags(run, key, value) VALUES(?, ?, ?)", "itt",
                       row, key, value);
}

aml_status aml_store_tag(aml_store *store, const char *id, const char *key, const char *value) {
    AML_NEED(store);
    AML_NEED(id);
    AML_NEED(key);
    if (!key || !*key || strchr(key, '='))
        return aml_help(aml_fail(AML_EUSAGE, "a tag needs a key"), NULL, "write it as key=value");
    AML_TRY(aml_sql_begin(store));
    return aml_sql_end(store, tag(store, id, key, value));
}

static aml_status drop(aml_store *s, const char *id) {
    aml_runs *found;
    aml_run_info run = {.size = sizeof run};
    int64_t row;
    AML_TRY(aml_run_row(&row, s, id));
    AML_TRY(aml_store_find(&found, s, id));
    aml_runs_at(found, 0, &run);
    aml_status status = strcmp(run.status, "running") != 0
                            ? AML_OK
                            : aml_help(aml_fail(AML_EAGAIN, "run %s is running", run.id), NULL,
                                       "stop it first, or wait until it has ended");
    aml_runs_free(found);
    AML_TRY(status);
    AML_TRY(aml_sql_run(s, "DELETE FROM runs WHERE id = ?", "i", row));
    return aml_sql_run(s,
                       "DELETE FROM experiments WHERE NOT EXISTS"
                       " (SELECT 1 FROM runs WHERE experiment = experiments.id)",
                       "");
}

aml_status aml_store_delete(aml_store *store, const char *id) {
    AML_NEED(store);
    AML_NEED(id);
    AML_TRY(aml_sql_begin(store));
    return aml_sql_end(store, drop(store, id));
}
