# data.sh: tables with something wrong in them: the code, the place and the word that helps.
. "$ROOT/tests/cli/common"

try() { # try STATUS WORD... : on the file `t.csv` with target y
    refused "$@" -- train t.csv --target y --trials 1 --learners logistic
    [ ! -e model.automl ] || failed "a refused table left a model"
}

refused 65 'species' -- train "$data/iris.csv" --target spcies --trials 1
refused 65 'foo' -- train "$data/iris.csv" --target species --drop foo --trials 1
refused 66 'none.csv' -- train none.csv --target y
refused 66 'directory' -- train . --target y
refused 66 'valid.csv' -- train "$data/iris.csv" --target species --validation valid.csv
refused 66 'test.csv' -- train "$data/iris.csv" --target species --test test.csv
: >t.csv
try 65 empty
printf 'x,y\n' >t.csv
try 65
printf 'x,y\n1,a\n' >t.csv
try 65
printf 'x,y\n1,a\n2,a\n3,a\n4,a\n' >t.csv
try 65 'one class'
printf 'x,y\n1,\n2,\n3,\n4,\n' >t.csv
try 65 missing
printf 'x,y\n1,2\n2,3,4\n' >t.csv
try 65 ':3'
head -c 200 "$AUTOML" >t.csv
try 65
gzip -c "$data/iris.csv" | head -c 500 >t.csv
try 65 gzip

# What can be mended is mended, and said.
awk -F, -v OFS=, 'NR % 7 == 0 { $1 = "" } NR % 11 == 0 { $5 = "" } 1' "$data/iris.csv" >t.csv
run 0 train t.csv --target species --trials 2 --learners logistic
has out missing
run 0 check t.csv --target species --json
is_json
run 0 check t.csv
run 1 check t.csv --target species --strict
run 0 check "$data/wine.csv" --target class --strict
sed 's/,/;/g; s/\./,/g' "$data/iris.csv" >t.csv
run 0 check t.csv --separator ';' --decimal ,
cp out semicolon
run 0 check "$data/iris.csv"
tail -n +2 out >a
tail -n +2 semicolon >b
same a b
tail -n +2 "$data/iris.csv" >t.csv
run 0 train t.csv --no-header --target c5 --trials 1 --learners logistic
