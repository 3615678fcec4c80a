# schema.sh: the JSON Schema of experiments is one, and takes and refuses what the program does. Needs jsonschema, of version 4 or
# later, in AUTOML_PYTHON, else in python3.
. "$ROOT/tests/interop/common"
python_with "${AUTOML_PYTHON:-python3}" "jsonschema; jsonschema.Draft202012Validator"
"$AUTOML" run --print-schema >schema.json
"$AUTOML" init "$ROOT/datasets/diabetes.csv" --target progression --output - --quiet >draft.json
"$python" "$ROOT/tests/interop/check_schema.py" schema.json "$ROOT/tests/corpus/experiments" draft.json \
    "$ROOT"/tests/experiments/*.json "$ROOT"/tests/experiments/bases/team.json "$ROOT"/datasets/*.json
