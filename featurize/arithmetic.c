/* arithmetic.c: products, ratios, sums and differences of two numbers, of which those stay that say
 * something of the target which neither number says by itself (parts/screen.h). */
#include <math.h>

#include "featurize/parts/each.h"
#include "featurize/parts/screen.h"
#include "featurize/parts/signature.h"
#include "featurize/parts/table.h"

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

typedef struct candidates {
    const aml_screen *s;
    const aml_table *x;
    const uint32_t *column;
    size_t n_columns;
} candidates;

static term candidate_term(const candidates *c, size_t k) {
    size_t pair = k / N_OPERATIONS, a = 0;
    for (size_t row = c->n_columns - 1; pair >= row; pair -= row--) a++;
    uint32_t first = c->column[a], second = c->column[a + 1 + pair];
    return first < second ? (term){first, second, (operation)(k % N_OPERATIONS)}
                          : (term){second, first, (operation)(k % N_OPERATIONS)};
}

static aml_status candidate_bins(aml_screen_bins *out, const void *arg, size_t k, float *v,
                                 float *work) {
    const candidates *c = arg;
    term t = candidate_term(c, k);
    const float *a = c->x->features[t.a].x, *b = c->x->features[t.b].x;
    for (size_t i = 0; i < c->s->n; i++) {
        uint32_t row = c->s->rows[i];
        v[i] = compute(t.what, a[row], b[row]);
    }
    return aml_screen_cut(out, v, c->s->n, work);
}

static aml_status fit(void **state, const aml_table *x, const aml_data *target, const double *hp,
                      aml_ctx *ctx) {
    arithmetic_state *s = AML_NEW(ctx->keep, arithmetic_state);
    size_t most = (size_t)hp[MAX_NEW], n_columns = 0;
    uint32_t *column = AML_ARRAY(ctx->scratch, (size_t)hp[COLUMNS], uint32_t),
             *chosen = AML_ARRAY(ctx->scratch, most, uint32_t);
    if (!s || !column || !chosen) return AML_ENOMEM;
    s->terms = AML_ARRAY(ctx->keep, most, term);
    if (!s->terms) return AML_ENOMEM;
    *state = s;
    AML_TRY(aml_signature_of(&s->signature, x, ctx->keep));
    aml_screen screen;
    AML_TRY(aml_screen_init(&screen, x, target, ctx));
    AML_TRY(
        aml_screen_columns(column, &n_columns, &screen, x, AML_NUMBER, (size_t)hp[COLUMNS], ctx));
    if (n_columns < 2) return AML_OK;
    candidates c = {&screen, x, column, n_columns};
    size_t pairs = n_columns * (n_columns - 1) / 2;
    AML_TRY(aml_screen_choose(chosen, &s->n, &screen, pairs * N_OPERATIONS, candidate_bins, &c,
                              most, hp[ERRORS], ctx));
    for (size_t k = 0; k < s->n; k++) s->terms[k] = candidate_term(&c, chosen[k]);
    return AML_OK;
}

/* ---- columns */

typedef struct job {
    const arithmetic_state *s;
    const aml_table *x;
    float **column;
} job;

static aml_status fill(void *arg, size_t k, int thread) {
    const job *u = arg;
    const term *t = &u->s->terms[k];
    const float *a = u->x->features[t->a].x, *b = u->x->features[t->b].x;
    (void)thread;
    for (size_t i = 0; i < u->x->n; i++) u->column[k][i] = compute(t->what, a[i], b[i]);
    return AML_OK;
}

static aml_status apply(aml_table *out, const void *state, const aml_table *x, aml_ctx *ctx) {
    const arithmetic_state *s = state;
    AML_TRY(aml_signature_check(&s->signature, x));
    float **column = AML_ARRAY(ctx->scratch, s->n, float *);
    if (!column) return AML_ENOMEM;
    aml_table_builder b = aml_table_begin(x, x->p + s->n, ctx);
    for (size_t j = 0; j < x->p; j++) aml_table_share(&b, &x->features[j]);
    for (size_t k = 0; k < s->n; k++) {
        const term *t = &s->terms[k];
        bool back = t->what == RATIO_BACK;
        const aml_feature *f = &x->features[back ? t->b : t->a],
                          *g = &x->features[back ? t->a : t->b];
        column[k] = aml_table_crossed(
            &b, aml_feature_name(ctx->keep, f->name, signs[t->what], g->name), f, g);
    }
    AML_TRY(aml_table_end(out, &b));
    return aml_each(ctx, s->n, fill, &(job){s, x, column});
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
    .params = params,
    .fit = fit,
    .apply = apply,
    .save = save,
    .load = load,
};
