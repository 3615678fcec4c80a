# faults.sh: a program whose calls fail ends with the right code, says so, and leaves nothing half done. Each scenario runs
# once for each call that may go wrong, which does (once, or from then on). CTest takes a sample of the calls;
#     STRIDE=1 FAULTS="alloc ENOSPC EIO EINTR short" SCENARIOS="train predict evaluate export resume tune" sh tests/cli/faults.sh
# takes every one, with STRIDE=2 and FIRST=1 or FIRST=2 one half of them (see cli/common for what it needs in the environment). In a
# build with -DCMAKE_C_FLAGS=-fsanitize=leak an exit that leaves memory behind has another code, which is judged like any.
. "$ROOT/tests/cli/common"
[ "$SANITIZE" = 0 ] && [ "$TSAN" = 0 ] || exit 0 # they want to be loaded first
stride=${STRIDE:-}
faults=${FAULTS:-alloc ENOSPC EIO EINTR short}
scenarios=${SCENARIOS:-train predict evaluate export resume tune}

cat >"$work/table.awk" <<'AWK'
BEGIN {
    srand(7)
    split("Rome Oslo Lima", city, " ")
    split("red green blue fast slow cheap", word, " ")
    print "a,b,city,when,note,y"
    for (i = 0; i < 200; i++) {
        a = rand() - 0.5
        c = int(rand() * 4)
        printf "%.4f,%s,%s,2024-%02d-%02d,%s %s %s,%s\n", a, i % 9 ? int(rand() * 900) / 9 : "", c ? city[c] : "", 1 + i % 12, 1 + i % 28,
            word[1 + int(rand() * 6)], word[1 + int(rand() * 6)], word[1 + int(rand() * 6)], (a + (c == 1) / 3 > 0 ? "yes" : "no")
    }
}
AWK
awk -f "$work/table.awk" >table.csv
cat >experiment.json <<'JSON'
{"data": {"train": "table.csv", "target": "y"}, "search": {"seed": 1}, "limits": {"max_trials": 3, "threads": 1},
 "learners": ["logistic", "naive_bayes"], "outputs": {"model": "model.automl", "leaderboard": "board.csv"}}
JSON
run 0 train table.csv --target y --trials 3 --learners logistic,naive_bayes --seed 1 --threads 1 --output given.automl
run 0 run experiment.json --store given.db --set limits.max_trials=2 --set outputs.model=x.automl \
    --set outputs.leaderboard=x.csv

# ---- scenarios, each in an empty folder: what goes wrong (`attempt`), and what has to hold afterwards

attempt_train() {
    "$AUTOML" train ../table.csv --target y --trials 3 --learners logistic,naive_bayes --seed 1 --threads 1 --quiet --output model.automl
}
whole_train() { whole model.automl; }

attempt_predict() { "$AUTOML" predict ../given.automl ../table.csv --threads 1 --output predictions.csv; }
whole_predict() {
    [ ! -e predictions.csv ] || cmp -s predictions.csv ../given.csv || broken "predictions.csv is not whole"
    [ "$code" -ne 0 ] || [ -e predictions.csv ] || broken "no predictions"
}

attempt_evaluate() { "$AUTOML" evaluate ../given.automl ../table.csv --threads 1 --json; }
whole_evaluate() { [ "$code" -ne 0 ] || "$JSON_CHECK" <stdout >/dev/null || broken "not JSON"; }

attempt_export() { "$AUTOML" export ../given.automl --format c --output model.c; }
whole_export() {
    for file in model.c model.h; do
        [ ! -e $file ] || cmp -s $file ../reference_export/$file || broken "$file is not whole"
        [ "$code" -ne 0 ] || [ -e $file ] || broken "no $file"
    done
    rm -f model.c model.h
}

