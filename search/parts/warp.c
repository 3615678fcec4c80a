/* warp.c: losses on a scale that a Gaussian process can work with. */
#include "search/parts/warp.h"

#include <math.h>
#include <string.h>

#include "automl/core/sort.h"
#include "automl/core/special.h"

/* Root mean squared distance of the better half from the median; of all when the better half is
 * flat. */
static double spread(const double *sorted, size_t n, double median) {
    double squares = 0, all = 0, count = 0;
    for (size_t i = 0; i < n; i++) {
        double d = sorted[i] - median;
        all += d * d;
        if (d < 0) squares += d * d, count++;
    }
    if (count > 0) return sqrt(squares / count);
    return all > 0 ? sqrt(all / (double)n) : 0;
}

aml_status aml_warp_new(aml_warp *w, const double *loss, size_t n, aml_arena *arena) {
    w->from = aml_copy(arena, loss, n * sizeof *loss);
    w->to = AML_ARRAY(arena, n, double);
    if (!w->from || !w->to) return AML_ENOMEM;
    AML_TRY(aml_sort_f64(w->from, n));
    w->centre = 0.5 * (w->from[(n - 1) / 2] + w->from[n / 2]);
    w->scale = spread(w->from, n, w->centre);
    if (!(w->scale > 1e-12 * fabs(w->centre)) || !isfinite(w->scale)) w->scale = 1;
    w->n = 0;
    for (size_t i = 0; i < n;) {
        size_t end = i;
        while (end < n && w->from[end] == w->from[i]) end++;
        double rank = 0.5 * (double)(i + end - 1), value = w->from[i];
        double linear = (value - w->centre) / w->scale;
        double quantile = aml_normal_quantile((rank + 0.5) / (double)n);
        w->from[w->n] = value;
        w->to[w->n++] = value <= w->centre ? linear : fmin(linear, fmax(quantile, 0));
        i = end;
    }
    for (size_t i = 1; i < w->n; i++) w->to[i] = fmax(w->to[i], w->to[i - 1]);
    return AML_OK;
}

double aml_warp_apply(const aml_warp *w, double loss) {
    if (loss <= w->centre) return (loss - w->centre) / w->scale;
    size_t lo = 0, hi = w->n; /* the first knot at or above the loss */
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (w->from[mid] < loss) lo = mid + 1;
        else hi = mid;
    }
    if (lo == w->n) return w->to[w->n - 1];
    double x0 = w->centre, y0 = 0;
    if (lo && w->from[lo - 1] > w->centre) x0 = w->from[lo - 1], y0 = w->to[lo - 1];
    double share = (loss - x0) / (w->from[lo] - x0);
    return y0 + share * (w->to[lo] - y0);
}
