# signals.sh: the first signal ends the search and keeps the model, the second ends the process.
. "$ROOT/tests/cli/common"

# A shell without job control starts background commands with SIGINT ignored: SIGTERM is tested for both.
"$AUTOML" train "$data/iris.csv" --target species --time-limit 100s --learners logistic,naive_bayes >out 2>err </dev/null &
pid=$!
tries=0
until grep -q search: err || [ $tries -ge 100 ]; do
    sleep 0.1
    tries=$((tries + 1))
done
kill -TERM $pid
status=0
wait $pid || status=$?
[ $status -eq 0 ] || failed "exit code $status after one signal"
has err stopped
[ -s model.automl ] || failed "no model after a signal"
run 0 leaderboard model.automl
