"""Runs one of our benches and its peers in turns on the same table, each fit in a process of its own.

A worker prints "fit S predict S memory MB" (seconds of the wall clock inside the process; memory: peak resident beyond
what was resident before the fit) and leaves its predictions in FOLDER/NAME.out (float64).
"""
import os
import statistics
import subprocess
import sys
import time

import numpy as np


def make(n, p, classes, seed):
    """A table of numbers with steps, products and noise; classes 0 = regression."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, p)).astype(np.float32)
    a, b, c, d, e = (x[:, j % p].astype(np.float64) for j in range(5))
    f = np.sin(2 * a) + b * c + np.where(d > 0.5, 1.0, -0.5) * e + 0.5 * x[:, 5:10].sum(axis=1)
    if not classes:
        return x, f + rng.standard_normal(n)
    if classes == 2:
        return x, (rng.random(n) < 1 / (1 + np.exp(-f))).astype(np.float64)
    cuts = np.quantile(f, np.linspace(0, 1, classes + 1)[1:-1])
    return x, np.searchsorted(cuts, f + rng.logistic(size=n) * 0.5).astype(np.float64)


def put(folder, part, x, y):
    np.asfortranarray(x).T.tofile(os.path.join(folder, part + ".x"))
    y.astype(np.float64).tofile(os.path.join(folder, part + ".y"))


def get(folder, part, n, p):
    x = np.fromfile(os.path.join(folder, part + ".x"), np.float32).reshape(p, n).T
    return np.ascontiguousarray(x), np.fromfile(os.path.join(folder, part + ".y"))


def megabytes(key):
    with open("/proc/self/status") as f:
        for line in f:
            if line.startswith(key):
                return float(line.split()[1]) / 1024
    return 0.0


def timed_fit(folder, name, fit, predict):
    """The body of a Python worker."""
    with open("/proc/self/clear_refs", "w") as f:
        f.write("5")
    before = megabytes("VmRSS:")
    t0 = time.perf_counter()
    model = fit()
    t1 = time.perf_counter()
    out = predict(model)
    t2 = time.perf_counter()
    print(f"fit {t1 - t0:.6f} predict {t2 - t1:.6f} memory {megabytes('VmHWM:') - before:.1f}")
    np.asarray(out, np.float64).tofile(os.path.join(folder, name + ".out"))


def score(folder, name, y, classes):
    """AUC (log-loss for many classes), or the root mean squared error."""
    out = np.fromfile(os.path.join(folder, name + ".out"))
    if not classes:
        return "rmse", float(np.sqrt(np.mean((out - y) ** 2)))
    if classes == 2:
        order = np.argsort(out, kind="stable")
        s = out[order]
        first = np.searchsorted(s, s, "left")
        last = np.searchsorted(s, s, "right")
        rank = (first + last + 1) / 2
        pos = y[order] == 1
        n1 = pos.sum()
        return "auc", float((rank[pos].sum() - n1 * (n1 + 1) / 2) / (n1 * (len(y) - n1)))
    return "accuracy", float(np.mean(out.reshape(len(y), classes).argmax(axis=1) == y))


def run(command):
    env = dict(os.environ, OMP_WAIT_POLICY="passive")
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, env=env)
    if done.returncode:
        sys.exit(f"failed: {' '.join(command)}")
    words = done.stdout.split()
    return {k: float(words[words.index(k) + 1]) for k in ("fit", "predict", "memory")}


def compare(title, folder, y, classes, workers, repeats, by="fit"):
    """workers: name → function of the seed that gives a command; the first is ours. Prints medians and ratios."""
    got = {name: [] for name in workers}
    scores = {name: [] for name in workers}
    for seed in range(repeats):
        for name, command in workers.items():
            got[name].append(run(command(seed + 1)))
            metric, value = score(folder, name, y, classes)
            scores[name].append(value)
    middle = {
        name: {k: statistics.median(r[k] for r in runs) for k in ("fit", "predict", "memory")}
        for name, runs in got.items()
    }
    ours = next(iter(workers))
    both = {name: m["fit"] + m["predict"] for name, m in middle.items()}
    for name, m in middle.items():
        spread = statistics.stdev(scores[name]) if repeats > 1 else 0.0
        base = both[name] / both[ours] if by == "both" else m[by] / middle[ours][by]
        print(
            f"{title:34s} {name:12s} fit {m['fit']:9.4f} s  predict {m['predict']:9.4f} s  "
            f"memory {m['memory']:7.1f} MB  {metric} {statistics.mean(scores[name]):.5f} ± {spread:.5f}  "
            f"{by} ÷ ours {base:6.2f}  predict ÷ ours {m['predict'] / middle[ours]['predict']:6.2f}",
            flush=True,
        )
