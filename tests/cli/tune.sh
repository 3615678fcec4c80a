# tune.sh: sweeps of commands, on the command line and from a file; what fails, and how it goes on.
. "$ROOT/tests/cli/common"
nasty=$BUILD/nasty

nobody_left() { # no process of any trial is left
    tries=0
    while grep -l -z -e "^AUTOML_SWEEP=$work" /proc/[0-9]*/environ 2>/dev/null | grep -q . && [ $tries -lt 100 ]; do
        sleep 0.1
        tries=$((tries + 1))
    done
    [ $tries -lt 100 ] || failed "a process of a trial is left"
}

# What would be run.
run 0 tune --space 'x = uniform(-3, 3); k = choice("a b", c)' --goal minimize:loss --trials 2 --dry-run -- echo loss={x} {k}
has out 'metrics  loss' 'trial 0  echo loss=' 'trial 1'
lacks out 'trial 2'
[ ! -e tune.sweep ] || failed "a dry run made a folder"

# A parabola: the best trial is near its minimum.
run 0 tune --space 'x = uniform(-3, 3)' --goal minimize:loss --trials 12 --seed 1 --shell -- \
    'echo "x {x}" | awk "{ print \"loss=\" (\$2 - 1) ^ 2 }"'
has out '12 done' rank loss 'best     echo'
has err 'trial 11 done' '(best)'
[ "$(wc -l <tune.sweep/trials.jsonl)" -eq 25 ] || failed "a header, and two lines for each trial"
[ -s tune.sweep/best.json ] && [ -f tune.sweep/trials/0003/stdout.txt ] || failed "files of the sweep"
awk -F'[:,]' '/"loss"/ { exit !($2 < 0.5) }' tune.sweep/best.json || failed "not near the minimum"

# The same command finds it done; with more trials it goes on.
run 0 tune --space 'x = uniform(-3, 3)' --goal minimize:loss --trials 12 --seed 1 --quiet --json --shell -- \
    'echo "x {x}" | awk "{ print \"loss=\" (\$2 - 1) ^ 2 }"'
is_json trials
cp out first.json
[ ! -s err ] || failed "--quiet"
run 0 tune --space 'x = uniform(-3, 3)' --goal minimize:loss --trials 14 --seed 1 --shell -- \
    'echo "x {x}" | awk "{ print \"loss=\" (\$2 - 1) ^ 2 }"'
has err 'goes on' 'trial 13 done'
lacks err 'trial 11 done'
refused 78 'another command' -- tune --space 'x = uniform(-3, 3)' --goal minimize:loss --trials 14 --quiet -- true {x}
refused 78 'another space' -- tune --space 'x = uniform(-3, 4)' --goal minimize:loss --trials 14 --quiet -- true {x}

# A file, with comments, several goals, and what Azure's has besides. --print-schema knows its keys.
cat >both.json <<'END'
{
    // two goals that exclude each other
    "$schema": "https://azuremlschemas.azureedge.net/latest/sweepJob.schema.json",
    "type": "sweep", "name": "both", "experiment_name": "e", "display_name": "d", "description": "x",
    "tags": {"a": "b"}, "compute": "azureml:cpu",
    "search_space": {"x": {"type": "uniform", "min_value": 0, "max_value": 1},
                     "kind": {"type": "choice", "values": ["a b", "c'd", "e"]}},
    "sampling_algorithm": {"type": "random", "seed": 3, "rule": "sobol"},
    "objective": [{"primary_metric": "up", "goal": "maximize"}, {"primary_metric": "down", "goal": "minimize"}],
    "limits": {"max_total_trials": 9, "max_concurrent_trials": 3, "timeout": 100, "trial_timeout": "20s"},
    "metrics": {"up": {"pattern": "up is ([0-9.]+)"}, "down": "file:out.txt",
                "took": "wall_time", "memory": {"from": "peak_memory"}, "words": {"from": "pair", "take": "first"}},
    "trial": {
        "command": "sh show.sh ${{search_space.x}} '${{search_space.kind}}' {output} ${{inputs.data}} ${{outputs.model}}",
        "code": "code", "environment": "azureml:e@latest",
        "environment_variables": {"LEVEL": "{x}", "PLAIN": 3}
    },
    "inputs": {"data": {"type": "uri_file", "path": "both.json", "mode": "ro_mount"}},
    "outputs": {"model": {"type": "uri_folder"}},
    "retries": 1, "log_size": "10k"
}
END
mkdir code
cat >code/show.sh <<'END'
[ $# -eq 5 ] || exit 9
echo "up is $1"; echo "$1" >$3/out.txt; echo "words=1 of $2"; echo "words=2"
[ -f "$4" ] && [ -d "$5" ] && [ "$LEVEL" = "$1" ] && [ "$PLAIN" = 3 ] && [ "$AUTOML_PARAM_x" = "$1" ] || exit 8
[ "$AUTOML_PARAM_kind" = "$2" ] && [ -f "$AUTOML_PARAMS" ] && [ "$AZUREML_SWEEP_x" = "$1" ] || exit 7
[ "$AUTOML_ATTEMPT" != 1 ] || [ "$AUTOML_TRIAL" != 4 ]
END
run 0 tune both.json
has out '9 trials: 9 done' 'Pareto front: 9' up down took words
has err 'to be tried again' '`compute` is not used'
run 0 tune both.json --json --no-timings --quiet
is_json front
has out '"retried": 1'
lacks out seconds
run 0 tune --print-schema
is_json properties
has out max_concurrent_trials primary_metric sampling_algorithm

# What fails is counted by its reason, and the sweep goes on.
cat >fails.sh <<'END'
case $AUTOML_TRIAL in
0) echo loss=1 ;;
1) echo oops >&2; exit 3 ;;
2) kill -SEGV $$ ;;
3) sleep 100 ;;
4) echo los=1 ;;
5) echo loss=nan ;;
6) echo loss=1 loss=2 ;;
7) "$NASTY" allocate ;;
8) "$NASTY" daemon; echo loss=3 ;;
9) "$NASTY" flood 20 >&2; echo loss=2; exit 0 ;;
10) printf 'loss=5\377' ;;
11) printf 'loss=4' ;;
esac
END
NASTY=$nasty
export NASTY
run 0 tune --space 'x = int(1, 1000)' --goal minimize:loss --trials 12 --max-concurrent-trials 4 --trial-timeout 2s \
    --trial-memory 200M --name fails -- sh fails.sh
