/* bench_knn.c: one fit and prediction of k-NN on a table of floats; bench/learners/knn.py runs it between the peers.
 *
 *   bench_knn FOLDER N_TRAIN N_TEST P CLASSES CATEGORIES LEVELS THREADS SEED [PARAM=VALUE …] */
#include "bench/learners/one_fit.h"

extern const aml_learner aml_learner_knn;

int main(int argc, char **argv) {
    if (argc < 2) bench_die("bench_knn FOLDER …");
    return bench_one_fit(&aml_learner_knn, argv);
}
