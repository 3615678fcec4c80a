"""Samplers on the hyperparameters of real learners on real tables, beside Optuna's: the same objective, trials and seeds.

    python bench/tuning/real.py --optimisers auto,tpe,optuna_tpe,optuna_cmaes,optuna_random --seeds 3 > real.txt
    python bench/tuning/compare.py auto real.txt

Needs the package automl, optuna, scikit-learn, lightgbm and xgboost; tables come from $AUTOML_DATASETS (default
../shared/datasets). Each task is a learner with its usual space on up to 1,000 rows of a table: error of three folds that never
change. A line a run, as compare.py reads it: optimiser, task, seed, least error after 25, 50, 100 and 200 trials, ms. Errors are
kept by their parameters for all optimisers (--cache), so that a run can be stopped and started.
"""
import argparse
import itertools
import json
import math
import os
import sys
import time
import warnings

import numpy as np
import pandas as pd

from spaces import optunas, read_space

warnings.filterwarnings("ignore")
BUDGETS = (25, 50, 100, 200)

# learner, table, space in the short form
TASKS = {
    "lightgbm_concrete": ("lightgbm", "concrete_strength", "learning_rate = loguniform(0.005, 0.5); num_leaves = int(4, 256, log); "
                          "min_child_samples = int(2, 100, log); reg_lambda = loguniform(1e-8, 100); "
                          "colsample_bytree = uniform(0.3, 1); n_estimators = int(20, 400, log)"),
    "lightgbm_pima": ("lightgbm", "pima_diabetes", "learning_rate = loguniform(0.005, 0.5); num_leaves = int(2, 128, log); "
                      "min_child_samples = int(2, 100, log); reg_alpha = loguniform(1e-8, 100); "
                      "reg_lambda = loguniform(1e-8, 100); n_estimators = int(20, 400, log)"),
    "xgboost_car": ("xgboost", "car_evaluation", "booster = choice(gbtree, dart, gblinear); learning_rate = loguniform(0.01, 1); "
                    "max_depth = int(1, 10) if booster == gbtree; subsample = uniform(0.3, 1) if booster == gbtree; "
                    "rate_drop = uniform(0, 0.5) if booster == dart; reg_lambda = loguniform(1e-4, 100); "
                    "n_estimators = int(5, 40, log)"),
    "svm_segment": ("svc", "segment", "C = loguniform(1e-3, 1e4); kernel = choice(rbf, poly, linear); "
                    "gamma = loguniform(1e-5, 10) if kernel == rbf; degree = int(2, 5) if kernel == poly; "
                    "coef0 = uniform(0, 2) if kernel == poly"),
    "svr_concrete": ("svr", "concrete_strength", "C = loguniform(1e-2, 1e3); epsilon = loguniform(1e-3, 10); gamma = loguniform(1e-4, 10)"),
    "forest_wine": ("forest", "wine_quality", "max_features = uniform(0.05, 1); min_samples_leaf = int(1, 30, log); "
                    "max_depth = int(2, 30); criterion = choice(gini, entropy); bootstrap = bool()"),
    "knn_segment": ("knn", "segment", "n_neighbors = int(1, 60, log); weights = choice(uniform, distance); p = uniform(1, 4); "
                    "scale = choice(none, standard, rank)"),
    "mlp_abalone": ("mlp", "abalone", "units = int(4, 64, log); layers = int(1, 3); alpha = loguniform(1e-7, 1); "
                    "learning_rate_init = loguniform(1e-4, 0.1); activation = choice(relu, tanh); batch_size = int(16, 256, log)"),
    "logistic_segment": ("logistic", "segment", "C = loguniform(1e-4, 100); l1_ratio = uniform(0, 1)"),
    "hist_bank": ("hist", "bank_marketing", "learning_rate = loguniform(0.01, 0.5); max_leaf_nodes = int(3, 64, log); "
                  "min_samples_leaf = int(2, 100, log); l2_regularization = loguniform(1e-6, 100); max_iter = int(10, 200, log)"),
}


def table_of(name):
    folder = os.environ.get("AUTOML_DATASETS", "../shared/datasets")
    info = pd.read_csv(os.path.join(folder, "index.csv"), dtype=str, keep_default_na=False).set_index("name").loc[name]
    table = pd.read_csv(os.path.join(folder, info["file"]), low_memory=False)
    table = table[table[info["target"]].notna()].sample(min(1000, len(table)), random_state=0)
    y = table.pop(info["target"])
    x = pd.get_dummies(table, dtype=float)
    x = x.fillna(x.median()).to_numpy(float)
    if info["task"] == "regression":
        return x, y.to_numpy(float), True
    y = pd.factorize(y, sort=True)[0]
    keep = np.isin(y, np.flatnonzero(np.bincount(y) >= 3))
    return x[keep], np.unique(y[keep], return_inverse=True)[1], False