# A run that has two of its three trials in the store goes on.
attempt_resume() { "$AUTOML" run ../experiment.json --store runs.db --set outputs.model="$PWD/model.automl" --set outputs.leaderboard="$PWD/board.csv"; }
before_resume() { cp ../given.db runs.db; }
whole_resume() {
    whole model.automl
    if [ "$code" -ne 0 ] && cmp -s runs.db ../given.db && [ ! -s runs.db-wal ] && [ ! -e model.automl ]; then
        rm -f runs.db runs.db-* # as it was: what becomes of it is known
        return
    fi
    "$AUTOML" runs list --store runs.db --json >listed 2>&1 || broken "the store does not open"
    "$JSON_CHECK" <listed >/dev/null || broken "the store is not listed"
    attempt_resume >again 2>&1 || broken "the run does not go on"
    cmp -s model.automl ../reference_resume.automl || broken "the run went on to another model"
    rm -f listed again runs.db runs.db-* model.automl board.csv
}

attempt_tune() {
    "$AUTOML" tune --space 'x = float(0, 1); k = int(1, 9)' --trials 4 --seed 1 --output sweep --goal 'minimize loss' --quiet -- echo 'loss={x}'
}
whole_tune() {
    attempt_tune >again 2>&1 || broken "the sweep does not go on"
    rm -rf sweep again
}

# ---- judging

broken() {
    echo "FAILED: $scenario, $fault at call $n of $calls${forever:+ and later}: $1 (exit code $code)" >&2
    head -c 2000 stderr >&2
    bad=$((bad + 1))
    [ "$bad" -lt "${MOST_BAD:-1}" ] || exit 1
}

# A model that is there is whole; one that was promised is there.
whole() {
    [ ! -e "$1" ] || "$AUTOML" inspect "$1" >/dev/null 2>&1 || broken "$1 is damaged"
    [ "$code" -ne 0 ] || [ -e "$1" ] || broken "no $1"
}

allowed() {
    case $fault in
    alloc) [ "$code" -eq 71 ] ;;
    EINTR | short) return 1 ;; # the write goes on
    *) [ "$code" -eq 74 ] || [ "$code" -eq 73 ] ;;
    esac
}

judge() {
    if [ "$code" -ne 0 ]; then
        allowed || broken "the exit code"
        # Where no write works the message cannot be written either.
        grep -q 'error\[E-' stderr || { [ "$fault" != alloc ] && [ ! -s stderr ]; } || broken "no error is named"
    fi
    "whole_$scenario"
    rm -f stdout stderr model.automl predictions.csv board.csv
    [ -z "$(ls -A)" ] || broken "left behind: $(ls -A | tr '\n' ' ')"
    rm -rf ./* ./.??*
}

attempt() {
    if command -v "before_$scenario" >/dev/null; then "before_$scenario"; fi
    code=0
    (
        export FAULT="$fault" FAULT_AT="$1" LD_PRELOAD="$FAULT_LIBRARY"
        [ -z "$forever" ] || export FAULT_FOREVER=1
        [ -z "$2" ] || export FAULT_COUNT="$2"
        "attempt_$scenario"
    ) >stdout 2>stderr </dev/null || code=$?
}

"$AUTOML" predict given.automl table.csv --threads 1 --output given.csv
mkdir reference_resume
(cd reference_resume && cp ../given.db runs.db && scenario=resume && attempt_resume) >out 2>err || failed "the reference run"
cp reference_resume/model.automl reference_resume.automl

mkdir reference_export
(cd reference_export && attempt_export) >out 2>err || failed "the reference export"

bad=0
for scenario in $scenarios; do
    for fault in $faults; do
        for forever in "" 1; do
            [ "$fault$forever" != EINTR1 ] && [ "$fault$forever" != short1 ] || continue
            rm -rf here && mkdir here && cd here
            n=0 calls="?"
            attempt 0 "$work/count"
            [ "$code" -eq 0 ] || broken "without a fault"
            rm -rf ./* ./.??*
            calls=$(cat "$work/count")
            step=${stride:-$((1 + calls / ${SAMPLES:-4}))}
            n=$((1 + (calls - 1) % step)) # the last call is among them
            [ -z "$stride" ] || n=${FIRST:-1}
            told=0 tried=0
            while [ "$n" -le "$calls" ]; do
                attempt "$n" ""
                tried=$((tried + 1))
                [ "$code" -eq 0 ] || told=$((told + 1))
                judge
                n=$((n + step))
            done
            echo "$scenario, $fault${forever:+ and later}: $tried of $calls calls, $told ended with an error"
            cd ..
        done
    done
done
[ "$bad" -eq 0 ]
