"""CPU milliseconds of a suggestion and bytes of a trial in Optuna, beside `bench_tuning cost`.

    python bench/tuning/peers_cost.py tpe,cmaes,gp [N]      needs optuna (cmaes for cmaes, torch and scipy for gp)

N trials (1,000) of random parameters in ten dimensions are added, then 20 are asked for and told.
"""
import gc
import random
import sys
import time
import tracemalloc
import warnings

import optuna

warnings.filterwarnings("ignore")
optuna.logging.set_verbosity(optuna.logging.ERROR)
ASKS, D = 20, 10
samplers = {"tpe": optuna.samplers.TPESampler, "cmaes": optuna.samplers.CmaEsSampler,
            "gp": optuna.samplers.GPSampler}
n = int(sys.argv[2]) if len(sys.argv) > 2 else 1000
space = {f"x{i}": optuna.distributions.FloatDistribution(-5, 5) for i in range(D)}
for name in sys.argv[1].split(","):
    study = optuna.create_study(sampler=samplers[name](seed=0))
    rng = random.Random(1)
    gc.collect()
    tracemalloc.start()
    for _ in range(n):
        x = {k: rng.uniform(-5, 5) for k in space}
        study.add_trial(optuna.trial.create_trial(params=x, distributions=space,
                                                  value=sum((v - 1) ** 2 for v in x.values())))
    gc.collect()
    size = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    start = time.process_time()
    for k in range(ASKS):
        trial = study.ask()
        for p in space:
            trial.suggest_float(p, -5, 5)
        study.tell(trial, 100 + k)
    print(f"optuna_{name} {n} trials: {1000 * (time.process_time() - start) / ASKS:.2f} ms a "
          f"suggestion, {size / n:.0f} bytes a trial", flush=True)
