"""A support vector machine on a table, as somebody may have it already: hyperparameters as options, a line for each fold.

    python train_svm.py --data ../../datasets/breast_cancer.csv --target diagnosis --C 10 --gamma 0.001
"""

import argparse
import csv

import numpy
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

options = argparse.ArgumentParser()
options.add_argument("--data", required=True)
options.add_argument("--target", required=True)
options.add_argument("--scale", default="false")
options.add_argument("--kernel", default="rbf")
options.add_argument("--C", type=float, default=1.0)
options.add_argument("--gamma", type=float)
options.add_argument("--degree", type=int, default=3)
options = options.parse_args()

with open(options.data) as file:
    rows = list(csv.DictReader(file))
names = [name for name in rows[0] if name != options.target]
x = numpy.array([[float(row[name]) for name in names] for row in rows])
y = numpy.array([row[options.target] for row in rows])

model = SVC(
    C=options.C,
    kernel=options.kernel,
    degree=options.degree,
    gamma="scale" if options.gamma is None else options.gamma,
)
if options.scale == "true":
    model = make_pipeline(StandardScaler(), model)
scores = []
folds = StratifiedKFold(5, shuffle=True, random_state=0)
for fold, (train, test) in enumerate(folds.split(x, y), 1):
    scores.append(model.fit(x[train], y[train]).score(x[test], y[test]))
    print(f"step={fold} accuracy={numpy.mean(scores):.6f}", flush=True)
