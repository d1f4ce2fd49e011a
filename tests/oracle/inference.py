"""Reference numbers for the statistics behind an answer: distributions, two-way least squares, Tango's interval,
sequential boundaries, calibration, per-cause scores, numbers of tickets.

Writes tests/fixtures/inference.json. Needs: pip install numpy scipy scikit-learn statsmodels.
Run from the repository root: python tests/oracle/inference.py
"""

import json
import math
from itertools import combinations
from pathlib import Path

import numpy as np
import scipy
import sklearn
import statsmodels
from scipy import optimize, stats
from scipy.special import logsumexp
from sklearn.metrics import classification_report
from statsmodels.stats.proportion import proportion_confint

OUT = Path(__file__).resolve().parent.parent / "fixtures" / "inference.json"
rng = np.random.default_rng(1)


def finite(x):
    """JSON knows no infinity: null stands for it."""
    return None if math.isinf(x) else float(x)


def distributions():
    xs = [-37, -12.5, -6, -3.0001, -3, -2.9999, -1, -1e-9, 0, 0.3, 1.959964, 3.5, 8]
    ps = [1e-300, 1e-20, 1e-8, 0.001, 0.025, 0.2, 0.4999999, 0.5, 0.75, 0.975, 0.999999]
    dfs = [1, 1.5, 2, 3, 4.7, 10, 22, 30.5, 200, 12345.6, 1e7, math.inf]
    t_xs = [-1e5, -40, -7, -2.2, -0.4, -1e-7, 0, 0.9, 2.07, 5]
    t_ps = [1e-9, 1e-4, 0.0025, 0.05, 0.3, 0.49999, 0.5, 0.9, 0.975, 0.99999]
    return {
        "normalCdf": [[x, stats.norm.cdf(x)] for x in xs],
        "normalQuantile": [[p, stats.norm.ppf(p)] for p in ps],
        "tCdf": [[x, finite(df), stats.t.cdf(x, df)] for df in dfs for x in t_xs],
        "tQuantile": [[p, finite(df), stats.t.ppf(p, df)] for df in dfs for p in t_ps],
    }


def max_t():
    cases = []
    # All pairs of k means are the studentized range: an exact reference.
    for k, df, level in [(3, 5, 0.95), (4, 9, 0.95), (6, 10, 0.9), (12, 22, 0.95), (12, math.inf, 0.95), (8, 3.5, 0.99)]:
        c = stats.studentized_range.ppf(level, k, df) / math.sqrt(2)
        cases.append({"allPairsOf": k, "df": finite(df), "level": level, "quantile": float(c)})
    # Against a control (correlation 1/2), and unequal ones: SciPy's integral of the multivariate t, inverted.
    unequal = np.corrcoef(rng.normal(size=(4, 7)))
    for matrix, df, level in [
        (np.full((5, 5), 0.5) + 0.5 * np.eye(5), 12, 0.95),
        (np.full((11, 11), 0.5) + 0.5 * np.eye(11), 22, 0.95),
        (unequal, 7, 0.95),
        (np.eye(3), 4, 0.8),
    ]:
        k = len(matrix)

        def inside(c):
            dist = stats.multivariate_t(shape=matrix, df=df, seed=1)
            return dist.cdf(np.full(k, c), lower_limit=np.full(k, -c), maxpts=400_000, random_state=1)

        c = optimize.brentq(lambda c: inside(c) - level, 0.5, 12, xtol=2e-4)
        cases.append({"correlation": matrix.tolist(), "df": df, "level": level, "quantile": c})
    return cases


