/* row_loop.c: the peers' functions for one row, called from C: bench_scoring.py compiles this into a library and hands
 * their addresses over. Each loop takes n rows of p float32, one after the other, and leaves what each took, in
 * microseconds. */
#include <stdint.h>
#include <string.h>
#include <time.h>

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return 1e6 * (double)t.tv_sec + 1e-3 * (double)t.tv_nsec;
}

/* LGBM_BoosterPredictForMatSingleRowFast */
typedef int (*lightgbm_fn)(void *config, const void *data, int64_t *out_len, double *out);

int loop_lightgbm(lightgbm_fn fn, void *config, const float *x, size_t n, size_t p, double *took) {
    double out[64];
    int64_t length;
    for (size_t i = 0; i < n; i++) {
        double start = now();
        if (fn(config, x + i * p, &length, out)) return 1;
        took[i] = now() - start;
    }
    return 0;
}

/* XGBoosterPredictFromDense; `values` describes `row`. */
typedef int (*xgboost_fn)(void *booster, const char *values, const char *config, void *proxy,
                          const uint64_t **shape, uint64_t *dim, const float **result);

int loop_xgboost(xgboost_fn fn, void *booster, const char *values, const char *config, float *row,
                 const float *x, size_t n, size_t p, double *took) {
    const uint64_t *shape;
    const float *result;
    uint64_t dim;
    for (size_t i = 0; i < n; i++) {
        double start = now();
        memcpy(row, x + i * p, p * sizeof *row);
        if (fn(booster, values, config, 0, &shape, &dim, &result)) return 1;
        took[i] = now() - start;
    }
    return 0;
}

/* What TL2cgen generates from models of LightGBM: double values, then their link. */
typedef union entry {
    int missing;
    double value;
} entry;
typedef void (*tl2cgen_fn)(entry *row, int margin, double *result);

int loop_tl2cgen(tl2cgen_fn fn, const float *x, size_t n, size_t p, double *took) {
    entry row[1024];
    double out[64];
    for (size_t i = 0; i < n; i++) {
        double start = now();
        for (size_t j = 0; j < p && j < 1024; j++) row[j].value = (double)x[i * p + j];
        memset(out, 0, sizeof out);
        fn(row, 0, out);
        took[i] = now() - start;
    }
    return 0;
}
