#!/usr/bin/env python3
"""Linear models against scikit-learn at equal objective, in one run.

    python bench/learners/bench_linear.py BUILD/bench_linear [--cases a,b] [--threads 1] [--repeats 5] [--cpu]

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


def higgs(n, seed=0):
    """28 numbers, a third of them skewed, and two classes that are hard to tell apart."""
    r = np.random.default_rng(seed)
    x = r.normal(size=(n, 28)).astype(np.float32)
    x[:, 7:21] = 0.8 * x[:, 7:21] + 0.6 * x[:, :14]
    x[:, ::3] = np.exp(0.5 * x[:, ::3])
    x = (x - x.mean(0)) / x.std(0)
    z = 0.25 * (x[:, :8] @ r.normal(size=8)) + 0.4 * x[:, 1] * x[:, 4] - 0.3 * x[:, 2] ** 2 * (x[:, 5] > 0)
    return Case("", x, z + r.logistic(size=n) > 0, BINARY, 2)


def adult(n=32561, seed=0):
    """6 numbers, two of them mostly 0, and 8 categories as 99 columns of 0 and 1."""
    r = np.random.default_rng(seed)
    number = r.normal(size=(n, 6))
    number[:, 3:5] = np.where(r.random((n, 2)) < 0.08, np.exp(number[:, 3:5]) * 10, 0)
    blocks, z = [(number - number.mean(0)) / number.std(0)], -1.5 + number[:, 0] * 0.6 + number[:, 3] * 0.05
    for levels in 8, 16, 7, 14, 6, 5, 2, 41:
        share = r.dirichlet(np.full(levels, 0.5))
        code = r.choice(levels, n, p=share)
        blocks.append(np.eye(levels)[code])
        z += 0.7 * r.normal(size=levels)[code]
    return Case("", np.hstack(blocks), z + r.logistic(size=n) > 0, BINARY, 2)


def covertype(n, seed=0):
    """10 numbers and two categories as 44 columns of 0 and 1; 7 classes, two of them common."""
    r = np.random.default_rng(seed)
    number = r.normal(size=(n, 10)).astype(np.float32)
    area, soil = r.choice(4, n, p=[0.45, 0.05, 0.43, 0.07]), r.choice(40, n, p=r.dirichlet(np.full(40, 0.6)))
    x = np.hstack([number, np.eye(4, dtype=np.float32)[area], np.eye(40, dtype=np.float32)[soil]])
    z = x @ r.normal(size=(54, 7)) * 0.7 + np.log([0.36, 0.49, 0.06, 0.005, 0.016, 0.03, 0.035])
    return Case("", x, np.argmax(z + r.gumbel(size=z.shape), 1), MULTI, 7)


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


# ---- cases: name -> (data, our command, objective, {peer: (function of a tolerance giving coefs, tolerances)})

def ladder(command): return [f"{command} {tol:g}" for tol in (1e-4, 1e-5, 1e-6, 1e-7, 1e-8)]

def logistic_case(c, C):
    y = c.y.astype(int)
    def peer(solver, x, tolerances, **kw):
        def run(tol):
            return coef_of(linear_model.LogisticRegression(C=C, solver=solver, tol=tol, max_iter=5000, **kw).fit(x, y))
        return run, tolerances
    peers = {"lbfgs": peer("lbfgs", c.x64, [1e-3, 1e-4, 1e-5, 1e-6]), "newton-cg": peer("newton-cg", c.x64, [1e-3, 1e-4, 1e-5])}
    if not c.sparse: peers["lbfgs float32"] = peer("lbfgs", c.x32, [1e-3, 1e-4, 1e-5, 1e-6])
    if c.p <= 1000 and not c.sparse:
        peers["newton-cholesky"] = peer("newton-cholesky", c.x64, [1e-2, 1e-3, 1e-4])
        peers["newton-cholesky float32"] = peer("newton-cholesky", c.x32, [1e-2, 1e-3, 1e-4])
    if c.k == 2: peers["liblinear"] = peer("liblinear", c.f64, [1e-2, 1e-3, 1e-4], intercept_scaling=100)
    return c, ladder(f"fit logistic %d {C}"), lambda w: logistic(c, w, C), peers, f"fit logistic %d {C} 1e-13"


def svm_case(c, C):
    def run(tol):
        return coef_of(svm.LinearSVC(C=C, dual=False, tol=tol, max_iter=5000, intercept_scaling=100).fit(c.f64, c.y.astype(int)))
    return (c, ladder(f"fit linear_svm %d {C}"), lambda w: hinge(c, w, C), {"liblinear primal": (run, [1e-2, 1e-3, 1e-4, 1e-5])},
            f"fit linear_svm %d {C} 1e-13")


def poisson_case(c, alpha=1.0):
    """Counts with a logarithmic link; ours takes alpha of the sum of losses, scikit-learn of their mean."""
    r = np.random.default_rng(1)
    z = 0.5 * (c.y - c.y.mean()) / c.y.std()
    c.y = r.poisson(np.exp(z)).astype(np.float64)
    def objective(w):
        z = margins(c, w)[:, 0]
        return (np.exp(z) - c.y * z).sum() + 0.5 * alpha * (w[:-1] ** 2).sum()
    def peer(solver, tolerances):
        def run(tol):
            return coef_of(linear_model.PoissonRegressor(alpha=alpha / c.n, solver=solver, tol=tol, max_iter=5000).fit(c.x64, c.y))
        return run, tolerances
    peers = {"PoissonRegressor lbfgs": peer("lbfgs", [1e-4, 1e-5, 1e-6])}
    if not c.sparse: peers["PoissonRegressor newton-cholesky"] = peer("newton-cholesky", [1e-2, 1e-3, 1e-4])
    return c, f"fit glm %d 2 {alpha}", objective, peers, None


def robust_case(c, loss):
    """Huber and quantile loss; a tenth of the targets are outliers. Huber's scale is found in another
    way by each, so that its objective is the mean distance to the line without outliers."""
    r = np.random.default_rng(1)
    truth = c.y.copy()
    c.y = c.y + np.where(r.random(c.n) < 0.1, 30 * c.y.std() * np.abs(r.normal(size=c.n)), 0)
    def huber(w): return np.abs(truth - margins(c, w)[:, 0]).mean()
    def quantile(w):
        e = c.y - margins(c, w)[:, 0]
        return np.maximum(0.7 * e, -0.3 * e).sum()
    if loss == "huber":
        def run(tol): return coef_of(linear_model.HuberRegressor(alpha=0.5, tol=tol, max_iter=5000).fit(c.x64, c.y))
        return c, "fit glm %d 0 1.0 1.35", huber, {"HuberRegressor": (run, [1e-5])}, None
    def run(tol): return coef_of(linear_model.QuantileRegressor(quantile=0.7, alpha=0, solver="highs").fit(c.x64, c.y))
    return c, "fit glm %d 1 1e-4 1.35 0.7", quantile, {"QuantileRegressor highs": (run, [0])}, None


def ridge_case(c):
    """A path of 20 penalties with leave-one-out errors; the objective is that of the best by them."""
    alphas = np.logspace(-2, 4, 20)
    def objective(a):
        l = int(np.argmin(a[-1])) if a.shape[1] > 1 else 0
        w = a[:-1, l:l + 1]
        return ((margins(c, w)[:, 0] - c.y) ** 2).sum()
    def peer(x, mode):
        def run(tol):
            m = linear_model.RidgeCV(alphas, gcv_mode=mode).fit(x, c.y)
            return np.vstack([coef_of(m), [[0]]])
        return run, [0]
    return (c, "ridge_path - %d " + " ".join(map(repr, map(float, alphas))), objective,
            {"RidgeCV svd": peer(c.x64, "svd"), "RidgeCV eigen": peer(c.x64, "eigen"), "RidgeCV svd float32": peer(c.x32, "svd")}, None)


def path_case(c, ratio, count=100, least=1e-2):
    """The whole path; gap: the largest over the penalties."""
    center = np.asarray(c.x64.mean(0)).ravel()
    yc = c.y - c.y.mean()
    top = np.abs(c.x64.T @ yc - center * yc.sum()).max() / c.n / ratio
    alphas = top * np.logspace(0, np.log10(least), count)
    def objective(a):
        a = a if a.shape[0] == count else a.T
        w = a[:, :c.p].T
        r = yc[:, None] - (c.x64 @ w - center @ w)
        f = 0.5 * (r ** 2).mean(0) + alphas * (ratio * np.abs(w).sum(0) + 0.5 * (1 - ratio) * (w ** 2).sum(0))
        return f
    def peer(x):
        def run(tol):
            if c.sparse:
                w = []
                m = linear_model.ElasticNet(l1_ratio=ratio, tol=tol, warm_start=True, max_iter=10000)
                for v in alphas: w.append(m.set_params(alpha=v).fit(c.f64, c.y).coef_.copy())
                return np.array(w)
            xx = x - x.mean(0)
            return linear_model.enet_path(xx, yc.astype(x.dtype), l1_ratio=ratio, alphas=alphas, tol=tol, max_iter=10000, copy_X=False)[1].T
        return run, [1e-3, 1e-4, 1e-6, 1e-8]
    text = " ".join(repr(float(v)) for v in alphas)
    peers = {"enet_path": peer(None if c.sparse else np.asfortranarray(c.x64))}
    if not c.sparse: peers["enet_path float32"] = peer(np.asfortranarray(c.x32))
    ours = [f"enet_path - %d {tol:g} {ratio} " + text for tol in (1e-3, 1e-4, 1e-5, 1e-6, 1e-7)]
    return c, ours, objective, peers, f"enet_path - %d 1e-12 {ratio} " + text


CASES = {
    "logistic higgs-like 1M x 28": lambda: logistic_case(higgs(1000000), 1.0),
    "logistic adult-like 33k x 105": lambda: logistic_case(adult(), 1.0),
    "logistic 200k x 200": lambda: logistic_case(dense("", 200000, 200, BINARY, 2), 1.0),
    "multinomial covertype-like 500k x 54, 7 classes": lambda: logistic_case(covertype(500000), 1.0),
    "logistic 100k x 50": lambda: logistic_case(dense("", 100000, 50, BINARY, 2), 1.0),
    "logistic 20k x 500": lambda: logistic_case(dense("", 20000, 500, BINARY, 2), 1.0),
    "logistic 500 x 5000": lambda: logistic_case(dense("", 500, 5000, BINARY, 2), 1.0),
    "logistic sparse 20k x 50k": lambda: logistic_case(words("", 20000, 50000, BINARY, 2), 1.0),
    "multinomial 100k x 50, 7 classes": lambda: logistic_case(dense("", 100000, 50, MULTI, 7), 1.0),
    "multinomial 20k x 500, 5 classes": lambda: logistic_case(dense("", 20000, 500, MULTI, 5), 1.0),
    "multinomial sparse 20k x 50k, 20 classes": lambda: logistic_case(words("", 20000, 50000, MULTI, 20), 1.0),
    "ridge 100k x 50": lambda: ridge_case(dense("", 100000, 50, REGRESSION)),
    "ridge 20k x 500": lambda: ridge_case(dense("", 20000, 500, REGRESSION)),
    "ridge 500 x 5000": lambda: ridge_case(dense("", 500, 5000, REGRESSION)),
    "lasso path 100k x 50": lambda: path_case(dense("", 100000, 50, REGRESSION), 1.0),
    "lasso path 20k x 500": lambda: path_case(dense("", 20000, 500, REGRESSION), 1.0),
    "lasso path 500 x 5000": lambda: path_case(dense("", 500, 5000, REGRESSION, informative=50), 1.0),
    "elastic net path 500 x 5000": lambda: path_case(dense("", 500, 5000, REGRESSION, informative=50), 0.5),
    "lasso path sparse 20k x 50k": lambda: path_case(words("", 20000, 50000, REGRESSION), 1.0, 30, 0.05),
    "poisson 100k x 50": lambda: poisson_case(dense("", 100000, 50, REGRESSION)),
    "poisson sparse 20k x 50k": lambda: poisson_case(words("", 20000, 50000, REGRESSION)),
    "huber 100k x 50": lambda: robust_case(dense("", 100000, 50, REGRESSION), "huber"),
    "quantile 5k x 20": lambda: robust_case(dense("", 5000, 20, REGRESSION), "quantile"),
    "svm 100k x 50": lambda: svm_case(dense("", 100000, 50, BINARY, 2), 0.1),
    "svm sparse 20k x 50k": lambda: svm_case(words("", 20000, 50000, BINARY, 2), 0.1),
}


class Ours:
    def __init__(self, program, folder, cpu):
        self.folder, self.cpu = folder, cpu
        self.child = subprocess.Popen([program, folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                      env={**os.environ, "OMP_WAIT_POLICY": "passive"})

    def run(self, command):
        self.child.stdin.write(command + "\n"); self.child.stdin.flush()
        answer = self.child.stdout.readline().split()
        seconds, shape, self.reached = float(answer[self.cpu]), (int(answer[2]), int(answer[3])), float(answer[4])
        return seconds, np.fromfile(os.path.join(self.folder, "coef.f64")).reshape(shape)


def measure(name, threads, repeats, budget, program, without, cpu):
    clock = time.process_time if cpu else time.perf_counter
    c, command, objective, peers, exact = CASES[name]()
    peers = {w: p for w, p in peers.items() if not any(part and part in w for part in without.split(","))}
    with tempfile.TemporaryDirectory() as folder, threadpool_limits(threads):
        c.write(folder)
        ours = Ours(program, folder, cpu)
        commands = [command] if isinstance(command, str) else command
        seconds, coef = ours.run((exact or commands[0]) % threads)
        lowest = objective(coef)
        gap_of = lambda a: float(np.max((objective(a) - lowest) / np.abs(lowest)))
        label, gap, run = {"ours": "ours"}, {}, {}
        for command in commands: # the loosest that gets there
            gap["ours"] = gap_of(ours.run(command % threads)[1])
            label["ours"] = f"ours, reached {ours.reached:.1e}" if ours.reached else "ours"
            if gap["ours"] <= 1e-6: break
        for who, (f, tolerances) in peers.items():
            for tol in tolerances:
                begin = time.perf_counter()
                gap[who], label[who] = gap_of(f(tol)), f"{who}, tol {tol:g}" if tol else who
                run[who] = lambda f=f, tol=tol: f(tol)
                if gap[who] <= 1e-6 or time.perf_counter() - begin > budget: break
        times, spent = {w: [] for w in label}, {w: 0.0 for w in label}
        for r in range(repeats):
            for who in times:
                if r and spent[who] * (1 + 1 / r) > budget: continue
                if who == "ours": seconds = ours.run(command % threads)[0]
                else:
                    begin = clock(); run[who](); seconds = clock() - begin
                times[who].append(seconds); spent[who] += seconds
        ours.child.stdin.close(); ours.child.wait()
    median = {w: statistics.median(times[w]) for w in times}
    print(f"{name}, {threads} thread(s)")
    for w in median: print(f"  {label[w]:34s} {median[w]:9.4f} s  gap {gap[w]:8.1e}  {median[w] / median['ours']:7.2f} x ours")
    fair = {w: median[w] for w in median if w != "ours" and gap[w] <= 1e-6}
    if fair:
        w = min(fair, key=fair.get)
        print(f"  => {fair[w] / median['ours']:.2f} x the speed of {label[w]}", flush=True)
    else: print("  => no peer with a gap of at most 1e-6", flush=True)


if __name__ == "__main__":
    a = argparse.ArgumentParser()
    a.add_argument("program")
    a.add_argument("--cases", default="")
    a.add_argument("--threads", default="1")
    a.add_argument("--repeats", type=int, default=5)
    a.add_argument("--without", default="", help="peers to leave out, by parts of their names")
    a.add_argument("--cpu", action="store_true", help="seconds of the processors: for a machine that others use, too")
    a.add_argument("--budget", type=float, default=8, help="seconds of repeats a contestant and case")
    o = a.parse_args()
    for t in o.threads.split(","):
        for name in CASES:
            if not o.cases or any(part in name for part in o.cases.split(",")):
                measure(name, int(t), o.repeats, o.budget, o.program, o.without, o.cpu)
