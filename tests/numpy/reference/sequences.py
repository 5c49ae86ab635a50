"""Recurrences: strings, hidden Markov models, recurrent networks, returns."""
import functools
import itertools

import numpy as np
from scipy.special import expit, logsumexp

from .case import as_f32, case, values, wide


def strings():
    for a, b in (("kitten", "sitting"), ("flaw", "lawn"), ("a", "bcdefg"), ("", "abc"), ("abc", "")):

        @functools.cache
        def distance(m, n):
            if m == 0 or n == 0:
                return m + n
            return min(distance(m - 1, n) + 1, distance(m, n - 1) + 1, distance(m - 1, n - 1) + (a[m - 1] != b[n - 1]))

        letters = lambda s: np.array([ord(c) for c in s], np.int32)
        case("edit_distance", "edit_distance", {"a": letters(a), "b": letters(b)}, {"d": np.int32(distance(len(a), len(b)))})
    S = np.full((4, 4), -3, np.int32)
    np.fill_diagonal(S, 3)
    for a, b in (("TGTTACGG", "GGTTGACTA"), ("ACGT", "TTTTT"), ("AAAA", "C")):
        code = lambda s: np.array(["ACGT".index(c) for c in s], np.int64)
        x, y = code(a), code(b)

        @functools.cache
        def h(i, j):
            if i < 0 or j < 0:
                return 0
            return max(0, h(i - 1, j - 1) + int(S[x[i], y[j]]), h(i - 1, j) - 2, h(i, j - 1) - 2)

        T = np.array([[h(i, j) for j in range(len(b))] for i in range(len(a))], np.int32)
        case("alignment", "alignment", {"a": x, "b": y, "S": S, "gap": np.int32(2)}, {"best": T.max(), "T": T})


def hidden_markov():
    r = values("hmm")
    for t, s, v in ((5, 3, 4), (1, 2, 3), (4, 4, 2)):
        log = lambda shape: np.log(np.abs(r.real(shape, dtype=np.float64)) + 0.1)
        norm = lambda m: m - logsumexp(m, -1, keepdims=True)
        p, A, B = norm(log((s,))), norm(log((s, s))), norm(log((s, v)))
        seen = np.array([r.next(v) for _ in range(t)], np.int64)
        paths = list(itertools.product(range(s), repeat=t))
        weight = np.array([p[q[0]] + sum(A[i, j] for i, j in zip(q, q[1:])) + sum(B[i, o] for i, o in zip(q, seen)) for q in paths])
        inputs = {"seen": seen, "p": p, "A": A, "B": B}
        best = int(weight.argmax())
        case("viterbi", "viterbi", inputs, {"path": np.array(paths[best], np.int64), "score": weight[best]}, tol=1e-13)
        alpha, gamma = np.zeros((t, s)), np.zeros((t, s))
        total = logsumexp(weight)
        for i, k in np.ndindex(t, s):
            heads = [p[q[0]] + sum(A[a, b] for a, b in zip(q, q[1:])) + sum(B[a, o] for a, o in zip(q, seen)) for q in itertools.product(range(s), repeat=i + 1) if q[-1] == k]
            alpha[i, k] = logsumexp(heads)
            gamma[i, k] = np.exp(logsumexp([w for w, q in zip(weight, paths) if q[i] == k]) - total)
        case("hmm", "forward", inputs, {"loglik": total, "alpha": alpha}, tol=1e-13)
        case("hmm", "smooth", inputs, {"gamma": gamma}, tol=1e-12)


def state_space():
    r = values("selective_scan")
    b, t, d, n = 2, 6, 3, 4
    u, step, gate = r.real((b, t, d)), r.real((b, t, d)), r.real((b, t, d))
    A, P, Q, skip = r.real((d, n), -1, 1), r.real((b, t, n)), r.real((b, t, n)), r.real((d,))
    U, S, Z, A_, P_, Q_ = wide(u, step, gate, A, P, Q)
    dt = np.logaddexp(S, 0)
    y = np.zeros((b, t, d))
    for bb, tt, dd in np.ndindex(b, t, d):  # the closed form: every past input, decayed by what lies between
        total = 0.0
        for past in range(tt + 1):
            between = dt[bb, past + 1 : tt + 1, dd].sum()
            total += (Q_[bb, tt] * np.exp(-between * np.exp(A_[dd])) * dt[bb, past, dd] * P_[bb, past] * U[bb, past, dd]).sum()
        y[bb, tt, dd] = (total + skip[dd] * U[bb, tt, dd]) * Z[bb, tt, dd] * expit(Z[bb, tt, dd])
    case("selective_scan", "selective_scan", {"u": u, "step": step, "A": A, "P": P, "Q": Q, "skip": skip, "gate": gate}, as_f32(y=y), tol=2e-6)


def recurrent():
    r = values("recurrent")
    t, b, i, h = 4, 2, 3, 5
    x = r.real((t, b, i))
    W, U, c = r.real((h, i)), r.real((h, h)), r.real((h,))
    s, y = np.zeros((b, h)), []
    for step in x:
        s = np.tanh(step @ W.T.astype(np.float64) + s @ U.T + c)
        y.append(s)
    case("recurrent", "elman", {"x": x, "W": W, "U": U, "c": c}, as_f32(y=y), tol=3e-6)
    W, U, c = r.real((4, h, i)), r.real((4, h, h)), r.real((4, h))
    s, cell, y = np.zeros((b, h)), np.zeros((b, h)), []
    for step in x:
        gate = [step @ W[g].T.astype(np.float64) + s @ U[g].T + c[g] for g in range(4)]
        cell = expit(gate[1]) * cell + expit(gate[0]) * np.tanh(gate[2])
        s = expit(gate[3]) * np.tanh(cell)
        y.append(s)
    case("recurrent", "lstm", {"x": x, "W": W, "U": U, "c": c}, as_f32(y=y, h=s, s=cell), tol=3e-6)
    W, U, c, d = r.real((3, h, i)), r.real((3, h, h)), r.real((3, h)), r.real((3, h))
    s, y = np.zeros((b, h)), []
    for step in x:
        v = [step @ W[g].T.astype(np.float64) + c[g] for g in range(3)]
        u = [s @ U[g].T + d[g] for g in range(3)]
        z = expit(v[1] + u[1])
        s = (1 - z) * np.tanh(v[2] + expit(v[0] + u[0]) * u[2]) + z * s
        y.append(s)
    case("recurrent", "gru", {"x": x, "W": W, "U": U, "c": c, "d": d}, as_f32(y=y), tol=3e-6)


def returns():
    r = values("returns")
    t, b, gamma, lam = 6, 3, 0.875, 0.75
    reward, v = r.real((t, b), dtype=np.float64), r.real((t + 1, b), dtype=np.float64)
    G = np.array([sum(gamma ** (k - i) * reward[k] for k in range(i, t)) for i in range(t)])
    case("returns", "returns", {"r": reward, "discount": np.float64(gamma)}, {"G": G}, tol=1e-13)
    done = r.real((t, b)) > 1
    A = np.zeros((t, b))
    for i, k in np.ndindex(t, b):
        scale = 1.0
        for j in range(i, t):
            A[i, k] += scale * (reward[j, k] + (0 if done[j, k] else gamma * v[j + 1, k]) - v[j, k])
            if done[j, k]:
                break
            scale *= gamma * lam
    inputs = {"r": reward, "v": v, "done": done, "discount": np.float64(gamma), "decay": np.float64(lam)}
    case("returns", "advantage", inputs, {"A": A}, tol=1e-13)


def build():
    strings()
    hidden_markov()
    state_space()
    recurrent()
    returns()
