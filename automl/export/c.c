/* c.c: a model as one file of C99 with its header: static tables, no heap, a function that predicts a row. */
#include "automl/export/c.h"

#include <string.h>

/* ---- what is needed */

/* Of what trees alone see, only the features they split on. */
static void need_features(aml_c_text *w, const aml_op *trees) {
    const aml_ir *ir = &w->p->ir;
    const aml_attr *feature = aml_op_attr(trees, "feature");
    const aml_op *design = ir->ops;
    while (design->first_out != trees->in[0] || !design->n_out) design++;
    uint32_t p = ir->values[trees->in[0]].width;
    for (size_t u = 0; u < feature->n; u++)
        if (feature->v.u32[u] < p) w->live[design->in[feature->v.u32[u]]] = true;
    for (uint32_t i = p; i < design->n_in; i++) w->live[design->in[i]] = true;
}

static void need_inputs(aml_c_text *w, const aml_op *op, const bool *whole) {
    bool all = op->kind != AML_OP_DESIGN || whole[op->first_out];
    for (uint32_t i = 0; all && i < op->n_in; i++) w->live[op->in[i]] = true;
    if (op->kind == AML_OP_TREES) need_features(w, op);
}

static bool is_live(const aml_c_text *w, const aml_op *op) {
    for (uint32_t i = 0; i < op->n_out; i++)
        if (w->live[op->first_out + i]) return true;
    return false;
}

/* Backwards from the result; `whole`: designs that others than trees look at. */
static aml_status find_live(aml_c_text *w) {
    const aml_ir *ir = &w->p->ir;
    bool *whole = AML_ARRAY(w->scratch, ir->n_values + 1, bool);
    w->live = AML_ARRAY(w->scratch, ir->n_values + 1, bool);
    if (!whole || !w->live) return AML_ENOMEM;
    w->live[w->p->result] = true;
    for (uint32_t i = ir->n_ops; i-- > 0;) {
        const aml_op *op = &ir->ops[i];
        if (!is_live(w, op)) continue;
        if (op->kind != AML_OP_TREES && op->n_in && ir->values[op->in[0]].type == AML_IR_DESIGN)
            whole[op->in[0]] = true;
        need_inputs(w, op, whole);
    }
    return AML_OK;
}

static aml_status place_values(aml_c_text *w) {
    const aml_ir *ir = &w->p->ir;
    w->slot = AML_ARRAY(w->scratch, ir->n_values + 1, uint32_t);
    if (!w->slot) return AML_ENOMEM;
    for (uint32_t i = 0; i < ir->n_ops; i++) {
        const aml_op *op = &ir->ops[i];
        for (uint32_t k = 0; is_live(w, op) && k < op->n_out; k++) {
            uint32_t value = op->first_out + k;
            aml_ir_type type = ir->values[value].type;
            if (type <= AML_IR_TEXT) w->slot[value] = w->n_slots[type]++;
        }
    }
    return AML_OK;
}

/* A field for every input, used or not: the caller fills in a row as the model was trained on. */
static aml_status name_fields(aml_c_text *w) {
    const aml_ir *ir = &w->p->ir;
    const char **names = AML_ARRAY(w->scratch, ir->n_ops + 1, const char *);
    size_t n = 0;
    w->fields = AML_ARRAY(w->scratch, ir->n_ops + 1, const char *);
    if (!names || !w->fields) return AML_ENOMEM;
    for (uint32_t i = 0; i < ir->n_ops; i++)
        if (ir->ops[i].kind == AML_OP_INPUT) names[n++] = aml_op_text(&ir->ops[i], "column");
    const char **made = aml_c_identifiers(names, n, w->scratch);
    if (!made) return AML_ENOMEM;
    n = 0;
    for (uint32_t i = 0; i < ir->n_ops; i++)
        if (ir->ops[i].kind == AML_OP_INPUT) w->fields[i] = made[n++];
    return AML_OK;
}

