#!/bin/sh
# setup.sh: from a fresh Debian 12 to a first model (run) or to the tests (test).
set -eu
cd "$(dirname "$0")"

packages="build-essential cmake ninja-build pkg-config libopenblas-dev liblapacke-dev libgsl-dev
    libcjson-dev zlib1g-dev libzstd-dev libsqlite3-dev libcmocka-dev"

usage() {
    echo "usage: ./setup.sh run|build|test|check|coverage|fuzz

  run     install what is missing, build, and train on a dataset of this repository
  build   install what is missing, and build
  test    install what is missing, build, and run the tests
  check   install what is missing, and look for faults with sanitizers and other tools: all, or those
          named (check asan tsan); tests/checks/check.sh says which there are
  coverage
          install what is missing, run the tests and count the lines that ran
  fuzz    install what is missing, and feed what is read with mutated inputs: 20 minutes of processor
          time for each target, or as named (fuzz 60 csv json)"
}

# Only what is missing, and the package lists only when something is.
install_packages() {
    missing=""
    if ! command -v dpkg-query >/dev/null; then
        echo "setup.sh: not a Debian system; needed are: $(echo "$packages" | tr -s ' \n' ' ')" >&2
        return
    fi
    for package in $packages; do
        case $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true) in
        installed) ;;
        *) missing="$missing $package" ;;
        esac
    done
    [ -n "$missing" ] || return 0
    echo "installing:$missing"
    as_root=""
    [ "$(id -u)" -eq 0 ] || as_root="sudo"
    # shellcheck disable=SC2086 # several words each
    {
        $as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq
        $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
            $missing >/dev/null
    }
}

# build TARGET...
build() {
    generator="-G Ninja"
    [ ! -f build/CMakeCache.txt ] || generator=""
    # shellcheck disable=SC2086 # none or two words
    cmake -S . -B build $generator -DCMAKE_BUILD_TYPE=Release -Wno-dev --log-level=WARNING >/dev/null
    for target in "$@"; do
        cmake --build build --parallel "$(nproc)" --target "$target"
    done
}

case ${1-} in
run)
    install_packages
    build automl_program
    exec build/automl train datasets/breast_cancer.csv --target diagnosis --time-limit 20s \
        --output build/breast_cancer.automl
    ;;
build)
    install_packages
    build all
    ;;
test)
    packages="$packages libopenmpi-dev openmpi-bin" # optional: the program does without MPI
    packages="$packages python3-numpy"              # for the tests of the Python package
    install_packages
    build all
    exec ctest --test-dir build --output-on-failure
    ;;
check)
    shift
    option=""
    [ "${1-}" != --if-there ] || { option=$1 && shift; }
    packages="$packages $(tests/checks/check.sh --packages "$@")"
    if ! install_packages; then
        [ -n "$option" ] || exit 1
        echo "setup.sh: not all could be installed"
    fi
    exec tests/checks/check.sh ${option:+"$option"} "$@"
    ;;
coverage)
    shift
    packages="$packages libopenmpi-dev openmpi-bin python3"
    install_packages
    exec tests/checks/coverage.sh "$@"
    ;;
fuzz)
    shift
    packages="$packages clang llvm time"
    install_packages
    exec tests/checks/fuzz.sh "$@"
    ;;
help | --help | -h) usage ;;
*)
    usage >&2
    exit 64
    ;;
esac
