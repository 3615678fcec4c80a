# kill_calls.sh: a run that is killed at a call that writes, syncs or renames goes on to the same bytes.
# EVERY=1 sh tests/cli/kill_calls.sh takes every call, CTest some.
. "$ROOT/tests/cli/common"
[ "$SANITIZE" = 0 ] && [ "$TSAN" = 0 ] || exit 0 # they want to be loaded first
every=${EVERY:-13}

search() {
    "$AUTOML" train "$data/iris.csv" --target species --trials 6 --learners logistic,naive_bayes --json --no-timings \
        --quiet --threads 1 "$@"
}

search --output plain.automl >plain.json 2>err || failed "without a store"
(
    export FAULT=kill FAULT_COUNT="$work/count" LD_PRELOAD="$FAULT_LIBRARY"
    search --output model.automl --store first.db >first.json 2>err
) || failed "with a store"
same plain.json first.json
same plain.automl model.automl
calls=$(cat count)
[ "$calls" -gt 30 ] || failed "only $calls calls"

n=$((1 + calls % every))
tried=0
while [ "$n" -le "$calls" ]; do
    for behind in "" 1; do
        rm -f killed.db killed.db-wal killed.db-shm killed.db-journal killed.automl
        (
            export FAULT=kill FAULT_AT="$n" LD_PRELOAD="$FAULT_LIBRARY"
            [ -z "$behind" ] || export FAULT_BEHIND=1
            search --output killed.automl --store killed.db >out 2>err
        ) 2>/dev/null || true
        search --output killed.automl --store killed.db >out 2>err || failed "after call $n"
        same plain.json out
        same plain.automl killed.automl
        tried=$((tried + 1))
    done
    n=$((n + every))
done
echo "$tried times killed at one of $calls calls"
