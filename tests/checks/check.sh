#!/bin/sh
# check.sh: what sanitizers and other tools say of the code; by ./setup.sh check, which installs what is missing.
#
#   tests/checks/check.sh [--if-there] [NAME...]      these checks, or all
#   tests/checks/check.sh --packages [NAME...]        the Debian packages that they need
#
#   calls        layers, doors and banned calls; ctest has it, too
#   cppcheck
#   asan         tests under AddressSanitizer and UndefinedBehaviorSanitizer, gcc
#   tsan         tests of threads under ThreadSanitizer, clang with its own OpenMP
#   asan-clang   as asan, by clang
#   leaks        the program under LeakSanitizer, gcc: tests that call it, with inputs and calls that go wrong
#   valgrind     memcheck on tests of what reads
#   tidy         clang-tidy, by .clang-tidy
#   analyzer     gcc -fanalyzer
#
# Each ends with a line of its own and its time; what is built is in build-NAME. A tool that is not there is a failure, or with
# --if-there a line that says so. JOBS: how many processes. False alarms are silenced where they arise, with the reason.
# shellcheck disable=SC2317 # checks are called by their names
set -eu
cd "$(dirname "$0")/../.."
all="calls cppcheck asan tsan asan-clang leaks valgrind tidy analyzer"
jobs=${JOBS:-$(nproc)}
folders="automl learners featurize search"

# Under sanitizers: not what takes a minute there and calls what others call, nor what looks at files as the linker leaves them.
tests='^(test_|fuzz_|stress_api|seeded_)'
long='^test_(engine|export|explain|step_limits|constraints|learner_promises|store_faults)$'
other='^cli_(abi|hardening|headers|install|install_score|memory|score)$'
threads='^(seeded_.*|test_(par|score_threads|store|study))$'
readers='test_core test_csv test_csv_dialect test_csv_messy test_json test_json_keys test_text test_datetime test_frame test_arrow
    test_store test_space test_param'

# What a check calls: COMMAND[:PACKAGE]...
tools_of() {
    case $1 in
    calls) echo cmake ;;
    asan | leaks | analyzer) echo gcc ;;
    asan-clang | tsan) echo clang llvm-symbolizer:llvm =libomp-dev ;;
    tidy) echo clang-tidy clang =libomp-dev ;;
    *) echo "$1" ;;
    esac
}

packages_of() {
    for tool in $(tools_of "$1"); do
        tool=${tool#=}
        echo "${tool##*:}"
    done
}

# The first tool that is not there.
missing_of() {
    for tool in $(tools_of "$1"); do
        case $tool in
        =libomp-dev) echo 'int main(void) { return 0; }' | clang -fopenmp -x c - -o /dev/null 2>/dev/null || echo libomp-dev ;;
        *) command -v "${tool%%:*}" >/dev/null || echo "${tool%%:*}" ;;
        esac
    done | head -1
}

# Sanitizers of these compilers do not know how far newer kernels move the maps of a process about.
still=""
! setarch "$(uname -m)" -R true 2>/dev/null || still="setarch $(uname -m) -R"

# configure ARGUMENT...: build-$check, with assertions and lines for reports. Not for warnings, of which instrumented code makes
# compilers guess some.
configure() {
    cmake -S . -B "build-$check" -G Ninja -DCMAKE_BUILD_TYPE=Debug -DCMAKE_C_FLAGS_DEBUG="-O1 -g1" -DAUTOML_BENCH=OFF \
        -DAUTOML_MPI=OFF -DAUTOML_WERROR=OFF -DCMAKE_C_FLAGS= -Wno-dev --log-level=WARNING "$@" >/dev/null
}

# build TARGET...: goes on behind an error, shows no progress
build() {
    cmake --build "build-$check" --parallel "$jobs" --target "$@" -- -k 0 >"build-$check/build.txt" 2>&1 && return
    grep -v '^\[[0-9]*/[0-9]*\] ' "build-$check/build.txt"
    return 1
}

# run_tests ARGUMENT...: of ctest; the last lines of what passed
run_tests() {
    # shellcheck disable=SC2086 # none or several words
    $still ctest --test-dir "build-$check" --parallel "$jobs" --output-on-failure --no-tests=error "$@" >"build-$check/tests.txt" 2>&1 &&
        grep 'tests passed' "build-$check/tests.txt" && return
    cat "build-$check/tests.txt"
    return 1
}

