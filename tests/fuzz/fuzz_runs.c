/* fuzz_runs.c: a run store whose cells were changed, states of fits included: what reads stores refuses it or goes on, and a run that is
 * gone on with fails with a message or ends in a model with finite predictions. An input is a list of changes. */
#include <math.h>
#include <sqlite3.h>

#include "automl/automl.h"
#include "fuzz.h"

extern double aml_checkpoint_interval;

enum { TRIALS = 3, ROWS = 60, CHANGE = 6 };

/* What is changed, by the first byte of a change. Tables without rowid: all their rows are. */
static const struct place {
    const char *table, *column, *key; /* key: picks a row by number */
} places[] = {{"trials", "record", "rowid"},
              {"trials", "record", "rowid"},
              {"artifacts", "content", "rowid"},
              {"artifacts", "content", "rowid"},
              {"artifacts", "name", "rowid"},
              {"artifacts", "trial", "rowid"},
              {"trials", "number", "rowid"},
              {"trials", "state", "rowid"},
              {"trials", "partial", "rowid"},
              {"trials", "learner", "rowid"},
              {"trials", "pipeline", "rowid"},
              {"trials", "loss", "rowid"},
              {"runs", "board", "rowid"},
              {"runs", "options", "rowid"},
              {"runs", "identity", "rowid"},
              {"runs", "validation", "rowid"},
              {"runs", "metric", "rowid"},
              {"runs", "trials_limit", "rowid"},
              {"runs", "status", "rowid"},
              {"runs", "best_trial", "rowid"},
              {"runs", "seconds", "rowid"},
              {"runs", "git_commit", "rowid"},
              {"sessions", "trials_before", ""},
              {"sessions", "host", ""},
              {"tags", "value", ""},
              {"params", "value", ""},
              {"metrics", "value", ""},
              {"metrics", "step", ""}};
enum { N_PLACES = sizeof places / sizeof *places };

static char path[128];
static uint8_t *template_bytes;
static size_t template_size;
static aml_frame *frame;

static void remove_store(void) {
    static const char *const ends[] = {"", "-wal", "-shm", "-journal"};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        char name[160];
        snprintf(name, sizeof name, "%s%s", path, ends[i]);
        unlink(name);
    }
}

static void execute(sqlite3 *db, const char *sql) {
    PROMISE(!sqlite3_exec(db, sql, NULL, NULL, NULL));
}

static sqlite3 *opened(void) {
    sqlite3 *db;
    PROMISE(!sqlite3_open(path, &db));
    execute(db, "PRAGMA synchronous = OFF");
    return db;
}

static aml_frame *table(void) {
    double x[ROWS], y[ROWS];
    const char *c[ROWS];
    static const char *const levels[] = {"red", "blue", "green"};
    for (size_t i = 0; i < ROWS; i++) {
        x[i] = (double)(i * 7 % ROWS) / 3;
        c[i] = levels[i * 11 % 13 % 3];
        y[i] = x[i] + (double)(i * 5 % 17) + (*c[i] == 'r' ? 9 : 0);
    }
    aml_frame_builder *b = aml_frame_builder_new(ROWS, NULL);
    PROMISE(b && !aml_frame_add_numbers(b, "x", x) && !aml_frame_add_texts(b, "c", c) &&
            !aml_frame_add_numbers(b, "y", y));
    return aml_frame_build(b);
}

#define FIXED(learner, param, text)                                          \
    (&(const aml_param_range){sizeof(aml_param_range), learner, param, 0, 0, \
                              (const char *const[]){text, NULL}})

