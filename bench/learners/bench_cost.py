"""Is what cost() foretells what fits take? All learners, real tables, random hyperparameters, one thread.

    export AUTOML_DATASETS=FOLDER
    python bench/learners/bench_cost.py fit --program build/bench_cost --results FILE [--learner NAME] [--tables A,B]
    python bench/learners/bench_cost.py report FILE [--all]

A machine has a factor: the median of seconds / predicted over all learners. The report says, of every learner, the
median of that ratio after the factor, its quantiles, and how many fits lie within twice what was foretold.
"""
import argparse
import json
import os
import subprocess

import real_tables

# table: most rows of it
TABLES = {"car_evaluation": None, "segment": None, "concrete_strength": None, "ames_housing": None, "spambase": None,
          "satimage": None, "wine_quality": None, "kin8nm": None, "cpu_act": None, "magic_telescope": None,
          "letter": None, "covertype_20k": None, "communities_crime": None, "bank_marketing": None, "diamonds": 30000,
          "hotel_bookings": 50000, "skin_segmentation": 100000, "sgemm_gpu_runtime": 100000}


def fits(o):
    for table in o.tables.split(","):
        for form in ("trees", "dense"):
            train, _ = real_tables.files(o.folder, table, 1, form, TABLES.get(table))
            done = subprocess.run([o.program, form, str(o.draws), str(o.most), o.learner, train], capture_output=True,
                                  text=True, check=True)
            with open(o.results, "a", encoding="utf-8") as f:
                for text in done.stdout.splitlines():
                    f.write(json.dumps(json.loads(text) | {"table": table}) + "\n")


def report(path, everything):
    import pandas as pd
    f = pd.read_json(path, lines=True)
    given_up = len(f) - f.ended.sum()
    f = f[f.ended].copy()
    f["ratio"] = f.seconds / f.predicted
    factor = f.ratio.median()
    f["ratio"] /= factor
    f["within"] = (f.ratio < 2) & (f.ratio > 0.5)
    print(f"{len(f)} fits on {f.table.nunique()} tables, {given_up} more given up; machine factor {factor:.2f}")
    print(f"{'learner':14} {'fits':>5} {'median':>7} {'10 %':>6} {'90 %':>6} {'within 2x':>9} {'over 10 ms':>10}")
    for name, part in [*f.groupby("learner", sort=False), ("all", f)]:
        q, long = part.ratio.quantile([0.1, 0.5, 0.9]), part[part.seconds > 0.01]
        print(f"{name:14} {len(part):5} {q[0.5]:7.2f} {q[0.1]:6.2f} {q[0.9]:6.2f} {100 * part.within.mean():8.0f} %"
              f" {100 * long.within.mean():8.0f} %")
    if everything:
        for _, r in f.sort_values(["learner", "table"]).iterrows():
            print(f"{r.learner:14} {r.table:22} {r.n:7} {r.p:4} {r.predicted:9.4f} {r.seconds:9.4f} {r.ratio:6.2f} "
                  + " ".join(f"{k}={v:g}" for k, v in r.hp.items()))


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("verb", choices=["fit", "report"])
    p.add_argument("file", nargs="?")
    p.add_argument("--program", default="build/bench_cost")
    p.add_argument("--results", default="cost.jsonl")
    p.add_argument("--folder", default="bench-data")
    p.add_argument("--learner", default="all")
    p.add_argument("--tables", default=",".join(TABLES))
    p.add_argument("--draws", type=int, default=6)
    p.add_argument("--most", type=float, default=30)
    p.add_argument("--all", action="store_true", help="every fit")
    o = p.parse_args()
    if o.verb == "report":
        report(o.file, o.all)
    else:
        os.makedirs(o.folder, exist_ok=True)
        fits(o)


if __name__ == "__main__":
    main()
