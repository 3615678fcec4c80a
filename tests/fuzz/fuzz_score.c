/* fuzz_score.c: any bytes as a model file for the scoring library, which has readers of its own for files, manifests and cells. What
 * is loaded predicts finite numbers, the same each time, or says why not. (Rows alone as among others is for tests of honest models: sums
 * of a network that overflow depend on their order.) */
#include <math.h>

#include "automl/automl_score.h"
#include "fuzz.h"
#include "fuzz/model_file.h"

enum { MOST = 2000 };

/* Cells of every kind, right and wrong ones. */
static const char *const texts[] = {
    "1",     "-2.5e3", "red",       "Oslo", "2024-02-29 12:30",     "",
    "NA",    "a|b|a",  "$1,234.50", "12 %", "good fast fast words", "\xff\xfe",
    "1e308", " 7 "};
enum { TEXTS = sizeof texts / sizeof *texts };

static void described(const aml_score_model *m) {
    aml_score_input in = {.size = sizeof in};
    PROMISE(aml_score_task(m) && aml_score_target(m));
    for (size_t i = 0; i <= aml_score_classes(m); i++)
        PROMISE(!aml_score_class(m, i) == (i == aml_score_classes(m)));
    for (size_t i = 0; i < aml_score_inputs(m); i++) {
        PROMISE(aml_score_input_at(m, i, &in) && in.name && in.kind);
        PROMISE(aml_score_find(m, in.name) >= 0);
        PROMISE(!aml_score_level(m, i, in.levels));
    }
}

/* The cells of row i are the texts from the i-th on. */
static void predicted(const aml_score_model *m) {
    size_t p = aml_score_inputs(m), k = aml_score_outputs(m);
    const char **cell = calloc(TEXTS * p + 1, sizeof *cell);
    double *number = calloc(2 * p + 1, sizeof *number), *out = calloc(TEXTS * k + 1, sizeof *out),
           *one = calloc(k + 1, sizeof *one);
    aml_scorer *s;
    if (!cell || !number || !out || !one || aml_scorer_new(&s, m)) abort();
    for (size_t i = 0; i < TEXTS; i++)
        for (size_t j = 0; j < p; j++) cell[i * p + j] = texts[(i + j) % TEXTS];
    for (size_t i = 0; i < TEXTS; i++) { /* one by one: most have cells that no number is in */
        if (aml_scorer_texts(one, s, cell + i * p, 1)) {
            PROMISE(aml_score_last_error()->message[0]);
            continue;
        }
        for (size_t c = 0; c < k; c++) PROMISE(isfinite(one[c]));
        PROMISE(!aml_scorer_texts(out, s, (const char *const *)cell + i * p, 1) &&
                !memcmp(out, one, k * sizeof *one));
        PROMISE(aml_score_choose(m, one) <= aml_score_classes(m));
    }
    for (size_t j = 0; j < p; j++) number[j] = (double)j, number[p + j] = NAN;
    if (aml_scorer_numbers(out, s, number, 2)) PROMISE(aml_score_last_error()->message[0]);
    else
        for (size_t i = 0; i < 2 * k; i++) PROMISE(isfinite(out[i]));
    aml_scorer_free(s);
    free(cell);
    free(number);
    free(out);
    free(one);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    aml_score_model *m;
    if (aml_score_load_memory(&m, data, size)) {
        PROMISE(aml_score_last_error()->message[0]);
        return 0;
    }
    described(m);
    if (aml_score_inputs(m) < MOST && aml_score_outputs(m) < MOST) predicted(m);
    aml_score_free(m);
    return 0;
}