static aml_status train(aml_model **out, aml_store *store, size_t trials) {
    static const char *const learners[] = {"gbdt", "mlp", "ridge", NULL}, *const tags[] = {"a=b",
                                                                                           NULL};
    const aml_param_range *const small[] = {FIXED("mlp", "members", "1"),
                                            FIXED("mlp", "width", "32"),
                                            FIXED("mlp", "epochs", "8"),
                                            FIXED("mlp", "embedding", "none"),
                                            FIXED("gbdt", "n_estimators", "30"),
                                            FIXED("gbdt", "num_leaves", "4"),
                                            NULL};
    const aml_train_options o = {.size = sizeof o,
                                 .target = "y",
                                 .trials = trials,
                                 .threads = 1,
                                 .learners = learners,
                                 .ranges = small,
                                 .validation = "holdout0.3",
                                 .seed = 1,
                                 .tags = tags,
                                 .store = store};
    return aml_train(out, frame, &o);
}

static void run(size_t trials) {
    aml_store *store;
    aml_model *m;
    PROMISE(!aml_store_open(&store, path, AML_STORE_CREATE));
    PROMISE(!train(&m, store, trials));
    aml_model_free(m);
    aml_store_close(store);
}

/* A run of all trials but the last, with the states that the last one kept when it was there. */
static void make_template(void) {
    char kept[160], sql[256];
    aml_store *store;
    frame = table();
    snprintf(path, sizeof path, "%s.db", as_file((const uint8_t *)"", 0));
    snprintf(kept, sizeof kept, "%s.kept", path);
    remove_store();
    unlink(kept);
    PROMISE(frame && !aml_store_open(&store, path, AML_STORE_CREATE));
    aml_store_close(store);
    sqlite3 *db = opened();
    execute(db,
            "CREATE TABLE kept(name TEXT PRIMARY KEY, trial INTEGER, content BLOB);"
            "CREATE TRIGGER keep AFTER INSERT ON artifacts WHEN new.name LIKE 'checkpoint-%' BEGIN"
            " INSERT OR REPLACE INTO kept VALUES(new.name, new.trial, new.content); END;"
            "CREATE TRIGGER again AFTER UPDATE ON artifacts WHEN new.name LIKE 'checkpoint-%' BEGIN"
            " INSERT OR REPLACE INTO kept VALUES(new.name, new.trial, new.content); END");
    sqlite3_close(db);
    aml_checkpoint_interval = 0;
    run(TRIALS);
    aml_checkpoint_interval = 10;
    PROMISE(!rename(path, kept));
    remove_store();
    run(TRIALS - 1);
    db = opened();
    sqlite3_snprintf(sizeof sql, sql, "ATTACH %Q AS old", kept);
    execute(db, sql);
    execute(db, "INSERT OR IGNORE INTO artifacts(run, name, trial, lasting, content)"
                " SELECT (SELECT id FROM runs), name, trial, 0, content FROM old.kept;"
                "DETACH old; PRAGMA journal_mode = DELETE; VACUUM");
    sqlite3_int64 size;
    unsigned char *bytes = sqlite3_serialize(db, "main", &size, 0);
    PROMISE(bytes);
    template_bytes = bytes;
    template_size = (size_t)size;
    sqlite3_close(db);
    unlink(kept);
}

static void write_template(void) {
    remove_store();
    FILE *f = fopen(path, "wb");
    if (!f || fwrite(template_bytes, 1, template_size, f) != template_size || fclose(f)) abort();
}

/* The value with n bytes at `at` cut out, overwritten or put in. Heap; *size is changed. */
static uint8_t *changed(size_t *size, const uint8_t *old, unsigned how, size_t at,
                        const uint8_t *bytes, size_t n) {
    uint8_t *out = malloc(*size + n + 1);
    if (!out) abort();
    at = *size ? at % *size : 0;
    size_t skip = how == 0 ? (n < *size - at ? n : *size - at) : how == 1 ? *size - at : 0;
    if (*size) memcpy(out, old, at);
    memcpy(out + at, bytes, n);
    if (*size) memcpy(out + at + n, old + at + skip, *size - at - skip);
    *size = *size - skip + n;
    return out;
}

