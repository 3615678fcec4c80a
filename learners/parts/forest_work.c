/* forest_work.c: room for growing trees, codes that lie together, and the nodes that are open. */
#include "learners/parts/forest_work.h"

#include <math.h>
#include <string.h>

/* ---- memory */

/* Nodes of few enough rows read copies of the codes that lie together: below them nothing waits for memory. Worth it
 * when the codes of all rows are more than the cache, and a row is not much longer than what is read of it. */
enum { CACHE_BYTES = 1 << 20, NEAR_BYTES = 1 << 18, BYTES_A_FEATURE = 32, SPARSE = 16 };

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
    aml_free(w->table);
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

aml_forest_work *aml_forest_work_new(const aml_forest_levels *levels, size_t n, uint32_t n_classes,
                                     double max_features) {
    aml_forest_work *w = aml_calloc(1, sizeof *w);
    if (!w) return NULL;
    const aml_bins *bins = w->bins = &levels->bins;
    w->ordered = levels->ordered;
    w->kernels = aml_forest_kernels_best();
    w->code = aml_malloc(n + AML_FEW);
    w->next = aml_malloc((n + 1) * sizeof *w->next);
    w->spare_row = aml_malloc((n + 1) * sizeof *w->spare_row);
    w->spare_value = aml_malloc((n + 1) * sizeof *w->spare_value);
    w->class_total = aml_calloc(n_classes + 1u, sizeof *w->class_total);
    w->left = aml_calloc(n_classes + 1u, sizeof *w->left);
    w->table = aml_malloc(((size_t)n_classes * 256 + 1) * sizeof *w->table);
    w->feature = aml_malloc((bins->p + 1) * sizeof *w->feature);
    w->xlogx = aml_malloc(AML_XLOGX * sizeof *w->xlogx);
    if (!w->code || !w->next || !w->spare_row || !w->spare_value || !w->class_total || !w->left ||
        !w->table || !w->feature || !w->xlogx ||
        !alloc_near(w, n, (size_t)(1 + max_features * (double)bins->p))) {
        aml_forest_work_free(w);
        return NULL;
    }
    for (size_t x = 0; x < AML_XLOGX; x++) w->xlogx[x] = x ? (double)x * log((double)x) : 0;
    return w;
}

uint32_t *aml_forest_counts(aml_forest_work *w) { return w->next; }

bool aml_grow_room(void *array, size_t *room, size_t used, size_t more, size_t size) {
    void **p = array;
    if (used + more <= *room) return true;
    size_t want = 2 * *room > used + more ? 2 * *room : used + more + 64;
    void *bigger = aml_realloc(*p, want * size);
    if (!bigger) return false;
    *p = bigger;
    *room = want;
    return true;
}

/* ---- codes */

aml_code_view aml_forest_view(const aml_forest_work *w, size_t n) {
    const uint8_t *rows = n <= w->near_rows                        ? w->near
                          : n > AML_FEW && n > w->bins->n / SPARSE ? NULL
                                                                   : w->bins->row;
    return (aml_code_view){w->bins, rows};
}

void aml_forest_bring_near(aml_forest_work *w, size_t begin, size_t n) {
    size_t stride = w->bins->stride;
    uint32_t *row = w->sample->row;
    for (size_t i = begin; i < begin + n; i++) {
        memcpy(w->near + i * stride, w->bins->row + row[i] * stride, stride);
        w->origin[i] = row[i];
        row[i] = (uint32_t)i;
    }
}

void aml_forest_unpack(aml_forest_work *w, aml_forest_node *d) {
    size_t padded = (d->n + AML_LANES - 1) / AML_LANES * AML_LANES;
    w->few.narrow = d->binary && d->weight < INT16_MAX;
    for (size_t i = 0; i < d->n; i++) {
        int64_t weight = aml_curvature(d->value[i]);
        w->at[i] = d->view.rows + (size_t)d->row[i] * d->bins->stride;
        w->few.slope[i] = (int32_t)(aml_slope(d->value[i]) - weight * d->whole.shift);
        w->few.weight[i] = (int32_t)weight;
    }
    for (size_t i = d->n; i < padded; i++) {
        w->at[i] = w->at[0];
        w->few.slope[i] = w->few.weight[i] = 0;
    }
    for (size_t i = 0; i < padded && w->few.narrow; i++)
        w->few.packed[i] = w->few.slope[i] * 65536 + w->few.weight[i];
    d->few = &w->few;
    d->cuts = w->cuts;
    d->at = w->at;
}

/* ---- open nodes */

/* The heap's order: larger gain first, then the older node. */
static bool before(const aml_open_node *a, const aml_open_node *b) {
    return a->gain > b->gain || (a->gain == b->gain && a->node < b->node);
}

void aml_forest_push(aml_forest_work *w, const aml_open_node *x) {
    size_t at = w->n_open++;
    for (; w->best_first && at && before(x, w->open + (at - 1) / 2); at = (at - 1) / 2)
        w->open[at] = w->open[(at - 1) / 2];
    w->open[at] = *x;
}

aml_open_node aml_forest_pop(aml_forest_work *w) {
    if (!w->best_first) return w->open[--w->n_open];
    aml_open_node top = w->open[0], last = w->open[--w->n_open];
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
