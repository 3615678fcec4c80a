# export.sh: a small reader of exported JSON in Python, AUTOML_PYTHON if that is set, predicts what the engine predicts.
. "$ROOT/tests/interop/common"
python_with "${AUTOML_PYTHON:-}" numpy numpy
"$EXPORT_MODELS" .
"$python" "$ROOT/tests/interop/check_export.py" .