/* place, row, how, at (two bytes), n; n bytes. Returns what it took. */
static size_t change(sqlite3 *db, const uint8_t *data, size_t size) {
    const struct place *p = &places[data[0] % N_PLACES];
    size_t n = data[5] < size - CHANGE ? data[5] : size - CHANGE,
           at = data[3] | (size_t)data[4] << 8;
    char sql[256], where[128] = "";
    sqlite3_stmt *get, *put;
    if (*p->key)
        snprintf(where, sizeof where, " WHERE %s = (SELECT %s FROM %s LIMIT 1 OFFSET %d)", p->key,
                 p->key, p->table, data[1] % 8);
    snprintf(sql, sizeof sql, "SELECT %s FROM %s%s", p->column, p->table, where);
    PROMISE(!sqlite3_prepare_v2(db, sql, -1, &get, NULL));
    if (sqlite3_step(get) == SQLITE_ROW) {
        int type = sqlite3_column_type(get, 0);
        size_t length = (size_t)sqlite3_column_bytes(get, 0);
        uint8_t *value =
            changed(&length, sqlite3_column_blob(get, 0), data[2] % 3, at, data + CHANGE, n);
        if (data[2] % 8 == 5) snprintf(sql, sizeof sql, "DELETE FROM %s%s", p->table, where);
        else
            snprintf(sql, sizeof sql, "UPDATE OR IGNORE %s SET %s = ?1%s", p->table, p->column,
                     where);
        PROMISE(!sqlite3_prepare_v2(db, sql, -1, &put, NULL));
        if (data[2] % 8 == 7) sqlite3_bind_null(put, 1);
        else if (data[2] % 8 == 5) (void)value;
        else if (data[2] % 8 == 6) sqlite3_bind_int64(put, 1, (int64_t)at - 40);
        else if (type == SQLITE_BLOB)
            sqlite3_bind_blob(put, 1, value, (int)length, SQLITE_TRANSIENT);
        else sqlite3_bind_text(put, 1, (const char *)value, (int)length, SQLITE_TRANSIENT);
        (void)sqlite3_step(put); /* what the schema does not allow stays as it was */
        sqlite3_finalize(put);
        free(value);
    }
    sqlite3_finalize(get);
    return CHANGE + n;
}

static void told(aml_status status) {
    if (status) PROMISE(aml_last_error()->message[0]);
}

static void look(aml_store *store) {
    aml_runs *runs;
    aml_status status = aml_store_list(&runs, store, NULL);
    told(status);
    if (status) return;
    for (size_t i = 0; i < aml_runs_count(runs); i++) {
        aml_run_info info = {.size = sizeof info};
        aml_model *board;
        aml_comparison *c;
        PROMISE(aml_runs_at(runs, i, &info));
        status = aml_store_leaderboard(&board, store, info.id);
        told(status);
        if (!status) aml_model_free(board);
        status = aml_store_compare(&c, store, info.id, info.id);
        told(status);
        if (!status) aml_comparison_free(c);
    }
    char *text = NULL;
    told(aml_store_json(&text, store, runs, 1));
    aml_text_free(text);
    text = NULL;
    told(aml_store_csv(&text, store, runs));
    aml_text_free(text);
    aml_runs_free(runs);
}

static void go_on(aml_store *store) {
    aml_model *m;
    double out[ROWS];
    aml_status status = train(&m, store, TRIALS);
    told(status);
    if (status) return;
    PROMISE(!aml_model_predict(out, m, frame, 1));
    for (size_t i = 0; i < ROWS; i++) PROMISE(isfinite(out[i]));
    aml_model_free(m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    aml_store *store;
    if (!template_bytes) make_template();
    write_template();
    sqlite3 *db = opened();
    for (size_t at = 0; size - at >= CHANGE;) at += change(db, data + at, size - at);
    sqlite3_close(db);
    aml_status status = aml_store_open(&store, path, 0);
    told(status);
    if (status) return 0;
    look(store);
    go_on(store);
    aml_store_close(store);
    remove_store();
    return 0;
}
