/* explain_text.c: contributions as CSV and JSON. */
#include <math.h>
#include <string.h>

#include "automl/core/call.h"
#include "automl/core/csv.h"
#include "automl/core/io.h"
#include "automl/core/json.h"
#include "automl/engine/explain.h"

/* Output o of row i: of column j, or with j = p what is predicted without any. */
static double value_of(const aml_explanation *e, size_t i, size_t j, size_t o) {
    return e->value[(i * (e->p + 1) + j) * e->k + o];
}

static double prediction_of(const aml_explanation *e, size_t i, size_t o) {
    double sum = 0;
    for (size_t j = 0; j <= e->p; j++) sum += value_of(e, i, j, o);
    return sum;
}

/* ---- CSV */

static void put_name(aml_string *s, const aml_explanation *e, size_t j) {
    const char *name = e->m->inputs.columns[j].name;
    aml_csv_put(s, name, strlen(name), true);
}

static void put_header(aml_string *s, const aml_explanation *e, size_t top) {
    aml_string_put(s, e->k > 1 ? "row,class,prediction,base" : "row,prediction,base");
    for (size_t t = 1; t <= top; t++) aml_string_printf(s, ",column_%zu,contribution_%zu", t, t);
    if (top) aml_string_put(s, ",others");
    for (size_t j = 0; !top && j < e->p; j++) {
        aml_string_put(s, ",");
        put_name(s, e, j);
    }
    aml_string_put(s, "\n");
}

static void put_number(aml_string *s, double x) {
    aml_string_put(s, ",");
    aml_string_double(s, x);
}

/* The largest first; what is left in the end. */
static void put_top(aml_string *s, const aml_explanation *e, size_t i, size_t o, size_t top,
                    bool *done) {
    double others = 0;
    memset(done, 0, e->p * sizeof *done);
    for (size_t t = 0; t < top; t++) {
        size_t best = e->p;
        for (size_t j = 0; j < e->p; j++) {
            bool larger =
                best == e->p || fabs(value_of(e, i, j, o)) > fabs(value_of(e, i, best, o));
            if (!done[j] && larger) best = j;
        }
        aml_string_put(s, ",");
        if (best < e->p) put_name(s, e, best);
        if (best < e->p) put_number(s, value_of(e, i, best, o));
        else aml_string_put(s, ",");
        if (best < e->p) done[best] = true;
    }
    for (size_t j = 0; j < e->p; j++)
        if (!done[j]) others += value_of(e, i, j, o);
    put_number(s, others);
}

static void put_line(aml_string *s, const aml_explanation *e, size_t i, size_t o, size_t top,
                     bool *done) {
    aml_string_printf(s, "%u", e->row[i] + 1);
    if (e->k > 1) {
        aml_string_put(s, ",");
        aml_csv_put(s, e->m->classes[o], strlen(e->m->classes[o]), true);
    }
    put_number(s, prediction_of(e, i, o));
    put_number(s, value_of(e, i, e->p, o));
    if (top) put_top(s, e, i, o, top, done);
    for (size_t j = 0; !top && j < e->p; j++) put_number(s, value_of(e, i, j, o));
    aml_string_put(s, "\n");
}

static aml_status put_lines(aml_output *out, aml_string *s, const aml_explanation *e, size_t top,
                            bool *done) {
    put_header(s, e, top);
    for (size_t i = 0; i < e->n; i++)
        for (size_t o = 0; o < e->k; o++) {
            put_line(s, e, i, o, top, done);
            if (s->failed) return AML_ENOMEM;
            if (s->length < 1 << 16) continue;
            AML_TRY(aml_output_write(out, s->text, s->length));
            s->length = 0;
        }
    return s->failed ? AML_ENOMEM : aml_output_write(out, s->text, s->length);
}

