/* decisions.c: answers are kept in their order, or given again. */
#include "automl/engine/decisions.h"

static void keep(aml_decisions *d, double x) {
    if (d->n == d->room && !d->failed) {
        size_t room = d->room * 2 + 256;
        double *at = aml_realloc(d->at, room * sizeof *at);
        d->failed = !at;
        if (at) d->at = at, d->room = room;
    }
    if (!d->failed) d->at[d->n++] = x;
}

double aml_decide(aml_decisions *d, double now) {
    if (!d) return now;
    if (d->replayed) return d->next < d->n ? d->at[d->next++] : now;
    keep(d, now);
    return now;
}

bool aml_decide_if(aml_decisions *d, bool now) {
    double said = aml_decide(d, now);
    return said > 0;
}

void aml_decisions_free(aml_decisions *d) {
    aml_free(d->at);
    *d = (aml_decisions){0};
}
