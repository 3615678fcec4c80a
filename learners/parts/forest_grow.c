/* forest_grow.c: growing one tree of a forest. */
#include "learners/parts/forest_grow.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "learners/parts/forest_split.h"

/* A node whose split is known but not made. */
typedef struct open_node {
    size_t begin, n;
    uint32_t node;
    double gain;
    aml_cut cut;
} open_node;

/* Nodes of few enough rows read copies of the codes that lie together: below them nothing waits for memory. Worth it
 * when the codes of all rows are more than the cache, and a row is not much longer than what is read of it. */
enum { CACHE_BYTES = 1 << 20, NEAR_BYTES = 1 << 18, BYTES_A_FEATURE = 32, SPARSE = 16 };

struct aml_forest_work {
    const aml_bins *bins;
    uint8_t *code;
    uint32_t *next, *spare_row, *class_total, *left, *feature;
    uint64_t *spare_value;
    double *xlogx;
    uint8_t *near;    /* copies of code rows by place in the sample, or NULL */
    uint32_t *origin; /* their design rows; `row` of the sample is the place */
    size_t near_rows; /* nodes up to this size use them */
    const aml_forest_kernels *kernels;
    aml_few few;                /* the rows of a small node, */
    const uint8_t *at[AML_FEW]; /* and their codes */
    /* of the tree at hand */
    const aml_forest_rules *rules;
    aml_sample *sample;
    size_t n_features, worked;
    aml_rng rng;
    const aml_ctx *ctx;
    aml_grown *out;
    open_node *open; /* a stack, or a heap by gain when leaves are limited */
    size_t n_open, room;
    bool best_first;
};

/* ---- memory */

void aml_grown_free(aml_grown *t) {
    aml_free(t->node);
    aml_free(t->set);
    aml_free(t->share);
    aml_free(t->cover);
    aml_free(t->gain);
}

void aml_forest_work_free(aml_forest_work *w) {
    if (!w) return;
    aml_free(w->code);
    aml_free(w->next);
    aml_free(w->spare_row);
    aml_free(w->spare_value);
    aml_free(w->class_total);
    aml_free(w->left);
    aml_free(w->feature);
    aml_free(w->xlogx);
    aml_free(w->near);
    aml_free(w->origin);
    aml_free(w->open);
    aml_free(w);
}

static bool alloc_near(aml_forest_work *w, size_t n, size_t n_tried) {
    size_t stride = w->bins->stride;
    if (n * stride < CACHE_BYTES || stride > BYTES_A_FEATURE * n_tried) return true;
    w->near = aml_malloc(n * stride);
    w->origin = aml_malloc(n * sizeof *w->origin);
    w->near_rows = NEAR_BYTES / stride;
    return w->near && w->origin;
}

aml_forest_work *aml_forest_work_new(const aml_bins *bins, size_t n, uint32_t n_classes,
                                     double max_features) {
    aml_forest_work *w = aml_calloc(1, sizeof *w);
    if (!w) return NULL;
    w->bins = bins;
    w->kernels = aml_forest_kernels_best();
    w->code = aml_malloc(n + AML_FEW);
    w->next = aml_malloc((n + 1) * sizeof *w->next);
    w->spare_row = aml_malloc((n + 1) * sizeof *w->spare_row);
    w->spare_value = aml_malloc((n + 1) * sizeof *w->spare_value);
    w->class_total = aml_calloc(n_classes + 1u, sizeof *w->class_total);
    w->left = aml_calloc(n_classes + 1u, sizeof *w->left);
    w->feature = aml_malloc((bins->p + 1) * sizeof *w->feature);
    w->xlogx = aml_malloc(AML_XLOGX * sizeof *w->xlogx);
    if (!w->code || !w->next || !w->spare_row || !w->spare_value || !w->class_total || !w->left ||
        !w->feature || !w->xlogx ||
        !alloc_near(w, n, (size_t)(1 + max_features * (double)bins->p))) {
        aml_forest_work_free(w);
        return NULL;
    }
    for (size_t x = 0; x < AML_XLOGX; x++) w->xlogx[x] = x ? (double)x * log((double)x) : 0;
    return w;
}

uint32_t *aml_forest_counts(aml_forest_work *w) { return w->next; }

/* Makes room for `more` items of `size`; doubles. */
static bool grow_room(void *array, size_t *room, size_t used, size_t more, size_t size) {
    void **p = array;
    if (used + more <= *room) return true;
    size_t want = 2 * *room > used + more ? 2 * *room : used + more + 64;
    void *bigger = aml_realloc(*p, want * size);
    if (!bigger) return false;
    *p = bigger;
    *room = want;
    return true;
}

static bool grow_nodes(aml_grown *t, size_t more) {
    return grow_room(&t->node, &t->room, t->n_nodes, more, sizeof *t->node) &&
           grow_room(&t->cover, &t->cover_room, t->n_nodes, more, sizeof *t->cover);
}

/* ---- leaves */

static bool put_leaf_classes(aml_forest_work *w, aml_node *node, uint64_t weight) {
    aml_grown *t = w->out;
    uint32_t k = w->sample->n_classes;
    if (!grow_room(&t->share, &t->share_room, t->n_shares, k, sizeof *t->share)) return false;
    *node = (aml_node){.kind = (uint32_t)t->n_shares};
    for (uint32_t c = 0; c < k; c++) {
        if (!w->class_total[c]) continue;
        t->share[t->n_shares++] =
            (aml_share){c, (float)((double)w->class_total[c] / (double)weight)};
        node->feature++;
    }
    return true;
}

