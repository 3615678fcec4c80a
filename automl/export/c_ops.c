/* c_ops.c: inputs and featurization as statements of C. */
#include <string.h>

#include "automl/core/sort.h"
#include "automl/export/c.h"

#define PUT(...) aml_string_printf(&w->body, __VA_ARGS__)

static uint32_t in_at(const aml_c_text *w, const aml_op *op, size_t i) {
    return aml_c_at(w, op->in[i]);
}
static uint32_t out_at(const aml_c_text *w, const aml_op *op) { return aml_c_at(w, op->first_out); }
static uint32_t levels_of(const aml_c_text *w, const aml_op *op, size_t i) {
    return aml_c_value(w, op->in[i])->width;
}
static size_t length(const aml_op *op, const char *name) { return aml_op_attr(op, name)->n; }
static uint32_t table(aml_c_text *w, const aml_op *op, const char *name) {
    return aml_c_table(w, aml_op_attr(op, name), false);
}
static void put_double(aml_c_text *w, const aml_op *op, const char *before, const char *name) {
    aml_string_put(&w->body, before);
    aml_c_double(&w->body, aml_op_real(op, name));
}

/* ---- inputs */

/* The levels as they are sorted bytewise, with their codes. */
static void find_level(aml_c_text *w, const aml_op *op) {
    const aml_attr *a = aml_op_attr(op, "levels");
    const char **text = AML_ARRAY(w->scratch, a->n + 1, const char *);
    uint32_t *code = AML_ARRAY(w->scratch, a->n + 1, uint32_t);
    if (!text || !code || !aml_c_sort_texts(text, code, a->v.texts, a->n, w->scratch)) {
        w->body.failed = true;
        return;
    }
    uint32_t texts = aml_c_table_texts(w, text, a->n), codes = aml_c_table_u32(w, code, a->n);
    aml_c_need(w, "find_level");
    PUT("c[%u] = find_level(in->%s, t%u, t%u, %zu);\n", out_at(w, op), w->fields[op - w->p->ir.ops],
        texts, codes, a->n);
}

static void put_input(aml_c_text *w, const aml_op *op) {
    const char *field = w->fields[op - w->p->ir.ops];
    switch (aml_c_value(w, op->first_out)->type) {
    case AML_IR_NUMBER:
        aml_c_need(w, "to_float");
        PUT("v[%u] = to_float(in->%s);\n", out_at(w, op), field);
        return;
    case AML_IR_CODE: find_level(w, op); return;
    case AML_IR_TIME: PUT("t[%u] = in->%s;\n", out_at(w, op), field); return;
    default: PUT("s[%u] = in->%s ? in->%s : \"\";\n", out_at(w, op), field, field); return;
    }
}

/* ---- missing cells */

static void put_is_missing(aml_c_text *w, uint32_t value) {
    uint32_t at = aml_c_at(w, value);
    switch (aml_c_value(w, value)->type) {
    case AML_IR_NUMBER: PUT("isnan(v[%u])", at); return;
    case AML_IR_CODE: PUT("c[%u] == -1", at); return;
    case AML_IR_TIME: PUT("isnan(t[%u])", at); return;
    default: PUT("!*s[%u]", at); return;
    }
}

static void put_missing(aml_c_text *w, const aml_op *op) {
    PUT("v[%u] = ", out_at(w, op));
    put_is_missing(w, op->in[0]);
    PUT(" ? 1.0f : 0.0f;\n");
}

static void put_pattern(aml_c_text *w, const aml_op *op) {
    const uint32_t *place = aml_op_attr(op, "place")->v.u32;
    aml_c_need(w, "pattern");
    PUT("{\n    uint64_t h = 1;\n    unsigned n = 0;\n");
    for (uint32_t i = 0; i < op->n_in; i++) {
        PUT("    if (");
        put_is_missing(w, op->in[i]);
        PUT(") missing_cell(&h, &n, %u);\n", place[i]);
    }
    uint32_t hash = table(w, op, "hash");
    PUT("    v[%u] = (float)n;\n    c[%u] = find_pattern(h, t%u, %zu);\n}\n", out_at(w, op),
        aml_c_at(w, op->first_out + 1), hash, length(op, "hash"));
}

static void put_impute(aml_c_text *w, const aml_op *op) {
    uint32_t in = in_at(w, op, 0);
    PUT("v[%u] = isnan(v[%u]) ? ", out_at(w, op), in);
    aml_c_float(&w->body, (float)aml_op_real(op, "value"));
    PUT(" : v[%u];\n", in);
}

/* ---- codes */

