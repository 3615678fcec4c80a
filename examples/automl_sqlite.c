/* automl_sqlite.c: predictions in SQL, as a loadable extension of SQLite.
 *
 *     SELECT load_extension('automl_sqlite');                    .load automl_sqlite
 *     SELECT automl_predict('m.automl', age, city) FROM t;       columns in the order of automl_columns
 *     SELECT automl_predict('m.automl', 'city', city, 'age', age) FROM t;       or each behind its name
 *
 *     automl_predict(model, …)        the value; of two classes the probability of the second; of more classes
 *                                     the probability of the one that is predicted
 *     automl_class(model, …)          the class that is predicted, by the model's threshold
 *     automl_proba(model, class, …)   the probability of a class
 *     automl_columns(model)           names of the columns in their order, a line each
 *
 * `model` is the path of a model file. A column may be a number, a text or NULL (missing). What cannot be read is an SQL
 * error that names column and cell. Models stay loaded while the connection is open; a file that has changed is
 * loaded again by the next statement. */
#include <automl_score.h>
#include <sqlite3ext.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
SQLITE_EXTENSION_INIT1

/* ---- models of a connection, which works for one thread at a time */

typedef struct model {
    struct model *next; /* in the cache */
    char *path;
    struct timespec changed;
    off_t size;
    aml_score_model *score;
    aml_scorer *scorer;
    double *out;
    aml_cell *row;
    int *place; /* of arguments behind their names: the column of each */
    unsigned users;
} model;

typedef struct cache {
    model *models;
    unsigned users; /* functions of the connection */
} cache;

static void model_release(void *arg) {
    model *m = arg;
    if (--m->users) return;
    aml_scorer_free(m->scorer);
    aml_score_free(m->score);
    sqlite3_free(m->path);
    sqlite3_free(m->out);
    sqlite3_free(m->row);
    sqlite3_free(m->place);
    sqlite3_free(m);
}

static void cache_release(void *arg) {
    cache *c = arg;
    if (--c->users) return;
    while (c->models) {
        model *m = c->models;
        c->models = m->next;
        model_release(m);
    }
    sqlite3_free(c);
}

static model *model_open(const char *path, const struct stat *st) {
    model *m = sqlite3_malloc(sizeof *m);
    if (!m) return NULL;
    *m = (model){.users = 1, .changed = st->st_mtim, .size = st->st_size};
    m->path = sqlite3_mprintf("%s", path);
    if (!m->path || aml_score_load(&m->score, path) || aml_scorer_new(&m->scorer, m->score)) {
        model_release(m);
        return NULL;
    }
    size_t p = aml_score_inputs(m->score);
    m->out = sqlite3_malloc64((aml_score_outputs(m->score) + 1) * sizeof *m->out);
    m->row = sqlite3_malloc64((p + 1) * sizeof *m->row);
    m->place = sqlite3_malloc64((p + 1) * sizeof *m->place);
    if (m->out && m->row && m->place) return m;
    model_release(m);
    return NULL;
}

static int is_fresh(const model *m, const struct stat *st) {
    return m->size == st->st_size && m->changed.tv_sec == st->st_mtim.tv_sec &&
           m->changed.tv_nsec == st->st_mtim.tv_nsec;
}

/* The model of that path, held once for the caller; NULL with the reason in aml_score_last_error(). */
static model *cache_get(cache *c, const char *path) {
    struct stat st = {0};
    model **link = &c->models, *m;
    stat(path, &st); /* a file that is not there fails when it is loaded */
    while (*link && strcmp((*link)->path, path) != 0) link = &(*link)->next;
    m = *link;
    if (m && !is_fresh(m, &st)) {
        *link = m->next;
        model_release(m);
        m = NULL;
    }
    if (!m) {
        m = model_open(path, &st);
        if (!m) return NULL;
        m->next = c->models;
        c->models = m;
    }
    m->users++;
    return m;
}

/* ---- errors */

static void fail(sqlite3_context *ctx, const char *message, const char *help) {
    char *text = sqlite3_mprintf("automl: %s%s%s", message, *help ? "; " : "", help);
    if (text) sqlite3_result_error(ctx, text, -1);
    else sqlite3_result_error_nomem(ctx);
    sqlite3_free(text);
}

