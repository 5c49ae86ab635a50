"""Inference: filters, message passing, transport, regression."""
import numpy as np
from scipy.stats import multivariate_normal

from .case import case, values


def spd(r, n):
    M = r.real((n, n), dtype=np.float64)
    return M @ M.T + n * np.eye(n)


def kalman():
    r = values("kalman")
    n, m, t = 3, 2, 4
    f64 = lambda *s: r.real(s, dtype=np.float64)
    F, H, Q, R, P0, x0, z = f64(n, n), f64(m, n), spd(r, n), spd(r, m), spd(r, n), f64(n), f64(t, m)

    def step(x, P, z):  # information form: another route than the gain
        a, A = F @ x, F @ P @ F.T + Q
        P1 = np.linalg.inv(np.linalg.inv(A) + H.T @ np.linalg.inv(R) @ H)
        return P1 @ (np.linalg.inv(A) @ a + H.T @ np.linalg.inv(R) @ z), P1

    x1, P1 = step(x0, P0, z[0])
    case("kalman", "kalman_step", {"x": x0, "P": P0, "z": z[0], "F": F, "Q": Q, "H": H, "R": R}, {"x1": x1, "P1": P1}, tol=1e-11)
    x, P, track = x0, P0, []
    for seen in z:
        x, P = step(x, P, seen)
        track.append(x)
    case("kalman", "kalman", {"z": z, "F": F, "Q": Q, "H": H, "R": R, "x0": x0, "P0": P0}, {"x": np.array(track)}, tol=1e-10)


def belief():
    r = values("belief")
    h, w, l = 1, 5, 3  # on a chain it is exact: compare with enumeration
    local, pair = np.abs(r.real((h, w, l), dtype=np.float64)) + 0.1, np.abs(r.real((l, l), dtype=np.float64)) + 0.1
    p = np.zeros((h, w, l))
    for q in np.ndindex(*(l,) * w):
        weight = np.prod([local[0, j, q[j]] for j in range(w)]) * np.prod([pair[a, b] for a, b in zip(q, q[1:])])
        for j in range(w):
            p[0, j, q[j]] += weight
    p /= p.sum(-1, keepdims=True)
    case("belief", "belief", {"local": local, "pair": pair}, {"p": p}, {"T": w}, tol=1e-12)
    case("belief", "belief", {"local": local.reshape(w, h, l), "pair": pair}, {"p": belief_by_edges(local.reshape(w, h, l), pair, w)}, {"T": w}, tol=1e-12)
    local = np.abs(r.real((3, 4, l), dtype=np.float64)) + 0.1
    case("belief", "belief", {"local": local, "pair": pair}, {"p": belief_by_edges(local, pair, 6)}, {"T": 6}, tol=1e-12)


def belief_by_edges(local, pair, rounds):
    """Messages kept in a dictionary of directed edges; a pair is (west, east) or, vertically, (north, south) as the program has it."""
    h, w, l = local.shape
    sites = list(np.ndindex(h, w))
    edges = [(s, d) for s in sites for d in sites if abs(s[0] - d[0]) + abs(s[1] - d[1]) == 1]
    message = {e: np.ones(l) for e in edges}
    for _ in range(rounds):
        new = {}
        for s, d in edges:
            b = local[s] * np.prod([message[x] for x in edges if x[1] == s and x[0] != d], axis=0)
            forward = s < d
            m = b @ pair if forward else pair @ b
            new[s, d] = m / m.sum()
        message = new
    p = np.array([[local[i, j] * np.prod([message[e] for e in edges if e[1] == (i, j)], axis=0) for j in range(w)] for i in range(h)])
    return p / p.sum(-1, keepdims=True)


def transport():
    r = values("sinkhorn")
    m, n, t, eps = 4, 5, 12, 0.5
    cost = np.abs(r.real((m, n), dtype=np.float64))
    p, q = np.abs(r.real((m,), dtype=np.float64)) + 0.1, np.abs(r.real((n,), dtype=np.float64)) + 0.1
    p, q = p / p.sum(), q / q.sum()
    plan = np.exp(-cost / eps)
    for _ in range(t):  # rows, then columns, of the plan itself
        plan *= (p / plan.sum(1))[:, None]
        plan *= q / plan.sum(0)
    inputs = {"cost": cost, "p": p, "q": q, "eps": np.float64(eps)}
    case("sinkhorn", "sinkhorn", inputs, {"plan": plan, "price": (plan * cost).sum()}, {"T": t}, tol=1e-12)
    case("sinkhorn", "sinkhorn_log", inputs, {"plan": plan}, {"T": t}, tol=1e-12)


def gaussian_process():
    r = values("gaussian_process")
    n, m, d, scale, noise = 7, 4, 2, 0.75, 0.125
    x, z, y = r.real((n, d), dtype=np.float64), r.real((m, d), dtype=np.float64), r.real((n,), dtype=np.float64)
    kernel = lambda a, b: np.array([[np.exp(-np.linalg.norm(u - v) ** 2 / (2 * scale**2)) for v in b] for u in a])
    K, C = kernel(x, x) + noise * np.eye(n), kernel(x, z)
    inverse = np.linalg.inv(K)
    outputs = {"mean_": C.T @ inverse @ y, "var": 1 - np.diag(C.T @ inverse @ C), "evidence": multivariate_normal(np.zeros(n), K).logpdf(y)}
    case("gaussian_process", "posterior", {"x": x, "y": y, "z": z, "scale": np.float64(scale), "noise": np.float64(noise)}, outputs, tol=1e-11)


def build():
    kalman()
    belief()
    transport()
    gaussian_process()
