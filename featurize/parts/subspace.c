/* subspace.c: randomized subspace iteration. */
#include "featurize/parts/subspace.h"

#include <math.h>
#include <string.h>

#include "automl/core/linalg.h"

enum { EXTRA = 8 };

/* Eigenvectors in the columns of v (p × k) get a sign that does not hang on rounding. */
static void fix_signs(double *v, size_t p, size_t k) {
    for (size_t c = 0; c < k; c++) {
        double top = 0;
        for (size_t i = 0; i < p; i++)
            if (fabs(v[i * k + c]) > fabs(top) * (1 + 1e-9)) top = v[i * k + c];
        for (size_t i = 0; top < 0 && i < p; i++) v[i * k + c] = -v[i * k + c];
    }
}

/* q (p × l) = z with orthonormal columns of the same span: z V D^(-1/2) from the eigenvectors of
 * z'z. Directions without length become 0. `g` and `w` are room for l² and l. */
static aml_status whiten(double *q, const double *z, size_t p, size_t l, double *g, double *w) {
    aml_dgemm(true, false, l, l, p, 1, z, l, z, l, 0, g, l);
    AML_TRY(aml_eigen(g, l, w));
    for (size_t i = 0; i < l; i++)
        for (size_t j = 0; j < l; j++)
            g[i * l + j] *= w[j] > 1e-13 * w[l - 1] && w[j] > 0 ? 1 / sqrt(w[j]) : 0;
    aml_dgemm(false, false, p, l, l, 1, z, l, g, l, 0, q, l);
    return AML_OK;
}

/* Lengths of the columns of z spread over many orders: to length 1 first. */
static void normalise_columns(double *z, size_t p, size_t l, double *w) {
    memset(w, 0, l * sizeof *w);
    for (size_t i = 0; i < p; i++)
        for (size_t j = 0; j < l; j++) w[j] = fmax(w[j], fabs(z[i * l + j]));
    for (size_t j = 0; j < l; j++) w[j] = w[j] > 0 ? 1 / w[j] : 0;
    for (size_t i = 0; i < p; i++)
        for (size_t j = 0; j < l; j++) z[i * l + j] *= w[j];
}

/* Once keeps the span from collapsing; twice is orthogonal to rounding. */
static aml_status orthonormalise(double *q, double *z, size_t p, size_t l, bool twice, double *g,
                                 double *w) {
    normalise_columns(z, p, l, w);
    AML_TRY(whiten(q, z, p, l, g, w));
    if (!twice) return AML_OK;
    memcpy(z, q, p * l * sizeof *z);
    return whiten(q, z, p, l, g, w);
}

/* vector = q times the leading eigenvectors of h = q'c q (l × l); lead is room for l × k. */
static aml_status ritz(double *vector, double *value, const double *q, double *h, size_t p,
                       size_t l, size_t k, double *w, double *lead) {
    AML_TRY(aml_eigen(h, l, w));
    for (size_t c = 0; c < k; c++) {
        bool real = w[l - 1 - c] > 1e-12 * w[l - 1] && w[l - 1 - c] > 0;
        value[c] = real ? w[l - 1 - c] : 0;
        for (size_t j = 0; j < l; j++) lead[j * k + c] = real ? h[j * l + l - 1 - c] : 0;
    }
    aml_dgemm(false, false, p, k, l, 1, q, l, lead, k, 0, vector, k);
    fix_signs(vector, p, k);
    return AML_OK;
}

aml_status aml_subspace(double *vector, double *value, size_t p, size_t k, int passes,
                        aml_product_fn product, void *arg, aml_ctx *ctx) {
    size_t l = k + EXTRA < p ? k + EXTRA : p;
    double *q = AML_ARRAY(ctx->scratch, p * l, double), *z = AML_ARRAY(ctx->scratch, p * l, double);
    double *g = AML_ARRAY(ctx->scratch, l * l, double), *w = AML_ARRAY(ctx->scratch, l, double);
    aml_rng rng = aml_rng_child(&ctx->rng, 1);
    if (!q || !z || !g || !w) return AML_ENOMEM;
    if (!k) return AML_OK;
    for (size_t i = 0; i < p * l; i++) z[i] = aml_rng_normal(&rng);
    for (int pass = 0; pass < passes; pass++) {
        if (aml_should_stop(ctx)) return aml_stopped();
        AML_TRY(orthonormalise(q, z, p, l, pass + 1 == passes, g, w));
        AML_TRY(product(z, q, l, arg));
    }
    aml_dgemm(true, false, l, l, p, 1, q, l, z, l, 0, g, l);
    return ritz(vector, value, q, g, p, l, k, w, z);
}

aml_status aml_subspace_dense(double *vector, double *value, double *c, size_t p, size_t k,
                              aml_ctx *ctx) {
    double *w = AML_ARRAY(ctx->scratch, p, double);
    if (!w) return AML_ENOMEM;
    AML_TRY(aml_eigen(c, p, w));
    for (size_t j = 0; j < k; j++) {
        bool real = w[p - 1 - j] > 1e-12 * w[p - 1] && w[p - 1 - j] > 0;
        value[j] = real ? w[p - 1 - j] : 0;
        for (size_t i = 0; i < p; i++) vector[i * k + j] = real ? c[i * p + p - 1 - j] : 0;
    }
    fix_signs(vector, p, k);
    return AML_OK;
}
