/* vocabulary.h: the hashed terms of text columns that count, with their weights, and rows of text as sparse weights.
 *
 * Words and runs of characters of a column are a set of terms each (words.h). Weight of a term: tf · (log((1 + n) /
 * (1 + df)) + 1), with tf = 1 + log(count) when sublinear; the weights of a row have length 1 in each set. Only
 * hash values that at least min_df training rows have get a column, and of each set at most max_terms. */
#ifndef AML_FEATURIZE_VOCABULARY_H
#define AML_FEATURIZE_VOCABULARY_H

#include "automl/core/step.h"
#include "featurize/parts/words.h"

enum { AML_TERM_SETS = 2, AML_TEXT_FORM = 5, AML_MIN_BITS = 10, AML_MAX_BITS = 20 };
extern const unsigned aml_set_terms[AML_TERM_SETS]; /* what words.h is asked for */

typedef struct aml_term_set {
    uint32_t *bucket; /* n_terms hash values, upwards */
    float *idf;
    size_t n_terms;
    uint32_t *place; /* 2^bits: number of the term, UINT32_MAX = none */
    uint32_t first;  /* column of term 0 among the new ones */
} aml_term_set;

typedef struct aml_vocabulary {
    size_t p;
    const uint8_t *kind;           /* p kinds of columns, borrowed */
    uint8_t what, bits, sublinear; /* which sets; hash values are below 2^bits, AML_MIN_BITS to AML_MAX_BITS */
    size_t n_new;                  /* terms of all sets */
    aml_term_set *set;             /* AML_TERM_SETS for each column; used of text columns */
} aml_vocabulary;

/* Does the column have the set? */
bool aml_vocabulary_has(const aml_vocabulary *v, size_t column, size_t set);
/* p, kind, what, bits and sublinear are given, the rest is learnt from the target's rows; memory from ctx->keep.
 * bits becomes fewer where the text is too short for so many terms. */
aml_status aml_vocabulary_learn(aml_vocabulary *v, const aml_table *x, const aml_data *target,
                                double min_df, double max_terms, aml_ctx *ctx);
void aml_vocabulary_save(const aml_vocabulary *v, aml_writer *w);
/* The sets; the rest is given. AML_EDATA. */
aml_status aml_vocabulary_load(aml_vocabulary *v, aml_reader *r, aml_arena *keep);

/* vocabulary_weigh.c: adds the weights of the rows of x to the sparse columns of `out`. form: NULL, or AML_TEXT_FORM columns
 * for each text column in turn: log of characters and words, shares of digits, capitals, punctuation. */
aml_status aml_vocabulary_weigh(aml_table *out, const aml_vocabulary *v, const aml_table *x,
                                float **form, aml_ctx *ctx);
/* The text of a cell. */
static inline void aml_text_cell(const char **text, size_t *n, const aml_feature *f, size_t row) {
    *n = (size_t)(f->offset[row + 1] - f->offset[row]);
    *text = *n ? f->bytes + f->offset[row] : "";
}

#endif
