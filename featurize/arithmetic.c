/* arithmetic.c: products, ratios, sums and differences of two numbers, of which those stay that say
 * something of the target which neither number says by itself (parts/screen.h). */
#include <math.h>

#include "featurize/parts/pairs.h"

enum { MAX_NEW, COLUMNS, ERRORS };

static const aml_param params[] = {{.name = "max_new",
                                    .summary = "At most this many new columns",
                                    .kind = AML_INT,
                                    .log = true,
                                    .lo = 1,
                                    .hi = 64,
                                    .fallback = 12},
                                   {.name = "columns",
                                    .summary = "Pairs are made of this many of the best numbers",
                                    .kind = AML_INT,
                                    .log = true,
                                    .lo = 2,
                                    .hi = 64,
                                    .fallback = 16},
                                   {.name = "errors",
                                    .summary = "Standard errors beyond chance that a column needs",
                                    .kind = AML_REAL,
                                    .lo = 0,
                                    .hi = 10,
                                    .fallback = 4},
                                   {0}};

typedef enum operation { PRODUCT, RATIO, RATIO_BACK, SUM, DIFFERENCE, N_OPERATIONS } operation;
static const char *const signs[N_OPERATIONS] = {"*", "/", "/", "+", "-"};

typedef struct term {
    uint32_t a, b;
    operation what;
} term;

typedef struct arithmetic_state {
    aml_signature signature;
    size_t n;
    term *terms;
} arithmetic_state;

static float compute(operation what, double a, double b) {
    switch (what) {
    case PRODUCT: return aml_to_float(a * b);
    case RATIO: return b == 0 ? NAN : aml_to_float(a / b);
    case RATIO_BACK: return a == 0 ? NAN : aml_to_float(b / a);
    case SUM: return aml_to_float(a + b);
    default: return aml_to_float(a - b);
    }
}

/* ---- candidates: all operations on all pairs of the chosen columns */

static term candidate_term(const aml_pairs *p, size_t k) {
    term t = {.what = (operation)(k % N_OPERATIONS)};
    aml_pair_at(&t.a, &t.b, p, k / N_OPERATIONS);
    return t;
}

static aml_status candidate_bins(aml_screen_bins *out, const void *arg, size_t k, float *v,
                                 float *work) {
    const aml_pairs *p = arg;
    term t = candidate_term(p, k);
    const float *a = p->x->features[t.a].x, *b = p->x->features[t.b].x;
    for (size_t i = 0; i < p->screen.n; i++) {
        uint32_t row = p->screen.rows[i];
        v[i] = compute(t.what, a[row], b[row]);
    }
    return aml_screen_cut(out, v, p->screen.n, work);
}

static aml_status fit(void **state, const aml_table *x, const aml_data *target, const double *hp,
                      aml_ctx *ctx) {
    arithmetic_state *s = AML_NEW(ctx->keep, arithmetic_state);
    aml_pairs pairs = {.ways = N_OPERATIONS};
    if (!s) return AML_ENOMEM;
    *state = s;
    AML_TRY(aml_signature_of(&s->signature, x, ctx->keep));
    AML_TRY(aml_pairs_choose(&pairs, x, target, AML_NUMBER, (size_t)hp[COLUMNS],
                             (size_t)hp[MAX_NEW], hp[ERRORS], candidate_bins, ctx));
    s->n = pairs.n_chosen;
    s->terms = AML_ARRAY(ctx->keep, s->n, term);
    if (!s->terms) return AML_ENOMEM;
    for (size_t k = 0; k < s->n; k++) s->terms[k] = candidate_term(&pairs, pairs.chosen[k]);
    return AML_OK;
}

/* ---- columns */

static void *add(aml_table_builder *b, const void *state, const aml_table *x, size_t k,
                 aml_ctx *ctx) {
    const term *t = &((const arithmetic_state *)state)->terms[k];
    bool back = t->what == RATIO_BACK;
    const aml_feature *f = &x->features[back ? t->b : t->a], *g = &x->features[back ? t->a : t->b];
    return aml_table_crossed(b, aml_feature_name(ctx->keep, f->name, signs[t->what], g->name), f,
                             g);
}

