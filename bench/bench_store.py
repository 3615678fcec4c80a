"""bench_store.py: the store of Optuna (SQLite) doing what bench_store does: append finished trials with six parameters and
five values by fold, list the studies, load all trials; alone and from several processes.

    python bench/bench_store.py FILE append N | processes P N | large N
"""
import multiprocessing
import os
import sys
import time

import optuna
from optuna.distributions import CategoricalDistribution, FloatDistribution

optuna.logging.set_verbosity(optuna.logging.ERROR)
SPACE = {"learner": CategoricalDistribution(["logistic", "gbdt"]), "C": FloatDistribution(1e-3, 1e3, log=True),
         "features": CategoricalDistribution(["plain", "all"]), "scale": CategoricalDistribution(["standard", "none"]),
         "l1_ratio": FloatDistribution(0, 1), "intercept": CategoricalDistribution([True, False])}
PARAMS = {"learner": "logistic", "C": 1.25, "features": "plain", "scale": "standard", "l1_ratio": 0.5, "intercept": True}


def trial(i):
    return optuna.trial.create_trial(value=0.13 + 1e-9 * i, params=PARAMS, distributions=SPACE,
                                     user_attrs={f"fold{f}": 0.11 + 0.01 * f for f in range(5)})


def fill(url, name, n):
    failed = 0
    try:
        study = optuna.create_study(storage=url, study_name=name, load_if_exists=True)
    except Exception as error:
        print(type(error).__name__, str(error.__cause__).splitlines()[0][:80], file=sys.stderr)
        return n
    for i in range(n):
        try:
            study.add_trial(trial(i))
        except Exception as error:  # "database is locked" among them
            failed += 1
            print(type(error).__name__, str(error).splitlines()[0][:80], file=sys.stderr)
    return failed


def main():
    path, what, *numbers = sys.argv[1:]
    n = [int(x) for x in numbers]
    if os.path.exists(path):
        os.unlink(path)
    url = f"sqlite:///{path}"
    begin = time.time()
    if what == "append":
        fill(url, "a", n[0])
        print(f"{n[0]} trials: {1e3 * (time.time() - begin) / n[0]:.3f} ms a trial")
    elif what == "processes":
        optuna.create_study(storage=url, study_name="s0")
        with multiprocessing.Pool(n[0]) as pool:
            failed = pool.starmap(fill, [(url, f"s{i}", n[1]) for i in range(n[0])])
        took = time.time() - begin
        kept = sum(s.n_trials for s in optuna.get_all_study_summaries(url))
        print(f"{n[0]} processes, {n[1]} trials each: {took:.1f} s, {1e3 * took / n[0] / n[1]:.3f} ms a trial, "
              f"{sum(failed)} failed, {kept} of {n[0] * n[1]} recorded")
    else:
        fill(url, "large", n[0])
        begin = time.process_time()
        optuna.get_all_study_summaries(url)
        listed = time.process_time()
        trials = optuna.load_study(storage=url, study_name="large").trials
        print(f"a study of {len(trials)} trials: list {1e3 * (listed - begin):.1f} ms CPU, "
              f"load {time.process_time() - listed:.3f} s CPU")
    os.unlink(path)


main()
