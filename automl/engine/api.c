/* api.c: the small functions of automl.h: version, frames, catalog. */
#include <string.h>

#include "automl/core/call.h"
#include "automl/core/csv.h"
#include "automl/core/io.h"
#include "automl/core/json.h"
#include "automl/core/par.h"
#include "automl/engine/catalog.h"
#include "automl/engine/reading.h"

const char *aml_version(void) { return AUTOML_VERSION; }

void aml_text_free(char *text) { aml_free(text); }

/* ---- frames */

static aml_status read_frame(aml_frame **out, const char *path, const aml_read_options *options,
                             aml_arena *scratch) {
    aml_memory account = {.limit = options ? aml_memory_share(options->memory_limit) : 0};
    aml_csv_report report = {0};
    aml_csv_options csv;
    AML_TRY(aml_reading_options(&csv, options, scratch));
    if (account.limit) csv.account = &account;
    AML_TRY(aml_csv_read(out, &report, path, &csv));
    aml_frame *f = *out;
    f->notes = report.notes;
    f->n_notes = report.n_notes;
    f->reading = aml_reading_json(&report, &csv, f->arena);
    aml_arena_leave(f->arena);
    if (f->reading) return AML_OK;
    aml_frame_free(f);
    *out = NULL;
    return AML_ENOMEM;
}

aml_status aml_frame_read(aml_frame **out, const char *path, const aml_read_options *options) {
    AML_NEED(out);
    *out = NULL;
    AML_NEED(path);
    aml_arena *scratch = aml_arena_new(NULL);
    aml_par_init();
    aml_status status = scratch ? read_frame(out, path, options, scratch) : AML_ENOMEM;
    aml_arena_free(scratch);
    return status;
}

size_t aml_frame_rows_count(const aml_frame *frame) {
    AML_NEED_OR(frame, 0);
    return frame->n;
}
size_t aml_frame_columns_count(const aml_frame *frame) {
    AML_NEED_OR(frame, 0);
    return frame->p;
}
const char *aml_frame_column_name(const aml_frame *frame, size_t c) {
    AML_NEED_OR(frame, NULL);
    return c < frame->p ? frame->columns[c].name : NULL;
}
const char *aml_frame_text(char *out, size_t size, const aml_frame *frame, const char *column,
                           size_t row) {
    char buffer[64];
    size_t length = 0;
    if (!out || !size) return "";
    out[0] = 0;
    AML_NEED_OR(frame, out);
    AML_NEED_OR(column, out);
    int c = aml_frame_find(frame, column);
    const char *cell =
        c >= 0 && row < frame->n ? aml_frame_cell(&length, &frame->columns[c], row, buffer) : "";
    if (length > size - 1) length = aml_utf8_valid(cell, size - 1);
    memcpy(out, cell, length);
    out[length] = 0;
    return out;
}
const char *aml_frame_note(const aml_frame *frame, size_t i) {
    AML_NEED_OR(frame, NULL);
    return i < frame->n_notes ? frame->notes[i] : NULL;
}

aml_status aml_frame_add_texts(aml_frame_builder *b, const char *name, const char *const *values) {
    AML_NEED(b);
    AML_NEED(name);
    if (aml_frame_builder_rows(b)) AML_NEED(values);
    return aml_frame_add_strings(b, name, values, 0);
}

/* ---- catalog */

static const char *tasks_text(unsigned tasks) {
    static const char *const names[] = {"",
                                        "binary",
                                        "multiclass",
                                        "binary, multiclass",
                                        "regression",
                                        "binary, regression",
                                        "multiclass, regression",
                                        "binary, multiclass, regression"};
    return names[tasks & 7];
}

/* All plug-ins in one row: number i of kind. */
typedef struct part {
    const char *kind, *name, *summary, *tasks;
    const aml_param *params;
} part;

