/* tree_plan.c: what trees ask of rows, listed. */
#include "learners/parts/tree_plan.h"

#include <math.h>
#include <string.h>

#include "automl/core/sort.h"
#include "learners/parts/tree_row.h"

/* Where masks pay: features that lie in the cache, conditions that many nodes share. */
enum { MOST_FEATURES = 4096, WORTH = 200 };

/* What is known while a plan is made; all but the plan goes afterwards. Choices are cuts of a number, or the nodes that
 * ask for a category, in order; each is a condition. */
typedef struct maker {
    const aml_trees *t;
    aml_tree_plan *plan;
    size_t n_inner, n_places; /* of the small trees; places: leaves, by eights */
    size_t *start;            /* n_used + 1: where those of a feature begin in `cut`, */
    uint32_t *count;          /* how many choices there are, */
    uint32_t *slot;           /* and their slot */
    float *cut;
    aml_arena *work, *keep;
} maker;

static bool is_small(const aml_tree *tree) {
    return tree->n_nodes > 1 && tree->n_nodes / 2 < AML_MASK_LEAVES;
}

static bool is_category(const aml_node *node) { return node->kind & AML_NODE_CATEGORY; }

/* ---- choices */

static void count_choices(maker *m, bool list) {
    for (uint32_t k = 0; k < m->t->n_trees; k++) {
        const aml_tree *tree = m->t->tree + k;
        for (uint32_t i = 0; is_small(tree) && i < tree->n_nodes; i++) {
            const aml_node *node = tree->node + i;
            if (!node->left) continue;
            size_t at = m->start[node->feature] + m->count[node->feature]++;
            if (list) m->cut[at] = node->value;
        }
    }
}

static uint32_t drop_repeats(float *v, uint32_t n) {
    uint32_t kept = 0;
    for (uint32_t i = 0; i < n; i++)
        if (!kept || v[i] != v[kept - 1]) v[kept++] = v[i];
    return kept;
}

/* Without a branch on the data. */
static uint32_t find_cut(const float *cut, uint32_t n, float value) {
    uint32_t at = 0;
    for (; n > 1; n -= n / 2) at += cut[at + n / 2 - 1] < value ? n / 2 : 0;
    return at;
}

static aml_status list_choices(maker *m) {
    const aml_trees *t = m->t;
    m->start = AML_ARRAY(m->work, t->n_used + 1u, size_t);
    m->count = AML_ARRAY(m->work, t->n_used + 1u, uint32_t);
    m->slot = AML_ARRAY(m->work, t->n_used + 1u, uint32_t);
    if (!m->start || !m->count || !m->slot) return AML_ENOMEM;
    count_choices(m, false);
    for (uint32_t u = 0; u < t->n_used; u++) {
        m->start[u + 1] = m->start[u] + m->count[u];
        m->count[u] = 0;
    }
    m->cut = AML_ARRAY(m->work, m->n_inner + 1, float);
    if (!m->cut) return AML_ENOMEM;
    count_choices(m, true);
    for (uint32_t u = 0; u < t->n_used; u++) {
        if (t->n_levels[u]) continue;
        AML_TRY(aml_sort_f32(m->cut + m->start[u], m->count[u]));
        m->count[u] = drop_repeats(m->cut + m->start[u], m->count[u]);
    }
    return AML_OK;
}

/* ---- slots and conditions */

static aml_slot_kind kind_of(const maker *m, uint32_t u) {
    if (m->t->n_levels[u]) return AML_SLOT_SETS;
    return m->count[u] <= AML_MOST_CUTS ? AML_SLOT_CODES : AML_SLOT_FLOATS;
}

static void number_conditions(maker *m, aml_plan_slot *slot) {
    aml_tree_plan *plan = m->plan;
    for (uint32_t u = 0; u < m->t->n_used; u++) {
        uint32_t first = plan->n_conditions;
        if (!m->count[u]) continue;
        plan->n_conditions += m->count[u];
        slot[plan->n_slots] = (aml_plan_slot){kind_of(m, u), u, first, plan->n_conditions};
        m->slot[u] = plan->n_slots++;
    }
}

