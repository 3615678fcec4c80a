"""Each other learner alone, by its defaults, on real tables of middle size, beside scikit-learn's.

    export AUTOML_DATASETS=FOLDER
    python bench/learners/bench_learners.py fit --program build/bench_fit --results FILE [--learners A,B] [--tables A,B]
    python bench/learners/bench_learners.py report FILE

At most 8,000 rows of a table, 80 % of them to learn from, a split a seed, one thread, every fit a process of its own. Forests have 200 trees
and get categories as codes (ours as categories, scikit-learn's as numbers) and missing values as they are; the others
get standardised numbers and indicators, the same matrix for both. k-NN has 10 neighbours. The networks stop early on
a tenth of the learning rows.
"""
import argparse
import json
import os
import subprocess
import sys
import time
import warnings

import numpy as np
import real_tables

TABLES = ["adult_census_income", "bank_marketing", "electricity_elec2", "magic_telescope", "letter", "covertype_20k",
          "satimage", "wine_quality", "diamonds", "protein_casp", "kc_house_sales", "cpu_act"]
# learner: form of the table, tasks (c = classes, r = regression), share of rows to stop early on
LEARNERS = {"random_forest": ("trees", "cr", 0), "extra_trees": ("trees", "cr", 0), "logistic": ("dense", "c", 0),
            "naive_bayes": ("dense", "c", 0), "ridge": ("dense", "r", 0), "knn": ("dense", "cr", 0),
            "mlp": ("dense", "cr", 0.1)}


def sklearn_model(learner, classes, seed):
    from sklearn import ensemble, linear_model, naive_bayes, neighbors, neural_network
    if learner in ("random_forest", "extra_trees"):
        kind = {"random_forest": "RandomForest", "extra_trees": "ExtraTrees"}[learner]
        return getattr(ensemble, kind + ("Classifier" if classes else "Regressor"))(200, random_state=seed, n_jobs=1)
    if learner == "knn":
        return (neighbors.KNeighborsClassifier if classes else neighbors.KNeighborsRegressor)(10, n_jobs=1)
    if learner == "mlp":
        kind = neural_network.MLPClassifier if classes else neural_network.MLPRegressor
        return kind(early_stopping=True, random_state=seed)
    return {"logistic": linear_model.LogisticRegression(max_iter=1000), "ridge": linear_model.Ridge(),
            "naive_bayes": naive_bayes.GaussianNB()}[learner]


class Scaled:
    """A regression on the standardised target: a network needs it."""

    def __init__(self, model):
        self.model = model

    def fit(self, x, y):
        self.center, self.scale = y.mean(), y.std() or 1
        self.model.fit(x, (y - self.center) / self.scale)

    def predict(self, x):
        return self.center + self.scale * self.model.predict(x)


def worker(learner, train, test, out, seed):
    from threadpoolctl import threadpool_limits
    x, y, _, classes = real_tables.get(train)
    xt = real_tables.get(test)[0]
    model = sklearn_model(learner, classes, seed)
    if learner == "mlp" and not classes:
        model = Scaled(model)
    warnings.simplefilter("ignore")
    with threadpool_limits(1):
        cpu = time.process_time()
        model.fit(x, y)
        cpu, start = time.process_time() - cpu, time.process_time()
        p = model.predict(xt) if not classes else model.predict_proba(xt)
        predict = time.process_time() - start
    if classes:
        full = np.zeros((len(p), classes))
        full[:, model.classes_.astype(int)] = p
        p = full[:, 1] if classes == 2 else full
    np.asarray(p, np.float64).tofile(out)
    print(json.dumps({"cpu": cpu, "predict": predict}))


def run(o, who, learner, table, seed):
    form, tasks, share = LEARNERS[learner]
    train, test = real_tables.files(o.folder, table, seed, form, o.rows)
    _, y, _, classes = real_tables.get(test)
    if ("c" if classes else "r") not in tasks:
        return
    out = os.path.join(o.folder, f"learners-{os.getpid()}.out")
    if who == "ours":
        n_valid = int(share * np.fromfile(train, np.uint32, 1)[0])
        command = [o.program, learner, train, test, out, "1", str(seed), str(n_valid), *o.set]
    else:
        command = [sys.executable, __file__, "worker", learner, train, test, out, str(seed)]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "OMP_WAIT_POLICY": "passive"})
    if done.returncode:
        sys.exit(f"{who} {learner} {table}: {done.stderr[-2000:]}")
    line = {"table": table, "seed": seed, "learner": learner, "who": who}
    line |= json.loads(done.stdout.strip().splitlines()[-1]) | real_tables.scores(np.fromfile(out), y, classes)
    os.remove(out)
    with open(o.results, "a", encoding="utf-8") as f:
        f.write(json.dumps(line) + "\n")


def geometric(values):
    return float(np.exp(np.mean(np.log(values))))


def report(path):
    import pandas as pd
    f = pd.read_json(path, lines=True)
    f["both"] = f.cpu + f.predict
    mean = f.groupby(["learner", "table", "who"], sort=False)[["both", "loss", "error"]].mean().unstack("who")
    print("fit and prediction in CPU seconds; loss: log loss or root mean squared error; error: 1 - AUC, share of wrong"
          " classes\nor again the root mean squared error; ratios scikit-learn / ours, above 1 = ours is better\n")
    for learner in dict.fromkeys(f.learner):
        part, ratios = mean.loc[learner].dropna(), []
        print(f"{learner:22} {'ours s':>9} {'peer s':>9} {'ratio':>7}   {'loss':>9} {'peer':>9} {'ratio':>6}"
              f"   {'error':>9} {'peer':>9} {'ratio':>6}")
        for table, r in part.iterrows():
            pairs = [(r[k, "ours"], r[k, "sklearn"]) for k in ("both", "loss", "error")]
            ratios.append([peer / own for own, peer in pairs])
            t, a, b = ratios[-1]
            print(f"  {table:20} {pairs[0][0]:9.3f} {pairs[0][1]:9.3f} {t:7.2f}   {pairs[1][0]:9.4g} {pairs[1][1]:9.4g}"
                  f" {a:6.3f}   {pairs[2][0]:9.4g} {pairs[2][1]:9.4g} {b:6.3f}")
        t, a, b = (geometric(column) for column in np.array(ratios).T)
        print(f"  {'geometric means':20} {'':19} {t:7.2f}   {'':19} {a:6.3f}   {'':19} {b:6.3f}\n")


def main():
    if len(sys.argv) > 2 and sys.argv[1] == "worker":
        return worker(*sys.argv[2:6], int(sys.argv[6]))
    if len(sys.argv) > 2 and sys.argv[1] == "report":
        return report(sys.argv[2])
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("verb", choices=["fit", "report"])
    p.add_argument("--program", default="build/bench_fit")
    p.add_argument("--results", default="learners.jsonl")
    p.add_argument("--folder", default="bench-data")
    p.add_argument("--learners", default=",".join(LEARNERS))
    p.add_argument("--tables", default=",".join(TABLES))
    p.add_argument("--rows", type=int, default=8000, help="of a table, at most")
    p.add_argument("--seeds", default="1,2")
    p.add_argument("--who", default="ours,sklearn")
    p.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="hyperparameters of ours")
    o = p.parse_args()
    for learner in o.learners.split(","):
        for table in o.tables.split(","):
            for seed in o.seeds.split(","):
                for who in o.who.split(","):
                    run(o, who, learner, table, int(seed))
    return None


if __name__ == "__main__":
    main()