def two_way():
    cases = []
    for rows, columns, missing, weighted in [(4, 6, 0, False), (5, 7, 9, False), (3, 4, 2, True), (12, 5, 20, True)]:
        cells = [(i, j) for i in range(rows) for j in range(columns)]
        while True:
            keep = [cells[c] for c in sorted(rng.permutation(len(cells))[missing:])]
            X = np.array([[i == r for r in range(rows)] + [j == c for c in range(columns)] for i, j in keep], float)
            # One component: the rank of a connected design.
            if np.linalg.matrix_rank(X) == rows + columns - 1:
                break
        w = rng.uniform(0.2, 3, len(keep)) if weighted else np.ones(len(keep))
        y = 5 + rng.normal(size=len(keep)) + X @ rng.normal(size=rows + columns)
        root = np.sqrt(w)[:, None]
        beta, _, rank, _ = np.linalg.lstsq(root * X, root[:, 0] * y, rcond=None)
        rest = y - X @ beta
        covariance = np.linalg.pinv((root * X).T @ (root * X))
        pairs = [[i, j] for i, j in combinations(range(rows), 2)]
        df = len(keep) - rank
        contrasts = np.array([[(k == i) - (k == j) for k in range(rows)] + [0] * columns for i, j in pairs], float)
        products = contrasts @ covariance @ contrasts.T
        sd = np.sqrt(np.diag(products))
        shown = slice(0, 10)  # of the correlations, to keep the file small
        cases.append(
            {
                "rows": rows,
                "columns": columns,
                "cells": [{"row": i, "column": j, "y": v, "weight": u} for (i, j), v, u in zip(keep, y, w)],
                "df": int(df),
                "variance": float((w * rest**2).sum() / df),
                "residuals": rest.tolist(),
                "pairs": pairs,
                "differences": (contrasts @ beta).tolist(),
                "factors": np.diag(products).tolist(),
                "correlation": (products / np.outer(sd, sd))[shown, shown].tolist(),
            }
        )
    return cases


def tango_score(delta, n, b, c):
    """The score statistic with p21 found by maximising the constrained likelihood numerically, not by Tango's formula."""

    def minus_log(q):
        terms = [(b, q + delta), (c, q), (n - b - c, 1 - 2 * q - delta)]
        return -sum(k * math.log(max(p, 1e-300)) for k, p in terms if k)

    low, high = max(0, -delta), (1 - delta) / 2
    # The likelihood is concave in q: its slope changes sign once.
    def slope(q):
        return sum(f * k / p for f, k, p in [(1, b, q + delta), (1, c, q), (-2, n - b - c, 1 - 2 * q - delta)] if k)

    a, z = low + 1e-14, high - 1e-14
    q = a if slope(a) <= 0 else z if slope(z) >= 0 else optimize.brentq(slope, a, z, xtol=1e-16, rtol=1e-14)
    assert minus_log(q) <= min(minus_log(low + (high - low) * u) for u in (0.01, 0.3, 0.5, 0.7, 0.99)) + 1e-9
    return (b - c - n * delta) / math.sqrt(n * (2 * q + delta * (1 - delta)))


def tango():
    cases = []
    for n, b, c, level in [
        (32, 9, 3, 0.95), (44, 0, 1, 0.9), (86, 16, 8, 0.95), (21, 1, 7, 0.95), (161, 6, 16, 0.95), (618, 28, 25, 0.9),
        (50, 12, 2, 0.95), (24, 0, 1, 0.95), (24, 3, 1, 0.95), (24, 1, 1, 0.99), (1000, 40, 20, 0.95), (12, 11, 0, 0.95),
        (7, 2, 5, 0.9),
    ]:
        z = stats.norm.ppf((1 + level) / 2)
        d = (b - c) / n
        edge = 1 - 1e-9
        low = optimize.brentq(lambda x: tango_score(x, n, b, c) - z, -edge, d - 1e-9, xtol=1e-13)
        high = optimize.brentq(lambda x: tango_score(x, n, b, c) + z, d + 1e-9, edge, xtol=1e-13)
        cases.append({"n": n, "b": b, "c": c, "level": level, "low": low, "high": high})
    return cases


