"""Boosted trees against LightGBM, XGBoost and CatBoost: seconds, memory and test scores of the same fits.

    python bench/learners/bench_gbdt.py --program build/bench_gbdt --case higgs --rows 1000000 --leaves 31,255
    ... --case hashed   sparse features: 20 000 rows of 50 000 columns
    ... --grid --results grid.jsonl     all cases and sizes but hashed, 31 and 255 leaves, 63 and 255 bins, 1 and 2 threads;
                        may be stopped and goes on where it was; --report grid.jsonl prints what is there
    ... --limits        ours alone: bytes and adds a fit cannot do without, beside the machine's limits
    ... --scale         ours alone: a quarter, half and all of the rows, then of the columns

Writes the generated tables once to --folder, then runs every fit in a process of its own, ours and theirs taking
turns, and prints medians, with --report also a summary. Seconds, of the clock and of the processor (the one to read
for one thread when the machine is shared), go from the matrix in memory to the model, binning included; megabytes are
the peak of resident memory less what was resident with the data loaded. Waiting threads sleep in all of them. All fit
the same trees: 100 rounds, learning rate 0.1, at least 20 rows a leaf (XGBoost: curvature 5), no penalties, no sampling.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import time

import numpy as np
import scipy.sparse

TEST_SEED, EFFECTS = 2, 77


# ---- data: the rows depend on the seed, what links them to the target does not

def higgs(rng, n):
    x = rng.standard_normal((n, 28), dtype=np.float32)
    x[:, 0:21:5] = 0.3 + 0.7 * rng.standard_exponential((n, 5), dtype=np.float32)
    x[:, 8:21:4] = rng.choice(np.float32([0, 1.086538, 2.173076]), (n, 4), p=[0.5, 0.3, 0.2])
    a, b = x[:, 0] * x[:, 3], x[:, 5] * x[:, 10]
    x[:, 21] = np.sqrt(np.abs(2 * a * (np.cosh(0.5 * (x[:, 1] - x[:, 6])) - np.cos(x[:, 2] - x[:, 7]))))
    x[:, 22] = np.sqrt(np.abs(2 * b * (np.cosh(0.5 * (x[:, 6] - x[:, 11])) - np.cos(x[:, 7] - x[:, 17]))))
    x[:, 23] = np.sqrt(np.abs(x[:, 0] ** 2 + x[:, 5] ** 2 + x[:, 0] * x[:, 5] * np.cos(x[:, 2]) + 0.1))
    x[:, 24:28] += x[:, 21:25] + 0.3 * np.abs(x[:, 13:17] * x[:, 18:19])
    s = (1.3 * np.tanh(2 * (x[:, 21] - 1.2) * (x[:, 22] - 1)) + 1.1 * np.sin(2.2 * x[:, 23] + x[:, 1])
         - 0.9 * np.abs(x[:, 4] * x[:, 9]) + 0.8 * np.cos(1.5 * x[:, 2] - 1.5 * x[:, 12]) * x[:, 3]
         + 0.7 * np.where(x[:, 14] > 0, x[:, 15], -0.5 * x[:, 15]) + 0.6 * np.sin(3 * x[:, 24]) * x[:, 19]
         + 0.5 * (x[:, 8] > 1) * (x[:, 6] + x[:, 11]) - 0.4 * x[:, 25] * x[:, 18])
    y = rng.random(n) < 1 / (1 + np.exp(-1.35 * s))
    return x, y, np.zeros(28), 2


def airline(rng, n):
    effect = np.random.default_rng(EFFECTS).standard_normal
    levels = np.array([12, 7, 0, 22, 300, 300, 7000, 0])
    u = rng.random((n, 8))
    x = np.empty((n, 8), np.float32)
    for j, power in enumerate([1, 1, 0.8, 1.7, 2.6, 2.6, 1.3, 2]):
        x[:, j] = np.floor((levels[j] or 2400) * u[:, j] ** power)
    codes = x.astype(np.int64)
    hour = codes[:, 2] // 100
    s = -1.9 + 0.08 * (hour - 12) + 0.15 * np.sin(x[:, 7] / 200)
    for j, weight in [(0, 0.35), (1, 0.2), (3, 0.45), (4, 0.55), (5, 0.4), (6, 0.7)]:
        s += weight * effect(levels[j])[codes[:, j]]
    s += 0.3 * effect((300, 12))[codes[:, 4], codes[:, 0]] + 0.35 * effect((300, 24))[codes[:, 4], hour]
    return x, rng.random(n) < 1 / (1 + np.exp(-1.1 * s)), levels, 2


def wide(rng, n):
    effect = np.random.default_rng(EFFECTS)
    x = rng.standard_normal((n, 200), dtype=np.float32)
    x += 0.55 * rng.standard_normal((n, 8), dtype=np.float32) @ effect.uniform(-1, 1, (8, 200)).astype(np.float32)
    y = 0.35 * x[:, :60] @ effect.standard_normal(60) + 0.8 * np.sin(1.4 * x[:, 60:80]) @ effect.standard_normal(20)
    y += 0.6 * (x[:, 80:110:2] * x[:, 81:111:2]) @ effect.standard_normal(15)
    y += (x[:, 0] > 0.5) * (x[:, 1] > 0) - 0.8 * (x[:, 2] > 0) * (x[:, 3] < 0.3) * x[:, 4]
    return x, y + rng.standard_normal(n), np.zeros(200), 0


def covertype(rng, n):
    effect = np.random.default_rng(EFFECTS).standard_normal
    area, soil = rng.choice(4, n, p=[0.45, 0.05, 0.43, 0.07]), np.floor(40 * rng.random(n) ** 1.5).astype(int)
    x = np.zeros((n, 54), np.float32)
    x[:, :10] = np.round(250 * rng.standard_normal((n, 10)) + 1000 * (rng.random((n, 10)) < 0.3))
    x[np.arange(n), 10 + area], x[np.arange(n), 14 + soil] = 1, 1
    z = x[:, :10] / 300
    s = z @ effect((10, 7)) + np.sin(2 * z) @ effect((10, 7)) + 0.8 * effect((40, 7))[soil] + effect((4, 7))[area]
    s += (z[:, :5] * z[:, 5:]) @ effect((5, 7))
    return x, np.argmax(s + 1.2 * rng.gumbel(size=(n, 7)), axis=1), np.zeros(54), 7


def hashed(rng, n):
    """Counts of 100 words a row, hashed to 50 000 columns."""
    effect = np.random.default_rng(EFFECTS).standard_normal(50_000)
    columns = np.floor(50_000 * rng.random((n, 100)) ** 3).astype(np.int32)
    x = scipy.sparse.csr_matrix((np.ones(n * 100, np.float32), columns.ravel(), np.arange(0, n * 100 + 1, 100)),
                                shape=(n, 50_000))
    x.sum_duplicates()
    s = x @ (effect * (np.arange(50_000) < 5000)) / 5 + 2 * (x[:, 0:3] @ np.ones(3) > 12)
    return x, rng.random(n) < 1 / (1 + np.exp(1.2 - s)), np.zeros(0), 2


CASES = {"higgs": (higgs, 1_000_000), "airline": (airline, 1_000_000), "wide": (wide, 200_000),
         "covertype": (covertype, 500_000), "hashed": (hashed, 20_000)}
GRID = [("higgs", 100_000), ("higgs", 0), ("airline", 0), ("wide", 0), ("covertype", 0), ("higgs", 5_000_000)]


def write(path, kind, n, seed):
    if os.path.exists(path):
        return
    x, y, levels, classes = CASES[kind][0](np.random.default_rng(seed), n)
    is_sparse = scipy.sparse.issparse(x)
    with open(path + ".part", "wb") as f:
        np.array([n, len(levels), classes], np.uint32).tofile(f)
        np.asarray(levels, np.uint32).tofile(f)
        for j in range(len(levels)):
            np.ascontiguousarray(x[:, j]).tofile(f)
        np.asarray(y, np.float32).tofile(f)
        if is_sparse:
            np.array([x.shape[1]], np.uint32).tofile(f)
            x.indptr.astype(np.uint64).tofile(f)
            x.indices.astype(np.uint32).tofile(f)
            x.data.astype(np.float32).tofile(f)
    os.rename(path + ".part", path)


def read_sparse(path, n, at):
    at += 4 * n
    q, start = int(np.fromfile(path, np.uint32, 1, offset=at)[0]), np.fromfile(path, np.uint64, n + 1, offset=at + 4)
    at, nnz = at + 4 + 8 * (n + 1), int(start[-1])
    column, value = np.fromfile(path, np.int32, nnz, offset=at), np.fromfile(path, np.float32, nnz, offset=at + 4 * nnz)
    return scipy.sparse.csr_matrix((value, column, start.astype(np.int64)), shape=(n, q))


def read(path):
    n, p, classes = np.fromfile(path, np.uint32, 3)
    levels = np.fromfile(path, np.uint32, p, offset=12)
    n, p = int(n), int(p)
    body = np.memmap(path, np.float32, "r", offset=12 + 4 * p)
    if len(body) > n * (p + 1):
        return read_sparse(path, n, 12 + 4 * p + 4 * n * p), np.array(body[n * p:n * (p + 1)]), levels, int(classes)
    x = np.ascontiguousarray(body[:n * p].reshape(p, n).T)
    return x, np.array(body[n * p:]), levels, int(classes)


# ---- scores and memory

def scores(prediction, y, classes):
    if classes == 0:
        return {"loss": float(np.sqrt(np.mean((prediction - y) ** 2)))}
    if classes > 2:
        chosen = prediction[np.arange(len(y)), y.astype(int)]
        return {"loss": float(-np.mean(np.log(np.maximum(chosen, 1e-15))))}
    from sklearn.metrics import roc_auc_score
    chosen = np.where(y > 0.5, prediction, 1 - prediction)
    return {"loss": float(-np.mean(np.log(np.maximum(chosen, 1e-15)))), "auc": float(roc_auc_score(y, prediction))}


def status(key):
    with open("/proc/self/status") as f:
        return next(int(line.split()[1]) for line in f if line.startswith(key)) / 1024


def forget_peak():
    with open("/proc/self/clear_refs", "w") as f:
        f.write("5")


# ---- peers: each returns (fit, predict)

def lightgbm(classes, levels, o, quantised):
    import lightgbm as lgb
    names = {0: "regression", 2: "binary"}
    params = {"objective": names.get(classes, "multiclass"), "num_leaves": o.leaves, "max_bin": o.bins,
              "learning_rate": 0.1, "min_data_in_leaf": 20, "num_threads": o.threads, "verbose": -1}
    if quantised:
        params["use_quantized_grad"] = True
    if classes > 2:
        params["num_class"] = classes
    categories = [j for j in range(len(levels)) if levels[j]]

    def fit(x, y):
        return lgb.train(params, lgb.Dataset(x, y, categorical_feature=categories or "auto"), o.trees)
    return fit, lambda model, x: model.predict(x)


def xgboost(classes, levels, o, _):
    import xgboost as xgb
    names = {0: "reg:squarederror", 2: "binary:logistic"}
    params = {"objective": names.get(classes, "multi:softprob"), "tree_method": "hist", "grow_policy": "lossguide",
              "max_leaves": o.leaves, "max_depth": 0, "max_bin": o.bins, "eta": 0.1, "reg_lambda": 0,
              "min_child_weight": 20 if classes == 0 else 5, "nthread": o.threads}
    if classes > 2:
        params["num_class"] = classes
    types = ["c" if level else "q" for level in levels] or None

    def matrix(x, y=None, ref=None):
        return xgb.QuantileDMatrix(x, y, max_bin=o.bins, feature_types=types, enable_categorical=True,
                                   nthread=o.threads, ref=ref)

    def predict(model, x):
        data = xgb.DMatrix(x, feature_types=types, enable_categorical=True)
        return model.predict(data)
    return lambda x, y: xgb.train(params, matrix(x, y), o.trees), predict


def catboost(classes, levels, o, symmetric):
    from catboost import CatBoostClassifier, CatBoostRegressor, Pool
    kind = CatBoostRegressor if classes == 0 else CatBoostClassifier
    shape = {"depth": max(1, min(10, round(np.log2(o.leaves + 1))))} if symmetric else {
        "grow_policy": "Lossguide", "max_leaves": o.leaves, "depth": 16, "min_data_in_leaf": 20}
    model = kind(iterations=o.trees, learning_rate=0.1, border_count=o.bins - 1, thread_count=o.threads, verbose=0,
                 allow_writing_files=False, boosting_type="Plain", **shape)
    def fit(x, y):
        return model.fit(Pool(x, y))

    def predict(m, x):
        return m.predict(x) if classes == 0 else m.predict_proba(x)[:, 1] if classes == 2 else m.predict_proba(x)
    return fit, predict


PEERS = {"lightgbm": (lightgbm, False), "lightgbm-q": (lightgbm, True), "xgboost": (xgboost, False),
         "catboost": (catboost, True), "catboost-leaf": (catboost, False)}


def run_peer(o):
    x, y, levels, classes = read(o.train)
    make, option = PEERS[o.peer]
    fit, predict = make(classes, levels, o, option)
    loaded = status("VmRSS:")
    forget_peak()
    start, cpu = time.perf_counter(), time.process_time()
    model = fit(x, y)
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    peak = status("VmHWM:")
    xt, yt, _, _ = read(o.test)
    line = {"seconds": seconds, "cpu": cpu, "megabytes": peak - loaded, "total_megabytes": peak}
    print(json.dumps(line | scores(predict(model, xt), yt, classes)))


# ---- driver

def command(name, o, leaves, bins, threads, train, test):
    if name == "ours":
        return [o.program, train, test, str(threads), str(bins), f"num_leaves={leaves}", f"rounds={o.trees}",
                "learning_rate=0.1", "reg_alpha=0", "reg_lambda=0", *o.set]
    return [sys.executable, __file__, "--peer", name, "--train", train, "--test", test, "--leaves", str(leaves),
            "--bins", str(bins), "--threads", str(threads), "--trees", str(o.trees)]


def fit(name, o, leaves, bins, threads, train, test):
    done = subprocess.run(command(name, o, leaves, bins, threads, train, test), capture_output=True, text=True,
                          env={**os.environ, "OMP_WAIT_POLICY": "passive"})
    if done.returncode:
        sys.exit(f"{name}: {done.stderr[-2000:]}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def measure(o, leaves, bins, threads, train, test):
    """Every fit that is not in o.known yet; each goes to the file of results, if there is one, when it ends."""
    setting = [o.case, o.rows, leaves, bins, threads, o.trees]
    for repeat in range(o.repeats):
        for name in ["ours"] + [name for name in o.peers.split(",") if name]:
            if any(r["setting"] == setting and r["name"] == name and r["repeat"] == repeat for r in o.known):
                continue
            load = os.getloadavg()[0]
            line = fit(name, o, leaves, bins, threads, train, test)
            o.known.append({"setting": setting, "name": name, "repeat": repeat, "load": load} | line)
            if o.results:
                with open(o.results, "a") as f:
                    f.write(json.dumps(o.known[-1]) + "\n")
    if not o.results:
        table(o.known, setting)


# ---- tables

def medians(known, setting):
    """name → medians of its lines, ours first."""
    names = dict.fromkeys(r["name"] for r in known if r["setting"] == setting)
    lines = {name: [r for r in known if r["setting"] == setting and r["name"] == name] for name in names}
    return {name: {key: statistics.median(r[key] for r in rows) for key in rows[0] if isinstance(rows[0][key], float)}
            for name, rows in sorted(lines.items(), key=lambda item: item[0] != "ours")}


def table(known, setting):
    middle = medians(known, setting)
    ours = middle.get("ours")
    for name, m in middle.items():
        ratio = {key: m[key] / ours[key] if ours else float("nan") for key in ("seconds", "cpu")}
        print(f"{setting[0]:10} {setting[1]:8} {setting[2]:4} {setting[3]:4} {setting[4]:3}  {name:13}"
              f" {m['seconds']:8.3f} {ratio['seconds']:6.2f} {m['cpu']:8.3f} {ratio['cpu']:6.2f}"
              f"  {m['loss']:.5f}  {m.get('auc', float('nan')):.5f} {m['megabytes']:8.0f}"
              f" {m['total_megabytes']:8.0f}" + (f"   binning {m['binning']:.3f}" if name == "ours" else ""), flush=True)


HEAD = "case           rows  lvs bins thr  who            seconds / ours CPU secs / ours     loss      auc       MB  of all"


def report(path):
    with open(path) as f:
        known = [json.loads(line) for line in f]
    settings = [list(s) for s in dict.fromkeys(tuple(r["setting"]) for r in known)]
    print(HEAD)
    for setting in settings:
        table(known, setting)
    print("\nTimes as long as ours (geometric mean, least) and megabytes of ours as a part, by peer; fastest: whichever it is")
    whole = [m for m in (medians(known, s) for s in settings) if "ours" in m and len(m) > 1]
    names = dict.fromkeys(name for m in whole for name in m if name != "ours")
    for name in [*names, "fastest"]:
        those = [m for m in whole if name == "fastest" or name in m]
        peers = [m[name] if name in m else min((m[k] for k in m if k != "ours"), key=lambda p: p["seconds"]) for m in those]
        ratios = [p["seconds"] / m["ours"]["seconds"] for p, m in zip(peers, those)]
        memory = [m["ours"]["megabytes"] / p["megabytes"] for p, m in zip(peers, those)]
        print(f"{name:13} {len(ratios):3} settings  {statistics.geometric_mean(ratios):6.2f} {min(ratios):6.2f}"
              f"   MB {statistics.geometric_mean(memory):5.2f} at most {max(memory):5.2f}")
    for setting in settings:
        one = setting[:4] + [1] + setting[5:]
        if setting[4] == 2 and one in settings:
            gain = {k: medians(known, one)[k]["seconds"] / m["seconds"] for k, m in medians(known, setting).items()
                    if k in medians(known, one)}
            print("two threads:", *setting[:4], *(f"{k} {v:.2f}" for k, v in gain.items()))
    loads = [r["load"] for r in known]
    print(f"load of the machine before a fit: median {statistics.median(loads):.2f}, most {max(loads):.2f}")


def alone(o, leaves, bins, threads, train, test, *extra):
    return fit("ours", argparse.Namespace(**{**vars(o), "set": [*o.set, *extra]}), leaves, bins, threads, train, test)


def limits(o, leaves, bins, threads, train, test):
    r = alone(o, leaves, bins, threads, train, test, "limits=1")
    print(f"{o.case} {o.rows}, {leaves} leaves, {threads} threads, {r['seconds'] - r['binning']:.2f} s without binning:"
          f" {r['gigabytes']:.1f} GB at least = {100 * r['of_bandwidth']:.0f} % of the time at {r['bandwidth']:.1f} GB/s;"
          f" {r['gigaadds']:.1f} G adds = {100 * r['of_adds']:.0f} % of the time at {r['adds']:.2f} G adds/s", flush=True)


def scale(o, leaves, bins, threads, train, test):
    columns = read(train)[0].shape[1]
    for name, whole in [("use_rows", o.rows), ("use_columns", columns)]:
        first = None
        for share in (4, 2, 1):
            r = alone(o, leaves, bins, threads, train, test, f"{name}={whole // share}")
            first = first or r
            print(f"{o.case} {leaves} leaves, {threads} threads, {name[4:]} {whole // share:8}: {r['seconds']:.3f} s,"
                  f" {r['cpu']:.3f} CPU s, {r['cpu'] / first['cpu']:.2f} times the first, {r['megabytes']:.0f} MB",
                  flush=True)


def run_case(work, o):
    o.rows = o.rows or CASES[o.case][1]
    os.makedirs(o.folder, exist_ok=True)
    train, test = (os.path.join(o.folder, f"{o.case}_{n}_{seed}") for n, seed in [(o.rows, o.seed), (o.test_rows, TEST_SEED)])
    write(train, o.case, o.rows, o.seed)
    write(test, o.case, o.test_rows, TEST_SEED)
    for leaves in o.leaves.split(","):
        for bins in o.bins.split(","):
            for threads in o.threads.split(","):
                work(o, int(leaves), int(bins), int(threads), train, test)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, kind, default in [("program", str, "build/bench_gbdt"), ("case", str, "higgs"), ("rows", int, 0),
                                ("test-rows", int, 100_000), ("leaves", str, "31,255"), ("bins", str, "255"),
                                ("threads", str, "1"), ("trees", int, 100), ("repeats", int, 3),
                                ("peers", str, "lightgbm,lightgbm-q,xgboost"), ("folder", str, "bench-data"),
                                ("peer", str, ""), ("train", str, ""), ("test", str, ""), ("seed", int, 1)]:
        parser.add_argument("--" + name, type=kind, default=default)
    parser.add_argument("--set", nargs="*", default=[], metavar="NAME=VALUE", help="further hyperparameters of ours")
    parser.add_argument("--limits", action="store_true")
    parser.add_argument("--scale", action="store_true")
    parser.add_argument("--grid", action="store_true")
    parser.add_argument("--results", metavar="FILE", help="a line of JSON a fit; what is in it is not fitted again")
    parser.add_argument("--report", metavar="FILE", help="tables of such a file")
    o = parser.parse_args()
    if o.report:
        return report(o.report)
    if o.peer:
        o.leaves, o.bins, o.threads = int(o.leaves), int(o.bins), int(o.threads)
        return run_peer(o)
    work = limits if o.limits else scale if o.scale else measure
    o.known = []
    if o.results and os.path.exists(o.results):
        with open(o.results) as f:
            o.known = [json.loads(line) for line in f]
    if work is measure and not o.results:
        print(HEAD)
    if o.grid:
        o.leaves, o.bins, o.threads = "31,255", "63,255", "1,2"
    for o.case, o.rows in GRID if o.grid else [(case, o.rows) for case in o.case.split(",")]:
        run_case(work, o)
    return None


if __name__ == "__main__":
    main()
