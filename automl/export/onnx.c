/* onnx.c: a model as an ONNX file: its inputs, its operations, its outputs, and what is known of it.
 *
 * ai.onnx 21 and ai.onnx.ml 5, IR 10: the first whose trees give doubles. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "automl/export/onnx_write.h"
#include "automl/export/program.h"

/* ---- what operations become */

typedef enum grouping { ALONE, ALL, BY_SIGN, OF_NUMBERS, TO_NUMBERS } grouping;

static const struct {
    aml_onnx_rule write; /* NULL: cannot be said in ONNX */
    grouping together;   /* which of the kind are made together */
} rules[AML_N_OPS] = {
    [AML_OP_INPUT] = {aml_onnx_input_op, TO_NUMBERS},
    [AML_OP_MISSING] = {aml_onnx_missing, OF_NUMBERS},
    [AML_OP_MISSING_PATTERN] = {aml_onnx_missing_pattern, ALONE},
    [AML_OP_RECODE] = {aml_onnx_recode, ALONE},
    [AML_OP_LOOKUP] = {aml_onnx_lookup, ALONE},
    [AML_OP_ONE_HOT] = {aml_onnx_one_hot, ALONE},
    [AML_OP_FEW_VALUES] = {aml_onnx_few_values, ALONE},
    [AML_OP_ARITHMETIC] = {aml_onnx_arithmetic, BY_SIGN},
    [AML_OP_CROSS] = {aml_onnx_cross, ALONE},
    [AML_OP_WITHIN] = {aml_onnx_within, ALONE},
    [AML_OP_IMPUTE] = {aml_onnx_impute, ALL},
    [AML_OP_SCALE] = {aml_onnx_scale, ALL},
    [AML_OP_SCALE_POWER] = {aml_onnx_scale_power, ALL},
    [AML_OP_SCALE_GRID] = {aml_onnx_scale_grid, ALL},
    [AML_OP_DATE] = {aml_onnx_date, ALONE},
    [AML_OP_INDICATOR] = {aml_onnx_indicator, ALONE},
    [AML_OP_PROJECT] = {aml_onnx_project, ALONE},
    [AML_OP_PROJECT_SPARSE] = {aml_onnx_project_sparse, ALONE},
    [AML_OP_DISTANCES] = {aml_onnx_distances, ALONE},
    [AML_OP_DESIGN] = {aml_onnx_design, ALONE},
    [AML_OP_CONSTANT] = {aml_onnx_constant_op, ALONE},
    [AML_OP_LINEAR] = {aml_onnx_linear, ALONE},
    [AML_OP_BAYES] = {aml_onnx_bayes, ALONE},
    [AML_OP_TREES] = {aml_onnx_trees, ALONE},
    [AML_OP_NEIGHBOURS] = {aml_onnx_neighbours, ALONE},
    [AML_OP_NETWORK] = {aml_onnx_network, ALONE},
    [AML_OP_AFFINE] = {aml_onnx_affine, ALONE},
    [AML_OP_CLAMP] = {aml_onnx_clamp, ALONE},
    [AML_OP_DIVIDE] = {aml_onnx_divide, ALONE},
    [AML_OP_DIFFERENCE] = {aml_onnx_difference, ALONE},
    [AML_OP_EXP] = {aml_onnx_exp, ALONE},
    [AML_OP_SIGMOID] = {aml_onnx_sigmoid, ALONE},
    [AML_OP_SOFTMAX] = {aml_onnx_softmax, ALONE},
    [AML_OP_VOTE] = {aml_onnx_vote, ALONE},
    [AML_OP_MEAN] = {aml_onnx_mean, ALONE},
    [AML_OP_TEMPERATURE] = {aml_onnx_temperature, ALONE},
    [AML_OP_PLATT] = {aml_onnx_platt, ALONE},
    [AML_OP_ISOTONIC] = {aml_onnx_isotonic, ALONE},
};

/* Operations that the result does not need are as good as made. */
static aml_status find_needed(aml_onnx_writer *w, uint32_t result) {
    const aml_ir *ir = w->ir;
    bool *needed = aml_onnx_room(w, ir->n_values, sizeof *needed);
    if (!needed) return AML_ENOMEM;
    needed[result] = true;
    for (uint32_t i = ir->n_ops; i-- > 0;) {
        const aml_op *op = &ir->ops[i];
        bool any = false;
        for (uint32_t k = 0; k < op->n_out; k++) {
            any |= needed[op->first_out + k];
            w->maker[op->first_out + k] = op;
        }
        w->made[i] = !any;
        for (uint32_t k = 0; any && k < op->n_in; k++) needed[op->in[k]] = true;
    }
    return AML_OK;
}

/* ---- what cannot be said */

