"""A notebook's cells (# %%): a first model, what is in it, scoring, a study. Run by tests/interop/python.sh."""

# %% A model within a limit. verbose=1 shows progress, in a notebook too.
from pathlib import Path

import automl

data = Path(__file__).parent.parent / "datasets"
model = automl.train(data / "breast_cancer.csv", target="diagnosis", trials=8, verbose=1)
model

# %% What was tried, and what the data needed
print(model.leaderboard[:5])
print(model.guardrails)

# %% Data from pandas, polars, Arrow or a dict of columns
rows = {name: [] for name in model.input_names}
with open(data / "breast_cancer.csv") as file:
    header = file.readline().strip().split(",")
    for line in list(file)[:20]:
        for name, cell in zip(header, line.strip().split(",")):
            if name in rows:
                rows[name].append(float(cell))
print(model.predict(rows)[:5], model.predict_proba(rows)[:2].round(3))

# %% Why: what each column adds to a prediction
explanation = model.explain(rows, rows=[0])
print({name: round(float(value), 3) for name, value in list(explanation.row(0).items())[:3]})

# %% The same for scikit-learn
import numpy as np

X = np.array(list(rows.values())).T
y = model.predict(rows)
estimator = automl.AutoMLClassifier(trials=3, learners=["logistic", "gbdt"]).fit(X, y)
print(estimator.score(X, y), estimator.leaderboard_[0]["learner"])


# %% A search of one's own
def loss(trial):
    value = (trial["x"] - 1) ** 2 + (0.5 if trial["kind"] == "b" else 0)
    for step in range(1, 6):
        if trial.report(step, value + 1 / step):
            raise automl.Pruned
    return value


study = automl.Study("x = float(-5, 5); kind = choice(a, b)", "minimize loss", scheduler="median_stopping")
study.optimize(loss, n_trials=40)
print(study.best_params, study.importance())
assert study.best_value < 0.5

# %% The model file is the one of the program
model.save("breast_cancer.automl")
assert (automl.load("breast_cancer.automl").predict(rows) == y).all()
