#!/bin/sh
# odd_tables.sh: tables that are hard on memory or numbers: train must end with a model, in time; time and memory are printed.
#
#   bench/odd_tables.sh [PROGRAM [SECONDS]]
#
# 20 rows of 100,000 numbers; a category of 100,000 levels on 200,000 rows; all-missing, constant, duplicate columns, numbers
# near 1e308 and 1e-308. The tables are made by awk from fixed seeds. Needs GNU time.
set -eu
program=${1:-build/automl}
limit=${2:-20}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

awk 'BEGIN { srand(1); n = 100000
    for (j = 0; j < n; j++) printf "x%d,", j; print "y"
    for (i = 0; i < 20; i++) { for (j = 0; j < n; j++) printf "%.4f,", rand(); print i % 2 } }' >"$work/wide.csv"
awk 'BEGIN { srand(2); print "c,d,x,y"
    for (i = 0; i < 200000; i++) { c = int(100000 * rand()); x = rand()
        printf("L%d,k%d,%.4f,%d\n", c, int(30 * rand()), x, (x + (c % 7) / 7 + rand() > 1.5)) } }' >"$work/levels.csv"
awk 'BEGIN { srand(3); split("1e308 -1e308 3 1e-308 1e300", big, " ")
    print "gone,const,x,copy,big,tiny,day,note,y"
    for (i = 0; i < 500; i++) { x = rand(); b = big[1 + int(5 * rand())]
        printf(",7,%.5f,%.5f,%s,%de-300,%s,%s,%s\n", x, x, b, 1000 * rand(), i % 3 ? "" : ("2020-01-0" (1 + i % 9)), \
            i % 2 ? "a b c" : "", (x + rand() > 1) ? "u" : "v") } }' >"$work/odd.csv"

printf '%-8s %8s %8s %8s %8s  %s\n' table wall_s cpu_s peak_MB model_kB result
for table in wide levels odd; do
    code=0
    /usr/bin/time -q -o "$work/time" -f '%e %U %M' "$program" train "$work/$table.csv" --target y --time-limit "${limit}s" \
        --output "$work/m.automl" --quiet >"$work/out" 2>"$work/err" || code=$?
    read -r wall cpu peak <"$work/time"
    size=$( (stat -c %s "$work/m.automl" 2>/dev/null || echo 0) | awk '{print int($1 / 1024)}')
    result=$(grep -m1 '^score' "$work/out" | tr -s ' ' | cut -c1-70)
    [ "$code" -eq 0 ] || result="FAILED ($code): $(head -n1 "$work/err" | cut -c1-100)"
    printf '%-8s %8s %8s %8s %8s  %s\n' "$table" "$wall" "$cpu" "$((peak / 1024))" "$size" "$result"
    rm -f "$work/m.automl"
done
