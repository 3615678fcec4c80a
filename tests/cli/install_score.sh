# install_score.sh: the installed scoring library as others use it: the README's example and examples/score.c with pkg-config, CMake
# and the static library; the extension of SQLite.
. "$ROOT/tests/cli/common"

if [ "$SANITIZE" = 1 ] || [ "$TSAN" = 1 ]; then
    echo "SKIPPED: the library is instrumented"
    exit 0
fi
prefix=$work/prefix
"$CMAKE" --install "$BUILD" --prefix "$prefix" >out 2>err || failed "cmake --install"
lib=$(dirname "$(find "$prefix" -name libautoml_score.so)")
[ -n "$(find "$prefix" -name libautoml_score.3)" ] || failed "no manual page"
run 0 train "$data/iris.csv" --target species --trials 4 --output iris.automl

# The README's program.
awk '/^```c$/ { text = ""; inside = 1; next } /^```$/ { if (inside && text ~ /automl_score\.h/) printf "%s", text; inside = 0 }
    inside { text = text $0 "\n" }' "$ROOT/README.md" >readme.c
has readme.c aml_scorer_row
PKG_CONFIG_PATH=$lib/pkgconfig
export PKG_CONFIG_PATH
for standard in c99 c11; do
    # shellcheck disable=SC2046 # several words
    "$CC" -std=$standard -Wall -Wextra -Werror -pedantic readme.c -o readme $(pkg-config --cflags --libs automl_score) >out 2>err || failed "the example of the README"
done
LD_LIBRARY_PATH=$lib ./readme >out 2>err || failed "the example of the README runs"
[ "$(cat out)" = setosa ] || failed "the first flower is a setosa"

# The other ways to link, on the whole table.
"$AUTOML" predict iris.automl "$data/iris.csv" >expected 2>err
cut -d, -f1 expected | sed 1d >species
cp "$data/iris.csv" .
# shellcheck disable=SC2046
"$CC" "$ROOT/examples/score.c" -o static $(pkg-config --cflags automl_score) "$lib/libautoml_score.a" -lm >out 2>err || failed "the static library"
./static iris.automl <iris.csv >rows 2>err || failed "the example, static"
cut -d, -f1 rows >out
same species out

cat >CMakeLists.txt <<'END'
cmake_minimum_required(VERSION 3.20)
project(user C)
find_package(automl_score 0.1 REQUIRED)
add_executable(user score.c)
target_link_libraries(user PRIVATE automl::automl_score)
END
cp "$ROOT/examples/score.c" .
"$CMAKE" -S . -B b -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_C_COMPILER="$CC" >out 2>err || failed "find_package"
"$CMAKE" --build b >out 2>err || failed "a build with find_package"
b/user iris.automl <iris.csv >out 2>err || failed "the example, CMake"
same rows out

# C++ takes the header as well.
if command -v c++ >/dev/null; then
    echo '#include <automl_score.h>
int main() { return aml_score_version()[0] == 0; }' >score.cc
    # shellcheck disable=SC2046
    c++ -std=c++11 -Wall -Wextra -Werror -pedantic score.cc -o cc $(pkg-config --cflags --libs automl_score) >out 2>err || failed "C++"
    LD_LIBRARY_PATH=$lib ./cc || failed "C++ runs"
fi

extension=$(find "$prefix" -name automl_sqlite.so)
"$SQL" "${extension%.so}" "SELECT automl_class('iris.automl', 5.1, 3.5, 1.4, 0.2)" >out 2>err || failed "SQL"
[ "$(cat out)" = setosa ] || failed "the first flower is a setosa in SQL"
