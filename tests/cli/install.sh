# install.sh: the installed library as others use it, with pkg-config and with CMake.
. "$ROOT/tests/cli/installed"

for name in man1/automl.1 man3/libautoml.3 completions/automl site-functions/_automl; do
    [ -n "$(find "$prefix" -path "*/$name" -size +1k)" ] || failed "no $name is installed"
done
"$JSON_CHECK" properties <"$(find "$prefix" -name experiment.schema.json)" || failed "no schema"
"$JSON_CHECK" properties <"$(find "$prefix" -name sweep.schema.json)" || failed "no schema of sweeps"
"$prefix/bin/automl" --version >out 2>err || failed "the installed program"

strictly "$CC" c11 automl "$ROOT/tests/example.c" -o example
./example "$data/iris.csv" species example.automl >out 2>err || failed "the example"
[ "$(wc -l <out)" = 3 ] || failed "three class probabilities"
run 0 train "$data/iris.csv" --target species --trials 4 --output program.automl
same program.automl example.automl

# shellcheck disable=SC2046
"$CC" "$ROOT/tests/example.c" -o example_static $(pkg-config --cflags automl) "$lib/libautoml.a" $(pkg-config --static --libs automl | sed 's/-lautoml//') >out 2>err || failed "the static library"
./example_static "$data/iris.csv" species static.automl >out 2>err || failed "the example, static"
same program.automl static.automl

cp "$ROOT/tests/example.c" .
by_cmake C automl example.c
b/user "$data/iris.csv" species cmake.automl >out 2>err || failed "the example, CMake"
same program.automl cmake.automl

# Nothing of the tree's own leaks: all exported names are ours.
nm -D --defined-only "$lib/libautoml.so" | awk '{ print $NF }' | grep -v -E '^(aml_|_init|_fini|__bss_start|_edata|_end)' >out || true
[ ! -s out ] || failed "names that are not ours are exported"

# The examples of README, as they stand there: C and C++, by pkg-config and by CMake.
readme_example c automl.h >readme.c
ln -s "$data" datasets
strictly "$CC" c11 automl readme.c -o readme_c
./readme_c >out 2>err || failed "README's C program"
has out log_loss
"$prefix/bin/automl" inspect iris.automl >out 2>err || failed "its model"
if command -v c++ >out; then
    readme_example cpp automl.h >readme.cpp
    strictly c++ c++11 automl readme.cpp -o readme_cpp
    ./readme_cpp >out 2>err || failed "README's C++ program"
    has out "species by log_loss"
    [ "$(wc -l <out)" -ge 2 ] || failed "a leader after a step"
    by_cmake CXX automl readme.cpp
    b/user >out 2>err || failed "README's C++ program, CMake"
    has out "species by log_loss"
else
    echo "SKIPPED: no c++"
fi

# A plug-in: a learner and a metric of one's own, searched, saved, and missed where they are not loaded.
strictly "$CC" c11 automl -shared -fPIC "$ROOT/examples/centroid.c" -o centroid.so -lm
AUTOML=$prefix/bin/automl
run 0 --plugin ./centroid.so catalog --json
has out '"centroid"' '"sharpness"' '"brier_score"'
run 0 --plugin=./centroid.so train "$data/breast_cancer.csv" --target diagnosis --learners centroid --metric brier_score --trials 6 --output c.automl
has out centroid brier_score
run 0 --plugin ./centroid.so predict c.automl "$data/breast_cancer.csv" --output p.csv
[ "$(wc -l <p.csv)" = 570 ] || failed "570 lines of predictions"
refused 65 "the metric" '`brier_score`' c.automl --plugin -- predict c.automl "$data/breast_cancer.csv"
run 0 --plugin ./centroid.so train "$data/iris.csv" --target species --learners centroid --trials 3 --output i.automl
refused 65 "the learner" '`centroid`' i.automl --plugin -- inspect i.automl
refused 64 centroid already -- --plugin ./centroid.so --plugin ./centroid.so catalog
refused 66 nothing.so -- --plugin nothing.so catalog
refused 64 "needs a file" -- --plugin
refused 64 --plugins -- --plugins x catalog
