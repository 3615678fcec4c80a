"""Damaged model files: what loading and predicting makes of them, ours beside LightGBM and XGBoost.

    python bench/faults/mutations.py LIBAUTOML.so [--each 10000] [--seed 1] [--only automl,lightgbm,xgboost]

Every system trains a small model of boosted trees on the same data and saves it. The file is then cut short at a random place,
or one byte is changed, or one number of a tree (a child, a feature, a threshold): in LightGBM's text and XGBoost's JSON in
place, in ours in the section of the fits, as it is and with all checksums mended, as a forger would. Each mutant is loaded and
predicts in a process of its own with a second of processor time and 4 GB. What comes of it:

    refused    an error, no predictions            same     accepted, the predictions are those of the file as it was
    signal     the process died                    changed  accepted, other predictions: silently wrong
    hang       no end within that second       not finite
"""
import argparse
import ctypes
import json
import os
import random
import re
import resource
import select
import signal
import struct
import sys
import tempfile
import time
import zlib

os.environ["OMP_NUM_THREADS"] = "1"  # a process that has forked must not wait for threads that it does not have

import numpy as np  # noqa: E402

KINDS = ("truncation", "byte", "number")
SECONDS = 1  # of processor time
OUTCOMES = ("refused", "same", "changed", "not finite", "signal", "hang")


def data():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(400, 6))
    y = (x[:, 0] + x[:, 1] * x[:, 2] + rng.normal(size=400) * 0.5 > 0).astype(int)
    return x, y


# ---- systems: save() gives the bytes of a model, use(path) loads it and predicts


class LightGBM:
    name = "lightgbm"

    def __init__(self, x, y):
        import lightgbm
        self.module, self.x = lightgbm, x
        self.version = lightgbm.__version__
        self.model = lightgbm.train({"objective": "binary", "verbosity": -1, "num_threads": 1, "num_leaves": 15},
                                    lightgbm.Dataset(x, y), 20)

    def save(self, path):
        self.model.save_model(path)

    def use(self, path):
        return self.module.Booster(model_file=path).predict(self.x, num_threads=1)

    numbers = re.compile(rb"(?<=[= ])-?\d[\d.e+-]*")
    lines = re.compile(rb"^(split_feature|threshold|left_child|right_child|decision_type|num_leaves|leaf_value)=.*$", re.M)


class XGBoost:
    name = "xgboost"

    def __init__(self, x, y):
        import xgboost
        self.module, self.x = xgboost, xgboost.DMatrix(x)
        self.version = xgboost.__version__
        self.model = xgboost.train({"objective": "binary:logistic", "nthread": 1, "max_leaves": 15}, xgboost.DMatrix(x, y), 20)

    def save(self, path):
        self.model.save_model(path)

    def use(self, path):
        model = self.module.Booster({"nthread": 1}, model_file=path)
        return model.predict(self.x)

    numbers = re.compile(rb"(?<=[\[,])-?\d[\d.E+-]*")
    lines = re.compile(rb'"(left_children|right_children|parents|split_indices|split_conditions|base_weights|split_type)":\[[^\]]*\]')


class Ours:
    name = "automl"

    def __init__(self, x, y, library):
        self.library = ctypes.CDLL(library)
        for f, result, arguments in (
                ("aml_frame_builder_new", ctypes.c_void_p, [ctypes.c_size_t, ctypes.c_void_p]),
                ("aml_frame_add_numbers", ctypes.c_int, [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]),
                ("aml_frame_build", ctypes.c_void_p, [ctypes.c_void_p]),
                ("aml_model_load", ctypes.c_int, [ctypes.c_void_p, ctypes.c_char_p]),
                ("aml_model_predict", ctypes.c_int, [ctypes.c_void_p] * 3 + [ctypes.c_int]),
                ("aml_version", ctypes.c_char_p, [])):
            call = getattr(self.library, f)
            call.restype, call.argtypes = result, arguments
        self.version = self.library.aml_version().decode()
        self.n, self.frame = len(y), self.make_frame(x)
        self.x, self.y = x, y

    def make_frame(self, x):
        b = self.library.aml_frame_builder_new(len(x), None)
        for j in range(x.shape[1]):
            column = np.ascontiguousarray(x[:, j])
            assert not self.library.aml_frame_add_numbers(b, b"x%d" % j, column.ctypes.data)
        return self.library.aml_frame_build(b)

    def save(self, path):
        with tempfile.TemporaryDirectory() as folder:
            table = os.path.join(folder, "table.csv")
            names = ",".join("x%d" % j for j in range(self.x.shape[1]))
            np.savetxt(table, np.column_stack([self.x, self.y]), delimiter=",", header=names + ",y", comments="", fmt="%.17g")
            program = os.path.join(os.path.dirname(os.path.abspath(args.library)), "automl")
            status = os.spawnv(os.P_WAIT, program, [program, "train", table, "--target", "y", "--learners", "gbdt", "--trials", "2",
                                                    "--quiet", "--threads", "1", "--output", path])
            assert status == 0

    def use(self, path):
        model = ctypes.c_void_p()
        if self.library.aml_model_load(ctypes.byref(model), path.encode()):
            raise ValueError("refused")
        out = np.empty((self.n, 1))
        if self.library.aml_model_predict(out.ctypes.data, model, self.frame, 1):
            raise ValueError("refused")
        return out.ravel()


