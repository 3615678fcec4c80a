# acts.sh: what the commands of cases.tsv are made of. Sourced by run.sh; they run in the case's folder, in a shell of their own.
# shellcheck disable=SC2015,SC2016,SC2086,SC2119,SC2120,SC2154,SC3045 # scripts as texts; lists of options; ulimit

# Seconds of processor time, and some more by the clock: the machine may have other work.
watched() { (ulimit -t "$watchdog" && exec timeout -s KILL $((15 * watchdog)) "$@"); }
automl() { watched "$AUTOML" "$@"; }
train() { automl train input --target y $train_options --output model.automl "$@"; }
predict_with() { automl predict "$1" good.csv --threads 1 --quiet --output predictions.csv; }
predict() { automl predict good.automl "${@:-input}" --threads 1 --output predictions.csv; }
run() { automl run input --no-store --set outputs.model=model.automl "$@"; }
# tune CONSTRAINTS: two trials of a space of numbers and a text.
tune() {
    automl tune --space 'a = float(0, 1); c = choice(red, green)' --constraints "$1" --goal minimize:loss --trials 2 --quiet \
        --no-timings --output sweep -- echo 'loss={a}'
}
skip() { # this case alone, and why
    echo "$1" >skipped
    exit 0
}
absent() { # without FILE...
    for file in "$@"; do [ ! -e "$file" ] || { echo "there is $file" >&2 && exit 99; }; done
}
# never a signal, and no other exit codes than these: only CODES COMMAND...
only() {
    allowed=$1 only_got=0
    shift
    "$@" || only_got=$?
    one_of "$only_got" "$allowed" || { echo "exit code $only_got, not $allowed: $*" >&2 && exit 99; }
}
# finite FILE N: N lines, without a number that is none.
finite() {
    awk -v n="$2" 'tolower($0) ~ /(^|,)[-+]?(nan|inf)/ { bad = 1 } END { exit bad || NR != n }' "$1"
}
# Each learner of two classes by itself on the input, and its predictions.
train_each() {
    for learner in $("$AUTOML" catalog --json | awk -F'"' '
        $2 == "kind" { learner = $4 == "learner"; getline; name = $4 }
        learner && $2 == "tasks" && /binary/ { print name }'); do
        case $SANITIZE$TSAN$learner in *1*mlp) continue ;; esac # which would take minutes
        only 0 automl train input --target y --trials 1 --threads 1 --seed 1 --quiet --learners "$learner" --output one.automl >one.txt
        ! grep -i -w -e nan -e inf one.txt || exit 98
        only 0 automl predict one.automl input --quiet --output one.csv
        finite one.csv "$(awk 'END { print NR }' input)" || { echo "$learner predicts NaN" >&2 && exit 98; }
        rm one.automl one.csv one.txt
    done
}
# A trial that works, then one that does as SCRIPT says.
misbehave() {
    script=$1
    shift
    automl tune --space 'x = int(1, 1000)' --goal minimize:loss --trials 2 --seed 1 --trial-timeout "${patience:-2s}" --trial-memory 500M \
        --max-failed-trials 9 --output sweep --shell "$@" -- "[ \$AUTOML_TRIAL != 0 ] || { echo loss=1; exit; }; $script"
}
# No process has this word in its command line, soon.
gone() {
    for tenth in $(seq 100); do
        grep -l -z -x -e "$1" /proc/[0-9]*/cmdline 2>/dev/null | grep -q . || return 0
        sleep 0.1
    done
    echo "a process is left after $tenth tenths of a second: $1" >&2
    exit 99
}
reserves() { case $SANITIZE$TSAN$LEAKS in *1*) ;; *) return 1 ;; esac } # address space, as sanitizers do
preloads() { [ "$SANITIZE" = 0 ] && [ "$TSAN" = 0 ] || skip "sanitizers want to be loaded first"; }
# fault FAULT CALL N VERB...: the N-th of these calls fails, and those after it.
fault() {
    name=$1 call=$2 at=$3
    shift 3
    preloads
    [ "$call" = any ] && call=ANY_CALL=1 || call=FAULT_CALL=$call
    watched env FAULT="$name" "$call" FAULT_AT="$at" FAULT_FOREVER=1 LD_PRELOAD="$FAULT_LIBRARY" \
        "$AUTOML" "$@"
}

# ---- cases that take more than a line

C32() {
    reserves || ulimit -v 700000
    { echo a,b,c,y && repeat 314572800 1; } | automl train - --target y --trials 1 --quiet
}

C42() { # the table is cut while it is read, sooner or later
    for after in 0 0.005 0.01 0.02 0.04 0.08; do
        cp input cut.csv
        (sleep $after && : >cut.csv) &
        only 0/65 automl train cut.csv --target y --trials 1 --learners baseline --quiet --output cut.automl >cut.txt 2>cut.err
        wait
    done
    rm -f cut.*
}

