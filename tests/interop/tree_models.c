/* tree_models.c: fits trees on generated data and writes them, rows, and the contributions of the features to the rows
 * as JSON: what check_shap.py reads.
 *
 *   tree_models FILE                 six small models
 *   tree_models FILE ROUNDS LEAVES   one of boosted trees on numbers, so large, to compare speeds */
#include "learners/parts/boost.h"
#include "learners/parts/forest.h"
#include "tests/boost_world.h"

#include <stdio.h>
#include <stdlib.h>

extern const aml_learner aml_learner_random_forest, aml_learner_extra_trees;

enum { ROWS = 1500, EXPLAINED = 200, FEW_TOWNS = 6, LARGE_ROWS = 20000 };

/* What is written of a model: contributions = factor * those of the trees, and `offset` (k) on the last. */
typedef struct exported {
    const char *name;
    const aml_trees *trees;
    size_t k;
    double factor, offset[3], seconds;
} exported;

/* As Python's json reads it, a comma before all but the first. */
static void put_number(FILE *out, double x, size_t i) {
    if (i) fputs(",", out);
    if (isnan(x)) fputs("NaN", out);
    else if (isinf(x)) fputs(x > 0 ? "Infinity" : "-Infinity", out);
    else fprintf(out, "%.17g", x);
}

static void put_leaf(FILE *out, const aml_tree *tree, const aml_node *leaf, size_t output,
                     size_t k) {
    double value[3] = {0};
    if (!leaf->feature) value[output] = (double)leaf->value;
    for (uint32_t s = 0; s < leaf->feature; s++)
        value[tree->share[leaf->kind + s].class] = (double)tree->share[leaf->kind + s].share;
    fputs("{\"values\":[", out);
    for (size_t c = 0; c < k; c++) fprintf(out, "%s%.17g", c ? "," : "", value[c]);
    fputs("]", out);
}

static void put_split(FILE *out, const aml_tree *tree, const aml_node *node) {
    bool missing = node->kind & AML_NODE_MISSING_LEFT;
    fprintf(out, "{\"feature\":%u,\"left\":%u,\"missing_left\":%s", node->feature, node->left,
            missing ? "true" : "false");
    if (!(node->kind & AML_NODE_CATEGORY)) {
        fputs(",\"threshold\":", out);
        put_number(out, (double)node->value, 0);
        return;
    }
    const uint32_t *set = tree->set + (size_t)(node->kind >> AML_NODE_SET_SHIFT) * AML_SET_WORDS;
    fprintf(out, ",\"codes_left\":[%d", missing ? 0 : -1);
    for (unsigned c = 1; c < 32 * AML_SET_WORDS; c++)
        if (set[c / 32] >> c % 32 & 1) fprintf(out, ",%u", c);
    fputs("]", out);
}

static void put_tree(FILE *out, const aml_tree *tree, size_t output, size_t k) {
    fputs("[", out);
    for (uint32_t i = 0; i < tree->n_nodes; i++) {
        const aml_node *node = tree->node + i;
        if (i) fputs(",\n", out);
        if (node->left) put_split(out, tree, node);
        else put_leaf(out, tree, node, output, k);
        fprintf(out, ",\"cover\":%.17g}", (double)tree->cover[i]);
    }
    fputs("]", out);
}

/* phi: EXPLAINED × (P + 1) × k; the used features and the last are written. */
static void put_model(FILE *out, const exported *e, world *s, const double *phi) {
    const aml_trees *t = e->trees;
    float x[P];
    fprintf(out, "{\"name\":\"%s\",\"outputs\":%zu,\"factor\":%.17g,\"seconds\":%g,\"offset\":[",
            e->name, e->k, e->factor, e->seconds);
    for (size_t c = 0; c < e->k; c++) put_number(out, e->offset[c], c);
    fputs("],\n\"trees\":[", out);
    for (uint32_t n = 0; n < t->n_trees; n++) {
        if (n) fputs(",\n", out);
        put_tree(out, t->tree + n, n % e->k, e->k);
    }
    fputs("],\n\"x\":[", out);
    for (size_t i = 0; i < EXPLAINED; i++) {
        aml_trees_gather(x, t, &s->data, i, 1);
        fputs(i ? ",[" : "[", out);
        for (uint32_t u = 0; u < t->n_used; u++) put_number(out, (double)x[u], u);
        fputs("]", out);
    }
    fputs("],\n\"contributions\":[", out);
    for (size_t i = 0; i < EXPLAINED; i++)
        for (uint32_t u = 0; u <= t->n_used; u++)
            for (size_t c = 0; c < e->k; c++) {
                size_t j = u < t->n_used ? t->feature[u] : P;
                put_number(out, phi[(i * (P + 1) + j) * e->k + c], i + u + c);
            }
    fputs("]}", out);
}

