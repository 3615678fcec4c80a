"""Writes metrics.json: test cases for the metrics with the values scikit-learn gives.

    python -m pip install "scikit-learn==1.9.1"
    python make_metric_reference.py            rewrites metrics.json beside this script

The file is committed; the test suite reads it and needs no Python. Cases are drawn from fixed
seeds with a generator of our own (numpy's streams may change), so a rerun with the same versions on
the same kind of processor gives the same bytes, elsewhere the same values but for the last digits.
Numbers carry 17 significant digits: they read back to the same double. Sums are taken in numpy's
order: compare with a relative tolerance of 1e-10 (absolute 1e-12 near zero).

The file: { "source": versions, "cases": [ case, ... ] }. One case:

    { "name", "task": "binary" | "multiclass" | "regression", "n", "n_classes",
      "y": [n], "w": [n] or null, "pred": [n] or [n][n_classes], "expected": { metric: value } }

  y         class numbers 0 ... n_classes-1, or the target of a regression (n_classes = 0)
  w         row weights, 0 or more; null = all one
  pred      binary: the chance of class 1. multiclass: one row of probabilities for each row of
            data (they need not sum to one). regression: the prediction
  expected  null where the metric is undefined for the case; a metric that is not listed is not
            defined for the task

Definitions. "Weight of a class" is the sum of w over the rows of that class in y. Every mean over
rows is weighted. K = n_classes. Probabilities are taken as given except where it says otherwise.

  hard class    binary: p > 0.5 -> 1, else 0. multiclass: the largest, ties to the lowest number
  accuracy      of the hard class
  balanced_accuracy
                mean recall of the classes whose weight is not zero
  norm_macro_recall
                (balanced_accuracy - r) / (1 - r) with r = 1 / K
  precision, recall, f1
                binary: of class 1. multiclass: per class, averaged by the weights of the classes.
                0 where the denominator is 0
  f1_macro      plain mean of the f1 of all classes that occur in y or among the hard classes
                (rows of weight 0 count as occurrences)
  matthews_correlation
                of the hard class; 0 when y or the hard classes are constant
  auc           binary only: area under the ROC curve, ties count half; null when a class has no
                weight
  auc_weighted  multiclass: one-vs-rest AUCs averaged by the weights of the classes; null when a
                class has no weight. binary: the same as auc
  average_precision
                sum over distinct thresholds, from the top, of (step of recall) * precision.
                binary: of class 1, null when it has no weight. multiclass: one-vs-rest, averaged
                by the weights of the classes; classes without weight are left out
  log_loss      mean of -log q, q = probability of the true class, clipped to [1e-15, 1 - 1e-15].
                multiclass: rows are divided by their sum first. binary: q = p or 1 - p
  brier         binary: mean of (p - y)^2. multiclass: rows are divided by their sum, then mean of
                the sum over classes of (p_k - [y = k])^2; not halved
  rmse, mae     as usual
  normalized_root_mean_squared_error
                rmse / (max y - min y) over all rows; null when y is constant
  r2            null for fewer than two rows; for a constant y 1 if exact, else 0
  mape          mean of |y - p| / max(|y|, 2^-52): a fraction, and huge where y = 0
  rmsle         root of the mean of (log(1 + p) - log(1 + y))^2; null when a y or p is -1 or below
  spearman_correlation
                weighted Pearson correlation of the ordinary average ranks (from 1, ties share
                their mean): weights enter the correlation, not the ranks, and rows of weight 0
                are ranked too. null when y or the prediction is constant
  median_absolute_error
                median of |y - p|. Weighted: sort by error, take the first one where the cumulated
                weight reaches half of the total; where it is within 2^-52 of that half, the mean of
                this error and the next one whose weight is not zero (if there is one)
  pinball, pinball_0.1, pinball_0.9
                mean of a * max(y - p, 0) + (1 - a) * max(p - y, 0) for a = 0.5, 0.1, 0.9
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


def mean(values, w):
    """Weighted mean, rounded once: numpy's sums may differ in the last bit from run to run."""
    return math.fsum(values * w) / math.fsum(w)


def normalised(pred):
    """Rows divided by their sum, added from the left."""
    return pred / np.array([[sum(row.tolist())] for row in pred])


def log_loss(y, w, pred):
    if pred.ndim == 1:
        own = np.where(y == 1, pred, 1 - pred)
    else:
        own = normalised(pred)[np.arange(len(y)), y]
    return mean(-np.log(np.clip(own, EPS, 1 - EPS)), w)


def brier(y, w, pred, k):
    if pred.ndim == 1:
        return sk.brier_score_loss(y, pred, sample_weight=w, pos_label=1)
    squares = (normalised(pred) - np.eye(k)[y]) ** 2
    return mean(np.array([math.fsum(row) for row in squares]), w)


