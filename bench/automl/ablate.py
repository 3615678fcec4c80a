"""What each part of the engine brings: test losses with one part switched off, on tables that could use it.

    python bench/automl/ablate.py --program build/bench_automl --parts features --seconds 60 --output ablation.csv
    python bench/automl/ablate.py … --only "cross,dates" --tables abalone,segment
    python bench/automl/ablate.py --report ablation.csv

Parts: `features` switches off families of featurization steps, `search` what picks, races and blends pipelines. A line of
the report compares the whole engine with the engine without the part on the same rows: above 0 % the part is worth
having. Runs that the output has already are not repeated: stop and start at will. Needs pandas and scikit-learn; tables come
from $AUTOML_DATASETS (default ../shared/datasets) and are left out of the engine's meta-knowledge.
"""
import argparse
import collections
import csv
import json
import os
import subprocess
import tempfile
import time

import numpy as np
import pandas as pd

import compare

ALL = """pima_diabetes cylinder_bands wine_quality segment concrete_strength ames_housing nyc_taxi_fare_2019
us_life_agent_surrender bike_sharing_hourly adult_census_income chicago_taxi_tip thyroid_hypo abalone satimage
car_evaluation sms_spam""".split()


def blocked(*steps):
    return ["--featurization", json.dumps({"blocked": steps})]


# name: (options that switch it off, tables that could use it)
FEATURES = {
    "all but what learners need": (["--featurization", "off"], ALL),
    "arithmetic": (blocked("arithmetic"), "pima_diabetes wine_quality concrete_strength ames_housing bike_sharing_hourly abalone".split()),
    "group_by": (blocked("group_by"), "ames_housing nyc_taxi_fare_2019 us_life_agent_surrender adult_census_income thyroid_hypo".split()),
    "cross": (blocked("cross"), "ames_housing nyc_taxi_fare_2019 bike_sharing_hourly car_evaluation chicago_taxi_tip".split()),
    "target and count encoding": (blocked("target_encode", "count_encode"),
                                  "ames_housing nyc_taxi_fare_2019 adult_census_income chicago_taxi_tip us_life_agent_surrender".split()),
    "missing flags and pattern": (blocked("missing_flags", "missing_pattern"), "cylinder_bands ames_housing thyroid_hypo adult_census_income".split()),
    # Not on offer by default: worth below 0 % is what taking them in would bring.
    "leaving out clusters and PCA": (["--featurization", "all"], "segment satimage pima_diabetes wine_quality concrete_strength".split()),
    "dates": (blocked("datetime"), "bike_sharing_hourly nyc_taxi_fare_2019 us_life_agent_surrender".split()),
    "text": (blocked("text_hash"), ["sms_spam"]),
}
SEARCH_TABLES = """pima_diabetes cylinder_bands wine_quality segment concrete_strength ames_housing magic_telescope
bike_sharing_hourly letter car_evaluation adult_census_income covertype_20k""".split()
SEARCH = {
    "knowledge (PMF and portfolio)": (["--sampler", "bayes"], SEARCH_TABLES),
    "Bayesian optimization": (["--sampler", "pmf"], SEARCH_TABLES),
    "model of the matrix": (["--sampler", "portfolio"], SEARCH_TABLES),
    "any choice (random pipelines)": (["--sampler", "random"], SEARCH_TABLES),
    "racing": (["--scheduler", "none"], SEARCH_TABLES),
    "ensemble": (["--ensemble", "no"], SEARCH_TABLES),
    "featurization": (["--featurization", "off"], SEARCH_TABLES),
}
FIELDS = ["seconds", "split", "table", "part", "loss", "constant", "took", "detail"]


def run(o, options, paths, info, y, classes, where):
    output = os.path.join(where, "predictions.csv")
    start = time.perf_counter()
    done = subprocess.run(compare.engine_command(o, paths, output, info, info["task"]) + options, capture_output=True,
                          text=True, check=False)
    took = time.perf_counter() - start
    if done.returncode:
        return float("nan"), took, " ".join(done.stderr[-200:].split())
    prediction = compare.predictions("automl", output, info["task"], classes)
    return compare.loss_of(info["task"], y, classes, prediction), took, " ".join(done.stdout.split())


