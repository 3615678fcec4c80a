"""Boosted trees on real tables, beside LightGBM, XGBoost and CatBoost: seconds, memory and test scores.

    export AUTOML_DATASETS=FOLDER
    python bench/learners/bench_tables.py fit --program build/bench_fit --setting default --results FILE [--tables A,B]
    python bench/learners/bench_tables.py report FILE

The ten largest tables of the index with a plain task (or those named), 80 % of the rows to learn from, a split a
seed. Every fit is a process of its own; all take the same matrix of float32 with categories as codes, each treats
them natively, and bins within its seconds (CatBoost's pool is made before the clock starts). Settings:

default  each one's own, but 100 rounds and learning rate 0.1
common   learning rate 0.05, at most 500 rounds, stopped after 100 without gain on a tenth of the learning rows
tuned    the best of --draws random draws of the same space (learning rate, leaves, rows of a leaf, shares of rows and
         features, L2), by the loss on a fifth of the learning rows, which also stops each; test rows are scored once

`fit` adds a line of JSON for every fit to --results, and goes on where it was stopped; `report` prints means over seeds, and ratios peer / ours.
"""
import argparse
import json
import os
import subprocess
import sys
import time

import numpy as np
import real_tables

TABLES = ["heart_disease_brfss2020", "skin_segmentation", "sgemm_gpu_runtime", "hflights_arrival_delay",
          "weather_aus_rain", "hotel_bookings", "diabetes130_readmission", "poker_hand_100k", "instructor_eval",
          "cps_earnings"]
SETTINGS = {"default": {"rounds": 100, "learning_rate": 0.1, "valid": 0},
            "common": {"rounds": 500, "learning_rate": 0.05, "valid": 0.1},
            "tuned": {"rounds": 500, "valid": 0.2}}
PATIENCE = 100


def draw(rng):
    def log(low, high):
        return float(np.exp(rng.uniform(np.log(low), np.log(high))))
    return {"learning_rate": log(0.03, 0.2), "leaves": round(log(8, 255)), "min_rows": round(log(2, 100)),
            "features": rng.uniform(0.5, 1), "rows": rng.uniform(0.5, 1), "l2": log(1e-3, 10)}


# ---- peers: fit(x, y, valid or None) gives a model, predict(model, x) probabilities or values

def lightgbm(s, levels, classes, threads, quantised=False):
    import lightgbm as lgb
    params = {"objective": {0: "regression", 2: "binary"}.get(classes, "multiclass"), "verbose": -1,
              "learning_rate": s["learning_rate"], "num_threads": threads, "use_quantized_grad": quantised}
    if classes > 2:
        params["num_class"] = classes
    if "leaves" in s:
        params |= {"num_leaves": s["leaves"], "min_data_in_leaf": s["min_rows"], "feature_fraction": s["features"],
                   "bagging_fraction": s["rows"], "bagging_freq": 1, "lambda_l2": s["l2"]}
    categories = [j for j in range(len(levels)) if levels[j]]

    def fit(x, y, valid):
        data = lgb.Dataset(x, y, categorical_feature=categories)
        if valid is None:
            return lgb.train(params, data, s["rounds"])
        return lgb.train(params, data, s["rounds"], valid_sets=[data.create_valid(*valid)],
                         callbacks=[lgb.early_stopping(PATIENCE, verbose=False)])
    return fit, lambda model, x: model.predict(x)


def xgboost(s, levels, classes, threads):
    import xgboost as xgb
    params = {"objective": {0: "reg:squarederror", 2: "binary:logistic"}.get(classes, "multi:softprob"),
              "tree_method": "hist", "eta": s["learning_rate"], "nthread": threads}
    if classes > 2:
        params["num_class"] = classes
    if "leaves" in s:
        weight = s["min_rows"] * (1 if classes == 0 else 0.1)
        params |= {"grow_policy": "lossguide", "max_leaves": s["leaves"], "max_depth": 0, "min_child_weight": weight,
                   "colsample_bytree": s["features"], "subsample": s["rows"], "reg_lambda": s["l2"]}
    types = ["c" if level else "q" for level in levels]
    options = {"feature_types": types, "enable_categorical": True, "nthread": threads}

    def fit(x, y, valid):
        data = xgb.QuantileDMatrix(x, y, **options)
        if valid is None:
            return xgb.train(params, data, s["rounds"])
        return xgb.train(params, data, s["rounds"], verbose_eval=False, early_stopping_rounds=PATIENCE,
                         evals=[(xgb.QuantileDMatrix(*valid, ref=data, **options), "valid")])

    def predict(model, x):
        last = (0, model.best_iteration + 1) if s["valid"] else (0, 0)
        return model.predict(xgb.DMatrix(x, **options), iteration_range=last)
    return fit, predict


