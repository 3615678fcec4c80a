/* experiment_files.c: where the files of an experiment are. */
#include "automl/experiment/experiment_files.h"

#include <stdlib.h>
#include <string.h>

bool aml_experiment_path_key(const char **section, const char **key, size_t i) {
    static const char *const keys[][2] = {{"data", "train"},          {"data", "validation"},
                                          {"data", "test"},           {"data", "schema"},
                                          {"outputs", "model"},       {"outputs", "leaderboard"},
                                          {"outputs", "predictions"}, {"outputs", "evaluation"},
                                          {"outputs", "store"},       {"search", "learn_from"}};
    if (i >= sizeof keys / sizeof *keys) return false;
    *section = keys[i][0];
    *key = keys[i][1];
    return true;
}

size_t aml_folder_length(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? (size_t)(slash - path) + 1 : 0;
}

static aml_status place(const char **path, const aml_experiment *e) {
    if (!*path || !**path || **path == '/' || !strcmp(*path, "-") || !e->folder[0]) return AML_OK;
    *path = aml_printf(e->arena, "%s%s", e->folder, *path);
    return *path ? AML_OK : AML_ENOMEM;
}

static aml_status place_all(const char *const **paths, const aml_experiment *e) {
    size_t n = 0;
    if (!*paths) return AML_OK;
    while ((*paths)[n]) n++;
    const char **placed = aml_copy(e->arena, *paths, (n + 1) * sizeof *placed);
    if (!placed) return AML_ENOMEM;
    for (size_t i = 0; i < n; i++) AML_TRY(place(&placed[i], e));
    *paths = placed;
    return AML_OK;
}

/* "runs/iris.json": "iris". */
static const char *base_name(const char *path, aml_arena *keep) {
    const char *name = path + aml_folder_length(path), *dot = strrchr(name, '.');
    if (!strcmp(path, "-")) return "experiment";
    return aml_strndup(keep, name, dot && dot > name ? (size_t)(dot - name) : strlen(name));
}

aml_status aml_experiment_place(aml_experiment *e) {
    aml_experiment_files *f = &e->files;
    const char *base = base_name(e->path, e->arena);
    e->folder = aml_strndup(e->arena, e->path, aml_folder_length(e->path));
    if (!f->model && base) f->model = aml_printf(e->arena, "%s.automl", base);
    if (!e->name) e->name = base;
    if (!e->folder || !f->model || !e->name) return AML_ENOMEM;
    const char **paths[] = {&f->train,          &f->validation, &f->test,
                            &e->reading.schema, &f->model,      &f->predictions,
                            &f->evaluation,     &f->store,      &e->options.learn_from};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) AML_TRY(place(paths[i], e));
    return place_all(&f->leaderboard, e);
}

/* ---- from one place to another */

/* "/a/b" and "/a/c/d.csv": "../c/d.csv". Both are real paths. */
static char *relative(const char *folder, const char *to, aml_arena *keep) {
    size_t same = 0, i = 0;
    for (; folder[i] && folder[i] == to[i]; i++)
        if (to[i] == '/') same = i + 1;
    if (!folder[i] && to[i] == '/') same = i + 1;
    char *path = aml_strdup(keep, to + same);
    if (same > strlen(folder)) return path;
    for (const char *s = folder + same - 1; path && s && *s; s = strchr(s + 1, '/'))
        if (s[1]) path = aml_printf(keep, "../%s", path);
    return path;
}

char *aml_path_between(const char *from, const char *to, aml_arena *keep) {
    size_t n = aml_folder_length(from);
    if (!n || *to == '/' || !strcmp(to, "-")) return aml_strdup(keep, to);
    char *folder = aml_strndup(keep, from, n);
    if (!folder) return NULL;
    char *a = realpath(folder, NULL), *b = realpath(to, NULL);
    char *path = a && b ? relative(a, b, keep) : aml_strdup(keep, b ? b : to);
    free(a);
    free(b);
    return path;
}
