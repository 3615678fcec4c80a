# predict.sh: prediction and evaluation, with columns as they come.
. "$ROOT/tests/cli/common"

# A table with a category, a number and a row key.
awk 'BEGIN {
    print "id,colour,size,y"
    for (i = 0; i < 120; i++) {
        c = i % 3 == 0 ? "red" : i % 3 == 1 ? "green" : "blue"
        s = (i * 37) % 100 / 10
        print "k" i "," c "," s "," (c == "red" || s > 8 ? "yes" : "no")
    }
}' >t.csv
run 0 train t.csv --target y --trials 3 --learners logistic,naive_bayes --output m.automl --drop id
run 0 predict m.automl t.csv
cp out plain.csv
[ "$(head -n 1 plain.csv)" = prediction,proba_no,proba_yes ] || failed "header"
[ "$(wc -l <plain.csv)" = 121 ] || failed "one row per row"

run 0 predict m.automl t.csv --output p.csv --threads 1
same plain.csv p.csv
has err '120 predictions'
[ ! -s out ] || failed "standard output with --output"
run 0 predict m.automl t.csv --output p.csv --quiet
[ ! -s err ] || failed "--quiet printed"

awk -F, -v OFS=, '{ print $3, "extra" NR, $2 }' t.csv | sed '1s/extra1/zzz/' >reordered.csv
run 0 predict m.automl reordered.csv
same plain.csv out
has err zzz
"$AUTOML" predict m.automl - <reordered.csv >out 2>err || failed "standard input"
same plain.csv out
run 0 predict m.automl t.csv --keep id,y
[ "$(head -n 1 out)" = prediction,proba_no,proba_yes,id,y ] || failed "header with kept columns"
cut -d, -f4 out >kept
cut -d, -f1 t.csv >ids
same kept ids
refused 65 nosuch -- predict m.automl t.csv --keep nosuch

cut -d, -f1,3,4 t.csv >u.csv
refused 65 colour missing -- predict m.automl u.csv
sed '2s/red/purple/; 3s/green/purple/' t.csv >u.csv
run 0 predict m.automl u.csv
has err 'column `colour`: 2 cells' 'first `purple` on line 2'
sed '5s/red/purple/' t.csv >u.csv
run 0 predict m.automl u.csv
has err '1 cell with' ', `purple` on line 5'
sed '3s/,[0-9.]*,\(yes\|no\)$/,wide,\1/' t.csv >u.csv
has u.csv wide
refused 65 size wide :3 -- predict m.automl u.csv
head -n 1 t.csv >u.csv
run 0 predict m.automl u.csv
[ "$(cat out)" = prediction,proba_no,proba_yes ] || failed "no rows: only the header"
: >u.csv
refused 65 empty -- predict m.automl u.csv
refused 65 model -- predict t.csv t.csv
refused 66 none.automl -- predict none.automl t.csv
head -c 300 m.automl >cut.automl
refused 65 cut.automl -- predict cut.automl t.csv

run 0 evaluate m.automl t.csv
has out accuracy auc log_loss '120 rows'
run 0 evaluate m.automl t.csv --json
is_json
cut -d, -f1-3 t.csv >u.csv
refused 65 y -- evaluate m.automl u.csv

run 0 leaderboard m.automl
has out rank auc baseline
run 0 leaderboard m.automl --json
is_json leaderboard
run 0 leaderboard m.automl --csv
has out rank,trial,learner
run 0 inspect m.automl
has out colour size category yes
run 0 inspect m.automl --json
is_json inputs
run 0 catalog --json
is_json