def catboost(s, levels, classes, threads):
    import pandas as pd
    from catboost import CatBoostClassifier, CatBoostRegressor, Pool
    kind = CatBoostRegressor if classes == 0 else CatBoostClassifier
    params = {"iterations": s["rounds"], "learning_rate": s["learning_rate"], "thread_count": threads, "verbose": 0,
              "allow_writing_files": False}
    if classes > 2:
        params |= {"loss_function": "MultiClass", "classes_count": classes}
    if "leaves" in s:
        params |= {"depth": max(3, min(8, round(np.log2(s["leaves"])))), "rsm": s["features"], "subsample": s["rows"],
                   "bootstrap_type": "Bernoulli", "l2_leaf_reg": s["l2"]}
    categories = [j for j in range(len(levels)) if levels[j]]

    def pool(x, y=None):
        f = pd.DataFrame(x)
        for j in categories:
            f[j] = f[j].fillna(-1).astype(np.int32)
        return Pool(f, y, cat_features=categories)

    def fit(data, _, valid):
        stop = {} if valid is None else {"eval_set": valid, "early_stopping_rounds": PATIENCE}
        return kind(**params).fit(data, **stop)

    def predict(m, x):
        if classes == 0:
            return m.predict(pool(x))
        p = m.predict_proba(pool(x))
        return p[:, 1] if classes == 2 else p
    return fit, predict, pool


PEERS = {"lightgbm": lightgbm, "lightgbm-q": lambda *a: lightgbm(*a, quantised=True), "xgboost": xgboost,
         "catboost": catboost}


def status(key):
    with open("/proc/self/status") as f:
        return next(int(line.split()[1]) for line in f if line.startswith(key)) / 1024


def worker(name, train, test, out, threads, n_valid, s):
    x, y, levels, classes = real_tables.get(train)
    fit, predict, *pool = PEERS[name](s, levels, classes, threads)
    n = len(y) - n_valid
    parts, valid = (x[:n], y[:n]), (x[n:], y[n:]) if n_valid else None
    if pool:
        parts, valid = (pool[0](*parts), None), pool[0](*valid) if valid else None
    loaded = status("VmRSS:")
    with open("/proc/self/clear_refs", "w") as f:
        f.write("5")
    start, cpu = time.perf_counter(), time.process_time()
    model = fit(*parts, valid)
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    peak = status("VmHWM:")
    xt = real_tables.get(test)[0]
    start = time.perf_counter()
    np.asarray(predict(model, xt), np.float64).tofile(out)
    print(json.dumps({"seconds": seconds, "cpu": cpu, "predict": time.perf_counter() - start,
                      "megabytes": peak - loaded}))


# ---- driver

def ours(o, s):
    names = {"learning_rate": "learning_rate", "leaves": "num_leaves", "min_rows": "min_child_samples",
             "features": "feature_fraction", "rows": "bagging_fraction", "l2": "reg_lambda"}
    given = [f"{names[k]}={v}" for k, v in s.items() if k in names]
    return given + [f"{'n_estimators' if s['valid'] else 'rounds'}={s['rounds']}", *o.set]


def run(o, name, train, test, s):
    out = os.path.join(o.folder, f"{name}-{os.getpid()}.out")
    n_valid = int(s["valid"] * np.fromfile(train, np.uint32, 1)[0])
    if name == "ours":
        command = [o.program, "gbdt", train, test, out, str(o.threads), "1", str(n_valid), *ours(o, s)]
    else:
        command = [sys.executable, __file__, "worker", name, train, test, out, str(o.threads), str(n_valid),
                   json.dumps(s)]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "OMP_WAIT_POLICY": "passive"})
    if done.returncode:
        sys.exit(f"{name}: {done.stderr[-2000:]}")
    _, y, _, classes = real_tables.get(test)
    line = json.loads(done.stdout.strip().splitlines()[-1]) | real_tables.scores(np.fromfile(out), y, classes)
    os.remove(out)
    return line