/* ---- header */

static void put_field(aml_string *s, const aml_c_text *w, const aml_op *op) {
    const aml_ir_value *v = &w->p->ir.values[op->first_out];
    static const char *const what[] = {"number; NAN = missing", "category; NULL = missing",
                                       "seconds since 1970-01-01; NAN = missing",
                                       "text; NULL = missing"};
    bool text = v->type == AML_IR_CODE || v->type == AML_IR_TEXT;
    aml_string_printf(s, "    %s%s; /* ", text ? "const char *" : "double ",
                      w->fields[op - w->p->ir.ops]);
    aml_c_comment(s, aml_op_text(op, "column"));
    aml_string_printf(s, ": %s%s */\n", what[v->type],
                      w->live[op->first_out] ? "" : " (not looked at)");
}

static void put_struct(aml_string *s, const aml_c_text *w, const char *name) {
    size_t n = 0;
    aml_string_printf(s, "typedef struct %s_input {\n", name);
    for (uint32_t i = 0; i < w->p->ir.n_ops; i++) {
        if (w->p->ir.ops[i].kind != AML_OP_INPUT) continue;
        put_field(s, w, &w->p->ir.ops[i]);
        n++;
    }
    if (!n) aml_string_put(s, "    char none;\n");
    aml_string_printf(s, "} %s_input;\n\n", name);
}

static void put_what(aml_string *s, const aml_model *m, const char *upper, const char *name) {
    size_t k = aml_model_outputs(m);
    aml_string_printf(s, "enum { %s_OUTPUTS = %zu, %s_CLASSES = %d };\n", upper, k, upper,
                      m->n_classes);
    if (m->n_classes)
        aml_string_printf(s, "extern const char *const %s_class_names[%s_CLASSES];\n", name, upper);
    aml_string_put(s, "\n/* out[0 ");
    if (k > 1) aml_string_printf(s, "... %s_OUTPUTS - 1", upper);
    aml_string_put(s, m->kind == AML_REGRESSION ? "]: the prediction. Returns 0."
                      : k == 1
                          ? "]: the probability of the second class. Returns the class's number."
                          : "]: the classes' probabilities. Returns the class's number.");
    aml_string_put(s, " Any number of threads may call it. */\n");
    aml_string_printf(s, "int %s_predict(const %s_input *in, double *out);\n", name, name);
}

static void put_header(aml_string *s, const aml_c_text *w, const char *name, const char *upper) {
    const aml_model *m = w->p->model;
    aml_string_printf(s, "/* %s: predicts ", name);
    aml_c_comment(s, m->target);
    aml_string_printf(s, " (%s). Written by automl %s. */\n", aml_task_name(m->kind),
                      aml_version());
    aml_string_printf(s, "#ifndef %s_MODEL_H\n#define %s_MODEL_H\n\n", upper, upper);
    aml_string_put(s, "#ifdef __cplusplus\nextern \"C\" {\n#endif\n\n");
    put_struct(s, w, name);
    put_what(s, m, upper, name);
    aml_string_put(s, "\n#ifdef __cplusplus\n}\n#endif\n\n#endif\n");
}

/* ---- source */

