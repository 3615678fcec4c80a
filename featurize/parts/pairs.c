/* pairs.c: pairs of columns by the screen, and what is made of them beside the columns there are. */
#include "featurize/parts/pairs.h"

void aml_pair_at(uint32_t *a, uint32_t *b, const aml_pairs *p, size_t pair) {
    size_t i = 0;
    for (size_t row = p->n_columns - 1; pair >= row; pair -= row--) i++;
    uint32_t first = p->column[i], second = p->column[i + 1 + pair];
    *a = first < second ? first : second;
    *b = first < second ? second : first;
}

aml_status aml_pairs_choose(aml_pairs *p, const aml_table *x, const aml_data *target, aml_kind kind,
                            size_t columns, size_t most, double errors, aml_candidate_fn candidate,
                            aml_ctx *ctx) {
    uint32_t *column = AML_ARRAY(ctx->scratch, columns, uint32_t),
             *chosen = AML_ARRAY(ctx->scratch, most, uint32_t);
    p->x = x;
    p->column = column;
    p->chosen = chosen;
    p->n_columns = p->n_chosen = 0;
    if (!column || !chosen) return AML_ENOMEM;
    AML_TRY(aml_screen_init(&p->screen, x, target, ctx));
    AML_TRY(aml_screen_columns(column, &p->n_columns, &p->screen, x, kind, columns, ctx));
    if (p->n_columns < 2) return AML_OK;
    size_t pairs = p->n_columns * (p->n_columns - 1) / 2;
    return aml_screen_choose(chosen, &p->n_chosen, &p->screen, pairs * p->ways, candidate, p, most,
                             errors, ctx);
}

aml_status aml_table_append(aml_table *out, const aml_signature *signature, const aml_table *x,
                            size_t n, const void *state, aml_add_fn add, aml_each_fn fill,
                            aml_ctx *ctx) {
    AML_TRY(aml_signature_check(signature, x));
    aml_additions job = {state, x, AML_ARRAY(ctx->scratch, n, void *)};
    if (!job.values) return AML_ENOMEM;
    aml_table_builder b = aml_table_begin(x, x->p + n, ctx);
    for (size_t j = 0; j < x->p; j++) aml_table_share(&b, &x->features[j]);
    for (size_t k = 0; k < n; k++)
        if (!(job.values[k] = add(&b, state, x, k, ctx))) return AML_ENOMEM;
    AML_TRY(aml_table_end(out, &b));
    return aml_each(ctx, n, fill, &job);
}
