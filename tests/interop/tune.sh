# tune.sh: the sweep of bench/tune, a script that trains scikit-learn's models: the best trial is better than its defaults.
#
# AUTOML  the program      ROOT  the checkout      BUILD  the build tree
#
# Python comes from AUTOML_PYTHON if that is set (it has to have scikit-learn), else from a virtual environment that is made
# here, once, in the build tree, with packages from PyPI. Without either the test is skipped: exit code 77.
set -eu

skipped() {
    echo "SKIPPED: $1"
    exit 77
}

folder=$BUILD/interop_tune
python=${AUTOML_PYTHON:-$folder/bin/python}
if [ -z "${AUTOML_PYTHON:-}" ] && [ ! -e "$folder/ready" ]; then
    command -v python3 >/dev/null || skipped "there is no python3"
    rm -rf "$folder"
    python3 -m venv "$folder" >"$folder.log" 2>&1 || skipped "python3 cannot make a virtual environment: $folder.log"
    timeout 400 "$python" -m pip install --quiet --disable-pip-version-check --timeout 15 --retries 1 --only-binary :all: \
        numpy scikit-learn >>"$folder.log" 2>&1 || skipped "PyPI cannot be reached, or has no scikit-learn for this Python: $folder.log"
    touch "$folder/ready"
fi
"$python" -c 'import sklearn' >/dev/null 2>&1 || skipped "$python has no scikit-learn"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
printf '#!/bin/sh\nexec "%s" "$@"\n' "$python" >"$work/python3"
chmod +x "$work/python3"
defaults=$("$python" "$ROOT/bench/tune/train_svm.py" --data "$ROOT/datasets/breast_cancer.csv" --target diagnosis | tail -n 1)
cd "$work"
PATH=$work:$PATH "$AUTOML" tune "$ROOT/bench/tune/svm.json" --trials "${TRIALS:-10}" --trial-timeout 60s --seed 1
best=$(sed -n 's/.*"accuracy": \([0-9.]*\).*/\1/p' svm.sweep/best.json)
echo "defaults: ${defaults#*accuracy=}, best: $best"
awk "BEGIN { exit !($best > ${defaults#*accuracy=} + 0.02) }"
