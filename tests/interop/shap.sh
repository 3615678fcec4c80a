# shap.sh: contributions of features to trees are those of the Python package shap; Python is AUTOML_PYTHON if that is set.
. "$ROOT/tests/interop/common"
python_with "${AUTOML_PYTHON:-}" "numpy, shap" numpy shap
"$TREE_MODELS" tree_models.json
"$python" "$ROOT/tests/interop/check_shap.py" tree_models.json
