/* json.c: the intermediate form as JSON: {"format": "automl", "version": 1, …, "values": […], "operations": […]}. */
#include <math.h>

#include "automl/core/json.h"
#include "automl/export/program.h"

static void put_texts(aml_string *s, const char *const *texts, size_t n) {
    aml_string_put(s, "[");
    for (size_t i = 0; i < n; i++) {
        if (i) aml_string_put(s, ",");
        aml_json_put_string(s, texts[i]);
    }
    aml_string_put(s, "]");
}

/* JSON has no infinity: thresholds that part missing cells from all others are such. */
static void put_number(aml_string *s, double x) {
    if (isinf(x)) aml_string_put(s, x > 0 ? "\"inf\"" : "\"-inf\"");
    else aml_json_put_number(s, x);
}

static void put_item(aml_string *s, const aml_attr *a, size_t i) {
    switch (a->type) {
    case AML_F32: put_number(s, (double)a->v.f32[i]); return;
    case AML_F64: put_number(s, a->v.f64[i]); return;
    case AML_I32: aml_string_printf(s, "%d", a->v.i32[i]); return;
    case AML_U32: aml_string_printf(s, "%u", a->v.u32[i]); return;
    case AML_U8: aml_string_printf(s, "%u", a->v.u8[i]); return;
    case AML_TEXTS: aml_json_put_string(s, a->v.texts[i]); return;
    }
}

static void put_attr(aml_string *s, const aml_attr *a) {
    aml_json_key(s, a->name);
    if (!a->scalar) aml_string_put(s, "[");
    for (size_t i = 0; i < a->n; i++) {
        if (i) aml_string_put(s, ",");
        put_item(s, a, i);
    }
    if (!a->scalar) aml_string_put(s, "]");
}

static void put_op(aml_string *s, const aml_op *op) {
    aml_string_put(s, "{");
    aml_json_add_string(s, "op", aml_op_names[op->kind]);
    aml_json_key(s, "in");
    aml_string_put(s, "[");
    for (uint32_t i = 0; i < op->n_in; i++) aml_string_printf(s, i ? ",%u" : "%u", op->in[i]);
    aml_string_put(s, "]");
    aml_json_key(s, "out");
    aml_string_put(s, "[");
    for (uint32_t i = 0; i < op->n_out; i++)
        aml_string_printf(s, i ? ",%u" : "%u", op->first_out + i);
    aml_string_put(s, "]");
    for (const aml_attr *a = op->attrs; a; a = a->next) put_attr(s, a);
    aml_string_put(s, "}");
}

static void put_value(aml_string *s, const aml_ir_value *v) {
    aml_string_put(s, "{");
    aml_json_add_string(s, "type", aml_ir_types[v->type]);
    if (v->name) aml_json_add_string(s, "name", v->name);
    if (v->type == AML_IR_CODE || v->type >= AML_IR_SPARSE)
        aml_json_add_number(s, "width", (double)v->width);
    if (v->type == AML_IR_DESIGN) aml_json_add_number(s, "sparse", (double)v->sparse);
    aml_string_put(s, "}");
}

static void put_head(aml_string *s, const aml_model *m) {
    aml_json_add_string(s, "format", "automl");
    aml_json_add_number(s, "version", 1);
    aml_json_add_string(s, "automl", m->version);
    aml_json_add_string(s, "task", aml_task_name(m->kind));
    aml_json_add_string(s, "target", m->target);
    aml_json_key(s, "classes");
    put_texts(s, m->classes, (size_t)m->n_classes);
    if (m->n_classes == 2) aml_json_add_number(s, "threshold", m->threshold);
}

aml_status aml_export_json(aml_string *s, aml_string *beside, const aml_program *p,
                           const aml_export_names *names, aml_arena *scratch) {
    (void)beside, (void)names, (void)scratch;
    aml_string_put(s, "{");
    put_head(s, p->model);
    aml_json_add_number(s, "result", (double)p->result);
    aml_json_key(s, "values");
    aml_string_put(s, "[");
    for (uint32_t i = 0; i < p->ir.n_values; i++) {
        aml_string_put(s, i ? ",\n" : "\n");
        put_value(s, &p->ir.values[i]);
    }
    aml_string_put(s, "],\n\"operations\":[");
    for (uint32_t i = 0; i < p->ir.n_ops; i++) {
        aml_string_put(s, i ? ",\n" : "\n");
        put_op(s, &p->ir.ops[i]);
    }
    aml_string_put(s, "]}\n");
    return s->failed ? AML_ENOMEM : AML_OK;
}
