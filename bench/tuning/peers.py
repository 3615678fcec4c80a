"""Runs Optuna's samplers, and SMAC, on the functions of functions.c.

    cc -O2 -shared -fPIC -D_GNU_SOURCE -I. bench/tuning/functions.c -o FUNCTIONS.so -lm
    python bench/tuning/peers.py FUNCTIONS.so tpe,cmaes,random,gp,smac SEEDS [FIRST LAST STEP] > peers.txt

A line a run: optimiser, function, seed, best after 25, 50, 100 and 200 evaluations, CPU milliseconds.
"""
import ctypes
import itertools
import math
import sys
import tempfile
import time
import warnings

from spaces import number, optunas, read_space

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


def value_of(f, seed, space, params):
    """The function at parameters by name; those that are missing are inactive."""
    x = (ctypes.c_double * len(space))(*[math.nan] * len(space))
    for i, (name, kind, args, _) in enumerate(space):
        if name in params:
            x[i] = args.index(params[name]) if kind == "choice" else float(params[name])
    return lib.tuning_value(f, seed, x)


# ---- each peer yields the values of its evaluations, for ever

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


def run(name, f, seed):
    space = read_space(lib.tuning_space(f).decode())

    def evaluate(params):
        return value_of(f, seed, space, params)

    with tempfile.TemporaryDirectory() as folder:
        start = time.process_time()
        peer = smac(space, evaluate, seed, folder) if name == "smac" else optunas(name, space, evaluate, seed)
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
                print(name if name == "smac" else f"optuna_{name}", title, seed, *(f"{b:.9g}" for b in best), f"{ms:.0f}",
                      flush=True)


main()
