"""k-NN beside scikit-learn's three exact algorithms, fit and prediction together.

    python bench/learners/knn.py BUILD/bench_knn [--case NAME] [--threads 1,2] [--repeats 3]

Ratios above 1: ours is faster. Scores of classes differ by our prior vote only. Trees are run up to 10 features.
"""
import argparse
import sys
import tempfile

import side_by_side as side

# name: training rows, queries, features, classes (0 = regression), k
CASES = {
    "small_class": (1000, 1000, 20, 2, 10),
    "small_reg": (1000, 1000, 20, 0, 10),
    "medium_class": (20000, 5000, 50, 2, 10),
    "medium_reg": (20000, 5000, 50, 0, 10),
    "medium_k100": (20000, 5000, 50, 0, 100),
    "higgs_100k": (100000, 10000, 28, 2, 10),
    "higgs_1m": (1000000, 10000, 28, 2, 10),
    "low_20k": (20000, 20000, 10, 0, 10),
    "wide_50k": (50000, 10000, 100, 0, 10),
    "integers_50k": (50000, 10000, 20, 2, 10),
    "flat2": (200000, 20000, 2, 0, 10),
    "flat3": (200000, 20000, 3, 0, 10),
    "flat5": (200000, 10000, 5, 0, 10),
    "flat8": (200000, 5000, 8, 0, 10),
}


def table(name, n, p, classes):
    if name.startswith("integers"):  # many equal distances and rows that repeat
        x, y = side.make(n, p, classes, 11)
        return side.np.round(2 * x), y
    if p >= 10:
        return side.make(n, p, classes, 11)
    rng = side.np.random.default_rng(11)
    x = rng.standard_normal((n, p)).astype(side.np.float32)
    return x, side.np.sin(3 * x[:, 0]) * x[:, -1] + 0.1 * rng.standard_normal(n)


def worker(a):
    from sklearn import neighbors

    x, y = side.get(a.folder, "train", a.n, a.p)
    t, _ = side.get(a.folder, "test", a.m, a.p)
    make = neighbors.KNeighborsClassifier if a.classes else neighbors.KNeighborsRegressor
    model = make(n_neighbors=a.k, algorithm=a.algorithm, n_jobs=a.workers, weights="uniform")
    # the kernels of pairwise reductions follow OpenMP, not n_jobs
    from threadpoolctl import threadpool_limits

    threadpool_limits(a.workers)
    side.timed_fit(
        a.folder,
        a.algorithm,
        lambda: model.fit(x, y),
        lambda m: m.predict(t) if not a.classes else m.predict_proba(t)[:, 1],
    )


def case(name, threads, program, repeats):
    n, m, p, classes, k = CASES[name]
    with tempfile.TemporaryDirectory() as folder:
        x, y = table(name, n + m, p, classes)
        side.put(folder, "train", x[:n], y[:n])
        side.put(folder, "test", x[n:], y[n:])
        shape = [str(v) for v in (n, m, p, classes)]

        def peer(algorithm):
            return lambda seed: [sys.executable, __file__, "--worker", "--folder", folder, "--n", shape[0]] + [
                "--m", shape[1], "--p", shape[2], "--classes", shape[3], "--k", str(k),
                "--algorithm", algorithm, "--workers", str(threads)]

        workers = {
            "ours": lambda seed: [program, folder, *shape, "0", "0", str(threads), str(seed), f"k={k}", "weights=0"],
            "brute": peer("brute"),
        }
        if p <= 10 or n <= 1000:
            workers["kd_tree"] = peer("kd_tree")
            workers["ball_tree"] = peer("ball_tree")
        side.compare(f"knn {name} {threads} thr", folder, y[n:], classes, workers, repeats, "both")


def main():
    o = argparse.ArgumentParser()
    o.add_argument("program", nargs="?")
    o.add_argument("--case")
    o.add_argument("--threads", default="1,2")
    o.add_argument("--repeats", type=int, default=3)
    o.add_argument("--worker", action="store_true")
    o.add_argument("--folder")
    o.add_argument("--algorithm")
    for name in ("n", "m", "p", "classes", "k", "workers"):
        o.add_argument("--" + name, type=int)
    a = o.parse_args()
    if a.worker:
        worker(a)
        return
    for name in [a.case] if a.case else CASES:
        for threads in a.threads.split(","):
            case(name, int(threads), a.program, a.repeats)


if __name__ == "__main__":
    main()
