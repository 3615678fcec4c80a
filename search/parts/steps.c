/* steps.c: the reports of trials. */
#include "search/parts/steps.h"

#include <math.h>

bool aml_step_is_due(const aml_record *own, const double *hp) {
    size_t n = own->n_reports, interval = (size_t)hp[AML_STEP_INTERVAL];
    return n && (double)n >= hp[AML_STEP_DELAY] && n % interval == 0;
}

double aml_reports_best(const aml_record *r, size_t n) {
    double best = NAN;
    for (size_t i = 0; i < n && i < r->n_reports; i++)
        if (!(r->reports[i] >= best)) best = r->reports[i];
    return best;
}

double aml_reports_mean(const aml_record *r, size_t n) {
    double sum = 0;
    if (n > r->n_reports) n = r->n_reports;
    for (size_t i = 0; i < n; i++) sum += r->reports[i];
    return n ? sum / (double)n : NAN;
}

double aml_reports_at(const aml_record *r, double step) {
    for (size_t i = 0; i < r->n_reports; i++)
        if (r->steps[i] >= step) return r->reports[i];
    return NAN;
}

/* The highest rung that the last report is the first to reach; NAN: none. */
static double rung_reached(const aml_record *own, double first, double factor) {
    size_t n = own->n_reports;
    double now = n ? own->steps[n - 1] : -INFINITY, before = n > 1 ? own->steps[n - 2] : -INFINITY;
    double rung = first, reached = NAN;
    for (; rung <= now * (1 + 1e-12); rung *= factor)
        if (before < rung * (1 - 1e-12)) reached = rung;
    return reached;
}

bool aml_rung_passes(const aml_record *own, const aml_told *told, double first, double factor,
                     bool (*same)(const aml_record *r, const void *arg), const void *arg) {
    double rung = rung_reached(own, first, factor) * (1 - 1e-12);
    if (isnan(rung)) return true;
    double loss = aml_reports_at(own, rung);
    size_t n = 0, better = 0;
    for (size_t i = 0; i < told->n; i++) {
        const aml_record *r = &told->records[i];
        if (same && !same(r, arg)) continue;
        double other = r->id == own->id ? loss : aml_reports_at(r, rung);
        if (isnan(other)) continue;
        n++;
        better += r->id != own->id && (other < loss || (other == loss && r->id < own->id));
    }
    size_t top = (size_t)floor((double)n / factor);
    return better < (top ? top : 1);
}
