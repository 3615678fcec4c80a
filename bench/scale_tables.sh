#!/bin/sh
# scale_tables.sh: large, broad and many-levelled tables through train, at one size and at twice the rows: seconds, memory, and how they grow.
#
#   bench/scale_tables.sh [PROGRAM [FOLDER]]        the tables stay in FOLDER when one is given, and are made once
#
# tall: 5 and 10 million rows of 10 numbers; broad: 20 and 40 rows of 100,000 numbers; levels: 200,000 and 400,000 rows with a
# category of 100,000 levels. One trial of ridge on tall and broad, of gbdt on levels, hold-out of a fifth, no ensemble: the
# same work for each row. The tables are made by awk from fixed seeds. Needs GNU time.
set -eu
program=${1:-build/automl}
work=${2:-$(mktemp -d)}
[ $# -ge 2 ] || trap 'rm -rf "$work"' EXIT
mkdir -p "$work"

tall() {
    awk -v n="$1" 'BEGIN { srand(1); print "a,b,c,d,e,f,g,h,i,y"
        for (k = 0; k < n; k++) { a = rand(); b = rand(); c = rand()
            printf("%.4f,%.4f,%.3f,%d,%d,%.2f,%.4f,%d,%.3f,%.4f\n", a, b, c, 100 * rand(), 10 * rand(), 50 * rand(), rand(), \
                1000 * rand(), rand(), 3 * a + b * c + 0.3 * rand()) } }'
}
broad() {
    awk -v n="$1" 'BEGIN { srand(2); p = 100000
        for (j = 0; j < p; j++) printf "x%d,", j; print "y"
        for (i = 0; i < n; i++) { for (j = 0; j < p; j++) printf "%.4f,", rand(); printf "%.4f\n", rand() } }'
}
levels() {
    awk -v n="$1" 'BEGIN { srand(3); print "c,d,x,y"
        for (i = 0; i < n; i++) { c = int(100000 * rand()); x = rand()
            printf("L%d,k%d,%.4f,%d\n", c, int(30 * rand()), x, (x + (c % 7) / 7 + rand() > 1.5)) } }'
}
run() { # run TABLE ROWS LEARNER
    file=$work/$1_$2.csv
    [ -e "$file" ] || "$1" "$2" >"$file.part"
    [ -e "$file" ] || mv "$file.part" "$file"
    code=0
    ${LOCK:-} /usr/bin/time -q -o "$work/time" -f '%e %U %S %M' "$program" train "$file" --target y --trials 1 --learners "$3" \
        --validation holdout0.2 --no-ensemble --output "$work/m.automl" --quiet >"$work/out" 2>"$work/err" || code=$?
    read -r wall user system peak <"$work/time"
    size=$(stat -c %s "$file")
    [ "$code" -eq 0 ] && result=$(grep -m1 '^score' "$work/out" | tr -s ' ' | cut -c1-40) || result="FAILED ($code): $(head -n1 "$work/err" | cut -c1-80)"
    echo "$1 $2 $size $wall $user $system $peak $result" | awk '{ cpu = $5 + $6
        printf("%-7s %9d %8.0f %8.1f %8.1f %8.0f", $1, $2, $3 / 1e6, $4, cpu, $7 / 1024)
        for (k = 8; k <= NF; k++) printf(" %s", $k); print "" }' | tee -a "$work/rows"
    rm -f "$work/m.automl"
}

: >"$work/rows"
printf '%-7s %9s %8s %8s %8s %8s %s\n' table rows MB wall_s cpu_s peak_MB result
run tall 5000000 ridge
run tall 10000000 ridge
run broad 20 ridge
run broad 40 ridge
run levels 200000 gbdt
run levels 400000 gbdt
awk '{ if ($1 == last) printf("%-7s twice the rows: wall x %.2f, cpu x %.2f, peak x %.2f\n", $1, $4 / wall, $5 / cpu, $6 / peak)
    last = $1; wall = $4; cpu = $5; peak = $6 }' "$work/rows"
