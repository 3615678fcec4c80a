"""The engine beside FLAML, AutoGluon, LightGBM tuned by Optuna and by its defaults, and scikit-learn's random forest: test
scores at equal time on real tables.

    python bench/automl/compare.py --program build/bench_automl --seconds 10 --splits 0,1 --output results.csv
    python bench/automl/compare.py --report results.csv

Every run is a process of its own; its limit counts from the start of the process (importing and reading included), and
it is killed at 1.25 times the limit plus predicting. A run that fails or is killed scores as the constant prediction.
scikit-learn's forest and LightGBM by its defaults have no limit of their own and are killed at ten times. Runs that the
output has already are not repeated: stop and start at will. Needs pandas, scikit-learn, flaml, autogluon.tabular,
lightgbm and optuna; tables come from $AUTOML_DATASETS (default ../shared/datasets) and are left out of the engine's
meta-knowledge.
"""
import argparse
import collections
import csv
import fcntl
import os
import subprocess
import sys
import tempfile
import time

import numpy as np
import pandas as pd

TABLES = """pima_diabetes cylinder_bands spambase higgs_sample_7k magic_telescope electricity_elec2 bank_marketing
adult_census_income car_evaluation splice_dna wine_quality segment letter covertype_20k diabetes130_readmission
concrete_strength abalone ames_housing elevators kc_house_sales protein_casp bike_sharing_hourly diamonds""".split()
SYSTEMS = ["automl", "flaml", "autogluon", "autogluon-best", "lightgbm-optuna", "forest", "lightgbm"]
UNLIMITED = ["forest", "lightgbm"]  # by their defaults, as long as it takes
FIELDS = ["table", "task", "metric", "split", "seconds", "system", "loss", "constant", "took", "state", "detail"]
HERE = os.path.dirname(os.path.abspath(__file__))


def folder():
    return os.environ.get("AUTOML_DATASETS", "../shared/datasets")


def names(cell):
    return [name.strip() for name in str(cell).replace(";", ",").split(",") if name.strip() and name != "nan"]


def split_table(info, split, where):
    """Writes train.csv and test.csv: four fifths and the rest, without identifiers, leaks and rows of no target."""
    table = pd.read_csv(os.path.join(folder(), info["file"]), dtype=str, keep_default_na=False, na_values=[""])
    table = table.drop(columns=[c for c in names(info["id_columns"]) + names(info["leak_columns"]) if c in table])
    table = table[table[info["target"]].notna() & (table[info["target"]] != info["missing_marker"])]
    if info["missing_marker"] in ("?", "NA"):
        table = table.replace(info["missing_marker"], np.nan)
    order = np.random.default_rng(1000 + split).permutation(len(table))
    cut = int(0.8 * len(table))
    paths = [os.path.join(where, name) for name in ("train.csv", "test.csv")]
    train, test = table.iloc[order[:cut]], table.iloc[order[cut:]]
    train.to_csv(paths[0], index=False)
    test.drop(columns=info["target"]).to_csv(paths[1], index=False)
    return paths, train[info["target"]], test[info["target"]]


def loss_of(task, y, classes, prediction):
    """1 - AUC, log loss, or RMSE; classes of the test rows that were never learnt count with probability 1e-15."""
    from sklearn.metrics import roc_auc_score
    if task == "regression":
        return float(np.sqrt(np.mean((prediction.ravel() - y.astype(float)) ** 2)))
    if task == "binary":
        return float(1 - roc_auc_score(y == classes[1], prediction[:, 1]))
    p = np.clip(prediction / prediction.sum(axis=1, keepdims=True), 1e-15, 1)
    at = {name: i for i, name in enumerate(classes)}
    return float(-np.mean([np.log(p[i, at[name]]) if name in at else np.log(1e-15) for i, name in enumerate(y)]))


def noise_of(task, y, classes, prediction, draws=100):
    """Standard deviation of the loss over test rows drawn again."""
    rng = np.random.default_rng(0)
    picks = (rng.integers(len(y), size=len(y)) for _ in range(draws))
    return float(np.std([loss_of(task, y[pick], classes, prediction[pick]) for pick in picks
                         if task != "binary" or len(set(y[pick])) == 2]))


