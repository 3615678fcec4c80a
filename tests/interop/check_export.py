"""Predicts with models that were exported as JSON, by nothing but what automl/core/lower.h says of the operations, and
compares with the engine bit by bit. (Networks sum by fused multiply-adds, which Python has not: 1e-6.)

usage: check_export.py FOLDER        written by export_models
"""

import json
import math
import pathlib
import struct
import sys

import numpy as np

F = np.float32
NAN = float("nan")
WRAP = (1 << 64) - 1


def to_float(x):
    return F(min(max(x, -3e38), 3e38)) if x == x else F(NAN)


def limit(x):
    return F(0) if np.isnan(x) else min(max(F(x), F(-1e30)), F(1e30))


def exp(x):
    try:
        return math.exp(x)
    except OverflowError:
        return math.inf


def f32(values):
    return np.array([NAN if v is None else float(v) for v in values], dtype=np.float32)


def row_of(code, width):
    return code if code >= 0 else width + (code != -1)


def is_missing(x):
    return x == b"" if isinstance(x, bytes) else x == -1 if isinstance(x, int) else bool(np.isnan(x))


def place_in(values, x):
    i = int(np.searchsorted(values, x))
    return i if i < len(values) and values[i] == x else -2


# ---- dates and texts


def date_parts(time):
    if math.isnan(time):
        return dict.fromkeys(("days", "year", "month", "day", "weekday", "yearday", "hour", "minute"), NAN)
    time = min(max(time, -1e13), 1e13)
    days, clock = divmod(math.floor(time), 86400)
    z = days + 719468
    era, doe = divmod(z, 146097)
    yoe = (doe - doe // 1460 + doe // 36524 - doe // 146096) // 365
    doy = doe - (365 * yoe + yoe // 4 - yoe // 100)
    m = (5 * doy + 2) // 153
    year = yoe + era * 400 + (m >= 10)
    leap = (year % 4 == 0 and year % 100 != 0) or year % 400 == 0
    return {
        "days": time / 86400,
        "year": float(year),
        "month": float(m + 3 if m < 10 else m - 9),
        "day": float(doy - (153 * m + 2) // 5 + 1),
        "weekday": float((days + 3) % 7),
        "yearday": float(doy - 305 if m >= 10 else doy + 60 + leap),
        "hour": float(clock // 3600),
        "minute": float(clock // 60),
    }


PERIODS = {"month": (1, 12), "day": (1, 31), "weekday": (0, 7), "yearday": (1, 365.25), "minute": (0, 1440)}


def date_part(parts, name):
    what, _, wave = name.partition("_")
    if not wave:
        return F(parts[what])
    first, period = PERIODS[what]
    angle = 2 * math.pi * (parts[what] - first) / period
    return F(NAN) if math.isnan(angle) else F(math.sin(angle) if wave == "sin" else math.cos(angle))


def items_of(text, separator):
    for item in text.split(bytes([separator])):
        item = item.strip(b" []{}()'\"")
        if item:
            yield item


SPACE, PUNCTUATION, DIGIT, UPPER, LETTER, IDEOGRAPH = range(6)


def code_points(text):
    i = 0
    while i < len(text):
        first = text[i]
        more = 0 if first < 0xC2 else 1 if first < 0xE0 else 2 if first < 0xF0 else 3 if first < 0xF5 else 0
        c = first if first < 0x80 else 0xDC00 + first
        if first >= 0x80 and more and len(text) - i > more:
            tail = text[i + 1 : i + 1 + more]
            if all(b & 0xC0 == 0x80 for b in tail):
                c = first & (0x3F >> more)
                for b in tail:
                    c = c << 6 | (b & 0x3F)
                i += more
        i += 1
        yield c


def within(c, *ranges):
    return any(low <= c <= high for low, high in ranges)


def class_of(c):
    if c < 0x80:
        if c <= 32 or c == 0x7F:
            return SPACE
        if within(c, (48, 57)):
            return DIGIT
        if within(c, (65, 90)):
            return UPPER
        return LETTER if within(c, (97, 122)) or c == 95 else PUNCTUATION
    if within(c, (0xA0, 0xA0), (0x2000, 0x200B), (0x2028, 0x202F), (0x3000, 0x3000), (0xFEFF, 0xFEFF)):
        return SPACE
    if (within(c, (0xA1, 0xBF)) and c not in (0xAA, 0xB5, 0xBA)) or within(
        c, (0xD7, 0xD7), (0xF7, 0xF7), (0x2010, 0x206F), (0x3001, 0x303F), (0xFF01, 0xFF0F), (0xFF1A, 0xFF20)
    ):
        return PUNCTUATION
    if within(c, (0x3040, 0x30FF), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x2FA1F)):
        return IDEOGRAPH
    return UPPER if within(c, (0xC0, 0xDE), (0x391, 0x3A9), (0x400, 0x42F)) else LETTER


def stir(h, x):
    h = (h ^ x) * 0x9FB21C651E98DF25 & WRAP
    return h ^ h >> 32


class Scan:
    """The words of a text: their number, the classes of its characters, and the hashes of the terms of a set."""

    def __init__(self, text, what):
        self.what, self.hashes, self.count, self.words = what, [], [0] * 6, 0
        self.word = self.before = 0
        self.recent = [32]
        points = list(code_points(text))
        for i, c in enumerate(points):
            k = class_of(c)
            self.count[k] += 1
            after = class_of(points[i + 1]) if i + 1 < len(points) else SPACE
            joins = c in (0x27, 0x2019) and self.word and after >= UPPER and after != IDEOGRAPH
            if k == IDEOGRAPH or (k <= PUNCTUATION and not joins):
                self.end()
            if k == UPPER:
                c += 0x50 if within(c, (0x400, 0x40F)) else 0x20
            if k >= DIGIT:
                self.word = stir(self.word or 1, c)
            if k == IDEOGRAPH:
                self.end()
            if k == SPACE:
                self.blank()
            else:
                self.gram(c)
        self.end()
        self.blank()
        self.chars = len(points)

    def take(self, h):
        self.hashes.append((h * 0x9E3779B97F4A7C15 & WRAP) >> 32)

    def gram(self, c):
        if not self.what & 2:
            return
        self.recent = (self.recent + [c])[-5:]
        h = 2
        for k, x in enumerate(reversed(self.recent), 1):
            h = stir(h, x)
            if k >= 3:
                self.take(stir(h, k))

    def blank(self):
        if len(self.recent) > 1:
            self.gram(32)
        self.recent = [32]

    def end(self):
        if not self.word:
            return
        self.words += 1
        if self.what & 1:
            self.take(self.word)
            if self.before:
                self.take(stir(stir(3, self.before), self.word))
        self.before, self.word = self.word, 0


# ---- featurization


def do_input(op, row):
    x = row[op["column"]]
    if "levels" in op:
        if not x:
            return [-1]
        levels = op["levels"]
        text = x.decode("utf-8", "surrogateescape")
        return [levels.index(text) if text in levels else -2]
    return [x]


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


# ---- learners


def do_linear(op, x):
    numbers, entries = x
    k, coef = op["widths_out"][0], op["coef"]
    z = list(coef[-k:])
    for j, v in enumerate(numbers):
        for c in range(k):
            z[c] += float(limit(v)) * coef[j * k + c]
    for column, v in entries:
        for c in range(k):
            z[c] += float(limit(v)) * coef[(len(numbers) + column) * k + c]
    return [z]


def do_bayes(op, x):
    numbers, entries = x
    z = list(op["constant"])
    k = len(z)
    for j, v in enumerate(numbers):
        for c in range(k):
            d = float(limit(v)) - op["mean"][j * k + c]
            z[c] -= d * d * op["scale"][j * k + c]
    for column, v in entries:
        for c in range(k):
            z[c] += abs(float(limit(v))) * op["count"][column * k + c]
    return [z]


def tree_features(op, x):
    numbers, entries = x
    sparse, out = dict(entries), []
    for u, j in enumerate(op["feature"]):
        v = numbers[j] if j < len(numbers) else sparse.get(j - len(numbers), F(0))
        levels = op["n_levels"][u]
        if levels:
            v = op["level_code"][op["first_code"][u] + int(v)] if 0 <= v < levels else 0
        out.append(v)
    return out


def do_trees(op, x):
    z, k = list(op["base"]), len(op["base"])
    features = tree_features(op, x)
    for t, at in enumerate(op["first_node"]):
        while op["child"][at]:
            u = op["node_feature"][at]
            v = features[u]
            if op["n_levels"][u]:
                left = op["set"][8 * op["node_set"][at] + v // 32] >> v % 32 & 1 if v else op["missing_left"][at]
            else:
                left = op["missing_left"][at] if np.isnan(v) else v <= op["_value"][at]
            at = op["child"][at] + (not left)
        if op["count"] and op["count"][at]:
            first = op["first"][at]
            for s in range(first, first + op["count"][at]):
                z[op["class"][s]] += op["share"][s]
        else:
            z[t % k] += float(op["_value"][at])
    return [z]


def do_neighbours(op, x):
    n, k, classes = len(op["y"]), op["k"], op["classes"]
    rows = op["_row"].reshape(n, -1)
    q = np.array([min(max(limit(v), F(-1e15)), F(1e15)) for v in x[0]], dtype=np.float32)
    sums = [np.zeros(n, dtype=np.float32) for _ in range(4)]
    for j in range(rows.shape[1]):
        d = rows[:, j] - q[j]
        sums[j % 4] = sums[j % 4] + d * d
    distance = (sums[0] + sums[1]) + (sums[2] + sums[3])
    nearest = np.argsort(distance, kind="stable")[:k]
    d = [float(distance[i]) for i in nearest]
    if op["by_distance"]:
        vote = [1 / math.sqrt(v) for v in d] if d[0] > 0 else [0.0 if v > 0 else 1.0 for v in d]
    else:
        vote = [1.0] * k
    raw = 0.0
    for v in vote:
        raw += v
    total = 0.0
    for i in range(k):
        vote[i] *= op["w"][nearest[i]] * (k / raw)
        total += vote[i]
    if not classes:
        mean = 0.0
        for i in range(k):
            mean += vote[i] / total * op["y"][nearest[i]]
        return [[mean]]
    first = 1 if classes == 2 else 0
    z = list(op["prior"][first:])
    for i in range(k):
        label = int(op["y"][nearest[i]])
        if label >= first:
            z[label - first] += vote[i]
    z = [v / (total + 1) for v in z]
    return [[min(z[0], 1.0)] if classes == 2 else z]


def do_network(op, x):
    """In double: within the 1e-6 that the caller allows."""
    numbers = np.array([0.0 if np.isnan(v) else float(v) for v in x[0]])
    a = {name: np.array(op[name], dtype=float) for name in op if isinstance(op[name], list)}
    source = np.array(op["source"], dtype=int)
    o = (numbers[source[: op["ramps"]]] - a["origin"]) * a["slope"] if op["ramps"] else np.zeros(0)
    o = np.clip(o, a["low"], a["high"])
    plain = o[: op["plain"]]
    o[: op["plain"]] = plain / np.sqrt(1 + plain * plain / 16)
    turns = a["frequency"] * o[source[op["ramps"] :]] + a["phase"]
    o = np.concatenate([o, np.cos(2 * np.pi * turns)])
    width, members, outputs = op["width"], op["members"], op["outputs"]
    act = {
        "relu": lambda u: np.maximum(u, 0),
        "silu": lambda u: u / (1 + np.exp(-u)),
        "selu": lambda u: 1.05070098735548 * np.where(u > 0, u, 1.67326324235438 * np.expm1(np.minimum(u, 0))),
    }[op["activation"]]
    z = o @ a["weight"][: len(o) * width].reshape(-1, width)
    place = {column: t for t, column in enumerate(op["term"])}
    for column, v in x[1]:
        if column in place:
            u = float(np.clip(v, -1e6, 1e6)) * op["term_factor"]
            t = place[column] * width
            z = z + u / math.sqrt(1 + u * u / 16) * a["term_weight"][t : t + width]
    scale, bias = (a[name].reshape(op["layers"], members, width) for name in ("scale", "bias"))
    units = act(z * scale[0] + bias[0])
    at = len(o) * width
    for layer in range(1, op["layers"]):
        w = a["weight"][at : at + width * width].reshape(width, width)
        at += width * width
        more = act(units @ w * scale[layer] + bias[layer])
        units = more + units if op["residual"] else more
    out = np.einsum("mu,muo->mo", units, a["head"].reshape(members, width, outputs))
    out = out + a["head_bias"].reshape(members, outputs)
    if op["link"] == "logistic":
        out = 1 / (1 + np.exp(-out))
    if op["link"] == "softmax":
        out = np.exp(out - out.max(axis=1, keepdims=True))
        out /= out.sum(axis=1, keepdims=True)
    return [list(out.mean(axis=0))]


# ---- vectors


def sigmoid(z, stable):
    if not stable:
        return 1 / (1 + exp(-z))
    e = exp(-abs(z))
    return 1 / (1 + e) if z >= 0 else e / (1 + e)


def softmax(z):
    top = max(z)
    e = [exp(v - top) for v in z]
    total = 0.0
    for v in e:
        total += v
    return [v / total for v in e]


def do_vote(op, z):
    total = op["total"]
    if total == 0:
        total = 0.0
        for v in z:
            total += v
    return [[op["keep"] * v / total + op["floor"] if total > 0 else 1 / len(z) for v in z]]


def do_mean(op, *vectors):
    out = [0.0] * len(vectors[0])
    for weight, z in zip(op["weight"], vectors):
        for c, v in enumerate(z):
            out[c] += weight * v
    return [out]


def do_platt(op, z):
    p = min(max(z[0], 1e-7), 1 - 1e-7)
    return [[1 / (1 + exp(-(op["slope"] * math.log(p / (1 - p)) + op["offset"])))]]


def do_isotonic(op, z):
    p, x, y = min(max(z[0], 0.0), 1.0), op["from"], op["to"]
    i = max(j for j in range(len(x) - 1) if j == 0 or x[j] <= p)
    width = x[i + 1] - x[i]
    return [[y[i] + ((p - x[i]) / width if width > 0 else 0) * (y[i + 1] - y[i])]]


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
    "constant": lambda op: [op["value"]],
    "linear": do_linear,
    "bayes": do_bayes,
    "trees": do_trees,
    "neighbours": do_neighbours,
    "network": do_network,
    "affine": lambda op, z: [[op["scale"] * v + b for v, b in zip(z, op["offset"])]],
    "clamp": lambda op, z: [[max(op["low"], min(op["high"], v)) for v in z]],
    "divide": lambda op, z: [[v / op["by"] for v in z]],
    "difference": lambda op, z: [[z[1] - z[0]]],
    "exp": lambda op, z: [[exp(v) for v in z]],
    "sigmoid": lambda op, z: [[sigmoid(v, op["stable"]) for v in z]],
    "softmax": lambda op, z: [softmax(z)],
    "vote": do_vote,
    "mean": do_mean,
    "temperature": lambda op, p: [softmax([op["slope"] * math.log(min(max(v, 1e-7), 1.0)) for v in p])],
    "platt": do_platt,
    "isotonic": do_isotonic,
}


# ---- models


class Model:
    def __init__(self, path):
        self.about = json.loads(path.read_text(encoding="utf-8", errors="surrogateescape"))
        assert self.about["format"] == "automl" and self.about["version"] == 1
        self.ops = self.about["operations"]
        width = [v.get("width", 1) for v in self.about["values"]]
        for op in self.ops:
            op["widths"] = [width[i] for i in op["in"]]
            op["widths_out"] = [width[i] for i in op["out"]]
            if op["op"] == "trees":
                op["_value"] = f32(op["value"])
            if op["op"] == "neighbours":
                op["_row"] = f32(op["row"])
            if op["op"] == "cross":
                op["_pairs"] = {pair: level for level, pair in enumerate(zip(op["first"], op["second"]))}
        self.exact = all(op["op"] != "network" for op in self.ops)
        self.inputs = [op["column"] for op in self.ops if op["op"] == "input"]

    def predict(self, row):
        values = [None] * len(self.about["values"])
        for op in self.ops:
            if op["op"] == "input":
                out = do_input(op, row)
                if self.about["values"][op["out"][0]]["type"] == "number":
                    out = [to_float(out[0])]
            else:
                out = DO[op["op"]](op, *(values[i] for i in op["in"]))
            assert len(out) == len(op["out"]), op["op"]
            for place, v in zip(op["out"], out):
                values[place] = v
        return values[self.about["result"]]


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
