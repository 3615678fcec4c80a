"""Forests beside scikit-learn and ranger: the same number of trees, the same features tried at a node, leaves of one row.

    python bench/learners/forest.py BUILD/bench_forest [--case NAME] [--kind NAME] [--threads 1,2] [--repeats 3]

ranger is used when Rscript finds it. Ratios above 1: ours is faster.
"""
import argparse
import os
import shutil
import subprocess
import sys
import tempfile

import side_by_side as side

# name: rows, features, classes (0 = regression), trees
CASES = {
    "small_class": (1000, 20, 2, 500),
    "small_reg": (1000, 20, 0, 500),
    "medium_class": (20000, 50, 2, 100),
    "medium_reg": (20000, 50, 0, 50),
    "medium_multi": (20000, 50, 7, 50),
    "large_class": (500000, 28, 2, 10),
    "large_reg": (500000, 28, 0, 5),
}
TEST = {"small": 20000, "medium": 50000, "large": 100000}

RANGER = """
a <- commandArgs(TRUE); folder <- a[1]; n <- as.integer(a[2]); m <- as.integer(a[3]); p <- as.integer(a[4])
classes <- as.integer(a[5]); threads <- as.integer(a[6]); seed <- as.integer(a[7]); trees <- as.integer(a[8])
mtry <- as.integer(a[9]); kind <- a[10]
suppressMessages(library(ranger))
get <- function(part, n) {
  x <- readBin(file.path(folder, paste0(part, ".x")), "numeric", n * p, size = 4)
  d <- as.data.frame(matrix(x, n, p)); names(d) <- paste0("x", 1:p); d }
train <- get("train", n); test <- get("test", m)
y <- readBin(file.path(folder, "train.y"), "numeric", n, size = 8)
if (classes) y <- factor(y)
mb <- function(key) { s <- readLines("/proc/self/status"); as.numeric(gsub("[^0-9]", "", s[startsWith(s, key)])) / 1024 }
invisible(gc()); try(writeLines("5", "/proc/self/clear_refs"), silent = TRUE); before <- mb("VmRSS:")
t0 <- proc.time()[[3]]
f <- ranger(x = train, y = y, num.trees = trees, mtry = mtry, min.node.size = 1, probability = classes > 0,
            replace = kind == "random_forest", sample.fraction = 1, oob.error = FALSE,
            splitrule = if (kind == "extra_trees") "extratrees" else if (classes) "gini" else "variance",
            num.threads = threads, seed = seed)
t1 <- proc.time()[[3]]
out <- predict(f, test, num.threads = threads)$predictions
t2 <- proc.time()[[3]]
if (classes == 2) out <- out[, "1"]
if (classes > 2) out <- t(out[, order(as.numeric(colnames(out)))])
cat("fit", t1 - t0 + 1e-4, "predict", t2 - t1 + 1e-4, "memory", mb("VmHWM:") - before, "\\n")
writeBin(as.numeric(out), file.path(folder, "ranger.out"))
"""


def worker(a):
    from sklearn import ensemble

    x, y = side.get(a.folder, "train", a.n, a.p)
    t, _ = side.get(a.folder, "test", a.m, a.p)
    name = {"random_forest": "RandomForest", "extra_trees": "ExtraTrees"}[a.kind]
    make = getattr(ensemble, name + ("Classifier" if a.classes else "Regressor"))
    model = make(n_estimators=a.trees, max_features=a.mtry, n_jobs=a.workers, random_state=a.seed)
    side.timed_fit(
        a.folder,
        "sklearn",
        lambda: model.fit(x, y),
        lambda m: m.predict(t) if not a.classes else m.predict_proba(t)[:, 1 if a.classes == 2 else slice(None)],
    )


def case(name, kind, threads, program, repeats):
    n, p, classes, trees = CASES[name]
    m = TEST[name.split("_")[0]]
    mtry = max(1, int(p**0.5 if classes else p / 3))
    with tempfile.TemporaryDirectory() as folder:
        x, y = side.make(n + m, p, classes, 7)
        side.put(folder, "train", x[:n], y[:n])
        side.put(folder, "test", x[n:], y[n:])
        with open(os.path.join(folder, "ranger.R"), "w") as f:
            f.write(RANGER)
        shape = [str(v) for v in (n, m, p, classes)]
        workers = {
            "ours": lambda seed: [program, kind, folder, *shape, "0", "0", str(threads), str(seed)]
            + [f"n_estimators={trees}", f"max_features={mtry / p:.9f}"],
            "sklearn": lambda seed: [sys.executable, __file__, "--worker", "--kind", kind, "--folder", folder]
            + ["--n", shape[0], "--m", shape[1], "--p", shape[2], "--classes", shape[3], "--seed", str(seed)]
            + ["--trees", str(trees), "--mtry", str(mtry), "--workers", str(threads)],
        }
        if has_ranger():
            workers["ranger"] = lambda seed: ["Rscript", os.path.join(folder, "ranger.R"), folder, *shape] + [
                str(threads), str(seed), str(trees), str(mtry), kind]
        title = f"{kind} {name} {trees} trees {threads} thr"
        side.compare(title, folder, y[n:], classes, workers, repeats)


def has_ranger():
    return bool(shutil.which("Rscript")) and not subprocess.run(
        ["Rscript", "-e", "library(ranger)"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode


def main():
    o = argparse.ArgumentParser()
    o.add_argument("program", nargs="?")
    o.add_argument("--case")
    o.add_argument("--kind")
    o.add_argument("--threads", default="1,2")
    o.add_argument("--repeats", type=int, default=3)
    o.add_argument("--worker", action="store_true")
    o.add_argument("--folder")
    for name in ("n", "m", "p", "classes", "seed", "trees", "mtry", "workers"):
        o.add_argument("--" + name, type=int)
    a = o.parse_args()
    if a.worker:
        worker(a)
        return
    for name in [a.case] if a.case else CASES:
        for kind in [a.kind] if a.kind else ["random_forest", "extra_trees"]:
            for threads in a.threads.split(","):
                case(name, kind, int(threads), a.program, a.repeats)


if __name__ == "__main__":
    main()