static void put_recode(aml_c_text *w, const aml_op *op) {
    uint32_t t = aml_c_table(w, aml_op_attr(op, "table"), true);
    aml_c_need(w, "row");
    PUT("c[%u] = t%u[row(c[%u], %u)];\n", out_at(w, op), t, in_at(w, op, 0), levels_of(w, op, 0));
}

static void put_lookup(aml_c_text *w, const aml_op *op) {
    uint32_t t = table(w, op, "table"), in = in_at(w, op, 0), levels = levels_of(w, op, 0);
    aml_c_need(w, "row");
    if (op->n_out == 1) {
        PUT("v[%u] = t%u[row(c[%u], %u)];\n", out_at(w, op), t, in, levels);
        return;
    }
    PUT("memcpy(v + %u, t%u + row(c[%u], %u) * %u, %u * sizeof *v);\n", out_at(w, op), t, in,
        levels, op->n_out, op->n_out);
}

/* An expression for the place of a code. */
static void put_place(aml_c_text *w, const aml_op *op) {
    uint32_t t = aml_c_table(w, aml_op_attr(op, "place"), true), in = in_at(w, op, 0);
    PUT("c[%u] < 0 ? -1 : (int32_t)t%u[c[%u]]", in, t, in);
}

static void put_one_hot(aml_c_text *w, const aml_op *op) {
    if (!op->n_out) return;
    aml_c_need(w, "one_hot");
    PUT("one_hot(v + %u, %u, ", out_at(w, op), op->n_out);
    put_place(w, op);
    PUT(");\n");
}

static void put_few_values(aml_c_text *w, const aml_op *op) {
    uint32_t t = table(w, op, "value");
    aml_c_need(w, "few_values");
    PUT("c[%u] = few_values(v[%u], t%u, %zu);\n", out_at(w, op), in_at(w, op, 0), t,
        length(op, "value"));
}

static void put_cross(aml_c_text *w, const aml_op *op) {
    uint32_t first = table(w, op, "first"), second = table(w, op, "second");
    aml_c_need(w, "cross");
    aml_c_need(w, "row");
    PUT("c[%u] = cross(row(c[%u], %u), row(c[%u], %u), t%u, t%u, %zu);\n", out_at(w, op),
        in_at(w, op, 0), levels_of(w, op, 0), in_at(w, op, 1), levels_of(w, op, 1), first, second,
        length(op, "first"));
}

/* ---- numbers */

static void put_arithmetic(aml_c_text *w, const aml_op *op) {
    const char *sign = aml_op_text(op, "sign");
    uint32_t a = in_at(w, op, 0), b = in_at(w, op, 1);
    if (*sign == '/') {
        aml_c_need(w, "ratio");
        PUT("v[%u] = ratio((double)v[%u], (double)v[%u]);\n", out_at(w, op), a, b);
        return;
    }
    aml_c_need(w, "to_float");
    PUT("v[%u] = to_float((double)v[%u] %s (double)v[%u]);\n", out_at(w, op), a, sign, b);
}

static void put_within(aml_c_text *w, const aml_op *op) {
    const char *relation = aml_op_text(op, "relation");
    uint32_t t = table(w, op, "table"), x = in_at(w, op, 0), c = in_at(w, op, 1),
             levels = levels_of(w, op, 1);
    size_t n = (size_t)aml_op_real(op, "n");
    aml_c_need(w, "row");
    PUT("v[%u] = ", out_at(w, op));
    if (!strcmp(relation, "rank")) {
        aml_c_need(w, "rank");
        PUT("rank_in(t%u + row(c[%u], %u) * %zu, %zu, v[%u]);\n", t, c, levels, n, n, x);
        return;
    }
    bool ratio = !strcmp(relation, "ratio");
    aml_c_need(w, ratio ? "ratio" : "to_float");
    PUT(ratio ? "ratio((double)v[%u], (double)t%u[row(c[%u], %u)]);\n"
              : "to_float((double)v[%u] - (double)t%u[row(c[%u], %u)]);\n",
        x, t, c, levels);
}

static void put_scale(aml_c_text *w, const aml_op *op) {
    uint32_t in = in_at(w, op, 0);
    aml_c_need(w, "clip");
    if (op->kind == AML_OP_SCALE) {
        PUT("v[%u] = clip(((double)v[%u]", out_at(w, op), in);
    } else {
        aml_c_need(w, "power");
        PUT("v[%u] = clip((power((double)v[%u]", out_at(w, op), in);
        put_double(w, op, ", ", "lambda");
        PUT(")");
    }
    put_double(w, op, " - ", "center");
    put_double(w, op, ") * ", "factor");
    put_double(w, op, ", ", "clip");
    PUT(");\n");
}

