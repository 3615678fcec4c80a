"""Scoring of boosted trees beside LightGBM, XGBoost, treelite and ONNX Runtime: rows a second, and one row alone.

    python bench/scoring/bench_scoring.py --program build/bench_scoring --case higgs,wide,covertype --leaves 31,255

Needs numpy, scipy, lightgbm, xgboost, treelite, tl2cgen, onnxmltools and onnxruntime, and a C compiler. Everyone learns
an ensemble of its own of the same shape on the same generated table (those of ../learners/bench_gbdt.py): 500 trees (of
several classes as many rounds as come to that), learning rate 0.1, 255 bins, at least 20 rows a leaf (XGBoost:
curvature 5; of wide tables it gets a quarter of the rows). TL2cgen (C code from treelite's model, compiled by gcc -O2) and ONNX Runtime score LightGBM's. Models are
kept in --folder.

In each round everyone takes a turn; medians over the rounds are printed. Batches go from a float32 matrix, row-major,
to predictions. One row goes through the fastest interface that each has:
    ours          aml_learner.predict of one row, from C, with all that a caller has to do
    lightgbm      LGBM_BoosterPredictForMatSingleRowFast, from C
    xgboost       XGBoosterPredictFromDense, from C
    tl2cgen       the generated function, from C
    onnxruntime   InferenceSession.run, from Python (some 4 us of it are Python's)
    treelite      its interpreter gtil, from Python
"""
import argparse
import ctypes
import json
import os
import statistics
import subprocess
import sys
import time

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "learners"))
import bench_gbdt as tables

TREES, ROWS = 500, 100_000


