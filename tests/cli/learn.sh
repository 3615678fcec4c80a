# learn.sh: --learn-from: what won in finished runs comes first on data like theirs; a run goes on by what it learnt at first.
. "$ROOT/tests/cli/common"

search() { run 0 train "$@" --quiet --no-timings; }

# Two tables of one origin: in each, classes are stripes that neighbours tell and lines do not.
awk 'BEGIN { print "a,b,y"; for (i = 0; i < 300; i++) { x = (i * 37 % 300) / 30; z = (i * 91 % 300) / 30
    print x "," z "," (int(x) + int(z)) % 2 } }' >one.csv
awk 'BEGIN { print "a,b,y"; for (i = 0; i < 280; i++) { x = (i * 53 % 280) / 28; z = (i * 11 % 280) / 28
    print x "," z "," (int(x) + int(z)) % 2 } }' >two.csv
search one.csv --target y --trials 16 --store past.db --output m.automl
run 0 train two.csv --target y --trials 5 --no-timings --json --output m.automl
cp out plain.json
run 0 train two.csv --target y --trials 5 --no-timings --json --learn-from past.db --output m.automl
has err 'learnt from 1 finished run of past.db'
! cmp -s out plain.json || failed "nothing was learnt"

# What is learnt is recorded: other runs that come to the store meanwhile change nothing.
search two.csv --target y --trials 9 --learn-from past.db --json --store a.db --output a.automl
cp out nine.json
search two.csv --target y --trials 5 --learn-from past.db --store b.db --output b.automl
search two.csv --target y --trials 12 --store past.db --output m.automl --seed 3
search two.csv --target y --trials 9 --learn-from past.db --json --store b.db --output b.automl
same nine.json out
same a.automl b.automl
search two.csv --target y --trials 9 --learn-from past.db --json --store a.db --output c.automl --replay last
same nine.json out
run 0 train two.csv --target y --trials 5 --no-timings --learn-from past.db --output m.automl
has err 'learnt from 2 finished runs'

# The same file for both; nothing in it yet.
run 0 train one.csv --target y --trials 3 --store new.db --learn-from new.db --output m.automl
has err 'learnt from 0 finished runs'

# Many rows learn from runs of many rows, though nothing is built in for them: the winner comes first.
awk 'BEGIN { print "a,b,y"; for (i = 0; i < 6300; i++) { x = (i * 37 % 6300) / 630; z = (i * 91 % 6299) / 630
    print x "," z "," (int(x) + int(z)) % 2 } }' >large.csv
search large.csv --target y --trials 4 --learners logistic,naive_bayes,knn --store large.db --output m.automl
search large.csv --target y --trials 1 --learners logistic,naive_bayes,knn --output m.automl --json
lacks out '"knn"'
search large.csv --target y --trials 1 --learners logistic,naive_bayes,knn --learn-from large.db --output m.automl --json
has out '"knn"'

# In an experiment the path is beside its file.
mkdir team
mv past.db team/
cat >team/e.json <<'END'
{"data": {"train": "../two.csv", "target": "y"}, "limits": {"max_trials": 3}, "search": {"learn_from": "past.db"}}
END
run 0 run team/e.json
has err 'learnt from 2 finished runs of team/past.db'

refused 66 nowhere.db -- train one.csv --target y --trials 2 --learn-from nowhere.db --quiet --output x.automl
refused 65 one.csv -- train one.csv --target y --trials 2 --learn-from one.csv --quiet --output x.automl
[ ! -e x.automl ] || failed "a model"
