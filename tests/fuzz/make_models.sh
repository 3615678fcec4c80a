#!/bin/sh
# Writes the models that fuzz_model starts from: sh tests/fuzz/make_models.sh AUTOML FOLDER
set -eu
automl=$1
mkdir -p "$2"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
awk 'BEGIN {
    srand(5)
    print "a,b,c,when,note,y,z,k"
    for (i = 0; i < 40; i++) {
        a = int(rand() * 20) / 2; c = substr("redblugre", 1 + 3 * int(rand() * 3), 3)
        printf "%g,%s,%s,2024-%02d-0%d,%s,%s,%g,%s\n", a, i % 7 ? int(rand() * 9) : "", c, 1 + i % 12, 1 + i % 9, \
            (i % 3 ? "good and quick" : "bad but cheap"), (a + (c == "red") * 3 > 5 ? "yes" : "no"), a * 2 + (c == "blu"), c
    }
}' >"$work/t.csv"
train() { "$automl" train "$work/t.csv" --quiet --threads 1 "$@" >"$work/out" 2>&1 || grep -q 'E-USAGE' "$work/out" || { cat "$work/out"; exit 1; }; }
for learner in $(sed -n 's/^AML_LEARNER(\([a-z_]*\)).*/\1/p' "$(dirname "$0")/../../learners/learners.def"); do
    for target in y z k; do
        others=$(echo "y z k" | sed "s/ *$target//; s/^ *//; s/ /,/") # a learner that cannot do the task is refused
        train --target $target --drop "$others" --learners "$learner" --trials 1 --validation holdout0.3 --no-ensemble \
            --output "$2/${learner}_$target.automl"
    done
done
train --target y --drop z,k --learners naive_bayes,logistic,knn --trials 4 --featurization all --output "$2/several.automl"
ls -l "$2"
