/* grow_features.c: the features that a leaf may be split on. */
#include <math.h>

#include "learners/parts/grow_work.h"

/* A way down the tree stays within a group as long as its features have one in common. */
static bool may_interact(const aml_grower *g, const aml_leaf *l, uint32_t feature) {
    if (!g->rules->groups || !l->depth || feature == l->feature) return true;
    return (l->groups & g->rules->groups[feature]) != 0;
}

/* The stream of a leaf's draw; those of random cuts are children with the features' small numbers. */
enum { DRAW = 0x7FFFFFFF };

size_t aml_grow_features(uint32_t *look, const aml_grower *g, const aml_leaf *l) {
    size_t n = 0, kept = 0;
    double share = g->rules->node_fraction;
    for (size_t k = 0; k < g->plan.n_features; k++)
        if (may_interact(g, l, g->plan.feature[k])) look[n++] = (uint32_t)k;
    if (!(share > 0 && share < 1)) return n;
    aml_rng node = aml_rng_child(&g->round->rng, l->node), rng = aml_rng_child(&node, DRAW);
    size_t want = (size_t)ceil(share * (double)n - 1e-9);
    for (size_t k = 0; k < n && kept < want; k++)
        if (aml_rng_below(&rng, (uint32_t)(n - k)) < want - kept) look[kept++] = look[k];
    return kept;
}
