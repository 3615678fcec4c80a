/* forecast.c: the curve of the best score, one doubling further. */
#include "automl/engine/forecast.h"

#include <math.h>

enum { FEWEST = 8 };
/* Fitted to 32 doublings in 15 recorded runs (bench/results/forecast.txt): what a doubling usually brings, what a single one is
 * taken for at most, and by what the forecast is to be multiplied so that 9 of 10 gains are below. */
static const double USUAL = 0.0015, MOST = 0.008, NINE_IN_TEN = 4;

static double lowest(const double *loss, size_t n) {
    double best = INFINITY;
    for (size_t i = 0; i < n; i++)
        if (loss[i] < best) best = loss[i];
    return best;
}

bool aml_forecast_gain(double *gain, double *high, const double *loss, size_t n, double baseline) {
    double now = lowest(loss, n), way = baseline - now;
    *gain = *high = NAN;
    if (n < FEWEST || !(way > 0) || !isfinite(way)) return false;
    double half = lowest(loss, n / 2), quarter = lowest(loss, n / 4);
    double last = fmin(MOST, (half - now) / way);
    double before = isfinite(quarter) ? fmin(MOST, (quarter - half) / way) : MOST;
    *gain = way * (2 * USUAL + last + before / 2) / 4;
    *high = NINE_IN_TEN * *gain;
    return true;
}
