#!/bin/sh
# fuzz.sh: the fuzz targets of tests/fuzz, each for so many seconds of processor time; by ./setup.sh fuzz, which installs what is missing.
#
#   tests/checks/fuzz.sh [SECONDS [TARGET...]]      1200 seconds of every target (csv, json, ...), as many at a time as JOBS (all cores)
#
# Builds in build-fuzz with clang. What is interesting, and what was found, stays in build-fuzz/TARGET; a target that was stopped goes on there
# as long as its program is the same. A line a target: seconds, inputs, inputs a second, edges of the code reached, findings.
set -eu
cd "$(dirname "$0")/../.."
seconds=${1:-1200}
[ $# -eq 0 ] || shift
build="build-fuzz" corpus="$PWD/tests/corpus" turn=600
longest() { case $1 in model | score) echo 24576 ;; *) echo 4096 ;; esac; } # bytes of an input: a model with its texts has some 20,000
if [ $# -eq 0 ]; then
    for file in tests/fuzz/fuzz_*.c; do
        file=${file#tests/fuzz/fuzz_}
        set -- "$@" "${file%.c}"
    done
fi

# fuzz TARGET: turns of ten minutes until its time is used up, counted in the file `so_far` (program, seconds, inputs)
fuzz() {
    program="$PWD/$build/fuzz_$1"
    mkdir -p "$build/$1/new" "$build/$1/found"
    cd "$build/$1"
    dictionary=""
    [ ! -e "$corpus/../fuzz/$1.dict" ] || dictionary="-dict=$corpus/../fuzz/$1.dict"
    sum=$(cksum <"$program" | tr ' ' -)
    { read -r of used inputs <so_far && [ "$of" = "$sum" ]; } 2>/dev/null || used=0 inputs=0
    while [ "$used" -lt "$seconds" ] && [ -z "$(ls found)" ]; do
        left=$((seconds - used < turn ? seconds - used : turn))
        /usr/bin/time -q -o time -f '%U %S' "$program" -max_total_time="$left" -max_len="$(longest "$1")" -timeout=60 -report_slow_units=60 -rss_limit_mb=4096 \
            -artifact_prefix=found/ -print_final_stats=1 ${dictionary:+"$dictionary"} new "$corpus/$1" >log 2>&1 || [ -n "$(ls found)" ] || : >found/see_log
        used=$(tail -n 1 time | awk -v used="$used" '{ printf "%d", used + $1 + $2 + 0.5 }')
        inputs=$((inputs + $(sed -n 's/^stat::number_of_executed_units: *//p' log | tail -n 1 | grep . || echo 0)))
        echo "$sum $used $inputs" >so_far
    done
    edges=$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' log | tail -n 1)
    found=$(find found -type f | wc -l)
    printf '%-12s %8d %12d %9d %7s %9d\n' "$1" "$used" "$inputs" $((inputs / (used > 0 ? used : 1))) "${edges:--}" "$found"
    [ "$found" -eq 0 ] || { echo "fuzz.sh: found $build/$1/found, see $build/$1/log" >&2 && return 1; }
}

if [ "${FUZZ_ONE-}" ]; then
    fuzz "$1"
    exit
fi
cmake -S . -B $build -G Ninja -DCMAKE_C_COMPILER=clang -DCMAKE_BUILD_TYPE=Release -DAUTOML_FUZZ=ON -DAUTOML_OPENMP=OFF -DAUTOML_TESTS=OFF \
    -DAUTOML_BENCH=OFF -DAUTOML_MPI=OFF -Wno-dev --log-level=WARNING >/dev/null
# shellcheck disable=SC2046 # several words
cmake --build $build --parallel "$(nproc)" --target $(printf 'fuzz_%s ' "$@") >/dev/null
printf '%-12s %8s %12s %9s %7s %9s\n' target cpu_s inputs per_s edges findings
printf '%s\n' "$@" | FUZZ_ONE=1 xargs -P "${JOBS:-$(nproc)}" -n 1 "$0" "$seconds"
