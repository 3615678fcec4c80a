"""Writes metrics.json: test cases for the metrics with the values scikit-learn gives.

    python -m pip install "scikit-learn==1.9.1"
    python make_metric_reference.py            rewrites metrics.json beside this script

The file is committed; the test suite reads it and needs no Python. Cases are drawn from fixed seeds
with our own generator (not numpy's, whose streams may change), so a rerun with the same versions gives the same
bytes. Numbers carry 17 significant digits: they read back to the same double.

One case: { "name", "task": "binary" | "multiclass" | "regression", "n", "n_classes",
            "y": [n], "w": [n] or null, "pred": [n] or [n][n_classes], "expected": {metric: value or null} }
  y          class numbers 0 … n_classes-1, or the target of a regression (n_classes = 0)
  w          row weights, not negative; null = all one
  pred       binary: the chance of class 1. multiclass: one row of probabilities a row of data (not always
             summing to one). regression: the prediction
  expected   null where the metric is undefined for the case. A metric with no entry for the task is not defined for it.

Definitions. Rows enter with their weight everywhere; R = number of rows, K = number of classes.
  hard class           binary: p > 0.5 -> 1, else 0. multiclass: the largest, ties to the lowest class
  accuracy, balanced_accuracy, matthews_correlation     of the hard class. Balanced accuracy is the mean recall
                       of the classes that are in y; matthews_correlation is 0 when a margin is empty
  auc                  binary only: area under the ROC curve, ties count half
  auc_weighted         mean over classes of the one-vs-rest AUC, weighted by the class's weight in y; binary: as auc.
                       Null for multiclass unless every class has both rows in it and rows outside it
  average_precision    sum over distinct thresholds of (recall step) * precision; multiclass: one-vs-rest
                       weighted by the class's weight in y; binary: of class 1, null when y has none
  precision recall f1  binary: of class 1; multiclass: per class, weighted by the class's weight in y. 0 where the
                       denominator is 0
  f1_macro             plain mean of the per-class f1 over classes that occur in y or in the hard classes
  norm_macro_recall    (balanced_accuracy - r) / (1 - r) with r = 1 / n_classes
  log_loss             rows of probabilities are divided by their sum (multiclass), then clipped to [1e-15, 1 - 1e-15],
                       then -log of the true class's is averaged. Binary: the true class's probability is p or 1 - p
                       in double precision, clipped likewise
  brier                binary: mean (p - y)^2. multiclass: mean over rows of sum over classes of (p_k - [y = k])^2,
                       on rows divided by their sum; not halved
  rmse mae r2          as usual; r2 is null for less than two rows, and for a constant y 1 if exact, else 0
  normalized_root_mean_squared_error     rmse / (max y - min y); null when y is constant
  mape                 mean |y - p| / max(|y|, 2^-52): a fraction, huge where y = 0, as scikit-learn has it
  rmsle                rmse of log(1 + y) against log(1 + p); null when any y or p is -1 or below
  spearman_correlation Pearson correlation of the average ranks (from 1, ties share their mean). Weights enter the
                       Pearson correlation, not the ranks. Null when y or the prediction is constant
  median_absolute_error  median of |y - p|. With weights scikit-learn's weighted median: sort, find the first
                       error at which the cumulated weight reaches half of the total; where it equals half, the mean
                       of that error and the next one of positive weight
  pinball, pinball_0.1, pinball_0.9      mean of a * max(y - p, 0) + (1 - a) * max(p - y, 0) for a = 0.5, 0.1, 0.9
"""

import json
import math
import warnings
from pathlib import Path

import numpy as np
import sklearn
from scipy.stats import rankdata
from sklearn import metrics as sk

EPS = 1e-15


class Random:
    """splitmix64"""

    def __init__(self, seed):
        self.state = seed

    def uniform(self):
        self.state = (self.state + 0x9E3779B97F4A7C15) % 2**64
        z = self.state
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB % 2**64
        return ((z ^ (z >> 31)) >> 11) * 2.0**-53

    def normal(self):
        """Twelve uniforms: near enough to normal, and exact arithmetic on every platform."""
        return sum(self.uniform() for _ in range(12)) - 6

    def uniforms(self, n):
        return np.array([self.uniform() for _ in range(n)])

    def normals(self, n):
        return np.array([self.normal() for _ in range(n)])

    def classes(self, n, shares):
        edges = np.cumsum(shares) / np.sum(shares)
        return np.minimum(np.searchsorted(edges, self.uniforms(n), side="right"), len(shares) - 1)


# ---- expected values ----


def hard_classes(pred):
    return (pred > 0.5).astype(int) if pred.ndim == 1 else pred.argmax(axis=1)


def or_null(value):
    value = float(value)
    return value if math.isfinite(value) else None


