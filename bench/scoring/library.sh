#!/bin/sh
# library.sh: the scoring library beside the engine on the first tables of a folder: each learner, and an ensemble.
#
#   bench/scoring/library.sh [BUILD [TABLES [FOLDER]]]
#
# FOLDER (default $AUTOML_DATASETS or ../shared/datasets) has tables NAME.csv[.gz] and index.csv (name, file, task, target, …).
# Trains on the first 1,000 rows, predicts 2,000. A line a model: rows, rows with a bit that differs, microseconds a row.
set -eu
build=${1:-build}
most=${2:-30}
folder=${3:-${AUTOML_DATASETS:-../shared/datasets}}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
models=0 wrong=0
head_of() {
    case $1 in
    *.gz) gzip -dc "$1" 2>/dev/null ;;
    *) cat "$1" ;;
    esac | head -n "$2" || true
}
printf '%-24s %-14s %6s %6s %9s %9s %9s %9s\n' table learner rows differ engine scorer row engine_row
tables=0
while IFS=, read -r name file task target _; do
    [ "$name" != name ] || continue
    [ "$tables" -lt "$most" ] || break
    head_of "$folder/$file" 1001 >"$work/train.csv"
    head_of "$folder/$file" 2001 >"$work/all.csv"
    "$build/automl" check "$work/train.csv" --target "$target" >/dev/null 2>&1 || continue
    tables=$((tables + 1))
    case $task in regression) how="--task regression" ;; *) how="" ;; esac
    for learner in ridge elastic_net logistic linear_svm naive_bayes knn mlp gbdt random_forest extra_trees glm baseline ensemble; do
        case $learner in
        ensemble) which="--trials 8 --time-limit 30s" ;;
        *) which="--trials 1 --time-limit 15s --learners $learner" ;;
        esac
        # shellcheck disable=SC2086
        timeout 120 "$build/automl" train "$work/train.csv" --target "$target" $how $which --threads 1 --quiet --output "$work/m.automl" >/dev/null 2>&1 || continue
        line=$("$build/bench_library" "$work/m.automl" "$work/all.csv") || wrong=$((wrong + 1))
        models=$((models + 1))
        # shellcheck disable=SC2086
        printf '%-24s %-14s %6s %6s %9s %9s %9s %9s\n' "$name" "$learner" $line
        rm -f "$work/m.automl"
    done
done <"$folder/index.csv"
echo "$tables tables, $models models, $wrong with a difference"
[ "$wrong" -eq 0 ] && [ "$models" -gt 0 ]
