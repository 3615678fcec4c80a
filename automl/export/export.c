/* export.c: a model to a file of another format. */
#include <string.h>

#include "automl/core/call.h"
#include "automl/core/io.h"
#include "automl/export/program.h"

static const aml_export_format formats[] = {{"json", NULL, aml_export_json}};
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
    return aml_help(AML_EUSAGE, NULL, near ? "did you mean `%s`?" : "formats: json", near);
}

static aml_status write_text(const char *path, const aml_string *text) {
    aml_output *o;
    AML_TRY(aml_output_open(&o, path));
    aml_status status = aml_output_write(o, text->text, text->length);
    if (!status) return aml_output_commit(o);
    aml_output_drop(o);
    return status;
}

static aml_status write_files(const aml_model *m, const aml_export_format *f,
                              const aml_export_names *names, aml_arena *arena) {
    aml_program p;
    aml_string text = {0}, beside = {0};
    aml_status status = aml_program_make(&p, m, arena);
    if (!status) status = f->write(&text, &beside, &p, names, arena);
    if (!status && (text.failed || beside.failed)) status = AML_ENOMEM;
    if (!status) status = write_text(names->path, &text);
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
    aml_export_names names = {.path = path, .prefix = "model"};
    AML_TRY(find_format(&f, format));
    aml_arena *arena = aml_arena_new(NULL);
    aml_status status = arena ? write_files(model, f, &names, arena) : AML_ENOMEM;
    aml_arena_free(arena);
    return status;
}
