"""Exported models in ONNX Runtime beside the engine, over real tables: every learner by itself, and ensembles.

usage: onnx_tables.py PROGRAM FOLDER [TABLE …]

FOLDER holds index.csv (name, file, task, target, …) and the tables, as for all_tables.sh. Needs numpy, onnx and onnxruntime. Of each
table, 1200 rows (of small ones three quarters) are for training and 400 others to predict, drawn by a fixed seed. A line a model: the pipeline, the nodes of the
graph, the largest relative difference of a prediction, and how many classes differ; or why it was refused."""

import csv
import datetime
import gzip
import io
import json
import os
import random
import subprocess
import sys
import tempfile

import numpy as np
import onnx
import onnxruntime

TABLES = """adult_census_income bank_marketing hotel_bookings weather_aus_rain electricity_elec2 eeg_eye_state htru2_pulsar
magic_telescope occupancy_detection mushroom spambase us_life_agent_surrender cylinder_bands chicago_taxi_tip letter nursery optdigits
soybean car_evaluation arrhythmia thyroid_hypo diamonds kc_house_sales ames_housing bike_sharing_hourly abalone cps_earnings
forest_fires_area nyc_taxi_fare_2019 pima_diabetes sms_spam""".split()
CLASSIFIERS = "baseline logistic linear_svm naive_bayes knn mlp gbdt random_forest extra_trees".split()
REGRESSORS = "baseline ridge elastic_net glm knn mlp gbdt random_forest extra_trees".split()
TRAIN, NEW = 1200, 400
MISSING = {"", "?", "NA", "N/A", "NaN", "nan", "NULL", "null", "None"}


def read_table(path):
    """Cells without the markers of missing ones, which are then the same for both sides."""
    opened = gzip.open if path.endswith(".gz") else open
    with opened(path, "rt", newline="", encoding="utf-8", errors="replace") as f:
        header, *rows = list(csv.reader(f))
    rows = [["" if c.strip() in MISSING else c.strip() for c in r] for r in rows if len(r) == len(header)]
    random.Random(7).shuffle(rows)
    return header, rows


def write_csv(path, header, rows):
    with open(path, "w", newline="", encoding="utf-8") as f:
        csv.writer(f).writerows([header] + rows)


def seconds(cell):
    for form in ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%Y%m%dT%H%M%S", "%m/%d/%Y", "%d/%m/%Y"):
        try:
            return (datetime.datetime.strptime(cell, form) - datetime.datetime(1970, 1, 1)).total_seconds()
        except ValueError:
            pass
    return float("nan")


def number(cell):
    words = {"true": 1.0, "false": 0.0, "yes": 1.0, "no": 0.0, "": float("nan")}
    return words[cell.lower()] if cell.lower() in words else float(cell.replace(",", "").strip("$%"))


def feed(session, header, rows):
    about = {i.name: i.type for i in session.get_inputs()}
    dates = {i.name for i in onnx_inputs if "seconds" in i.doc_string}
    out = {}
    for name, kind in about.items():
        cells = [r[header.index(name)] for r in rows]
        if kind == "tensor(string)":
            out[name] = np.array(cells, dtype=object).reshape(-1, 1)
        else:
            out[name] = np.array([(seconds if name in dates else number)(c) for c in cells]).reshape(-1, 1)
    return out


def run(*command):
    r = subprocess.run(command, capture_output=True, text=True)
    if r.returncode:
        first, *rest = [line.strip() for line in r.stderr.strip().split("\n")]
        return None, first
    return r.stdout, None


