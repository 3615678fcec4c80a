"""The operations on vectors: links, means, calibration."""

import math

from .numbers import exp


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
