/* bench_forest.c: one fit of a forest on a table of floats; bench/learners/forest.py runs it between the peers.
 *
 *   bench_forest random_forest|extra_trees FOLDER N_TRAIN N_TEST P CLASSES CATEGORIES LEVELS THREADS SEED [PARAM=VALUE …] */
#include "bench/learners/one_fit.h"

extern const aml_learner aml_learner_random_forest, aml_learner_extra_trees;

int main(int argc, char **argv) {
    const aml_learner *known[] = {&aml_learner_random_forest, &aml_learner_extra_trees};
    for (size_t i = 0; i < 2 && argc > 1; i++)
        if (!strcmp(argv[1], known[i]->name)) return bench_one_fit(known[i], argv + 1);
    bench_die("bench_forest random_forest|extra_trees FOLDER …");
}