def compare(program, work, header, rows):
    """(nodes, largest relative difference, classes that differ) of the model in the folder, or why there is none."""
    global onnx_inputs
    model, exported, new = (os.path.join(work, x) for x in ("m.automl", "m.onnx", "new.csv"))
    _, refused = run(program, "export", model, "--format", "onnx", "--output", exported)
    if refused:
        return refused
    graph = onnx.load(exported)
    onnx.checker.check_model(graph, full_check=True)
    onnx_inputs = graph.graph.input
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 3
    session = onnxruntime.InferenceSession(exported, options, providers=["CPUExecutionProvider"])
    text, failed = run(program, "predict", model, new, "--threads", "1")
    if failed:
        return failed
    said, *lines = list(csv.reader(io.StringIO(text)))
    found = session.run(None, feed(session, header, rows))
    ours = np.array([[float(x) for x in (r if len(said) == 1 else r[1:])] for r in lines])
    theirs = found[-1]
    if ours.shape[1] == 2:  # the first is what the second leaves to 1
        ours, theirs = ours[:, 1:], theirs[:, 1:]
    d = np.abs(ours - theirs) / np.maximum(np.abs(ours), 1e-300)
    d[ours == theirs] = 0
    flips = 0 if len(said) == 1 else sum(r[0] != str(x) for r, x in zip(lines, found[0]))
    return len(graph.graph.node), float(d.max()), flips


def pipelines_of(program, model):
    text, _ = run(program, "inspect", model, "--json")
    return [m["pipeline"] for m in json.loads(text)["members"]]


def steps_of(pipelines):
    """Names of the steps of all pipelines, parameters left out."""
    names = []
    for p in pipelines:
        depth, bare = 0, ""
        for c in p.split("<-")[1] if "<-" in p else "":
            depth += (c == "(") - (c == ")")
            bare += c if depth == 0 and c != ")" else ""
        names += [s.strip() for s in bare.split(",") if s.strip() and s.strip() not in names]
    return " ".join(names)


def main(program, folder, wanted):
    with open(os.path.join(folder, "index.csv"), newline="", encoding="utf-8") as f:
        index = {r["name"]: r for r in csv.DictReader(f)}
    print(f"onnx {onnx.__version__}, onnxruntime {onnxruntime.__version__}")
    print(f"{'table':24} {'learner':14} {'nodes':>6} {'rel. diff.':>10} {'classes':>8}  steps, or why refused")
    models, refused, wrong, worst = 0, 0, 0, {}
    for name in wanted or TABLES:
        table = index[name]
        header, rows = read_table(os.path.join(folder, table["file"]))
        regression, n = table["task"] == "regression", min(TRAIN, len(rows) * 3 // 4)
        with tempfile.TemporaryDirectory() as work:
            train, new = os.path.join(work, "train.csv"), os.path.join(work, "new.csv")
            write_csv(train, header, rows[:n])
            write_csv(new, header, rows[n : n + NEW])
            for learner in (REGRESSORS if regression else CLASSIFIERS) + ["ensemble"]:
                how = ["--trials", "6"] if learner == "ensemble" else ["--learners", learner, "--trials", "1", "--no-ensemble"]
                how += ["--validation", "cv3" if learner == "ensemble" else "holdout0.2"]
                how += ["--task", "regression"] if regression else []
                model = os.path.join(work, "m.automl")
                _, failed = run(
                    program, "train", train, "--target", table["target"], "--output", model, "--quiet", "--threads", "1", *how
                )
                result = failed or compare(program, work, header, rows[n : n + NEW])
                models += 1
                if isinstance(result, str):
                    refused += 1
                    print(f"{name:24} {learner:14} {'-':>6} {'-':>10} {'-':>8}  {result}", flush=True)
                    continue
                nodes, d, flips = result
                wrong += d > 1e-6 or flips > 0
                worst[learner] = max(worst.get(learner, 0), d)
                steps = steps_of(pipelines_of(program, model))
                print(f"{name:24} {learner:14} {nodes:6} {d:10.1e} {flips:8}  {steps}", flush=True)
    print(f"\n{models} models, {refused} refused, {wrong} beyond 1e-6 or with another class")
    print("largest by learner: " + ", ".join(f"{k} {v:.1e}" for k, v in worst.items()))
    return wrong > 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[3:]))
