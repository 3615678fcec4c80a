/* manifest_score.c: the score, and what is done to the members' mean, in the manifest. */
#include "automl/engine/manifest.h"

#include <math.h>
#include <string.h>

aml_status aml_manifest_lacks(const char *file, const char *what) {
    aml_fail_at(AML_EDATA, file, 0, 0, "damaged model: the manifest has no valid %s", what);
    return aml_help(AML_EDATA, "a model file is read only when every part of it is valid",
                    "restore the file from a copy, or train the model again");
}

/* ---- score */

static double number_or_nan(const aml_json *o, const char *name) {
    return aml_json_number(o, name, NAN);
}

void aml_put_score(aml_string *s, const aml_score *score) {
    aml_string_put(s, "{");
    aml_json_add_number(s, "value", score->value);
    aml_json_add_number(s, "low", score->low);
    aml_json_add_number(s, "high", score->high);
    aml_json_add_number(s, "baseline", score->baseline);
    aml_json_add_string(s, "method", score->method);
    aml_json_add_number(s, "gain", score->gain);
    aml_json_add_number(s, "gain_low", score->gain_low);
    aml_json_add_number(s, "gain_high", score->gain_high);
    aml_json_add_number(s, "linear", score->linear);
    aml_json_add_number(s, "linear_gain", score->linear_gain);
    aml_json_add_number(s, "linear_gain_low", score->linear_gain_low);
    aml_json_add_number(s, "linear_gain_high", score->linear_gain_high);
    aml_string_put(s, "}");
}

aml_status aml_read_score(aml_model *m, const aml_json *o, const char *file) {
    if (!o || o->type != AML_JSON_OBJECT) return aml_manifest_lacks(file, "score");
    m->score = (aml_score){.size = sizeof m->score,
                           .value = number_or_nan(o, "value"),
                           .low = number_or_nan(o, "low"),
                           .high = number_or_nan(o, "high"),
                           .baseline = number_or_nan(o, "baseline"),
                           .method = aml_json_string(o, "method", ""),
                           .gain = number_or_nan(o, "gain"),
                           .gain_low = number_or_nan(o, "gain_low"),
                           .gain_high = number_or_nan(o, "gain_high"),
                           .linear = number_or_nan(o, "linear"),
                           .linear_gain = number_or_nan(o, "linear_gain"),
                           .linear_gain_low = number_or_nan(o, "linear_gain_low"),
                           .linear_gain_high = number_or_nan(o, "linear_gain_high")};
    return AML_OK;
}

/* ---- calibration and threshold */

void aml_put_numbers(aml_string *s, const char *key, const double *x, size_t n) {
    aml_json_key(s, key);
    aml_string_put(s, "[");
    for (size_t i = 0; i < n; i++) {
        aml_json_comma(s);
        aml_json_put_number(s, x[i]);
    }
    aml_string_put(s, "]");
}

static void put_calibrator(aml_string *s, const aml_calibrator *c) {
    aml_json_key(s, "calibration");
    aml_string_put(s, "{");
    aml_json_add_string(s, "kind", aml_calibrator_names[c->kind]);
    aml_json_add_number(s, "slope", c->slope);
    aml_json_add_number(s, "offset", c->offset);
    aml_put_numbers(s, "from", c->from, c->n);
    aml_put_numbers(s, "to", c->to, c->n);
    aml_string_put(s, "}");
}

void aml_put_adjustments(aml_string *s, const aml_model *m) {
    if (m->calibrator.kind) put_calibrator(s, &m->calibrator);
    if (m->kind == AML_BINARY) aml_json_add_number(s, "threshold", m->threshold);
}

static aml_status read_numbers(const double **out, size_t *n, aml_model *m, const aml_json *list) {
    *n = 0;
    if (!list || list->type != AML_JSON_ARRAY || list->size > 100000) return AML_OK;
    double *x = AML_ARRAY(m->arena, list->size + 1, double);
    if (!x) return AML_ENOMEM;
    for (const aml_json *v = list->child; v; v = v->next)
        x[(*n)++] = v->type == AML_JSON_NUMBER ? v->number : NAN;
    *out = x;
    return AML_OK;
}

static bool is_curve(const double *x, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (!(x[i] >= (i ? x[i - 1] : 0) && x[i] <= 1)) return false;
    return n >= 2;
}

/* A model without one is as it is. */
static aml_status read_calibrator(aml_model *m, const aml_json *o, const char *file) {
    aml_calibrator *c = &m->calibrator;
    size_t kind = 0, n;
    if (!o) return AML_OK;
    const char *name = aml_json_string(o, "kind", "");
    while (aml_calibrator_names[kind] && strcmp(aml_calibrator_names[kind], name) != 0) kind++;
    c->kind = (aml_calibrator_kind)kind;
    c->slope = number_or_nan(o, "slope");
    c->offset = number_or_nan(o, "offset");
    AML_TRY(read_numbers(&c->from, &c->n, m, aml_json_find(o, "from")));
    AML_TRY(read_numbers(&c->to, &n, m, aml_json_find(o, "to")));
    bool two = kind == AML_SIGMOID || kind == AML_ISOTONIC;
    bool valid = kind && kind <= AML_ISOTONIC && c->slope > 0 && isfinite(c->offset) && c->n == n &&
                 two == (m->kind == AML_BINARY) && m->kind != AML_REGRESSION;
    if (kind == AML_ISOTONIC) valid = valid && is_curve(c->from, n) && is_curve(c->to, n);
    return valid ? AML_OK : aml_manifest_lacks(file, "calibration");
}

static aml_status read_threshold(aml_model *m, const aml_json *root, const char *file) {
    m->threshold = aml_json_number(root, "threshold", 0.5);
    return m->threshold >= 0 && m->threshold <= 1 ? AML_OK : aml_manifest_lacks(file, "threshold");
}

aml_status aml_read_adjustments(aml_model *m, const aml_json *root, const char *file) {
    AML_TRY(read_calibrator(m, aml_json_find(root, "calibration"), file));
    return read_threshold(m, root, file);
}
