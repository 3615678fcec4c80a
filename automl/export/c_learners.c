/* c_learners.c: learners, and what becomes of their vectors, as statements of C. */
#include <string.h>

#include "automl/export/c.h"

#define PUT(...) aml_string_printf(&w->body, __VA_ARGS__)

static uint32_t table(aml_c_text *w, const aml_op *op, const char *name) {
    return aml_c_table(w, aml_op_attr(op, name), false);
}
static size_t length(const aml_op *op, const char *name) { return aml_op_attr(op, name)->n; }
static size_t whole(const aml_op *op, const char *name) { return (size_t)aml_op_real(op, name); }
static void put_double(aml_c_text *w, const aml_op *op, const char *before, const char *name) {
    aml_string_put(&w->body, before);
    aml_c_double(&w->body, aml_op_real(op, name));
}
static void most(size_t *of, size_t x) { *of = x > *of ? x : *of; }

static const aml_ir_value *out_of(const aml_c_text *w, const aml_op *op) {
    return aml_c_value(w, op->first_out);
}

static void declare(aml_c_text *w, const aml_op *op) {
    PUT("double z%u[%u];\n", op->first_out, out_of(w, op)->width);
}

/* "x12, 30, &s12" for a design with sparse columns, else "x12, 30, NULL". */
static void put_x(aml_c_text *w, const aml_op *op, bool with_width) {
    const aml_ir_value *x = aml_c_value(w, op->in[0]);
    PUT("x%u, ", op->in[0]);
    if (with_width) PUT("%u, ", x->width);
    if (x->sparse) PUT("&s%u", op->in[0]);
    else PUT("NULL");
}

/* ---- learners */

static void put_constant(aml_c_text *w, const aml_op *op) {
    uint32_t t = table(w, op, "value");
    declare(w, op);
    PUT("memcpy(z%u, t%u, sizeof z%u);\n", op->first_out, t, op->first_out);
}

static void put_linear(aml_c_text *w, const aml_op *op) {
    uint32_t t = table(w, op, "coef");
    declare(w, op);
    aml_c_need(w, "linear");
    PUT("linear(z%u, %u, ", op->first_out, out_of(w, op)->width);
    put_x(w, op, true);
    PUT(", %u, t%u);\n", aml_c_value(w, op->in[0])->sparse, t);
}

static void put_bayes(aml_c_text *w, const aml_op *op) {
    uint32_t constant = table(w, op, "constant"), mean = table(w, op, "mean"),
             scale = table(w, op, "scale"), count = table(w, op, "count");
    declare(w, op);
    aml_c_need(w, "bayes");
    PUT("bayes(z%u, %u, ", op->first_out, out_of(w, op)->width);
    put_x(w, op, true);
    PUT(", t%u, t%u, t%u, t%u);\n", constant, mean, scale, count);
}

/* Arrays over the nodes as the runtime has them. */
typedef struct packed {
    float *value;
    uint32_t *feature, *child, *first_share;
    size_t n_leaves;
} packed;

static bool pack(packed *out, const aml_op *op, aml_arena *scratch) {
    const aml_attr *value = aml_op_attr(op, "value");
    const uint32_t *feature = aml_op_attr(op, "node_feature")->v.u32;
    const uint32_t *child = aml_op_attr(op, "child")->v.u32;
    const uint32_t *levels = aml_op_attr(op, "n_levels")->v.u32;
    const uint32_t *set = aml_op_attr(op, "node_set")->v.u32;
    const uint32_t *count = aml_op_attr(op, "count")->v.u32;
    const uint8_t *missing_left = aml_op_attr(op, "missing_left")->v.u8;
    size_t n = value->n, shares = 0;
    bool has_shares = aml_op_attr(op, "share")->n > 0;
    *out = (packed){.value = AML_ARRAY(scratch, n + 1, float),
                    .feature = AML_ARRAY(scratch, n + 1, uint32_t),
                    .child = AML_ARRAY(scratch, n + 1, uint32_t),
                    .first_share = AML_ARRAY(scratch, n + 1, uint32_t)};
    if (!out->value || !out->feature || !out->child || !out->first_share) return false;
    for (size_t i = 0; i < n; i++) {
        out->value[i] = value->v.f32[i];
        if (child[i]) {
            bool category = levels[feature[i]] > 0;
            out->feature[i] = feature[i] << 2 | (category ? 2u : 0u) | missing_left[i];
            out->child[i] = (uint32_t)(child[i] - i);
            if (category) out->value[i] = (float)set[i];
        } else if (has_shares) {
            out->value[i] = (float)out->n_leaves;
            out->first_share[out->n_leaves++] = (uint32_t)shares;
            shares += count[i];
        }
    }
    out->first_share[out->n_leaves] = (uint32_t)shares;
    return true;
}

