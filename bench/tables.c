#include "tables.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "automl/core/ctx.h"
#include "automl/core/text.h"

_Noreturn void bench_stop(const char *what) {
    char text[2048];
    aml_format_error(text, sizeof text, aml_last_error());
    fprintf(stderr, "%s: %s", what, text);
    exit(1);
}

const char *bench_folder(void) {
    const char *folder = getenv("AUTOML_DATASETS");
    return folder ? folder : "../shared/datasets";
}

aml_frame *bench_read(const char *file) {
    char path[4096];
    aml_frame *f;
    snprintf(path, sizeof path, "%s/%s", bench_folder(), file);
    if (aml_frame_read(&f, path, NULL)) bench_stop(file);
    return f;
}

void bench_split(aml_frame **first, aml_frame **rest, const aml_frame *all, double share,
                 uint32_t number) {
    uint32_t *rows = aml_calloc(all->n, sizeof *rows);
    if (!rows) bench_stop("split");
    for (size_t i = 0; i < all->n; i++) rows[i] = (uint32_t)i;
    aml_rng rng = aml_rng_stream(2026, AML_RNG_TEST, 0, number);
    aml_rng_shuffle(&rng, rows, all->n);
    size_t n = (size_t)(share * (double)all->n + 1e-9);
    if (aml_frame_rows(first, all, rows, n, NULL) ||
        aml_frame_rows(rest, all, rows + n, all->n - n, NULL))
        bench_stop("split");
    aml_free(rows);
}

double bench_score(const aml_model *m, const aml_frame *data, const char *metric, int threads) {
    aml_evaluation *e;
    const char *name;
    double x, found = NAN;
    if (aml_model_evaluate(&e, m, data, threads)) bench_stop(metric);
    for (size_t i = 0; aml_evaluation_metric(e, i, &name, &x); i++)
        if (!strcmp(name, metric)) found = x;
    aml_evaluation_free(e);
    return found;
}

double bench_number(const char *text) {
    double x;
    if (aml_parse_seconds(&x, text)) return x;
    fprintf(stderr, "not a number: %s\n", text);
    exit(64);
}
