# output.sh: what cannot be written is an error, and nothing half-written stays.
. "$ROOT/tests/cli/common"

train_iris

full() { # full WORDS... : with standard output on a full disk
    status=0
    "$AUTOML" "$@" >/dev/full 2>err </dev/null || status=$?
    : >out
    [ $status -eq 74 ] || failed "exit code $status, not 74: automl $* >/dev/full"
    has err 'No space left' stdout
    status=0
    "$AUTOML" "$@" >&- 2>err </dev/null || status=$?
    [ $status -eq 74 ] || failed "exit code $status, not 74: automl $* >&-"
    has err stdout
}

if [ -w /dev/full ]; then
    full --version
    full --help
    full catalog --json
    full leaderboard iris.automl
    full inspect iris.automl --json
    full evaluate iris.automl "$data/iris.csv"
    full predict iris.automl "$data/iris.csv"
    full check "$data/iris.csv" --json
    refused 74 space -- predict iris.automl "$data/iris.csv" --output /dev/full
    refused 74 space -- train "$data/iris.csv" --target species --trials 1 --learners logistic --output /dev/full
else
    echo "SKIPPED: there is no /dev/full"
fi

refused 73 '/dev/null/x' -- train "$data/iris.csv" --target species --trials 1 --output /dev/null/x
refused 73 'none/x' -- train "$data/iris.csv" --target species --trials 1 --output none/x
refused 73 directory -- train "$data/iris.csv" --target species --trials 1 --output .
refused 73 '/dev/null/x' -- predict iris.automl "$data/iris.csv" --output /dev/null/x
# Before the search, not after it.
lacks err trials

# A reader that has enough is no error to talk about.
"$AUTOML" catalog --json 2>err | head -n 1 >out
[ ! -s err ] || failed "a closed pipe was reported"
"$AUTOML" predict iris.automl "$data/iris.csv" --quiet 2>err | head -n 1 >out
[ ! -s err ] || failed "a closed pipe was reported"

# Closed descriptors never become files of ours.
"$AUTOML" predict iris.automl "$data/iris.csv" --output p.csv <&- >&- 2>&- || failed "closed descriptors"
[ "$(wc -l <p.csv)" = 151 ] || failed "151 lines"
status=0
"$AUTOML" check - <&- >out 2>err || status=$?
[ $status -eq 74 ] || failed "exit code $status for a closed standard input"

# What fails leaves the old file.
echo old >p.csv
refused 65 columns -- predict iris.automl "$data/wine.csv" --output p.csv
[ "$(cat p.csv)" = old ] || failed "an old file was damaged"
[ -z "$(find . -name '*.tmp')" ] || failed "a temporary file was left"

# No terminal: no control characters.
run 0 train "$data/iris.csv" --target species --trials 2 --learners logistic
! grep -q "$(printf '\033')" out err || failed "escape sequences without a terminal"
