#!/usr/bin/env python3
"""Linear models against scikit-learn at equal objective, in one run.

    python bench/learners/bench_linear.py BUILD/bench_linear [--cases a,b] [--threads 1] [--repeats 5]

Ours runs as a child process on the same numbers; repeats of ours and of every peer alternate, the
median counts. `gap` is the objective above the best of all, relative; a peer enters the ratio only
with a gap of at most 1e-6. Peers get float32 and float64, and the tolerance that brings them there.
"""
import argparse, os, subprocess, tempfile, time, warnings, statistics
import numpy as np
import scipy.sparse as sp
from scipy.special import logsumexp
from threadpoolctl import threadpool_limits
from sklearn import linear_model, svm

warnings.filterwarnings("ignore")
BINARY, MULTI, REGRESSION = 1, 2, 4


class Case:
    def __init__(self, name, x, y, task, n_classes=0):
        self.name, self.y, self.task, self.k = name, y.astype(np.float64), task, n_classes
        self.sparse = sp.issparse(x)
        self.x32 = x.astype(np.float32)
        self.x64 = self.x32.astype(np.float64)
        self.f64 = self.x64 if self.sparse else np.asfortranarray(self.x64)
        self.n, self.p = x.shape

    def write(self, folder):
        def put(name, a): np.ascontiguousarray(a).tofile(os.path.join(folder, name))
        s = self.x32 if self.sparse else None
        p, q, nnz = (0, self.p, s.nnz) if self.sparse else (self.p, 0, 0)
        with open(os.path.join(folder, "shape"), "w") as f:
            f.write(f"{self.n} {p} {q} {nnz} {self.task} {self.k}\n")
        put("x.f32", np.zeros(0, np.float32) if self.sparse else self.x32)
        put("y.f64", self.y)
        if self.sparse:
            put("start.u64", s.indptr.astype(np.uint64))
            put("column.u32", s.indices.astype(np.uint32))
            put("value.f32", s.data)