static void set_conditions(const maker *m, aml_condition *condition) {
    for (uint32_t s = 0; s < m->plan->n_slots; s++) {
        const aml_plan_slot *slot = m->plan->slot + s;
        for (uint32_t c = 0; c < slot->end - slot->first; c++) {
            aml_condition *to = condition + slot->first + c;
            if (slot->kind == AML_SLOT_CODES) to->code = c;
            if (slot->kind == AML_SLOT_FLOATS) to->limit = m->cut[m->start[slot->feature] + c];
        }
    }
}

static aml_status keep_cuts(const maker *m, aml_plan_feature *feature) {
    for (uint32_t u = 0; u < m->t->n_used; u++) {
        feature[u].category = m->t->n_levels[u];
        if (kind_of(m, u) != AML_SLOT_CODES || !m->count[u]) continue;
        float *cut = aml_alloc_raw(m->keep, AML_CODES + AML_COARSE, sizeof *cut);
        if (!cut) return AML_ENOMEM;
        for (uint32_t c = 0; c < AML_CODES; c++)
            cut[c] = c < m->count[u] ? m->cut[m->start[u] + c] : INFINITY;
        for (uint32_t c = 0; c < AML_COARSE; c++)
            cut[AML_CODES + c] = cut[c * AML_COARSE + AML_COARSE - 1];
        feature[u].n_cuts = m->count[u];
        feature[u].cut = cut;
    }
    return AML_OK;
}

static aml_status make_slots(maker *m) {
    aml_tree_plan *plan = m->plan;
    AML_TRY(list_choices(m));
    aml_plan_slot *slot = AML_ARRAY(m->work, m->t->n_used, aml_plan_slot);
    if (!slot) return AML_ENOMEM;
    number_conditions(m, slot);
    if (plan->n_conditions / WORTH > m->t->n_trees) return AML_OK;
    aml_plan_feature *feature = AML_ARRAY(m->keep, m->t->n_used, aml_plan_feature);
    aml_condition *condition = AML_ARRAY(m->keep, plan->n_conditions, aml_condition);
    plan->slot = aml_copy(m->keep, slot, plan->n_slots * sizeof *slot);
    if (!feature || !condition || !plan->slot) return AML_ENOMEM;
    AML_TRY(keep_cuts(m, feature));
    set_conditions(m, condition);
    plan->feature = feature;
    plan->condition = condition;
    plan->masks = true;
    return AML_OK;
}

/* ---- trees as lists of conditions */

/* Room of one tree in the arrays of all. */
typedef struct places {
    uint16_t *at, *missing, *leaf;
    uint32_t *on;
    float *value;
    uint32_t (*set)[AML_SET_WORDS];
    aml_condition *condition;
    uint32_t *next; /* by used feature: choices of a category so far */
} places;

/* The set of a node, with code 0 where the node sends it. */
static void put_set(uint32_t *out, const aml_tree *tree, const aml_node *node) {
    memcpy(out, tree->set + (size_t)(node->kind >> AML_NODE_SET_SHIFT) * AML_SET_WORDS,
           AML_SET_WORDS * sizeof *out);
    out[0] = (out[0] & ~1u) | (node->kind & AML_NODE_MISSING_LEFT ? 1u : 0u);
}

/* The condition of a node. Sets hold the answer for what is missing. */
static uint32_t put_condition(places *to, uint16_t *missing, const maker *m, const aml_tree *tree,
                              const aml_node *node) {
    aml_tree_plan *plan = m->plan;
    uint32_t u = node->feature, first = plan->slot[m->slot[u]].first;
    *missing = 0;
    if (is_category(node)) {
        uint32_t on = first + to->next[u]++;
        put_set(to->set[plan->n_sets], tree, node);
        to->condition[on].set = plan->n_sets++;
        return on;
    }
    if (node->kind & AML_NODE_MISSING_LEFT) *missing = (uint16_t)(m->slot[u] + 1);
    return first + find_cut(m->cut + m->start[u], m->count[u], node->value);
}