def log_loss(y, w, pred):
    if pred.ndim == 1:
        own = np.where(y == 1, pred, 1 - pred)
    else:
        own = (pred / pred.sum(axis=1, keepdims=True))[np.arange(len(y)), y]
    return np.average(-np.log(np.clip(own, EPS, 1 - EPS)), weights=w)


def brier(y, w, pred, k):
    if pred.ndim == 1:
        return sk.brier_score_loss(y, pred, sample_weight=w, pos_label=1)
    rows = pred / pred.sum(axis=1, keepdims=True)
    return np.average(((rows - np.eye(k)[y]) ** 2).sum(axis=1), weights=w)


def one_vs_rest(score, y, w, pred, k):
    """Mean of a binary score over classes, weighted by their weight in y; classes not in y are left out."""
    share = np.array([w[y == c].sum() for c in range(k)])
    present = [c for c in range(k) if share[c] > 0]
    values = [score((y == c).astype(int), pred[:, c], sample_weight=w) for c in present]
    return np.average(values, weights=share[present])


def classification(y, weight, pred, k):
    w = np.ones(len(y)) if weight is None else weight
    hard = hard_classes(pred)
    average = "binary" if k == 2 else "weighted"
    prf = {"average": average, "sample_weight": weight, "zero_division": 0.0}
    balanced = sk.balanced_accuracy_score(y, hard, sample_weight=weight)
    classes_in_y = len(set(y[w > 0].tolist()))
    out = {
        "accuracy": sk.accuracy_score(y, hard, sample_weight=weight),
        "balanced_accuracy": balanced,
        "norm_macro_recall": (balanced - 1 / k) / (1 - 1 / k),
        "precision": sk.precision_score(y, hard, **prf),
        "recall": sk.recall_score(y, hard, **prf),
        "f1": sk.f1_score(y, hard, **prf),
        "f1_macro": sk.f1_score(y, hard, average="macro", sample_weight=weight, zero_division=0.0),
        "matthews_correlation": sk.matthews_corrcoef(y, hard, sample_weight=weight),
        "log_loss": log_loss(y, w, pred),
        "brier": brier(y, w, pred, k),
    }
    if k == 2:
        out["auc"] = out["auc_weighted"] = (
            sk.roc_auc_score(y, pred, sample_weight=weight) if classes_in_y == 2 else None)
        out["average_precision"] = (
            sk.average_precision_score(y, pred, sample_weight=weight) if w[y == 1].sum() > 0 else None)
    else:
        out["auc_weighted"] = one_vs_rest(sk.roc_auc_score, y, w, pred, k) if classes_in_y == k else None
        out["average_precision"] = one_vs_rest(sk.average_precision_score, y, w, pred, k)
    cross_check(y, weight, pred, k, out)
    return out


def cross_check(y, weight, pred, k, out):
    """What we compute by formula must agree with scikit-learn where both are defined."""
    if k > 2 and np.allclose(pred.sum(axis=1), 1, rtol=0, atol=1e-12):
        rows = pred / pred.sum(axis=1, keepdims=True)
        theirs = sk.brier_score_loss(y, rows, sample_weight=weight, labels=list(range(k)), scale_by_half=False)
        assert math.isclose(theirs, out["brier"], rel_tol=1e-12)
        if out["auc_weighted"] is not None and weight is None:
            theirs = sk.roc_auc_score(y, rows, multi_class="ovr", average="weighted")
            assert math.isclose(theirs, out["auc_weighted"], rel_tol=1e-12)
    inside = np.all((pred > EPS * 10) & (pred < 1 - EPS * 10))
    if inside and np.allclose(pred.sum(axis=-1) if k > 2 else 1, 1, rtol=0, atol=1e-12):
        theirs = sk.log_loss(y, pred, sample_weight=weight, labels=list(range(k)))
        assert math.isclose(theirs, out["log_loss"], rel_tol=1e-12)


def spearman(y, w, pred):
    if np.ptp(y) == 0 or np.ptp(pred) == 0:
        return None
    a, b = rankdata(y), rankdata(pred)
    a = a - np.average(a, weights=w)
    b = b - np.average(b, weights=w)
    below = math.sqrt(np.sum(w * a * a) * np.sum(w * b * b))
    return np.sum(w * a * b) / below if below > 0 else None