def dense(name, n, p, task, k=0, seed=0, informative=None):
    r = np.random.default_rng(seed)
    mix = r.normal(size=(p, p)) * 0.15 / np.sqrt(p / 50)
    x = r.normal(size=(n, p)) @ (np.eye(p) + mix)
    x = (x - x.mean(0)) / x.std(0)
    m = informative or max(5, p // 5)
    if task == REGRESSION:
        b = np.zeros(p); b[r.permutation(p)[:m]] = r.normal(size=m)
        z = x @ b
        return Case(name, x, z + z.std() * r.normal(size=n), task)
    b = np.zeros((p, k)); b[r.permutation(p)[:m]] = r.normal(size=(m, k)) / np.sqrt(m) * 1.5
    y = np.argmax(x @ b + r.gumbel(size=(n, k)), 1)
    return Case(name, x, y, task, k)


def words(name, n, q, task, k=0, seed=0, length=90):
    """Hashed n-grams: counts of words by Zipf's law, rows of length 1 (tf-idf)."""
    r = np.random.default_rng(seed)
    lengths = r.poisson(length, n) + 5
    row = np.repeat(np.arange(n), lengths)
    word = np.minimum((r.pareto(0.7, len(row)) * 20).astype(np.int64), 10 ** 7)
    col = (word * 2654435761) % 4294967296 % q
    topic = r.integers(0, max(k, 2), n)
    own = r.random(len(row)) < 0.15
    col[own] = (topic[row[own]] * 7919 + r.integers(0, 300, own.sum()) * 31) % q
    x = sp.csr_matrix((np.ones(len(row)), (row, col)), shape=(n, q))
    x.sum_duplicates()
    idf = np.log(n / (1 + np.bincount(x.indices, minlength=q))) + 1
    x.data *= idf[x.indices]
    norm = np.sqrt(x.multiply(x).sum(1)).A1 if hasattr(x.multiply(x).sum(1), "A1") else np.sqrt(np.asarray(x.multiply(x).sum(1)).ravel())
    x = sp.diags(1 / norm) @ x
    x = x.tocsr(); x.sort_indices()
    if task == REGRESSION:
        b = np.zeros(q); at = r.permutation(q)[:q // 50]; b[at] = r.normal(size=len(at)) * 3
        z = x @ b
        return Case(name, x, z + 0.3 * r.normal(size=n), task)
    noise = r.random(n) < 0.08
    topic[noise] = r.integers(0, k, noise.sum())
    return Case(name, x, topic, task, k)


# ---- objectives, in float64; coef (p + 1) × k with the intercepts last

def margins(c, coef): return np.asarray(c.x64 @ coef[:-1] + coef[-1])

def logistic(c, coef, C):
    z = margins(c, coef)
    y = c.y.astype(int)
    if z.shape[1] == 1: loss = np.logaddexp(0, z[:, 0]) - y * z[:, 0]
    else: loss = logsumexp(z, axis=1) - z[np.arange(c.n), y]
    return C * loss.sum() + 0.5 * (coef[:-1] ** 2).sum()

def hinge(c, coef, C):
    z, f = margins(c, coef), 0.5 * (coef[:-1] ** 2).sum()
    for j in range(z.shape[1]):
        t = np.where(c.y == (1 if z.shape[1] == 1 else j), 1, -1)
        f += C * (np.maximum(0, 1 - t * z[:, j]) ** 2).sum()
    return f

def coef_of(m): return np.vstack([np.atleast_2d(m.coef_).T, np.atleast_2d(m.intercept_).reshape(1, -1)]).astype(np.float64)


# ---- cases: name -> (data, our command, objective, {peer: function of () giving a coef})

def logistic_case(c, C):
    def peer(solver, x, **kw):
        def run():
            y = c.y.astype(int)
            return coef_of(linear_model.LogisticRegression(C=C, solver=solver, max_iter=2000, **kw).fit(x, y))
        return run
    peers = {"lbfgs": peer("lbfgs", c.x64, tol=1e-4), "lbfgs tight": peer("lbfgs", c.x64, tol=1e-6)}
    if not c.sparse: peers["lbfgs float32"] = peer("lbfgs", c.x32, tol=1e-4)
    if c.p <= 1000 and not c.sparse and c.k * c.p <= 3000:
        peers["newton-cholesky"] = peer("newton-cholesky", c.x64, tol=1e-3)
        peers["newton-cholesky float32"] = peer("newton-cholesky", c.x32, tol=1e-3)
    peers["newton-cg"] = peer("newton-cg", c.x64, tol=1e-3)
    if c.k == 2: peers["liblinear"] = peer("liblinear", c.f64, tol=1e-3, intercept_scaling=100)
    return c, f"fit logistic %d {C}", lambda w: logistic(c, w, C), peers

def svm_case(c, C):
    def peer(dual, tol):
        def run():
            return coef_of(svm.LinearSVC(C=C, dual=dual, tol=tol, max_iter=5000, intercept_scaling=100).fit(c.f64, c.y.astype(int)))
        return run
    return c, f"fit linear_svm %d {C}", lambda w: hinge(c, w, C), {"liblinear primal": peer(False, 1e-3), "liblinear dual": peer(True, 1e-3)}


CASES = {
    "logistic 100k x 50": lambda: logistic_case(dense("", 100000, 50, BINARY, 2), 1.0),
    "logistic 20k x 500": lambda: logistic_case(dense("", 20000, 500, BINARY, 2), 1.0),
    "logistic 500 x 5000": lambda: logistic_case(dense("", 500, 5000, BINARY, 2), 1.0),
    "logistic sparse 20k x 50k": lambda: logistic_case(words("", 20000, 50000, BINARY, 2), 1.0),
    "multinomial 100k x 50, 7 classes": lambda: logistic_case(dense("", 100000, 50, MULTI, 7), 1.0),
    "multinomial 20k x 500, 5 classes": lambda: logistic_case(dense("", 20000, 500, MULTI, 5), 1.0),
    "multinomial sparse 20k x 50k, 20 classes": lambda: logistic_case(words("", 20000, 50000, MULTI, 20), 1.0),
    "svm 100k x 50": lambda: svm_case(dense("", 100000, 50, BINARY, 2), 0.1),
    "svm sparse 20k x 50k": lambda: svm_case(words("", 20000, 50000, BINARY, 2), 0.1),
}


class Ours:
    def __init__(self, program, folder):
        self.folder = folder
        self.child = subprocess.Popen([program, folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                      env={**os.environ, "OMP_WAIT_POLICY": "passive"})

    def run(self, command):
        self.child.stdin.write(command + "\n"); self.child.stdin.flush()
        answer = self.child.stdout.readline().split()
        seconds, shape = float(answer[0]), (int(answer[1]), int(answer[2]))
        return seconds, np.fromfile(os.path.join(self.folder, "coef.f64")).reshape(shape)


def measure(name, threads, repeats, budget, program):
    c, command, objective, peers = CASES[name]()
    with tempfile.TemporaryDirectory() as folder, threadpool_limits(threads):
        c.write(folder)
        ours = Ours(program, folder)
        times, best = {"ours": []}, {}
        times.update({p: [] for p in peers})
        spent = {p: 0.0 for p in times}
        for r in range(repeats):
            for who in times:
                if r and spent[who] + spent[who] / len(times[who]) > budget: continue
                if who == "ours":
                    seconds, coef = ours.run(command % threads)
                else:
                    begin = time.perf_counter(); coef = peers[who](); seconds = time.perf_counter() - begin
                times[who].append(seconds); spent[who] += seconds
                if not r: best[who] = objective(coef)
        ours.child.stdin.close(); ours.child.wait()
    lowest = min(best.values())
    gap = {w: (best[w] - lowest) / abs(lowest) for w in best}
    median = {w: statistics.median(times[w]) for w in times}
    print(f"{name}, {threads} thread(s)")
    fair = {w: median[w] for w in median if w != "ours" and gap[w] <= 1e-6}
    for w in median: print(f"  {w:26s} {median[w]:9.4f} s  gap {gap[w]:.1e}  {median[w] / median['ours']:6.2f} x ours")
    if fair:
        w = min(fair, key=fair.get)
        print(f"  => {fair[w] / median['ours']:.2f} x faster than {w}, the fastest peer with a gap of 1e-6", flush=True)


if __name__ == "__main__":
    a = argparse.ArgumentParser()
    a.add_argument("program")
    a.add_argument("--cases", default="")
    a.add_argument("--threads", default="1")
    a.add_argument("--repeats", type=int, default=5)
    a.add_argument("--budget", type=float, default=8, help="seconds of repeats a contestant and case")
    o = a.parse_args()
    for t in o.threads.split(","):
        for name in CASES:
            if not o.cases or any(part in name for part in o.cases.split(",")):
                measure(name, int(t), o.repeats, o.budget, o.program)