has out '5 done, 7 failed' 'exit 3' 'exit status 3: oops' 'signal SEGV' timeout 'no metric' '`los` was' 'bad metric' \
    'is nan' memory
has err twice
nobody_left
[ "$(wc -c <fails.sweep/trials/0009/stderr.txt)" -le 1100000 ] || failed "a log is not bounded"

# None works: the first ten are enough to see it.
run 79 tune --space 'x = int(1, 1000)' --goal minimize:loss --trials 1000 --name none --shell -- 'echo bad >&2; exit 2'
has err '10 of 10 trials failed' 'bad'
run 79 tune --space 'x = int(1, 1000)' --goal minimize:loss --trials 1000 --name few --max-failed-trials 3 -- false
has err '3 of 3 trials failed'
run 0 tune --space 'x = int(1, 1000)' --goal minimize:loss --trials 12 --name none --shell -- 'echo loss=1'

# The exit status, and time, as a metric.
run 0 tune --space 'x = choice(3, 1, 2)' --trials 9 --goal minimize:code --metric code=exit_status --name codes --shell -- \
    'exit {x}'
has out 'best     exit 1'
run 0 tune --space 'x = choice(0.5, 0.01)' --trials 4 --goal minimize:wall_time --name time -- sleep {x}
has out 'best     sleep 0.01'

# Killed in the middle: the guards leave nothing, and the same command goes on.
cat >slow.sh <<'END'
exec "$AUTOML" tune --space 'x = uniform(0, 1)' --goal minimize:loss --trials 16 --max-concurrent-trials 3 --name slow \
    --sampler random --quiet --json --no-timings --shell -- 'sleep 0.1 & echo loss={x}; exec sleep 0.07311'
END
export AUTOML
sh slow.sh >whole.json
mv slow.sweep whole.sweep
for i in 1 2 3; do
    sh slow.sh >out 2>err &
    pid=$!
    sleep 0.$((i * 2))
    kill -KILL $pid 2>/dev/null || true
    wait $pid || true
done
nobody_left
sh slow.sh >out
sed 's/slow.sweep//' out >a
sed 's/slow.sweep//' whole.json >b
same a b
[ "$(grep -c '"state":"done"' slow.sweep/trials.jsonl)" -eq 16 ] || failed "a trial has ended twice"

# The first signal ends the trials, and they are run anew.
"$AUTOML" tune --space 'x = uniform(0, 1)' --goal minimize:loss --trials 3 --name stop -- "$nasty" deaf {x} >out 2>err &
pid=$!
tries=0
until [ -s stop.sweep/trials/0000/stdout.txt ] || [ $tries -ge 100 ]; do
    sleep 0.1
    tries=$((tries + 1))
done
refused 75 'another process' -- tune --space 'x = uniform(0, 1)' --goal minimize:loss --trials 3 --name stop -- "$nasty" deaf {x}
kill -TERM $pid
sleep 0.3
kill -TERM $pid
status=0
wait $pid || status=$?
[ $status -eq 143 ] || failed "exit code $status after two signals"
nobody_left
has stop.sweep/trials.jsonl '"state":"stopped"'

# The time limit ends what runs.
run 0 tune --space 'x = uniform(0, 1)' --goal minimize:loss --time-limit 1s --name limit --shell -- 'echo loss={x}; sleep 0.3'
has err 'the time is over'

# Progress as JSON lines.
run 0 tune --space 'x = uniform(0, 1)' --goal minimize:loss --trials 2 --name log --log-json --shell -- 'echo loss={x}'
cp err out
"$JSON_CHECK" <out >/dev/null 2>&1 || head -n 1 err | "$JSON_CHECK" event || failed "not JSON lines"

# One's own trials come first; enough is enough.
cat >first.json <<'END'
{"search_space": {"x": {"type": "uniform", "min_value": 0, "max_value": 1}, "k": ["a", "b"]},
 "initial_trials": [{"x": 0.125, "k": "b"}, {"x": 0.5}],
 "objective": {"primary_metric": "loss", "goal": "minimize"}, "reproducible": true,
 "limits": {"max_total_trials": 30, "patience": 4}, "trial": {"command": "echo loss={x} k={k}"}}
END
run 0 tune first.json --json --quiet --exit-score 0.2
has out '"end": "exit_score"' '"x": 0.125' '"k": "b"'
run 0 tune first.json --json --quiet --exit-score -1
has out '"end": "patience"' '"x": 0.5'
refused 64 exit-score -- tune first.json --exit-score x
sed 's/0.125/1.125/' first.json >bad.json
refused 78 bad.json:2 -- tune bad.json

# A trial that the tuner's file lacks is in the journal.
cp -r first.sweep lost.sweep
head -n 3 first.sweep/search.jsonl >lost.sweep/search.jsonl
run 0 tune first.json --output lost.sweep --json --quiet --exit-score -1
sed 's/lost.sweep/first.sweep/' out >a
run 0 tune first.json --output first.sweep --json --quiet --exit-score -1
same a out