static void fail_last(sqlite3_context *ctx) {
    const aml_error *e = aml_score_last_error();
    char *text = sqlite3_mprintf("%s%s%s", e->file, e->file[0] ? ": " : "", e->message);
    fail(ctx, text ? text : e->message, e->help);
    sqlite3_free(text);
}

/* ---- arguments */

/* The model of the first argument, kept by the statement where that is a constant. */
static model *model_of(sqlite3_context *ctx, sqlite3_value **argv) {
    model *m = sqlite3_get_auxdata(ctx, 0);
    if (m) return m;
    const char *path = (const char *)sqlite3_value_text(argv[0]);
    if (!path) {
        fail(ctx, "the first argument is the path of a model", "");
        return NULL;
    }
    m = cache_get(sqlite3_user_data(ctx), path);
    if (!m) {
        fail_last(ctx);
        return NULL;
    }
    sqlite3_set_auxdata(ctx, 0, m, model_release);
    m = sqlite3_get_auxdata(ctx, 0); /* NULL where it could not be kept: it is released then */
    if (!m) sqlite3_result_error_nomem(ctx);
    return m;
}

static int put_cell(aml_cell *out, sqlite3_value *v, const char *kind) {
    *out = (aml_cell){.text = ""};
    switch (sqlite3_value_type(v)) {
    case SQLITE_NULL: return 1;
    case SQLITE_BLOB: return 0;
    case SQLITE_FLOAT:
        out->text = NULL;
        out->number = sqlite3_value_double(v);
        return 1;
    case SQLITE_INTEGER: /* as a level or a text it keeps all its digits */
        if (!strcmp(kind, "number") || !strcmp(kind, "datetime")) {
            out->text = NULL;
            out->number = (double)sqlite3_value_int64(v);
            return 1;
        }
    }
    out->text = (const char *)sqlite3_value_text(v);
    out->size = (size_t)sqlite3_value_bytes(v);
    return out->text != NULL;
}

static int put_column(sqlite3_context *ctx, model *m, size_t j, sqlite3_value *v) {
    aml_score_input in = {.size = sizeof in};
    aml_score_input_at(m->score, j, &in);
    if (put_cell(&m->row[j], v, in.kind)) return 1;
    char *text =
        sqlite3_mprintf("column `%s` is a BLOB, which is neither number nor text", in.name);
    fail(ctx, text ? text : "a column is a BLOB", "");
    sqlite3_free(text);
    return 0;
}

static void fail_count(sqlite3_context *ctx, const model *m, int n) {
    size_t p = aml_score_inputs(m->score);
    char *text = sqlite3_mprintf("%s has %llu column%s, %d argument%s given", m->path,
                                 (unsigned long long)p, p == 1 ? "" : "s", n, n == 1 ? "" : "s");
    fail(ctx, text ? text : "the number of columns",
         "give each column in the order of automl_columns, or each behind its name");
    sqlite3_free(text);
}

/* Names and columns in turn. */
static int put_named(sqlite3_context *ctx, model *m, int n, sqlite3_value **argv) {
    size_t p = aml_score_inputs(m->score);
    for (size_t j = 0; j < p; j++) m->place[j] = 0;
    for (int i = 0; i < n; i += 2) {
        const char *name = (const char *)sqlite3_value_text(argv[i]);
        ptrdiff_t j = name ? aml_score_find(m->score, name) : -1;
        if (j < 0 || m->place[j]++) {
            char *text =
                sqlite3_mprintf(j < 0 ? "%s has no column `%s`" : "%s: `%s` is given twice",
                                m->path, name ? name : "NULL");
            fail(ctx, text ? text : "a column that is none", "automl_columns tells the names");
            sqlite3_free(text);
            return 0;
        }
        if (!put_column(ctx, m, (size_t)j, argv[i + 1])) return 0;
    }
    return 1;
}

/* The prediction of the row, in m->out. */
static int predict(sqlite3_context *ctx, model *m, int n, sqlite3_value **argv) {
    size_t p = aml_score_inputs(m->score);
    if ((size_t)n == 2 * p && p) {
        if (!put_named(ctx, m, n, argv)) return 0;
    } else if ((size_t)n == p) {
        for (size_t j = 0; j < p; j++)
            if (!put_column(ctx, m, j, argv[j])) return 0;
    } else {
        fail_count(ctx, m, n);
        return 0;
    }
    if (!aml_scorer_row(m->out, m->scorer, m->row)) return 1;
    fail_last(ctx);
    return 0;
}

