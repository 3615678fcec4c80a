"""Checks the JSON Schema of experiments with the package jsonschema.

usage: check_schema.py SCHEMA CORPUS GOOD...

The schema is valid by the draft's own; each GOOD experiment (comments allowed) is valid; and of the wrong ones in
CORPUS, those that cases.tsv calls so are refused, and the others, wrong for reasons that no schema can say, are not."""

import json
import re
import sys
from pathlib import Path

from jsonschema import Draft202012Validator

TOKEN = re.compile(r'"(?:\\.|[^"\\])*"|//[^\n]*|/\*.*?\*/', re.S)


def read(path):
    text = Path(path).read_text(encoding="utf-8-sig")
    return json.loads(TOKEN.sub(lambda m: m[0] if m[0][0] == '"' else " ", text))


def main(schema_path, corpus, *good):
    schema = read(schema_path)
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    failures = []
    for path in good:
        for error in validator.iter_errors(read(path)):
            failures.append(f"{path}: {error.json_path}: {error.message[:200]}")
    refused = 0
    for line in (Path(corpus) / "cases.tsv").read_text(encoding="utf-8").splitlines():
        name, _, _, words, by_schema = line.split("\t")
        if name.startswith("#"):
            continue
        try:
            document = read(Path(corpus) / f"{name}.json")
        except (UnicodeError, json.JSONDecodeError):
            document = None  # not JSON at all
        errors = document is not None and any(validator.iter_errors(document))
        if by_schema == "yes" and not errors:
            failures.append(f"{name}: the schema takes it ({words})")
        if by_schema == "no" and errors and name not in ("duplicate_key", "duplicate_nested"):
            failures.append(f"{name}: cases.tsv says that the schema takes it")
        refused += by_schema == "yes"
    for failure in failures:
        print(failure)
    print(f"{len(good)} experiments, {refused} wrong ones refused")
    return bool(failures) or len(good) < 3 or refused < 30


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