def one_vs_rest(score, y, w, pred, k):
    """Mean of a binary score over the classes in y, weighted by their weight."""
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
        both, positive = classes_in_y == 2, w[y == 1].sum() > 0
        auc = sk.roc_auc_score(y, pred, sample_weight=weight) if both else None
        area = sk.average_precision_score(y, pred, sample_weight=weight) if positive else None
        out |= {"auc": auc, "auc_weighted": auc, "average_precision": area}
    else:
        auc = one_vs_rest(sk.roc_auc_score, y, w, pred, k) if classes_in_y == k else None
        out["auc_weighted"] = auc
        out["average_precision"] = one_vs_rest(sk.average_precision_score, y, w, pred, k)
    cross_check(y, weight, pred, k, out)
    return out


def cross_check(y, weight, pred, k, out):
    """What we compute by formula must agree with scikit-learn where both are defined."""
    if k > 2 and np.allclose(pred.sum(axis=1), 1, rtol=0, atol=1e-12):
        rows = normalised(pred)
        labels = list(range(k))
        theirs = sk.brier_score_loss(
            y, rows, sample_weight=weight, labels=labels, scale_by_half=False)
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
    a = a - mean(a, w)
    b = b - mean(b, w)
    below = math.sqrt(math.fsum(w * a * a) * math.fsum(w * b * b))
    return math.fsum(w * a * b) / below if below > 0 else None


def regression(y, weight, pred):
    w = np.ones(len(y)) if weight is None else weight
    rmse = sk.root_mean_squared_error(y, pred, sample_weight=weight)
    spread = np.ptp(y)
    loggable = (y > -1).all() and (pred > -1).all()
    root_log = math.sqrt(mean((np.log1p(y) - np.log1p(pred)) ** 2, w)) if loggable else None
    out = {
        "rmse": rmse,
        "normalized_root_mean_squared_error": rmse / spread if spread > 0 else None,
        "mae": sk.mean_absolute_error(y, pred, sample_weight=weight),
        "r2": sk.r2_score(y, pred, sample_weight=weight) if len(y) > 1 else None,
        "mape": sk.mean_absolute_percentage_error(y, pred, sample_weight=weight),
        "rmsle": root_log,
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
    raw = [[0.05 + r.uniform() + strength * (c == label) for c in range(k)] for label in y]
    return normalised(np.array(raw))


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
    y, w = np.array([0, 1, 1, 0, 1]), np.array([1.0, 0.5, 2.0, 3.0, 0.25])
    yield "binary_five_rows_weighted", y, w, np.array([0.125, 0.5, 0.875, 0.625, 0.0])
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
    p = normalised(p)
    yield "three_classes_ties_and_zeros", y, None, p, 3
    yield "three_classes_ties_and_zeros_weighted", y, weights(r, 60), p, 3
    y = r.classes(80, [3, 3, 3, 1, 2])
    p = multiclass_scores(r, y, 5, 0.9)
    p[:, 3] = 0
    p = normalised(p)
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
    y = np.floor(6 * r.uniforms(90))
    p = np.floor(np.clip(y + r.normals(90), 0, 6))
    yield "regression_ties", y, None, p
    yield "regression_ties_weighted", y, weights(r, 90), p
    y = r.normals(25)
    yield "regression_exact", y, None, y.copy()
    yield "regression_constant_prediction", y, None, np.full(25, 0.125)
    p = np.array([3.0, 2.5, 3.5, 3.0, 4.0, 1.0])
    yield "regression_constant_target", np.full(6, 3.0), None, p
    yield "regression_two_rows", np.array([1.0, 2.0]), None, np.array([1.5, 1.75])
    y, p = np.array([1.0, 2.0, 4.0, 8.0]), np.array([2.0, 2.0, 1.0, 16.0])
    yield "regression_four_equal_weights", y, np.full(4, 0.5), p
    y = 1e6 + 1e-2 * r.normals(50)
    yield "regression_large_offset", y, None, y + 1e-3 * r.normals(50)
    y = 1000 * r.uniforms(200) ** 4
    yield "regression_skewed", y, weights(r, 200), y * (0.5 + r.uniforms(200))
    y, p = np.array([-0.5, 0.0, 2.0]), np.array([-0.75, 0.25, 1.0])
    yield "regression_just_above_minus_one", y, None, p


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
        assert math.isfinite(value)  # what is undefined is None, and nothing else is
        return f"{float(value):.17g}"
    if isinstance(value, str):
        return json.dumps(value)
    return "[" + ", ".join(text(v) for v in value) + "]"


def main():
    warnings.filterwarnings("ignore")
    blocks = []
    for name, task, k, y, w, pred, expected in cases():
        fields = {"name": name, "task": task, "n": len(y), "n_classes": k, "y": y, "w": w}
        fields["pred"] = pred
        lines = [f"    {json.dumps(key)}: {text(value)}" for key, value in fields.items()]
        values = ",\n".join(f"      {json.dumps(m)}: {text(v)}"
                            for m, v in sorted(expected.items()))
        lines.append('    "expected": {\n' + values + "\n    }")
        blocks.append("  {\n" + ",\n".join(lines) + "\n  }")
    source = f"scikit-learn {sklearn.__version__}, numpy {np.__version__}"
    head = f'{{\n"source": "{source}",\n"cases": [\n'
    out = head + ",\n".join(blocks) + "\n]\n}\n"
    json.loads(out)
    (Path(__file__).resolve().parent / "metrics.json").write_bytes(out.encode())


if __name__ == "__main__":
    main()
