"""Compares what the package `lowered` predicts with the engine's, bit by bit. (Networks sum by fused multiply-adds, which Python has
not: 1e-6.)

usage: check_export.py FOLDER        written by export_models
"""

import pathlib
import struct
import sys

import numpy as np

from lowered.model import DO, Model


def read_rows(path, names):
    data = path.read_bytes()
    n, p = struct.unpack_from("<II", data)
    at, rows = 8, []
    for _ in range(n):
        row = {}
        for j in range(p):
            kind = data[at : at + 1]
            at += 1
            if kind == b"n":
                (row[names[j]],) = struct.unpack_from("<d", data, at)
                at += 8
            elif kind == b"t":
                (size,) = struct.unpack_from("<I", data, at)
                row[names[j]] = data[at + 4 : at + 4 + size]
                at += 4 + size
            else:
                row[names[j]] = b""
        rows.append(row)
    return rows


def check(path, rows, most):
    model = Model(path)
    expected = np.frombuffer(path.with_suffix(".out").read_bytes()).reshape(len(rows), -1)
    step = max(1, len(rows) // most)
    for i in range(0, len(rows), step):
        got = np.array(model.predict(rows[i]))
        same = np.array_equal(got, expected[i])
        if not same and (model.exact or not np.allclose(got, expected[i], rtol=1e-6, atol=1e-6)):
            sys.exit(f"{path.name}: row {i} is {got}, the engine says {expected[i]}")
    return {op["op"] for op in model.ops}


def main():
    np.seterr(all="ignore")
    folder = pathlib.Path(sys.argv[1])
    paths = sorted(folder.glob("*.json"))
    rows = read_rows(folder / "rows.bin", Model(paths[0]).inputs)
    seen = set()
    for path in paths:
        seen |= check(path, rows, 25)
    never = set(DO) - seen
    if never:
        sys.exit(f"no model has {sorted(never)}")
    print(f"{len(paths)} models, {len(seen)} operations: as the engine")


main()
