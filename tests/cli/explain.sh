# explain.sh: contributions of columns, and what predictions are held to.
. "$ROOT/tests/cli/common"

run 0 train "$data/breast_cancer.csv" --target diagnosis --trials 3 --learners gbdt,knn --output b.automl --quiet
run 0 explain b.automl "$data/breast_cancer.csv" --rows 40 --draws 2 --top 3
has out worst 'auc lost' malignant '--top 30'
run 0 explain b.automl "$data/breast_cancer.csv" --row 2 --draws 2
has out 'Row 2' value contribution
refused 64 570 -- explain b.automl "$data/breast_cancer.csv" --row 570 --draws 2
run 0 explain b.automl "$data/breast_cancer.csv" --rows 20 --draws 2 --json
is_json columns
has out permutation_loss parts

# Each line of the CSV sums to the prediction.
head -n 30 "$data/breast_cancer.csv" >few.csv
run 0 explain b.automl few.csv --draws 2 --output c.csv --quiet
[ "$(wc -l <c.csv)" = 30 ] || failed "one row per row"
awk -F, 'NR > 1 { s = 0; for (i = 3; i <= NF; i++) s += $i; d = s - $2; if (d > 1e-9 || d < -1e-9) bad++ } END { exit bad > 0 }' c.csv ||
    failed "a line does not sum to its prediction"
run 0 predict b.automl few.csv
awk -F, 'NR > 1 { print $3 }' out >p
awk -F, 'NR > 1 { print $2 }' c.csv >q
paste p q | awk '{ d = $1 - $2; if (d > 1e-6 || d < -1e-6) bad++ } END { exit bad > 0 }' || failed "not the prediction"
run 0 explain b.automl few.csv --draws 2 --output - --top 2 --quiet
has out row,prediction,base,column_1,contribution_1,column_2,contribution_2,others

# Without a target there is nothing to lose.
cut -d, -f1-30 few.csv >without.csv
run 0 explain b.automl without.csv --draws 2
lacks out lost
refused 64 exclude -- explain b.automl few.csv --json --output -
sed '2,$s/,[^,]*$/,/' few.csv >empty.csv
run 0 explain b.automl empty.csv --draws 2
has err 'no row has a known target'
refused 65 'missing column' -- explain b.automl "$data/iris.csv"

d=$data/diabetes.csv
run 0 train "$d" --target progression --trials 2 --increasing bmi,bp --decreasing s3 --interactions 'age,sex;bmi,bp' --quiet
has out 'never fall' '`bmi`' 'never rise' '`s3`' ridge gbdt
refused 65 bmi -- train "$d" --target progression --trials 1 --increasing bmii
refused 64 progression -- train "$d" --target progression --trials 1 --increasing progression
refused 64 bmi -- train "$d" --target progression --trials 1 --increasing bmi --decreasing bmi
refused 64 constraints -- train "$d" --target progression --trials 1 --increasing bmi --learners ridge
refused 64 classes -- train "$data/iris.csv" --target species --trials 1 --increasing petal_width_cm
for bad in 'a,,b' ';' 'a;' ',a' ''; do
    refused 64 '--interactions' -- train "$d" --target progression --trials 1 --interactions "$bad"
done
