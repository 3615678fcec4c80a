# install_score.sh: the installed scoring library as others use it: the README's example and examples/score.c with pkg-config, CMake
# and the static library; the extension of SQLite.
. "$ROOT/tests/cli/installed"

[ -n "$(find "$prefix" -name libautoml_score.3)" ] || failed "no manual page"
run 0 train "$data/iris.csv" --target species --trials 4 --output iris.automl

# The README's program.
readme_example c automl_score.h >readme.c
has readme.c aml_scorer_row
for standard in c99 c11; do
    strictly "$CC" $standard automl_score readme.c -o readme
done
./readme >out 2>err || failed "the example of the README runs"
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

cp "$ROOT/examples/score.c" .
by_cmake C automl_score score.c
b/user iris.automl <iris.csv >out 2>err || failed "the example, CMake"
same rows out

# C++ takes the header as well.
if command -v c++ >/dev/null; then
    echo '#include <automl_score.h>
int main() { return aml_score_version()[0] == 0; }' >score.cc
    strictly c++ c++11 automl_score score.cc -o cc
    ./cc || failed "C++ runs"
fi

extension=$(find "$prefix" -name automl_sqlite.so)
"$SQL" "${extension%.so}" "SELECT automl_class('iris.automl', 5.1, 3.5, 1.4, 0.2)" >out 2>err || failed "SQL"
[ "$(cat out)" = setosa ] || failed "the first flower is a setosa in SQL"
