# onnx.sh: exported models are valid ONNX, and ONNX Runtime predicts what the engine does; in AUTOML_ONNX_PYTHON if that is set.
. "$ROOT/tests/interop/common"
python_with "${AUTOML_ONNX_PYTHON:-}" "numpy, onnx, onnxruntime" numpy onnx onnxruntime
check=$ROOT/tests/interop/check_onnx.py

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
"$AUTOML" export notes.automl --format onnx --output notes.onnx 2>err || status=$?
[ "$status" -eq 64 ] && [ ! -e notes.onnx ] && grep -q 'column `note`' err && grep -q 'text_hash' err || failed "exit code $status"
