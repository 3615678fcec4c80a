"""Writes the real datasets of this folder from the copies that ship inside scikit-learn.

    python -m pip install "scikit-learn==1.9.1"
    python export_sklearn.py [FOLDER]     writes the CSVs (default: this script's folder)
    python export_sklearn.py --check      exits 1 when the files that are there differ

Needs scikit-learn and nothing from the network: the data are part of the package. The output does
not depend on platform or locale: UTF-8, "\\n" line ends, no quoting (no field needs it), every
number in the shortest decimal form that reads back to the same double, no ".0" on whole numbers.
"""

import sys
from pathlib import Path

from sklearn import datasets


def number(value):
    """The shortest text that reads back to the same double."""
    text = repr(float(value))
    return text[:-2] if text.endswith(".0") else text


def clean(name):
    """'sepal length (cm)' -> 'sepal_length_cm', 'od280/od315_of_…' -> 'od280_od315_of_…'."""
    letters = [c if c.isalnum() else " " for c in name.lower()]
    return "_".join("".join(letters).split())


def table(features, names, targets):
    """Header and rows: the feature columns as numbers, then the target columns as they are."""
    lines = [",".join(list(names) + list(targets))]
    for i, row in enumerate(features):
        fields = [number(v) for v in row] + [column[i] for column in targets.values()]
        lines.append(",".join(fields))
    return "\n".join(lines) + "\n"


def classes(bunch):
    return [str(bunch.target_names[k]) for k in bunch.target]


def iris():
    b = datasets.load_iris()
    return table(b.data, map(clean, b.feature_names), {"species": classes(b)})


def wine():
    b = datasets.load_wine()
    return table(b.data, map(clean, b.feature_names), {"class": classes(b)})


def breast_cancer():
    b = datasets.load_breast_cancer()
    return table(b.data, map(clean, b.feature_names), {"diagnosis": classes(b)})


def diabetes():
    b = datasets.load_diabetes(scaled=False)
    target = {"progression": [number(v) for v in b.target]}
    return table(b.data, map(clean, b.feature_names), target)


def digits():
    b = datasets.load_digits()
    return table(b.data, [f"p{i:02d}" for i in range(64)], {"digit": [str(v) for v in b.target]})


def linnerud():
    b = datasets.load_linnerud()
    columns = {clean(n): [number(v) for v in b.target[:, j]] for j, n in enumerate(b.target_names)}
    return table(b.data, map(clean, b.feature_names), columns)


EXPORTS = (iris, wine, breast_cancer, diabetes, digits, linnerud)


def main(arguments):
    here = Path(__file__).resolve().parent
    if arguments == ["--check"]:
        changed = [f.__name__ for f in EXPORTS
                   if (here / f"{f.__name__}.csv").read_bytes() != f().encode()]
        for name in changed:
            print(f"{name}.csv differs from what scikit-learn gives", file=sys.stderr)
        return 1 if changed else 0
    if len(arguments) > 1 or any(a.startswith("-") for a in arguments):
        print(__doc__, file=sys.stderr)
        return 64
    folder = Path(arguments[0]) if arguments else here
    for export in EXPORTS:
        (folder / f"{export.__name__}.csv").write_bytes(export().encode())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
