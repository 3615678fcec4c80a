/* evaluate.c: reading rows for a model, predictions as CSV, and all metrics on rows with a target. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "automl/core/call.h"
#include "automl/core/io.h"
#include "automl/core/json.h"
#include "automl/core/par.h"
#include "automl/engine/catalog.h"
#include "automl/engine/model.h"
#include "automl/engine/reading.h"
#include "automl/engine/target.h"
#include "automl/engine/threshold.h"

/* ---- reading */

static bool is_input(const aml_model *m, const char *name) {
    for (size_t i = 0; i < m->inputs.p; i++)
        if (!strcmp(m->inputs.columns[i].name, name)) return true;
    return false;
}

aml_status aml_model_columns(aml_schema *out, const aml_model *m, const char *const *keep,
                             bool with_target, aml_arena *a) {
    size_t n_keep = 0;
    while (keep && keep[n_keep]) n_keep++;
    aml_schema_column *c = AML_ARRAY(a, m->inputs.p + n_keep + 1, aml_schema_column);
    if (!c) return AML_ENOMEM;
    size_t p = m->inputs.p;
    if (p) memcpy(c, m->inputs.columns, p * sizeof *c);
    for (size_t i = 0; i < n_keep; i++)
        if (!is_input(m, keep[i])) c[p++] = (aml_schema_column){.name = keep[i], .kind = AML_TEXT};
    bool kept = false;
    for (size_t i = 0; i < n_keep; i++) kept = kept || !strcmp(keep[i], m->target);
    if (with_target && !kept) c[p++] = (aml_schema_column){.name = m->target, .kind = AML_TEXT};
    *out = (aml_schema){.p = p, .columns = c};
    return AML_OK;
}

static const char *unseen_note(const aml_frame *f, const aml_column *c,
                               const aml_csv_unseen *first) {
    char name[280], text[280];
    bool many = c->n_unseen > 1;
    aml_printable(name, sizeof name, c->name, strlen(c->name), 60);
    aml_printable(text, sizeof text, first->text, strlen(first->text), 60);
    return aml_printf(f->arena,
                      "column `%s`: %zu cell%s with a category that the model has not seen in "
                      "training, %s`%s` on line %zu",
                      name, c->n_unseen, many ? "s" : "", many ? "first " : "", text,
                      aml_frame_line(f, first->row));
}

/* The target is left out: that it is there and not used surprises nobody. "" when nothing else is ignored. */
static const char *ignored_note(const aml_csv_report *r, const aml_model *m, aml_arena *keep) {
    aml_string s = {0};
    size_t listed = r->n_ignored < 10 ? r->n_ignored : 10, n = r->n_ignored;
    for (size_t i = 0; i < listed; i++) n -= !strcmp(r->ignored[i], m->target);
    if (!n) return "";
    aml_string_printf(&s, "%zu column%s that the model does not use %s ignored:", n,
                      n > 1 ? "s" : "", n > 1 ? "are" : "is");
    for (size_t i = 0, shown = 0; i < listed; i++) {
        char name[280];
        if (!strcmp(r->ignored[i], m->target)) continue;
        aml_printable(name, sizeof name, r->ignored[i], strlen(r->ignored[i]), 60);
        aml_string_printf(&s, "%s `%s`", shown++ ? "," : "", name);
    }
    if (listed < r->n_ignored) aml_string_put(&s, " …");
    const char *text = s.failed ? NULL : aml_strdup(keep, s.text);
    aml_string_free(&s);
    return text;
}

/* What the reader noted, and how the file differs from the training data. */
static aml_status add_notes(aml_frame *f, const aml_model *m, const aml_csv_report *r) {
    const char **notes = AML_ARRAY(f->arena, r->n_notes + f->p + 1, const char *);
    size_t n = 0;
    if (!notes) return AML_ENOMEM;
    for (size_t i = 0; i < r->n_notes; i++) notes[n++] = r->notes[i];
    const char *ignored = ignored_note(r, m, f->arena);
    if (!ignored) return AML_ENOMEM;
    if (*ignored) notes[n++] = ignored;
    for (size_t j = 0; j < f->p; j++)
        if (f->columns[j].n_unseen && !(notes[n++] = unseen_note(f, &f->columns[j], &r->unseen[j])))
            return AML_ENOMEM;
    f->notes = notes;
    f->n_notes = n;
    return AML_OK;
}