def measure(o):
    index = pd.read_csv(os.path.join(compare.folder(), "index.csv"), dtype=str, keep_default_na=False)
    index = index.set_index("name", drop=False)
    parts = {"features": FEATURES, "search": SEARCH}[o.parts]
    if o.only:
        parts = {name: parts[name] for name in o.only.split(",")}
    tables = o.tables.split(",") if o.tables else list(dict.fromkeys(name for _, names in parts.values() for name in names))
    done = set()
    if os.path.exists(o.output):
        done = {(float(r["seconds"]), r["split"], r["table"], r["part"]) for r in csv.DictReader(open(o.output))}
    for split in o.splits.split(","):
        for name in tables:
            runs = {"nothing": []} | {part: options for part, (options, names) in parts.items() if name in names}
            info = dict(index.loc[name])
            info["task"] = info["task"] if info["task"] != "text" else "binary"
            with tempfile.TemporaryDirectory() as where:
                paths, y_train, y = compare.split_table(info, int(split), where)
                classes = sorted(y_train.unique()) if info["task"] != "regression" else []
                fallback = compare.constant(info["task"], y, classes, y_train)
                worst = compare.loss_of(info["task"], y.to_numpy(), classes, fallback)
                for part, options in runs.items():
                    if (o.seconds, split, name, part) in done:
                        continue
                    loss, took, detail = run(o, options, paths, info, y.to_numpy(), classes, where)
                    new = not os.path.exists(o.output)
                    with open(o.output, "a", newline="") as f:
                        w = csv.writer(f)
                        if new:
                            w.writerow(FIELDS)
                        w.writerow([o.seconds, split, name, part, f"{loss:.6g}", f"{worst:.6g}", f"{took:.2f}", detail])
                    print(f"{name:26} {part:30} {loss:10.6g}  {took:6.2f} s  {detail}", flush=True)


def report(path):
    runs = collections.defaultdict(dict)
    for r in csv.DictReader(open(path)):
        runs[float(r["seconds"]), r["split"], r["table"]][r["part"]] = float(r["loss"])
    parts = list(dict.fromkeys(part for t in runs.values() for part in t if part != "nothing"))
    for seconds in sorted({key[0] for key in runs}):
        here = {key: t for key, t in runs.items() if key[0] == seconds and "nothing" in t}
        print(f"\n{seconds:g} s; a part is worth: test loss without it, against with it; better, worse: by more than 0.5 %\n")
        print(f"{'part switched off':32}{'tasks':>6}{'better':>8}{'worse':>7}{'rank with':>11}{'without':>9}{'worth, mean':>13}{'median':>9}")
        for part in parts:
            pairs = [(t["nothing"], t[part]) for t in here.values() if part in t]
            if not pairs:
                continue
            worth = np.array([np.log(max(b, 1e-9) / max(a, 1e-9)) for a, b in pairs])
            rank = np.mean([1 + (a > b) + 0.5 * (a == b) for a, b in pairs])
            print(f"{part:32}{len(pairs):6}{(worth > 0.005).sum():8}{(worth < -0.005).sum():7}{rank:11.2f}{3 - rank:9.2f}"
                  f"{100 * np.expm1(worth.mean()):12.1f}%{100 * np.expm1(np.median(worth)):8.1f}%")
        print(f"\n{'table':26}{'whole':>12}  without: worth of the part")
        for (_, split, name), t in here.items():
            print(f"{name:26}{t['nothing']:12.6g}  " + "; ".join(
                f"{part} {100 * (t[part] / max(t['nothing'], 1e-9) - 1):+.1f}%" for part in parts if part in t))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, kind, default in [("program", str, "build/bench_automl"), ("parts", str, "features"), ("seconds", float, 60),
                                ("only", str, ""), ("tables", str, ""), ("splits", str, "0"), ("threads", int, 2), ("output", str, "ablation.csv"), ("report", str, "")]:
        parser.add_argument("--" + name, type=kind, default=default)
    o = parser.parse_args()
    return report(o.report) if o.report else measure(o)


if __name__ == "__main__":
    main()