/* ---- functions */

static double probability(const model *m, size_t class) {
    if (aml_score_classes(m->score) != 2) return m->out[class];
    return class ? m->out[0] : 1 - m->out[0];
}

static void predict_function(sqlite3_context *ctx, int argc, sqlite3_value **argv) {
    model *m = argc ? model_of(ctx, argv) : NULL;
    if (!argc) fail(ctx, "automl_predict takes the path of a model and its columns", "");
    if (!m || !predict(ctx, m, argc - 1, argv + 1)) return;
    size_t classes = aml_score_classes(m->score);
    size_t at = classes > 2 ? aml_score_choose(m->score, m->out) : 0;
    sqlite3_result_double(ctx, m->out[at]);
}

static void class_function(sqlite3_context *ctx, int argc, sqlite3_value **argv) {
    model *m = argc ? model_of(ctx, argv) : NULL;
    if (!argc) fail(ctx, "automl_class takes the path of a model and its columns", "");
    if (!m) return;
    if (!aml_score_classes(m->score)) {
        fail(ctx, "automl_class needs a model of classes", "use automl_predict for values");
        return;
    }
    if (!predict(ctx, m, argc - 1, argv + 1)) return;
    const char *name = aml_score_class(m->score, aml_score_choose(m->score, m->out));
    sqlite3_result_text(ctx, name, -1, SQLITE_TRANSIENT);
}

static void proba_function(sqlite3_context *ctx, int argc, sqlite3_value **argv) {
    model *m = argc > 1 ? model_of(ctx, argv) : NULL;
    if (argc < 2) fail(ctx, "automl_proba takes the path of a model, a class and the columns", "");
    if (!m) return;
    const char *wanted = (const char *)sqlite3_value_text(argv[1]), *name;
    size_t class = 0;
    while ((name = aml_score_class(m->score, class)) && (!wanted || strcmp(name, wanted) != 0))
        class ++;
    if (!name) {
        char *text = sqlite3_mprintf("%s has no class `%s`", m->path, wanted ? wanted : "NULL");
        fail(ctx, text ? text : "no such class", "");
        sqlite3_free(text);
        return;
    }
    if (predict(ctx, m, argc - 2, argv + 2)) sqlite3_result_double(ctx, probability(m, class));
}

static void columns_function(sqlite3_context *ctx, int argc, sqlite3_value **argv) {
    model *m = model_of(ctx, argv);
    sqlite3_str *s = m ? sqlite3_str_new(sqlite3_context_db_handle(ctx)) : NULL;
    aml_score_input in = {.size = sizeof in};
    (void)argc;
    if (!m) return;
    for (size_t j = 0; aml_score_input_at(m->score, j, &in); j++)
        sqlite3_str_appendf(s, "%s%s", j ? "\n" : "", in.name);
    char *text = sqlite3_str_finish(s);
    sqlite3_result_text(ctx, text ? text : "", -1, SQLITE_TRANSIENT);
    sqlite3_free(text);
}

/* ---- the extension */

#if defined(__GNUC__)
__attribute__((visibility("default")))
#endif
int sqlite3_automlsqlite_init(sqlite3 *db, char **error, const sqlite3_api_routines *api);

int sqlite3_automlsqlite_init(sqlite3 *db, char **error, const sqlite3_api_routines *api) {
    static const struct {
        const char *name;
        int arguments;
        void (*function)(sqlite3_context *, int, sqlite3_value **);
    } functions[] = {{"automl_predict", -1, predict_function},
                     {"automl_class", -1, class_function},
                     {"automl_proba", -1, proba_function},
                     {"automl_columns", 1, columns_function}};
    SQLITE_EXTENSION_INIT2(api);
    (void)error;
    cache *c = sqlite3_malloc(sizeof *c);
    if (!c) return SQLITE_NOMEM;
    *c = (cache){.users = 1};
    int status = SQLITE_OK;
    for (size_t i = 0; i < sizeof functions / sizeof *functions && status == SQLITE_OK; i++) {
        c->users++; /* given back by SQLite, also where it fails */
        status =
            sqlite3_create_function_v2(db, functions[i].name, functions[i].arguments, SQLITE_UTF8,
                                       c, functions[i].function, NULL, NULL, cache_release);
    }
    cache_release(c);
    return status;
}
