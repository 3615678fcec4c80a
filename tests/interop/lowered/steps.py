"""The operations of featurization: from cells to a design matrix. Each has its values in, its values out."""

import math

import numpy as np

from .dates import date_part, date_parts
from .numbers import NAN, WRAP, F, f32, is_missing, place_in, row_of, to_float
from .words import DIGIT, PUNCTUATION, UPPER, Scan, items_of


def do_missing_pattern(op, *cells):
    h, n = 1, 0
    for place, x in zip(op["place"], cells):
        if is_missing(x):
            h = (h + place + 1) * 0x9FB21C651E98DF25 & WRAP
            h ^= h >> 29
            n += 1
    return [F(n), place_in(op["hash"], float(h >> 12))]


def do_one_hot(op, code):
    place = op["place"][code] if code >= 0 else -1
    return [F(i == place) for i in range(len(op["out"]))]


def do_arithmetic(op, a, b):
    a, b = float(a), float(b)
    if op["sign"] == "/":
        return [F(NAN) if b == 0 else to_float(a / b)]
    return [to_float(a * b if op["sign"] == "*" else a + b if op["sign"] == "+" else a - b)]


def do_within(op, x, code):
    n, at = op["n"], row_of(code, op["widths"][1]) * op["n"]
    t = f32(op["table"][at : at + n])
    if op["relation"] == "rank":
        if np.isnan(x):
            return [F(NAN)]
        below = F(0)
        for knot in t:
            below += F(1) if knot < x else F(0.5) if knot == x else F(0)
        return [below / F(n)]
    if op["relation"] == "ratio":
        return [F(NAN) if t[0] == 0 else to_float(float(x) / float(t[0]))]
    return [to_float(float(x) - float(t[0]))]


def clip(v, most):
    return F(most if v > most else -most if v < -most else v)


def power(x, p):
    if math.isnan(x):
        return x
    u = math.copysign(math.log1p(abs(x)), x)
    p = p if u >= 0 else 2 - p
    y = abs(u) if abs(p) < 1e-8 else math.expm1(p * abs(u)) / p
    return y if u >= 0 else -y


def do_scale_grid(op, x):
    grid, score = f32(op["grid"]), f32(op["score"])
    if np.isnan(x):
        return [x]
    if x <= grid[0]:
        v = float(score[0])
    elif x >= grid[-1]:
        v = float(score[-1])
    else:
        i = int(np.searchsorted(grid, x, side="right")) - 1
        share = (float(x) - float(grid[i])) / (float(grid[i + 1]) - float(grid[i]))
        v = float(score[i]) + share * (float(score[i + 1]) - float(score[i]))
    return [clip(v, op["clip"])]


def do_text_form(op, text):
    s = Scan(text, 0)
    chars = s.chars or 1
    counts = (s.count[DIGIT], s.count[UPPER], s.count[PUNCTUATION])
    return [F(math.log1p(s.chars)), F(math.log1p(s.words))] + [F(c / chars) for c in counts]


def do_terms(op, text):
    counts = {}
    for h in Scan(text, op["set"]).hashes:
        k = place_in(op["bucket"], h >> (32 - op["bits"]))
        if k >= 0:
            counts[k] = counts.get(k, 0) + 1
    entries, squares = [], 0.0
    for k in sorted(counts):
        weight = (1 + math.log(counts[k]) if op["sublinear"] else counts[k]) * float(F(op["idf"][k]))
        squares += weight * weight
        entries.append((k, F(weight)))
    scale = 1 / math.sqrt(squares) if squares > 0 else 0
    return [[(k, F(float(v) * scale)) for k, v in entries]]


def standard(op, x, j):
    d = (float(x) - op["center"][j]) * op["factor"][j]
    return 0.0 if math.isnan(d) else d


def do_project(op, *x):
    k, out = len(op["out"]), []
    for c in range(k):
        total = 0.0
        for j in range(len(x)):
            total += standard(op, x[j], j) * op["matrix"][j * k + c]
        out.append(to_float(total))
    return out


def do_distances(op, *x):
    m, out = len(x), []
    for c in range(len(op["out"])):
        total = 0.0
        for j in range(m):
            d = standard(op, x[j], j) - op["point"][c * m + j]
            total += d * d
        out.append(to_float(math.sqrt(total)))
    return out


def beside(sparse, widths):
    entries, first = [], 0
    for one, width in zip(sparse, widths):
        entries += [(first + column, value) for column, value in one]
        first += width
    return entries


def do_project_sparse(op, *sparse):
    k, out = len(op["out"]), []
    entries = beside(sparse, op["widths"])
    for c in range(k):
        total = 0.0
        for column, value in entries:
            total += float(value) * float(F(op["matrix"][column * k + c]))
        out.append(to_float(total))
    return out


def do_design(op, *x):
    dense = [v for v in x if not isinstance(v, list)]
    numbers = [(F(NAN) if v < 0 else F(v)) if isinstance(v, int) else v for v in dense]
    return [(numbers, beside(x[len(dense) :], op["widths"][len(dense) :]))]


DO = {
    "missing": lambda op, x: [F(is_missing(x))],
    "missing_pattern": do_missing_pattern,
    "recode": lambda op, c: [op["table"][row_of(c, op["widths"][0])]],
    "lookup": lambda op, c: list(
        f32(op["table"][row_of(c, op["widths"][0]) * len(op["out"]) :][: len(op["out"])])
    ),
    "one_hot": do_one_hot,
    "few_values": lambda op, x: [-1 if np.isnan(x) else place_in(f32(op["value"]), x)],
    "arithmetic": do_arithmetic,
    "cross": lambda op, a, b: [
        op["_pairs"].get((row_of(a, op["widths"][0]), row_of(b, op["widths"][1])), -2)
    ],
    "within": do_within,
    "impute": lambda op, x: [F(op["value"]) if np.isnan(x) else x],
    "scale": lambda op, x: [clip((float(x) - op["center"]) * op["factor"], op["clip"])],
    "scale_power": lambda op, x: [
        clip((power(float(x), op["lambda"]) - op["center"]) * op["factor"], op["clip"])
    ],
    "scale_grid": do_scale_grid,
    "date": lambda op, t: [date_part(date_parts(t), name) for name in op["part"]],
    "items": lambda op, text: [F(len(list(items_of(text, op["separator"]))))]
    + [F(item.encode() in set(items_of(text, op["separator"]))) for item in op["item"]],
    "text_form": do_text_form,
    "terms": do_terms,
    "indicator": lambda op, c: [[(op["place"][c], F(1))] if c >= 0 and op["place"][c] >= 0 else []],
    "project": do_project,
    "project_sparse": do_project_sparse,
    "distances": do_distances,
    "design": do_design,
}