aml_status aml_model_read(aml_frame **out, const aml_model *m, const char *path,
                          const aml_read_options *options, const char *const *keep,
                          int with_target) {
    AML_NEED(out);
    *out = NULL;
    AML_NEED(m);
    AML_NEED(path);
    AML_TRY(aml_model_predicts(m));
    aml_arena *scratch = aml_arena_new(NULL);
    aml_schema schema;
    aml_csv_options csv;
    aml_csv_report report = {0};
    aml_status status =
        scratch ? aml_model_columns(&schema, m, keep, with_target, scratch) : AML_ENOMEM;
    if (!status) status = aml_reading_options(&csv, options, scratch);
    if (!status) {
        csv.schema = &schema;
        csv.text_columns = NULL;
        csv.n_kinds = 0;
        status = aml_csv_read(out, &report, path, &csv);
    }
    if (!status) status = add_notes(*out, m, &report);
    if (status) {
        aml_frame_free(*out);
        *out = NULL;
    }
    aml_arena_free(scratch);
    return status;
}

/* ---- predictions as CSV */

typedef struct kept {
    size_t n;
    const aml_column *columns[256];
} kept;

static aml_status find_kept(kept *k, const aml_frame *f, const char *const *names) {
    k->n = 0;
    for (size_t i = 0; names && names[i]; i++) {
        size_t c;
        if (k->n == 256) return aml_fail(AML_EUSAGE, "at most 256 columns can be kept");
        AML_TRY(aml_frame_need(&c, f, names[i], "kept"));
        k->columns[k->n++] = &f->columns[c];
    }
    return AML_OK;
}

static void put_header(aml_string *s, const aml_model *m, const kept *k) {
    aml_string_put(s, "prediction");
    for (int c = 0; c < m->n_classes; c++) {
        aml_string name = {0};
        aml_string_printf(&name, "proba_%s", m->classes[c]);
        aml_string_put(s, ",");
        if (name.failed) s->failed = true;
        else aml_csv_put(s, name.text, name.length, true);
        aml_string_free(&name);
    }
    for (size_t i = 0; i < k->n; i++) {
        aml_string_put(s, ",");
        aml_csv_put(s, k->columns[i]->name, strlen(k->columns[i]->name), true);
    }
    aml_string_put(s, "\n");
}

static void put_row(aml_string *s, const aml_model *m, const double *p, const kept *k, size_t row) {
    if (m->kind == AML_REGRESSION) {
        aml_string_double(s, p[0]);
    } else {
        const char *class = m->classes[aml_model_choose(m, p)];
        aml_csv_put(s, class, strlen(class), true);
        for (int c = 0; c < m->n_classes; c++) {
            aml_string_put(s, ",");
            aml_string_double(s, m->n_classes == 2 ? (c ? p[0] : 1 - p[0]) : p[c]);
        }
    }
    for (size_t i = 0; i < k->n; i++) {
        char buffer[64];
        size_t length;
        const char *cell = aml_frame_cell(&length, k->columns[i], row, buffer);
        aml_string_put(s, ",");
        aml_csv_put(s, cell, length, true);
    }
    aml_string_put(s, "\n");
}

static aml_status write_rows(aml_output *o, const aml_model *m, const double *p, const kept *k,
                             size_t n) {
    aml_string s = {0};
    aml_status status = AML_OK;
    put_header(&s, m, k);
    for (size_t i = 0; !status && i < n; i++) {
        put_row(&s, m, p + i * aml_model_outputs(m), k, i);
        if (s.failed) status = AML_ENOMEM;
        else if (s.length > 1 << 16) {
            status = aml_output_write(o, s.text, s.length);
            s.length = 0;
        }
    }
    if (!status) status = s.failed ? AML_ENOMEM : aml_output_write(o, s.text, s.length);
    aml_string_free(&s);
    return status;
}

aml_status aml_model_predict_csv(const aml_model *m, const aml_frame *data, const char *path,
                                 const char *const *keep, int threads) {
    AML_NEED(m);
    AML_NEED(data);
    AML_NEED(path);
    AML_TRY(aml_model_predicts(m));
    kept k;
    AML_TRY(find_kept(&k, data, keep));
    double *p = aml_malloc((data->n * aml_model_outputs(m) + 1) * sizeof *p);
    if (!p) return AML_ENOMEM;
    aml_output *o = NULL;
    aml_status status = aml_model_predict(p, m, data, threads);
    if (!status) status = aml_output_open(&o, path);
    if (!status) status = write_rows(o, m, p, &k, data->n);
    if (o && status) aml_output_drop(o);
    else if (o) status = aml_output_commit(o);
    aml_free(p);
    return status;
}