static exported of_boosted(const char *name, const aml_boosted *m) {
    bool scaled = m->task == AML_REGRESSION && !m->is_log;
    exported e = {.name = name, .trees = &m->trees, .k = m->n_outputs, .factor = 1};
    if (scaled) e.factor = m->scale;
    for (size_t c = 0; c < m->n_outputs; c++)
        e.offset[c] = m->base[c] * e.factor + (scaled ? m->center : 0);
    return e;
}

static exported of_forest(const char *name, const aml_forest *f) {
    exported e = {.name = name, .trees = &f->trees, .k = f->n_outputs};
    double half = f->task == AML_REGRESSION ? 0 : 0.5; /* a tree that knows nothing */
    e.factor = (f->task == AML_REGRESSION ? f->scale : 1) / (f->trees.n_trees + half);
    double classes = f->task == AML_BINARY ? 2 : (double)f->n_outputs;
    for (size_t c = 0; c < e.k; c++)
        e.offset[c] =
            f->task == AML_REGRESSION ? f->center : half / classes / (f->trees.n_trees + half);
    return e;
}

/* A model with a category of few levels, or of numbers alone. */
typedef struct request {
    const char *name;
    const aml_learner *learner;
    aml_task_kind task;
    double trees, leaves;
    size_t rows;
    bool category;
} request;

static void export_one(FILE *out, const request *r) {
    world s;
    void *model;
    const aml_learner *l = r->learner;
    world_open(&s, r->rows, r->task);
    s.n_levels[TOWN] = r->category ? FEW_TOWNS : 0;
    for (size_t i = 0; r->category && i < r->rows; i++)
        s.column[TOWN][i] = fmodf(s.column[TOWN][i], FEW_TOWNS);
    aml_params_defaults(s.hp, l->params);
    bool forest = l != gbdt;
    s.hp[aml_params_find(l->params, forest ? "n_estimators" : "rounds")] = r->trees;
    s.hp[aml_params_find(l->params, forest ? "max_leaves" : "num_leaves")] = r->leaves;
    assert_int_equal(aml_design_prepare(&s.design, aml_learner_wants(l), &s.ctx), AML_OK);
    assert_int_equal(l->fit(&model, &s.data, s.hp, &s.ctx), AML_OK);
    double *phi = AML_ARRAY(s.ctx.keep, EXPLAINED * (P + 1) * 3, double), begin = aml_now();
    s.data.n = EXPLAINED;
    assert_int_equal(l->contributions(phi, model, &s.data, &s.ctx), AML_OK);
    exported e = forest ? of_forest(r->name, model) : of_boosted(r->name, model);
    e.seconds = aml_now() - begin;
    put_model(out, &e, &s, phi);
    world_close(&s);
}

int main(int argc, char **argv) {
    static const aml_learner *const b = &aml_learner_gbdt, *const f = &aml_learner_random_forest,
                                    *const x = &aml_learner_extra_trees;
    const request small[] = {{"boosted trees, binary", b, AML_BINARY, 30, 12, ROWS, true},
                             {"boosted trees, 3 classes", b, AML_MULTICLASS, 30, 12, ROWS, true},
                             {"boosted trees, regression", b, AML_REGRESSION, 30, 12, ROWS, true},
                             {"random forest, 3 classes", f, AML_MULTICLASS, 10, 20, ROWS, true},
                             {"random forest, regression", f, AML_REGRESSION, 10, 20, ROWS, true},
                             {"extra trees, binary", x, AML_BINARY, 10, 20, ROWS, true}};
    request large = {"boosted trees", b, AML_REGRESSION, 0, 0, LARGE_ROWS, false};
    FILE *out = argc > 1 ? fopen(argv[1], "w") : NULL;
    if (!out) return 2;
    if (argc == 4) {
        large.trees = strtod(argv[2], NULL);
        large.leaves = strtod(argv[3], NULL);
    }
    const request *requests = argc == 4 ? &large : small;
    fputs("[", out);
    for (size_t i = 0; i < (argc == 4 ? 1 : sizeof small / sizeof *small); i++) {
        if (i) fputs(",\n", out);
        export_one(out, &requests[i]);
    }
    fputs("]\n", out);
    return fclose(out) ? 1 : 0;
}
