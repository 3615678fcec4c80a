"""Compares our contributions of features with shap's TreeExplainer (path dependent) on the same trees.

usage: check_shap.py FILE        written by tree_models

A split on a category is written for shap, which has none, as splits on ranges of its codes, each with a copy of the child:
the same function of the row, and, the shares of the training rows kept, the same expectations where the feature is not
told. So all Shapley values are the same too."""

import json
import sys
import time

import numpy as np
import shap

TOLERANCE = 1e-6


class Flat:
    """Nodes of a tree as the arrays that shap takes."""

    def __init__(self):
        self.left, self.right, self.default, self.feature = [], [], [], []
        self.threshold, self.values, self.cover = [], [], []

    def add(self, feature, threshold, values, cover):
        for to, x in zip(
            (self.left, self.right, self.default, self.feature, self.threshold, self.values, self.cover),
            (-1, -1, -1, feature, threshold, values, cover),
        ):
            to.append(x)
        return len(self.left) - 1

    def split(self, feature, threshold, missing_left, cover, k, left, right):
        at = self.add(feature, threshold, np.zeros(k), cover)
        self.left[at], self.right[at] = left(), right()
        self.default[at] = self.left[at] if missing_left else self.right[at]
        return at

    def arrays(self):
        return {
            "children_left": np.array(self.left),
            "children_right": np.array(self.right),
            "children_default": np.array(self.default),
            "features": np.array(self.feature),
            "thresholds": np.array(self.threshold, dtype=np.float64),
            "values": np.array(self.values, dtype=np.float64),
            "node_sample_weight": np.array(self.cover, dtype=np.float64),
        }


def flatten(nodes, k, most_codes):
    """most_codes: the codes of a category are 0 ... most_codes."""
    flat = Flat()

    def put(i, scale):
        node = nodes[i]
        cover = node["cover"] * scale
        if "values" in node:
            return flat.add(-1, 0.0, np.array(node["values"]), cover)
        left, right = node["left"], node["left"] + 1
        if "threshold" in node:
            return flat.split(node["feature"], node["threshold"], node["missing_left"], cover, k,
                              lambda: put(left, scale), lambda: put(right, scale))
        goes_left = [c in set(node["codes_left"]) for c in range(most_codes + 1)]
        if len(set(goes_left)) == 1:  # a side for codes that do not occur
            goes_left.append(not goes_left[0])
        ranges = [0] + [c for c in range(1, len(goes_left)) if goes_left[c] != goes_left[c - 1]]
        sides = [goes_left[c] for c in ranges]
        share = {s: scale / sides.count(s) for s in (True, False)}

        def chain(r):
            child = left if sides[r] else right
            if r + 1 == len(ranges):
                return put(child, share[sides[r]])
            rest = sum(nodes[left if s else right]["cover"] * share[s] for s in sides[r:])
            return flat.split(node["feature"], ranges[r + 1] - 0.5, False, rest, k,
                              lambda: put(child, share[sides[r]]), lambda: chain(r + 1))

        return chain(0)

    put(0, 1.0)
    return flat.arrays()


def categories(nodes):
    return {n["feature"] for n in nodes if "codes_left" in n}


def main(path):
    worst = 0.0
    for model in json.load(open(path, encoding="utf-8")):
        x, k = np.array(model["x"]), model["outputs"]
        towns = set().union(*(categories(t) for t in model["trees"]))
        most = max((int(x[:, j].max()) for j in towns), default=0)
        trees = [flatten(t, k, most) for t in model["trees"]]
        explainer = shap.TreeExplainer(
            {"trees": trees, "internal_dtype": np.float64, "input_dtype": np.float64, "base_offset": 0.0},
            feature_perturbation="tree_path_dependent",
        )
        begin = time.perf_counter()
        theirs = np.asarray(explainer.shap_values(x, check_additivity=False)).reshape(len(x), x.shape[1], k)
        seconds = time.perf_counter() - begin
        base = np.atleast_1d(explainer.expected_value) * model["factor"] + np.array(model["offset"])
        ours = np.array(model["contributions"]).reshape(len(x), x.shape[1] + 1, k)
        size = np.abs(ours).max()
        off = max(np.abs(theirs * model["factor"] - ours[:, :-1]).max(), np.abs(base - ours[:, -1]).max())
        worst = max(worst, off / size)
        print(f"{model['name']:28} {len(trees):4} trees, {len(towns)} category, {np.isnan(x).sum():3} missing: "
              f"off by {off:.1e} of {size:.3g}; {model['seconds']:.3f} s, shap {seconds:.3f} s")
    if not worst < TOLERANCE:
        sys.exit(f"contributions differ from shap {shap.__version__} by {worst:.1e}")
    print(f"the same as shap {shap.__version__} within {worst:.1e}")


if __name__ == "__main__":
    main(sys.argv[1])
