# run.sh: experiments run, and are what `train` would do with the same options.
. "$ROOT/tests/cli/common"

cat >iris.json <<END
{
  "data": {"train": "$data/iris.csv", "target": "species", "test": "$data/iris.csv"},
  "limits": {"max_trials": 3, "threads": 2}, // few
  "learners": ["logistic", "naive_bayes"],
  "outputs": {"leaderboard": ["board.csv", "board.json"], "predictions": "rows.csv", "evaluation": "metrics.json"}
}
END
run 0 run iris.json --json --no-timings --quiet
[ ! -s err ] || failed "--quiet printed to standard error"
is_json leaderboard
cp out run.json
run 0 train "$data/iris.csv" --target species --trials 3 --learners logistic,naive_bayes --test "$data/iris.csv" --json --no-timings --quiet
same run.json out
same iris.automl model.automl
[ "$(wc -l <rows.csv)" = 151 ] || failed "151 lines of predictions"
head -1 board.csv >out
has out rank learner pipeline
"$JSON_CHECK" leaderboard <board.json
"$JSON_CHECK" accuracy <metrics.json || "$JSON_CHECK" metrics <metrics.json

# Paths are those of the experiment's folder, whoever runs it from where.
mkdir sub
sed 's/"leaderboard".*//; s/"outputs": {/"outputs": {"model": "m.automl"/' iris.json | sed '$d' >sub/a.json
printf '}}\n' >>sub/a.json
run 0 run sub/a.json --quiet
same iris.automl sub/m.automl
has out 'a: multiclass' sub/m.automl 'accuracy'

# The store of runs: beside the model, where the file says, or none.
[ -s automl.db ] || failed "no store beside the model"
rm -f automl.db
run 0 run iris.json --quiet --set outputs.store=false
run 0 run iris.json --quiet --set outputs.store=mine.db
[ ! -e automl.db ] && [ -s mine.db ] || failed "the store is elsewhere"
run 0 runs list --store mine.db
has out iris
refused 64 --store -- run iris.json --set outputs.store=false --new

# A run says what it would do.
run 0 run iris.json --dry-run
has out iris multiclass 150
run 0 run iris.json --dry-run --json --set limits.max_trials=9
is_json limits max_trials
has out '"max_trials": 9'

# Changes from outside: settings, and variables of the environment.
sed 's/"max_trials": 3/"max_trials": "${N:-3}"/' iris.json >env.json
run 0 run env.json --json --no-timings --quiet
same run.json out
run 0 run env.json --json --no-timings --quiet --set limits.max_trials=2 --set 'learners=["ridge","naive_bayes"]' --set data.test=null --set outputs=null
lacks out logistic
N=4
export N
run 0 run env.json --quiet
has out species

# Spaces of learners, and a limit of time for trials.
cat >space.json <<END
{
  "data": {"train": "$data/diabetes.csv", "target": "progression"},
  "limits": {"max_trials": 5, "trial_timeout": "1m"},
  "validation": {"folds": 3},
  "learners": {"gbdt": {"num_leaves": 5, "learning_rate": {"min": 0.2, "max": 0.25}}},
  "model": {"prefer": "single"}
}
END
run 0 run space.json --json --quiet
has out num_leaves=5 learning_rate=0.2
lacks out learning_rate=0.1
lacks out num_leaves=31

# The committed example, twice the same; its variables say where things go and what seed there is.
OUTPUT=$work
export OUTPUT
run 0 run "$data/breast_cancer.json" --quiet --set limits.max_trials=2
has out 'breast_cancer: binary'
[ -s breast_cancer_board.csv ] || failed "no leaderboard"
cp breast_cancer.automl first.automl
run 0 run "$data/breast_cancer.json" --quiet --set limits.max_trials=2 --set limits.threads=1
same first.automl breast_cancer.automl
SEED=1
export SEED
run 0 run "$data/breast_cancer.json" --quiet --set limits.max_trials=2
! cmp -s first.automl breast_cancer.automl || failed "the seed has no effect"

# What init writes runs as it stands, wherever it is put.
run 0 init "$data/iris.csv" --target species
has experiment.json '"train"' '"target": "species"' '"task": "multiclass"' '"metric": "log_loss"' Alerted
refused 73 'there already' -- init "$data/iris.csv" --target species
run 0 run experiment.json --quiet --set limits.timeout=null --set limits.max_trials=2
[ -s iris.automl ] && [ -s iris_leaderboard.csv ] || failed "no outputs"
cp "$data/diabetes.csv" d.csv
tr , ';' <d.csv >semi.csv
run 0 init semi.csv --target progression --separator ';' --drop age --metric mae --trials 2 --output sub/d.json
has sub/d.json '../semi.csv' '"drop": ["age"]' '"separator": ";"' '"metric": "mae"' '"max_trials": 2'
run 0 run sub/d.json --quiet
[ -s sub/semi.automl ] || failed "no model"
# Without the slashes of its comments the document is whole, and every key in it known.
awk 'BEGIN { srand(1); print "id,zip,x,y"; for (i = 1; i <= 400; i++) printf "%d,%d,%.2f,%s\n", i, 10000 + i % 12, rand(), rand() < 0.5 ? "no" : "yes" }' >odd.csv
cp odd.csv test.csv
run 0 init odd.csv --target y --output odd.json
has odd.json '"zip": "category"' '"id": "drop"'
sed -e 's|^\( *\)// \("[a-z_]*":\)|\1\2|' -e '/"gbdt", "knn"/d' -e '/"drop": \["a"/d' odd.json >all.json
run 0 run all.json --dry-run --json --set limits.timeout=null
is_json featurization kinds
has out '"test.csv"' '"predictions.csv"' '"trial_timeout": "1m"' '"learning_rate"' '"category"'
run 0 init "$data/iris.csv" --target species --output -
has out '"train"'
cp odd.csv 'a $${x} b.csv'
run 0 init 'a $${x} b.csv' --target y --output 'a b.json'
command=$(sed -n 's/.*then: //p' out)
sh -c "$command --dry-run" 2>err >out || failed "the command to run next"
has out binary 'a $${x} b.automl'
refused 64 --target -- init "$data/iris.csv"
refused 65 'did you mean' -- init "$data/iris.csv" --target speces --output no.json
[ ! -e no.json ] || failed "a failing init left a file"
refused 64 EXPERIMENT -- run
run 0 run --print-schema
is_json properties data
