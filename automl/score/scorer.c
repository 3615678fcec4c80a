/* scorer.c: rows through a model in memory that is used again and again. */
#include "automl/core/call.h"
#include "automl/engine/predict.h"
#include "automl/score/cells.h"

/* Rows at a time: what one block needs is what a scorer holds on to. */
enum { BLOCK = 1024 };

struct aml_scorer {
    const aml_model *m;
    aml_arena *keep, *scratch; /* of the block under way */
};

aml_status aml_scorer_new(aml_scorer **out, const aml_score_model *model) {
    AML_NEED(out);
    *out = NULL;
    AML_NEED(model);
    aml_scorer *s = aml_calloc(1, sizeof *s);
    if (!s) return AML_ENOMEM;
    s->m = model->m;
    s->keep = aml_arena_new(NULL);
    s->scratch = aml_arena_new(NULL);
    if (!s->keep || !s->scratch) {
        aml_scorer_free(s);
        return AML_ENOMEM;
    }
    *out = s;
    return AML_OK;
}

void aml_scorer_free(aml_scorer *s) {
    if (!s) return;
    aml_arena_free(s->keep);
    aml_arena_free(s->scratch);
    aml_free(s);
}

static aml_status score_block(double *out, aml_scorer *s, const aml_cells *cells, size_t n) {
    aml_table table;
    aml_batch batch;
    aml_arena_reset(s->keep);
    aml_arena_reset(s->scratch);
    aml_ctx ctx = {.keep = s->keep, .scratch = s->scratch, .n_threads = 1};
    AML_TRY(aml_cells_table(&table, cells, n, &s->m->inputs, &ctx));
    AML_TRY(aml_batch_init(&batch, s->m, &table, &ctx));
    AML_TRY(aml_batch_predict(out, &batch, NULL));
    size_t k = aml_model_outputs(s->m);
    for (size_t i = 0; i < n; i++) aml_calibrator_apply(out + i * k, &s->m->calibrator, k);
    return AML_OK;
}

static aml_status score(double *out, aml_scorer *s, aml_cells cells, size_t rows) {
    size_t p = s->m->inputs.p, k = aml_model_outputs(s->m);
    cells.p = p;
    for (; cells.first < rows; cells.first += BLOCK) {
        size_t n = rows - cells.first < BLOCK ? rows - cells.first : BLOCK;
        AML_TRY(score_block(out + cells.first * k, s, &cells, n));
        if (cells.cells) cells.cells += n * p;
        if (cells.numbers) cells.numbers += n * p;
        if (cells.texts) cells.texts += n * p;
    }
    return AML_OK;
}

aml_status aml_scorer_row(double *out, aml_scorer *s, const aml_cell *cells) {
    AML_NEED(out);
    AML_NEED(s);
    AML_NEED(cells);
    return score(out, s, (aml_cells){.cells = cells}, 1);
}

aml_status aml_scorer_rows(double *out, aml_scorer *s, const aml_cell *cells, size_t rows) {
    AML_NEED(out);
    AML_NEED(s);
    AML_NEED(cells);
    return score(out, s, (aml_cells){.cells = cells}, rows);
}

aml_status aml_scorer_numbers(double *out, aml_scorer *s, const double *cells, size_t rows) {
    AML_NEED(out);
    AML_NEED(s);
    AML_NEED(cells);
    return score(out, s, (aml_cells){.numbers = cells}, rows);
}

aml_status aml_scorer_texts(double *out, aml_scorer *s, const char *const *cells, size_t rows) {
    AML_NEED(out);
    AML_NEED(s);
    AML_NEED(cells);
    return score(out, s, (aml_cells){.texts = cells}, rows);
}