static void put_tree(aml_plan_tree *out, places *to, const maker *m, const aml_tree *tree) {
    uint32_t inner = 0, leaves = 0;
    out->at = to->at, out->on = to->on, out->missing = to->missing;
    out->leaf = to->leaf, out->value = to->value;
    out->set = m->plan->n_sets;
    for (uint32_t i = 0; i < tree->n_nodes; i++) {
        const aml_node *node = tree->node + i;
        if (node->left) {
            to->at[inner] = (uint16_t)i;
            to->on[inner] = put_condition(to, to->missing + inner, m, tree, node);
            inner++;
        } else {
            to->value[leaves] = node->value;
            to->leaf[leaves++] = (uint16_t)i;
        }
    }
    for (; leaves % 8; leaves++) to->leaf[leaves] = AML_NO_NODE;
    to->at += inner, to->on += inner, to->missing += inner;
    to->leaf += leaves, to->value += leaves;
}

static aml_status put_trees(maker *m, aml_plan_tree *tree) {
    const aml_trees *t = m->t;
    size_t n_sets = 0;
    for (uint32_t u = 0; u < t->n_used; u++) n_sets += t->n_levels[u] ? m->count[u] : 0;
    places to = {.at = aml_alloc_raw(m->keep, m->n_inner, sizeof *to.at),
                 .on = aml_alloc_raw(m->keep, m->n_inner, sizeof *to.on),
                 .missing = aml_alloc_raw(m->keep, m->n_inner, sizeof *to.missing),
                 .leaf = aml_alloc_raw(m->keep, m->n_places, sizeof *to.leaf),
                 .value = AML_ARRAY(m->keep, m->n_places + 32, float),
                 .set = aml_alloc_raw(m->keep, n_sets, sizeof *to.set),
                 .condition = (aml_condition *)m->plan->condition, /* ours: make_slots made it */
                 .next = AML_ARRAY(m->work, t->n_used + 1u, uint32_t)};
    if (!to.next || !to.missing || !to.at || !to.on || !to.leaf || !to.value || !to.set)
        return AML_ENOMEM;
    m->plan->set = (const uint32_t(*)[AML_SET_WORDS])to.set;
    for (uint32_t k = 0; k < t->n_trees; k++)
        if (is_small(t->tree + k)) put_tree(tree + k, &to, m, t->tree + k);
    return AML_OK;
}

/* ---- others */

static aml_status put_steps(const maker *m, aml_plan_tree *tree) {
    for (uint32_t k = 0; k < m->t->n_trees; k++) {
        const aml_tree *from = m->t->tree + k;
        if (tree[k].word || !aml_steps_fit(m->t, from)) continue;
        aml_step *step = aml_alloc_raw(m->keep, from->n_nodes, sizeof *step);
        if (!step) return AML_ENOMEM;
        aml_steps_pack(step, from);
        tree[k].step = step;
    }
    return AML_OK;
}

static aml_status make(maker *m) {
    const aml_trees *t = m->t;
    aml_plan_tree *tree = AML_ARRAY(m->keep, t->n_trees, aml_plan_tree);
    uint32_t n_small = 0, n_leaves = 0; /* n_leaves: trees of one alone */
    if (!tree) return AML_ENOMEM;
    m->plan->tree = tree;
    for (uint32_t k = 0; k < t->n_trees; k++) {
        tree[k].n = t->tree[k].n_nodes / 2;
        n_leaves += !tree[k].n;
        if (!is_small(t->tree + k)) continue;
        n_small++;
        m->n_inner += tree[k].n;
        m->n_places += tree[k].n / 8 * 8 + 8;
    }
    if (t->n_used <= MOST_FEATURES && n_small && 2 * (n_small + n_leaves) >= t->n_trees)
        AML_TRY(make_slots(m));
    if (m->plan->masks) {
        m->plan->n_masked = n_small + n_leaves;
        AML_TRY(put_trees(m, tree));
        AML_TRY(aml_words_make(m->plan, tree, t, m->keep));
    }
    return put_steps(m, tree);
}

aml_status aml_tree_plan_make(const aml_tree_plan **out, const aml_trees *t, aml_arena *keep) {
    aml_tree_plan *plan = AML_NEW(keep, aml_tree_plan);
    aml_arena *work = aml_arena_new(NULL);
    maker m = {.t = t, .plan = plan, .keep = keep, .work = work};
    aml_status status = plan && work ? make(&m) : AML_ENOMEM;
    if (plan) plan->of = t->tree, plan->n_trees = t->n_trees;
    aml_arena_free(work);
    *out = plan;
    return status;
}
