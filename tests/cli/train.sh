# train.sh: training, and that neither threads nor the form of the options change the model.
. "$ROOT/tests/cli/common"

train_iris
has out rank learner log_loss pipeline baseline score model next predict iris.automl
[ -s iris.automl ] || failed "no model"
command=$(sed -n 's/^next  *//p' out)
sh -c "$command" 2>err >out || failed "the command to run next"
[ "$(wc -l <predictions.csv)" = 151 ] || failed "151 lines of predictions"

cp iris.automl first.automl
train_iris --threads 1
same first.automl iris.automl
train_iris --threads 4 --quiet
same first.automl iris.automl
[ ! -s err ] || failed "--quiet printed to standard error"
train_iris --seed 1 --quiet
! cmp -s first.automl iris.automl || failed "the seed has no effect"

# The same table from a pipe, and compressed.
"$AUTOML" train - --target species --trials 4 --learners logistic,naive_bayes --output iris.automl --quiet <"$data/iris.csv" >out 2>err || failed "standard input"
same first.automl iris.automl
gzip -c "$data/iris.csv" >iris.csv.gz
run 0 train iris.csv.gz --target species --trials 4 --learners logistic,naive_bayes --output iris.automl
same first.automl iris.automl

# JSON is all there is on standard output, and without timings it repeats byte for byte.
train_iris --json --no-timings
is_json leaderboard
lacks out fit_seconds
cp out first.json
train_iris --json --no-timings --threads 1 --quiet
same first.json out
train_iris --json
is_json score value
has out fit_seconds

# Rows of one's own for validation and test.
awk 'NR == 1 || NR % 3 == 0' "$data/iris.csv" >a.csv
awk 'NR == 1 || NR % 3 != 0' "$data/iris.csv" >b.csv
run 0 train b.csv --target species --trials 3 --learners logistic,naive_bayes --validation a.csv --test a.csv
has out 'a.csv: 50 rows' accuracy
[ -s model.automl ] || failed "the default output is model.automl"
run 0 train b.csv --target species --trials 3 --learners logistic,naive_bayes --test a.csv --json --quiet
is_json test

# The other tasks, roles and choices.
run 0 train "$data/diabetes.csv" --target progression --trials 3 --learners ridge --metric mae --validation cv3 --no-ensemble
has out regression mae
lacks out 'ensemble of'
run 0 train "$data/breast_cancer.csv" --target diagnosis --trials 2 --learners logistic --drop mean_radius,mean_area --validation holdout0.3
has out binary auc
run 0 inspect model.automl
lacks out mean_radius
has out mean_texture
run 0 train "$data/iris.csv" --target petal_width_cm --drop species --trials 2 --learners ridge --weight sepal_length_cm
has out regression

# The menu of final models, and limits that they keep.
run 0 train "$data/diabetes.csv" --target progression --trials 6 --learners ridge,knn --prefer interpretable
has out interpretable chosen single
lacks out knn
run 0 inspect model.automl
has out coefficient
run 0 train "$data/diabetes.csv" --target progression --trials 4 --learners ridge,knn --max-model-size 8k --max-predict-time 1ms
[ "$(wc -c <model.automl)" -le 8192 ] || failed "the model is too large"
refused 78 fastest -- train "$data/diabetes.csv" --target progression --trials 3 --learners ridge --max-predict-time 0.000001us
refused 64 'did you mean' -- train "$data/diabetes.csv" --target progression --prefer fsat

# The threshold between two classes.
awk 'BEGIN { print "x,z,y"; for (i = 0; i < 400; i++) { x = (i * 37) % 101; print x "," (i * 53) % 89 "," (x + (i * 71) % 60 > 140 ? "yes" : "no") } }' >rare.csv
run 0 train rare.csv --target y --metric f1 --trials 3 --learners logistic
has out 'is predicted from a probability of'
run 0 train rare.csv --target y --metric f1 --trials 3 --learners logistic --threshold 0.5 --no-calibration
lacks out 'is predicted from a probability of'
run 0 inspect model.automl
has out 'yes from a probability of 0.5'
refused 64 threshold -- train rare.csv --target y --threshold 1.2
refused 64 'two classes' -- train "$data/iris.csv" --target species --threshold 0.4 --trials 1
run 0 evaluate model.automl rare.csv
has out expected_calibration_error

# The search ends early.
run 0 train "$data/iris.csv" --target species --trials 40 --learners logistic --patience 4 --threads 2
has out 'no better pipeline in 4 trials'
cp model.automl first.automl
run 0 train "$data/iris.csv" --target species --trials 40 --learners logistic --patience 4 --threads 1
same first.automl model.automl
run 0 train "$data/iris.csv" --target species --trials 40 --learners logistic,naive_bayes --exit-score 0.9
has out 'was reached after'
refused 64 exit-score -- train "$data/iris.csv" --target species --exit-score high

# Where nothing can be learnt, the model is the baseline, and that is said.
awk 'BEGIN { OFS = ","; print "a,b,y"; for (i = 0; i < 120; i++) print int(i / 2), int(i / 2) % 7, i % 2 }' >noise.csv
run 0 train noise.csv --target y --trials 2 --learners knn
has out 'better than a constant' 'the model is the baseline'

# The time limit holds, from start to saved model.
begin=$(date +%s)
run 0 train "$data/iris.csv" --target species --time-limit 2s --learners logistic,naive_bayes
end=$(date +%s)
[ $((end - begin)) -le 6 ] || failed "2 s became $((end - begin)) s"