static double target(const aml_forest_work *w, size_t i, size_t n) {
    const aml_sample *s = w->sample;
    return s->y[n <= w->near_rows ? w->origin[s->row[i]] : s->row[i]];
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

static bool put_leaf(aml_forest_work *w, uint32_t at, size_t begin, size_t n, uint64_t total,
                     uint64_t weight) {
    aml_node *node = w->out->node + at;
    const aml_sample *s = w->sample;
    if (s->n_classes) return put_leaf_classes(w, node, weight);
    double value = s->binary ? (double)aml_slope(total) / (double)weight : leaf_mean(w, begin, n);
    *node = (aml_node){.value = (float)value};
    return true;
}

/* ---- nodes */

static bool is_pure(const aml_forest_work *w, size_t begin, size_t n) {
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

static uint64_t sum_node(aml_forest_work *w, size_t begin, size_t n, uint64_t *weight) {
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

/* The heap's order: larger gain first, then the older node. */
static bool before(const open_node *a, const open_node *b) {
    return a->gain > b->gain || (a->gain == b->gain && a->node < b->node);
}

static void push(aml_forest_work *w, const open_node *x) {
    size_t at = w->n_open++;
    for (; w->best_first && at && before(x, w->open + (at - 1) / 2); at = (at - 1) / 2)
        w->open[at] = w->open[(at - 1) / 2];
    w->open[at] = *x;
}

static open_node pop(aml_forest_work *w) {
    if (!w->best_first) return w->open[--w->n_open];
    open_node top = w->open[0], last = w->open[--w->n_open];
    size_t at = 0, child;
    while ((child = 2 * at + 1) < w->n_open) {
        if (child + 1 < w->n_open && before(w->open + child + 1, w->open + child)) child++;
        if (!before(w->open + child, &last)) break;
        w->open[at] = w->open[child];
        at = child;
    }
    w->open[at] = last;
    return top;
}

static aml_code_view view(const aml_forest_work *w, size_t n) {
    const uint8_t *rows = n <= w->near_rows                        ? w->near
                          : n > AML_FEW && n > w->bins->n / SPARSE ? NULL
                                                                   : w->bins->row;
    return (aml_code_view){w->bins, rows};
}

/* Copies the codes of a node's rows. */
static void bring_near(aml_forest_work *w, size_t begin, size_t n) {
    size_t stride = w->bins->stride;
    uint32_t *row = w->sample->row;
    for (size_t i = begin; i < begin + n; i++) {
        memcpy(w->near + i * stride, w->bins->row + row[i] * stride, stride);
        w->origin[i] = row[i];
        row[i] = (uint32_t)i;
    }
}

/* Lays out the rows of a small node for the kernels. */
static void unpack(aml_forest_work *w, aml_forest_node *d) {
    size_t padded = (d->n + AML_LANES - 1) / AML_LANES * AML_LANES;
    for (size_t i = 0; i < d->n; i++) {
        w->at[i] = d->view.rows + (size_t)d->row[i] * d->bins->stride;
        w->few.slope[i] = (int32_t)aml_slope(d->value[i]);
        w->few.weight[i] = (int32_t)aml_curvature(d->value[i]);
    }
    for (size_t i = d->n; i < padded; i++) {
        w->at[i] = w->at[0];
        w->few.slope[i] = w->few.weight[i] = 0;
    }
    d->few = &w->few;
    d->at = w->at;
}

/* Makes the node a leaf, or opens it when it can be split. */
static bool examine(aml_forest_work *w, uint32_t at, size_t begin, size_t n, size_t parent) {
    aml_sample *s = w->sample;
    if (n <= w->near_rows && parent > w->near_rows) bring_near(w, begin, n);
    uint64_t weight, total = sum_node(w, begin, n, &weight);
    w->out->cover[at] = (float)weight;
    uint64_t least = (uint64_t)ceil(w->rules->min_rows * (double)s->unit * (1 - 1e-9));
    if (n < 2 || weight < 2 * least || is_pure(w, begin, n))
        return put_leaf(w, at, begin, n, total, weight);
    aml_forest_node node = {.bins = w->bins,
                            .view = view(w, n),
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
    if (n <= AML_FEW && weight < INT32_MAX && aml_forest_plain(&node)) unpack(w, &node);
    open_node o = {.begin = begin, .n = n, .node = at, .cut = best_cut(w, &node)};
    if (o.cut.gain == -INFINITY) return put_leaf(w, at, begin, n, total, weight);
    o.gain = fmax(o.cut.gain, 0) / (aml_forest_plain(&node) ? node.whole.weight : 1);
    if (!grow_room(&w->open, &w->room, w->n_open, 1, sizeof *w->open)) return false;
    push(w, &o);
    return true;
}

/* An open node that is not split after all. */
static bool close_node(aml_forest_work *w, const open_node *o) {
    uint64_t weight, total = sum_node(w, o->begin, o->n, &weight);
    return put_leaf(w, o->node, o->begin, o->n, total, weight);
}

/* ---- splitting */

static size_t divide(aml_forest_work *w, const open_node *o) {
    const aml_cut *cut = &o->cut;
    size_t step;
    aml_code_view from = view(w, o->n);
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

static bool put_split(aml_forest_work *w, const open_node *o) {
    aml_grown *t = w->out;
    const aml_cut *cut = &o->cut;
    if (!grow_nodes(t, 2)) return false;
    aml_node node = {.feature = cut->feature,
                     .left = (uint32_t)t->n_nodes,
                     .kind = cut->missing_left ? AML_NODE_MISSING_LEFT : 0u};
    if (cut->category) {
        if (!grow_room(&t->set, &t->set_room, t->n_sets * AML_SET_WORDS, AML_SET_WORDS,
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

static bool split(aml_forest_work *w, const open_node *o) {
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
        open_node o = pop(w);
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
