# kill.sh: a run whose process is killed at any moment goes on with the same command, and comes to the same bytes.
# KILLS sets how many runs are killed (each up to three times before it may end): KILLS=200 sh tests/cli/kill.sh
. "$ROOT/tests/cli/common"
kills=${KILLS:-15}
[ "$SANITIZE" = 0 ] && [ "$TSAN" = 0 ] || kills=3

search() {
    exec "$AUTOML" train "$data/iris.csv" --target species --trials 14 --learners logistic,naive_bayes,knn,random_forest \
        --json --no-timings --quiet "$@"
}

# A store changes nothing.
(search --output plain.automl) >plain.json 2>err || failed "without a store"
begin=$(date +%s%N)
(search --output model.automl --store first.db) >first.json 2>err || failed "with a store"
took=$((($(date +%s%N) - begin) / 1000000))
same plain.json first.json
same plain.automl model.automl

# after MILLISECONDS: killed unless it has ended; what it has printed by then does not count.
after() {
    search --output killed.automl --store killed.db >out 2>err &
    pid=$!
    sleep "$(awk "BEGIN { print $1 / 1000 }")"
    kill -9 "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
}

seed=${SEED:-1}
n=0
ended=0
while [ "$n" -lt "$kills" ]; do
    n=$((n + 1))
    rm -f killed.db killed.db-wal killed.db-shm killed.automl
    for moment in $(awk -v s="$((seed * 1000 + n))" -v t="$took" 'BEGIN { srand(s); k = 1 + int(3 * rand()); for (i = 0; i < k; i++) print int(rand() * t * (i ? 0.6 : 1)) }'); do
        after "$moment"
    done
    (search --output killed.automl --store killed.db) >out 2>err || failed "after kill $n"
    same first.json out
    same plain.automl killed.automl
    run 0 runs list --store killed.db --json
    is_json
    has out '"finished"'
    lacks out '"running"'
    grep -c '"id"' out >count
    [ "$(cat count)" -le 4 ] || failed "more runs than commands" # each may have ended before it was killed
    [ "$(cat count)" = 1 ] || ended=$((ended + 1))
done
echo "$n times killed; $ended times a run had ended before"