/* ---- evaluation */

struct aml_evaluation {
    size_t rows, skipped, n;
    struct {
        const char *name;
        double value;
    } at[65];
};

/* Class numbers or values of the rows whose target is known; keeps their predictions beside them. */
static aml_status known_rows(double *y, double *p, size_t *n, const aml_model *m,
                             const aml_frame *data) {
    size_t column, k = aml_model_outputs(m), used = 0;
    AML_TRY(aml_frame_need(&column, data, m->target, "target"));
    AML_TRY(aml_target_read(y, data, column, m->kind, m->classes, m->n_classes));
    for (size_t i = 0; i < data->n; i++) {
        if (isnan(y[i])) continue;
        y[used] = y[i];
        memmove(p + used * k, p + i * k, k * sizeof *p);
        used++;
    }
    *n = used;
    if (used) return AML_OK;
    return aml_help(
        aml_fail_at(AML_EDATA, data->source, 0, 0, "no row has a known target `%s`", m->target),
        "evaluation compares predictions with the target",
        "give rows whose target is one of the model's classes");
}

/* classes: p, of two classes 0 and 1 by the threshold. */
static void score_all(aml_evaluation *e, const aml_model *m, const double *y, const double *p,
                      const double *classes, size_t n) {
    for (const aml_metric *const *at = aml_metrics(); *at && e->n < 64; at++) {
        if (!((*at)->tasks & (unsigned)m->kind)) continue;
        const double *pred = (*at)->hard ? classes : p;
        e->at[e->n].name = (*at)->name;
        if ((*at)->score(&e->at[e->n].value, y, NULL, pred, n, m->n_classes))
            e->at[e->n].value = NAN;
        e->n++;
    }
    if (m->kind == AML_REGRESSION) return;
    e->at[e->n].name = "expected_calibration_error";
    e->at[e->n++].value = aml_calibration_error(y, p, n, aml_model_outputs(m));
}

aml_status aml_model_evaluate(aml_evaluation **out, const aml_model *m, const aml_frame *data,
                              int threads) {
    AML_NEED(out);
    *out = NULL;
    AML_NEED(m);
    AML_NEED(data);
    AML_TRY(aml_model_predicts(m));
    aml_evaluation *e = aml_calloc(1, sizeof *e);
    double *y = aml_malloc((data->n + 1) * sizeof *y),
           *p = aml_malloc((data->n * aml_model_outputs(m) + 1) * sizeof *p),
           *classes = aml_malloc((data->n * aml_model_outputs(m) + 1) * sizeof *p);
    aml_status status =
        e && y && p && classes ? aml_model_predict(p, m, data, threads) : AML_ENOMEM;
    if (!status) status = known_rows(y, p, &e->rows, m, data);
    if (!status) {
        e->skipped = data->n - e->rows;
        memcpy(classes, p, e->rows * aml_model_outputs(m) * sizeof *p);
        if (m->kind == AML_BINARY) aml_harden(classes, e->rows, m->threshold);
        score_all(e, m, y, p, classes, e->rows);
    }
    aml_free(classes);
    aml_free(y);
    aml_free(p);
    if (status) aml_free(e);
    else *out = e;
    return status;
}

int aml_evaluation_metric(const aml_evaluation *e, size_t i, const char **name, double *value) {
    AML_NEED_OR(e, 0);
    AML_NEED_OR(name, 0);
    AML_NEED_OR(value, 0);
    if (i >= e->n) return 0;
    *name = e->at[i].name;
    *value = e->at[i].value;
    return 1;
}

size_t aml_evaluation_rows(const aml_evaluation *e) {
    AML_NEED_OR(e, 0);
    return e->rows;
}
void aml_evaluation_free(aml_evaluation *e) { aml_free(e); }

char *aml_evaluation_json(const aml_evaluation *e) {
    AML_NEED_OR(e, NULL);
    aml_string s = {0};
    aml_string_put(&s, "{\n  \"rows\": ");
    aml_string_printf(&s, "%zu,\n  \"rows_without_target\": %zu,\n  \"metrics\": {", e->rows,
                      e->skipped);
    for (size_t i = 0; i < e->n; i++) {
        aml_string_printf(&s, "%s\n    \"%s\": ", i ? "," : "", e->at[i].name);
        aml_json_put_number(&s, e->at[i].value);
    }
    aml_string_put(&s, "\n  }\n}\n");
    if (!s.failed) return s.text;
    aml_string_free(&s);
    return NULL;
}
