/* lower.c: making and reading the intermediate form. */
#include "automl/core/lower.h"

#include <assert.h>
#include <string.h>

const char *const aml_ir_types[] = {"number", "code", "time", "text", "sparse", "design", "vector"};
#define OP_NAME(name, text) [AML_OP_##name] = text,
const char *const aml_op_names[] = {AML_OPS(OP_NAME)};

void aml_ir_start(aml_ir *ir, aml_arena *keep) { *ir = (aml_ir){.keep = keep}; }

/* Room for one more; items move. False when memory is short. */
static bool grow(aml_ir *ir, void **items, uint32_t n, uint32_t *room, size_t size) {
    if (ir->status) return false;
    if (n < *room) return true;
    uint32_t more = *room ? 2 * *room : 64;
    void *v = aml_alloc(ir->keep, more, size);
    if (!v) {
        ir->status = AML_ENOMEM;
        return false;
    }
    if (n) memcpy(v, *items, n * size);
    *items = v;
    *room = more;
    return true;
}

void aml_ir_op(aml_ir *ir, aml_op_kind kind, const uint32_t *in, size_t n_in) {
    void *ops = ir->ops;
    if (!grow(ir, &ops, ir->n_ops, &ir->op_room, sizeof *ir->ops)) return;
    ir->ops = ops;
    uint32_t *copy = aml_alloc_raw(ir->keep, n_in, sizeof *copy);
    if (!copy) {
        ir->status = AML_ENOMEM;
        return;
    }
    if (n_in) memcpy(copy, in, n_in * sizeof *copy);
    ir->ops[ir->n_ops++] =
        (aml_op){.kind = kind, .n_in = (uint32_t)n_in, .in = copy, .first_out = ir->n_values};
}

void aml_ir_op1(aml_ir *ir, aml_op_kind kind, uint32_t in) { aml_ir_op(ir, kind, &in, 1); }

uint32_t aml_ir_out(aml_ir *ir, aml_ir_type type, size_t width) {
    void *values = ir->values;
    if (!grow(ir, &values, ir->n_values, &ir->value_room, sizeof *ir->values)) return 0;
    ir->values = values;
    ir->values[ir->n_values] = (aml_ir_value){.type = type, .width = (uint32_t)width};
    ir->ops[ir->n_ops - 1].n_out++;
    return ir->n_values++;
}

/* ---- attributes */

size_t aml_attr_size(aml_attr_type type) {
    static const size_t size[] = {
        [AML_F32] = sizeof(float),    [AML_F64] = sizeof(double), [AML_I32] = sizeof(int32_t),
        [AML_U32] = sizeof(uint32_t), [AML_U8] = sizeof(uint8_t), [AML_TEXTS] = sizeof(char *)};
    return size[type];
}

static void add(aml_ir *ir, const char *name, aml_attr_type type, bool scalar, const void *v,
                size_t n) {
    if (ir->status) return;
    aml_attr *a = AML_NEW(ir->keep, aml_attr);
    if (!a) {
        ir->status = AML_ENOMEM;
        return;
    }
    *a = (aml_attr){.name = name, .type = type, .scalar = scalar, .n = n, .v.any = v};
    aml_attr **at = &ir->ops[ir->n_ops - 1].attrs;
    while (*at) at = &(*at)->next;
    *at = a;
}

static void add_copy(aml_ir *ir, const char *name, aml_attr_type type, const void *v) {
    if (ir->status) return;
    void *copy = aml_copy(ir->keep, v, aml_attr_size(type));
    if (copy) add(ir, name, type, true, copy, 1);
    else ir->status = AML_ENOMEM;
}

void aml_ir_f32(aml_ir *ir, const char *name, double x) {
    float v = (float)x;
    add_copy(ir, name, AML_F32, &v);
}
void aml_ir_f64(aml_ir *ir, const char *name, double x) { add_copy(ir, name, AML_F64, &x); }
void aml_ir_u32(aml_ir *ir, const char *name, size_t x) {
    uint32_t v = (uint32_t)x;
    add_copy(ir, name, AML_U32, &v);
}
void aml_ir_text(aml_ir *ir, const char *name, const char *text) {
    add_copy(ir, name, AML_TEXTS, &text);
}
void aml_ir_array(aml_ir *ir, const char *name, aml_attr_type type, const void *v, size_t n) {
    add(ir, name, type, false, v, n);
}

void *aml_ir_new(aml_ir *ir, const char *name, aml_attr_type type, size_t n) {
    if (ir->status) return NULL;
    void *v = aml_alloc(ir->keep, n, aml_attr_size(type));
    if (v) add(ir, name, type, false, v, n);
    else ir->status = AML_ENOMEM;
    return ir->status ? NULL : v;
}

const aml_attr *aml_op_find(const aml_op *op, const char *name) {
    const aml_attr *a = op->attrs;
    while (a && strcmp(a->name, name) != 0) a = a->next;
    return a;
}

const aml_attr *aml_op_attr(const aml_op *op, const char *name) {
    const aml_attr *a = aml_op_find(op, name);
    assert(a);
    return a;
}

double aml_op_real(const aml_op *op, const char *name) {
    const aml_attr *a = aml_op_attr(op, name);
    switch (a->type) {
    case AML_F32: return (double)a->v.f32[0];
    case AML_F64: return a->v.f64[0];
    case AML_I32: return a->v.i32[0];
    case AML_U32: return a->v.u32[0];
    case AML_U8: return a->v.u8[0];
    default: assert(false); return 0;
    }
}

const char *aml_op_text(const aml_op *op, const char *name) {
    return aml_op_attr(op, name)->v.texts[0];
}

/* ---- columns */

aml_ir_columns aml_ir_columns_of(aml_ir *ir, const aml_ir_table *from) {
    aml_ir_columns c = {.ir = ir, .from = from};
    for (size_t i = 0; i < from->n_sparse; i++) aml_ir_push(&c, from->sparse[i]);
    return c;
}

static void append(aml_ir *ir, uint32_t **list, size_t *n, size_t *room, uint32_t value) {
    if (*n == *room) {
        size_t more = *room ? 2 * *room : 32;
        uint32_t *v = AML_ARRAY(ir->keep, more, uint32_t);
        if (!v) {
            ir->status = AML_ENOMEM;
            return;
        }
        if (*n) memcpy(v, *list, *n * sizeof *v);
        *list = v;
        *room = more;
    }
    (*list)[(*n)++] = value;
}

void aml_ir_push(aml_ir_columns *c, uint32_t value) {
    aml_ir *ir = c->ir;
    if (ir->status) return;
    if (ir->values[value].type == AML_IR_SPARSE)
        append(ir, &c->to.sparse, &c->to.n_sparse, &c->sparse_room, value);
    else append(ir, &c->to.column, &c->to.n, &c->room, value);
}