def regression(y, weight, pred):
    w = np.ones(len(y)) if weight is None else weight
    rmse = sk.root_mean_squared_error(y, pred, sample_weight=weight)
    spread = np.ptp(y)
    loggable = (y > -1).all() and (pred > -1).all()
    out = {
        "rmse": rmse,
        "normalized_root_mean_squared_error": rmse / spread if spread > 0 else None,
        "mae": sk.mean_absolute_error(y, pred, sample_weight=weight),
        "r2": sk.r2_score(y, pred, sample_weight=weight) if len(y) > 1 else None,
        "mape": sk.mean_absolute_percentage_error(y, pred, sample_weight=weight),
        "rmsle": math.sqrt(np.average((np.log1p(y) - np.log1p(pred)) ** 2, weights=w)) if loggable else None,
        "spearman_correlation": spearman(y, w, pred),
        "median_absolute_error": sk.median_absolute_error(y, pred, sample_weight=weight),
        "pinball": sk.mean_pinball_loss(y, pred, sample_weight=weight, alpha=0.5),
        "pinball_0.1": sk.mean_pinball_loss(y, pred, sample_weight=weight, alpha=0.1),
        "pinball_0.9": sk.mean_pinball_loss(y, pred, sample_weight=weight, alpha=0.9),
    }
    if loggable and (y >= 0).all() and (pred >= 0).all():
        theirs = sk.root_mean_squared_log_error(y, pred, sample_weight=weight)
        assert math.isclose(theirs, out["rmsle"], rel_tol=1e-12, abs_tol=1e-300)
    return out


# ---- cases ----


def binary_scores(r, y, noise):
    """Probabilities that say something about y: a ratio, so that no libm is involved."""
    t = (2 * y - 1) + noise * r.normals(len(y))
    return 0.5 + 0.5 * t / (1 + np.abs(t))


def multiclass_scores(r, y, k, strength):
    raw = 0.05 + np.array([[r.uniform() + strength * (c == label) for c in range(k)] for label in y])
    return raw / raw.sum(axis=1, keepdims=True)


def weights(r, n):
    return np.round(0.1 + 4 * r.uniforms(n), 3)


def binary_cases():
    r = Random(1)
    y = r.classes(100, [1, 1])
    yield "binary_balanced", y, None, binary_scores(r, y, 1.0)
    y = r.classes(200, [95, 5])
    yield "binary_imbalanced", y, None, binary_scores(r, y, 1.5)
    y = r.classes(120, [60, 40])
    p = np.round(binary_scores(r, y, 2.0) * 5) / 5
    yield "binary_ties", y, None, p
    yield "binary_ties_weighted", y, weights(r, 120), p
    y = r.classes(150, [70, 30])
    p = binary_scores(r, y, 1.0)
    yield "binary_weighted", y, weights(r, 150), p
    w = np.floor(3 * r.uniforms(150))
    yield "binary_integer_and_zero_weights", y, w, p
    y = np.arange(20) % 2
    yield "binary_perfect", y, None, y.astype(float)
    yield "binary_inverted", y, None, 1.0 - y
    y = r.classes(30, [1, 2])
    yield "binary_constant_half", y, None, np.full(30, 0.5)
    yield "binary_constant_low", y, weights(r, 30), np.full(30, 0.25)
    yield "binary_two_rows", np.array([0, 1]), None, np.array([0.25, 0.75])
    yield "binary_three_rows_tied", np.array([1, 0, 1]), None, np.array([0.5, 0.5, 0.625])
    yield "binary_five_rows_weighted", np.array([0, 1, 1, 0, 1]), np.array([1.0, 0.5, 2.0, 3.0, 0.25]), \
        np.array([0.125, 0.5, 0.875, 0.625, 0.0])
    yield "binary_one_class_negative", np.array([0, 0, 0, 0]), None, np.array([0.1, 0.7, 0.3, 0.2])
    yield "binary_one_class_positive", np.array([1, 1, 1]), None, np.array([0.9, 0.4, 0.6])
    y = r.classes(40, [1, 1])
    p = binary_scores(r, y, 1.0)
    p[::5], p[1::7] = 0.0, 1.0
    p[2], p[3], p[4] = 1e-300, 1 - 2.0**-53, 1e-16
    yield "binary_extreme_probabilities", y, None, p