def sequential():
    """Probability of staying within the boundaries up to each look, by SciPy's multivariate normal."""
    cases = []
    for fractions, alpha in [([0.2, 0.4, 0.6, 0.8, 1], 0.05), ([0.3, 0.45, 0.9], 0.1), ([0.5, 1], 0.01)]:
        t = np.array(fractions)
        spent = 4 * stats.norm.sf(stats.norm.ppf(1 - alpha / 4) / np.sqrt(t))
        correlation = np.sqrt(np.minimum.outer(t, t) / np.maximum.outer(t, t))
        zs = []
        for k in range(len(t)):

            def outside(z):
                bound = np.array(zs + [z])
                shape = correlation[: k + 1, : k + 1]
                dist = stats.multivariate_normal(cov=shape, maxpts=2_000_000, abseps=1e-9, releps=1e-9, seed=1)
                return 1 - dist.cdf(bound, lower_limit=-bound)

            if spent[k] < 1e-5:
                zs.append(float(stats.norm.isf(spent[k] / 2)))
            else:
                zs.append(float(optimize.brentq(lambda z: outside(z) - spent[k], 1, 7, xtol=1e-7)))
        cases.append({"fractions": fractions, "alpha": alpha, "spent": spent.tolist(), "z": zs})
    return cases


def confidence():
    cases = []
    for n, classes, sharp in [(40, 4, 3.0), (200, 10, 0.5), (60, 2, 1.0)]:
        scores = rng.normal(size=(n, classes)) * 2
        p = np.exp(scores - logsumexp(scores, axis=1, keepdims=True))
        truth = [int(rng.choice(classes, p=row)) for row in p]
        scores = np.round(scores * sharp, 3)
        own = scores[np.arange(n), truth]
        nll = lambda u: float(np.mean(logsumexp(scores * math.exp(-u), axis=1) - own * math.exp(-u)))
        best = optimize.minimize_scalar(nll, bounds=(math.log(0.05), math.log(20)), method="bounded", options={"xatol": 1e-12})
        cases.append({"scores": scores.tolist(), "truth": truth, "temperature": math.exp(best.x), "nll": best.fun})
    return cases


def per_cause():
    causes = ["power", "fibre", "radio", "config"]
    truth = [causes[i] for i in rng.choice(4, 60, p=[0.5, 0.3, 0.15, 0.05])]
    predicted = [t if rng.random() < 0.6 else str(rng.choice([*causes, "weather"])) for t in truth]
    report = classification_report(truth, predicted, output_dict=True, zero_division=0)
    rows = [
        {"cause": cause, "precision": row["precision"], "recall": row["recall"], "f1": row["f1-score"], "n": row["support"]}
        for cause, row in report.items()
        if cause in {*causes, "weather"}
    ]
    return {"truth": truth, "predicted": predicted, "rows": rows}


def wilson():
    pairs = [(0, 24), (1, 29), (15, 148), (12, 12), (81, 263), (1, 1), (500, 1000)]
    return [[x, n, level, *proportion_confint(x, n, 1 - level, method="wilson")] for x, n in pairs for level in (0.9, 0.95)]


def power():
    """Power of a one-sample t-test by the noncentral t distribution."""
    cases = []
    for shift, sd, alpha, sides in [(0.05, 0.3, 0.05, 1), (0.1, 0.2, 0.05, 2), (0.03, 0.5, 0.05, 2), (0.5, 0.5, 0.01, 1)]:

        def reached(n):
            return stats.nct.sf(stats.t.ppf(1 - alpha / sides, n - 1), n - 1, shift * math.sqrt(n) / sd)

        n = next(n for n in range(2, 100_000) if reached(n) >= 0.8)
        cases.append({"shift": shift, "sd": sd, "alpha": alpha, "sides": sides, "n": n})
    return cases


fixture = {
    "versions": {m.__name__: m.__version__ for m in (np, scipy, sklearn, statsmodels)},
    "distributions": distributions(),
    "maxT": max_t(),
    "twoWay": two_way(),
    "tango": tango(),
    "sequential": sequential(),
    "confidence": confidence(),
    "perCause": per_cause(),
    "wilson": wilson(),
    "power": power(),
}


def short(x):
    """Twelve digits, since tests ask for at most nine."""
    if isinstance(x, dict):
        return {k: short(v) for k, v in x.items()}
    if isinstance(x, (list, tuple)):
        return [short(v) for v in x]
    return float(f"{x:.12g}") if isinstance(x, float) else x


OUT.write_text(json.dumps(short(fixture), default=float) + "\n")
print(f"{OUT}: {OUT.stat().st_size} bytes")
