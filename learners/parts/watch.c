#include "learners/parts/watch.h"

#include <math.h>

aml_watch aml_watch_begin(size_t patience) {
    aml_watch w = {.patience = patience};
    for (int j = 0; j <= AML_WATCH_ALL; j++) w.loss[j] = INFINITY;
    return w;
}

/* Mean loss of all parts but one; of that one where there are no others. */
static double loss_without(const aml_watch_sums *sums, int part) {
    double loss = 0, weight = 0;
    for (int p = 0; p < AML_WATCH_PARTS; p++) {
        if (p == part) continue;
        loss += sums->loss[p];
        weight += sums->weight[p];
    }
    if (weight > 0) return loss / weight;
    return part < AML_WATCH_PARTS && sums->weight[part] > 0 ? sums->loss[part] / sums->weight[part]
                                                            : 0;
}

unsigned aml_watch_see(aml_watch *w, const aml_watch_sums *sums, size_t round) {
    unsigned best = 0;
    for (int j = 0; j <= AML_WATCH_ALL; j++) {
        if (w->gone >> j & 1) continue;
        double loss = loss_without(sums, j);
        if (loss < w->loss[j]) {
            w->loss[j] = loss;
            w->round[j] = round;
            best |= 1u << j;
        } else if (round >= w->round[j] + w->patience) {
            w->gone |= 1u << j;
        }
    }
    return best;
}

bool aml_watch_over(const aml_watch *w) { return w->gone == (2u << AML_WATCH_ALL) - 1; }

void aml_watch_save(const aml_watch *w, aml_writer *out) {
    aml_put_u64(out, w->patience);
    for (int j = 0; j <= AML_WATCH_ALL; j++) {
        aml_put_f64(out, w->loss[j]);
        aml_put_u64(out, w->round[j]);
    }
    aml_put_u32(out, w->gone);
}

void aml_watch_load(aml_watch *w, aml_reader *r) {
    w->patience = aml_get_u64(r);
    for (int j = 0; j <= AML_WATCH_ALL; j++) {
        w->loss[j] = aml_get_f64(r);
        w->round[j] = aml_get_u64(r);
    }
    w->gone = aml_get_u32(r);
}
