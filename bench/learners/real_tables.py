"""Real tables as the learners and their peers take them, in the files of table_file.h.

split() reads a table of $AUTOML_DATASETS and draws four fifths of its rows to learn from. Two forms of it:
trees: numbers as they are, categories as codes of the learning rows (others are missing), dates as days;
dense: missing numbers get the mean of the learning rows, categories an indicator for each of at most 64 levels, all
standardised by the learning rows.
"""
import csv
import os

import numpy as np
import pandas as pd


def index():
    folder = os.environ.get("AUTOML_DATASETS", "../shared/datasets")
    with open(os.path.join(folder, "index.csv"), encoding="utf-8") as f:
        return {row["name"]: {**row, "path": os.path.join(folder, row["file"])} for row in csv.DictReader(f)}


def read(entry):
    """Features and target of all rows that have a target. Identifiers and what leaks are left out."""
    marks = [mark for mark in entry["missing_marker"].split(", ") if mark and "(" not in mark and mark != "none"]
    f = pd.read_csv(entry["path"], na_values=marks, low_memory=False)
    f = f[f[entry["target"]].notna()]
    out = [c.strip() for key in ("id_columns", "leak_columns") for c in entry[key].split(",")]
    prefixes = tuple(c.split("*")[0] for c in out if c.endswith("*"))
    ends = tuple(c[1:] for c in out if c.startswith("*"))
    drop = [c for c in f.columns if c in out or (prefixes and c.startswith(prefixes)) or (ends and c.endswith(ends))]
    y = f.pop(entry["target"])
    return f.drop(columns=[c for c in drop if c in f.columns]), y


def days(column):
    """A text column of dates as days, or None."""
    dates = r"\d{4}-\d\d|\d/\d+/\d|\d{8}T"
    if column.dtype.kind in "fiub" or not column.dropna().astype(str).str.contains(dates).all():
        return None
    when = pd.to_datetime(column, errors="coerce")
    if when.notna().sum() < 0.99 * column.notna().sum():
        return None
    return (when - pd.Timestamp("2000-01-01")) / pd.Timedelta(days=1)


def split(name, seed, form, most_rows=None):
    """((x, y) of learning rows, (x, y) of test rows, levels of each feature (0 = number), classes (0 = regression))."""
    entry = index()[name]
    f, y = read(entry)
    classes = 0
    if entry["task"] in ("binary", "multiclass"):
        y, names = pd.factorize(y, sort=True)
        classes = len(names)
    y = np.asarray(y, np.float64)
    order = np.random.default_rng(seed).permutation(len(f))[:most_rows]
    f, y, n = f.iloc[order], y[order], len(order) * 4 // 5
    x, levels = (as_trees if form == "trees" else as_dense)(f, n)
    return (x[:n], y[:n]), (x[n:], y[n:]), levels, classes


def as_trees(f, n):
    x, levels = np.empty((len(f), f.shape[1]), np.float32), np.zeros(f.shape[1], np.uint32)
    for j, name in enumerate(f.columns):
        v, when = f[name], days(f[name])
        if v.dtype.kind in "fiub" or when is not None:
            x[:, j] = v if when is None else when
            continue
        known = pd.Index(v.iloc[:n].dropna().astype(str).unique()).sort_values()
        codes = known.get_indexer(v.astype(str))
        x[:, j] = np.where((codes < 0) | v.isna(), np.nan, codes)
        levels[j] = len(known)
    return x, levels


def as_dense(f, n):
    parts = []
    for name in f.columns:
        v, when = f[name], days(f[name])
        if v.dtype.kind in "fiub" or when is not None:
            v = np.asarray(v if when is None else when, np.float64)
            parts.append(np.where(np.isnan(v), np.nanmean(v[:n]) if not np.isnan(v[:n]).all() else 0, v)[:, None])
            continue
        known = v.iloc[:n].astype(str).value_counts().index[:64]
        parts.append((v.astype(str).to_numpy()[:, None] == known.to_numpy()[None, :]).astype(np.float64))
    x = np.hstack(parts)
    mean, deviation = x[:n].mean(axis=0), x[:n].std(axis=0)
    x = (x - mean) / np.where(deviation > 0, deviation, 1)
    return x.astype(np.float32), np.zeros(x.shape[1], np.uint32)


def put(path, x, y, levels, classes):
    with open(path, "wb") as f:
        np.array([*x.shape, classes], np.uint32).tofile(f)
        np.asarray(levels, np.uint32).tofile(f)
        np.ascontiguousarray(x.T, np.float32).tofile(f)
        np.asarray(y, np.float32).tofile(f)


def get(path):
    n, p, classes = (int(v) for v in np.fromfile(path, np.uint32, 3))
    levels = np.fromfile(path, np.uint32, p, offset=12)
    body = np.fromfile(path, np.float32, offset=12 + 4 * p)
    return np.ascontiguousarray(body[: n * p].reshape(p, n).T), body[n * p :].astype(np.float64), levels, classes


def files(folder, name, seed, form, most_rows=None):
    """Paths of the two parts, written when they are not there yet."""
    os.makedirs(folder, exist_ok=True)
    paths = [os.path.join(folder, f"{name}-{seed}-{form}{most_rows or ''}-{part}") for part in ("train", "test")]
    if not all(os.path.exists(path) for path in paths):
        train, test, levels, classes = split(name, seed, form, most_rows)
        for path, (x, y) in zip(paths, (train, test)):
            put(path + ".part", x, y, levels, classes)
            os.rename(path + ".part", path)
    return paths


def scores(out, y, classes):
    """loss (log loss, or root mean squared error) and error (share of wrong classes, 1 - AUC of two, or the loss)."""
    if not classes:
        loss = float(np.sqrt(np.mean((out - y) ** 2)))
        return {"loss": loss, "error": loss}
    if classes == 2:
        chosen = np.where(y > 0.5, out, 1 - out)
        rank = pd.Series(out).rank().to_numpy()
        ones = y.sum()
        auc = (rank[y > 0.5].sum() - ones * (ones + 1) / 2) / (ones * (len(y) - ones))
        return {"loss": float(-np.mean(np.log(np.maximum(chosen, 1e-15)))), "error": float(1 - auc)}
    out = out.reshape(len(y), classes)
    chosen = out[np.arange(len(y)), y.astype(int)]
    return {"loss": float(-np.mean(np.log(np.maximum(chosen, 1e-15)))), "error": float(np.mean(out.argmax(axis=1) != y))}
