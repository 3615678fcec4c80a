# headers.sh: the public headers stand alone, in every C and C++ that is named, without a warning.
. "$ROOT/tests/cli/common"

flags="-Wall -Wextra -Wpedantic -Werror -fsyntax-only -I $ROOT -I $ROOT/automl"
: >out
checked=0

# compiles COMPILER LANGUAGE STANDARD HEADER
compiles() {
    printf '#include <%s>\nint main(void) { return 0; }\n' "$4" >alone
    # shellcheck disable=SC2086 # several words
    "$1" -x "$2" -std="$3" $flags alone 2>err || failed "$4 as $3 by $1"
    checked=$((checked + 1))
}

for header in automl.h automl_plugin.h automl_score.h automl_status.h; do
    for compiler in gcc clang; do
        command -v $compiler >/dev/null || { echo "SKIPPED: no $compiler"; continue; }
        for standard in c11 c17 c2x; do compiles $compiler c $standard $header; done
    done
    for compiler in g++ clang++; do
        command -v $compiler >/dev/null || { echo "SKIPPED: no $compiler"; continue; }
        for standard in c++11 c++17 c++20; do compiles $compiler c++ $standard $header; done
    done
done
[ $checked -ge 6 ] || failed "only $checked compilations"

# What is installed of the core includes nothing that is not.
for header in "$ROOT"/automl/core/*.h; do
    name=$(basename "$header" .h)
    grep -q -E "^foreach\(name .*\b$name\b.*\)" "$ROOT/automl/install.cmake" || continue
    grep -o -E '#include "automl/core/[a-z_]+' "$header" | sed 's:.*/::' | while read -r other; do
        grep -q -E "^foreach\(name .*\b$other\b.*\)" "$ROOT/automl/install.cmake" || { echo "$name.h includes $other.h" >>out; }
    done
done
[ ! -s out ] || failed "an installed header includes one that is not"