def constant(task, y, classes, y_train):
    if task == "regression":
        return np.full((len(y), 1), y_train.astype(float).mean())
    return np.tile([(y_train == name).mean() for name in classes], (len(y), 1))


def engine_command(o, paths, output, info, task):
    metric = {"binary": "auc", "multiclass": "log_loss", "regression": "rmse"}[task]
    return [o.program, *paths, output, "--target", info["target"], "--threads", str(o.threads), "--metric", metric,
            "--time-limit", str(o.seconds), "--forget", info["name"]]


def command(o, system, paths, output, info, task):
    if system == "automl":
        return engine_command(o, paths, output, info, task)
    common = ["--target", info["target"], "--threads", str(o.threads)]
    return [sys.executable, os.path.join(HERE, "systems.py"), system, *paths, output, *common, "--task", task,
            "--seconds", str(o.seconds)]


def predictions(system, output, task, classes):
    if system != "automl":
        return np.loadtxt(output, delimiter=",", ndmin=2)
    table = pd.read_csv(output)
    if task == "regression":
        return table[["prediction"]].to_numpy(float)
    return table[[f"proba_{name}" for name in classes]].to_numpy(float)


def run(o, system, paths, info, task, y, classes, fallback, where):
    output = os.path.join(where, "predictions.csv")
    if os.path.exists(output):
        os.remove(output)
    environment = {**os.environ, "OMP_WAIT_POLICY": "passive", "OMP_NUM_THREADS": str(o.threads)}
    limit = 10 * o.seconds if system in UNLIMITED else 1.25 * o.seconds + 5
    start = time.perf_counter()
    try:
        done = subprocess.run(command(o, system, paths, output, info, task), capture_output=True, text=True,
                              timeout=limit, env=environment)
        took = time.perf_counter() - start
        state = "ok" if done.returncode == 0 else "failed"
        detail = done.stdout if state == "ok" else done.stderr[-200:]
    except subprocess.TimeoutExpired:
        took, state, detail = time.perf_counter() - start, "killed", ""
    prediction = fallback
    if state == "ok":
        try:
            prediction = predictions(system, output, task, classes)
        except (OSError, ValueError, KeyError) as error:
            state, detail = "failed", repr(error)
    if system == "automl" and state == "ok":
        detail += f" {noise_of(task, y, classes, prediction):.6g}"
    return loss_of(task, y, classes, prediction), took, state, " ".join(detail.split())


def measure(o):
    index = pd.read_csv(os.path.join(folder(), "index.csv"), dtype=str, keep_default_na=False).set_index("name", drop=False)
    done = set()
    if os.path.exists(o.output):
        done = {(r["table"], r["split"], float(r["seconds"]), r["system"]) for r in csv.DictReader(open(o.output))}
    for split in (int(s) for s in o.splits.split(",")):
        for name in o.tables.split(",") if o.tables else TABLES:
            wanted = [s for s in o.systems.split(",") if (name, str(split), o.seconds, s) not in done]
            if not wanted:
                continue
            info = dict(index.loc[name])
            with tempfile.TemporaryDirectory() as where:
                paths, y_train, y = split_table(info, split, where)
                task = info["task"]
                classes = sorted(y_train.unique()) if task != "regression" else []
                fallback = constant(task, y, classes, y_train)
                worst = loss_of(task, y.to_numpy(), classes, fallback)
                for system in wanted:
                    with open(o.lock, "w") as lock:
                        fcntl.flock(lock, fcntl.LOCK_EX)
                        loss, took, state, detail = run(o, system, paths, info, task, y.to_numpy(), classes, fallback, where)
                    new = not os.path.exists(o.output)
                    with open(o.output, "a", newline="") as f:
                        w = csv.writer(f)
                        if new:
                            w.writerow(FIELDS)
                        metric = {"binary": "1-auc", "multiclass": "log_loss", "regression": "rmse"}[task]
                        w.writerow([name, task, metric, split, o.seconds, system, f"{loss:.6g}", f"{worst:.6g}",
                                    f"{took:.2f}", state, detail])
                    print(f"{name:24} {split} {o.seconds:4g} s  {system:16} {loss:10.6g}  {took:6.2f} s  {state} {detail}", flush=True)