static void put_preamble(aml_string *s, const aml_c_text *w, const char *header) {
    aml_string_put(s, "/* The same bits as automl's own predictions, with the same C library: for "
                      "this, sums must not "
                      "be fused and\n * floats not widened. Clang and GCC are told so here; others "
                      "may need an option. */\n");
    aml_string_put(s, "#include <float.h>\n#include <math.h>\n#include <stddef.h>\n"
                      "#include <stdint.h>\n#include <string.h>\n\n");
    if (header) aml_string_printf(s, "#include \"%s\"\n\n", header);
    aml_string_put(s, "#if defined(__clang__)\n#pragma STDC FP_CONTRACT OFF\n"
                      "#elif defined(__GNUC__)\n#pragma GCC optimize(\"fp-contract=off\")\n#endif\n"
                      "#if defined(__FAST_MATH__) || (defined(FLT_EVAL_METHOD) && FLT_EVAL_METHOD "
                      "!= 0)\n#error \"needs exact arithmetic: no -ffast-math, and SSE on x86\"\n"
                      "#endif\n\n");
    const struct {
        const char *name;
        size_t value;
    } sizes[] = {{"MOST_TERMS", w->terms},
                 {"TREE_FEATURES", w->tree_features},
                 {"NEAR_FEATURES", w->near_features},
                 {"NEAR_MOST", w->near_most},
                 {"NET_INPUTS", w->net_inputs},
                 {"NET_WIDTH", w->net_width},
                 {"NET_UNITS", w->net_units},
                 {"NET_OUTPUTS", w->net_outputs}};
    aml_string_put(s, "enum {");
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        aml_string_printf(s, "%s%s = %zu", i ? ", " : " ", sizes[i].name,
                          sizes[i].value ? sizes[i].value : 1);
    aml_string_put(s, " };\n");
    aml_string_printf(s, "typedef %s TREE_FEATURE;\ntypedef %s TREE_CHILD;\n\n",
                      w->tree_features < 64      ? "uint8_t"
                      : w->tree_features < 16384 ? "uint16_t"
                                                 : "uint32_t",
                      w->tree_nodes < 65536 ? "uint16_t" : "uint32_t");
}

static void put_slots(aml_string *s, const aml_c_text *w) {
    static const struct {
        const char *type, *name;
    } arrays[] = {{"float ", "v"}, {"int32_t ", "c"}, {"double ", "t"}, {"const char *", "s"}};
    for (int i = 0; i < 4; i++) {
        uint32_t n = w->n_slots[i];
        if (n) aml_string_printf(s, "    %s%s[%u];\n", arrays[i].type, arrays[i].name, n);
        else if (i < 2)
            aml_string_printf(s, "    %s%s[1] = {0};\n", arrays[i].type, arrays[i].name);
    }
    if (!w->n_slots[0]) aml_string_put(s, "    (void)v;\n");
    if (!w->n_slots[1]) aml_string_put(s, "    (void)c;\n");
}

/* Statements stand one in a line. */
static void put_indented(aml_string *s, const aml_string *body) {
    for (const char *at = body->text; at && *at;) {
        size_t n = strcspn(at, "\n");
        aml_string_put(s, "    ");
        aml_string_add(s, at, n + 1);
        at += n + 1;
    }
}

static void put_choice(aml_string *s, const aml_c_text *w) {
    const aml_model *m = w->p->model;
    size_t k = aml_model_outputs(m);
    aml_string_printf(s, "    memcpy(out, z%u, sizeof z%u);\n", w->p->result, w->p->result);
    if (m->kind == AML_REGRESSION) {
        aml_string_put(s, "    return 0;\n");
    } else if (m->n_classes == 2) {
        aml_string_put(s, "    return out[0] > ");
        aml_c_double(s, m->threshold);
        aml_string_put(s, ";\n");
    } else {
        aml_string_put(s, "    int best = 0;\n");
        aml_string_printf(s, "    for (int i = 1; i < %zu; i++)\n", k);
        aml_string_put(s, "        if (out[i] > out[best]) best = i;\n    return best;\n");
    }
}

static void put_predict(aml_string *s, const aml_c_text *w, const char *name, const char *upper) {
    const aml_model *m = w->p->model;
    if (m->n_classes) {
        aml_string_printf(s, "const char *const %s_class_names[%s_CLASSES] = {", name, upper);
        for (int i = 0; i < m->n_classes; i++) {
            aml_string_put(s, i ? ", " : "");
            aml_c_string(s, m->classes[i]);
        }
        aml_string_put(s, "};\n\n");
    }
    aml_string_printf(s, "int %s_predict(const %s_input *in, double *out) {\n", name, name);
    put_slots(s, w);
    aml_string_put(s, "    (void)in;\n");
    put_indented(s, &w->body);
    put_choice(s, w);
    aml_string_put(s, "}\n");
}

