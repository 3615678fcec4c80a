#!/bin/sh
# memory.sh: is --memory-limit kept, and what becomes of a process that may have less and less memory?
#
#   bench/limits/memory.sh [PROGRAM [FOLDER]]
#
# Tables that would need more, made by awk from fixed seeds (they stay in FOLDER when one is given): tall, 1,000,000 rows of 12 numbers;
# wide, 4,000 x 2,000; levels, 500,000 rows with a category of 50,000 levels; texts, 60,000 rows of 30 words. First: training with limits
# of 256 MiB to 4 GiB: the peak (VmHWM), trials that failed for memory, the score. Then `ulimit -v` lowered step by step on
# a small table: a model, or exit code 71 and its message, or libraries that cannot be loaded; no signal, no partial file. Needs GNU time.
set -eu
program=${1:-build/automl}
work=${2:-$(mktemp -d)}
[ $# -ge 2 ] || trap 'rm -rf "$work"' EXIT
mkdir -p "$work"
over=0 wrong=0

tall() {
    awk 'BEGIN { srand(1); print "a,b,c,d,e,f,g,h,i,j,k,l,y"
        for (n = 0; n < 1000000; n++) { a = rand(); b = rand()
            printf("%.4f,%.4f", a, b); for (j = 0; j < 10; j++) printf(",%.3f", rand())
            printf(",%d\n", a * b + 0.2 * rand() > 0.4) } }'
}
wide() {
    awk 'BEGIN { srand(2); for (j = 0; j < 2000; j++) printf "x%d,", j; print "y"
        for (n = 0; n < 4000; n++) { s = 0; for (j = 0; j < 2000; j++) { x = rand(); if (j < 9) s += x; printf "%.3f,", x }
            printf "%.3f\n", s } }'
}
levels() {
    awk 'BEGIN { srand(3); print "c,x,z,y"
        for (n = 0; n < 500000; n++) { c = int(50000 * rand()); x = rand()
            printf("L%d,%.4f,%.4f,%s\n", c, x, rand(), c % 7 / 7 + x + rand() > 1.5 ? "u" : "v") } }'
}
texts() {
    awk 'BEGIN { srand(4); print "t,x,y"
        for (n = 0; n < 60000; n++) { s = 0; printf "\""
            for (w = 0; w < 30; w++) { k = int(20000 * rand() ^ 3); s += k < 300; printf "word%d ", k }
            printf("\",%.3f,%d\n", rand(), s + 3 * rand() > 8.5) } }'
}

printf '%-8s %8s %8s %8s %8s %8s  %s\n' table limit peak_MB wall_s trials memory score
for table in tall wide levels texts; do
    [ -s "$work/$table.csv" ] || $table >"$work/$table.csv"
    for limit in 256 512 1024 2048 4096; do
        code=0
        rm -f "$work/m.automl"
        /usr/bin/time -q -o "$work/time" -f '%M %e' "$program" train "$work/$table.csv" --target y --memory-limit "${limit}M" \
            --time-limit 12s --output "$work/m.automl" --json --quiet >"$work/out" 2>"$work/err" || code=$?
        read -r peak wall <<END
$(tail -n 1 "$work/time")
END
        peak=$((peak / 1024))
        result=$(grep -m 1 '"value"' "$work/out" | tr -d ' ,' || true)
        [ "$code" -eq 0 ] || result="exit code $code: $(head -n 1 "$work/err")"
        case $code in 0 | 71) ;; *) wrong=$((wrong + 1)) ;; esac
        [ "$peak" -le "$limit" ] || { over=$((over + 1)) result="OVER $result"; }
        printf '%-8s %8s %8s %8s %8s %8s  %s\n' "$table" "$limit" "$peak" "$wall" "$(grep -c '"trial"' "$work/out" || true)" \
            "$(grep -c -i '"reason".*memory' "$work/out" || true)" "$result"
    done
done

awk 'BEGIN { srand(5); print "a,b,c,y"
    for (n = 0; n < 2000; n++) { a = rand(); b = rand(); printf("%.4f,%.4f,k%d,%d\n", a, b, 9 * rand(), a * b > 0.3) } }' >"$work/small.csv"
echo
printf '%-10s %5s  %s\n' ulimit_v_MB code message
models=0 refusals=0 unloaded=0
for megabytes in $(seq 1000 -20 20); do
    code=0
    rm -f "$work/m.automl"
    (ulimit -v $((megabytes * 1024)) && exec "$program" train "$work/small.csv" --target y --trials 6 --time-limit 4s --threads 2 --output "$work/m.automl" \
        --quiet >"$work/out" 2>"$work/err") || code=$?
    case $code in
    0) models=$((models + 1)) && "$program" inspect "$work/m.automl" >"$work/out" || wrong=$((wrong + 1)) ;;
    71) refusals=$((refusals + 1)) && [ ! -e "$work/m.automl" ] || wrong=$((wrong + 1)) ;;
    *)
        printf '%-10s %5s  %s\n' "$megabytes" "$code" "$(head -n 1 "$work/err")"
        # the loader's: the program never started
        [ "$code" -eq 127 ] && grep -q 'error while loading shared libraries' "$work/err" && unloaded=$((unloaded + 1)) || wrong=$((wrong + 1))
        ;;
    esac
done
echo "ulimit -v from 1000 down to 20 MB: $models models, $refusals times exit code 71, $unloaded times not loaded"
echo "$over over the limit, $wrong wrong ends"
[ "$over" -eq 0 ] && [ "$wrong" -eq 0 ]
