# tune_keys.sh: every key of SWEEP.json is taken, and what is wrong in one is told with its place before anything runs.
. "$ROOT/tests/cli/common"

cat >all.json <<'END'
{
    // every key that there is
    "$schema": "https://azuremlschemas.azureedge.net/latest/sweepJob.schema.json",
    "type": "sweep", "name": "bad", "experiment_name": "e", "display_name": "d", "description": "x", "tags": {"a": "b"},
    "compute": "azureml:cpu", "identity": {"type": "managed"}, "resources": {"instance_count": 1}, "queue_settings": {},
    "search_space": {
        "x": {"type": "uniform", "min_value": 0, "max_value": 1},
        "kind": {"type": "choice", "values": ["a b", "c'd", "e"]}
    },
    "constraints": ["x <= 0.9"],
    "initial_trials": [{"x": 0.5}],
    "sampling_algorithm": {"type": "random", "seed": 3, "rule": "sobol"},
    "objective": [{"primary_metric": "up", "goal": "maximize"}, {"primary_metric": "down", "goal": "minimize"}],
    "limits": {"max_total_trials": 4, "max_concurrent_trials": 2, "timeout": 100,
               "trial_timeout": "20s", "trial_cpu_time": "10s", "trial_memory": "200M", "trial_address_space": "4G",
               "trial_processes": 50, "trial_output": "1M", "grace": "2s", "max_failed_trials": 3, "exit_score": 5,
               "patience": 100},
    "early_termination": {"type": "median_stopping", "delay_evaluation": 5, "evaluation_interval": 1},
    "metrics": {
        "up": {"from": "regex", "pattern": "at ([0-9]+) up is ([0-9.]+)", "group": 2, "step_group": 1, "stream": "stdout"},
        "down": {"from": "json", "key": "value.down", "step_key": "at", "take": "best"},
        "written": {"from": "file", "path": "out.txt"}, "took": "wall_time"
    },
    "trial": {
        "command": ["sh", "-c", "echo at 1 up is {x}; echo '{\"value\": {\"down\": {x}}, \"at\": 1}'; echo {x} >out.txt"],
        "shell": false, "code": ".", "working_folder": "trial", "inherit_environment": true,
        "environment_variables": {"PLAIN": 3}, "environment": "azureml:e@latest", "distribution": {}, "resources": {}
    },
    "inputs": {"data": {"type": "uri_file", "path": "all.json"}}, "outputs": {"model": {"type": "uri_folder"}},
    "retries": 1, "log_size": "10k", "reproducible": true, "seed": 5, "store": "all.db", "learn_from": "past.db", "output": "all.sweep"
}
END
run 0 tune --print-schema
is_json properties
for key in $(grep -o '"[$a-z_]*": {' out | tr -d '":{ ' | sort -u); do
    case $key in properties | items | additionalProperties) continue ;; esac
    grep -q -F "\"$key\":" all.json || failed "the key $key of the schema is not tested"
done
run 0 tune --space 'x = uniform(0, 1)' --goal minimize:a --trials 2 --quiet --store past.db --output past.sweep -- echo a={x}
run 0 tune all.json
has err 'learn_from is not used'
has out '4 done' up down written took
sed -i '/"output": "all.sweep"/s/, "output": "all.sweep"//' all.json