static bool part_at(part *out, size_t i) {
    for (const aml_learner *const *l = aml_learners(); *l; l++)
        if (!i--)
            return *out = (part){"learner", (*l)->name, (*l)->summary, tasks_text((*l)->tasks),
                                 (*l)->params},
                   true;
    for (const aml_step *const *s = aml_steps(); *s; s++)
        if (!i--) return *out = (part){"step", (*s)->name, (*s)->summary, "", (*s)->params}, true;
    for (const aml_sampler *const *s = aml_samplers(); *s; s++)
        if (!i--)
            return *out = (part){"sampler", (*s)->name, (*s)->summary, "", (*s)->params}, true;
    for (const aml_scheduler *const *s = aml_schedulers(); *s; s++)
        if (!i--)
            return *out = (part){"scheduler", (*s)->name, (*s)->summary, "", (*s)->params}, true;
    for (const aml_metric *const *m = aml_metrics(); *m; m++)
        if (!i--)
            return *out =
                       (part){"metric", (*m)->name, (*m)->summary, tasks_text((*m)->tasks), NULL},
                   true;
    return false;
}

int aml_catalog(size_t i, aml_catalog_entry *out) {
    AML_NEED_OR(out, 0);
    part p;
    if (!part_at(&p, i)) return 0;
    const aml_catalog_entry x = {.kind = p.kind,
                                 .name = p.name,
                                 .summary = p.summary,
                                 .tasks = p.tasks,
                                 .params = aml_params_count(p.params)};
    return aml_call_give(out, &x, sizeof x);
}

static void put_param(aml_string *s, const aml_param *p) {
    static const char *const kinds[] = {
        [AML_REAL] = "real", [AML_INT] = "int", [AML_CHOICE] = "choice"};
    aml_json_comma(s);
    aml_string_put(s, "{");
    aml_json_add_string(s, "name", p->name);
    aml_json_add_string(s, "summary", p->summary);
    aml_json_add_string(s, "kind", kinds[p->kind]);
    if (p->kind == AML_CHOICE) {
        aml_json_key(s, "choices");
        aml_string_put(s, "[");
        for (size_t i = 0; i < aml_param_choices(p); i++) {
            aml_json_comma(s);
            aml_json_put_string(s, p->choices[i]);
        }
        aml_string_put(s, "]");
        aml_json_add_string(s, "default", p->choices[(size_t)p->fallback]);
    } else {
        const double values[] = {p->lo, p->hi, p->fallback};
        const char *const names[] = {"low", "high", "default"};
        for (int i = 0; i < 3; i++) {
            aml_json_add_number(s, names[i], values[i]);
        }
        aml_json_key(s, "log");
        aml_string_put(s, p->log ? "true" : "false");
    }
    aml_json_key(s, "searched");
    aml_string_put(s, p->fixed ? "false" : "true");
    aml_string_put(s, "}");
}

char *aml_catalog_json(void) {
    aml_string s = {0};
    part p;
    aml_string_put(&s, "[");
    for (size_t i = 0; part_at(&p, i); i++) {
        aml_json_comma(&s);
        aml_string_put(&s, "{");
        aml_json_add_string(&s, "kind", p.kind);
        aml_json_add_string(&s, "name", p.name);
        aml_json_add_string(&s, "summary", p.summary);
        if (p.tasks[0]) aml_json_add_string(&s, "tasks", p.tasks);
        aml_json_key(&s, "params");
        aml_string_put(&s, "[");
        for (size_t j = 0; j < aml_params_count(p.params); j++) put_param(&s, &p.params[j]);
        aml_string_put(&s, "]}");
    }
    aml_string_put(&s, "]");
    return aml_json_finish(&s);
}

aml_status aml_text_write(const char *text, const char *path) {
    AML_NEED(text);
    AML_NEED(path);
    aml_output *o;
    AML_TRY(aml_output_open(&o, path));
    aml_status status = aml_output_write(o, text, strlen(text));
    if (!status) return aml_output_commit(o);
    aml_output_drop(o);
    return status;
}

const char *aml_suggest(const char *word, const char *const *known) {
    AML_NEED_OR(word, NULL);
    AML_NEED_OR(known, NULL);
    size_t n = 0;
    while (known[n]) n++;
    return aml_nearest(word, known, n);
}
