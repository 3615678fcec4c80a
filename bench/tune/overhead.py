"""What a trial costs beside its command: `true` run again and again, parameters by chance, one trial at a time.

    python bench/tune/overhead.py build/automl 300

CPU seconds of the tuner and the commands together, and wall seconds, a trial; Optuna runs the command with subprocess.run, with its
results in memory, in a journal file and in SQLite.
"""

import os
import resource
import subprocess
import sys
import tempfile
import time

PEER = """
import subprocess, sys
import optuna
optuna.logging.set_verbosity(optuna.logging.ERROR)
kind, trials = sys.argv[1], int(sys.argv[2])
storage = None
if kind == "journal":
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend
    storage = JournalStorage(JournalFileBackend("journal.log"))
if kind == "sqlite":
    storage = "sqlite:///study.db"
study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0), storage=storage)
def objective(trial):
    x = trial.suggest_float("x", 0, 1)
    subprocess.run(["true", str(x)], capture_output=True, timeout=60)
    return x
study.optimize(objective, n_trials=trials)
"""


def measure(command, trials):
    with tempfile.TemporaryDirectory() as folder:
        before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.time()
        subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
        after, wall = resource.getrusage(resource.RUSAGE_CHILDREN), time.time() - start
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return 1000 * cpu / trials, 1000 * wall / trials


program, trials = os.path.abspath(sys.argv[1]), int(sys.argv[2])
space = ["--space", "x = uniform(0, 1)", "--sampler", "random", "--goal", "wall_time", "--trials", str(trials)]
runs = {"automl tune": [program, "tune", *space, "--quiet", "--", "true", "{x}"]}
for kind in "memory", "journal", "sqlite":
    runs[f"optuna, {kind}"] = [sys.executable, "-c", PEER, kind, str(trials)]
print(f"{trials} trials of `true`{'':12} CPU ms/trial  wall ms/trial")
for name, command in runs.items():
    cpu, wall = measure(command, trials)
    print(f"{name:34} {cpu:12.2f} {wall:14.2f}", flush=True)
