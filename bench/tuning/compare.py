"""Mean ranks of the runs that bench_tuning and peers.py printed.

    python bench/tuning/compare.py REFERENCE FILE...   needs scipy

Of each function, seed and budget the optimisers are ranked by their best value (ties share); a Wilcoxon signed-rank
test over the functions, with each one's mean rank over its seeds, compares REFERENCE with each other one. `lost` names
the functions where another one's median is lowest and REFERENCE's mean rank is worst behind it.
"""
import sys
from collections import defaultdict

from scipy.stats import rankdata, wilcoxon

BUDGETS = (25, 50, 100, 200)
reference, runs = sys.argv[1], defaultdict(dict)
cost = defaultdict(list)
for path in sys.argv[2:]:
    for line in open(path):
        word = line.split()
        runs[word[1], int(word[2])][word[0]] = [float(x) for x in word[3:7]]
        cost[word[0]].append(float(word[7]))
names = sorted({n for r in runs.values() for n in r})
whole = {k: r for k, r in runs.items() if len(r) == len(names)}
functions = sorted({k[0] for k in whole})
print(f"{len(functions)} functions, {len(whole)} runs of each\n")
print(f"{'':16}" + "".join(f"{b:>8}" for b in BUDGETS) + f"{'ms/run':>10}   p against {reference}")
table = {n: [defaultdict(list) for _ in BUDGETS] for n in names}
for (f, _), r in whole.items():
    for b in range(4):
        for n, rank in zip(names, rankdata([r[n][b] for n in names])):
            table[n][b][f].append(rank)
mean = {n: [{f: sum(v) / len(v) for f, v in table[n][b].items()} for b in range(4)] for n in names}
for n in sorted(names, key=lambda n: sum(mean[n][3].values())):
    text = f"{n:16}" + "".join(f"{sum(m.values()) / len(m):8.2f}" for m in mean[n])
    text += f"{sum(cost[n]) / len(cost[n]):10.0f}  "
    if n != reference:
        for b in range(4):
            a, c = [[mean[k][b][f] for f in functions] for k in (reference, n)]
            p = wilcoxon(a, c).pvalue if a != c else 1
            sign = "<" if sum(a) < sum(c) else ">"
            text += f" {sign}{p:.3f}"
    print(text)
for b in (1, 3):
    behind = []
    for f in functions:
        best = min((mean[n][b][f], n) for n in names)
        gap = mean[reference][b][f] - best[0]
        if gap > 0.8:
            behind.append((gap, f, best[1]))
    behind.sort(reverse=True)
    print(f"\nlost at {BUDGETS[b]}: " + ", ".join(f"{f} ({n} by {g:.1f})" for g, f, n in behind[:14]))
