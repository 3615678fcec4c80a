# schema.sh: the JSON Schema of experiments is one, and takes and refuses what the program does.
#
# AUTOML  the program      ROOT  the checkout      BUILD  the build tree
#
# Python comes from AUTOML_PYTHON if that is set, else it is python3; it has to have jsonschema, or the test is skipped:
# exit code 77.
set -eu
python=${AUTOML_PYTHON:-python3}
if ! "$python" -c 'from jsonschema import Draft202012Validator' >/dev/null 2>&1; then
    echo "SKIPPED: $python has no jsonschema of version 4 or later"
    exit 77
fi
"$AUTOML" run --print-schema >"$BUILD/schema_test.json"
"$AUTOML" init "$ROOT/datasets/diabetes.csv" --target progression --output - --quiet >"$BUILD/draft_test.json"
"$python" "$ROOT/tests/interop/check_schema.py" "$BUILD/schema_test.json" "$ROOT/tests/corpus/experiments" \
    "$BUILD/draft_test.json" "$ROOT"/tests/experiments/*.json "$ROOT"/tests/experiments/bases/team.json "$ROOT"/datasets/*.json
