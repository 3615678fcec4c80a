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

/* aml_rng_below, with what is at hand of it inline. */
static inline uint32_t draw_below(aml_rng *r, uint32_t n) {
    if (!r->left) return aml_rng_below(r, n);
    uint64_t m = (uint64_t)r->out[4 - r->left] * n;
    if ((uint32_t)m < n) return aml_rng_below(r, n);
    r->left--;
    return (uint32_t)(m >> 32);
}

/* The k-th feature to be tried in a node. */
static inline uint32_t draw_feature(aml_forest_work *w, size_t k) {
    swap(w->feature + k, w->feature + k + draw_below(&w->rng, (uint32_t)(w->n_features - k)));
    return w->feature[k];
}

/* Draws features until enough of them vary in the node, or none is left. */
static void best_cut(aml_cut *best, aml_forest_work *w, const aml_forest_node *node) {
    size_t want = w->n_tried;
    best->gain = -INFINITY;
    best->open = NULL;
    for (size_t k = 0; k < w->n_features && want; k++) {
        bool varies = aml_forest_try(best, node, draw_feature(w, k));
        if (stopped(w, node->n + 64)) break;
        if (best->gain >= node->enough) break;
        if (varies && (want > 1 || best->gain > -INFINITY)) want--;
    }
    aml_forest_close(best, node);
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

/* ---- two rows */

static bool put_row(aml_forest_work *w, uint32_t at, size_t row) {
    uint64_t weight, total = aml_forest_sum(w, row, 1, &weight);
    w->out->cover[at] = (float)weight;
    return aml_forest_put_leaf(w, at, row, 1, total, weight);
}

/* What both sides of a cut between two rows are worth beyond the two together. */
static double gain_of_two(uint64_t a, uint64_t b) {
    double s = (double)aml_slope(a), v = (double)aml_curvature(a);
    double t = (double)aml_slope(b), u = (double)aml_curvature(b), cross = s * u - t * v;
    return cross * cross / (v * u * (v + u));
}

/* Two rows of different targets: all cuts between them gain the same. The first feature in which they differ parts them
 * for good. */
static bool part_two(aml_forest_work *w, uint32_t at, size_t begin, uint64_t total,
                     uint64_t weight) {
    const uint64_t *value = w->sample->value + begin;
    const uint8_t *codes = aml_forest_view(w, 2).rows;
    const uint8_t *first = codes + w->sample->row[begin] * w->bins->stride;
    const uint8_t *second = codes + w->sample->row[begin + 1] * w->bins->stride;
    uint64_t lighter = (uint64_t)aml_curvature(value[0]);
    if (weight - lighter < lighter) lighter = weight - lighter;
    aml_open_node o;
    unsigned a = 0, b = 0;
    for (size_t k = 0; k < w->n_features && a == b && lighter >= w->least; k++) {
        o.cut.feature = draw_feature(w, k);
        a = first[o.cut.feature], b = second[o.cut.feature];
    }
    if (a == b || stopped(w, 64)) return aml_forest_put_leaf(w, at, begin, 2, total, weight);
    size_t left = a && b ? a > b : !a; /* what is missing goes right */
    uint32_t child = (uint32_t)w->out->n_nodes;
    o.node = at;
    o.gain = gain_of_two(value[0], value[1]);
    o.cut.category = false;
    o.cut.missing_left = a && b && 2 * (uint64_t)aml_curvature(value[left]) >= weight;
    o.cut.bin = (uint16_t)aml_forest_part(w->bins, o.cut.feature, a, b, w->rules->random_cuts,
                                          &w->rng, w->kernels);
    return put_split(w, &o) && put_row(w, child, begin + left) &&
           put_row(w, child + 1, begin + 1 - left);
}

/* ---- any rows */

/* Makes the node a leaf, or opens it when it can be split. */
static bool examine(aml_forest_work *w, uint32_t at, size_t begin, size_t n, size_t parent) {
    aml_sample *s = w->sample;
    if (n <= w->near_rows && parent > w->near_rows) aml_forest_bring_near(w, begin, n);
    uint64_t weight, total = aml_forest_sum(w, begin, n, &weight);
    w->out->cover[at] = (float)weight;
    if (n < 2 || weight < 2 * w->least || aml_forest_is_pure(w, begin, n))
        return aml_forest_put_leaf(w, at, begin, n, total, weight);
    if (n == 2 && w->pairs) return part_two(w, at, begin, total, weight);
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
                            .least = w->least ? w->least : 1,
                            .rng = &w->rng,
                            .kernels = w->kernels,
                            .code = w->code,
                            .next = w->next,
                            .left = w->left,
                            .table = w->table,
                            .xlogx = w->xlogx};
    aml_forest_weigh(&node);
    if (n <= AML_FEW && weight < INT32_MAX && aml_forest_plain(&node)) aml_forest_unpack(w, &node);
    aml_open_node o;
    o.begin = begin, o.n = n, o.node = at;
    best_cut(&o.cut, w, &node);
    if (o.cut.gain == -INFINITY) return aml_forest_put_leaf(w, at, begin, n, total, weight);
    o.gain = fmax(o.cut.gain, 0) * (aml_forest_plain(&node) ? node.whole.weight : 1);
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

/* Keeps row i at place l, or puts it aside. */
static inline void put_aside(aml_forest_work *w, uint32_t *row, uint64_t *value, size_t i,
                             size_t *l, size_t *r, bool left) {
    uint32_t at = row[i];
    uint64_t v = value[i];
    row[*l] = w->spare_row[*r] = at;
    value[*l] = w->spare_value[*r] = v;
    *l += left;
    *r += 1 - (size_t)left;
}

static size_t divide(aml_forest_work *w, const aml_open_node *o) {
    const aml_cut *cut = &o->cut;
    size_t step;
    aml_code_view from = aml_forest_view(w, o->n);
    const uint8_t *column = aml_code_view_of(&step, &from, cut->feature);
    uint32_t *row = w->sample->row + o->begin;
    uint64_t *value = w->sample->value + o->begin;
    size_t l = 0, r = 0;
    if (cut->category) {
        for (size_t i = 0; i < o->n; i++) {
            unsigned code = column[row[i] * step];
            bool go = code ? cut->set[code / 32] >> code % 32 & 1 : cut->missing_left;
            put_aside(w, row, value, i, &l, &r, go);
        }
    } else {
        uint8_t least = !cut->missing_left, span = (uint8_t)(cut->bin - least);
        for (size_t i = 0; i < o->n; i++) {
            uint8_t code = column[row[i] * step];
            put_aside(w, row, value, i, &l, &r, (uint8_t)(code - least) <= span);
        }
    }
    memcpy(row + l, w->spare_row, r * sizeof *row);
    memcpy(value + l, w->spare_value, r * sizeof *value);
    return l;
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
    w->n_tried = (size_t)fmax(1, ceil(rules->max_features * (double)n_features - 1e-9));
    w->least = (uint64_t)ceil(rules->min_rows * (double)sample->unit * (1 - 1e-9));
    w->best_first = (double)sample->n / fmax(rules->min_rows, 1) > (double)rules->max_leaves;
    memcpy(w->feature, features, n_features * sizeof *features);
    w->pairs = !w->best_first && !sample->n_classes && !rules->entropy;
    for (size_t j = 0; j < n_features && w->pairs; j++)
        w->pairs = !w->bins->level_code[features[j]];
    if (!grow(w)) out->status = AML_ENOMEM;
}
