# shap.sh: contributions of features to trees are those of the Python package shap.
#
# TREE_MODELS  the program that writes models      ROOT  the checkout      BUILD  the build tree
#
# Python comes from AUTOML_PYTHON if that is set (it has to have shap), else from a virtual environment that is made here, once, in
# the build tree, with packages from PyPI. Without either the test is skipped: exit code 77.
set -eu

skipped() {
    echo "SKIPPED: $1"
    exit 77
}

python=${AUTOML_PYTHON:-$BUILD/interop/bin/python}
if [ -z "${AUTOML_PYTHON:-}" ] && [ ! -e "$BUILD/interop/ready" ]; then
    command -v python3 >/dev/null || skipped "there is no python3"
    rm -rf "$BUILD/interop"
    python3 -m venv "$BUILD/interop" >"$BUILD/interop.log" 2>&1 || skipped "python3 cannot make a virtual environment: $BUILD/interop.log"
    timeout 400 "$python" -m pip install --quiet --disable-pip-version-check --timeout 15 --retries 1 --only-binary :all: \
        numpy shap >>"$BUILD/interop.log" 2>&1 || skipped "PyPI cannot be reached, or has no shap for this Python: $BUILD/interop.log"
    touch "$BUILD/interop/ready"
fi
"$python" -c 'import numpy, shap' >/dev/null 2>&1 || skipped "$python has no shap"
"$TREE_MODELS" "$BUILD/tree_models.json"
"$python" "$ROOT/tests/interop/check_shap.py" "$BUILD/tree_models.json"
