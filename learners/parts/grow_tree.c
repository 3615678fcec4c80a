/* grow_tree.c: the tree that came out: its leaves, its rows and what they are predicted. */
#include <math.h>
#include <string.h>

#include "automl/core/par.h"
#include "learners/parts/grow_work.h"

/* ---- what came out */

uint32_t aml_grower_leaves(const aml_grower *g) { return g->n_leaves; }

const uint32_t *aml_grower_rows(size_t *n, const aml_grower *g, uint32_t k) {
    *n = g->leaf[k].n;
    return g->position + g->leaf[k].begin;
}

void aml_grower_set_value(aml_grower *g, uint32_t k, double value) {
    aml_bounds b = g->leaf[k].bounds;
    value = fmax(b.low, fmin(b.high, value));
    g->node[g->leaf[k].node] = (aml_node){.value = (float)(value * g->rules->learning_rate)};
}

aml_tree aml_grower_tree(const aml_grower *g) {
    return (aml_tree){.node = g->node,
                      .set = g->set,
                      .cover = g->cover,
                      .n_nodes = g->n_nodes,
                      .n_sets = g->n_sets};
}

void aml_grower_gains(double *gain, const aml_grower *g) {
    for (uint32_t i = 0; i < g->n_nodes; i++)
        if (g->node[i].left && g->node[i].feature < g->from->n_dense)
            gain[g->node[i].feature] += g->gain[i];
}

typedef struct add_job {
    const aml_grower *g;
    float *score;
    const uint32_t *rows;
    const bool *skip;
} add_job;

/* Blocks of positions, as leaves are large and small. */
static void number_positions(void *arg, size_t block, size_t begin, size_t end, int thread) {
    const aml_grower *g = arg;
    (void)block, (void)thread;
    for (uint32_t k = 0; k < g->n_leaves; k++) {
        const aml_leaf *l = g->leaf + k;
        size_t from = l->begin > begin ? l->begin : begin;
        size_t to = l->begin + l->n < end ? l->begin + l->n : end;
        for (size_t i = from; i < to; i++) g->leaf_of[g->position[i]] = (uint8_t)k;
    }
}

void aml_grow_number_leaves(aml_grower *g) {
    if (g->round->n < g->n) memset(g->leaf_of, AML_NO_LEAF, g->n);
    aml_par_for(g->plan.n_threads, g->round->n, 16384, number_positions, g);
}

const uint8_t *aml_grower_leaf_of(const aml_grower *g) { return g->leaf_of; }

static void add_values(void *arg, size_t block, size_t begin, size_t end, int thread) {
    const add_job *job = arg;
    const uint8_t *leaf = job->g->leaf_of;
    float value[256] = {0};
    (void)block, (void)thread;
    for (uint32_t k = 0; k < job->g->n_leaves; k++)
        value[k] = job->g->node[job->g->leaf[k].node].value;
    for (size_t i = begin; i < end; i++) job->score[i] += value[leaf[i]];
}

void aml_grower_add(float *score, const aml_grower *g) {
    add_job job = {.g = g, .score = score};
    if (g->n_leaves > 1) aml_par_for(g->plan.n_threads, g->n, 16384, add_values, &job);
}

static float walk(const aml_grower *g, size_t row) {
    uint32_t at = 0;
    while (g->node[at].left) {
        const aml_node *node = g->node + at;
        unsigned code = aml_boost_row_code(g->from, row, node->feature);
        bool left = node->kind & AML_NODE_MISSING_LEFT;
        if (code && node->kind & AML_NODE_CATEGORY)
            left = g->set[(size_t)(node->kind >> AML_NODE_SET_SHIFT) * AML_SET_WORDS + code / 32] >>
                       code % 32 &
                   1;
        else if (code) left = code <= g->bin[at];
        at = node->left + !left;
    }
    return g->node[at].value;
}

static void walk_rows(void *arg, size_t block, size_t begin, size_t end, int thread) {
    const add_job *job = arg;
    (void)block, (void)thread;
    for (size_t i = begin; i < end; i++)
        if (!job->skip || !job->skip[i]) job->score[i] += walk(job->g, job->rows[i]);
}

void aml_grower_add_rows(float *score, const aml_grower *g, const uint32_t *rows, size_t n,
                         const bool *skip) {
    add_job job = {g, score, rows, skip};
    aml_par_for(g->plan.n_threads, n, 4096, walk_rows, &job);
}
