/* forest_grow.c: growing one tree of a forest. */
#include "learners/parts/forest_grow.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "learners/parts/forest_work.h"

/* ---- nodes */

static bool grow_nodes(aml_grown *t, size_t more) {
    return aml_grow_room(&t->node, &t->room, t->n_nodes, more, sizeof *t->node) &&
           aml_grow_room(&t->cover, &t->cover_room, t->n_nodes, more, sizeof *t->cover);
}

static void swap(uint32_t *a, uint32_t *b) {
    uint32_t t = *a;
    *a = *b;
    *b = t;
}

/* Looks at the clock once in a while; true when it is time to stop. */
static bool stopped(aml_forest_work *w, size_t work) {
    w->worked += work;
    if (w->worked > 1 << 20) {
        w->worked = 0;
        w->out->stopped |= aml_should_stop(w->ctx);
    }
    return w->out->stopped;
}

/* The gain that no cut can exceed, as far as it is known: two rows are apart with any, classes are apart at best. */
static double most_gain(const aml_forest_node *d, const aml_cut *best) {
    if (d->n == 2) return best->gain;
    if (!d->binary || !aml_forest_plain(d)) return INFINITY;
    return d->whole.slope * (d->whole.weight - d->whole.slope) * (1 - 1e-12);
}

/* Draws features until enough of them vary in the node, or none is left. */
static aml_cut best_cut(aml_forest_work *w, const aml_forest_node *node) {
    aml_cut best = {.gain = -INFINITY};
    double share = ceil(w->rules->max_features * (double)w->n_features - 1e-9);
    size_t want = share < 1 ? 1 : (size_t)share;
    for (size_t k = 0; k < w->n_features && want; k++) {
        swap(w->feature + k,
             w->feature + k + aml_rng_below(&w->rng, (uint32_t)(w->n_features - k)));
        bool varies = aml_forest_try(&best, node, w->feature[k]);
        if (stopped(w, node->n + 64)) break;
        if (best.gain > -INFINITY && best.gain >= most_gain(node, &best)) break;
        if (varies && (want > 1 || best.gain > -INFINITY)) want--;
    }
    return best;
}

/* Makes the node a leaf, or opens it when it can be split. */
static bool examine(aml_forest_work *w, uint32_t at, size_t begin, size_t n, size_t parent) {
    aml_sample *s = w->sample;
    if (n <= w->near_rows && parent > w->near_rows) aml_forest_bring_near(w, begin, n);
    uint64_t weight, total = aml_forest_sum(w, begin, n, &weight);
    w->out->cover[at] = (float)weight;
    uint64_t least = (uint64_t)ceil(w->rules->min_rows * (double)s->unit * (1 - 1e-9));
    if (n < 2 || weight < 2 * least || aml_forest_is_pure(w, begin, n))
        return aml_forest_put_leaf(w, at, begin, n, total, weight);
    aml_forest_node node = {.bins = w->bins,
                            .ordered = w->ordered,
                            .view = aml_forest_view(w, n),
                            .rules = w->rules,
                            .row = s->row + begin,
                            .value = s->value + begin,
                            .n = n,
                            .n_classes = s->n_classes,
                            .binary = s->binary,
                            .total = total,
                            .class_total = w->class_total,
                            .weight = weight,
                            .least = least ? least : 1,
                            .rng = &w->rng,
                            .kernels = w->kernels,
                            .code = w->code,
                            .next = w->next,
                            .left = w->left,
                            .xlogx = w->xlogx};
    aml_forest_weigh(&node);
    if (n <= AML_FEW && weight < INT32_MAX && aml_forest_plain(&node)) aml_forest_unpack(w, &node);
    aml_open_node o = {.begin = begin, .n = n, .node = at, .cut = best_cut(w, &node)};
    if (o.cut.gain == -INFINITY) return aml_forest_put_leaf(w, at, begin, n, total, weight);
    o.gain = fmax(o.cut.gain, 0) / (aml_forest_plain(&node) ? node.whole.weight : 1);
    if (!aml_grow_room(&w->open, &w->room, w->n_open, 1, sizeof *w->open)) return false;
    aml_forest_push(w, &o);
    return true;
}

