"""Tables for bench/csv/csv.py: python make_tables.py FOLDER [SIZE_IN_MB]

numeric   24 columns: shares of full-precision reals, prices with two digits, rounded reals, counts
mixed     12 columns: free text with commas in quotes, categories, dates, integers, reals, missing cells
wide      20,000 x 2,000 short reals (a third of the size)
broad     20 x 100,000 integers and reals
"""
import sys
from pathlib import Path

import numpy as np
import polars as pl

BLOCK = 200_000


def numeric(rng, n):
    c = {}
    for j in range(24):
        kind = j % 4
        x = rng.normal(size=n)
        c[f"x{j}"] = (x if kind == 0 else np.round(np.abs(x) * 1000, 2) if kind == 1
                      else np.round(x, 6) if kind == 2 else rng.integers(0, 10**(1 + j // 4), n))
    return pl.DataFrame(c)


WORDS = np.array("red green blue north south east west alpha beta gamma delta pay order ship".split())


def mixed(rng, n):
    user = rng.integers(0, 5000, n)
    words = rng.integers(0, len(WORDS), (n, 8))
    text = [", ".join(WORDS[w[:k]]) for w, k in zip(words, rng.integers(4, 9, n))]
    day = np.datetime64("2019-01-01") + rng.integers(0, 1500, n)
    amount = np.round(rng.gamma(2, 50, n), 2)
    d = pl.DataFrame({
        "id": np.arange(n), "day": day, "city": WORDS[rng.integers(0, 14, n)],
        "user": [f"u{u:05d}" for u in user], "note": text,
        "amount": amount, "count": rng.integers(0, 50, n), "score": rng.normal(size=n),
        "flag": np.where(rng.random(n) < 0.3, "yes", "no"), "ratio": np.round(rng.random(n), 4),
        "code": rng.integers(100, 999, n), "level": np.round(rng.normal(size=n) * 10, 3)})
    return d.with_columns(ratio=pl.when(pl.col("count") % 10 == 0).then(None).otherwise(pl.col("ratio")))


def by_size(path, make, size):
    rng = np.random.default_rng(7)
    with open(path, "wb") as f:
        first = True
        while f.tell() < size:
            make(rng, BLOCK).write_csv(f, include_header=first, quote_style="necessary")
            first = False


def by_shape(path, n, p, digits):
    rng = np.random.default_rng(8)
    with open(path, "w") as f:
        f.write(",".join(f"x{j}" for j in range(p)) + "\n")
        for _ in range(n):
            f.write(",".join(np.char.mod(f"%.{digits}f", rng.normal(size=p) * 10)) + "\n")


if __name__ == "__main__":
    folder, size = Path(sys.argv[1]), int(sys.argv[2] if len(sys.argv) > 2 else 1000) * 10**6
    folder.mkdir(parents=True, exist_ok=True)
    by_size(folder / "numeric.csv", numeric, size)
    by_size(folder / "mixed.csv", mixed, size)
    by_shape(folder / "wide.csv", 20_000 * size // 10**9, 2000, 3)
    by_shape(folder / "broad.csv", 20, 100_000, 3)
