/* conform.c: a frame as a model wants it: its input columns in order, kinds and levels as trained. */
#include <math.h>
#include <string.h>

#include "automl/engine/model.h"

/* The codes of a column's own levels, found once each. */
static aml_status translate(int32_t *code, const aml_level_index *index, const aml_column *have,
                            size_t n, aml_arena *scratch) {
    int32_t *of_level = aml_alloc_raw(scratch, have->n_levels, sizeof *of_level);
    if (!of_level) return AML_ENOMEM;
    for (uint32_t l = 0; l < have->n_levels; l++)
        of_level[l] = aml_level_find(index, have->levels[l], strlen(have->levels[l]));
    for (size_t i = 0; i < n; i++)
        code[i] = have->code[i] < 0 ? have->code[i] : of_level[have->code[i]];
    return AML_OK;
}

static void find_each(int32_t *code, const aml_level_index *index, const aml_column *have,
                      size_t n) {
    for (size_t i = 0; i < n; i++) {
        char buffer[64];
        size_t length;
        const char *cell = aml_frame_cell(&length, have, i, buffer);
        code[i] = aml_level_find(index, cell, length);
    }
}

static aml_status conform_category(aml_column *out, const aml_schema_column *want,
                                   const aml_level_index *index, const aml_column *have, size_t n,
                                   aml_ctx *ctx) {
    aml_level_index made;
    if (have->kind == AML_CATEGORY && have->levels == want->levels) {
        *out = *have;
        return AML_OK;
    }
    if (!index) AML_TRY(aml_level_index_make(&made, want->levels, want->n_levels, ctx->scratch));
    if (!index) index = &made;
    int32_t *code = aml_alloc_raw(ctx->keep, n, sizeof *code);
    if (!code) return AML_ENOMEM;
    *out = (aml_column){.name = want->name,
                        .kind = AML_CATEGORY,
                        .levels = want->levels,
                        .n_levels = want->n_levels,
                        .code = code};
    if (have->kind == AML_CATEGORY) AML_TRY(translate(code, index, have, n, ctx->scratch));
    else find_each(code, index, have, n);
    for (size_t i = 0; i < n; i++) {
        out->n_missing += code[i] == -1;
        out->n_unseen += code[i] == -2;
    }
    return AML_OK;
}

static aml_status wrong_kind(const aml_schema_column *want, const aml_column *have,
                             const aml_frame *f) {
    for (size_t i = 0; i < f->n; i++) {
        char buffer[64], shown[200];
        size_t length;
        const char *cell = aml_frame_cell(&length, have, i, buffer);
        double x;
        if (!length || (want->kind == AML_NUMBER && aml_parse_double(&x, cell, length))) continue;
        aml_fail_at(AML_EDATA, f->source, aml_frame_line(f, i), 0,
                    "column `%s` must hold a %s, but row %zu has `%s`", want->name,
                    aml_kind_name(want->kind), i + 1,
                    aml_printable(shown, sizeof shown, cell, length, 40));
        return aml_help(AML_EDATA, "the model was trained on another kind of column",
                        "mend the cell, or leave it empty (missing)");
    }
    return aml_fail_at(AML_EDATA, f->source, 0, 0, "column `%s` holds a %s, the model wants a %s",
                       want->name, aml_kind_name(have->kind), aml_kind_name(want->kind));
}

/* Any cell has a text form. */
static aml_status conform_text(aml_column *out, const aml_schema_column *want,
                               const aml_column *have, size_t n, aml_ctx *ctx) {
    uint64_t *offset = AML_ARRAY(ctx->keep, n + 1, uint64_t);
    aml_string s = {0};
    if (!offset) return AML_ENOMEM;
    for (size_t i = 0; i < n; i++) {
        char buffer[64];
        size_t length;
        const char *cell = aml_frame_cell(&length, have, i, buffer);
        aml_string_add(&s, cell, length);
        offset[i + 1] = s.length;
    }
    char *bytes = s.failed ? NULL : aml_copy(ctx->keep, s.text ? s.text : "", s.length + 1);
    aml_string_free(&s);
    *out = (aml_column){.name = want->name,
                        .kind = AML_TEXT,
                        .bytes = bytes,
                        .offset = offset,
                        .n_missing = have->n_missing};
    return bytes ? AML_OK : AML_ENOMEM;
}

static aml_status conform_column(aml_column *out, const aml_schema_column *want,
                                 const aml_level_index *index, const aml_column *have,
                                 const aml_frame *f, aml_ctx *ctx) {
    bool all_missing = have->n_missing == f->n;
    bool text = want->kind == AML_TEXT,
         have_text = have->kind == AML_TEXT || have->kind == AML_IDENTIFIER;
    if (want->kind == AML_CATEGORY) return conform_category(out, want, index, have, f->n, ctx);
    if (have->kind == want->kind || (text && have_text)) {
        *out = *have;
        out->kind = want->kind;
        return AML_OK;
    }
    if (text) return conform_text(out, want, have, f->n, ctx);
    if (!all_missing) return wrong_kind(want, have, f);
    double *missing = AML_ARRAY(ctx->keep, f->n + 1, double);
    if (!missing) return AML_ENOMEM;
    for (size_t i = 0; i < f->n; i++) missing[i] = NAN;
    *out =
        (aml_column){.name = want->name, .kind = want->kind, .number = missing, .n_missing = f->n};
    return AML_OK;
}

static aml_status missing_columns(const aml_schema *inputs, const aml_frame *f) {
    aml_string s = {0};
    size_t n = 0;
    for (size_t i = 0; i < inputs->p; i++) {
        char shown[280];
        const char *name = inputs->columns[i].name;
        if (aml_frame_find(f, name) >= 0) continue;
        if (n++ < 5)
            aml_string_printf(&s, "%s`%s`", n > 1 ? ", " : "",
                              aml_printable(shown, sizeof shown, name, strlen(name), 40));
    }
    if (n > 5) aml_string_printf(&s, " and %zu more", n - 5);
    aml_fail_at(AML_EDATA, f->source, 0, 0, "missing column%s %s", n > 1 ? "s" : "",
                s.failed ? "" : s.text);
    aml_string_free(&s);
    return aml_help(AML_EDATA, "the model was trained on these columns",
                    "add them (cells may be empty), or train without them: --drop");
}

aml_status aml_conform(aml_frame *view, const aml_schema *inputs, const aml_frame *f,
                       aml_ctx *ctx) {
    aml_column *columns = AML_ARRAY(ctx->keep, inputs->p + 1, aml_column);
    if (!columns) return AML_ENOMEM;
    for (size_t i = 0; i < inputs->p; i++) {
        int at = aml_frame_find(f, inputs->columns[i].name);
        if (at < 0) return missing_columns(inputs, f);
        const aml_level_index *index = inputs->index ? &inputs->index[i] : NULL;
        AML_TRY(conform_column(&columns[i], &inputs->columns[i], index, &f->columns[at], f, ctx));
    }
    *view = (aml_frame){.n = f->n,
                        .p = inputs->p,
                        .columns = columns,
                        .line = f->line,
                        .first_line = f->first_line,
                        .source = f->source};
    return AML_OK;
}