/* An open node that is not split after all. */
static bool close_node(aml_forest_work *w, const aml_open_node *o) {
    uint64_t weight, total = aml_forest_sum(w, o->begin, o->n, &weight);
    return aml_forest_put_leaf(w, o->node, o->begin, o->n, total, weight);
}

/* ---- splitting */

static size_t divide(aml_forest_work *w, const aml_open_node *o) {
    const aml_cut *cut = &o->cut;
    size_t step;
    aml_code_view from = aml_forest_view(w, o->n);
    const uint8_t *column = aml_code_view_of(&step, &from, cut->feature);
    uint32_t *row = w->sample->row + o->begin;
    uint64_t *value = w->sample->value + o->begin;
    size_t l = 0, r = 0;
    uint8_t left[256];
    for (unsigned c = 0; c < 256; c++)
        left[c] = cut->category ? cut->set[c / 32] >> c % 32 & 1 : c <= cut->bin;
    left[0] = cut->missing_left;
    for (size_t i = 0; i < o->n; i++) {
        uint32_t at = row[i], go = left[column[at * step]];
        uint64_t v = value[i];
        row[l] = w->spare_row[r] = at;
        value[l] = w->spare_value[r] = v;
        l += go;
        r += 1 - go;
    }
    memcpy(row + l, w->spare_row, r * sizeof *row);
    memcpy(value + l, w->spare_value, r * sizeof *value);
    return l;
}

static bool put_split(aml_forest_work *w, const aml_open_node *o) {
    aml_grown *t = w->out;
    const aml_cut *cut = &o->cut;
    if (!grow_nodes(t, 2)) return false;
    aml_node node = {.feature = cut->feature,
                     .left = (uint32_t)t->n_nodes,
                     .kind = cut->missing_left ? AML_NODE_MISSING_LEFT : 0u};
    if (cut->category) {
        if (!aml_grow_room(&t->set, &t->set_room, t->n_sets * AML_SET_WORDS, AML_SET_WORDS,
                           sizeof *t->set))
            return false;
        memcpy(t->set + t->n_sets * AML_SET_WORDS, cut->set, sizeof cut->set);
        node.kind |= AML_NODE_CATEGORY | (uint32_t)t->n_sets++ << AML_NODE_SET_SHIFT;
    } else {
        bool last = cut->bin >= w->bins->n_bins[cut->feature];
        node.value = last ? INFINITY : w->bins->cut[cut->feature][cut->bin - 1];
    }
    t->node[o->node] = node;
    t->gain[cut->feature] += o->gain;
    t->n_nodes += 2;
    return true;
}

static bool split(aml_forest_work *w, const aml_open_node *o) {
    uint32_t child = (uint32_t)w->out->n_nodes;
    size_t n_left = divide(w, o);
    assert(n_left && n_left < o->n);
    if (!put_split(w, o)) return false;
    return examine(w, child, o->begin, n_left, o->n) &&
           examine(w, child + 1, o->begin + n_left, o->n - n_left, o->n);
}

static bool grow(aml_forest_work *w) {
    aml_grown *t = w->out;
    uint32_t n_leaves = 1;
    t->gain = aml_calloc(w->bins->p + 1, sizeof *t->gain);
    if (!t->gain || !grow_nodes(t, 1)) return false;
    t->n_nodes = 1;
    if (!examine(w, 0, 0, w->sample->n, SIZE_MAX)) return false;
    while (w->n_open && n_leaves < w->rules->max_leaves && !t->stopped) {
        aml_open_node o = aml_forest_pop(w);
        if (!split(w, &o)) return false;
        n_leaves++;
    }
    for (size_t i = 0; i < w->n_open; i++)
        if (!close_node(w, w->open + i)) return false;
    return true;
}

void aml_forest_grow(aml_grown *out, aml_forest_work *w, aml_sample *sample,
                     const uint32_t *features, size_t n_features, const aml_forest_rules *rules,
                     aml_rng rng, const aml_ctx *ctx) {
    *out = (aml_grown){0};
    w->rules = rules;
    w->sample = sample;
    w->n_features = n_features;
    w->rng = rng;
    w->ctx = ctx;
    w->out = out;
    w->n_open = w->worked = 0;
    w->best_first = (double)sample->n / fmax(rules->min_rows, 1) > (double)rules->max_leaves;
    memcpy(w->feature, features, n_features * sizeof *features);
    if (!grow(w)) out->status = AML_ENOMEM;
}
