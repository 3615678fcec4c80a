# export.sh: a model as C and as JSON, and the program that the C is.
. "$ROOT/tests/cli/common"

# The same predictions, bit by bit, whatever digits they are written with.
same_values() {
    awk -F, 'NR == FNR { for (i = 1; i <= NF; i++) a[FNR, i] = $i; n = FNR; next }
        { for (i = 1; i <= NF; i++) if (a[FNR, i] != $i && a[FNR, i] - $i != 0) { print FNR ": " $0; bad = 1 } }
        END { exit bad || n != FNR }' "$1" "$2" >out || failed "$1 and $2 say something else"
}

# compare MODEL DATA: its C, compiled, writes what `predict` writes.
compare() {
    run 0 export "$1.automl" --format c --output "$1.c"
    [ -s "$1.h" ] || failed "no header"
    [ ! -s out ] || failed "it printed something"
    "$CC" -std=c99 -O1 -Wall -Wextra -Werror -D"$(echo "$1" | tr a-z A-Z)_MAIN" "$1.c" -lm -o "$1"
    run 0 predict "$1.automl" "$2" --output expected.csv --quiet
    "./$1" "$2" >got.csv
    same_values expected.csv got.csv
    "./$1" <"$2" | cmp - got.csv || failed "standard input says something else"
}

train_iris
compare iris "$data/iris.csv"
run 0 train "$data/diabetes.csv" --target progression --trials 2 --learners gbdt --output sugar.automl
compare sugar "$data/diabetes.csv"

# Dates, categories, texts with quotes, missing cells.
awk 'BEGIN {
    print "when,\"a, b\",note,amount,y"
    for (i = 0; i < 150; i++) {
        printf "2024-%02d-%02d %02d:30:00,", i % 12 + 1, i % 28 + 1, i % 24
        printf "%s,\"say \"\"%s\"\" %s\",", (i % 7 ? "k" (i % 3) : ""), (i % 4 ? "yes" : "no, never"), (i % 3 ? "rather long words" : "")
        printf "%s,%s\n", (i % 11 ? i * 0.37 : ""), (i % 4 == 0 || i % 12 > 5 ? "p" : "q")
    }
}' >mixed.csv
run 0 train mixed.csv --target y --trials 6 --output mixed.automl
compare mixed mixed.csv
printf 'when,note\n2024-01-01,x\n' >short.csv
! ./mixed short.csv >out 2>err || failed "a missing column was taken"
has err 'missing column a, b'

run 0 export iris.automl --format json --output -
is_json
has out '"operations"' '"linear"' '"softmax"'
run 0 export iris.automl --format c --output -
has out 'int model_predict(const model_input *in, double *out)' 'MODEL_MAIN'

# A model of a constant column has no inputs.
awk 'BEGIN { print "x,y"; for (i = 0; i < 40; i++) print "1," i % 2 }' >constant.csv
run 0 train constant.csv --target y --trials 1 --learners baseline --output constant.automl
refused 64 'export it as c or json' -- export constant.automl --format onnx --output x
run 0 export constant.automl --format json --output -

refused 64 'did you mean `json`?' -- export iris.automl --format jsn --output x
refused 64 --format -- export iris.automl --output x
refused 64 --output -- export iris.automl --format c
refused 64 header -- export iris.automl --format c --output x.h
refused 66 nothing.automl -- export nothing.automl --format c --output x.c
refused 73 -- export iris.automl --format c --output no/such/folder/x.c
[ ! -e x ] && [ ! -e x.c ] && [ ! -e x.h ] || failed "something was left behind"
