# score.sh: the scoring library: its size, what it needs and shows; the example; predictions in SQL.
. "$ROOT/tests/cli/common"

# ---- the library

nm -D --defined-only "$SCORE" | awk '$2 == "T" { print $3 }' | sort >shown
grep -o 'aml_score[a-z_]*(' "$ROOT/automl/automl_score.h" | tr -d '(' | sort -u >declared
same shown declared
nm -g --defined-only "$SCORE_STATIC" | awk 'NF == 3 { print $3 }' | sort >shown
[ "$SANITIZE" -eq 1 ] || [ "$TSAN" -eq 1 ] || same shown declared

# An instrumented library needs its runtime and is larger, and so is one to be debugged.
if [ "$SANITIZE" -eq 0 ] && [ "$TSAN" -eq 0 ]; then
    objdump -p "$SCORE" | awk '$1 == "NEEDED" { print $2 }' >needed
    while read -r library; do
        case $library in
        libc.so.* | libm.so.* | ld-linux*) ;;
        *) failed "the scoring library needs $library" ;;
        esac
    done <needed
fi
if [ "$RELEASE" -eq 1 ] && [ "$SANITIZE" -eq 0 ] && [ "$TSAN" -eq 0 ]; then
    strip -o stripped "$SCORE"
    size=$(wc -c <stripped)
    echo "libautoml_score: $size bytes"
    [ "$size" -lt 300000 ] || failed "the scoring library has $size bytes"
fi

# ---- a table with gaps, its models and what the program predicts

awk 'BEGIN {
    print "id,colour,size,weight,y,z,k"
    for (i = 0; i < 150; i++) {
        c = i % 3 == 0 ? "red" : i % 3 == 1 ? "green" : "blue"
        s = (i * 37) % 100 / 10; w = (i * 53) % 97 + 0.25
        printf "%d,%s,%s,%s,%s,%s,%s\n", i, i % 11 ? c : "", i % 7 ? s : "", w,
            (c == "red" || s > 8 ? "yes" : "no"), s * 3 + w, "k" i % 4
    }
}' >t.csv
train() {
    run 0 train t.csv --trials 4 --learners gbdt,logistic,ridge "$@"
}
train --target y --drop id,z,k --output two.automl
train --target z --drop id,y,k --output value.automl
train --target k --drop id,y,z --output four.automl
for m in two value four; do
    "$AUTOML" predict $m.automl t.csv >$m.csv 2>err || failed "predict"
done

# Numbers are compared as numbers: the last digits of a text may differ, the double may not.
same_numbers() {
    awk -F, -v OFS=, 'FNR == 1 { file++ } { for (i = 1; i <= NF; i++) {
        if (file == 1) { a[FNR, i] = $i; n[FNR] = NF; rows = FNR }
        else if (n[FNR] != NF || (a[FNR, i] != $i && (a[FNR, i] + 0 != $i + 0 || a[FNR, i] !~ /^[-0-9]/)))
            { print FILENAME ":" FNR ": " a[FNR, i] " is not " $i; exit 1 }
    } } END { if (file != 2 || FNR != rows) exit 1 }' "$1" "$2" || failed "$1 and $2 differ"
}

# ---- the example

if [ "$SANITIZE" -eq 0 ] && [ "$TSAN" -eq 0 ]; then
    "$CC" -std=c99 -Wall -Wextra -Werror -pedantic -I"$ROOT/automl" "$ROOT/examples/score.c" -o score "$SCORE_STATIC" -lm >out 2>err || failed "the example"
    for m in two value four; do
        ./score $m.automl <t.csv >out 2>err || failed "the example predicts"
        sed 1d $m.csv >expected
        same_numbers expected out
    done
    ./score t.csv <t.csv >out 2>err && failed "a model that is none"
    has err 'error[E-DATA]' 'not a model file'
fi

# ---- SQL