static void put_trees(aml_c_text *w, const aml_op *op) {
    packed a;
    if (!pack(&a, op, w->scratch)) {
        w->tables.failed = true;
        return;
    }
    size_t n = length(op, "value"), n_features = length(op, "feature"),
           n_trees = length(op, "first_node"), n_shares = length(op, "share");
    uint32_t k = out_of(w, op)->width, base = table(w, op, "base");
    uint32_t t[12] = {table(w, op, "feature"),
                      table(w, op, "n_levels"),
                      table(w, op, "first_code"),
                      table(w, op, "level_code"),
                      table(w, op, "first_node"),
                      aml_c_table_f32(w, a.value, n),
                      aml_c_table_typed(w, "TREE_FEATURE", a.feature, n),
                      aml_c_table_typed(w, "TREE_CHILD", a.child, n),
                      table(w, op, "set")};
    if (n_shares) {
        t[9] = aml_c_table_u32(w, a.first_share, a.n_leaves + 1);
        t[10] = table(w, op, "class");
        t[11] = table(w, op, "share");
    }
    most(&w->tree_features, n_features);
    for (size_t i = 0; i < n; i++) most(&w->tree_nodes, a.child[i]);
    aml_c_need(w, "trees");
    aml_string_printf(&w->tables, "static const trees m%u = {%u, %zu, %zu", op->first_out,
                      aml_c_value(w, op->in[0])->width, n_features, n_trees);
    for (int i = 0; i < (n_shares ? 12 : 9); i++) aml_string_printf(&w->tables, ", t%u", t[i]);
    aml_string_put(&w->tables, n_shares ? "};\n" : ", NULL, NULL, NULL};\n");
    declare(w, op);
    PUT("memcpy(z%u, t%u, sizeof z%u);\nadd_trees(z%u, %u, &m%u, ", op->first_out, base,
        op->first_out, op->first_out, k, op->first_out);
    put_x(w, op, false);
    PUT(");\n");
}

static void put_neighbours(aml_c_text *w, const aml_op *op) {
    size_t n = length(op, "y"), p = n ? length(op, "row") / n : 0, k = whole(op, "k");
    uint32_t row = table(w, op, "row"), y = table(w, op, "y"), weight = table(w, op, "w"),
             prior = table(w, op, "prior");
    most(&w->near_features, p);
    most(&w->near_most, k);
    aml_c_need(w, "neighbours");
    aml_string_printf(&w->tables,
                      "static const neighbours m%u = {%zu, %zu, %zu, %zu, %zu, t%u, t%u, t%u, "
                      "t%u};\n",
                      op->first_out, n, p, k, whole(op, "classes"), whole(op, "by_distance"), row,
                      y, weight, prior);
    declare(w, op);
    PUT("ask_neighbours(z%u, &m%u, x%u);\n", op->first_out, op->first_out, op->in[0]);
}

static int place_of(const char *text, const char *const *names) {
    int i = 0;
    while (strcmp(names[i], text) != 0) i++;
    return i;
}

static void put_network(aml_c_text *w, const aml_op *op) {
    static const char *const activations[] = {"relu", "silu", "selu"};
    static const char *const links[] = {"value", "logistic", "softmax"};
    static const char *const sizes[] = {"plain", "ramps",   "waves",  "layers",
                                        "width", "members", "outputs"};
    static const char *const arrays[] = {"source", "origin", "slope", "low",  "high", "frequency",
                                         "phase",  "weight", "scale", "bias", "head", "head_bias"};
    enum { N_SIZES = sizeof sizes / sizeof *sizes, N_ARRAYS = sizeof arrays / sizeof *arrays };
    uint32_t t[N_ARRAYS];
    for (int i = 0; i < N_ARRAYS; i++) t[i] = table(w, op, arrays[i]);
    uint32_t term = table(w, op, "term"), rows = table(w, op, "term_weight");
    size_t width = whole(op, "width"), outputs = whole(op, "outputs");
    most(&w->net_inputs, whole(op, "ramps") + whole(op, "waves"));
    most(&w->net_width, width > outputs ? width : outputs);
    most(&w->net_units, width * whole(op, "members"));
    most(&w->net_outputs, outputs);
    aml_c_need(w, "network");
    aml_string_printf(&w->tables, "static const network m%u = {", op->first_out);
    for (int i = 0; i < N_SIZES; i++) aml_string_printf(&w->tables, "%zu, ", whole(op, sizes[i]));
    aml_string_printf(&w->tables, "%d, %d, %zu",
                      place_of(aml_op_text(op, "activation"), activations),
                      place_of(aml_op_text(op, "link"), links), whole(op, "residual"));
    for (int i = 0; i < N_ARRAYS; i++) aml_string_printf(&w->tables, ", t%u", t[i]);
    aml_string_printf(&w->tables, ", %zu, t%u, ", length(op, "term"), term);
    aml_c_float(&w->tables, (float)aml_op_real(op, "term_factor"));
    aml_string_printf(&w->tables, ", t%u};\n", rows);
    declare(w, op);
    PUT("run_network(z%u, &m%u, ", op->first_out, op->first_out);
    put_x(w, op, false);
    PUT(");\n");
}

