#!/usr/bin/env python3
"""bench_mlp.py: `mlp` beside scikit-learn's MLP, on the same prepared tables, in the same run.

    PYTHON bench/learners/bench_mlp.py speed   --program build/bench_mlp --threads 1 [--repeats 3] [TABLE ...]
    PYTHON bench/learners/bench_mlp.py quality --program build/bench_mlp --threads 2 [--seeds 3] [TABLE ...]

speed: equal rows, layers, units, batch, epochs, relu and Adam without decay; one plain network each; scikit-learn
on float32, which is its faster path. Each has its own default rate (1e-3 kept; 3e-3 warmed up and lowered to 0,
1.5e-3 on average). Medians of interleaved repeats; `loss` is the learning loss at the end.
quality: the defaults of `mlp` against scikit-learn's MLP used well: StandardScaler, one-hot, and as many networks,
averaged, as it fits in the time that `mlp` took (at least one). Both stop early on a tenth of the learning rows.
Another split each seed. With --nets N the peer has N networks whatever the time: errors that a busy machine cannot
change, and the seconds beside them.
Tables come from --datasets or $AUTOML_DATASETS.
"""
import argparse, csv, json, os, statistics, struct, subprocess, sys, tempfile, time, warnings

import numpy as np
import pandas as pd
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

SPEED = ["letter", "adult_census_income", "covertype_20k", "cpu_act", "kin8nm", "optdigits"]
QUALITY = ["adult_census_income", "letter", "covertype_20k", "satimage", "magic_telescope", "wine_quality",
           "cpu_act", "kin8nm", "concrete_strength", "bike_sharing_hourly"]
KINDS = {"binary": 1, "multiclass": 2, "regression": 4}


def load(datasets, name, seed, most=None):
    """Standardised and one-hot features, target, kind, classes, learning rows: as an engine would prepare them."""
    row = next(r for r in csv.DictReader(open(os.path.join(datasets, "index.csv"))) if r["name"] == name)
    missing = [m.strip() for m in row["missing_marker"].split(",")] + [""]
    f = pd.read_csv(os.path.join(datasets, row["file"]), na_values=missing, low_memory=False)
    f = f[f[row["target"]].notna()]
    drop = [c.strip() for k in ("id_columns", "leak_columns", "time_column") for c in row[k].split(",")]
    y = f[row["target"]]
    x = f.drop(columns=[row["target"]] + [c for c in drop if c in f.columns])
    parts = []
    for c in x.columns:
        v = x[c]
        if v.dtype.kind in "fiub":
            parts.append(v.fillna(v.mean()).to_numpy(float)[:, None])
        elif v.nunique() <= 64:
            parts.append(pd.get_dummies(v, dummy_na=v.isna().any()).to_numpy(float))
    x = np.hstack(parts)
    kind = row["task"]
    classes = 0
    if kind == "regression":
        y = y.to_numpy(float)
    else:
        codes, names = pd.factorize(y, sort=True)
        y, classes = codes.astype(float), len(names)
    order = np.random.RandomState(seed).permutation(len(x))[:most]
    n = len(order) * 4 // 5
    x, y = x[order], y[order]
    x = StandardScaler().fit(x[:n]).transform(x).astype(np.float32)
    return x, y, kind, classes, n


def write(path, x, y, kind, classes, n):
    with open(path, "wb") as out:
        out.write(struct.pack("<5Q", n, len(x) - n, x.shape[1], KINDS[kind], classes))
        out.write(np.ascontiguousarray(x, dtype="<f4").tobytes())
        out.write(y.astype("<f8").tobytes())


def ours(program, path, threads, seed, *settings):
    command = [program, path, "--threads", str(threads), "--seed", str(seed), *settings]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True,
                                     env={**os.environ, "OMP_WAIT_POLICY": "passive"}).stdout)


def error_of(kind, p, y):
    """Root of the mean squared error, or the share of wrong classes; and the loss."""
    if kind == "regression":
        e = float(np.sqrt(np.mean((p - y) ** 2)))
        return e, e
    wrong = float(np.mean(p.argmax(1) != y))
    return wrong, float(-np.mean(np.log(np.maximum(p[np.arange(len(y)), y.astype(int)], 1e-15))))


class Peer:
    """scikit-learn's MLP; the target of a regression is standardised."""

    def __init__(self, kind, **options):
        self.kind = kind
        self.net = (MLPRegressor if kind == "regression" else MLPClassifier)(**options)

    def fit(self, x, y):
        self.centre, self.spread = (y.mean(), y.std() or 1) if self.kind == "regression" else (0, 1)
        t = (y - self.centre) / self.spread if self.kind == "regression" else y.astype(int)
        start = time.perf_counter()
        self.net.fit(x, t.astype(np.float32) if self.kind == "regression" else t)
        self.seconds = time.perf_counter() - start
        return self

    def predict(self, x, classes):
        if self.kind == "regression":
            return self.net.predict(x) * self.spread + self.centre
        p = np.zeros((len(x), classes))
        p[:, self.net.classes_.astype(int)] = self.net.predict_proba(x)
        return p


