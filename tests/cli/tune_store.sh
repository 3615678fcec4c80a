# tune_store.sh: a sweep as a run of the store: what its folder has, the store has, however often it is ended.
. "$ROOT/tests/cli/common"

parabola='echo "x {x}" | awk "{ for (s = 1; s < 4; s++) print \"step=\" s \" loss=\" (\$2 - 1) ^ 2 + 3 - s }"'
sweep() { run 0 tune --space 'x = uniform(-3, 3); kind = choice(a, b)' --goal minimize:loss --seed 1 --quiet "$@" --shell -- "$parabola"; }

sweep --trials 6 --store past.db
run 0 runs list --store past.db
has out tune finished loss ' 6 '
run 0 runs show last --store past.db
has out 'goal         minimize loss' parameters 'x=' kind=
lacks out 'size' 'learner' '0 rows'
run 0 runs export last --store past.db --csv
[ "$(wc -l <out)" -eq 7 ] || failed "a line a trial"
run 0 runs export last --store past.db
is_json
has out '"step": 2' search_space

# The same sweep again adds nothing; more trials go on in the same run.
id=$("$AUTOML" runs list --store past.db --json | sed -n 's/.*"id": "\(.*\)".*/\1/p')
sweep --trials 6 --store past.db
sweep --trials 9 --store past.db
run 0 runs list --store past.db --json
[ "$(grep -c '"id"' out)" -eq 1 ] || failed "one sweep is one run"
has out "$id" '"trials": 9'

# What ran without the store comes into it later; the trials of both are the same.
sweep --trials 8 --output other.sweep
sweep --trials 9 --output other.sweep --store late.db
run 0 runs export last --store late.db --csv
cut -d, -f5,6,8,9 out >late.csv
run 0 runs export last --store past.db --csv
cut -d, -f5,6,8,9 out >past.csv
same late.csv past.csv
[ "$(wc -l <late.csv)" -eq 10 ] || failed "trials got lost"

# Failures with their reasons; a best that is to be large; tags and the experiment's name from the file.
cat >s.json <<'END'
{"experiment_name": "curves", "tags": {"team": "blue", "n": 3}, "store": "deep.db", "output": "s.sweep",
 "search_space": {"x": {"type": "choice", "values": [1, 2, 3]}}, "sampling_algorithm": "grid",
 "objective": {"goal": "maximize", "primary_metric": "up"},
 "trial": {"command": "test {x} -ne 2 && echo up={x}", "shell": true}}
END
mkdir -p deep
mv s.json deep/
run 0 tune deep/s.json --quiet
run 0 runs show last --store deep/deep.db
has out curves 'team=blue' 'n=3' '1 failed' 'x=2' 'exit'
rank=$(sed -n 's/^ *1  *\([0-9.]*\) .*/\1/p' out)
[ "${rank%%.*}" = 3 ] || failed "the best is not first: $rank"
run 0 tune deep/s.json --quiet --no-store --output none.sweep
run 0 runs list --store deep/deep.db --json
[ "$(grep -c '"id"' out)" -eq 1 ] || failed "--no-store"
run 0 runs compare "$id" "$id" --store past.db

# Killed at any moment: the store lacks at most what ended last, and gets it when the sweep goes on.
for pause in 0.05 0.15 0.3; do
    "$AUTOML" tune --space 'x = uniform(-3, 3)' --goal minimize:loss --trials 40 --seed 1 --quiet --store killed.db \
        --output killed.sweep -- echo loss={x} >out 2>err &
    sleep $pause
    kill -9 $! 2>/dev/null || true
    wait $! 2>/dev/null || true
done
run 0 tune --space 'x = uniform(-3, 3)' --goal minimize:loss --trials 40 --seed 1 --quiet --store killed.db \
    --output killed.sweep -- echo loss={x}
run 0 runs export --store killed.db --csv
[ "$(tail -n +2 out | cut -d, -f5 | sort -un | wc -l)" -eq 40 ] || failed "not all trials are in the store"
[ "$(wc -l <out)" -eq 41 ] || failed "a trial is there twice"
run 0 runs list --store killed.db --json
[ "$(grep -c '"id"' out)" -eq 1 ] || failed "one sweep is one run"

printf 'no store' >text.db
refused 65 text.db -- tune --space 'x = uniform(0, 1)' --goal minimize:loss --trials 1 --quiet --store text.db --output t.sweep -- echo loss={x}
printf '{"tags": {"a=b": 1}, "search_space": {"x": [1]}, "objective": "minimize loss", "trial": {"command": "true"}}' >tag.json
refused 78 tag.json tag -- tune tag.json --quiet

# Earlier sweeps of the same space and goal teach the next one; what was learnt stays with it, whatever comes to the store.
bowl() { # bowl CENTRE ARGUMENT...
    centre=$1
    shift
    run 0 tune --space 'x = uniform(-3, 3); y = loguniform(1e-4, 1)' --goal minimize:loss "$@" --shell -- \
        'echo "{x} {y}" | awk "{ print \"loss=\" (\$1 - '"$centre"') ^ 2 + (log(\$2) + 4) ^ 2 / 9 }"'
}
bowl 2 --seed 1 --trials 30 --quiet --store past.db --output bowl1.sweep
bowl 2.2 --seed 2 --trials 30 --quiet --store past.db --output bowl2.sweep
bowl 2.1 --seed 3 --trials 3 --learn-from past.db --output bowl3.sweep
has err 'learnt from 2 earlier sweeps of past.db'
sed -n 's/.*{"end":0,.*"values":{"loss":\([-+.0-9e]*\)}.*/\1/p' bowl3.sweep/trials.jsonl >first
awk '{ exit !($1 < 0.1) }' first || failed "the first trial is not one that was good before"
bowl 2.1 --seed 4 --trials 6 --quiet --learn-from past.db --output a.sweep
bowl 2.1 --seed 4 --trials 4 --quiet --learn-from past.db --output b.sweep
bowl 0 --seed 5 --trials 20 --quiet --store past.db --output bowl4.sweep
bowl 2.1 --seed 4 --trials 6 --quiet --learn-from past.db --output b.sweep
for s in a b; do tail -n +2 $s.sweep/search.jsonl >$s.lines; done # the first line has the limit of the first call
same a.lines b.lines
refused 66 nowhere.db -- tune --space 'x = uniform(0, 1)' --goal minimize:loss --trials 1 --quiet --learn-from nowhere.db --output n.sweep -- echo loss={x}
