#!/bin/sh
# determinism.sh: the same model and leaderboard, byte for byte, at any number of threads.
#
#   bench/determinism.sh [PROGRAM [TABLES [SEEDS [FOLDER]]]]
#
# For each of the first TABLES (20) tables of at most $MOST_ROWS (20000) rows of FOLDER/index.csv (default $AUTOML_DATASETS or ../shared/datasets) and each of SEEDS (3)
# seeds: 6 trials of all learners with 1, 2, 4 and 8 threads, and once more killed in the middle and gone on with. A line says
# "same" or which of them differ. Ends with a count; exit code 1 when any does.
set -eu
program=${1:-build/automl}
tables=${2:-20}
seeds=${3:-3}
folder=${4:-${AUTOML_DATASETS:-../shared/datasets}}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
runs=0 differ=0 done=0

# train NAME THREADS OPTION...: model and leaderboard as NAME.automl and NAME.json
train() {
    name=$1 threads=$2
    shift 2
    # shellcheck disable=SC2086
    "$program" train "$folder/$file" --target "$target" $how --trials 6 --seed "$seed" --threads "$threads" --json --no-timings --quiet \
        --output "$work/$name.automl" "$@" >"$work/$name.json" 2>"$work/err"
}

printf '%-28s %-11s %5s %8s  %s\n' table task seed model_kB result
while IFS=, read -r name file task target rows _; do
    [ "$name" != name ] && [ "$rows" -le "${MOST_ROWS:-20000}" ] && [ "$done" -lt "$tables" ] || continue
    table=$name
    case $task in regression) how="--task regression" ;; *) how="" ;; esac
    seed=1
    train one 1 || continue # refused, whatever the threads: not counted
    done=$((done + 1))
    while [ "$seed" -le "$seeds" ]; do
        train one 1
        found=""
        for threads in 2 4 8; do
            train other $threads
            cmp -s "$work/one.automl" "$work/other.automl" && cmp -s "$work/one.json" "$work/other.json" || found="$found $threads threads,"
            runs=$((runs + 1))
        done
        rm -f "$work"/run.db*
        train other 2 --store "$work/run.db" &
        pid=$!
        sleep 0.3
        pkill -KILL -P "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
        train other 2 --store "$work/run.db"
        runs=$((runs + 1))
        cmp -s "$work/one.automl" "$work/other.automl" && cmp -s "$work/one.json" "$work/other.json" || found="$found after a kill,"
        [ -z "$found" ] || differ=$((differ + 1))
        printf '%-28s %-11s %5s %8s  %s\n' "$table" "$task" "$seed" "$(($(stat -c %s "$work/one.automl") / 1024))" "${found:-same}"
        seed=$((seed + 1))
    done
done <"$folder/index.csv"
echo "$done tables, $runs runs compared with those on one thread, $differ lines that differ"
[ "$differ" -eq 0 ]
