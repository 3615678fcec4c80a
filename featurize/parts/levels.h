/* levels.h: numbers in place of category levels: what ordinal, count_encode and target_encode have
 * in common. */
#ifndef AML_FEATURIZE_LEVELS_H
#define AML_FEATURIZE_LEVELS_H

#include "featurize/parts/signature.h"

/* Row of a table of n_levels + 2 rows that a code has: its level, then missing, then unseen. */
static inline size_t aml_level_row(int32_t code, uint32_t n_levels) {
    if (code >= 0 && (uint32_t)code < n_levels) return (size_t)code;
    return code == -1 ? n_levels : (size_t)n_levels + 1;
}

/* count[n_levels + 2]: how often each occurs on the rows. */
void aml_level_counts(uint32_t *count, const aml_feature *f, const uint32_t *rows, size_t n);

/* For each column that is encoded, `width` numbers a level. */
typedef struct aml_encoder {
    aml_signature signature;
    size_t width;       /* new columns for each encoded one */
    bool keep_original; /* the category stays before its numbers */
    float **value;      /* per column: (n_levels + 2) × width, or NULL = passes through */
} aml_encoder;

/* Room for the columns with acts[j] != 0, which must be categories; values are 0. */
aml_status aml_encoder_init(aml_encoder *e, const aml_table *x, const uint8_t *acts, size_t width,
                            bool keep_original, aml_arena *keep);

/* As a step's apply; new column k of `city` is named "city." + what[k]. With `column` not NULL,
 * *column has the encoded columns' new values, `width` for each in turn (ctx->scratch). */
aml_status aml_encoder_apply(aml_table *out, float ***column, const aml_encoder *e,
                             const char *const *what, const aml_table *x, aml_ctx *ctx);

/* As a step's lower. */
aml_status aml_encoder_lower(aml_ir_table *out, const aml_encoder *e, const aml_ir_table *x,
                             aml_ir *ir);

void aml_encoder_save(const aml_encoder *e, aml_writer *w);
aml_status aml_encoder_load(aml_encoder *e, aml_reader *r, aml_arena *keep);

/* A step's fit and load where every category becomes one number: `number` finds value[n_levels + 2] from the rows. */
typedef aml_status (*aml_level_number)(float *value, const aml_feature *f, const aml_data *target,
                                       aml_ctx *ctx);
aml_status aml_encode_levels(void **state, const aml_table *x, const aml_data *target,
                             aml_level_number number, bool keep_original, aml_ctx *ctx);
aml_status aml_encode_levels_load(void **state, aml_reader *r, aml_ctx *ctx);

#endif
