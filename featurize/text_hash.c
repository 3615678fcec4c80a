/* text_hash.c: text becomes sparse TF-IDF weights of its hashed terms (parts/vocabulary.h), and a few dense numbers about
 * its form. */
#include "featurize/parts/signature.h"
#include "featurize/parts/table.h"
#include "featurize/parts/vocabulary.h"

enum { TERMS, BITS, MIN_DF, MAX_TERMS, SUBLINEAR, FORM };

static const char *const term_choices[] = {"words", "chars", "both", NULL};
static const aml_param params[] = {
    {.name = "terms",
     .summary = "Words and word pairs, runs of 3 to 5 characters, or both",
     .kind = AML_CHOICE,
     .fallback = 0,
     .choices = term_choices},
    {.name = "bits",
     .summary = "Terms are hashed to 2^bits values, or fewer of short text",
     .kind = AML_INT,
     .lo = AML_MIN_BITS,
     .hi = AML_MAX_BITS,
     .fallback = AML_MAX_BITS},
    {.name = "min_df",
     .summary = "Rows that must have a term for it to count",
     .kind = AML_INT,
     .log = true,
     .lo = 1,
     .hi = 20,
     .fallback = 2},
    {.name = "max_terms",
     .summary = "Only this many of the most frequent words, and of the runs, count",
     .kind = AML_INT,
     .log = true,
     .lo = 100,
     .hi = 1 << AML_MAX_BITS,
     .fallback = 100000},
    {.name = "sublinear",
     .summary = "Use 1 + log(count) in place of the count",
     .kind = AML_CHOICE,
     .fallback = 1,
     .choices = aml_flag_choices},
    {.name = "form",
     .summary = "Add length, words and shares of digits, capitals, punctuation",
     .kind = AML_CHOICE,
     .fallback = 1,
     .choices = aml_flag_choices},
    {0}};

static const char *const form_names[AML_TEXT_FORM] = {"length", "words", "digits", "capitals",
                                                      "punctuation"};

typedef struct text_state {
    aml_signature signature;
    aml_vocabulary vocabulary;
    uint8_t form;
} text_state;

static aml_status fit(void **state, const aml_table *x, const aml_data *target, const double *hp,
                      aml_ctx *ctx) {
    static const uint8_t what[] = {AML_WORD_TERMS, AML_CHAR_TERMS, AML_WORD_TERMS | AML_CHAR_TERMS};
    text_state *s = AML_NEW(ctx->keep, text_state);
    if (!s) return AML_ENOMEM;
    AML_TRY(aml_signature_of(&s->signature, x, ctx->keep));
    s->vocabulary = (aml_vocabulary){.p = x->p,
                                     .kind = s->signature.kind,
                                     .what = what[(size_t)hp[TERMS]],
                                     .bits = (uint8_t)hp[BITS],
                                     .sublinear = hp[SUBLINEAR] == 1};
    s->form = hp[FORM] == 1;
    *state = s;
    return aml_vocabulary_learn(&s->vocabulary, x, target, hp[MIN_DF], hp[MAX_TERMS], ctx);
}

static void add_columns(aml_table_builder *b, float **form, const aml_table *x, aml_ctx *ctx) {
    size_t nth = 0;
    for (size_t j = 0; j < x->p; j++) {
        const aml_feature *f = &x->features[j];
        if (f->kind != AML_TEXT) {
            aml_table_share(b, f);
            continue;
        }
        for (size_t k = 0; form && k < AML_TEXT_FORM; k++)
            form[nth++] = aml_table_number(
                b, aml_feature_name(ctx->keep, f->name, ".", form_names[k]), f->source);
    }
}

