#!/bin/sh
# all_tables.sh: `automl train` on every table of a folder: a model every time, the time limit kept, peak memory printed.
#
#   bench/all_tables.sh [PROGRAM [SECONDS [FOLDER]]]
#
# FOLDER (default $AUTOML_DATASETS or ../shared/datasets) holds index.csv (name, file, task, target, …) and the tables. Wall
# time must stay within the limit + max(0.5 s, 1 %). Needs GNU time. Ends with a count of tables, refusals and overruns.
set -eu
program=${1:-build/automl}
limit=${2:-20}
folder=${3:-${AUTOML_DATASETS:-../shared/datasets}}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tables=0 refused=0 late=0 failed=0
printf '%-28s %-11s %6s %8s %8s  %s\n' table task wall_s peak_MB model_kB result
while IFS=, read -r name file task target _; do
    [ "$name" = name ] && continue
    tables=$((tables + 1))
    code=0
    rm -f "$work/m.automl"
    case $task in regression) how="--task regression" ;; *) how="" ;; esac
    # shellcheck disable=SC2086
    /usr/bin/time -q -o "$work/time" -f '%e %M' "$program" train "$folder/$file" --target "$target" $how --time-limit "${limit}s" \
        --output "$work/m.automl" --quiet >"$work/out" 2>"$work/err" || code=$?
    read -r wall peak <"$work/time"
    size=$( (stat -c %s "$work/m.automl" 2>/dev/null || echo 0) | awk '{print int($1 / 1024)}')
    result=$(grep -m1 '^score' "$work/out" | tr -s ' ' | cut -c1-70)
    if [ "$code" -eq 65 ]; then
        refused=$((refused + 1))
        result="refused: $(head -n1 "$work/err" | cut -c1-100)"
    elif [ "$code" -ne 0 ] || [ "$size" -eq 0 ]; then
        failed=$((failed + 1))
        result="FAILED ($code): $(head -n1 "$work/err" | cut -c1-100)"
    fi
    if awk -v w="$wall" -v l="$limit" 'BEGIN { s = l / 100 > 0.5 ? l / 100 : 0.5; exit !(w > l + s) }'; then
        late=$((late + 1))
        result="LATE $result"
    fi
    printf '%-28s %-11s %6s %8s %8s  %s\n' "$name" "$task" "$wall" "$((peak / 1024))" "$size" "$result"
done <"$folder/index.csv"
echo "$tables tables, $refused refused with exit 65, $failed failed, $late over the limit"
[ "$failed" -eq 0 ] && [ "$late" -eq 0 ]