class OursMended(Ours):
    """With the checksums of a forger, who knows the format: what the checks behind them are worth."""
    name = "automl, checksums mended"


def mend(raw):
    """Length and checksums of header, table and sections, as modelfile.c writes them."""
    raw = bytearray(raw)
    struct.pack_into("<Q", raw, 16, len(raw))
    struct.pack_into("<I", raw, 24, zlib.crc32(raw[:24]))
    for i in range(2):
        at = 28 + 24 * i
        offset, length = struct.unpack_from("<QQ", raw, at + 8)
        length = min(length, max(0, len(raw) - offset)) if i == 1 else length
        struct.pack_into("<Q", raw, at + 16, length)
        struct.pack_into("<I", raw, at + 4, zlib.crc32(raw[offset:offset + length]))
    struct.pack_into("<I", raw, 28 + 48, zlib.crc32(raw[28:28 + 48]))
    return bytes(raw)


# ---- mutants


def some_number(rng):
    return rng.choice((-1, 0, 1, 2, 7, 255, 256, 65535, 65536, 2**31 - 1, -2**31, 2**32 - 1, rng.randrange(-40, 40), rng.randrange(2**31)))


def changed_number(raw, system, rng):
    if isinstance(system, Ours):
        offset, length = struct.unpack_from("<QQ", raw, 28 + 24 + 8)
        at = offset + rng.randrange(length - 4)
        return raw[:at] + struct.pack("<I", some_number(rng) & 0xffffffff) + raw[at + 4:]
    line = rng.choice(list(system.lines.finditer(raw)))
    number = rng.choice(list(system.numbers.finditer(raw, line.start(), line.end())))
    return raw[:number.start()] + str(some_number(rng)).encode() + raw[number.end():]


def mutant(raw, kind, system, rng):
    while True:
        if kind == "truncation":
            out = raw[:rng.randrange(len(raw))]
        elif kind == "byte":
            at = rng.randrange(len(raw))
            out = raw[:at] + bytes([rng.randrange(256)]) + raw[at + 1:]
        else:
            out = changed_number(raw, system, rng)
        if isinstance(system, OursMended) and len(out) > 100:
            out = mend(out)
        if out != raw:
            return out


# ---- one mutant in a process of its own


def child(system, path, expected, end):
    resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS + 1))  # SIGXCPU, not SIGKILL
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.dup2(null, 2)
    try:
        got = np.asarray(system.use(path), float)
        word = ("not finite" if not np.isfinite(got).all() else
                "same" if got.shape == expected.shape and np.array_equal(got, expected) else "changed")
    except BaseException:  # what a library raises is its way to refuse
        word = "refused"
    os.write(end, word.encode())
    os._exit(0)


def judge(system, path, expected):
    ours, theirs = os.pipe()
    pid = os.fork()
    if not pid:
        child(system, path, expected, theirs)
    os.close(theirs)
    ready, _, _ = select.select([ours], [], [], 60)
    word = os.read(ours, 100).decode() if ready else "hang"
    os.close(ours)
    if word == "hang":
        os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGXCPU:
        return "hang"
    return word or "signal"


def main():
    x, y = data()
    made = {"automl": lambda: Ours(x, y, args.library), "automl, checksums mended": lambda: OursMended(x, y, args.library),
            "lightgbm": lambda: LightGBM(x, y), "xgboost": lambda: XGBoost(x, y)}
    folder = tempfile.mkdtemp()
    print("%d mutants a line, seed %d" % (args.each, args.seed))
    print("%-36s %-11s " % ("system", "mutation") + " ".join("%10s" % o for o in OUTCOMES), flush=True)
    bad = 0
    for name in [n for n in made if args.only is None or n.split(",")[0] in args.only.split(",")]:
        system = made[name]()
        path = os.path.join(folder, "model.json" if name == "xgboost" else "model")
        system.save(path)
        with open(path, "rb") as f:
            raw = f.read()
        expected = np.asarray(system.use(path), float)
        for kind in KINDS:
            rng = random.Random("%d %s %s" % (args.seed, name, kind))
            counts = dict.fromkeys(OUTCOMES, 0)
            for i in range(args.each):
                data_ = mutant(raw, kind, system, rng)
                with open(path, "wb") as f:
                    f.write(data_)
                word = judge(system, path, expected)
                counts[word] += 1
                if isinstance(system, Ours) and word in ("signal", "hang", "not finite"):
                    keep = os.path.join(folder, "%s_%s_%d" % (word, kind, i))
                    os.rename(path, keep)
                    print("kept", keep, file=sys.stderr)
            if isinstance(system, Ours):
                bad += counts["signal"] + counts["hang"] + counts["not finite"]
                bad += counts["changed"] + counts["same"] if name == "automl" else 0
            print("%-36s %-11s " % (name + " " + system.version, kind) + " ".join("%10d" % counts[o] for o in OUTCOMES), flush=True)
    return bad > 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("library", help="libautoml.so, with the program beside it")
    parser.add_argument("--each", type=int, default=10000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only")
    args = parser.parse_args()
    sys.exit(main())