def speed(a, folder):
    print(f"# seconds of a fit, {a.threads} thread(s), median of {a.repeats} interleaved; "
          f"{a.layers} x {a.width} relu, batch {a.batch}, {a.epochs} epochs")
    print("table                  rows   p  sklearn     ours  ratio  predict   loss: sklearn      ours   cost/fit")
    for name in a.tables or SPEED:
        x, y, kind, classes, n = load(a.datasets, name, 1)
        path = os.path.join(folder, name)
        write(path, x, y, kind, classes, n)
        epochs = a.epochs / max(1, (10000 / max(n, 2500)) ** 0.5)
        settings = [f"layers={a.layers}", f"width={a.width}", f"batch_size={a.batch}", f"epochs={epochs:.9g}",
                    "activation=relu", "members=1", "embedding=none", "dropout=0", "weight_decay=0",
                    "learning_rate=3e-3", "residual=off", "label_smoothing=0"]
        theirs, mine, ratios, predict = [], [], [], []
        for repeat in range(a.repeats):
            peer = Peer(kind, hidden_layer_sizes=(a.width,) * a.layers, batch_size=a.batch, max_iter=a.epochs,
                        alpha=0, tol=0, n_iter_no_change=10 ** 6, random_state=repeat)
            with threadpool_limits(a.threads):
                peer.fit(x[:n], y[:n])
                start = time.perf_counter()
                peer.predict(x[n:], classes)
                seconds = time.perf_counter() - start
            result = ours(a.program, path, a.threads, repeat, *settings)
            theirs.append((peer.seconds, error_of(kind, peer.predict(x[:n], classes), y[:n])[1]))
            mine.append((result["fit"], result["train"]["loss"]))
            ratios.append(peer.seconds / result["fit"])
            predict.append(seconds / result["predict"])
        m = [statistics.median(v) for v in ([t[0] for t in theirs], [t[0] for t in mine], ratios, predict,
                                            [t[1] for t in theirs], [t[1] for t in mine])]
        print(f"{name:20} {n:6} {x.shape[1]:3} {m[0]:8.3f} {m[1]:8.3f} {m[2]:6.2f} {m[3]:8.2f}"
              f"        {m[4]:9.4g} {m[5]:9.4g} {result['cost'] / m[1]:10.2f}", flush=True)


def quality(a, folder):
    print(f"# error on held-out rows (regression: rmse; else share wrong / log loss), mean of {a.seeds} splits, "
          f"{a.threads} thread(s)")
    print("table                  rows   p  sklearn     ours  ratio | loss: sklearn     ours | seconds: sklearn  ours"
          "  nets  cost/fit")
    won = 0
    for name in a.tables or QUALITY:
        results = []
        for seed in range(a.seeds):
            x, y, kind, classes, n = load(a.datasets, name, seed)
            path = os.path.join(folder, name)
            write(path, x, y, kind, classes, n)
            mine = ours(a.program, path, a.threads, seed, "--valid", "0.1", *a.set)
            total, nets, spent = 0, 0, 0
            while nets < a.nets if a.nets else not nets or spent + spent / nets < mine["fit"]:
                peer = Peer(kind, hidden_layer_sizes=(128, 128), early_stopping=True, max_iter=200,
                            random_state=nets)
                with threadpool_limits(a.threads):
                    peer.fit(x[:n], y[:n])
                total, nets, spent = total + peer.predict(x[n:], classes), nets + 1, spent + peer.seconds
            e, loss = error_of(kind, total / nets, y[n:])
            results.append((e, mine["test"]["error"], loss, mine["test"]["loss"], spent, mine["fit"], nets,
                            mine["cost"]))
        m = np.mean(results, axis=0)
        won += m[1] < m[0]
        print(f"{name:20} {n:6} {x.shape[1]:3} {m[0]:8.4g} {m[1]:8.4g} {m[1] / m[0]:6.3f} |     {m[2]:9.4g} "
              f"{m[3]:8.4g} |         {m[4]:8.2f} {m[5]:5.2f} {m[6]:5.1f} {m[7] / m[5]:9.2f}", flush=True)
    print(f"lower error on {won} of {len(a.tables or QUALITY)}")


def main():
    warnings.simplefilter("ignore", ConvergenceWarning)
    p = argparse.ArgumentParser()
    p.add_argument("what", choices=["speed", "quality"])
    p.add_argument("tables", nargs="*")
    p.add_argument("--program", default="build/bench_mlp")
    p.add_argument("--datasets", default=os.environ.get("AUTOML_DATASETS", "../shared/datasets"))
    p.add_argument("--threads", type=int, default=1)
    p.add_argument("--repeats", type=int, default=3)
    p.add_argument("--seeds", type=int, default=3)
    p.add_argument("--layers", type=int, default=2)
    p.add_argument("--width", type=int, default=128)
    p.add_argument("--batch", type=int, default=128)
    p.add_argument("--epochs", type=int, default=10)
    p.add_argument("--nets", type=int, default=0, help="quality: scikit-learn's networks; 0: by time")
    p.add_argument("--set", action="append", default=[], help="NAME=VALUE for mlp, quality only")
    a = p.parse_intermixed_args()
    with tempfile.TemporaryDirectory() as folder:
        (speed if a.what == "speed" else quality)(a, folder)


if __name__ == "__main__":
    sys.exit(main())
