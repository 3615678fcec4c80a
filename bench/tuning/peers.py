"""Runs Optuna's samplers, SMAC and HEBO on the functions of functions.c.

    cc -O2 -shared -fPIC -D_GNU_SOURCE -I. bench/tuning/functions.c -o FUNCTIONS.so -lm
    python bench/tuning/peers.py FUNCTIONS.so tpe,cmaes,random,gp,smac,hebo SEEDS [FIRST LAST STEP] > peers.txt

A line a run: optimiser, function, seed, best after 25, 50, 100 and 200 evaluations, CPU milliseconds.
"""
import ctypes
import itertools
import math
import re
import sys
import tempfile
import time
import warnings

try:
    import optuna
    optuna.logging.set_verbosity(optuna.logging.ERROR)
except ImportError:
    optuna = None  # not needed for smac and hebo

warnings.filterwarnings("ignore")
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


def number(args, log):
    """Bounds, whether on a log scale, and the step (0: none) of a number."""
    step = [float(a[5:]) for a in args if a.startswith("step=")]
    return float(args[0]), float(args[1]), log or "log" in args, step[0] if step else 0


def value_of(f, seed, space, params):
    """The function at parameters by name; those that are missing are inactive."""
    x = (ctypes.c_double * len(space))(*[math.nan] * len(space))
    for i, (name, kind, args, _) in enumerate(space):
        if name in params:
            x[i] = args.index(params[name]) if kind == "choice" else float(params[name])
    return lib.tuning_value(f, seed, x)


# ---- each peer yields the values of its evaluations, for ever

def suggest(trial, name, kind, args):
    if kind == "bool":
        return trial.suggest_categorical(name, [0, 1])
    if kind == "choice":
        return trial.suggest_categorical(name, args)
    low, high, log, step = number(args, kind == "loguniform")
    if kind == "int":
        return trial.suggest_int(name, int(low), int(high), log=log)
    return trial.suggest_float(name, low, high, log=log, step=step or None)


def sampler(name, seed):
    s = optuna.samplers
    return {"tpe": lambda: s.TPESampler(seed=seed),
            "tpe_single": lambda: s.TPESampler(seed=seed, multivariate=False),
            "tpe_group": lambda: s.TPESampler(seed=seed, multivariate=True, group=True),
            "cmaes": lambda: s.CmaEsSampler(seed=seed),
            "gp": lambda: s.GPSampler(seed=seed, deterministic_objective=False),
            "random": lambda: s.RandomSampler(seed=seed)}[name]()


def optunas(name, space, evaluate, seed):
    study = optuna.create_study(sampler=sampler(name, seed))
    while True:
        trial, params = study.ask(), {}
        for p, kind, args, condition in space:
            if not condition or params.get(condition[0]) == condition[1]:
                params[p] = suggest(trial, p, kind, args)
        value = evaluate(params)
        study.tell(trial, value)
        yield value


def smac(space, evaluate, seed, folder):
    """SMAC3's facade for hyperparameters: a random forest, conditions understood."""
    import ConfigSpace as cs
    from smac import HyperparameterOptimizationFacade, Scenario
    from smac.runhistory.dataclasses import TrialValue
    table, steps = cs.ConfigurationSpace(seed=seed), {}
    for name, kind, args, condition in space:
        if kind in ("bool", "choice"):
            table.add(cs.Categorical(name, args if kind == "choice" else [0, 1]))
        else:
            low, high, log, step = number(args, kind == "loguniform")
            if step:
                steps[name] = low, step
                table.add(cs.Integer(name, (0, round((high - low) / step))))
            elif kind == "int":
                table.add(cs.Integer(name, (int(low), int(high)), log=log))
            else:
                table.add(cs.Float(name, (low, high), log=log))
        if condition:
            table.add(cs.EqualsCondition(table[name], table[condition[0]], condition[1]))
    scenario = Scenario(table, deterministic=True, n_trials=BUDGETS[-1], seed=seed, output_directory=folder)
    search = HyperparameterOptimizationFacade(scenario, lambda config, seed: 0, overwrite=True, logging_level=50)
    while True:
        trial = search.ask()
        params = {k: steps[k][0] + v * steps[k][1] if k in steps else v for k, v in dict(trial.config).items()}
        value = evaluate(params)
        search.tell(trial, TrialValue(cost=value))
        yield value


def hebo(space, evaluate, seed):
    """HEBO, which knows no conditions: parameters that are inactive are left out of the evaluation."""
    import numpy as np
    import torch
    from hebo.design_space.design_space import DesignSpace
    from hebo.optimizers.hebo import HEBO
    np.random.seed(seed)
    torch.manual_seed(seed)
    table = []
    for name, kind, args, _ in space:
        if kind == "bool":
            table.append({"name": name, "type": "cat", "categories": [0, 1]})
        elif kind == "choice":
            table.append({"name": name, "type": "cat", "categories": args})
        else:
            low, high, log, step = number(args, kind == "loguniform")
            word = ("pow_int" if log else "int") if kind == "int" else "pow" if log else "num"
            table.append({"name": name, "type": word, "lb": low, "ub": high})
            if step:
                table[-1] = {"name": name, "type": "int", "lb": 0, "ub": round((high - low) / step)}
    search = HEBO(DesignSpace().parse(table), rand_sample=None, scramble_seed=seed)
    while True:
        points = search.suggest()
        params = points.iloc[0].to_dict()
        for name, kind, args, condition in space:
            step = 0 if kind in ("bool", "choice") else number(args, False)[3]
            if step:
                params[name] = float(args[0]) + params[name] * step
        for name, kind, args, condition in space:
            if condition and params.get(condition[0]) != condition[1]:
                params.pop(name)
        value = evaluate(params)
        search.observe(points, np.array([[value]]))
        yield value


def run(name, f, seed):
    space = read_space(lib.tuning_space(f).decode())

    def evaluate(params):
        return value_of(f, seed, space, params)

    with tempfile.TemporaryDirectory() as folder:
        start = time.process_time()
        peer = smac(space, evaluate, seed, folder) if name == "smac" else \
            hebo(space, evaluate, seed) if name == "hebo" else optunas(name, space, evaluate, seed)
        values = list(itertools.islice(peer, BUDGETS[-1]))
        return [min(values[:b]) for b in BUDGETS], 1000 * (time.process_time() - start)


def main():
    names, seeds = sys.argv[2].split(","), int(sys.argv[3])
    first = int(sys.argv[4]) if len(sys.argv) > 4 else 0
    last = int(sys.argv[5]) if len(sys.argv) > 5 else lib.tuning_functions()
    step = int(sys.argv[6]) if len(sys.argv) > 6 else 1
    for f in range(first, min(last, lib.tuning_functions()), step):
        title = lib.tuning_name(f).decode()
        for seed in range(seeds):
            for name in names:
                best, ms = run(name, f, seed)
                print(name if name in ("smac", "hebo") else f"optuna_{name}", title, seed, *(f"{b:.9g}" for b in best), f"{ms:.0f}",
                      flush=True)


main()
