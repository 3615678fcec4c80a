"""Numbers as the engine has them: where it rounds to single precision, and what it makes of the missing."""

import math

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
