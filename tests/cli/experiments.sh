# experiments.sh: wrong experiments, each with its exit code, place and words: tests/corpus/experiments/cases.tsv.
. "$ROOT/tests/cli/common"

cp "$ROOT"/tests/corpus/experiments/*.json .
cp "$data/iris.csv" .
tab=$(printf '\t')
n=0
while IFS=$tab read -r name code place words schema; do
    case $name in '#'*) continue ;; esac
    run "$code" run "$name.json" --quiet
    [ ! -s out ] || failed "$name: an error printed to standard output"
    [ "$(grep -c 'error\[E-' err)" = 1 ] || failed "$name: not one error block"
    [ "$place" = - ] || has err "$name.json:$place"
    old=$IFS
    IFS='|'
    for word in $words; do has err "$word"; done
    IFS=$old
    [ ! -e "$name.automl" ] || failed "$name left a model"
    n=$((n + 1))
done <"$ROOT/tests/corpus/experiments/cases.tsv"
[ "$n" -ge 70 ] || failed "only $n cases"

# The example of the README is one: all that is missing is its data.
awk '/^```json$/ { on = 1; next } /^```$/ { on = 0 } on' "$ROOT/README.md" >readme.json
refused 66 churn.csv -- run readme.json

# What is too much to keep in a file.
long() { awk -v n="$1" -v text="$2" 'BEGIN { for (i = 0; i < n; i++) printf "%s", text }'; }
long 100000 '[' >deep.json
refused 78 nested -- run deep.json
{ printf '{"name": "' && long 9000000 x && printf '"}'; } >long.json
refused 78 'long' -- run long.json
printf '\357\273\277{"data": {"train": "iris.csv", "target": "species"}}' >bom.json
run 0 run bom.json --dry-run
refused 66 no_such.json -- run no_such.json
refused 66 directory -- run .
echo '{"data": {"train": "-", "target": "species"}}' >both.json
status=0
"$AUTOML" run - <both.json >out 2>err || status=$?
[ "$status" = 78 ] || failed "standard input twice"
has err 'standard input' ':1:20'
refused 64 key=value -- run bom.json --set limits
refused 78 --set max_trials -- run bom.json --set limits.max_trails=3