def model_of(kind, p, regression):
    from sklearn import ensemble, linear_model, neighbors, neural_network, pipeline, preprocessing, svm
    scaled = lambda model: pipeline.make_pipeline(preprocessing.StandardScaler(), model)
    if kind == "lightgbm":
        import lightgbm
        make = lightgbm.LGBMRegressor if regression else lightgbm.LGBMClassifier
        return make(n_jobs=1, verbose=-1, random_state=0, **p)
    if kind == "xgboost":
        import xgboost
        make = xgboost.XGBRegressor if regression else xgboost.XGBClassifier
        return make(n_jobs=1, verbosity=0, random_state=0, **p)
    if kind == "svc":
        return scaled(svm.SVC(max_iter=20000, **p))
    if kind == "svr":
        return scaled(svm.SVR(max_iter=20000, **p))
    if kind == "forest":
        return ensemble.RandomForestClassifier(30, random_state=0, n_jobs=1, **p)
    if kind == "knn":
        scale = {"none": preprocessing.FunctionTransformer(), "standard": preprocessing.StandardScaler(),
                 "rank": preprocessing.QuantileTransformer(n_quantiles=200)}[p.pop("scale")]
        return pipeline.make_pipeline(scale, neighbors.KNeighborsClassifier(n_jobs=1, **p))
    if kind == "mlp":
        layers = (p.pop("units"),) * p.pop("layers")
        return scaled(neural_network.MLPRegressor(hidden_layer_sizes=layers, max_iter=12, random_state=0, **p))
    if kind == "logistic":
        return scaled(linear_model.LogisticRegression(penalty="elasticnet", solver="saga", max_iter=60, tol=1e-3, random_state=0, **p))
    return ensemble.HistGradientBoostingClassifier(random_state=0, early_stopping=False, **p)


class Objective:
    """Error of a configuration: RMSE, log loss, or share of wrong classes where there are no probabilities."""

    def __init__(self, task, cache):
        from sklearn.model_selection import KFold, StratifiedKFold
        self.kind, table, self.space = TASKS[task]
        self.x, self.y, self.regression = table_of(table)
        split = KFold if self.regression else StratifiedKFold
        self.folds = list(split(3, shuffle=True, random_state=0).split(self.x, self.y))
        self.path = os.path.join(cache, task + ".jsonl")
        self.known = {}
        if os.path.exists(self.path):
            self.known = dict(json.loads(line) for line in open(self.path))

    def __call__(self, params):
        key = json.dumps(params, sort_keys=True)
        if key not in self.known:
            self.known[key] = self.measure(dict(params))
            with open(self.path, "a") as f:
                f.write(json.dumps([key, self.known[key]]) + "\n")
        return self.known[key]

    def measure(self, params):
        from sklearn.metrics import log_loss
        errors = []
        for train, test in self.folds:
            model = model_of(self.kind, dict(params), self.regression).fit(self.x[train], self.y[train])
            if self.regression:
                e = math.sqrt(np.mean((np.nan_to_num(model.predict(self.x[test]), posinf=1e6, neginf=-1e6) - self.y[test]) ** 2))
            elif self.kind == "svc":
                e = np.mean(model.predict(self.x[test]) != self.y[test])
            else:
                p = np.clip(model.predict_proba(self.x[test]), 1e-6, 1)
                e = log_loss(self.y[test], p / p.sum(axis=1, keepdims=True), labels=np.arange(self.y.max() + 1))
            errors.append(min(float(e), 1e6))
        return float(np.mean(errors))


def ours(sampler, space, objective, seed):
    import automl
    study = automl.Study(space, sampler=sampler, seed=seed)
    for _ in range(BUDGETS[-1]):
        try:
            trial = study.ask()
        except automl.StoppedError:
            return
        value = objective(trial.params)
        study.tell(trial, value)
        yield value


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--optimisers", default="auto,tpe,optuna_tpe,optuna_cmaes,optuna_random")
    parser.add_argument("--tasks", default=",".join(TASKS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--cache", default="real_cache")
    o = parser.parse_args()
    os.makedirs(o.cache, exist_ok=True)
    for task in o.tasks.split(","):
        objective = Objective(task, o.cache)
        for seed in range(o.seeds):
            for name in o.optimisers.split(","):
                run = optunas(name[7:], read_space(objective.space), objective, seed) if name.startswith("optuna_") else \
                    ours(name, objective.space, objective, seed)
                start = time.process_time()
                values = list(itertools.islice(run, BUDGETS[-1]))
                best = [min(values[:b]) for b in BUDGETS]
                print(name, task, seed, *(f"{b:.9g}" for b in best), f"{1000 * (time.process_time() - start):.0f}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