/* The step that makes an operation, for those that ONNX has no form for. */
static const char *step_of(aml_op_kind kind) {
    return kind == AML_OP_ITEMS ? "multi_hot" : "text_hash";
}

/* The column of the caller that an operation looks at first. */
static const char *column_of(const aml_onnx_writer *w, const aml_op *op) {
    while (op->n_in) op = w->maker[op->in[0]];
    const aml_attr *column = aml_op_find(op, "column");
    return column ? column->v.texts[0] : "";
}

static bool is_refused(const aml_onnx_writer *w, uint32_t i) {
    return !w->made[i] && !rules[w->ir->ops[i].kind].write;
}

/* Each column and step is said once. */
static bool is_said(const aml_onnx_writer *w, uint32_t op) {
    const aml_op *ops = w->ir->ops;
    for (uint32_t i = 0; i < op; i++)
        if (is_refused(w, i) && !strcmp(step_of(ops[i].kind), step_of(ops[op].kind)) &&
            !strcmp(column_of(w, &ops[i]), column_of(w, &ops[op])))
            return true;
    return false;
}

static aml_status refuse(const aml_onnx_writer *w, uint32_t first) {
    aml_string parts = {0};
    const aml_op *ops = w->ir->ops;
    for (uint32_t i = first; i < w->ir->n_ops; i++)
        if (is_refused(w, i) && !is_said(w, i))
            aml_string_printf(&parts, "%sstep `%s` on column `%s`", parts.length ? ", " : "",
                              step_of(ops[i].kind), column_of(w, &ops[i]));
    aml_status status =
        parts.failed
            ? AML_ENOMEM
            : aml_help(
                  aml_fail(AML_EUSAGE, "the model cannot be exported to ONNX: %s", parts.text),
                  "no operators of ONNX do to text what the step does",
                  "train with --drop %s, or with --featurization FILE whose text is {\"blocked\": "
                  "[\"%s\"]}; or export with --format c",
                  column_of(w, &ops[first]), step_of(ops[first].kind));
    aml_string_free(&parts);
    return status;
}

static aml_status check_rules(const aml_onnx_writer *w) {
    for (uint32_t i = 0; i < w->ir->n_ops; i++)
        if (is_refused(w, i)) return refuse(w, i);
    return AML_OK;
}

/* ---- operations */

static bool is_ready(const aml_onnx_writer *w, const aml_op *op) {
    for (uint32_t k = 0; k < op->n_in; k++)
        if (!w->made[w->maker[op->in[k]] - w->ir->ops]) return false;
    return true;
}

static bool goes_with(const aml_onnx_writer *w, const aml_op *a, const aml_op *b) {
    const aml_ir_value *value = w->ir->values;
    if (a->kind != b->kind) return false;
    switch (rules[a->kind].together) {
    case ALONE: return false;
    case ALL: return true;
    case BY_SIGN: return !strcmp(aml_op_text(a, "sign"), aml_op_text(b, "sign"));
    case OF_NUMBERS:
        return value[a->in[0]].type == AML_IR_NUMBER && value[b->in[0]].type == AML_IR_NUMBER;
    case TO_NUMBERS:
        return value[a->first_out].type == AML_IR_NUMBER &&
               value[b->first_out].type == AML_IR_NUMBER;
    }
    return false;
}

/* The operation and those like it that can be made now, up to the end of their chain. */
static size_t gather_group(const aml_op **group, aml_onnx_writer *w, uint32_t first) {
    const aml_ir *ir = w->ir;
    size_t n = 0;
    group[n++] = &ir->ops[first];
    for (uint32_t i = first + 1; i < ir->n_ops && ir->ops[i].kind != AML_OP_DESIGN; i++)
        if (!w->made[i] && goes_with(w, group[0], &ir->ops[i]) && is_ready(w, &ir->ops[i]))
            group[n++] = &ir->ops[i];
    for (size_t i = 0; i < n; i++) w->made[group[i] - ir->ops] = true;
    return n;
}

static void write_ops(aml_onnx_writer *w, const char *root) {
    const aml_op **group = aml_onnx_room(w, w->ir->n_ops, sizeof *group);
    for (uint32_t i = 0; group && i < w->ir->n_ops && !w->g.status; i++) {
        if (w->made[i]) continue;
        aml_op_kind kind = w->ir->ops[i].kind;
        w->g.scope = aml_printf(w->g.keep, "%s/%s", root, aml_op_names[kind]);
        if (!w->g.scope) w->g.status = AML_ENOMEM;
        else {
            size_t n = gather_group(group, w, i);
            rules[kind].write(w, group, n);
        }
    }
}

/* ---- inputs */

static aml_onnx_type type_of(aml_ir_type type) {
    return type == AML_IR_NUMBER || type == AML_IR_TIME ? AML_ONNX_DOUBLE : AML_ONNX_STRING;
}

