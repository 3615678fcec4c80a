"""Large tables for compare.py, of the generators of bench/learners/bench_gbdt.py: a million rows of 28 columns and two
hundred thousand of 200 to learn from, and a quarter as many to test.

    python bench/automl/make_large.py FOLDER
    AUTOML_DATASETS=FOLDER python bench/automl/compare.py --program build/bench_automl --seconds 60 --splits 0 \\
        --tables higgs,wide --systems automl,lightgbm --output large.csv
"""
import csv
import os
import sys

import numpy as np
import pandas as pd

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "learners"))
import bench_gbdt  # noqa: E402 (it lies beside)

ROWS = {"higgs": 1_250_000, "wide": 250_000}


def main(folder):
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "index.csv"), "w", newline="") as f:
        index = csv.DictWriter(f, ["name", "file", "task", "target", "id_columns", "leak_columns", "missing_marker"])
        index.writeheader()
        for name, rows in ROWS.items():
            x, y, _, classes = bench_gbdt.CASES[name][0](np.random.default_rng(1), rows)
            table = pd.DataFrame(x, columns=[f"x{j}" for j in range(x.shape[1])])
            table["y"] = y.astype(int) if classes else y
            table.to_csv(os.path.join(folder, name + ".csv"), index=False, float_format="%.6g")
            index.writerow({"name": name, "file": name + ".csv", "task": "binary" if classes else "regression", "target": "y"})


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
