# export.sh: a small reader of exported JSON in Python predicts what the engine predicts.
#
# EXPORT_MODELS  the program that writes models      ROOT  the checkout      BUILD  the build tree
#
# Python comes from AUTOML_PYTHON if that is set (it has to have numpy), else from a virtual environment that is made here, once, in
# the build tree, with numpy from PyPI. Without either the test is skipped: exit code 77.
set -eu

skipped() {
    echo "SKIPPED: $1"
    exit 77
}

place="$BUILD/interop_export"
python=${AUTOML_PYTHON:-$place/bin/python}
if [ -z "${AUTOML_PYTHON:-}" ] && [ ! -e "$place/ready" ]; then
    command -v python3 >/dev/null || skipped "there is no python3"
    rm -rf "$place"
    python3 -m venv "$place" >"$place.log" 2>&1 || skipped "python3 cannot make a virtual environment: $place.log"
    timeout 400 "$python" -m pip install --quiet --disable-pip-version-check --timeout 15 --retries 1 --only-binary :all: \
        numpy >>"$place.log" 2>&1 || skipped "PyPI cannot be reached, or has no numpy for this Python: $place.log"
    touch "$place/ready"
fi
"$python" -c 'import numpy' >/dev/null 2>&1 || skipped "$python has no numpy"
rm -rf "$BUILD/interop_export_models"
mkdir -p "$BUILD/interop_export_models"
"$EXPORT_MODELS" "$BUILD/interop_export_models"
"$python" "$ROOT/tests/interop/check_export.py" "$BUILD/interop_export_models"
