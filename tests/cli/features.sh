# features.sh: the featurization option, and what becomes of the columns.
. "$ROOT/tests/cli/common"

cat >plan.json <<'END'
{"blocked": ["arithmetic"], // a comment
 "kinds": {"petal_width_cm": "drop"}}
END
run 0 train "$data/iris.csv" --target species --trials 2 --learners logistic --featurization plan.json --output m.automl
run 0 inspect m.automl
has out 'sepal_length' 'scale'
run 0 inspect m.automl --json
has out '"features"' '"steps"'
run 0 transform m.automl "$data/iris.csv" --output f.csv --quiet
[ "$(wc -l <f.csv)" -eq 151 ] || failed "f.csv has not 151 lines"
refused 64 part -- transform m.automl "$data/iris.csv" --part 9
run 0 train "$data/iris.csv" --target species --trials 1 --learners logistic --featurization off --output m.automl
refused 66 featurization -- train "$data/iris.csv" --target species --featurization nowhere.json
echo '{"blockd": []}' >bad.json
refused 78 blocked -- train "$data/iris.csv" --target species --featurization bad.json
