#!/bin/sh
# memory_threads.sh: peak memory of `automl train` with 1 and 8 threads: trials side by side share one table.
#
#   bench/memory_threads.sh [BUILD [ROWS [TRIALS]]]
#
# BUILD (default build) has `automl` and `generate`; the table is friedman1 (10 numbers) of ROWS rows (default 200000). With 8
# threads four trials run at a time. Prints megabytes beside those of the table's numbers as float32, which is what one
# copy for one trial would take at least, and whether the models are the same. Needs GNU time.
set -eu
build=${1:-build}
rows=${2:-200000}
trials=${3:-4}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$build/generate" friedman1 "$rows" 1 >"$work/t.csv"
echo "friedman1, $rows rows, $trials trials; one copy of the features is $((rows * 10 * 4 / 1000000)) MB"
printf '%-14s %8s %8s %8s %8s\n' learners threads peak_MB wall_s cpu_s
for learners in ridge gbdt random_forest knn; do
    for threads in 1 8; do
        /usr/bin/time -q -o "$work/time" -f '%M %e %U %S' "$build/automl" train "$work/t.csv" --target y --trials "$trials" \
            --validation holdout0.2 --learners "$learners" --threads "$threads" --output "$work/m$threads.automl" --quiet >"$work/out"
        read -r peak wall user system <"$work/time"
        printf '%-14.14s %8d %8d %8.1f %8.1f\n' "$learners" "$threads" $((peak / 1000)) "$wall" \
            "$(awk "BEGIN { print $user + $system }")"
    done
    cmp -s "$work/m1.automl" "$work/m8.automl" || echo "  the models differ"
done
