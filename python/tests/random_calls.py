"""Random sequences of calls, misuse among them: nothing crashes, every failure is named, memory does not grow.

    python random_calls.py [--calls 1000000] [--seed 1]

Objects are made, used and dropped in random order, with arguments of every kind: sensible ones, wrong ones and nonsense. What is
raised has to be an AutoMLError with words of its own, or a ValueError, TypeError or the like of Python. Under
AddressSanitizer, with a library built by -DAUTOML_SANITIZE=ON:

    AUTOML_LIBRARY=build-asan/libautoml.so LD_PRELOAD=$(gcc -print-file-name=libasan.so) ASAN_OPTIONS=detect_leaks=0 \\
        PYTHONPATH=python python python/tests/random_calls.py
"""

import argparse
import collections
import faulthandler
import math
import os
import random
import sys
import tempfile
import time

import numpy as np

import automl
from automl._library import _FUNCTIONS, lib

EXPECTED = (automl.AutoMLError, ValueError, TypeError, IndexError, KeyError, AttributeError, OverflowError, LookupError)


class World:
    """The objects there are, and what can be done with them."""

    def __init__(self, seed, folder):
        self.r = random.Random(seed)
        self.folder = folder
        self.frames, self.models, self.studies, self.trials, self.blobs = [], [], [], [], []
        self.files = [os.path.join(folder, f"f{i}") for i in range(4)] + [os.path.join(folder, "no", "f"), folder, ""]
        self.seen = collections.Counter()
        self.steps = [getattr(self, name) for name in dir(self) if name.startswith("do_")]
        self.rare = {self.do_train: 0.003, self.do_fit: 0.003, self.do_explain: 0.01, self.do_save: 0.02, self.do_load: 0.05,
                     self.do_bytes: 0.02, self.do_open_study: 0.01, self.do_read: 0.05, self.do_break: 0.05,
                     self.do_evaluate: 0.05, self.do_new_study: 0.3, self.do_importance: 0.1}
        rows = {"x": [i % 7 + 0.5 for i in range(40)], "kind": ["a", "b"] * 20, "y": [i % 3 for i in range(40)]}
        self.good = automl.train(rows, "y", trials=1, learners=["logistic"], validation="holdout0.3")
        self.models.append(self.good)

    # ---- arguments

    def number(self):
        r = self.r
        return r.choice((0, 1, -1, 2, r.random(), r.gauss(0, 1e3), math.nan, math.inf, -math.inf, 1e308, 2**31, 2**63, 10**30))

    def text(self):
        r = self.r
        return r.choice(("", "x", "y", "x0", "kind", "è", "a\0b", "\udce8", "1", "NA", "2020-01-02", "x" * 3000, " ",
                         "gbdt", "loss", "[1, 2]", "{}", "%s%n", "".join(chr(r.randrange(1, 0x300)) for _ in range(5))))

    def nonsense(self):
        return self.r.choice((None, True, b"x", [], {}, (), object(), self.number(), self.text(), [self.text()], {1: 2},
                              np.zeros(3), range(4), self))

    def cell(self):
        return self.r.choice((None, 1, 2.5, "a", "b", True, self.number(), self.text(), b"z", [1], np.float32(2)))

    def column(self, n):
        r = self.r
        kind = r.randrange(9)
        if kind == 0:
            return [self.cell() for _ in range(n)]
        if kind == 1:
            return np.array([r.randrange(5) for _ in range(n)], dtype=r.choice(("i1", "u2", "i4", "u8", "f2", "f4", "f8", "?")))
        if kind == 2:
            return [r.choice("abc") for _ in range(n)]
        if kind == 3:
            return np.array([r.randrange(10**9) for _ in range(n)], dtype=r.choice(("M8[s]", "M8[ns]", "m8[us]", "M8[D]")))
        if kind == 4:
            return [self.text() for _ in range(n)]
        return [r.gauss(0, 1) if r.random() < 0.9 else None for _ in range(n)]

    def table(self):
        r, n = self.r, self.r.choice((0, 1, 2, 5, 20, 40))
        kind = r.randrange(8)
        if kind == 0:
            return self.nonsense()
        if kind == 1:
            return np.array([[r.random() for _ in range(r.choice((1, 3)))] for _ in range(n)])
        if kind == 2:
            return {self.text(): self.column(n + (r.random() < 0.1)) for _ in range(3)}
        return {"x": self.column(n), "kind": self.column(n), "y": [float(i % 3) for i in range(n)]}

    def trouble(self, items):
        if items is self.models and self.r.random() < 0.3:
            return self.good
        return self.r.choice(items) if items else None

    def keep(self, items, item, most):
        items.append(item)
        if len(items) > most:
            items.pop(self.r.randrange(len(items)))

    # ---- frames

    def do_frame(self):
        names = self.r.choice((None, None, ["kind"], self.nonsense()))
        self.keep(self.frames, automl.Frame(self.table(), categories=names, skip=self.r.choice((None, None, "y"))), 5)

    def do_read(self):
        path = self.r.choice(self.files[:5])
        if path in self.files[:4]:
            with open(path, "wb") as file:
                rows = (f"{self.r.random()},{self.r.choice('abc')},{i % 3}" for i in range(self.r.choice((0, 1, 30))))
                file.write(self.r.choice(("x,kind,y\n" + "\n".join(rows), "", "\0\1", "a,b\n1", "\"", "é;ü\n1;2")).encode())
        options = {name: self.nonsense() for name in self.r.sample(("separator", "encoding", "ragged", "skip_lines"), 1)
                   if self.r.random() < 0.5}
        self.keep(self.frames, automl.read_csv(path, **options), 5)

    def do_look(self):
        frame = self.trouble(self.frames)
        if frame is not None:
            frame.notes, frame.columns, repr(frame)
            frame.text(self.r.choice(("x", "kind", self.text())), self.r.choice((0, 5, 10**9, -1)))

    # ---- models

    def do_train(self):
        data = self.r.choice((self.trouble(self.frames), self.table(), self.table(), {
            "x": [self.r.random() for _ in range(40)], "kind": ["a", "b"] * 20, "y": [i % 3 for i in range(40)]}))
        options = {}
        for name in self.r.sample(("task", "metric", "drop", "weight", "learners", "ensemble", "seed", "n_jobs", "validation",
                                   "prefer", "featurization", "threshold", "increasing", "interactions", "exit_score"), 2):
            if self.r.random() < 0.5:
                options[name] = self.nonsense()
        self.keep(self.models, automl.train(data, self.r.choice(("y", "y", "kind", self.text())), trials=1,
                                            **{"learners": ["ridge", "logistic", "knn"], **options}), 3)

    def do_fit(self):
        kind = self.r.choice((automl.AutoMLClassifier, automl.AutoMLRegressor))
        X = self.r.choice((self.table(), np.array([[self.r.random(), i % 3] for i in range(40)])))
        model = kind(trials=1, learners=self.r.choice((["knn", "ridge"], self.nonsense())))
        model.fit(X, self.r.choice((self.column(len(X) if hasattr(X, "__len__") else 3), self.nonsense())))
        model.predict(self.table())

    def do_predict(self):
        model = self.trouble(self.models)
        if model is not None:
            data = self.trouble(self.frames) if self.r.random() < 0.3 else self.table()
            self.r.choice((model.predict, model.predict_proba))(data, n_jobs=1)

    def do_evaluate(self):
        model = self.trouble(self.models)
        if model is not None:
            model.evaluate(self.trouble(self.frames) or self.table(), n_jobs=1)

    def do_explain(self):
        model = self.trouble(self.models)
        if model is not None:
            rows = self.r.choice((None, [0], [10**6], [-1], self.nonsense()))
            self.r.choice((model.explain, model.permutation_importance))(self.table(), rows=rows, n_jobs=1)

    def do_inspect(self):
        model = self.trouble(self.models)
        if model is not None:
            name = self.r.choice(("leaderboard", "importance", "guardrails", "alternatives", "parts", "inputs", "score", "classes",
                                  "threshold", "_repr_html_", "__repr__"))
            getattr(model, name)

    def do_save(self):
        model = self.trouble(self.models)
        if model is not None:
            model.save(self.r.choice(self.files + [self.nonsense()]))

    def do_load(self):
        self.keep(self.models, automl.load(self.r.choice(self.files + [self.nonsense()])), 3)

    def do_bytes(self):
        model = self.trouble(self.models)
        if model is not None:
            self.keep(self.blobs, model.to_bytes(), 3)

    def do_break(self):
        if not self.blobs:
            return
        data = bytearray(self.r.choice(self.blobs))
        for _ in range(self.r.randrange(4)):
            data[self.r.randrange(len(data))] ^= 1 << self.r.randrange(8)
        if self.r.random() < 0.3:
            del data[self.r.randrange(len(data)):]
        self.keep(self.models, automl.Model.from_bytes(data), 3)

    # ---- studies

    def do_new_study(self):
        space = self.r.choice(("x = float(0, 1); kind = choice(a, b); n = int(1, 9) if kind == a", "x = int(1, 3)",
                               {"x": [1, 2], "kind": ["a"]}, "x = float(1, 0)", self.text(), self.nonsense()))
        options = {name: self.nonsense() for name in self.r.sample(("sampler", "scheduler", "constraints", "goal", "seed"), 2)
                   if self.r.random() < 0.2}
        self.keep(self.studies, automl.Study(space, **options), 4)

    def do_open_study(self):
        path = self.r.choice(self.files[:5])
        self.keep(self.studies, self.r.choice((lambda: automl.Study("x = int(1, 3)", path=path), lambda: automl.Study(path=path),
                                               lambda: automl.Study.load(path)))(), 4)

    def do_ask(self):
        study = self.trouble(self.studies)
        if study is not None and len(study) < 200:
            self.keep(self.trials, study.ask(), 20)

    def do_tell(self):
        study = self.trouble(self.studies)
        if study is not None:
            trial = self.r.choice((self.trouble(self.trials), self.r.randrange(200), self.nonsense()))
            study.tell(trial, self.r.choice((self.number(), self.r.random(), self.nonsense())),
                       self.r.choice(("done", "done", "pruned", "failed", self.text())))

    def do_report(self):
        trial = self.trouble(self.trials)
        if trial is not None:
            trial.report(self.r.choice((1, 2, 3, self.number())), self.number())

    def do_enqueue(self):
        study = self.trouble(self.studies)
        if study is not None:
            study.enqueue(self.r.choice(({"x": 1}, {"x": self.cell()}, self.nonsense())))

    def do_best(self):
        study = self.trouble(self.studies)
        if study is not None:
            study.goals, study.notes, study.value(self.r.choice((0, 10**9)), self.r.choice((0, 7)))
            study.best_params

    def do_importance(self):
        study = self.trouble(self.studies)
        if study is not None:
            study.importance(self.r.choice((0, 1, 10**6)))
            study._repr_html_()

    # ---- the functions themselves

    def do_nothing_given(self):
        """Any function with NULL for all pointers: an error, or nothing happens."""
        name = self.r.choice(sorted(_FUNCTIONS))
        if not lib.has(name):
            return
        values = {"s": None, "p": None, "z": self.r.choice((0, 1, 2**64 - 1)), "i": self.r.choice((0, -1, 2**31 - 1)),
                  "u": 0, "d": self.r.choice((0.0, math.nan)), "q": 0}
        if name == "aml_last_error":
            return
        getattr(lib, name)(*[values[code] for code in _FUNCTIONS[name][1:]])

    def step(self):
        do = self.r.choice(self.steps)
        if self.r.random() > self.rare.get(do, 1):
            return False
        try:
            do()
            self.seen[do.__name__, "ok"] += 1
        except EXPECTED as failure:
            if not str(failure):
                raise AssertionError(f"{do.__name__}: {failure!r} has no words") from failure
            self.seen[do.__name__, type(failure).__name__] += 1
        except MemoryError as failure:
            self.seen[do.__name__, type(failure).__name__] += 1
        return True


def resident():
    """Bytes of this process in memory."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--calls", type=int, default=20000)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args()
    faulthandler.enable()
    print(f"seed {options.seed}, {options.calls} calls, libautoml {automl.library_version()}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        world, done, start, memory = World(options.seed, folder), 0, time.time(), []
        while done < options.calls:
            done += world.step()
            if len(memory) < 10 * done // options.calls:
                memory.append(resident() >> 20)
                print(f"{done} calls, {time.time() - start:.0f} s, {memory[-1]} MiB", flush=True)
        os.chdir("/")
    for (name, result), count in sorted(world.seen.items()):
        print(f"{name[3:]:14} {result:18} {count}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