def tune(o, name, table, seed, train):
    """The settings of the draw with the least loss on the valid rows, and the seconds of all draws."""
    x, y, levels, classes = real_tables.get(train)
    base, valid = SETTINGS["tuned"], f"{train}-valid"
    n = int(base["valid"] * len(y))
    real_tables.put(valid, x[-n:], y[-n:], levels, classes)
    rng = np.random.default_rng([seed, TABLES.index(table) if table in TABLES else 0])
    draws = [base | draw(rng) for _ in range(o.draws)]
    lines = [run(o, name, train, valid, s) for s in draws]
    return draws[int(np.argmin([line["loss"] for line in lines]))], sum(line["cpu"] for line in lines)


def is_known(o, key):
    if not os.path.exists(o.results):
        return False
    with open(o.results) as f:
        return any(key.items() <= json.loads(line).items() for line in f)


def fits(o):
    for table in o.tables.split(","):
        for seed in o.seeds.split(","):
            train, test = real_tables.files(o.folder, table, int(seed), "trees")
            for name in o.who.split(","):
                line = {"table": table, "seed": int(seed), "setting": o.setting, "who": name, "threads": o.threads}
                if is_known(o, line):
                    continue
                s, all_cpu = SETTINGS[o.setting], None
                if o.setting == "tuned":
                    s, all_cpu = tune(o, name, table, int(seed), train)
                line |= run(o, name, train, test, s)
                if all_cpu is not None:
                    line["cpu"] = all_cpu
                print(json.dumps(line), flush=True)
                with open(o.results, "a") as f:
                    f.write(json.dumps(line) + "\n")


def geometric(values):
    return float(np.exp(np.mean(np.log(values))))


def report(path):
    import pandas as pd
    f = pd.read_json(path, lines=True)
    for setting, part in f.groupby("setting", sort=False):
        mean = part.groupby(["table", "who"], sort=False)[["cpu", "megabytes", "loss", "error"]].mean()
        seeds = part.groupby(["table", "who"]).seed.nunique().min()
        ratio = {}
        print(f"{setting}: {seeds} split(s) at least, {part.threads.max()} thread(s)\n{'table':24} {'who':11} {'CPU s':>8} {'/ ours':>6}"
              f" {'MB':>6}  {'loss':>9} {'/ ours':>6}  {'error':>9} {'/ ours':>6}")
        for table in dict.fromkeys(part.table):
            rows = mean.loc[table]
            if "ours" not in rows.index:
                continue
            for who, row in rows.iterrows():
                r = row / rows.loc["ours"]
                ratio.setdefault(who, []).append((r.cpu, r.loss, r.error))
                print(f"{table:24} {who:11} {row.cpu:8.2f} {r.cpu:6.2f} {row.megabytes:6.0f}  {row.loss:9.5g}"
                      f" {r.loss:6.3f}  {row.error:9.5g} {r.error:6.3f}")
            fastest = min(r for who, r in (rows.cpu / rows.cpu["ours"]).items() if who != "ours")
            best = [min(r for who, r in (rows[k] / rows[k]["ours"]).items() if who != "ours") for k in ("loss", "error")]
            ratio.setdefault("best", []).append((fastest, *best))
        for who, r in ratio.items():
            r = np.array(r)
            print(f"{'geometric means':24} {who:11} {'':8} {geometric(r[:, 0]):6.2f} {'':6}  {'':9} {geometric(r[:, 1]):6.3f}"
                  f"  {'':9} {geometric(r[:, 2]):6.3f}   of {len(r)}; ours has less loss on {(r[:, 1] > 1).sum()}")
        print()


def main():
    if len(sys.argv) > 2 and sys.argv[1] == "worker":
        name, train, test, out, threads, n_valid, s = sys.argv[2:]
        return worker(name, train, test, out, int(threads), int(n_valid), json.loads(s))
    if len(sys.argv) > 2 and sys.argv[1] == "report":
        return report(sys.argv[2])
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("verb", choices=["fit", "report"])
    p.add_argument("--tables", default=",".join(TABLES))
    p.add_argument("--program", default="build/bench_fit")
    p.add_argument("--setting", choices=list(SETTINGS), default="default")
    p.add_argument("--results", default="tables.jsonl")
    p.add_argument("--folder", default="bench-data")
    p.add_argument("--who", default=",".join(["ours", *PEERS]))
    p.add_argument("--seeds", default="1,2")
    p.add_argument("--threads", type=int, default=1)
    p.add_argument("--draws", type=int, default=12)
    p.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="further hyperparameters of ours")
    return fits(p.parse_args())


if __name__ == "__main__":
    main()
