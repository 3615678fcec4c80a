"""The operations of learners: from a row of the design matrix to a vector."""

import math

import numpy as np

from .numbers import F, limit


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


DO = {
    "constant": lambda op: [op["value"]],
    "linear": do_linear,
    "bayes": do_bayes,
    "trees": do_trees,
    "neighbours": do_neighbours,
    "network": do_network,
}