static const char *about(aml_ir_type type) {
    switch (type) {
    case AML_IR_NUMBER: return "number; NaN = missing";
    case AML_IR_TIME: return "seconds since 1970-01-01T00:00:00 UTC; NaN = missing";
    case AML_IR_CODE: return "category; empty = missing";
    default: return "text; empty = missing";
    }
}

static bool is_wanted(const aml_onnx_writer *w, uint32_t i) {
    return w->ir->ops[i].kind == AML_OP_INPUT && !w->made[i];
}

/* Inputs that are looked at; the first one where none is, since it says how many rows there are. */
static aml_status declare_inputs(aml_onnx_writer *w) {
    const char *first = NULL;
    for (uint32_t i = 0; i < w->ir->n_ops && !first; i++)
        if (is_wanted(w, i)) first = aml_op_text(&w->ir->ops[i], "column");
    for (uint32_t i = 0; i < w->ir->n_ops; i++) {
        const aml_op *op = &w->ir->ops[i];
        if (!is_wanted(w, i) && (first || op->kind != AML_OP_INPUT)) continue;
        const char *name = aml_op_text(op, "column");
        aml_ir_type type = w->ir->values[op->first_out].type;
        aml_onnx_input(&w->g, name, type_of(type), 1, about(type));
        if (!first) first = name;
    }
    if (!first)
        return aml_help(aml_fail(AML_EUSAGE, "the model has no inputs"),
                        "an ONNX graph learns from them how many rows there are",
                        "export it as c or json, which need none");
    const aml_onnx_attribute range[] = {{.name = "start", .kind = AML_ATTRIBUTE_INT, .number = 0},
                                        {.name = "end", .kind = AML_ATTRIBUTE_INT, .number = 1}};
    aml_onnx_add(&w->g,
                 &(aml_onnx_node){.op = "Shape",
                                  .n_inputs = 1,
                                  .n_outputs = 1,
                                  .n_attributes = 2,
                                  .inputs = &first,
                                  .attributes = range},
                 &w->rows);
    return AML_OK;
}

/* Values get names that no input has: "/scale/Sub_7", with more slashes in front than any of these. */
static const char *root_of(const aml_program *p, aml_arena *keep) {
    size_t most = 0;
    for (uint32_t i = 0; i < p->ir.n_ops; i++) {
        if (p->ir.ops[i].kind != AML_OP_INPUT) continue;
        size_t n = strspn(aml_op_text(&p->ir.ops[i], "column"), "/");
        if (n > most) most = n;
    }
    char *root = aml_alloc(keep, most + 1, 1);
    if (root) memset(root, '/', most);
    return root;
}

/* ---- outputs */

/* `name`, or with as many "_" behind it as make it differ from all inputs. */
static const char *free_name(const aml_program *p, const char *name, aml_arena *keep) {
    for (uint32_t i = 0; name && i < p->ir.n_ops; i++) {
        const aml_op *op = &p->ir.ops[i];
        if (op->kind != AML_OP_INPUT || strcmp(aml_op_text(op, "column"), name) != 0) continue;
        return free_name(p, aml_printf(keep, "%s_", name), keep);
    }
    return name;
}

static void put_output(aml_onnx_writer *w, const aml_program *p, const char *name,
                       aml_onnx_value value, aml_onnx_type type, size_t width, const char *text) {
    name = free_name(p, name, w->g.keep);
    if (name) aml_onnx_output(&w->g, name, value, type, width, text);
    else w->g.status = AML_ENOMEM;
}

/* Are all classes whole numbers as we write them? Then labels are numbers. */
static bool whole_classes(int64_t *out, const aml_model *m) {
    for (int c = 0; c < m->n_classes; c++) {
        char again[32], *end;
        out[c] = strtoll(m->classes[c], &end, 10);
        snprintf(again, sizeof again, "%lld", (long long)out[c]);
        if (*end || strcmp(again, m->classes[c]) != 0) return false;
    }
    return true;
}

static void put_labels(aml_onnx_writer *w, const aml_program *p, aml_onnx_value class) {
    const aml_model *m = p->model;
    int64_t *number = aml_onnx_room(w, (size_t)m->n_classes, sizeof *number), n = m->n_classes;
    if (!number) return;
    bool whole = whole_classes(number, m);
    const aml_onnx_tensor names = {whole ? AML_ONNX_INT64 : AML_ONNX_STRING,
                                   1,
                                   {n},
                                   whole ? (const void *)number : m->classes};
    aml_onnx_value label = aml_onnx_op2(&w->g, "Gather", aml_onnx_constant(&w->g, &names), class);
    put_output(w, p, "label", label, names.type, 0, "the predicted class");
}

