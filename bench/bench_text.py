"""TF-IDF and logistic regression of scikit-learn beside `automl train` on text tables, on the same 80 % / 20 % of the rows.

    bench/bench_text.py [PROGRAM [SECONDS [FOLDER [TABLE …]]]]

PROGRAM (default build/automl) trains on the rows that scikit-learn learns from; both are scored on the other 20 %: AUC for
two classes, accuracy too. scikit-learn: words and word pairs, sublinear, beside runs of 3 to 5 characters in words
(max_df 0.95, min_df 2), C of 0.3, 1, 3, 10 and 30 by 3 folds (liblinear for two classes, else lbfgs). Needs pandas and scikit-learn 1.x.
"""
import os, subprocess, sys, tempfile, time
import numpy as np, pandas as pd
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, roc_auc_score
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_union

TABLES = [
    ("sms_spam", "label", "auc", []),
    ("amazon_app_reviews", "Positive", "auc", []),
    ("hate_speech_tweets", "class", "accuracy", ["count", "hate_speech", "offensive_language", "neither"]),
]
program = sys.argv[1] if len(sys.argv) > 1 else "build/automl"
seconds = sys.argv[2] if len(sys.argv) > 2 else "60"
folder = sys.argv[3] if len(sys.argv) > 3 else os.environ.get("AUTOML_DATASETS", "../shared/datasets")


def peer(train, test, target, metric, text):
    words = TfidfVectorizer(ngram_range=(1, 2), min_df=2, max_df=0.95, sublinear_tf=True)
    chars = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), min_df=2, max_df=0.95, sublinear_tf=True)
    start, cpu = time.time(), time.process_time()
    features = make_union(words, chars)
    x = features.fit_transform(train[text])
    scoring = "roc_auc" if metric == "auc" else "accuracy"
    solver = "liblinear" if train[target].nunique() == 2 else "lbfgs"
    model = GridSearchCV(LogisticRegression(max_iter=300, solver=solver), {"C": [0.3, 1, 3, 10, 30]}, scoring=scoring, cv=3)
    model.fit(x, train[target])
    p = model.predict_proba(features.transform(test[text]))
    return p, model.classes_, time.time() - start, time.process_time() - cpu


def ours(train, test, target, metric):
    with tempfile.TemporaryDirectory() as d:
        train.to_csv(d + "/train.csv", index=False)
        test.to_csv(d + "/test.csv", index=False)
        start = time.time()
        subprocess.run([program, "train", d + "/train.csv", "--target", target, "--metric", metric, "--time-limit",
                        seconds + "s", "--output", d + "/m.automl", "--quiet"], check=True, stdout=subprocess.DEVNULL)
        wall = time.time() - start
        best = subprocess.run([program, "inspect", d + "/m.automl"], check=True, capture_output=True, text=True).stdout
        if os.environ.get("SHOW"):
            print(best)
        subprocess.run([program, "predict", d + "/m.automl", d + "/test.csv", "--output", d + "/p.csv", "--quiet"],
                       check=True)
        p = pd.read_csv(d + "/p.csv", dtype={"prediction": str})
    return p, wall


def scores(y, classes, proba, metric):
    accuracy = accuracy_score(y, np.array(classes)[proba.argmax(1)])
    return roc_auc_score(y == classes[1], proba[:, 1]) if len(classes) == 2 else np.nan, accuracy


print(f"{'table':20s} {'rows':>6s}  {'AUC':>7s} {'peer':>7s}  {'accuracy':>8s} {'peer':>7s}  {'wall s':>7s} {'peer':>7s}")
for table, target, metric, drop in TABLES:
    if len(sys.argv) > 4 and table not in sys.argv[4:]:
        continue
    data = pd.read_csv(f"{folder}/{table}.csv.gz", dtype={target: str}, keep_default_na=False).drop(columns=drop)
    text = next(c for c in data.columns if c != target)
    train, test = train_test_split(data, test_size=0.2, random_state=0, stratify=data[target])
    p, classes, peer_wall, _ = peer(train, test, target, metric, text)
    classes = [str(c) for c in classes]
    peer_auc, peer_accuracy = scores(test[target].to_numpy(), classes, p, metric)
    q, wall = ours(train, test, target, metric)
    proba = q[["proba_" + c for c in classes]].to_numpy()
    auc, accuracy = scores(test[target].to_numpy(), classes, proba, metric)
    print(f"{table:20s} {len(data):6d}  {auc:7.4f} {peer_auc:7.4f}  {accuracy:8.4f} {peer_accuracy:7.4f}  {wall:7.1f} "
          f"{peer_wall:7.1f}", flush=True)