static aml_status apply(aml_table *out, const void *state, const aml_table *x, aml_ctx *ctx) {
    const text_state *s = state;
    AML_TRY(aml_signature_check(&s->signature, x));
    size_t texts = aml_table_count(x, AML_TEXT);
    float **form = s->form ? AML_ARRAY(ctx->scratch, AML_TEXT_FORM * texts, float *) : NULL;
    if (s->form && !form) return AML_ENOMEM;
    aml_table_builder b = aml_table_begin(x, x->p + AML_TEXT_FORM * texts, ctx);
    add_columns(&b, form, x, ctx);
    AML_TRY(aml_table_end(out, &b));
    return aml_vocabulary_weigh(out, &s->vocabulary, x, form, ctx);
}

static aml_status lower(aml_ir_table *out, const void *state, const aml_ir_table *x, aml_ir *ir) {
    const text_state *s = state;
    const aml_vocabulary *v = &s->vocabulary;
    aml_ir_columns b = aml_ir_columns_of(ir, x);
    for (size_t j = 0; j < x->n; j++) {
        if (v->kind[j] != AML_TEXT) {
            aml_ir_push(&b, x->column[j]);
            continue;
        }
        if (!s->form) continue;
        aml_ir_op1(ir, AML_OP_TEXT_FORM, x->column[j]);
        for (size_t k = 0; k < AML_TEXT_FORM; k++) aml_ir_push(&b, aml_ir_number(ir));
    }
    for (size_t e = 0; e < AML_TERM_SETS * x->n; e++) {
        const aml_term_set *c = &v->set[e];
        if (!aml_vocabulary_has(v, e / AML_TERM_SETS, e % AML_TERM_SETS)) continue;
        aml_ir_op1(ir, AML_OP_TERMS, x->column[e / AML_TERM_SETS]);
        aml_ir_u32(ir, "set", aml_set_terms[e % AML_TERM_SETS]);
        aml_ir_u32(ir, "bits", v->bits);
        aml_ir_u32(ir, "sublinear", v->sublinear);
        aml_ir_array(ir, "bucket", AML_U32, c->bucket, c->n_terms);
        aml_ir_array(ir, "idf", AML_F32, c->idf, c->n_terms);
        aml_ir_push(&b, aml_ir_out(ir, AML_IR_SPARSE, c->n_terms));
    }
    *out = b.to;
    return ir->status;
}

static void save(const void *state, aml_writer *w) {
    const text_state *s = state;
    aml_signature_save(&s->signature, w);
    aml_put_u8(w, s->vocabulary.what);
    aml_put_u8(w, s->vocabulary.bits);
    aml_put_u8(w, s->vocabulary.sublinear);
    aml_put_u8(w, s->form);
    aml_vocabulary_save(&s->vocabulary, w);
}

static aml_status load(void **state, aml_reader *r, aml_ctx *ctx) {
    text_state *s = AML_NEW(ctx->keep, text_state);
    if (!s) return AML_ENOMEM;
    AML_TRY(aml_signature_load(&s->signature, r, ctx->keep));
    aml_vocabulary *v = &s->vocabulary;
    v->p = s->signature.p;
    v->kind = s->signature.kind;
    v->what = aml_get_u8(r);
    v->bits = aml_get_u8(r);
    v->sublinear = aml_get_u8(r);
    s->form = aml_get_u8(r);
    if (r->status) return r->status;
    if (v->what < 1 || v->what > 3 || v->bits < AML_MIN_BITS || v->bits > AML_MAX_BITS ||
        v->sublinear > 1 || s->form > 1)
        return aml_reader_fail(r, "the settings of text terms");
    *state = s;
    return aml_vocabulary_load(v, r, ctx->keep);
}

extern const aml_step aml_step_text_hash;
const aml_step aml_step_text_hash = {
    .abi = AML_ABI,
    .name = "text_hash",
    .summary = "Turns text into TF-IDF weights of hashed words or characters",
    .kinds = AML_TEXT,
    .params = AML_FIT(params),
    .fit = AML_FIT(fit),
    .apply = apply,
    .save = AML_FIT(save),
    .load = load,
    .lower = AML_FIT(lower),
};
