"""One run of one system: learns a CSV file, predicts another, writes the predictions. compare.py runs this.

    python systems.py SYSTEM train.csv test.csv predictions.csv --target y --task binary --seconds 10 --threads 2

Predictions: one line a row, the probability of each class in the order of the sorted class names, or the value. Each
system gets the table as pandas reads it, with text columns as categories where it knows them, and searches for the
metric it is judged by.
"""
import argparse
import json
import os
import tempfile
import time

START = time.perf_counter()


def read(o):
    import pandas as pd
    train, test = pd.read_csv(o.train, low_memory=False), pd.read_csv(o.test, low_memory=False)
    y = train.pop(o.target)
    for name in train.columns:
        if train[name].dtype == object or test[name].dtype == object:
            levels = pd.Index(train[name].dropna().astype(str).unique()).sort_values()
            for frame in (train, test):
                text = frame[name].where(frame[name].isna(), frame[name].astype(str))
                frame[name] = pd.Categorical(text, categories=levels)
    train.columns = test.columns = [f"c{i}" for i in range(train.shape[1])]  # LightGBM takes few characters in names
    return train, (y.astype(str) if o.task != "regression" else y.astype(float)), test


def write(o, prediction):
    import numpy as np
    np.savetxt(o.output, np.asarray(prediction, float), delimiter=",", fmt="%.9g")


def classes_of(y):
    return sorted(y.unique())


def left(o, reserve):
    return max(1.0, o.seconds - (time.perf_counter() - START) - reserve)


def report_pace(log, begin):
    """When FLAML's first trial ended, how many there were, and when the last ended: from the start of this process."""
    with open(log) as f:
        ends = [begin + trial["wall_clock_time"] for trial in map(json.loads, f) if "wall_clock_time" in trial]
    if ends:
        print(f"{ends[0]:.2f} {len(ends)} {ends[-1]:.2f}")


def flaml(o):
    from flaml import AutoML
    x, y, test = read(o)
    metric = {"binary": "roc_auc", "multiclass": "log_loss", "regression": "rmse"}[o.task]
    model = AutoML()
    log, begin = o.output + ".log", time.perf_counter() - START
    model.fit(x, y, task="regression" if o.task == "regression" else "classification", metric=metric,
              time_budget=left(o, 0.02 * o.seconds), n_jobs=o.threads, verbose=0, seed=o.seed, log_file_name=log, log_type="all")
    report_pace(log, begin)
    if o.task == "regression":
        return write(o, model.predict(test))
    probability = model.predict_proba(test)
    order = [list(model.classes_).index(name) for name in classes_of(y)]
    return write(o, probability[:, order])


def autogluon(o):
    from autogluon.tabular import TabularPredictor
    x, y, test = read(o)
    metric = {"binary": "roc_auc", "multiclass": "log_loss", "regression": "root_mean_squared_error"}[o.task]
    x[o.target] = y
    with tempfile.TemporaryDirectory() as folder:
        model = TabularPredictor(o.target, problem_type=o.task, eval_metric=metric, path=folder, verbosity=0)
        model.fit(x, time_limit=left(o, 0.05 * o.seconds), presets=o.presets, num_cpus=o.threads)
        if o.task == "regression":
            return write(o, model.predict(test))
        return write(o, model.predict_proba(test)[classes_of(y)])


