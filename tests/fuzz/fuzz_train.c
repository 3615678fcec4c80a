/* fuzz_train.c: any bytes as a table to learn from: refused with a message, or a model with finite predictions, which are the same after
 * saving and loading. The first three bytes choose learner, target and options, the others are the file. */
#include <math.h>

#include "automl/automl.h"
#include "fuzz.h"

static const char *const learners[] = {"naive_bayes", "logistic",   "ridge",         "elastic_net",
                                       "gbdt",        "glm",        "random_forest", "extra_trees",
                                       "knn",         "linear_svm", "mlp",           "baseline"};
enum { N_LEARNERS = sizeof learners / sizeof *learners, SMALL = 200 };

static double *predicted(const aml_model *m, const aml_frame *f, size_t n) {
    double *out = malloc((n + 1) * sizeof *out);
    if (!out) abort();
    PROMISE(!aml_model_predict(out, m, f, 1));
    for (size_t i = 0; i < n; i++) PROMISE(isfinite(out[i]));
    return out;
}

static void use(const aml_model *m, const aml_frame *f, const char *path) {
    aml_model *copy;
    size_t n = aml_frame_rows_count(f) * aml_model_outputs(m);
    double *before = predicted(m, f, n);
    PROMISE(!aml_model_save(m, path));
    PROMISE(!aml_model_load(&copy, path));
    double *after = predicted(copy, f, n);
    PROMISE(!memcmp(before, after, n * sizeof *before));
    free(before);
    free(after);
    aml_model_free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    aml_frame *f;
    aml_model *m;
    if (size < 4) return 0;
    const char *path = as_file(data + 3, size - 3);
    aml_read_options reading = {.size = sizeof reading, .threads = 1};
    if (aml_frame_read(&f, path, &reading)) {
        PROMISE(aml_last_error()->message[0]);
        return 0;
    }
    const char *chosen[] = {learners[data[0] % N_LEARNERS], NULL};
    if (size > SMALL && !strcmp(*chosen, "mlp")) *chosen = "gbdt"; /* seconds, so instrumented */
    size_t p = aml_frame_columns_count(f);
    aml_train_options o = {.size = sizeof o,
                           .target = aml_frame_column_name(f, data[1] % (p ? p : 1)),
                           .trials = 1,
                           .threads = 1,
                           .learners = chosen,
                           .validation = data[2] & 1 ? "holdout0.3" : NULL,
                           .ensemble = data[2] & 2 ? -1 : 0,
                           .seed = data[2] >> 2};
    if (aml_train(&m, f, &o)) {
        PROMISE(aml_last_error()->message[0]);
    } else {
        use(m, f, path);
        aml_model_free(m);
    }
    aml_frame_free(f);
    return 0;
}
