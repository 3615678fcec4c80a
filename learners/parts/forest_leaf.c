/* forest_leaf.c: what the rows of a node come to. */
#include "learners/parts/forest_work.h"

#include <string.h>

uint64_t aml_forest_sum(aml_forest_work *w, size_t begin, size_t n, uint64_t *weight) {
    const aml_sample *s = w->sample;
    uint64_t total = 0;
    if (!s->n_classes) {
        for (size_t i = begin; i < begin + n; i++) total += s->value[i];
        *weight = (uint64_t)aml_curvature(total);
        return total;
    }
    memset(w->class_total, 0, s->n_classes * sizeof *w->class_total);
    for (size_t i = begin; i < begin + n; i++)
        w->class_total[s->value[i] >> 32] += (uint32_t)s->value[i];
    *weight = 0;
    for (uint32_t c = 0; c < s->n_classes; c++) *weight += w->class_total[c];
    return 0;
}

static double target(const aml_forest_work *w, size_t i, size_t n) {
    const aml_sample *s = w->sample;
    return s->y[n <= w->near_rows ? w->origin[s->row[i]] : s->row[i]];
}

bool aml_forest_is_pure(const aml_forest_work *w, size_t begin, size_t n) {
    const aml_sample *s = w->sample;
    if (s->n_classes) {
        for (size_t i = begin + 1; i < begin + n; i++)
            if (s->value[i] >> 32 != s->value[begin] >> 32) return false;
        return true;
    }
    double first = target(w, begin, n);
    for (size_t i = begin + 1; i < begin + n; i++)
        if (target(w, i, n) != first) return false;
    return true;
}

static bool put_leaf_classes(aml_forest_work *w, aml_node *node, uint64_t weight) {
    aml_grown *t = w->out;
    uint32_t k = w->sample->n_classes;
    if (!aml_grow_room(&t->share, &t->share_room, t->n_shares, k, sizeof *t->share)) return false;
    *node = (aml_node){.kind = (uint32_t)t->n_shares};
    for (uint32_t c = 0; c < k; c++) {
        if (!w->class_total[c]) continue;
        t->share[t->n_shares++] =
            (aml_share){c, (float)((double)w->class_total[c] / (double)weight)};
        node->feature++;
    }
    return true;
}

static double leaf_mean(const aml_forest_work *w, size_t begin, size_t n) {
    const aml_sample *s = w->sample;
    double sum = 0, total = 0;
    for (size_t i = begin; i < begin + n; i++) {
        double weight = (double)aml_curvature(s->value[i]);
        sum += weight * ((target(w, i, n) - s->center) / s->scale);
        total += weight;
    }
    return sum / total;
}

bool aml_forest_put_leaf(aml_forest_work *w, uint32_t at, size_t begin, size_t n, uint64_t total,
                         uint64_t weight) {
    aml_node *node = w->out->node + at;
    const aml_sample *s = w->sample;
    if (s->n_classes) return put_leaf_classes(w, node, weight);
    double value = s->binary ? (double)aml_slope(total) / (double)weight : leaf_mean(w, begin, n);
    *node = (aml_node){.value = (float)value};
    return true;
}
