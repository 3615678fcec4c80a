/* pairs.h: steps that add columns made of two others: which pairs are worth having (screen.h), and the columns beside
 * those there are. */
#ifndef AML_FEATURIZE_PAIRS_H
#define AML_FEATURIZE_PAIRS_H

#include "featurize/parts/each.h"
#include "featurize/parts/screen.h"
#include "featurize/parts/signature.h"
#include "featurize/parts/table.h"

/* The best columns of a kind, and what was chosen among their pairs; memory from ctx->scratch. */
typedef struct aml_pairs {
    const aml_table *x;
    aml_screen screen;
    const uint32_t *column; /* n_columns, best first */
    size_t n_columns;
    size_t ways; /* candidates that a pair gives: candidate k is way k % ways of pair k / ways */
    const uint32_t *chosen; /* n_chosen candidates, best first */
    size_t n_chosen;
} aml_pairs;

/* The columns of pair number `pair`, the lower one first. */
void aml_pair_at(uint32_t *a, uint32_t *b, const aml_pairs *p, size_t pair);

/* Chooses at most `most` candidates among all pairs of the `columns` best columns of a kind. The candidate's function gets
 * the aml_pairs as `arg`. p->ways is set by the caller, all else here. */
aml_status aml_pairs_choose(aml_pairs *p, const aml_table *x, const aml_data *target, aml_kind kind,
                            size_t columns, size_t most, double errors, aml_candidate_fn candidate,
                            aml_ctx *ctx);

/* New columns under way: values[k] are the floats or codes of number k. */
typedef struct aml_additions {
    const void *state;
    const aml_table *x;
    void **values;
} aml_additions;

/* Adds column k to the table and returns its values, or NULL when memory is short. */
typedef void *(*aml_add_fn)(aml_table_builder *b, const void *state, const aml_table *x, size_t k,
                            aml_ctx *ctx);

/* The columns of x, checked against the signature, and n more behind them: `add` makes each in turn, then `fill` (arg: an
 * aml_additions) sets their values over threads. */
aml_status aml_table_append(aml_table *out, const aml_signature *signature, const aml_table *x,
                            size_t n, const void *state, aml_add_fn add, aml_each_fn fill,
                            aml_ctx *ctx);

#endif
