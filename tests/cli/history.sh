# history.sh: runs in a store: what the verb tells, and how runs go on, are extended and repeated.
. "$ROOT/tests/cli/common"

search() { run 0 train "$data/iris.csv" --target species --learners logistic,naive_bayes,knn --quiet --no-timings --store a.db "$@"; }
count_runs() {
    run 0 runs --store a.db --json
    [ "$(grep -c '"id"' out)" = "$1" ] || failed "not $1 runs"
}

# Larger limits go on with a finished run, and come to what they would have come to at once.
search --trials 5 --output a.automl
search --trials 9 --output a.automl --json
cp out extended.json
count_runs 1
search --trials 9 --output b.automl --json --new
same extended.json out
same a.automl b.automl
count_runs 2
search --trials 9 --output b.automl # the same again: another run
count_runs 3
search --trials 9 --output b.automl --seed 2 --experiment other --tag team=a --tag draft
count_runs 4

# A replay gives the same bytes, and refuses other options.
search --trials 9 --output c.automl --json --seed 2 --experiment other --replay last
same b.automl c.automl
refused 64 replayed -- train "$data/iris.csv" --target species --store a.db --replay last --seed 3 --quiet
run 0 train "$data/iris.csv" --target species --learners logistic,random_forest --time-limit 2s --quiet --no-timings --json --store t.db --output a.automl
cp out timed.json
run 0 train "$data/iris.csv" --target species --learners logistic,random_forest --quiet --no-timings --json --store t.db --replay last --output b.automl
same timed.json out
same a.automl b.automl

# Lists, filters, sorting.
run 0 runs list --store a.db
has out experiment finished iris other 'team=a' best
run 0 runs list --store a.db --experiment other --tag team=a --status finished --since 1h --sort -score --limit 1
[ "$(wc -l <out)" = 2 ] || failed "one run"
run 0 runs list --store a.db --tag team=b
has err 'no run'
for word in --sort --status --since; do
    refused 64 -- runs list --store a.db $word nonsense
done
refused 64 'list' -- runs lst --store a.db
refused 64 two -- runs compare last --store a.db

# One run, two runs.
run 0 runs show last --store a.db
has out 'experiment other' trials options machine rank learner score
run 0 runs show last --store a.db --json
is_json
has out '"params"' '"fold"'
run 0 leaderboard last --store a.db --csv
has out rank,trial,learner
first=$("$AUTOML" runs --store a.db --json | sed -n 's/.*"id": "\(.*\)".*/\1/p' | tail -1)
run 0 runs compare "$first" last --store a.db
has out seed other 'the same:'
run 0 runs compare "$first" last --store a.db --json
is_json
refused 64 run -- runs show nothing --store a.db

# Export, tags, delete.
run 0 runs export --csv --store a.db
[ "$(wc -l <out)" -ge 37 ] || failed "a line a trial"
has out 'run,experiment,status' logistic.C
run 0 runs export "$first" --store a.db
is_json
run 0 runs tag "$first" note=good old --store a.db
run 0 runs list --tag note=good --store a.db
has out "$first" 'note=good, old'
run 0 runs tag "$first" note= --store a.db
run 0 runs delete "$first" --store a.db
has err deleted
refused 64 run -- runs show "$first" --store a.db

# Files that are no store.
refused 66 store -- runs --store none.db
echo "this is no database, but a text that is long enough to be looked at" >text.db
refused 65 store -- runs --store text.db
refused 65 store -- train "$data/iris.csv" --target species --trials 2 --store text.db --quiet
refused 73 -- train "$data/iris.csv" --target species --trials 2 --store none/a.db --quiet
refused 64 -- train "$data/iris.csv" --target species --trials 2 --new

# Ctrl-C stops a run that then goes on; the model it leaves is the best so far.
"$AUTOML" train "$data/iris.csv" --target species --trials 40 --learners logistic,random_forest --quiet --store s.db >out 2>err &
pid=$!
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    "$AUTOML" runs --store s.db --json 2>/dev/null | grep -q '"trials": [1-9]' && break
    sleep 0.1
done
kill -INT "$pid" 2>/dev/null || true
wait "$pid" || true
run 0 train "$data/iris.csv" --target species --trials 40 --learners logistic,random_forest --quiet --json --no-timings --store s.db
cp out stopped.json
run 0 train "$data/iris.csv" --target species --trials 40 --learners logistic,random_forest --quiet --json --no-timings
same stopped.json out
