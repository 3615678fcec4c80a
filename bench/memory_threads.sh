#!/bin/sh
# memory_threads.sh: peak memory of `automl train` with 1 and 8 threads, 1 and 4 trials: trials share one table.
#
#   bench/memory_threads.sh [BUILD [ROWS [LEARNER …]]]
#
# BUILD (default build) has `automl` and `generate`; the table is friedman1 (10 numbers) of ROWS rows (default 200000), a
# fifth of them held out. With 8 threads four trials run at a time. Prints megabytes beside those of the table's numbers as
# float32, which is what a copy for a trial would take at least, and whether the models are the same. Needs GNU time.
set -eu
build=${1:-build}
rows=${2:-200000}
[ $# -lt 2 ] || shift
[ $# -lt 1 ] || shift
[ $# -gt 0 ] || set -- ridge gbdt random_forest
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$build/generate" friedman1 "$rows" 1 >"$work/t.csv"
echo "friedman1, $rows rows; one copy of the features is $((rows * 10 * 4 / 1000000)) MB"
printf '%-14s %8s %8s %8s %8s %8s\n' learner trials threads peak_MB wall_s cpu_s
for learner; do
    for trials in 1 4; do
        for threads in 1 8; do
            /usr/bin/time -q -o "$work/time" -f '%M %e %U %S' "$build/automl" train "$work/t.csv" --target y --trials "$trials" \
                --validation holdout0.2 --learners "$learner" --threads "$threads" --output "$work/m$threads.automl" --quiet >"$work/out"
            read -r peak wall user system <"$work/time"
            printf '%-14s %8d %8d %8d %8.1f %8.1f\n' "$learner" "$trials" "$threads" $((peak / 1000)) "$wall" \
                "$(awk "BEGIN { print $user + $system }")"
        done
        cmp -s "$work/m1.automl" "$work/m8.automl" || echo "  the models differ"
    done
done
