# tune.sh: the sweep of bench/tune, a script that trains scikit-learn's models: the best trial is better than its defaults. Python is
# AUTOML_PYTHON if that is set.
. "$ROOT/tests/interop/common"
python_with "${AUTOML_PYTHON:-}" sklearn numpy scikit-learn
printf '#!/bin/sh\nexec "%s" "$@"\n' "$python" >"$work/python3"
chmod +x "$work/python3"
defaults=$("$python" "$ROOT/bench/tune/train_svm.py" --data "$ROOT/datasets/breast_cancer.csv" --target diagnosis | tail -n 1)
PATH=$work:$PATH "$AUTOML" tune "$ROOT/bench/tune/svm.json" --trials "${TRIALS:-10}" --trial-timeout 60s --seed 1
best=$(sed -n 's/.*"accuracy": \([0-9.]*\).*/\1/p' svm.sweep/best.json)
echo "defaults: ${defaults#*accuracy=}, best: $best"
awk "BEGIN { exit !($best > ${defaults#*accuracy=} + 0.02) }"
