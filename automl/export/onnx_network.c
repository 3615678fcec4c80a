/* onnx_network.c: a network in float, as lower.h says. Layers are [members, rows, width], inputs and products of the
 * first layer [rows, *]. */
#include <math.h>
#include <string.h>

#include "automl/export/onnx_write.h"

enum { LEAST_EXPONENT = -126, MOST_EXPONENT = 127, SUMS = 16, FEW = 64 };

typedef struct network {
    aml_onnx_writer *w;
    aml_onnx_graph *g;
    const aml_op *op;
    size_t p, inputs, plain, ramps, waves, layers, width, members, outputs;
    const char *activation, *link;
    bool residual;
} network;

static const float *floats(const network *n, const char *name) {
    return aml_op_attr(n->op, name)->v.f32;
}

static network read_network(aml_onnx_writer *w, const aml_op *op) {
    network n = {.w = w, .g = &w->g, .op = op, .p = w->ir->values[op->in[0]].width};
    const struct {
        size_t *to;
        const char *name;
    } sizes[] = {{&n.plain, "plain"},    {&n.ramps, "ramps"},   {&n.waves, "waves"},
                 {&n.width, "width"},    {&n.layers, "layers"}, {&n.members, "members"},
                 {&n.outputs, "outputs"}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        *sizes[i].to = (size_t)aml_op_real(op, sizes[i].name);
    n.inputs = n.ramps + n.waves;
    n.activation = aml_op_text(op, "activation");
    n.link = aml_op_text(op, "link");
    n.residual = aml_op_real(op, "residual") > 0;
    return n;
}

/* ---- arithmetic in float */

static aml_onnx_value plus(const network *n, aml_onnx_value a, aml_onnx_value b) {
    return aml_onnx_op2(n->g, "Add", a, b);
}
static aml_onnx_value minus(const network *n, aml_onnx_value a, aml_onnx_value b) {
    return aml_onnx_op2(n->g, "Sub", a, b);
}
static aml_onnx_value times(const network *n, aml_onnx_value a, aml_onnx_value b) {
    return aml_onnx_op2(n->g, "Mul", a, b);
}
static aml_onnx_value number(const network *n, float x) { return aml_onnx_f32(n->g, x); }

/* ((c[0] x + c[1]) x + …) + c[size - 1] */
static aml_onnx_value polynomial(const network *n, aml_onnx_value x, const float *c, size_t size) {
    aml_onnx_value y = number(n, c[0]);
    for (size_t i = 1; i < size; i++) y = plus(n, times(n, y, x), number(n, c[i]));
    return y;
}

static aml_onnx_value power_of_two(const network *n, aml_onnx_value k) {
    float table[MOST_EXPONENT - LEAST_EXPONENT + 1];
    for (int e = LEAST_EXPONENT; e <= MOST_EXPONENT; e++) table[e - LEAST_EXPONENT] = ldexpf(1, e);
    aml_onnx_value at = aml_onnx_op2(n->g, "Sub", aml_onnx_cast(n->g, k, AML_ONNX_INT64),
                                     aml_onnx_i64(n->g, LEAST_EXPONENT));
    return aml_onnx_op2(n->g, "Gather", aml_onnx_f32s(n->g, table, sizeof table / sizeof *table, 0),
                        at);
}

/* learners/parts/exp_f32.h, operation by operation. */
static aml_onnx_value exponential(const network *n, aml_onnx_value x) {
    static const float c[] = {1.9875691500e-4f, 1.3981999507e-3f, 8.3334519073e-3f,
                              4.1665795894e-2f, 1.6666665459e-1f, 5.0000001201e-1f};
    x = aml_onnx_within_f32(n->g, x, -87, 88);
    aml_onnx_value k = aml_onnx_op1(n->g, "Round", times(n, x, number(n, 1.44269504f)));
    aml_onnx_value r = minus(n, x, times(n, k, number(n, 0.693359375f)));
    r = plus(n, r, times(n, k, number(n, 2.12194440e-4f)));
    aml_onnx_value y = polynomial(n, r, c, sizeof c / sizeof *c);
    y = plus(n, plus(n, times(n, times(n, y, r), r), r), number(n, 1));
    return times(n, y, power_of_two(n, k));
}

/* 1 / x, by way of double: ONNX Runtime's own in float is off by a bit. */
static aml_onnx_value inverse(const network *n, aml_onnx_value x) {
    aml_onnx_value y =
        aml_onnx_op2(n->g, "Div", aml_onnx_f64(n->g, 1), aml_onnx_cast(n->g, x, AML_ONNX_DOUBLE));
    return aml_onnx_cast(n->g, y, AML_ONNX_FLOAT);
}

static aml_onnx_value logistic(const network *n, aml_onnx_value x) {
    return inverse(n, plus(n, number(n, 1), exponential(n, aml_onnx_op1(n->g, "Neg", x))));
}

/* ---- inputs */

/* Slice begin … end - 1 of the last dimension. */
static aml_onnx_value last_part(const network *n, aml_onnx_value x, size_t begin, size_t end) {
    aml_onnx_value inputs[] = {x, aml_onnx_i64s(n->g, (int64_t[]){(int64_t)begin}, 1),
                               aml_onnx_i64s(n->g, (int64_t[]){(int64_t)end}, 1),
                               aml_onnx_i64s(n->g, (int64_t[]){-1}, 1)};
    aml_onnx_value out;
    aml_onnx_add(n->g,
                 &(aml_onnx_node){.op = "Slice", .n_inputs = 4, .n_outputs = 1, .inputs = inputs},
                 &out);
    return out;
}

static aml_onnx_value pick(const network *n, aml_onnx_value x, const uint32_t *column,
                           size_t size) {
    int64_t *at = aml_onnx_room(n->w, size, sizeof *at);
    if (!at) return "";
    for (size_t i = 0; i < size; i++) at[i] = column[i];
    aml_onnx_value inputs[] = {x, aml_onnx_i64s(n->g, at, size)};
    return aml_onnx_op_with(n->g, "Gather", inputs, 2, "axis", 1);
}

/* o / sqrt(1 + o² / 16); a root in double that is rounded to float is the root in float, rounded. */
static aml_onnx_value squash(const network *n, aml_onnx_value o) {
    aml_onnx_value s = plus(n, number(n, 1), times(n, times(n, o, o), number(n, 1.0f / 16)));
    s = aml_onnx_op1(n->g, "Sqrt", aml_onnx_cast(n->g, s, AML_ONNX_DOUBLE));
    return aml_onnx_op2(n->g, "Div", o, aml_onnx_cast(n->g, s, AML_ONNX_FLOAT));
}

static aml_onnx_value make_ramps(const network *n) {
    aml_onnx_graph *g = n->g;
    aml_onnx_value x = aml_onnx_of(n->w, n->op->in[0]);
    aml_onnx_value low = aml_onnx_f32s(g, floats(n, "low"), 1, n->ramps);
    x = aml_onnx_op3(g, "Where", aml_onnx_op1(g, "IsNaN", x), number(n, 0), x);
    x = pick(n, x, aml_op_attr(n->op, "source")->v.u32, n->ramps);
    x = minus(n, x, aml_onnx_f32s(g, floats(n, "origin"), 1, n->ramps));
    x = times(n, x, aml_onnx_f32s(g, floats(n, "slope"), 1, n->ramps));
    x = aml_onnx_op3(g, "Where", aml_onnx_op2(g, "Greater", x, low), x, low);
    x = aml_onnx_op2(g, "Min", x, aml_onnx_f32s(g, floats(n, "high"), 1, n->ramps));
    if (!n->plain) return x;
    aml_onnx_value parts[] = {squash(n, last_part(n, x, 0, n->plain)), NULL};
    if (n->plain == n->ramps) return parts[0];
    parts[1] = last_part(n, x, n->plain, n->ramps);
    return aml_onnx_concat(g, parts, 2);
}

/* 1 - 2 sin²(pi t), t = what turns have beyond whole ones. */
static aml_onnx_value make_waves(const network *n, aml_onnx_value ramps) {
    static const float c[] = {-0.00737043f, 0.0821458866f, -0.599264529f,
                              2.55016404f,  -5.16771278f,  3.14159265f};
    aml_onnx_graph *g = n->g;
    aml_onnx_value o = pick(n, ramps, aml_op_attr(n->op, "source")->v.u32 + n->ramps, n->waves);
    aml_onnx_value turns =
        plus(n, times(n, aml_onnx_f32s(g, floats(n, "frequency"), 1, n->waves), o),
             aml_onnx_f32s(g, floats(n, "phase"), 1, n->waves));
    turns = aml_onnx_within_f32(g, turns, -1e6f, 1e6f);
    aml_onnx_value t = minus(n, turns, aml_onnx_op1(g, "Round", turns));
    aml_onnx_value s = times(n, t, polynomial(n, times(n, t, t), c, sizeof c / sizeof *c));
    return minus(n, number(n, 1), times(n, times(n, number(n, 2), s), s));
}

static aml_onnx_value make_inputs(const network *n) {
    if (!n->ramps) return NULL;
    aml_onnx_value parts[] = {make_ramps(n), NULL};
    if (!n->waves) return parts[0];
    parts[1] = make_waves(n, parts[0]);
    return aml_onnx_concat(n->g, parts, 2);
}

/* ---- layers */

/* z (double) + a column of a times a row of weights, rounded to float: what a fused multiply-add of floats gives, since
 * the product is exact in double. (It differs where the sum in double lies just between two floats: once in 2^29.) */
static void put_fused_step(aml_writer *out, const network *n) {
    aml_onnx_graph body;
    aml_onnx_value in[3]; /* z, column, row */
    aml_onnx_body_begin(&body, n->g, in, 3);
    aml_onnx_value sum =
        aml_onnx_op2(&body, "Add", in[0], aml_onnx_op2(&body, "Mul", in[1], in[2]));
    sum = aml_onnx_cast(&body, aml_onnx_cast(&body, sum, AML_ONNX_FLOAT), AML_ONNX_DOUBLE);
    aml_onnx_body_end(out, &body, n->g, sum);
}

/* The product of a [*, inner] and weights, input by input from `zero` on, as the engine adds: a sum in another order, or
 * one that is rounded once, is another float, which is much where probabilities are small. */
static aml_onnx_value product(const network *n, aml_onnx_value zero, aml_onnx_value a,
                              const aml_onnx_tensor *weight) {
    const int64_t axes[] = {-2, weight->rank == 2 ? 0 : 1};
    aml_writer body = {0};
    put_fused_step(&body, n);
    const aml_onnx_attribute attributes[] = {
        {.name = "body", .kind = AML_ATTRIBUTE_GRAPH, .graph = &body},
        {.name = "num_scan_inputs", .kind = AML_ATTRIBUTE_INT, .number = 2},
        {.name = "scan_input_axes", .kind = AML_ATTRIBUTE_INTS, .numbers = axes, .n = 2}};
    aml_onnx_value column = aml_onnx_op2(n->g, "Unsqueeze", aml_onnx_cast(n->g, a, AML_ONNX_DOUBLE),
                                         aml_onnx_i64s(n->g, (int64_t[]){-1}, 1));
    aml_onnx_value inputs[] = {
        zero, column, aml_onnx_cast(n->g, aml_onnx_constant(n->g, weight), AML_ONNX_DOUBLE)};
    aml_onnx_value out;
    aml_onnx_add(n->g,
                 &(aml_onnx_node){.op = "Scan",
                                  .n_inputs = 3,
                                  .n_outputs = 1,
                                  .n_attributes = 3,
                                  .inputs = inputs,
                                  .attributes = attributes},
                 &out);
    aml_writer_free(&body);
    return aml_onnx_cast(n->g, out, AML_ONNX_FLOAT);
}

/* Zeros: [members, rows, width]. */
static aml_onnx_value zeros(const network *n, size_t width) {
    aml_onnx_value size[] = {aml_onnx_i64s(n->g, (int64_t[]){(int64_t)n->members}, 1), n->w->rows,
                             aml_onnx_i64s(n->g, (int64_t[]){(int64_t)width}, 1)};
    return aml_onnx_op2(n->g, "Expand", aml_onnx_f64(n->g, 0),
                        aml_onnx_op_with(n->g, "Concat", size, 3, "axis", 0));
}

/* [members, 1, width] of layer l. */
static aml_onnx_value of_members(const network *n, const char *name, size_t l) {
    const aml_onnx_tensor t = {AML_ONNX_FLOAT,
                               3,
                               {(int64_t)n->members, 1, (int64_t)n->width},
                               floats(n, name) + l * n->members * n->width};
    return aml_onnx_constant(n->g, &t);
}

static aml_onnx_value activate(const network *n, aml_onnx_value u) {
    const float scale = 1.05070098735548f, alpha = 1.67326324235438f, both = scale * alpha;
    if (!strcmp(n->activation, "relu")) return aml_onnx_op1(n->g, "Relu", u);
    if (!strcmp(n->activation, "silu")) return times(n, u, logistic(n, u));
    aml_onnx_value low = minus(n, times(n, number(n, both), exponential(n, u)), number(n, both));
    aml_onnx_value up = aml_onnx_op2(n->g, "Greater", u, number(n, 0));
    return aml_onnx_op3(n->g, "Where", up, times(n, number(n, scale), u), low);
}

static aml_onnx_tensor matrix(const float *weight, size_t rows, size_t columns) {
    return (aml_onnx_tensor){AML_ONNX_FLOAT, 2, {(int64_t)rows, (int64_t)columns}, weight};
}

/* What the entry of a sparse feature adds to the first products: v times its weights, and v is that of a 1. */
static float of_entry(const network *n) {
    float b = fminf(fmaxf((float)aml_op_real(n->op, "term_factor"), -1e6f), 1e6f);
    return b / sqrtf(1 + b * b * (1.0f / 16));
}

/* Adds the entries of one sparse value, which has the design's sparse columns from `first` on. */
static aml_onnx_value add_entries(const network *n, aml_onnx_value z, uint32_t sparse,
                                  size_t first) {
    const aml_attr *term = aml_op_attr(n->op, "term");
    const float *weight = floats(n, "term_weight"), v = of_entry(n);
    size_t columns = n->w->ir->values[sparse].width;
    float *table = aml_onnx_room(n->w, (columns + 1) * n->width, sizeof *table);
    if (!table) return "";
    for (size_t t = 0; t < term->n; t++) {
        if (term->v.u32[t] < first || term->v.u32[t] >= first + columns) continue;
        float *row = table + (term->v.u32[t] - first) * n->width;
        for (size_t u = 0; u < n->width; u++) row[u] = v * weight[t * n->width + u];
    }
    aml_onnx_value rows = aml_onnx_f32s(n->g, table, columns + 1, n->width);
    return plus(n, z, aml_onnx_take_rows(n->g, rows, aml_onnx_of(n->w, sparse)));
}

static aml_onnx_value first_products(const network *n, aml_onnx_value x) {
    const aml_op *design = n->w->maker[n->op->in[0]];
    double *zero = aml_onnx_room(n->w, n->width, sizeof *zero);
    size_t first = 0;
    if (!zero) return "";
    aml_onnx_value none = aml_onnx_every_row(n->w, zero, n->width);
    const aml_onnx_tensor weight = matrix(floats(n, "weight"), n->inputs, n->width);
    aml_onnx_value z = x ? product(n, none, x, &weight) : aml_onnx_cast(n->g, none, AML_ONNX_FLOAT);
    for (uint32_t i = 0; i < design->n_in; i++) {
        const aml_ir_value *in = &n->w->ir->values[design->in[i]];
        if (in->type != AML_IR_SPARSE) continue;
        z = add_entries(n, z, design->in[i], first);
        first += in->width;
    }
    return z;
}

static aml_onnx_value make_layers(const network *n, aml_onnx_value x) {
    const float *weight = floats(n, "weight") + n->inputs * n->width;
    aml_onnx_value a = NULL, z = first_products(n, x);
    for (size_t l = 0; l < n->layers; l++) {
        if (l) {
            const aml_onnx_tensor next = matrix(weight, n->width, n->width);
            z = product(n, zeros(n, n->width), a, &next);
            weight += n->width * n->width;
        }
        aml_onnx_value next =
            activate(n, plus(n, times(n, z, of_members(n, "scale", l)), of_members(n, "bias", l)));
        a = l && n->residual ? plus(n, next, a) : next;
    }
    return a;
}

/* ---- outputs: [members, rows, outputs] */

/* Unit u to sum u mod 16, the sums in halves. The last of them may lack units: they count as 0. */
static aml_onnx_value sum_units(const network *n, aml_onnx_value x) {
    aml_onnx_value sum = NULL;
    size_t whole = n->width / SUMS * SUMS;
    for (size_t u = 0; u < whole; u += SUMS) {
        aml_onnx_value some = last_part(n, x, u, u + SUMS);
        sum = sum ? plus(n, sum, some) : some;
    }
    if (whole < n->width) {
        aml_onnx_value rest[] = {last_part(n, x, whole, n->width), NULL};
        size_t room = SUMS - (n->width - whole);
        rest[1] = times(n, last_part(n, x, 0, room), number(n, 0));
        aml_onnx_value some = aml_onnx_op_with(n->g, "Concat", rest, 2, "axis", -1);
        sum = sum ? plus(n, sum, some) : some;
    }
    for (size_t half = SUMS / 2; half; half /= 2)
        sum = plus(n, last_part(n, sum, 0, half), last_part(n, sum, half, 2 * half));
    return sum;
}

static aml_onnx_value make_head(const network *n, aml_onnx_value a) {
    int64_t m = (int64_t)n->members, width = (int64_t)n->width, k = (int64_t)n->outputs;
    const aml_onnx_tensor one = {AML_ONNX_FLOAT, 3, {m, 1, width}, floats(n, "head")},
                          many = {AML_ONNX_FLOAT, 4, {m, width, 1, k}, floats(n, "head")},
                          bias = {AML_ONNX_FLOAT, 3, {m, 1, k}, floats(n, "head_bias")};
    aml_onnx_value out = k == 1 ? sum_units(n, times(n, a, aml_onnx_constant(n->g, &one)))
                                : product(n, zeros(n, n->outputs), a, &many);
    return plus(n, out, aml_onnx_constant(n->g, &bias));
}

static aml_onnx_value over_last(const network *n, const char *op, aml_onnx_value x) {
    return aml_onnx_op2(n->g, op, x, aml_onnx_i64s(n->g, (int64_t[]){-1}, 1));
}

/* What a softmax lacks to sum 1 is put right behind it. */
static aml_onnx_value softmax(const network *n, aml_onnx_value z) {
    aml_onnx_value e = exponential(n, minus(n, z, over_last(n, "ReduceMax", z)));
    aml_onnx_value sum = over_last(n, "ReduceSum", e);
    if (n->outputs > FEW) return aml_onnx_op2(n->g, "Div", e, sum);
    return times(n, e, inverse(n, sum));
}

static aml_onnx_value mean_of_members(const network *n, aml_onnx_value z) {
    aml_onnx_graph *g = n->g;
    aml_onnx_value inputs[] = {aml_onnx_cast(g, z, AML_ONNX_DOUBLE),
                               aml_onnx_i64s(g, (int64_t[]){0}, 1)};
    aml_onnx_value sum = aml_onnx_op_with(g, "ReduceSum", inputs, 2, "keepdims", 0);
    return aml_onnx_op2(g, "Div", sum, aml_onnx_f64(g, (double)n->members));
}

void aml_onnx_network(aml_onnx_writer *w, const aml_op *const *ops, size_t n_ops) {
    network n = read_network(w, ops[0]);
    bool classes = !strcmp(n.link, "softmax");
    (void)n_ops;
    aml_onnx_value z = make_head(&n, make_layers(&n, make_inputs(&n)));
    if (classes) z = softmax(&n, z);
    if (!strcmp(n.link, "logistic")) z = logistic(&n, z);
    z = mean_of_members(&n, z);
    if (classes) z = aml_onnx_op2(n.g, "Div", z, aml_onnx_row_sums(n.g, z));
    aml_onnx_made(w, ops[0]->first_out, z);
}
