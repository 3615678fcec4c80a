"""Runs exported models in ONNX Runtime and compares them with what the engine predicts.

usage: check_onnx.py FOLDER            written by onnx_models
       check_onnx.py FILE.onnx ROWS.csv PREDICTIONS.csv      by automl export, and by automl predict for the rows"""

import csv
import json
import os
import sys

import numpy as np
import onnx
import onnxruntime

TOLERANCE = 1e-6


class Exported:
    def __init__(self, path):
        model = onnx.load(path)
        onnx.checker.check_model(model, full_check=True)
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self.about = {p.key: p.value for p in model.metadata_props}
        self.ops = {n.op_type for n in model.graph.node}

    def feed(self, columns):
        """columns: name -> cells, of which those that are asked for become tensors of [rows, 1]."""
        out = {}
        for i in self.session.get_inputs():
            kind = object if i.type == "tensor(string)" else np.float64
            out[i.name] = np.array(columns[i.name], dtype=kind).reshape(-1, 1)
        return out

    def predict(self, feed):
        """Labels as text (none of a regression) and numbers: [rows, 1] or [rows, classes]."""
        outputs = self.session.run(None, feed)
        if len(outputs) == 1:
            return [], outputs[0]
        return [str(x) for x in outputs[0]], outputs[1]


def difference(ours, theirs):
    """The largest, relative to what the engine says, or to 1e-300: exponentials that small are 0 in ONNX Runtime."""
    with np.errstate(all="ignore"):
        d = np.abs(ours - theirs) / np.maximum(np.abs(ours), 1e-300)
    d[ours == theirs] = 0
    return float(d.max()) if d.size else 0.0


def told(numbers):
    """Of two classes the engine predicts the second; the other is what is left to 1, and has no digits of its own."""
    return numbers[:, 1:] if numbers.shape[1] == 2 else numbers


def compare(model, feed, expected, labels, what):
    """All rows at once, a few of them one by one, and none at all."""
    found_labels, found = model.predict(feed)
    n = len(found)
    expected = told(np.array(expected).reshape(n, -1))
    flips = sum(a != b for a, b in zip(labels, found_labels))
    worst = difference(expected, told(found))
    for row in range(0, n, max(1, n // 5)):
        alone_labels, alone = model.predict({k: v[row : row + 1] for k, v in feed.items()})
        worst = max(worst, difference(expected[row : row + 1], told(alone)))
        flips += alone_labels != found_labels[row : row + 1]
    none = model.predict({k: v[:0] for k, v in feed.items()})[1]
    bad = worst > TOLERANCE or flips or none.shape != (0, found.shape[1]) or len(labels) != len(found_labels)
    bad = bad or (found.shape[1] == 2 and (found[:, 0] != 1 - found[:, 1]).any())
    if bad:
        print(f"FAILED {what}: largest relative difference {worst:.3g}, {flips} labels differ, no rows: {none.shape}")
    return worst, not bad


def check_folder(folder):
    with open(os.path.join(folder, "models.json"), encoding="utf-8") as f:
        world = json.load(f)
    frames = {name: {c["name"]: c["cells"] for c in frame} for name, frame in world["frames"].items()}
    equal, good, worst, ops = 0, True, 0.0, set()
    for case in world["cases"]:
        model = Exported(os.path.join(folder, case["file"]))
        ops |= model.ops
        for rows, frame in (("seen", case["train"]), ("new", "new")):
            d, ok = compare(
                model, model.feed(frames[frame]), case[rows], case[rows + "_labels"], f"{case['what']} ({rows} rows)"
            )
            good, worst, equal = good and ok, max(worst, d), equal + (d == 0)
    total = 2 * len(world["cases"])
    print(f"{len(world['cases'])} models on rows seen and new: {equal} of {total} bit-equal, largest relative difference {worst:.3g}")
    for op in ("TreeEnsemble", "LabelEncoder", "TopK", "Scan", "BitwiseXor", "OneHot"):
        good = good and (op in ops or print(f"FAILED: no model has a {op}"))
    return good


def check_program(path, rows, predictions):
    """Cells of the rows are plain numbers and words."""
    model = Exported(path)
    with open(rows, newline="", encoding="utf-8") as f:
        header, *cells = list(csv.reader(f))
    columns = {name: [r[j] or ("nan" if r else "") for r in cells] for j, name in enumerate(header)}
    for i in model.session.get_inputs():
        if i.type == "tensor(string)":
            columns[i.name] = ["" if c == "nan" else c for c in columns[i.name]]
    with open(predictions, newline="", encoding="utf-8") as f:
        said, *expected = list(csv.reader(f))
    labels = [r[0] for r in expected] if len(said) > 1 else []
    numbers = [[float(x) for x in (r[1:] if labels else r)] for r in expected]
    worst, ok = compare(model, model.feed(columns), numbers, labels, path)
    for key in ("task", "target", "metric", "score", "pipelines", "automl_version"):
        ok = ok and (model.about.get(key) or print(f"FAILED {path}: nothing is said of its {key}"))
    print(f"{os.path.basename(path)}: {len(expected)} rows, largest relative difference {worst:.3g}")
    return ok


if __name__ == "__main__":
    passed = check_folder(sys.argv[1]) if len(sys.argv) == 2 else check_program(*sys.argv[1:4])
    sys.exit(0 if passed else 1)