static void put_main(aml_string *s, const aml_c_text *w, const char *name, const char *upper) {
    size_t n = 0, size;
    aml_string_printf(s, "\n#ifdef %s_MAIN\n/* cc -std=c99 -D%s_MAIN, then give it CSV. */\n",
                      upper, upper);
    aml_string_printf(s, "#define MODEL_INPUT %s_input\n#define MODEL_PREDICT %s_predict\n", name,
                      name);
    aml_string_printf(s, "#define MODEL_OUTPUTS %s_OUTPUTS\n#define MODEL_CLASSES %s_CLASSES\n",
                      upper, upper);
    if (w->p->model->n_classes) aml_string_printf(s, "#define MODEL_NAMES %s_class_names\n", name);
    else aml_string_put(s, "static const char *const MODEL_NAMES[1] = {\"\"};\n");
    aml_string_put(s, "static const struct {\n    const char *name;\n    char kind;\n"
                      "    size_t offset;\n} inputs[] = {\n");
    for (uint32_t i = 0; i < w->p->ir.n_ops; i++) {
        const aml_op *op = &w->p->ir.ops[i];
        if (op->kind != AML_OP_INPUT) continue;
        aml_ir_type type = w->p->ir.values[op->first_out].type;
        aml_string_put(s, "    {");
        aml_c_string(s, aml_op_text(op, "column"));
        aml_string_printf(s, ", '%c', offsetof(%s_input, %s)},\n",
                          type == AML_IR_NUMBER ? 'n'
                          : type == AML_IR_TIME ? 't'
                                                : 's',
                          name, w->fields[i]);
        n++;
    }
    if (!n) aml_string_put(s, "    {\"\", 'n', 0}\n");
    aml_string_printf(s, "};\nenum { MODEL_INPUTS = %zu };\n\n", n);
    const char *text = aml_c_main(&size);
    aml_string_add(s, text, size);
    aml_string_put(s, "#endif\n");
}

/* ---- the whole */

static aml_status statements(aml_c_text *w) {
    const aml_ir *ir = &w->p->ir;
    w->n_pieces = aml_c_pieces();
    w->needs = AML_ARRAY(w->scratch, w->n_pieces + 1, bool);
    if (!w->needs) return AML_ENOMEM;
    AML_TRY(find_live(w));
    AML_TRY(place_values(w));
    AML_TRY(name_fields(w));
    for (uint32_t i = 0; i < ir->n_ops; i++)
        if (is_live(w, &ir->ops[i])) aml_c_op(w, &ir->ops[i]);
    return w->body.failed || w->tables.failed ? AML_ENOMEM : AML_OK;
}

aml_status aml_export_c(aml_string *out, aml_string *header, const aml_program *p,
                        const aml_export_names *names, aml_arena *scratch) {
    aml_c_text w = {.p = p, .scratch = scratch};
    const char *upper = aml_c_upper(names->prefix, scratch);
    aml_status status = upper ? statements(&w) : AML_ENOMEM;
    if (!status) {
        put_header(names->beside ? header : out, &w, names->prefix, upper);
        if (!names->beside) aml_string_put(out, "\n");
        put_preamble(out, &w, names->beside);
        status = aml_c_runtime(out, &w);
        aml_string_put(out, "\n");
        if (w.tables.length) aml_string_add(out, w.tables.text, w.tables.length);
        aml_string_put(out, "\n");
        put_predict(out, &w, names->prefix, upper);
        put_main(out, &w, names->prefix, upper);
    }
    aml_string_free(&w.tables);
    aml_string_free(&w.body);
    return status ? status : out->failed || header->failed ? AML_ENOMEM : AML_OK;
}
