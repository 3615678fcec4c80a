"""What it takes to hand a table over, and to predict a row from Python; beside LightGBM's Dataset and XGBoost's DMatrix, which bin or
copy it as well, and pandas' copy.

    python bench/python/frames.py [ROWS]          needs pandas, polars, pyarrow; peers where they are installed

CPU seconds of one thread's clock, the least of five."""

import sys
import time

import numpy as np
import pandas
import polars
import pyarrow

import automl

n, p = int(sys.argv[1]) if len(sys.argv) > 1 else 10**6, 20
rng = np.random.default_rng(1)
C = rng.standard_normal((n, p))
F = np.asfortranarray(C)
numbers = pandas.DataFrame(F, columns=[f"x{j}" for j in range(p)])
words = pandas.DataFrame({"city": rng.choice(["Rome", "Oslo", "Lima", "Bern"], n), "key": [f"k{i}" for i in range(n)],
                          "day": pandas.Timestamp("2020-01-01") + pandas.to_timedelta(rng.integers(0, 10**6, n), "min")})
words["kind"] = words["city"].astype("category")
arrow = pyarrow.Table.from_pandas(words)
tables = {"float64, column by column (NumPy)": F, "float64, row by row (NumPy)": C, "float32, column by column (NumPy)": F.astype("f4"),
          "float64 (pandas)": numbers, "float64 (polars)": polars.from_pandas(numbers),
          "float64 (pyarrow)": pyarrow.Table.from_pandas(numbers)}
texts = {"2 texts, dates, categories (pandas)": words, "2 texts, dates, categories (polars)": polars.from_pandas(words),
         "2 texts, dates, categories (pyarrow)": arrow}


def least(function, times=5):
    found = []
    for _ in range(times):
        start = time.process_time()
        function()
        found.append(time.process_time() - start)
    return min(found)


print(f"{n} rows x {p} numbers, or x 4 columns of texts and dates: CPU seconds")
for name, table in {**tables, **texts}.items():
    print(f"{name:40} {least(lambda: automl.Frame(table)):8.3f}", flush=True)
print(f"{'a copy by NumPy (F.copy())':40} {least(lambda: F.copy()):8.3f}")
try:
    import lightgbm

    print(f"{'lightgbm.Dataset, column by column':40} "
          f"{least(lambda: lightgbm.Dataset(F, params={'num_threads': 1, 'verbose': -1}).construct(), 2):8.3f}")
except ImportError:
    print("lightgbm is not installed")
try:
    import xgboost

    print(f"{'xgboost.DMatrix, column by column':40} {least(lambda: xgboost.DMatrix(F, nthread=1), 2):8.3f}")
except ImportError:
    print("xgboost is not installed")

rows, y = C[:2000], (C[:2000, 0] > 0).astype(int)
model = automl.AutoMLClassifier(trials=2, learners=["gbdt"], ensemble=False, n_jobs=1).fit(rows, y).model_
one, frame = rows[:1], pandas.DataFrame(rows[:1], columns=[f"x{j}" for j in range(p)])


def many(function, k=200):
    return least(lambda: [function() for _ in range(k)], 3) / k * 1e6


print("one row: microseconds")
print(f"{'Model.predict_proba(array)':40} {many(lambda: model.predict_proba(one, n_jobs=1)):8.0f}")
print(f"{'Model.predict_proba(DataFrame)':40} {many(lambda: model.predict_proba(frame, n_jobs=1)):8.0f}")
try:
    peer = lightgbm.LGBMClassifier(n_estimators=100, n_jobs=1, verbose=-1).fit(rows, y)
    print(f"{'LGBMClassifier.predict_proba(array)':40} {many(lambda: peer.predict_proba(one)):8.0f}")
    print(f"{'Booster.predict(array)':40} {many(lambda: peer.booster_.predict(one, num_threads=1)):8.0f}")
except NameError:
    pass
