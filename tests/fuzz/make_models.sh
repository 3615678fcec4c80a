#!/bin/sh
# Writes small models that fuzz_model starts from: every learner, task and way of featurization, with and without texts, lists and dates.
#
#   sh tests/fuzz/make_models.sh AUTOML FOLDER        then build-fuzz/fuzz_model -merge=1 tests/corpus/model FOLDER keeps what is new
set -eu
automl=$1
mkdir -p "$2"
models=$(cd "$2" && pwd)
learners=$(sed -n 's/^AML_LEARNER(\([a-z_]*\)).*/\1/p' "$(dirname "$0")/../../learners/learners.def")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
awk 'BEGIN {
    srand(5)
    split("red green blue fast slow cheap good", word, " ")
    split("Rome Oslo Lima", city, " ")
    print "num,count,city,when,note,tags,y,z,k"
    for (i = 0; i < 60; i++) {
        a = rand() - 0.5; c = int(3 * rand())
        printf "%s,%d,%s,2024-%02d-%02d,", i % 11 ? sprintf("%.3f", a) : "", 5 * rand(), i % 13 ? city[c + 1] : "", 1 + i % 12, 1 + i % 28
        for (j = 0; j < 4; j++) printf "%s%s", j ? " " : "", word[1 + int(7 * rand())]
        printf ",%s,%.3f,%s,%s\n", substr("a|b|c", 1, 1 + 2 * (i % 3)), a + c + rand() / 5, (a + c / 2 > 0.4 ? "yes" : "no"), substr("uvw", c + 1, 1)
    }
}' >t.csv

# small LEARNER: hyperparameters of small models
small() {
    case $1 in
    gbdt) echo '{"rounds": 3, "num_leaves": 4}' ;;
    random_forest | extra_trees) echo '{"n_estimators": 3, "max_leaves": 8}' ;;
    mlp) echo '{"width": 32, "detail": 4, "members": 2}' ;;
    knn) echo '{"k": 3}' ;;
    *) echo '{}' ;;
    esac
}

# A learner that cannot do the task is refused.
for learner in $learners; do
    for target in regression:y:z,k binary:z:y,k multiclass:k:y,z; do
        task=${target%%:*} others=${target##*:} y=${target#*:}
        for how in off: auto: auto:,note,tags all:,note all:,note,tags,when; do
            cat >e.json <<JSON
{"data": {"train": "t.csv", "target": "${y%:*}", "drop": ["$(echo "$others${how#*:}" | sed 's/,/", "/g')"]}, "task": "$task",
 "limits": {"max_trials": 1, "threads": 1}, "learners": {"$learner": $(small "$learner")}, "validation": {"holdout": 0.3}, "ensemble": false,
 "featurization": {"mode": "${how%%:*}"}, "outputs": {"model": "$models/${learner}_${task}_$(echo "$how" | tr -d :,).automl"}}
JSON
            "$automl" run e.json --no-store --quiet >out 2>&1 || grep -q 'none of the learners' out || { cat e.json out && exit 1; }
        done
    done
done
"$automl" train t.csv --target z --drop y,k --learners naive_bayes,logistic,knn --trials 4 --featurization all --threads 1 --quiet \
    --output "$models/several.automl" >out
ls -l "$models"