static void put_outputs(aml_onnx_writer *w, const aml_program *p) {
    const aml_model *m = p->model;
    aml_onnx_graph *g = &w->g;
    aml_onnx_value out = aml_onnx_of(w, p->result), class;
    size_t k = (size_t)m->n_classes;
    if (m->kind == AML_REGRESSION) {
        put_output(w, p, "value", out, AML_ONNX_DOUBLE, 1, "the prediction");
        return;
    }
    if (k == 2) {
        class = aml_onnx_cast(g, aml_onnx_op2(g, "Greater", out, aml_onnx_f64(g, m->threshold)),
                              AML_ONNX_INT64);
        class = aml_onnx_op2(g, "Squeeze", class, aml_onnx_i64s(g, (int64_t[]){1}, 1));
        aml_onnx_value both[] = {aml_onnx_op2(g, "Sub", aml_onnx_f64(g, 1), out), out};
        out = aml_onnx_concat(g, both, 2);
    } else {
        const aml_onnx_attribute attributes[] = {
            {.name = "axis", .kind = AML_ATTRIBUTE_INT, .number = 1},
            {.name = "keepdims", .kind = AML_ATTRIBUTE_INT, .number = 0}};
        aml_onnx_add(g,
                     &(aml_onnx_node){.op = "ArgMax",
                                      .n_inputs = 1,
                                      .n_outputs = 1,
                                      .n_attributes = 2,
                                      .inputs = &out,
                                      .attributes = attributes},
                     &class);
    }
    put_labels(w, p, class);
    put_output(w, p, "probabilities", out, AML_ONNX_DOUBLE, k, "of each class, in their order");
}

/* ---- the model */

static aml_status put_model(aml_string *out, aml_onnx_writer *w, const aml_program *p) {
    const aml_model *m = p->model;
    aml_string classes = {0}, pipelines = {0}, score = {0}, rows = {0};
    for (int c = 0; c < m->n_classes; c++)
        aml_string_printf(&classes, "%s%s", c ? "\n" : "", m->classes[c]);
    for (size_t i = 0; i < m->n_members; i++)
        aml_string_printf(&pipelines, "%s%s", i ? "\n" : "", m->members[i].pipeline);
    aml_string_double(&score, m->score.value);
    aml_string_printf(&rows, "%zu", m->n_rows);
    const aml_onnx_property properties[] = {{"task", aml_task_name(m->kind)},
                                            {"target", m->target},
                                            {"classes", classes.text ? classes.text : ""},
                                            {"metric", m->metric->name},
                                            {"score", score.text ? score.text : ""},
                                            {"validation", m->validation},
                                            {"pipelines", pipelines.text ? pipelines.text : ""},
                                            {"calibration", aml_model_calibration(m)},
                                            {"trained_rows", rows.text ? rows.text : ""},
                                            {"data_fingerprint", m->fingerprint},
                                            {"automl_version", m->version}};
    aml_writer file = {0};
    bool failed = classes.failed || pipelines.failed || score.failed || rows.failed;
    aml_status status =
        failed ? AML_ENOMEM
               : aml_onnx_model(&file, &w->g, "automl",
                                "A pipeline of automl: inputs are columns of [rows, 1].",
                                properties, sizeof properties / sizeof *properties);
    if (!status) aml_string_add(out, (const char *)file.data, file.size);
    aml_writer_free(&file);
    aml_string_free(&classes);
    aml_string_free(&pipelines);
    aml_string_free(&score);
    aml_string_free(&rows);
    return status;
}

static aml_status write_graph(aml_string *out, aml_onnx_writer *w, const aml_program *p) {
    const char *root = root_of(p, w->g.keep);
    w->place = aml_onnx_room(w, p->ir.n_values, sizeof *w->place);
    w->maker = aml_onnx_room(w, p->ir.n_values, sizeof *w->maker);
    w->made = aml_onnx_room(w, p->ir.n_ops, sizeof *w->made);
    if (!root || !w->place || !w->maker || !w->made) return AML_ENOMEM;
    w->g.scope = root;
    AML_TRY(find_needed(w, p->result));
    AML_TRY(check_rules(w));
    AML_TRY(declare_inputs(w));
    write_ops(w, root);
    w->g.scope = root;
    put_outputs(w, p);
    return w->g.status ? w->g.status : put_model(out, w, p);
}

aml_status aml_export_onnx(aml_string *out, aml_string *beside, const aml_program *p,
                           const aml_export_names *names, aml_arena *scratch) {
    aml_onnx_writer w = {.ir = &p->ir};
    (void)beside, (void)names;
    aml_onnx_graph_init(&w.g, scratch);
    aml_status status = write_graph(out, &w, p);
    aml_onnx_graph_free(&w.g);
    return status;
}
