/* export.c: a model to a file of another format. */
#include <string.h>

#include "automl/core/call.h"
#include "automl/core/io.h"
#include "automl/export/program.h"

static const aml_export_format formats[] = {{"c", ".h", aml_export_c},
                                            {"json", NULL, aml_export_json},
                                            {"onnx", NULL, aml_export_onnx}};
enum { N_FORMATS = sizeof formats / sizeof *formats };

const char *aml_export_format_name(size_t i) { return i < N_FORMATS ? formats[i].name : NULL; }

static aml_status find_format(const aml_export_format **out, const char *name) {
    const char *known[N_FORMATS];
    for (size_t i = 0; i < N_FORMATS; i++) {
        *out = &formats[i];
        if (!strcmp(formats[i].name, name)) return AML_OK;
        known[i] = formats[i].name;
    }
    const char *near = aml_nearest(name, known, N_FORMATS);
    aml_fail(AML_EUSAGE, "there is no export format `%.80s`", name);
    if (near) return aml_help(AML_EUSAGE, NULL, "did you mean `%s`?", near);
    return aml_help(AML_EUSAGE, NULL, "`automl export --help` lists them");
}

/* ---- files */

/* "models/iris.c": second file "models/iris.h", names "iris". Standard output has no second file. */
typedef struct places {
    aml_export_names names;
    char *path; /* of the second file */
} places;

static aml_status find_places(places *out, const aml_export_format *f, const char *path,
                              aml_arena *keep) {
    const char *slash = strrchr(path, '/'), *file = slash ? slash + 1 : path,
               *dot = strrchr(file, '.');
    bool standard = !strcmp(path, "-"), same = dot && f->suffix && !strcmp(dot, f->suffix);
    int stem = (int)(dot && dot > file ? dot - file : (long)strlen(file));
    *out = (places){0};
    if (same)
        return aml_help(aml_fail(AML_EUSAGE, "`%.200s` is the name of the header", path), NULL,
                        "give the name of the source, such as model.c");
    char *name = aml_printf(keep, "%.*s", stem, standard ? "model" : file);
    if (standard) name = aml_strdup(keep, "model");
    out->names.prefix = name ? aml_export_identifier(name, keep) : NULL;
    if (!out->names.prefix) return AML_ENOMEM;
    if (!f->suffix || standard) return AML_OK;
    out->names.beside = aml_printf(keep, "%s%s", name, f->suffix);
    out->path = aml_printf(keep, "%.*s%s%s", (int)(file - path), path, name, f->suffix);
    return out->names.beside && out->path ? AML_OK : AML_ENOMEM;
}

static aml_status write_one(aml_output **o, const char *path, const aml_string *text) {
    AML_TRY(aml_output_open(o, path));
    return aml_output_write(*o, text->text, text->length);
}

/* Both are written before either is seen. */
static aml_status write_both(const char *path, const aml_string *text, const char *beside,
                             const aml_string *second) {
    aml_output *o = NULL, *b = NULL;
    aml_status status = write_one(&o, path, text);
    if (!status && beside) status = write_one(&b, beside, second);
    if (!status && b) {
        status = aml_output_commit(b);
        b = NULL;
    }
    if (!status) return aml_output_commit(o);
    if (o) aml_output_drop(o);
    if (b) aml_output_drop(b);
    return status;
}

static aml_status export_to(const aml_model *m, const aml_export_format *f, const char *path,
                            aml_arena *arena) {
    aml_program p;
    places to;
    aml_string text = {0}, beside = {0};
    AML_TRY(find_places(&to, f, path, arena));
    AML_TRY(aml_program_make(&p, m, arena));
    aml_status status = f->write(&text, &beside, &p, &to.names, arena);
    if (!status && (text.failed || beside.failed)) status = AML_ENOMEM;
    if (!status) status = write_both(path, &text, to.path, &beside);
    aml_string_free(&text);
    aml_string_free(&beside);
    return status;
}

aml_status aml_model_export(const aml_model *model, const char *format, const char *path) {
    AML_NEED(model);
    AML_NEED(format);
    AML_NEED(path);
    AML_TRY(aml_model_predicts(model));
    const aml_export_format *f;
    AML_TRY(find_format(&f, format));
    aml_arena *arena = aml_arena_new(NULL);
    aml_status status = arena ? export_to(model, f, path, arena) : AML_ENOMEM;
    aml_arena_free(arena);
    return status;
}