static aml_status fill(void *arg, size_t k, int thread) {
    const aml_additions *u = arg;
    const term *t = &((const arithmetic_state *)u->state)->terms[k];
    const float *a = u->x->features[t->a].x, *b = u->x->features[t->b].x;
    float *out = u->values[k];
    (void)thread;
    for (size_t i = 0; i < u->x->n; i++) out[i] = compute(t->what, a[i], b[i]);
    return AML_OK;
}

static aml_status apply(aml_table *out, const void *state, const aml_table *x, aml_ctx *ctx) {
    const arithmetic_state *s = state;
    return aml_table_append(out, &s->signature, x, s->n, s, add, fill, ctx);
}

static aml_status lower(aml_ir_table *out, const void *state, const aml_ir_table *x, aml_ir *ir) {
    const arithmetic_state *s = state;
    aml_ir_columns b = aml_ir_columns_of(ir, x);
    for (size_t j = 0; j < x->n; j++) aml_ir_push(&b, x->column[j]);
    for (size_t k = 0; k < s->n; k++) {
        const term *t = &s->terms[k];
        bool back = t->what == RATIO_BACK;
        uint32_t in[] = {x->column[back ? t->b : t->a], x->column[back ? t->a : t->b]};
        aml_ir_op(ir, AML_OP_ARITHMETIC, in, 2);
        aml_ir_text(ir, "sign", signs[t->what]);
        aml_ir_push(&b, aml_ir_number(ir));
    }
    *out = b.to;
    return ir->status;
}

static void save(const void *state, aml_writer *w) {
    const arithmetic_state *s = state;
    aml_signature_save(&s->signature, w);
    aml_put_u32(w, (uint32_t)s->n);
    for (size_t k = 0; k < s->n; k++) {
        aml_put_u32(w, s->terms[k].a);
        aml_put_u32(w, s->terms[k].b);
        aml_put_u8(w, (uint8_t)s->terms[k].what);
    }
}

static aml_status load(void **state, aml_reader *r, aml_ctx *ctx) {
    arithmetic_state *s = AML_NEW(ctx->keep, arithmetic_state);
    if (!s) return AML_ENOMEM;
    AML_TRY(aml_signature_load(&s->signature, r, ctx->keep));
    s->n = aml_get_u32(r);
    if (!r->status && (double)s->n > params[MAX_NEW].hi)
        return aml_reader_fail(r, "%zu arithmetic columns", s->n);
    if (r->status) return r->status;
    s->terms = AML_ARRAY(ctx->keep, s->n, term);
    if (!s->terms) return AML_ENOMEM;
    for (size_t k = 0; k < s->n && !r->status; k++) {
        term t = {aml_get_u32(r), 0, PRODUCT};
        t.b = aml_get_u32(r);
        t.what = (operation)aml_get_u8(r);
        if (r->status) break;
        if (t.a >= s->signature.p || t.b >= s->signature.p || t.what >= N_OPERATIONS ||
            s->signature.kind[t.a] != AML_NUMBER || s->signature.kind[t.b] != AML_NUMBER)
            return aml_reader_fail(r, "arithmetic column %zu", k);
        s->terms[k] = t;
    }
    *state = s;
    return r->status;
}

extern const aml_step aml_step_arithmetic;
const aml_step aml_step_arithmetic = {
    .abi = AML_ABI,
    .name = "arithmetic",
    .summary = "Adds products, ratios, sums and differences of numbers that go together",
    .kinds = AML_NUMBER,
    .flags = AML_STEP_SELECTS,
    .params = AML_FIT(params),
    .fit = AML_FIT(fit),
    .apply = apply,
    .save = AML_FIT(save),
    .load = load,
    .lower = AML_FIT(lower),
};
