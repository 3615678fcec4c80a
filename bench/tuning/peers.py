"""Runs Optuna's samplers on the functions of functions.c.

    cc -O2 -shared -fPIC -D_GNU_SOURCE -I. bench/tuning/functions.c -o FUNCTIONS.so -lm
    python bench/tuning/peers.py FUNCTIONS.so tpe,cmaes,random,gp SEEDS [FIRST LAST] > peers.txt

A line a run: optimiser, function, seed, best after 25, 50, 100 and 200 evaluations, CPU milliseconds.
"""
import ctypes
import math
import re
import sys
import time
import warnings

import optuna

warnings.filterwarnings("ignore")
optuna.logging.set_verbosity(optuna.logging.ERROR)
BUDGETS = (25, 50, 100, 200)

lib = ctypes.CDLL(sys.argv[1])
lib.tuning_functions.restype = ctypes.c_size_t
lib.tuning_name.restype = ctypes.c_char_p
lib.tuning_space.restype = ctypes.c_char_p
lib.tuning_value.restype = ctypes.c_double
lib.tuning_value.argtypes = [ctypes.c_size_t, ctypes.c_uint, ctypes.POINTER(ctypes.c_double)]
for f in (lib.tuning_name, lib.tuning_space):
    f.argtypes = [ctypes.c_size_t]


def read_space(text):
    """The short form, as far as functions.c uses it: (name, kind, arguments, condition)."""
    space = []
    for item in text.split(";"):
        name, kind, args, condition = re.match(
            r"\s*(\w+) = (\w+)\((.*?)\)(?: if (.*))?\s*$", item).groups()
        condition = condition and tuple(condition.split(" == "))
        space.append((name, kind, [a.strip() for a in args.split(",")], condition))
    return space


def suggest(trial, name, kind, args):
    if kind == "bool":
        return float(trial.suggest_categorical(name, [0, 1]))
    if kind == "choice":
        return float(args.index(trial.suggest_categorical(name, args)))
    low, high = float(args[0]), float(args[1])
    if kind == "int":
        return float(trial.suggest_int(name, int(low), int(high), log="log" in args))
    step = [float(a[5:]) for a in args if a.startswith("step=")]
    return trial.suggest_float(name, low, high, log=kind == "loguniform",
                               step=step[0] if step else None)


def sampler(name, seed):
    s = optuna.samplers
    return {"tpe": lambda: s.TPESampler(seed=seed),
            "tpe_single": lambda: s.TPESampler(seed=seed, multivariate=False),
            "tpe_group": lambda: s.TPESampler(seed=seed, multivariate=True, group=True),
            "cmaes": lambda: s.CmaEsSampler(seed=seed),
            "gp": lambda: s.GPSampler(seed=seed, deterministic_objective=False),
            "random": lambda: s.RandomSampler(seed=seed)}[name]()


def run(name, f, seed):
    space = read_space(lib.tuning_space(f).decode())

    def objective(trial):
        x = (ctypes.c_double * len(space))(*[math.nan] * len(space))
        words = {}
        for i, (p, kind, args, condition) in enumerate(space):
            if condition and words.get(condition[0]) != condition[1]:
                continue
            x[i] = suggest(trial, p, kind, args)
            if kind == "choice":
                words[p] = args[int(x[i])]
        return lib.tuning_value(f, seed, x)

    study = optuna.create_study(sampler=sampler(name, seed))
    start = time.process_time()
    study.optimize(objective, n_trials=BUDGETS[-1])
    spent = time.process_time() - start
    values = [t.value for t in study.trials]
    return [min(values[:b]) for b in BUDGETS], 1000 * spent


def main():
    names, seeds = sys.argv[2].split(","), int(sys.argv[3])
    first = int(sys.argv[4]) if len(sys.argv) > 4 else 0
    last = int(sys.argv[5]) if len(sys.argv) > 5 else lib.tuning_functions()
    for f in range(first, min(last, lib.tuning_functions())):
        title = lib.tuning_name(f).decode()
        for seed in range(seeds):
            for name in names:
                best, ms = run(name, f, seed)
                print(f"optuna_{name}", title, seed, *(f"{b:.9g}" for b in best), f"{ms:.0f}",
                      flush=True)


main()
