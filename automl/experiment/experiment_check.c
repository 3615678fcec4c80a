/* experiment_check.c: what no table of keys can say: keys that need or exclude each other, and names of columns. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "automl/core/call.h"
#include "automl/core/frame.h"
#include "automl/experiment/experiment.h"

/* The value at "data.target", or NULL. */
static const aml_json *at(const aml_experiment *e, const char *section, const char *key) {
    const aml_json *x = aml_json_find(aml_json_find(e->root, section), key);
    return x && x->type != AML_JSON_NULL ? x : NULL;
}

__attribute__((format(printf, 3, 4))) static aml_status refuse(const aml_json *x, const char *help,
                                                               const char *format, ...) {
    char text[400];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    aml_fail_at(AML_ECONFIG, x->file, x->line, x->column, "%s", text);
    return aml_help(AML_ECONFIG, NULL, "%s", help);
}

/* ---- files */

typedef struct file_key {
    const char *section, *key, *path;
} file_key;

static aml_status check_leaderboards(const aml_experiment *e, const file_key *keys, size_t n) {
    const aml_json *list = at(e, "outputs", "leaderboard");
    for (size_t i = 0; list && e->files.leaderboard[i]; i++) {
        const char *path = e->files.leaderboard[i], *dot = strrchr(path, '.');
        const aml_json *x = list->type == AML_JSON_ARRAY ? aml_json_at(list, i) : list;
        if (!dot || (strcmp(dot, ".csv") != 0 && strcmp(dot, ".json") != 0))
            return refuse(x, "name it .csv or .json: the ending says which form is written",
                          "the leaderboard's file ends in neither .csv nor .json");
        if (!strcmp(path, e->path))
            return refuse(x, "give another name", "`outputs.leaderboard` is the experiment itself");
        for (size_t k = 0; k < n; k++)
            if (keys[k].path && !strcmp(path, keys[k].path))
                return refuse(x, "give another name",
                              "`outputs.leaderboard` is the file of `%s.%s`", keys[k].section,
                              keys[k].key);
    }
    return AML_OK;
}

/* No output is another file of the experiment. */
static aml_status check_files(const aml_experiment *e) {
    const aml_experiment_files *f = &e->files;
    const file_key keys[] = {{"data", "train", f->train},
                             {"data", "validation", f->validation},
                             {"data", "test", f->test},
                             {"data", "schema", e->reading.schema},
                             {"outputs", "predictions", f->predictions},
                             {"outputs", "evaluation", f->evaluation},
                             {"outputs", "store", f->store},
                             {"outputs", "model", f->model}};
    enum { N = sizeof keys / sizeof *keys, INPUTS = 4 };
    size_t standard = !strcmp(e->path, "-");
    for (size_t i = 0; i < N; i++) {
        const aml_json *x = at(e, keys[i].section, keys[i].key);
        if (!keys[i].path || !x) continue;
        bool is_standard = !strcmp(keys[i].path, "-");
        if (is_standard && i < INPUTS && standard++)
            return refuse(x, "give the name of a file", "standard input can be read only once");
        if (i < INPUTS) continue;
        if (is_standard)
            return refuse(x, "give the name of a file", "`%s.%s` cannot be standard output",
                          keys[i].section, keys[i].key);
        if (!strcmp(keys[i].path, e->path))
            return refuse(x, "give another name", "`%s.%s` is the experiment itself",
                          keys[i].section, keys[i].key);
        for (size_t k = 0; k < i; k++)
            if (keys[k].path && !strcmp(keys[i].path, keys[k].path))
                return refuse(x, "give another name", "`%s.%s` is the file of `%s.%s`",
                              keys[i].section, keys[i].key, keys[k].section, keys[k].key);
    }
    return check_leaderboards(e, keys, N);
}

/* Not the table's to say: an experiment that extends another may have them from there. */
static aml_status need_data(const aml_experiment *e) {
    static const char train[] = "name the table to learn from: \"train\": \"data.csv\"",
                      target[] = "name the column to predict: \"target\": \"price\"";
    const aml_json *data = aml_json_find(e->root, "data");
    if (!data || data->type == AML_JSON_NULL)
        return refuse(e->root, "give it with its `train` and `target`", "`data` is missing");
    if (!e->files.train) return refuse(data, train, "`data.train` is missing");
    return e->options.target ? AML_OK : refuse(data, target, "`data.target` is missing");
}

aml_status aml_experiment_agree(const aml_experiment *e) {
    const aml_json *validation = aml_json_find(e->root, "validation");
    static const char *const of_test[] = {"predictions", "evaluation"};
    AML_TRY(need_data(e));
    for (size_t i = 0; i < 2; i++) {
        const aml_json *x = at(e, "outputs", of_test[i]);
        if (x && !e->files.test)
            return refuse(x, "give them with `data.test`, or leave this out",
                          "`outputs.%s` is of test rows, and there are none", of_test[i]);
    }
    if (e->options.validation && e->files.validation)
        return refuse(validation, "leave one of the two out",
                      "`validation` says how to split, but `data.validation` has rows for it");
    return check_files(e);
}

/* ---- columns */

static aml_status need_column(const aml_json *x, bool is_key, const aml_frame *data) {
    size_t column;
    const char *name = is_key ? x->name : x->string;
    aml_status status = aml_frame_need(&column, data, name, NULL);
    if (status != AML_EDATA) return status;
    aml_error error = *aml_last_error();
    aml_fail_at(status, x->file, is_key ? x->key_line : x->line, is_key ? x->key_column : x->column,
                "%s", error.message);
    return aml_help(status, error.why[0] ? error.why : NULL, "%s", error.help);
}

/* A text, or lists of texts in any depth. */
static aml_status need_columns(const aml_json *x, const aml_frame *data) {
    if (!x) return AML_OK;
    if (x->type == AML_JSON_STRING) return need_column(x, false, data);
    for (const aml_json *item = x->child; item; item = item->next)
        AML_TRY(need_columns(item, data));
    return AML_OK;
}

aml_status aml_experiment_check(const aml_experiment *e, const aml_frame *data) {
    AML_NEED(e);
    AML_NEED(data);
    static const char *const keys[][2] = {{"data", "target"},
                                          {"data", "drop"},
                                          {"data", "weight"},
                                          {"data", "group"},
                                          {"data", "time"},
                                          {"constraints", "increasing"},
                                          {"constraints", "decreasing"},
                                          {"constraints", "interactions"}};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        AML_TRY(need_columns(at(e, keys[i][0], keys[i][1]), data));
    const aml_json *kinds = at(e, "featurization", "kinds");
    for (const aml_json *x = kinds ? kinds->child : NULL; x; x = x->next)
        AML_TRY(need_column(x, true, data));
    return AML_OK;
}