static void put_grid(aml_c_text *w, const aml_op *op) {
    uint32_t value = table(w, op, "grid"), score = table(w, op, "score");
    aml_c_need(w, "grid");
    PUT("v[%u] = grid(v[%u], t%u, t%u, %zu", out_at(w, op), in_at(w, op, 0), value, score,
        length(op, "grid"));
    put_double(w, op, ", ", "clip");
    PUT(");\n");
}

/* ---- dates */

static void put_date(aml_c_text *w, const aml_op *op) {
    static const struct {
        const char *name, *place, *first, *period;
    } parts[] = {{"days", "DAYS", "", ""},
                 {"year", "YEAR", "", ""},
                 {"month", "MONTH", "1.0", "12.0"},
                 {"day", "DAY", "1.0", "31.0"},
                 {"weekday", "WEEKDAY", "0.0", "7.0"},
                 {"yearday", "YEARDAY", "1.0", "365.25"},
                 {"hour", "HOUR", "", ""},
                 {"minute", "MINUTE", "0.0", "1440.0"}};
    const aml_attr *part = aml_op_attr(op, "part");
    aml_c_need(w, "date");
    PUT("{\n    double d[DATE_PARTS];\n    split_time(d, t[%u]);\n", in_at(w, op, 0));
    for (size_t i = 0; i < part->n; i++) {
        const char *name = part->v.texts[i], *cycle = strchr(name, '_');
        size_t n = cycle ? (size_t)(cycle - name) : strlen(name), k = 0;
        while (strlen(parts[k].name) != n || memcmp(parts[k].name, name, n) != 0) k++;
        PUT("    v[%zu] = (float)", out_at(w, op) + i);
        if (!cycle) {
            PUT("d[%s];\n", parts[k].place);
            continue;
        }
        aml_c_need(w, "turn");
        PUT("%s(turn(d[%s], %s, %s));\n", cycle + 1, parts[k].place, parts[k].first,
            parts[k].period);
    }
    PUT("}\n");
}

/* ---- texts and sparse rows */

static void put_items(aml_c_text *w, const aml_op *op) {
    uint32_t t = table(w, op, "item");
    aml_c_need(w, "items");
    PUT("items(v + %u, s[%u], (char)%d, t%u, %zu);\n", out_at(w, op), in_at(w, op, 0),
        (int)aml_op_real(op, "separator"), t, length(op, "item"));
}

static void put_text_form(aml_c_text *w, const aml_op *op) {
    aml_c_need(w, "text_form");
    PUT("text_form(v + %u, s[%u]);\n", out_at(w, op), in_at(w, op, 0));
}

/* Room for n entries of a sparse row. */
static void put_room(aml_c_text *w, uint32_t value, size_t n) {
    w->slot[value] = (uint32_t)n;
    if (!n) n = 1;
    PUT("uint32_t s%u_column[%zu];\nfloat s%u_value[%zu];\n", value, n, value, n);
    PUT("sparse s%u = {0, s%u_column, s%u_value};\n", value, value, value);
}

static void put_terms(aml_c_text *w, const aml_op *op) {
    size_t n = length(op, "bucket");
    uint32_t bucket = table(w, op, "bucket"), idf = table(w, op, "idf");
    if (n > w->terms) w->terms = n;
    put_room(w, op->first_out, n);
    aml_c_need(w, "terms");
    PUT("terms(&s%u, s[%u], %u, %u, %u, t%u, t%u, %zu);\n", op->first_out, in_at(w, op, 0),
        (unsigned)aml_op_real(op, "set"), (unsigned)aml_op_real(op, "bits"),
        (unsigned)aml_op_real(op, "sublinear"), bucket, idf, n);
}

static void put_indicator(aml_c_text *w, const aml_op *op) {
    put_room(w, op->first_out, 1);
    aml_c_need(w, "indicator");
    PUT("indicator(&s%u, ", op->first_out);
    put_place(w, op);
    PUT(");\n");
}

/* The sparse inputs from `from` on, one behind the other, as row `to`, if there are any. */
static void join_sparse(aml_c_text *w, const aml_op *op, size_t from, uint32_t to) {
    size_t n = op->n_in - from, entries = 0;
    uint32_t width = 0;
    if (!n) return;
    for (size_t i = from; i < op->n_in; i++) entries += in_at(w, op, i);
    aml_c_need(w, "beside");
    put_room(w, to, entries);
    for (size_t i = from; i < op->n_in; i++) {
        PUT("beside(&s%u, &s%u, %u);\n", to, op->in[i], width);
        width += levels_of(w, op, i);
    }
}