void aml_c_learner(aml_c_text *w, const aml_op *op) {
    switch (op->kind) {
    case AML_OP_CONSTANT: put_constant(w, op); return;
    case AML_OP_LINEAR: put_linear(w, op); return;
    case AML_OP_BAYES: put_bayes(w, op); return;
    case AML_OP_TREES: put_trees(w, op); return;
    case AML_OP_NEIGHBOURS: put_neighbours(w, op); return;
    default: put_network(w, op); return;
    }
}

/* ---- vectors */

/* "for (int i = 0; i < 3; i++) z7[i] = " */
static void put_each(aml_c_text *w, const aml_op *op) {
    PUT("for (int i = 0; i < %u; i++) z%u[i] = ", out_of(w, op)->width, op->first_out);
}

static void put_mean(aml_c_text *w, const aml_op *op) {
    const double *weight = aml_op_attr(op, "weight")->v.f64;
    put_each(w, op);
    PUT("0;\n");
    for (uint32_t k = 0; k < op->n_in; k++) {
        PUT("for (int i = 0; i < %u; i++) z%u[i] += ", out_of(w, op)->width, op->first_out);
        aml_c_double(&w->body, weight[k]);
        PUT(" * z%u[i];\n", op->in[k]);
    }
}

static void put_affine(aml_c_text *w, const aml_op *op) {
    uint32_t offset = table(w, op, "offset");
    put_each(w, op);
    put_double(w, op, "", "scale");
    PUT(" * z%u[i] + t%u[i];\n", op->in[0], offset);
}

static void put_clamp(aml_c_text *w, const aml_op *op) {
    put_each(w, op);
    put_double(w, op, "fmax(", "low");
    put_double(w, op, ", fmin(", "high");
    PUT(", z%u[i]));\n", op->in[0]);
}

static void put_vote(aml_c_text *w, const aml_op *op) {
    aml_c_need(w, "vote");
    PUT("share_votes(z%u, z%u, %u", op->first_out, op->in[0], out_of(w, op)->width);
    put_double(w, op, ", ", "keep");
    put_double(w, op, ", ", "floor");
    put_double(w, op, ", ", "total");
    PUT(");\n");
}

static void put_isotonic(aml_c_text *w, const aml_op *op) {
    uint32_t from = table(w, op, "from"), to = table(w, op, "to");
    aml_c_need(w, "isotonic");
    PUT("z%u[0] = isotonic(z%u[0], t%u, t%u, %zu);\n", op->first_out, op->in[0], from, to,
        length(op, "from"));
}

void aml_c_vector(aml_c_text *w, const aml_op *op) {
    uint32_t out = op->first_out, in = op->in[0], k = out_of(w, op)->width;
    declare(w, op);
    switch (op->kind) {
    case AML_OP_MEAN: put_mean(w, op); return;
    case AML_OP_AFFINE: put_affine(w, op); return;
    case AML_OP_CLAMP: put_clamp(w, op); return;
    case AML_OP_VOTE: put_vote(w, op); return;
    case AML_OP_ISOTONIC: put_isotonic(w, op); return;
    case AML_OP_DIVIDE:
        put_each(w, op);
        PUT("z%u[i]", in);
        put_double(w, op, " / ", "by");
        PUT(";\n");
        return;
    case AML_OP_DIFFERENCE: PUT("z%u[0] = z%u[1] - z%u[0];\n", out, in, in); return;
    case AML_OP_EXP:
        put_each(w, op);
        PUT("exp(z%u[i]);\n", in);
        return;
    case AML_OP_SIGMOID:
        aml_c_need(w, "sigmoid");
        put_each(w, op);
        PUT("sigmoid(z%u[i], %zu);\n", in, whole(op, "stable"));
        return;
    case AML_OP_SOFTMAX:
        aml_c_need(w, "softmax");
        PUT("softmax(z%u, z%u, %u);\n", out, in, k);
        return;
    case AML_OP_TEMPERATURE:
        aml_c_need(w, "temperature");
        PUT("temperature(z%u, z%u, %u", out, in, k);
        put_double(w, op, ", ", "slope");
        PUT(");\n");
        return;
    default: /* AML_OP_PLATT */
        aml_c_need(w, "platt");
        PUT("z%u[0] = platt(z%u[0]", out, in);
        put_double(w, op, ", ", "slope");
        put_double(w, op, ", ", "offset");
        PUT(");\n");
    }
}
