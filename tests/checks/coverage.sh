#!/bin/sh
# coverage.sh: which lines the tests run, against the goals of coverage.py; by ./setup.sh coverage, which installs what is missing.
#
#   tests/checks/coverage.sh [LEAST]      LEAST: how many files of each kind to list
#
# Builds in build-coverage with gcc and runs every test but those of Python, of installing, of what the linker made, and of calls that
# fail (gcov's own end of a process dies of it). A quarter of an hour on two cores.
set -eu
cd "$(dirname "$0")/../.."
build="build-coverage"
others='^(interop_(python|schema|shap|tune)|python|layers|cli_(abi|faults|hardening|headers|install|manual|score))'

cmake -S . -B $build -G Ninja -DCMAKE_C_COMPILER=gcc -DCMAKE_BUILD_TYPE=Debug -DCMAKE_C_FLAGS_DEBUG=-g1 \
    -DAUTOML_COVERAGE=ON -DAUTOML_BENCH=OFF -Wno-dev --log-level=WARNING >/dev/null
cmake --build $build --parallel "$(nproc)"
find $build -name '*.gcda' -delete
failed=0
ctest --test-dir $build --parallel "$(nproc)" --output-on-failure --exclude-regex "$others" || failed=1
python3 tests/checks/coverage.py $build "$@" || failed=1
exit $failed