static void put_project(aml_c_text *w, const aml_op *op) {
    bool distances = op->kind == AML_OP_DISTANCES;
    uint32_t *at = AML_ARRAY(w->scratch, op->n_in + 1, uint32_t);
    if (!at) {
        w->body.failed = true;
        return;
    }
    for (uint32_t i = 0; i < op->n_in; i++) at[i] = in_at(w, op, i);
    uint32_t in = aml_c_table_u32(w, at, op->n_in), center = table(w, op, "center"),
             factor = table(w, op, "factor"), matrix = table(w, op, distances ? "point" : "matrix");
    const char *name = distances ? "distances" : "project";
    aml_c_need(w, name);
    PUT("%s(v + %u, %u, v, t%u, %u, t%u, t%u, t%u);\n", name, out_at(w, op), op->n_out, in,
        op->n_in, center, factor, matrix);
}

static void put_project_sparse(aml_c_text *w, const aml_op *op) {
    uint32_t t = table(w, op, "matrix");
    aml_c_need(w, "project_sparse");
    PUT("{\n");
    uint32_t slot = w->slot[op->first_out];
    join_sparse(w, op, 0, op->first_out);
    w->slot[op->first_out] = slot;
    PUT("project_sparse(v + %u, %u, &s%u, t%u);\n}\n", slot, op->n_out, op->first_out, t);
}

/* ---- the design */

/* Are they numbers that lie side by side? */
static bool in_a_row(const aml_c_text *w, const aml_op *op, size_t p) {
    for (size_t j = 0; j < p; j++)
        if (aml_c_value(w, op->in[j])->type != AML_IR_NUMBER ||
            in_at(w, op, j) != in_at(w, op, 0) + j)
            return false;
    return p > 0;
}

static void put_design(aml_c_text *w, const aml_op *op) {
    uint32_t x = op->first_out;
    size_t p = aml_c_value(w, x)->width;
    int32_t *at = AML_ARRAY(w->scratch, p + 1, int32_t);
    if (!at) {
        w->body.failed = true;
        return;
    }
    for (size_t j = 0; j < p; j++) {
        int32_t place = (int32_t)in_at(w, op, j);
        at[j] = aml_c_value(w, op->in[j])->type == AML_IR_NUMBER ? place : -1 - place;
    }
    if (!p) PUT("const float *x%u = NULL;\n", x);
    else if (in_a_row(w, op, p)) PUT("const float *x%u = v + %d;\n", x, at[0]);
    else {
        aml_c_need(w, "design");
        PUT("float x%u[%zu];\ndesign(x%u, %zu, t%u, v, c);\n", x, p, x, p,
            aml_c_table_i32(w, at, p));
    }
    join_sparse(w, op, p, x);
}

void aml_c_op(aml_c_text *w, const aml_op *op) {
    static void (*const put[AML_N_OPS])(aml_c_text *, const aml_op *) = {
        [AML_OP_INPUT] = put_input,
        [AML_OP_MISSING] = put_missing,
        [AML_OP_MISSING_PATTERN] = put_pattern,
        [AML_OP_RECODE] = put_recode,
        [AML_OP_LOOKUP] = put_lookup,
        [AML_OP_ONE_HOT] = put_one_hot,
        [AML_OP_FEW_VALUES] = put_few_values,
        [AML_OP_ARITHMETIC] = put_arithmetic,
        [AML_OP_CROSS] = put_cross,
        [AML_OP_WITHIN] = put_within,
        [AML_OP_IMPUTE] = put_impute,
        [AML_OP_SCALE] = put_scale,
        [AML_OP_SCALE_POWER] = put_scale,
        [AML_OP_SCALE_GRID] = put_grid,
        [AML_OP_DATE] = put_date,
        [AML_OP_ITEMS] = put_items,
        [AML_OP_TEXT_FORM] = put_text_form,
        [AML_OP_TERMS] = put_terms,
        [AML_OP_INDICATOR] = put_indicator,
        [AML_OP_PROJECT] = put_project,
        [AML_OP_PROJECT_SPARSE] = put_project_sparse,
        [AML_OP_DISTANCES] = put_project,
        [AML_OP_DESIGN] = put_design};
    if (put[op->kind]) put[op->kind](w, op);
    else if (op->kind < AML_OP_AFFINE) aml_c_learner(w, op);
    else aml_c_vector(w, op);
}