def report_intervals(runs):
    """How often the score that the engine foretold, with its interval, held the one on the test rows."""
    inside = near = n = 0
    for r in runs:
        detail = r["detail"].split()
        if r["system"] != "automl" or r["state"] != "ok":
            continue
        low, high, value, noise = (float(detail[i]) for i in (1, 2, 3, -1))
        score = 1 - float(r["loss"]) if r["metric"] == "1-auc" else float(r["loss"])
        half = np.hypot(value - low if score < value else high - value, 1.96 * noise)
        inside, near, n = inside + (low <= score <= high), near + (abs(score - value) <= half), n + 1
    if n:
        print(f"\nthe 95 % interval holds the test score in {inside} of {n} runs; "
              f"with the test rows' own noise added (their bootstrap) in {near}")


def report_pace(task):
    """When a first model was there, and trials a second, both from the start of the process, beside FLAML's."""
    print(f"\n{'':30}first model after, s{'':14}trials a second\n{'table':24} split{'automl':>11}{'flaml':>11}{'ratio':>8}"
          f"{'automl':>13}{'flaml':>11}{'ratio':>8}")
    for (name, split, _), t in task.items():
        ours, theirs = (t[s]["detail"].split() for s in ("automl", "flaml"))
        if len(ours) != 9 or t["automl"]["state"] != "ok" or t["flaml"]["state"] != "ok" or len(theirs) != 3:
            continue
        first = [float(ours[5]), float(theirs[0])]
        rate = [float(n) / float(seconds) for n, seconds in (ours[6:8], theirs[1:3])]
        print(f"{name:24} {split:5}{first[0]:11.3f}{first[1]:11.2f}{first[1] / first[0]:8.1f}{rate[0]:13.2f}{rate[1]:11.2f}{rate[0] / rate[1]:8.1f}")


def report(path):
    runs = [r for r in csv.DictReader(open(path))]
    for seconds in sorted({float(r["seconds"]) for r in runs}):
        task = collections.defaultdict(dict)
        for r in runs:
            if float(r["seconds"]) == seconds:
                task[r["table"], r["split"], r["metric"]][r["system"]] = r
        systems = [s for s in SYSTEMS if any(s in t for t in task.values())]
        task = {k: t for k, t in task.items() if all(s in t for s in systems)}
        print(f"\n{seconds:g} s, {len(task)} tasks; lower is better; ! failed or killed, scored as the constant\n")
        print(f"{'table':24} split {'metric':9}" + "".join(f"{s:>17}" for s in systems))
        ranks, wins, overrun = collections.defaultdict(list), collections.Counter(), collections.Counter()
        for (name, split, metric), t in task.items():
            losses = {s: float(t[s]["loss"]) for s in systems}
            print(f"{name:24} {split:5} {metric:9}" + "".join(
                f"{losses[s]:16.5g}{'!' if t[s]['state'] != 'ok' else ' '}" for s in systems))
            for s in systems:
                better = sum(losses[q] < losses[s] for q in systems)
                same = sum(losses[q] == losses[s] for q in systems)
                ranks[s].append(better + (same + 1) / 2)
                wins[s] += (losses["automl"] < losses[s]) + 0.5 * (losses["automl"] == losses[s])
                overrun[s] = max(overrun[s], float(t[s]["took"]) / seconds)
        print(f"\n{'mean rank':40}" + "".join(f"{np.mean(ranks[s]):17.2f}" for s in systems))
        print(f"{'automl is better on, % of tasks':40}" + "".join(f"{100 * wins[s] / len(task):17.0f}" for s in systems))
        print(f"{'longest run / limit':40}" + "".join(f"{overrun[s]:17.2f}" for s in systems))
        if {"automl", "flaml"} <= set(systems):
            report_pace(task)
        report_intervals([r for r in runs if float(r["seconds"]) == seconds])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, kind, default in [("program", str, "build/bench_automl"), ("seconds", float, 10), ("splits", str, "0,1"),
                                ("threads", int, 2), ("tables", str, ""), ("systems", str, ",".join(SYSTEMS)),
                                ("output", str, "compare.csv"), ("report", str, ""), ("lock", str, os.devnull)]:
        parser.add_argument("--" + name, type=kind, default=default)
    o = parser.parse_args()
    if o.report:
        return report(o.report)
    return measure(o)


if __name__ == "__main__":
    main()