check_calls() { cmake -DROOT=. -P tests/check_layers.cmake; }

check_cppcheck() {
    # Both values of AML_SCORE are compiled; what is declared elsewhere is not followed.
    # shellcheck disable=SC2086 # several words
    cppcheck --quiet --error-exitcode=1 -j "$jobs" --std=c11 --platform=unix64 --inline-suppr --enable=warning,portability \
        --suppressions-list=tests/checks/cppcheck.txt --template=gcc -I . -D_GNU_SOURCE -DAUTOML_VERSION='""' -DAUTOML_MODULES='""' \
        $folders examples
}

check_asan() {
    configure -DCMAKE_C_COMPILER=gcc -DAUTOML_SANITIZE=ON && build all && run_tests -R "$tests" -E "$long"
}

check_asan_clang() {
    configure -DCMAKE_C_COMPILER=clang -DAUTOML_SANITIZE=ON && build all && run_tests -R "$tests" -E "$long"
}

# Not what looks at files as the linker leaves them, or at sizes.
check_leaks() {
    configure -DCMAKE_C_COMPILER=gcc -DCMAKE_C_FLAGS=-fsanitize=leak && build all && run_tests -R '^(seeded_|cli_|nasty_)' -E "$other"
}

check_tsan() {
    configure -DCMAKE_C_COMPILER=clang -DAUTOML_TSAN=ON && build seeded test_par test_score_threads test_store test_study &&
        TSAN_OPTIONS=ignore_noninstrumented_modules=1 run_tests -R "$threads"
}

check_valgrind() {
    # shellcheck disable=SC2086 # several words
    configure -DCMAKE_C_COMPILER=gcc && build $readers || return
    for test in $readers; do
        valgrind --quiet --leak-check=full --errors-for-leak-kinds=definite --error-exitcode=9 "build-$check/$test" >"build-$check/$test.txt" 2>&1 ||
            { cat "build-$check/$test.txt" && return 1; }
    done
}

check_tidy() {
    # shellcheck disable=SC2086 # several words
    configure -DCMAKE_C_COMPILER=clang &&
        find $folders -name '*.c' -print | sort | xargs -P "$jobs" -n 4 clang-tidy --quiet -p "build-$check"
}

check_analyzer() {
    configure -DCMAKE_C_COMPILER=gcc -DCMAKE_C_FLAGS="-fanalyzer -Werror" && build automl_objects automl_program
}

# Does a program under this check's sanitizer start on this kernel, and look for leaks? Some containers allow neither.
starts() {
    case $check in
    asan) probe="gcc -fsanitize=address,undefined" ;;
    asan-clang) probe="clang -fsanitize=address,undefined" ;;
    leaks) probe="gcc -fsanitize=leak" ;;
    tsan) probe="clang -fsanitize=thread" ;;
    *) return 0 ;;
    esac
    folder=$(mktemp -d)
    good=1
    echo 'int main(void) { return 0; }' >"$folder/probe.c"
    $probe "$folder/probe.c" -o "$folder/probe" 2>/dev/null && $still "$folder/probe" 2>/dev/null || good=0
    rm -rf "$folder"
    [ "$good" -eq 1 ]
}

# run_check: its output is shown when it fails
run_check() {
    missing=$(missing_of "$check")
    if [ -n "$missing" ]; then
        echo "$check: NOT RUN, there is no $missing"
        [ "$if_there" -eq 1 ] || failed=1
        return
    fi
    if ! starts; then
        echo "$check: NOT RUN, programs under its sanitizer do not start here"
        [ "$if_there" -eq 1 ] || failed=1
        return
    fi
    begin=$(date +%s)
    verdict=clean
    ("check_$(echo "$check" | tr - _)") || verdict=FAILED failed=1
    echo "$check: $verdict, $(($(date +%s) - begin)) s"
}

if_there=0 packages=0 failed=0
case ${1-} in
--if-there) if_there=1 && shift ;;
--packages) packages=1 && shift ;;
esac
[ $# -gt 0 ] || eval "set -- $all"
for check in "$@"; do
    case " $all " in
    *" $check "*) ;;
    *) echo "check.sh: no check is called $check; there are: $all" >&2 && exit 64 ;;
    esac
done
for check in "$@"; do
    if [ $packages -eq 1 ]; then packages_of "$check"; else run_check; fi
done
exit $failed