aml_status aml_explanation_csv(const aml_explanation *e, const char *path, size_t top) {
    AML_NEED(e);
    AML_NEED(path);
    size_t most = e->p ? e->p : 1;
    if (top > most) top = most;
    aml_output *out = NULL;
    aml_string s = {0};
    bool *done = aml_calloc(e->p + 1, sizeof *done);
    if (!done) return AML_ENOMEM;
    aml_status status = aml_output_open(&out, path);
    if (!status) status = put_lines(out, &s, e, top, done);
    if (out && status) aml_output_drop(out);
    else if (out) status = aml_output_commit(out);
    aml_string_free(&s);
    aml_free(done);
    return status;
}

/* ---- JSON */

static void put_columns(aml_string *s, const aml_explanation *e, const aml_permutation *p) {
    const char *name, *other;
    double mean, loss, error;
    aml_string_put(s, "[");
    for (size_t i = 0; aml_explanation_column(e, i, &name, &mean); i++) {
        aml_json_comma(s);
        aml_string_put(s, "{");
        aml_json_add_string(s, "name", name);
        aml_json_add_number(s, "mean_abs_contribution", mean);
        for (size_t j = 0; p && aml_permutation_column(p, j, &other, &loss, &error); j++) {
            if (strcmp(name, other) != 0) continue;
            aml_json_add_number(s, "permutation_loss", loss);
            aml_json_add_number(s, "permutation_error", error);
        }
        aml_string_put(s, "}");
    }
    aml_string_put(s, "]");
}

static void put_parts(aml_string *s, const aml_explanation *e) {
    aml_string_put(s, "[");
    for (size_t i = 0; i < e->m->n_members; i++) {
        aml_json_comma(s);
        aml_string_put(s, "{");
        aml_json_add_string(s, "pipeline", e->m->members[i].pipeline);
        aml_json_add_number(s, "weight", e->m->members[i].weight);
        aml_json_add_string(s, "contributions", e->text[i]);
        aml_string_put(s, "}");
    }
    aml_string_put(s, "]");
}

static void put_row(aml_string *s, const aml_explanation *e, size_t i, size_t o) {
    aml_json_comma(s);
    aml_string_put(s, "{");
    aml_json_add_number(s, "row", (double)e->row[i] + 1);
    if (e->k > 1) {
        aml_json_add_string(s, "class", e->m->classes[o]);
    }
    aml_json_add_number(s, "prediction", prediction_of(e, i, o));
    aml_json_add_number(s, "base", value_of(e, i, e->p, o));
    aml_json_key(s, "contributions");
    aml_string_put(s, "{");
    for (size_t j = 0; j < e->p; j++) {
        aml_json_comma(s);
        aml_json_put_string(s, e->m->inputs.columns[j].name);
        aml_string_put(s, ":");
        aml_json_put_number(s, value_of(e, i, j, o));
    }
    aml_string_put(s, "}}");
}

char *aml_explanation_json(const aml_explanation *e, const aml_permutation *p, int with_rows) {
    AML_NEED_OR(e, NULL);
    aml_string s = {0};
    aml_string_put(&s, "{");
    aml_json_add_number(&s, "rows", (double)e->n);
    if (e->m->n_classes == 2) {
        aml_json_add_string(&s, "probability_of", e->m->classes[1]);
    }
    if (p) {
        aml_json_add_string(&s, "metric", e->m->metric->name);
        aml_json_add_number(&s, "score", aml_permutation_score(p));
        aml_json_add_number(&s, "permutation_rows", (double)aml_permutation_rows(p));
    }
    aml_json_key(&s, "columns");
    put_columns(&s, e, p);
    aml_json_key(&s, "parts");
    put_parts(&s, e);
    if (with_rows) {
        aml_json_key(&s, "contributions");
        aml_string_put(&s, "[");
        for (size_t i = 0; i < e->n * e->k; i++) put_row(&s, e, i / e->k, i % e->k);
        aml_string_put(&s, "]");
    }
    aml_string_put(&s, "}");
    return aml_json_finish(&s);
}