def multiclass_cases():
    r = Random(2)
    y = r.classes(90, [1, 1, 1])
    yield "three_classes", y, None, multiclass_scores(r, y, 3, 0.8), 3
    y = r.classes(150, [50, 25, 15, 7, 3])
    p = multiclass_scores(r, y, 5, 0.7)
    yield "five_classes_imbalanced", y, None, p, 5
    yield "five_classes_weighted", y, weights(r, 150), p, 5
    y = r.classes(60, [1, 2, 3])
    p = np.round(multiclass_scores(r, y, 3, 0.5) * 4)
    p[p.sum(axis=1) == 0] = 1.0
    p = p / p.sum(axis=1, keepdims=True)
    yield "three_classes_ties_and_zeros", y, None, p, 3
    yield "three_classes_ties_and_zeros_weighted", y, weights(r, 60), p, 3
    y = r.classes(80, [3, 3, 3, 1, 2])
    p = multiclass_scores(r, y, 5, 0.9)
    p[:, 3] = 0
    p = p / p.sum(axis=1, keepdims=True)
    yield "five_classes_one_never_predicted", y, None, p, 5
    y = r.classes(50, [1, 1, 0, 1])
    yield "four_classes_one_not_in_y", y, weights(r, 50), multiclass_scores(r, y, 4, 0.6), 4
    y = np.arange(12) % 3
    yield "three_classes_perfect", y, None, np.eye(3)[y], 3
    yield "three_classes_constant", y, None, np.tile([0.25, 0.5, 0.25], (12, 1)), 3
    yield "three_rows_uniform", np.array([0, 1, 2]), None, np.full((3, 3), 1 / 3), 3
    y = r.classes(40, [2, 1, 1])
    p = multiclass_scores(r, y, 3, 0.8) * (0.5 + r.uniforms(40))[:, None]
    yield "three_classes_rows_not_summing_to_one", y, None, p, 3


def regression_cases():
    r = Random(3)
    y = 10 + 3 * r.normals(100)
    p = y + r.normals(100)
    yield "regression", y, None, p
    yield "regression_weighted", y, weights(r, 100), p
    w = np.floor(3 * r.uniforms(100))
    yield "regression_integer_and_zero_weights", y, w, p
    y = np.floor(4 * r.uniforms(60))
    yield "regression_zero_targets", y, None, np.abs(y + 0.5 * r.normals(60))
    y = 5 * r.normals(80)
    yield "regression_negative", y, weights(r, 80), y + 2 * r.normals(80)
    y, p = np.floor(6 * r.uniforms(90)), None
    p = np.floor(np.clip(y + r.normals(90), 0, 6))
    yield "regression_ties", y, None, p
    yield "regression_ties_weighted", y, weights(r, 90), p
    y = r.normals(25)
    yield "regression_exact", y, None, y.copy()
    yield "regression_constant_prediction", y, None, np.full(25, 0.125)
    yield "regression_constant_target", np.full(6, 3.0), None, np.array([3.0, 2.5, 3.5, 3.0, 4.0, 1.0])
    yield "regression_two_rows", np.array([1.0, 2.0]), None, np.array([1.5, 1.75])
    yield "regression_four_equal_weights", np.array([1.0, 2.0, 4.0, 8.0]), np.full(4, 0.5), \
        np.array([2.0, 2.0, 1.0, 16.0])
    y = 1e6 + 1e-2 * r.normals(50)
    yield "regression_large_offset", y, None, y + 1e-3 * r.normals(50)
    y = 1000 * r.uniforms(200) ** 4
    yield "regression_skewed", y, weights(r, 200), y * (0.5 + r.uniforms(200))
    yield "regression_just_above_minus_one", np.array([-0.5, 0.0, 2.0]), None, np.array([-0.75, 0.25, 1.0])


def cases():
    for name, y, w, pred in binary_cases():
        yield name, "binary", 2, y, w, pred, classification(y, w, pred, 2)
    for name, y, w, pred, k in multiclass_cases():
        yield name, "multiclass", k, y, w, pred, classification(y, w, pred, k)
    for name, y, w, pred in regression_cases():
        yield name, "regression", 0, y, w, pred, regression(y, w, pred)


# ---- output ----


def text(value):
    """JSON with 17 significant digits."""
    if value is None:
        return "null"
    if isinstance(value, (int, np.integer)):
        return str(int(value))
    if isinstance(value, (float, np.floating)):
        return f"{float(value):.17g}"
    if isinstance(value, str):
        return json.dumps(value)
    return "[" + ", ".join(text(v) for v in value) + "]"


def main():
    warnings.filterwarnings("ignore")
    blocks = []
    for name, task, k, y, w, pred, expected in cases():
        fields = [("name", name), ("task", task), ("n", len(y)), ("n_classes", k), ("y", y), ("w", w), ("pred", pred)]
        lines = [f"    {json.dumps(key)}: {text(value)}" for key, value in fields]
        values = ",\n".join(f"      {json.dumps(m)}: {text(None if v is None else or_null(v))}"
                            for m, v in sorted(expected.items()))
        lines.append('    "expected": {\n' + values + "\n    }")
        blocks.append("  {\n" + ",\n".join(lines) + "\n  }")
    head = f'{{\n"source": "scikit-learn {sklearn.__version__}, numpy {np.__version__}",\n"cases": [\n'
    out = head + ",\n".join(blocks) + "\n]\n}\n"
    json.loads(out)
    (Path(__file__).resolve().parent / "metrics.json").write_bytes(out.encode())


if __name__ == "__main__":
    main()