J21() { # each value is one argument, whatever a shell would make of it
    export SEEN="$PWD/seen"
    printf '%s\n' '[ $# = 1 ] || exit 9' 'printf "%s\n" "$1" >>"$SEEN"' 'echo loss=1' >trial.sh
    cat >sweep.json <<JSON
{"search_space": {"v": {"type": "choice", "values": ["1; touch pwned", "\$(touch pwned)", "\`touch pwned\`", "-rf", "a b", "x\ny"]}},
 "objective": {"primary_metric": "loss", "goal": "minimize"}, "sampling_algorithm": "grid", "limits": {"max_total_trials": 6},
 "trial": {"command": "sh $PWD/trial.sh {v}"}}
JSON
    only 0 automl tune sweep.json --quiet --output sweep >tune.txt
    cat seen
    [ -z "$(find . -name pwned)" ] || { echo "a shell ran it" >&2 && exit 99; }
}

M02() { forge truncate 997; }
M03() { forge flip 1000; }
forge() { # the library first, many times, then the program
    "$FORGE" good.automl forged.automl "$@" || exit 99
    only 65 automl predict forged.automl good.csv --output predictions.csv
    rm -f forged.automl
    return 65
}
# The file says what no writer would say, with right checksums: the first change to BYTES whose message has WORD.
forged() {
    cat >small.json <<'JSON'
{"data": {"train": "good.csv", "target": "y"}, "limits": {"max_trials": 1, "threads": 1}, "ensemble": false, "model": {"calibration": false},
 "learners": {"gbdt": {"n_estimators": 2, "num_leaves": 4}}}
JSON
    automl run small.json --no-store --quiet --set outputs.model=made.automl >made.txt || exit 99
    got=0
    "$FORGE" made.automl forged.automl "$@" && automl predict forged.automl good.csv --output predictions.csv || got=$?
    rm -f made.* small.json forged.automl
    return $got
}

golden() { # tests/golden: models that earlier versions made of its experiments, and what these predicted
    for model in "$ROOT"/tests/golden/*.automl; do
        only 0 automl predict "$model" "$ROOT/tests/golden/table.csv" --quiet --output predictions.csv
        cmp predictions.csv "${model%.automl}.csv" || exit 99
    done
}

M14() { # names and categories that would be code, comments or paths
    awk 'BEGIN {
        print "\"*/ int main(){abort();} /*\",\"../../x\",\"a\"\"b\\\",\"trigraph??/\",\"новый\",y"
        for (i = 0; i < 120; i++) {
            k = i % 5
            v = k == 0 ? "\\n\"\"; exit(1); //" : k == 1 ? "*/" : k == 2 ? "../../x" : k == 3 ? "%s%n" : "\\u0000"
            print i * 37 % 101 ",\"" v "\"," i % 7 ",\"x\ny" i % 3 "\"," i % 11 "," (i % 5 > 2)
        }
    }' >names.csv
    only 0 automl train names.csv --target y --trials 2 --learners gbdt,logistic --seed 1 --quiet --output names.automl
    for format in c json onnx; do only 0 automl export names.automl --format $format --output names.$format; done
    "$CC" -std=c99 -Wall -Wextra -Werror -DNAMES_MAIN names.c -lm -o names || exit 98
    only 0 automl predict names.automl names.csv --quiet --output ours.csv
    ./names names.csv >theirs.csv || exit 97
    # The same numbers, whatever digits they are written with.
    paste -d, ours.csv theirs.csv | awk -F, '{ for (i = 1; i <= NF / 2; i++) if ($i != $(i + NF / 2) && $i - $(i + NF / 2)) exit 1 }'
}

S05() { # a reader that has enough
    { automl inspect good.automl --json; echo $? >status; } | head -n 1 >first
    read -r code <status
    [ -s first ] || exit 99
    rm status first
    exit "$code"
}

S07() { # the disk is full in the middle of a run: the store still opens, and the run goes on when there is room
    experiment >exp.json
    got=0
    fault ENOSPC any 40 run exp.json --store runs.db >exp.txt || got=$?
    [ "$got" = 74 ] || exit 99
    absent exp.automl
    only 0 automl runs list --store runs.db >exp.txt
    only 0 automl run exp.json --store runs.db >exp.txt 2>&1
    rm -f exp.* runs.db*
    return $got
}

S08() { # fsync fails: nothing is said to be saved
    experiment >exp.json
    got=0
    fault EIO "$1" 1 run exp.json --store runs.db >exp.txt || got=$?
    absent exp.automl
    rm -f exp.* runs.db*
    return $got
}

S09() { # a store that cannot be written
    experiment >exp.json
    mkdir closed && chmod a-w closed
    store=closed/runs.db
    [ "$(id -u)" != 0 ] || store=/proc/runs.db
    got=0
    automl run exp.json --store $store --set outputs.model=model.automl || got=$?
    rm -rf closed exp.json
    return $got
}

