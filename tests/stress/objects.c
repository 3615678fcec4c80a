/* objects.c: some objects of each kind, which calls find and replace. */
#include "stress.h"

static const char *const kind_words[KINDS] = {
    "frames",         "builders",     "models",        "tuners",      "checks",
    "evaluations",    "explanations", "permutations",  "lineages",    "experiments",
    "featurizations", "stores",       "lists of runs", "comparisons", "sweeps"};
static void *pool[KINDS][ROOM];
static size_t n_made[KINDS];

/* Frees what is there, or NULL, which may be freed. */
static void drop(kind k, size_t i) {
    void *p = pool[k][i];
    pool[k][i] = NULL;
    switch (k) {
    case FRAME: aml_frame_free(p); break;
    case BUILDER: aml_frame_builder_free(p); break;
    case MODEL: /* explanations and the like read the model */
        for (kind d = EXPLANATION; p && d <= LINEAGE; d++)
            for (size_t j = 0; j < ROOM; j++) drop(d, j);
        aml_model_free(p);
        break;
    case TUNER: aml_tuner_free(p); break;
    case CHECK: aml_check_free(p); break;
    case EVALUATION: aml_evaluation_free(p); break;
    case EXPLANATION: aml_explanation_free(p); break;
    case PERMUTATION: aml_permutation_free(p); break;
    case LINEAGE: aml_lineage_free(p); break;
    case EXPERIMENT: aml_experiment_free(p); break;
    case FEATURES: aml_featurization_free(p); break;
    case STORE: aml_store_close(p); break;
    case RUNS: aml_runs_free(p); break;
    case COMPARISON: aml_comparison_free(p); break;
    case SWEEP: aml_sweep_free(p); break;
    case KINDS: break;
    }
}

void *get(kind k) { return pool[k][below(ROOM)]; }

void keep(kind k, void *p) { pool[k][0] = p; }
void put(kind k, void *p) {
    size_t i = 1 + below(ROOM - 1);
    if (!p) return;
    n_made[k]++;
    drop(k, i);
    pool[k][i] = p;
}
void forget(kind k, const void *p) {
    for (int i = 0; i < ROOM; i++)
        if (pool[k][i] == p) pool[k][i] = NULL;
}
void free_all(void) {
    for (int k = KINDS - 1; k >= 0; k--)
        for (size_t i = 0; i < ROOM; i++) drop((kind)k, i);
}
void say_what_was_made(void) {
    for (int k = 0; k < KINDS; k++) fprintf(stderr, " %zu %s", n_made[k], kind_words[k]);
}

static void op_free(void) {
    mark("free");
    drop((kind)below(KINDS), 1 + below(ROOM - 1));
    count_call();
}

const op object_ops[] = {{60, op_free}, {0}};