n=0
bad() { # bad PLACE WORD... -- SED-EXPRESSION: all.json changed so
    words=""
    while [ "$1" != -- ]; do
        words="$words $1"
        shift
    done
    sed -e "$2" all.json >bad.json
    ! cmp -s all.json bad.json || failed "nothing was changed by $2"
    # shellcheck disable=SC2086
    refused 78 bad.json: $words -- tune bad.json
    [ ! -e bad.sweep ] || failed "a refused sweep left a folder"
    n=$((n + 1))
}
bad :14: max_trials max_total_trials -- 's/max_total_trials/max_trials/'
bad :14: integer 0.5 -- 's/"max_total_trials": 4/"max_total_trials": 0.5/'
bad :14: 1000 -- 's/"max_concurrent_trials": 2/"max_concurrent_trials": 2000/'
bad :14: limits.timeout -- 's/"timeout": 100/"timeout": -1/'
bad :15: limits.trial_timeout '60s' -- 's/"20s"/"20 seconds"/'
bad :15: limits.trial_memory '512M' -- 's/"200M"/"200 apples"/'
bad :16: limits.grace -- 's/"grace": "2s"/"grace": true/'
bad :16: exit_score number -- 's/"exit_score": 5/"exit_score": "5"/'
bad :4: sweep -- 's/"type": "sweep"/"type": "command"/'
bad :4: '`trial`' code -- 's/"name": "bad"/"code": "x"/'
bad :4: name -- 's/"name": "bad"/"name": ""/'
bad :7: unifrm uniform -- 's/"uniform"/"unifrm"/'
bad :7: above -- 's/"max_value": 1/"max_value": -1/'
bad :7: min_valu min_value -- 's/"min_value"/"min_valu"/'
bad :8: values -- 's/\["a b", .*\]/[]/'
bad :10: constraint -- 's/x <= 0.9/y <= 0.9/'
bad :11: z -- 's/{"x": 0.5}/{"z": 0.5}/'
bad :11: constraint -- 's/{"x": 0.5}/{"x": 0.95}/'
bad :11: list -- 's/\[{"x": 0.5}\]/{"x": 0.5}/'
bad :12: randm random -- 's/"type": "random"/"type": "randm"/'
bad :12: rule -- 's/"sobol"/"sobl"/'
bad :13: primary_metric -- 's/"primary_metric": "up"/"primary": "up"/'
bad :13: maximize -- 's/"maximize"/"maximal"/'
bad :13: two -- 's/"primary_metric": "down"/"primary_metric": "up"/'
bad :18: median_stopping -- 's/"median_stopping"/"median_stop"/'
bad :18: delay_evaluation -- 's/"delay_evaluation"/"delay"/'
bad :20: groups -- 's/"group": 2/"group": 3/'
bad :20: regular -- 's/(\[0-9\]+)/([0-9]+/'
bad :20: pattern -- 's/"pattern": [^,]*, //'
bad :20: stdout -- 's/"stdout"/"stdin"/'
bad :21: jsn json -- 's/"json"/"jsn"/'
bad :21: worst first -- 's/"best"/"worst"/'
bad :22: wall_time -- 's/"wall_time"/"walltime"/'
bad :22: path -- 's/, "path": "out.txt"//'
bad :25: command -- 's/"command": .*/"command": [],/'
bad :25: '{y}' -- 's/up is {x}/up is {y}/'
bad :25: shell -- 's/"command": .*/"command": "echo {x} > y",/'
bad :25: quote -- "s/\"command\": .*/\"command\": \"echo 'x\",/"
bad :26: trial.shell -- 's/"shell": false/"shell": 1/'
bad :26: code trial -- 's/"working_folder": "trial"/"working_folder": "home"/'
bad :27: PLAIN -- 's/"PLAIN": 3/"PLAIN": []/'
bad :27: environment_variabels environment_variables -- 's/environment_variables/environment_variabels/'
bad :29: data -- 's/"path": "all.json"/"pth": "all.json"/'
bad :29: folder -- 's/"model"/"..\/model"/'
bad :30: 100 -- 's/"retries": 1/"retries": 101/'
bad :30: seed -- 's/"seed": 5/"seed": -5/'
echo "$n wrong files"

refused 66 nowhere.json -- tune nowhere.json
refused 66 no-such-program -- tune --space 'x = uniform(0, 1)' --goal loss --name bad -- no-such-program {x}
refused 64 'SWEEP.json' -- tune
refused 64 'NAME=SOURCE' -- tune --space 'x = uniform(0, 1)' --goal loss --metric x -- true
refused 64 goal -- tune --space 'x = uniform(0, 1)' -- true
refused 64 twice -- tune all.json -- true
refused 78 'did you mean' -- tune --space 'x = unifrm(0, 1)' --goal loss -- true
refused 78 'regular' -- tune --space 'x = uniform(0, 1)' --goal loss --metric 'loss=regex:(' -- true
refused 78 'source' -- tune --space 'x = uniform(0, 1)' --goal loss --metric 'loss=jsn' -- true
refused 64 exclude -- tune all.json --space 'x = uniform(0, 1)'
[ ! -e bad.sweep ] && [ ! -e tune.sweep ] || failed "a refused sweep left a folder"