def median_and_tail(took):
    took = np.sort(took)
    return float(took[len(took) // 2]), float(took[len(took) * 99 // 100])


def seconds_of(call):
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def row_times(call, x, n):
    rows = [x[i:i + 1] for i in range(n)]
    took = np.empty(n)
    for i, row in enumerate(rows):
        start = time.perf_counter_ns()
        call(row)
        took[i] = time.perf_counter_ns() - start
    return 1e-3 * took


# ---- who takes part: batch(rows, threads) gives seconds, row(n) microseconds of each

class Ours:
    def __init__(self, a, path, leaves, x, rounds):
        self.p = subprocess.Popen([a.program, path + ".train", path + ".test", f"{path}.{leaves}.ours",
                                   f"num_leaves={leaves}", f"rounds={rounds}"], stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, text=True)

    def ask(self, line):
        self.p.stdin.write(line + "\n")
        self.p.stdin.flush()
        return [float(v) for v in self.p.stdout.readline().split()]

    def batch(self, n, threads):
        return self.ask(f"batch {threads} {n}")[0]

    def row(self, n):
        return tuple(self.ask(f"row {n}"))

    def loss(self):
        return self.ask("loss")[0]


class LightGBM:
    def __init__(self, a, path, leaves, x, rounds):
        import lightgbm
        self.x, self.file = x, f"{path}.{leaves}.lightgbm"
        if not os.path.exists(self.file):
            train, y, _, classes = tables.read(path + ".train")
            options = {"num_leaves": leaves, "learning_rate": 0.1, "min_data_in_leaf": 20, "max_bin": 255, "verbose": -1,
                       "objective": {0: "regression", 2: "binary"}.get(classes, "multiclass"),
                       "num_class": classes if classes > 2 else 1, "num_threads": a.learn_threads}
            lightgbm.train(options, lightgbm.Dataset(train, y), rounds).save_model(self.file)
        self.model = lightgbm.Booster(model_file=self.file)
        self.lib, self.loops = lightgbm.basic._LIB, a.loops

    def predict(self):
        return self.model.predict(self.x)

    def batch(self, n, threads):
        return seconds_of(lambda: self.model.predict(self.x[:n], num_threads=threads))

    def row(self, n):
        config, p = ctypes.c_void_p(), self.x.shape[1]
        self.lib.LGBM_BoosterPredictForMatSingleRowFastInit(
            self.model._handle, 0, 0, -1, 0, ctypes.c_int32(p), ctypes.c_char_p(b"num_threads=1"), ctypes.byref(config))
        took = np.empty(n)
        fn = ctypes.cast(self.lib.LGBM_BoosterPredictForMatSingleRowFast, ctypes.c_void_p)
        assert not self.loops.loop_lightgbm(fn, config, ctypes.c_void_p(self.x.ctypes.data), ctypes.c_size_t(n),
                                            ctypes.c_size_t(p), ctypes.c_void_p(took.ctypes.data))
        self.lib.LGBM_FastConfigFree(config)
        return median_and_tail(took)


class XGBoost:
    def __init__(self, a, path, leaves, x, rounds):
        import xgboost
        self.x, self.file = x, f"{path}.{leaves}.xgboost.json"
        if not os.path.exists(self.file):
            train, y, _, classes = tables.read(path + ".train")
            options = {"max_leaves": leaves, "grow_policy": "lossguide", "max_depth": 0, "eta": 0.1, "max_bin": 255,
                       "min_child_weight": 5, "reg_lambda": 0, "tree_method": "hist", "nthread": a.learn_threads,
                       "objective": {0: "reg:squarederror", 2: "binary:logistic"}.get(classes, "multi:softprob")}
            if classes > 2:
                options["num_class"] = classes
            if train.shape[1] > 100:  # it is slow to learn there, and only the shape matters
                train, y = train[:25_000], y[:25_000]
            xgboost.train(options, xgboost.DMatrix(train, y), rounds).save_model(self.file)
        self.model = xgboost.Booster(model_file=self.file)
        self.lib, self.loops = xgboost.core._LIB, a.loops

    def predict(self):
        return self.model.inplace_predict(self.x)

    def batch(self, n, threads):
        self.model.set_param({"nthread": threads})
        return seconds_of(lambda: self.model.inplace_predict(self.x[:n]))

    def row(self, n):
        self.model.set_param({"nthread": 1})
        p = self.x.shape[1]
        row, took = np.zeros(p, np.float32), np.empty(n)
        values = json.dumps({"data": [row.ctypes.data, False], "shape": [1, p], "typestr": "<f4", "version": 3})
        config = json.dumps({"type": 0, "training": False, "iteration_begin": 0, "iteration_end": 0,
                             "strict_shape": False, "missing": float("nan"), "cache_id": 0})
        fn = ctypes.cast(self.lib.XGBoosterPredictFromDense, ctypes.c_void_p)
        assert not self.loops.loop_xgboost(fn, self.model.handle, values.encode(), config.encode(),
                                           ctypes.c_void_p(row.ctypes.data), ctypes.c_void_p(self.x.ctypes.data),
                                           ctypes.c_size_t(n), ctypes.c_size_t(p), ctypes.c_void_p(took.ctypes.data))
        return median_and_tail(took)


class Treelite:
    def __init__(self, a, path, leaves, x, rounds):
        import treelite
        self.x, self.gtil = x, treelite.gtil
        self.model = treelite.frontend.load_lightgbm_model(f"{path}.{leaves}.lightgbm")

    def batch(self, n, threads):
        n = min(n, 10_000)  # it is slow
        return seconds_of(lambda: self.gtil.predict(self.model, self.x[:n], nthread=threads)) * ROWS / n

    def row(self, n):
        return median_and_tail(row_times(lambda x: self.gtil.predict(self.model, x, nthread=1), self.x, min(n, 200)))


class TL2cgen:
    def __init__(self, a, path, leaves, x, rounds):
        import tl2cgen
        import treelite
        self.x, self.file, self.tl, self.loops = x, f"{path}.{leaves}.tl2cgen.so", tl2cgen, a.loops
        if not os.path.exists(self.file):
            model = treelite.frontend.load_lightgbm_model(f"{path}.{leaves}.lightgbm")
            tl2cgen.export_lib(model, toolchain="gcc", libpath=self.file, params={"parallel_comp": 32},
                               nthread=a.learn_threads, options=["-O2"])
        self.models = {t: tl2cgen.Predictor(self.file, nthread=t) for t in a.threads}
        self.fn = ctypes.cast(ctypes.CDLL(self.file).predict, ctypes.c_void_p)

    def batch(self, n, threads):
        rows = self.tl.DMatrix(self.x[:n])
        return seconds_of(lambda: self.models[threads].predict(rows))

    def row(self, n):
        took = np.empty(n)
        self.loops.loop_tl2cgen(self.fn, ctypes.c_void_p(self.x.ctypes.data), ctypes.c_size_t(n),
                                ctypes.c_size_t(self.x.shape[1]), ctypes.c_void_p(took.ctypes.data))
        return median_and_tail(took)


class OnnxRuntime:
    def __init__(self, a, path, leaves, x, rounds):
        import lightgbm
        import onnxruntime
        file = f"{path}.{leaves}.onnx"
        if not os.path.exists(file):
            import onnxmltools
            from onnxmltools.convert.common.data_types import FloatTensorType
            model = onnxmltools.convert_lightgbm(lightgbm.Booster(model_file=f"{path}.{leaves}.lightgbm"), zipmap=False,
                                                 initial_types=[("x", FloatTensorType([None, x.shape[1]]))])
            with open(file, "wb") as f:
                f.write(model.SerializeToString())
        self.x, self.sessions = x, {}
        for threads in sorted({1, *a.threads}):
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = threads
            options.add_session_config_entry("session.intra_op.allow_spinning", "0")
            self.sessions[threads] = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
        self.want = [self.sessions[1].get_outputs()[-1].name]

    def batch(self, n, threads):
        return seconds_of(lambda: self.sessions[threads].run(self.want, {"x": self.x[:n]}))

    def row(self, n):
        return median_and_tail(row_times(lambda x: self.sessions[1].run(self.want, {"x": x}), self.x, n))


WHO = {"ours": Ours, "lightgbm": LightGBM, "xgboost": XGBoost, "tl2cgen": TL2cgen, "onnxruntime": OnnxRuntime,
       "treelite": Treelite}


# ---- rounds

def loss_of(peer, path):
    _, y, _, classes = tables.read(path + ".test")
    out, i = peer.predict(), np.arange(len(y))
    if classes == 0:
        return float(np.sqrt(np.mean((out - y) ** 2)))
    p = out[i, y.astype(int)] if classes > 2 else np.where(y > 0.5, out, 1 - out)
    return float(-np.mean(np.log(np.maximum(p, 1e-15))))


def measure(a, case, leaves):
    path = os.path.join(a.folder, case)
    x, _, _, classes = tables.read(path + ".test")
    rounds = TREES // classes if classes > 2 else TREES
    peers = {who: WHO[who](a, path, leaves, x, rounds) for who in a.peers}
    got = {who: {"row": [], "tail": [], **{t: [] for t in a.threads}} for who in peers}
    losses = {who: p.loss() if who == "ours" else loss_of(p, path) for who, p in peers.items()
              if who in ("ours", "lightgbm", "xgboost")}
    for _ in range(a.repeats):
        for who, peer in peers.items():
            for threads in a.threads:
                got[who][threads].append(peer.batch(ROWS, threads))
            median, tail = peer.row(a.single_rows)
            got[who]["row"].append(median)
            got[who]["tail"].append(tail)
    trees = rounds * (classes if classes > 2 else 1)
    for who, g in got.items():
        ours = got["ours"]
        line = f"{case:<10}{leaves:>4}{trees:>6}  {who:<12}"
        for threads in a.threads:
            s, o = statistics.median(g[threads]), statistics.median(ours[threads])
            line += f"{ROWS / s:>12,.0f}{s / o:>8.1f}"
        r, o = statistics.median(g["row"]), statistics.median(ours["row"])
        line += f"{r:>10.2f}{statistics.median(g['tail']):>9.1f}{r / o:>8.1f}"
        print(line + (f"{losses[who]:>10.5f}" if who in losses else ""), flush=True)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--program", default="build/bench_scoring")
    p.add_argument("--folder", default="scoring_tables")
    p.add_argument("--case", default="higgs,wide,covertype")
    p.add_argument("--leaves", default="31,255")
    p.add_argument("--threads", default="1,2")
    p.add_argument("--peers", default=",".join(WHO))
    p.add_argument("--repeats", type=int, default=5)
    p.add_argument("--single-rows", type=int, default=3000)
    p.add_argument("--learn-threads", type=int, default=2)
    a = p.parse_args()
    a.threads, a.peers = [int(t) for t in a.threads.split(",")], a.peers.split(",")
    os.makedirs(a.folder, exist_ok=True)
    loops = os.path.join(a.folder, "row_loop.so")
    source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "row_loop.c")
    subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-o", loops, source], check=True)
    a.loops = ctypes.CDLL(loops)
    head = f"{'case':<10}{'lvs':>4}{'trees':>6}  {'who':<12}"
    head += "".join(f"{'rows/s, ' + str(t) + ' thr':>12}{'/ ours':>8}" for t in a.threads)
    print(head + f"{'one us':>10}{'p99 us':>9}{'/ ours':>8}{'loss':>10}")
    for case in a.case.split(","):
        for seed, part in ((1, ".train"), (tables.TEST_SEED, ".test")):
            tables.write(os.path.join(a.folder, case + part), case, ROWS, seed)
        for leaves in a.leaves.split(","):
            measure(a, case, int(leaves))


if __name__ == "__main__":
    main()
