#!/bin/sh
# compilers.sh: the same leaderboard and model, byte for byte, whoever compiled the program and however much it was optimised.
#
#   bench/compilers.sh [TRIALS]
#
# Builds the program four times, in build-gcc-O0, build-gcc-O3, build-clang-O0 and build-clang-O3 (gcc, clang, libomp-dev), and
# trains with each on every table of datasets/: TRIALS (6) trials of all learners, seed 1, 2 threads, OpenBLAS by the kernels of
# one processor (OPENBLAS_CORETYPE, else Haswell). A line a table: checksums of leaderboard and model. Exit code 1 when any differ.
set -eu
cd "$(dirname "$0")/.."
trials=${1:-6}
OPENBLAS_CORETYPE=${OPENBLAS_CORETYPE:-Haswell}
export OPENBLAS_CORETYPE
builds="gcc-O0 gcc-O3 clang-O0 clang-O3"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

for name in $builds; do
    cmake -S . -B "build-$name" -G Ninja -DCMAKE_BUILD_TYPE=Debug -DCMAKE_C_FLAGS_DEBUG="-${name#*-}" -DCMAKE_C_COMPILER="${name%-*}" \
        -DAUTOML_TESTS=OFF -DAUTOML_BENCH=OFF -DAUTOML_MPI=OFF -Wno-dev --log-level=WARNING >/dev/null
    cmake --build "build-$name" --parallel "${JOBS:-$(nproc)}" --target automl_program >/dev/null
done

# train BUILD TABLE TARGET: prints the first digits of the checksums of leaderboard and model
train() {
    "build-$1/automl" train "datasets/$2.csv" --target "$3" --trials "$trials" --seed 1 --threads 2 --json --no-timings --quiet \
        --output "$work/$2.automl" >"$work/$2.json" 2>"$work/err" || cat "$work/err" >&2
    for file in "$work/$2.json" "$work/$2.automl"; do sha256sum <"$file" | cut -c 1-6; done | tr '\n' ' '
}

differ=0
# shellcheck disable=SC2086 # several words
printf '%-14s  %-14s %-14s %-14s %-14s\n' table $builds
while read -r table target; do
    line="" first="" result=""
    for name in $builds; do
        found=$(train "$name" "$table" "$target")
        first=${first:-$found}
        [ "$found" = "$first" ] || result=differ
        line="$line $(printf '%-14s' "$found")"
    done
    printf '%-14s %s %s\n' "$table" "$line" "${result:-same}"
    [ -z "$result" ] || differ=$((differ + 1))
done <<END
breast_cancer diagnosis
diabetes progression
digits digit
iris species
linnerud weight
wine class
END
echo "$differ tables differ"
[ "$differ" -eq 0 ]
