# onnx.sh: exported models are valid ONNX, and ONNX Runtime predicts what the engine does.
#
# AUTOML  the program      ONNX_MODELS  the program that writes models of every step and learner      ROOT  the checkout
# BUILD   the build tree
#
# Python comes from AUTOML_ONNX_PYTHON if that is set (it has to have onnx and onnxruntime), else from a virtual environment that is made
# here, once, in the build tree, with packages from PyPI. Without either the test is skipped: exit code 77.
set -eu

skipped() {
    echo "SKIPPED: $1"
    exit 77
}

here=$BUILD/interop_onnx
python=${AUTOML_ONNX_PYTHON:-$here/bin/python}
if [ -z "${AUTOML_ONNX_PYTHON:-}" ] && [ ! -e "$here/ready" ]; then
    command -v python3 >/dev/null || skipped "there is no python3"
    rm -rf "$here"
    python3 -m venv "$here" >"$BUILD/interop_onnx.log" 2>&1 ||
        skipped "python3 cannot make a virtual environment: $BUILD/interop_onnx.log"
    timeout 400 "$python" -m pip install --quiet --disable-pip-version-check --timeout 15 --retries 1 --only-binary :all: \
        numpy onnx onnxruntime >>"$BUILD/interop_onnx.log" 2>&1 ||
        skipped "PyPI cannot be reached, or has no onnxruntime for this Python: $BUILD/interop_onnx.log"
    touch "$here/ready"
fi
"$python" -c 'import numpy, onnx, onnxruntime' >/dev/null 2>&1 || skipped "$python has no onnx and onnxruntime"
check=$ROOT/tests/interop/check_onnx.py
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

# every step, every learner, every calibration
"$ONNX_MODELS" . >models.log || { cat models.log && exit 1; }
"$python" "$check" .

# what train leaves, by the program
while read -r table target; do
    "$AUTOML" train "$ROOT/datasets/$table.csv" --target "$target" --trials 3 --quiet --threads 1 --output "$table.automl" >train.log
    "$AUTOML" export "$table.automl" --format onnx --output "$table.onnx"
    "$AUTOML" predict "$table.automl" "$ROOT/datasets/$table.csv" --threads 1 >"$table.csv"
    "$python" "$check" "$table.onnx" "$ROOT/datasets/$table.csv" "$table.csv"
done <<EOF
iris species
breast_cancer diagnosis
diabetes progression
EOF

# a step on text: refused by name, with what to do, and no file
{
    echo note,y
    for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30; do
        echo "a good day number $i at the sea,1"
        echo "one bad night number $i in town,0"
    done
} >notes.csv
echo '{"kinds": {"note": "text"}}' >text.json
"$AUTOML" train notes.csv --target y --featurization text.json --learners logistic --trials 1 --quiet --output notes.automl >train.log
status=0
"$AUTOML" export notes.automl --format onnx --output notes.onnx 2>refused || status=$?
[ "$status" -eq 64 ] && [ ! -e notes.onnx ] && grep -q 'column `note`' refused && grep -q 'text_hash' refused || {
    echo "FAILED: exit $status"
    cat refused
    exit 1
}
