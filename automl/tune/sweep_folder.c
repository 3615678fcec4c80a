/* sweep_folder.c: the files of a sweep. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "automl/core/io.h"
#include "automl/tune/sweep.h"

static aml_status make_folder(const char *path) {
    struct stat st;
    if (!mkdir(path, 0777) || (errno == EEXIST && !stat(path, &st) && S_ISDIR(st.st_mode)))
        return AML_OK;
    if (errno == EEXIST) errno = ENOTDIR;
    return aml_fail_errno(AML_ECANTCREATE, errno, "make the folder", path);
}

static aml_status absolute(char **out, aml_sweep *s, const char *path) {
    char *real = realpath(path, NULL);
    *out = real ? aml_strdup(s->keep, real) : NULL;
    int error = errno;
    free(real);
    if (!real) return aml_fail_errno(AML_ENOINPUT, error, "open", path);
    return *out ? AML_OK : AML_ENOMEM;
}

/* One process works on a sweep at a time. */
static aml_status open_journal(aml_sweep *s) {
    char *path = aml_printf(s->keep, "%s/trials.jsonl", s->folder);
    if (!path) return AML_ENOMEM;
    s->journal = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
    if (s->journal < 0) return aml_fail_errno(AML_ECANTCREATE, errno, "create", path);
    if (!flock(s->journal, LOCK_EX | LOCK_NB)) return AML_OK;
    aml_fail(AML_EAGAIN, "another process works on the sweep in %s", s->folder);
    return aml_help(AML_EAGAIN, NULL, "wait for it, or give this one another folder (--output)");
}

aml_status aml_sweep_open_folder(aml_sweep *s) {
    AML_TRY(make_folder(s->plan.output));
    AML_TRY(absolute(&s->folder, s, s->plan.output));
    char *trials = aml_printf(s->keep, "%s/trials", s->folder);
    if (!trials) return AML_ENOMEM;
    AML_TRY(make_folder(trials));
    return open_journal(s);
}

/* ---- the program: that it is not there is said before the first trial */

static bool in_path(const char *name) {
    char path[PATH_MAX];
    const char *at = getenv("PATH");
    for (; at && *at; at += strcspn(at, ":"), at += *at == ':') {
        snprintf(path, sizeof path, "%.*s/%.255s", (int)strcspn(at, ":"), at, name);
        if (!access(path, X_OK)) return true;
    }
    return !getenv("PATH");
}

static const char *first_word(const aml_sweep *s) {
    const aml_json *c = s->plan.command;
    if (s->plan.shell) return NULL;
    if (s->plan.words) return s->plan.words[0];
    return c->type == AML_JSON_ARRAY ? c->child->string : c->string;
}

static aml_status enter_code(aml_sweep *s) {
    const char *code = s->plan.code;
    char *path = !code          ? aml_strdup(s->keep, s->plan.origin)
                 : *code == '/' ? aml_strdup(s->keep, code)
                                : aml_printf(s->keep, "%s/%s", s->plan.origin, code);
    return path ? absolute(&s->code, s, path) : AML_ENOMEM;
}

aml_status aml_sweep_check_program(const aml_sweep *s) {
    AML_TRY(enter_code((aml_sweep *)(uintptr_t)s));
    const char *word = first_word(s);
    size_t n = word ? strcspn(word, " \t\n{'\"\\$") : 0;
    char name[PATH_MAX], path[PATH_MAX];
    /* Quoted, made of parameters, or looked for elsewhere: the first trial will tell. */
    if (!n || n >= sizeof name || (word[n] && !strchr(" \t\n", word[n])) || s->plan.bare ||
        (s->plan.alone && *word != '/' && memchr(word, '/', n)))
        return AML_OK;
    for (const aml_sweep_setting *v = s->plan.variables; v && v->name; v++)
        if (!strcmp(v->name, "PATH")) return AML_OK;
    snprintf(name, sizeof name, "%.*s", (int)n, word);
    bool slash = strchr(name, '/') != NULL;
    int size = snprintf(path, sizeof path, "%s%s%s", *name == '/' ? "" : s->code,
                        *name == '/' ? "" : "/", name);
    if (slash ? (size_t)size >= sizeof path || !access(path, X_OK) : in_path(name)) return AML_OK;
    int code = slash ? errno : ENOENT;
    if (slash) aml_fail_errno(AML_ENOINPUT, code, "run", name);
    else aml_fail(AML_ENOINPUT, "cannot run `%.200s`: there is no such program", name);
    if (code == EACCES)
        return aml_help(AML_ENOINPUT, NULL, "make it executable: chmod +x %.300s", path);
    return aml_help(AML_ENOINPUT, NULL, "the command runs in %.300s", s->code);
}

/* ---- of a trial */

aml_status aml_sweep_trial_folder(char **out, const aml_sweep *s, size_t trial) {
    aml_string path = {0};
    aml_string_printf(&path, "%s/trials/%04zu", s->folder, trial);
    *out = path.text;
    if (path.failed) {
        aml_string_free(&path);
        return AML_ENOMEM;
    }
    aml_status status = make_folder(*out);
    if (status) {
        aml_string_free(&path);
        *out = NULL;
    }
    return status;
}

/* ---- best.json */

static void put_trial(aml_string *out, const aml_sweep *s, size_t trial) {
    char *params = aml_tuner_params_json(s->tuner, trial);
    aml_string_put(out, "{");
    aml_json_add_number(out, "trial", (double)trial);
    aml_json_key(out, "values");
    aml_string_put(out, "{");
    for (size_t i = 0; i < s->n_metrics; i++)
        aml_json_add_number(out, s->metrics[i]->name, aml_sweep_value(s, trial, i));
    aml_string_put(out, "}");
    aml_json_key(out, "params");
    aml_string_put(out, params ? params : "null");
    aml_json_key(out, "folder");
    aml_string_printf(out, "\"trials/%04zu\"}", trial);
    if (!params) out->failed = true;
    aml_text_free(params);
}

aml_status aml_sweep_write_best(aml_sweep *s) {
    aml_string text = {0}, path = {0};
    size_t trial, best = 0;
    if (!aml_sweep_best(&best, s)) return AML_OK;
    aml_string_put(&text, "{");
    aml_json_add_string(&text, "sweep", s->plan.name);
    aml_json_key(&text, "best");
    put_trial(&text, s, best);
    if (s->n_goals > 1) {
        aml_json_key(&text, "front");
        aml_string_put(&text, "[");
        for (size_t i = 0; aml_tuner_best(s->tuner, i, &trial); i++) {
            aml_json_comma(&text);
            put_trial(&text, s, trial);
        }
        aml_string_put(&text, "]");
    }
    aml_string_put(&text, "}");
    char *json = aml_json_finish(&text);
    aml_string_printf(&path, "%s/best.json", s->folder);
    aml_status status =
        json && !path.failed ? aml_write_file(path.text, json, strlen(json)) : AML_ENOMEM;
    aml_free(json);
    aml_string_free(&path);
    return status;
}