{
    echo 'CREATE TABLE t(id INTEGER, colour TEXT, size REAL, weight REAL); BEGIN;'
    awk -F, 'NR > 1 { printf "INSERT INTO t VALUES(%s,%s,%s,%s);\n", $1,
        $2 == "" ? "NULL" : "'\''" $2 "'\''", $3 == "" ? "NULL" : $3, $4 }' t.csv
    echo 'COMMIT;'
} >t.sql
sql() { "$SQL" "$SQLITE_EXTENSION" "$(cat t.sql)" "$@" >out 2>err </dev/null; }
asks() { sql "$@" || failed "sql: $*"; }
refuses() {
    word=$1
    shift
    ! sql "$@" || failed "no error: $*"
    has err "$word"
}

asks "SELECT automl_columns('two.automl')"
[ "$(tr '\n' ' ' <out)" = 'colour size weight ' ] || failed "names of columns"
asks "SELECT automl_class('two.automl', colour, size, weight) || ',' ||
    printf('%!.17g', automl_proba('two.automl', 'no', colour, size, weight)) || ',' ||
    printf('%!.17g', automl_predict('two.automl', colour, size, weight)) FROM t ORDER BY id"
sed 1d two.csv >expected
same_numbers expected out
asks "SELECT printf('%!.17g', automl_predict('value.automl', 'weight', weight, 'colour', colour, 'size', size)) FROM t ORDER BY id"
sed 1d value.csv >expected
same_numbers expected out
asks "SELECT automl_class('four.automl', colour, size, weight) || ',' ||
    printf('%!.17g', automl_proba('four.automl', 'k0', colour, size, weight)) || ',' ||
    printf('%!.17g', automl_proba('four.automl', 'k1', colour, size, weight)) || ',' ||
    printf('%!.17g', automl_proba('four.automl', 'k2', colour, size, weight)) || ',' ||
    printf('%!.17g', automl_proba('four.automl', 'k3', colour, size, weight)) FROM t ORDER BY id"
sed 1d four.csv >expected
same_numbers expected out
asks "SELECT max(automl_proba('four.automl', c, colour, size, weight)) = automl_predict('four.automl', colour, size, weight)
    FROM t, (SELECT 'k0' AS c UNION ALL SELECT 'k1' UNION ALL SELECT 'k2' UNION ALL SELECT 'k3') GROUP BY id"
[ "$(sort -u out)" = 1 ] || failed "the predicted class has the largest probability"

asks "SELECT count(automl_class(f, colour, size, weight)) FROM t, (SELECT 'two.automl' AS f UNION ALL SELECT 'four.automl')"
[ "$(cat out)" = 300 ] || failed "the path of a model as a column"

# A model that is replaced is read again; two models in one statement.
cp two.automl m.automl
asks "SELECT automl_predict('m.automl', 'red', 1, 2) = automl_predict('two.automl', 'red', 1, 2)"
[ "$(cat out)" = 1 ] || failed "the same model by another name"

refuses 'cannot open' "SELECT automl_predict('none.automl', 1)"
refuses 'not a model file' "SELECT automl_predict('t.csv', 1)"
refuses '3 columns, 2 arguments' "SELECT automl_predict('two.automl', 1, 2)"
refuses 'no column `wide`' "SELECT automl_predict('two.automl', 'wide', 1, 'size', 2, 'weight', 3)"
refuses 'given twice' "SELECT automl_predict('two.automl', 'size', 1, 'size', 2, 'weight', 3)"
refuses 'must hold a number' "SELECT automl_predict('two.automl', 'red', 'wide', 3)"
refuses BLOB "SELECT automl_predict('two.automl', 'red', x'00', 3)"
refuses 'no class `maybe`' "SELECT automl_proba('two.automl', 'maybe', 'red', 1, 2)"
refuses 'a model of classes' "SELECT automl_class('value.automl', 'red', 1, 2)"
refuses 'path of a model' "SELECT automl_predict()"
refuses 'path of a model' "SELECT automl_predict(NULL, 1)"
