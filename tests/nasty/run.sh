# run.sh: the nasty inputs of cases.tsv, whose first letters are given: run.sh CV. Each case runs in a folder of its own, with its
# input (inputs.sh), good.csv and a good model beside it. What a case has to do is in its line; what every case has to do is here:
# no signal, an end within 20 seconds of processor time, an error that says what is wrong and what to do, once and nowhere else than on
# standard error, and nothing left of what was not finished. ONLY="C05 V22" runs these alone; TRAIN sets the options of `train`.
. "$ROOT/tests/cli/common"
nasty=$ROOT/tests/nasty
. "$nasty/inputs.sh"
. "$nasty/acts.sh"
letters=$1
watchdog=20
[ "$SANITIZE" = 0 ] && [ "$TSAN" = 0 ] || watchdog=200
train_options=${TRAIN:---trials 3 --threads 1 --seed 1}
tab=$(printf '\t')

good 200 1 >good.csv
# shellcheck disable=SC2086 # a list of options
automl train good.csv --target y $train_options --output good.automl >out 2>err || failed "the good table"
automl predict good.automl good.csv --quiet --output good.predictions >out 2>err || failed "the good model"

wrong() {
    echo "WRONG: $id, $what: $1" >&2
    printf "%s\n" "--- $command" >&2
    head -c 600 err >&2
    bad="$bad $id"
}

# A word of the message, in any case of letters; !WORD: it is not there.
check_words() {
    cat err out | tr '[:upper:]' '[:lower:]' >said
    old=$IFS
    IFS='|'
    for word in $words; do
        IFS=$old
        lower=$(printf '%s' "$word" | tr '[:upper:]' '[:lower:]')
        case $lower in
        !*) ! grep -q -F -e "${lower#!}" said || wrong "\`${lower#!}\` is said" ;;
        *) grep -q -F -e "$lower" said || wrong "\`$lower\` is not said" ;;
        esac
    done
    IFS=$old
    rm said
}

check_refusal() {
    [ ! -s out ] || wrong "an error printed to standard output"
    [ "$(grep -c 'error\[E-' err)" = 1 ] || wrong "not one error block"
    grep -q '= help: ' err || wrong "the error does not say what to do"
    [ "$(grep 'error\[E-' err | wc -m)" -le 200 ] || wrong "the first line of the error is long"
    left=$(find . -type f ! -name good.csv ! -name good.automl ! -name input ! -name out ! -name err)
    [ -z "$left" ] || wrong "left behind: $(echo $left)"
}

# What is to hold afterwards: `rows=N`: the model predicts the input, N rows, each value a finite number; `same`: it is the model of
# the good table; `lines=N`: predictions.csv has N lines without a NaN; `like-good`: and they are those of the good table.
check_after() {
    for after in $afterwards; do
        case $after in
        rows=*)
            automl predict model.automl input --quiet --output p.csv >out 2>err || wrong "its model does not predict"
            finite p.csv $((${after#rows=} + 1)) || wrong "predictions that are not ${after#rows=} finite rows"
            ;;
        same) cmp -s model.automl good.automl || wrong "not the model of the good table" ;;
        lines=*) finite predictions.csv "${after#lines=}" || wrong "predictions.csv is not ${after#lines=} finite lines" ;;
        like-good) cmp -s predictions.csv "$work/good.predictions" || wrong "not the predictions of the good table" ;;
        esac
    done
}

# one_of CODE 0/65: is it among them?
one_of() {
    case /$2/ in
    */"$1"/*) ;;
    *) return 1 ;;
    esac
}

judge() {
    ! grep -q -e '(null)' -e 'Sanitizer' -e 'runtime error' err || wrong "a bad message"
    if ! one_of "$code" "$codes"; then
        wrong "exit code $code, not $codes"
    else
        check_words
        if [ "$code" = 0 ]; then check_after; else check_refusal; fi
    fi
}

run_case() {
    mkdir "$id" && cd "$id"
    ln -s ../good.csv ../good.automl .
    input "$id" >input </dev/null
    code=0
    (eval "$command") >out 2>err </dev/null || code=$?
    if [ -f skipped ]; then
        echo "SKIPPED: $id: $(cat skipped)"
    else
        judge
    fi
    cd "$work"
    rm -rf "./$id"
    n=$((n + 1))
}

n=0 bad=""
while IFS=$tab read -r id codes words afterwards command what; do
    case $id in "" | '#'*) continue ;; esac
    case $letters in *"${id%"${id#?}"}"*) ;; *) continue ;; esac
    [ -z "${ONLY:-}" ] || case " $ONLY " in *" $id "*) ;; *) continue ;; esac
    # A case without an exit code is tested elsewhere, or does not apply, and its command says where or why.
    case $codes$command in
    -test:*) [ -f "$ROOT/tests/${command#test:}" ] || wrong "there is no test ${command#test:}" ;;
    -*) ;;
    *)
        [ "$words" != - ] || words=""
        run_case
        ;;
    esac
done <"$nasty/cases.tsv"
echo "$n cases were run"
all=$(awk -F'\t' '!/^#/ && NF == 6 { sub(/[a-z]$/, "", $1); if (!seen[$1]++) n++ } END { print n }' "$nasty/cases.tsv")
[ "$all" = 169 ] || failed "the table has $all cases, not 169"
[ -z "$bad" ] || { echo "wrong:$bad" >&2 && exit 1; }
[ -n "${ONLY:-}" ] || [ "$n" -ge 20 ]