S10() { # eight at once
    experiment >exp.json
    pids=""
    for k in 1 2 3 4 5 6 7 8; do
        automl run exp.json --store runs.db --set search.seed=$k --set outputs.model=m$k.automl --quiet >$k.txt 2>&1 &
        pids="$pids $!"
    done
    for pid in $pids; do only 0 wait "$pid"; done
    only 0 automl runs list --store runs.db --json >list.json
    [ "$(grep -c '"finished"' list.json)" = 8 ] || { cat list.json && exit 99; }
}

S11() { # a sweep that another process, though stopped, works on
    set -- tune --space 'x = int(1, 9)' --goal minimize:loss --trials 1 --output sweep --quiet --shell -- 'sleep 20; echo loss=1'
    "$AUTOML" "$@" >first.txt 2>&1 &
    first=$!
    for tenth in $(seq 300); do
        [ ! -d sweep/trials/0000 ] || break
        sleep 0.1
    done
    kill -STOP $first
    got=0
    automl "$@" || got=$?
    kill -KILL $first
    kill -CONT $first
    wait $first 2>/dev/null
    rm -rf sweep first.txt
    return $got
}

S12() { # what a killed process left beside the store
    preloads
    experiment >exp.json
    for at in 10 20 30; do
        FAULT=kill FAULT_AT=$at LD_PRELOAD=$FAULT_LIBRARY "$AUTOML" run exp.json --store runs.db --quiet >exp.txt 2>&1
        echo 999999 >runs.db.lock
        only 0 automl run exp.json --store runs.db --quiet >exp.txt 2>&1
        rm -f runs.db*
    done
}

S13() { # the clock jumps back a day
    preloads
    experiment >exp.json
    watched env CLOCK_BACK=30 LD_PRELOAD="$CLOCK_LIBRARY" "$AUTOML" run exp.json --store runs.db \
        --set limits.timeout=15 --set limits.max_trials=3 --quiet || exit $?
    only 0 automl run exp.json --store runs.db --new --quiet
    automl runs list --store runs.db --json >list.json
    [ "$(grep -c '"finished"' list.json)" = 2 ] || { cat list.json && exit 99; }
}

S14() { # a locale with a decimal comma
    mkdir locale
    localedef -i de_DE -f UTF-8 ./locale/de_DE.UTF-8 >/dev/null 2>&1 || skip "no localedef, or no de_DE for it"
    export LOCPATH="$PWD/locale" LC_ALL=de_DE.UTF-8
    ln -sf good.csv input
    train >locale.txt && predict good.csv
}

S15() { # short of address space
    ! reserves || skip "sanitizers reserve address space"
    for kilobytes in 900000 600000 400000 300000 250000; do
        (ulimit -v $kilobytes && only 0/71 automl train good.csv --target y --trials 2 --threads 1 --quiet --output m.automl) >m.txt 2>m.err ||
            { cat m.err >&2 && exit 99; }
        ! grep -q 'error\[' m.err || grep -q -i memory m.err || { cat m.err >&2 && exit 98; }
        rm -f m.*
    done
}

S16() { # few descriptors
    preloads
    experiment >exp.json
    exec 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&- # of whoever runs the tests
    for most in 16 10 9 8 7 6 5 4; do
        # 127: the loader cannot open the libraries
        (ulimit -n $most && only 0/71/127 automl run exp.json --store runs.db --quiet) >exp.txt 2>exp.err || { cat exp.err >&2 && exit 99; }
        ! grep -q 'error\[' exp.err || grep -q -i 'open files' exp.err || { cat exp.err >&2 && exit 98; }
        rm -f runs.db* exp.automl
    done
}

S22() { # no descriptors but the first three
    exec 7<good.csv 8>/dev/null 9<good.csv
    misbehave 'for fd in 7 8 9; do [ ! -e /proc/$$/fd/$fd ] || exit 3; done; echo loss=2'
}

S23() { # a signal ends the search and keeps the model, two end it now
    for signals in TERM 'TERM TERM'; do
        "$AUTOML" train good.csv --target y --time-limit 60s --learners logistic,naive_bayes --threads 1 --output model.automl >s.txt 2>s.err &
        pid=$!
        for tenth in $(seq 300); do
            ! grep -q search s.err || break
            sleep 0.1
        done
        for signal in $signals; do kill -$signal $pid; done
        got=0
        wait $pid || got=$?
        one_of "$got" "$1" || { echo "exit code $got after $signals" >&2 && exit 99; }
        cat s.err >&2
        shift
    done
}

S25() { # hostile names of files
    for name in -rf 'a b' 'new
line' '$(touch pwned)' 'ünï' "$(repeat 200 n)"; do
        only 0 automl train good.csv --target y --trials 1 --learners baseline --quiet --output "./$name" --store "./$name.db"
        only 0 automl predict "./$name" good.csv --output "./$name.csv"
        rm "./$name" "./$name.csv"
    done
    for name in "$(repeat 255 n)" "$(repeat 256 n)" "$(repeat 5000 n)"; do
        only 0/73 automl train good.csv --target y --trials 1 --learners baseline --quiet --output "$name"
    done
    absent pwned
}