def optuna(o):
    import lightgbm as lgb
    import numpy as np
    import optuna as search
    from sklearn.metrics import log_loss, mean_squared_error, roc_auc_score
    from sklearn.model_selection import train_test_split
    search.logging.set_verbosity(search.logging.ERROR)
    x, y, test = read(o)
    codes = y if o.task == "regression" else y.map({name: i for i, name in enumerate(classes_of(y))})
    stratify = codes if o.task != "regression" and codes.value_counts().min() > 1 else None
    xt, xv, yt, yv = train_test_split(x, codes, test_size=0.2, random_state=o.seed, stratify=stratify)
    kind = lgb.LGBMRegressor if o.task == "regression" else lgb.LGBMClassifier
    deadline = time.perf_counter() + left(o, 0.05 * o.seconds)
    best = {"loss": np.inf}

    def expired(_):
        if time.perf_counter() > deadline:
            raise TimeoutError

    def predict(model, rows):
        return model.predict(rows) if o.task == "regression" else model.predict_proba(rows)

    def objective(trial):
        params = {"learning_rate": trial.suggest_float("learning_rate", 0.01, 0.3, log=True),
                  "num_leaves": trial.suggest_int("num_leaves", 4, 256, log=True),
                  "min_child_samples": trial.suggest_int("min_child_samples", 2, 100, log=True),
                  "reg_alpha": trial.suggest_float("reg_alpha", 1e-8, 10, log=True),
                  "reg_lambda": trial.suggest_float("reg_lambda", 1e-8, 10, log=True),
                  "colsample_bytree": trial.suggest_float("colsample_bytree", 0.4, 1),
                  "subsample": trial.suggest_float("subsample", 0.4, 1), "subsample_freq": 1}
        model = kind(n_estimators=2000, n_jobs=o.threads, verbose=-1, random_state=o.seed, **params)
        model.fit(xt, yt, eval_set=[(xv, yv)], callbacks=[lgb.early_stopping(50, verbose=False), expired])
        p = predict(model, xv)
        if o.task == "regression":
            loss = mean_squared_error(yv, p)
        elif o.task == "binary":
            loss = -roc_auc_score(yv, p[:, 1])
        else:
            loss = log_loss(yv, p, labels=model.classes_)
        if loss < best["loss"]:
            best.update(loss=loss, model=model)
        return loss

    study = search.create_study(sampler=search.samplers.TPESampler(seed=o.seed))
    try:
        while time.perf_counter() < deadline:
            study.optimize(objective, n_trials=1)
    except TimeoutError:
        pass
    if "model" not in best:
        best["model"] = kind(n_estimators=100, n_jobs=o.threads, verbose=-1).fit(x, codes)
    return write(o, predict(best["model"], test))


def lightgbm(o):
    """Its defaults, 100 trees: as long as it takes."""
    import lightgbm as lgb
    x, y, test = read(o)
    kind = lgb.LGBMRegressor if o.task == "regression" else lgb.LGBMClassifier
    model = kind(n_jobs=o.threads, verbose=-1, random_state=o.seed).fit(x, y)
    return write(o, model.predict(test) if o.task == "regression" else model.predict_proba(test))


def forest(o):
    """500 trees with defaults: as long as it takes."""
    from sklearn.compose import make_column_selector, make_column_transformer
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OrdinalEncoder
    x, y, test = read(o)
    kind = RandomForestRegressor if o.task == "regression" else RandomForestClassifier
    encode = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-1)
    model = make_pipeline(
        make_column_transformer((encode, make_column_selector(dtype_include="category")),
                                (SimpleImputer(strategy="median"), make_column_selector(dtype_exclude="category"))),
        kind(n_estimators=500, n_jobs=o.threads, random_state=o.seed))
    model.fit(x, y)
    return write(o, model.predict(test) if o.task == "regression" else model.predict_proba(test))


def autogluon_best(o):
    """Bagging and stacking in layers, as deep as the time allows."""
    o.presets = "best_quality"
    autogluon(o)


SYSTEMS = {"flaml": flaml, "autogluon": autogluon, "autogluon-best": autogluon_best, "lightgbm-optuna": optuna, "forest": forest,
           "lightgbm": lightgbm}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("system", choices=SYSTEMS)
    for name in ("train", "test", "output"):
        parser.add_argument(name)
    for name, kind, default in [("target", str, None), ("task", str, None), ("seconds", float, 10), ("threads", int, 2),
                                ("seed", int, 0), ("presets", str, "medium_quality")]:
        parser.add_argument("--" + name, type=kind, default=default)
    o = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = str(o.threads)
    SYSTEMS[o.system](o)


if __name__ == "__main__":
    main()
