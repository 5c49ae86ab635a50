"""std.sparse, by matrices written out."""
import numpy as np

from ..case import as_f32, case, values, wide
from .nn import softmax


def places(r, n, most):
    return np.array([r.next(most) for _ in range(n)], np.int64)


def matrices(r):
    for m, k, n, e in ((4, 5, 3, 9), (3, 2, 1, 0), (1, 1, 2, 4)):
        row, col, a = places(r, e, m), places(r, e, k), r.real((e,))
        A = np.zeros((m, k))
        for i, j, v in zip(row, col, a):
            A[i, j] += v
        B, x = r.real((k, n)), r.real((k,))
        coordinates = {"row": row, "col": col}
        case("sparse", "to_dense", coordinates | {"a": a}, as_f32(A=A), {"M": m, "N": k}, tol=1e-6)
        case("sparse", "spmm", coordinates | {"a": a, "B": B}, as_f32(C=A @ B), {"M": m}, tol=1e-6)
        case("sparse", "spmv", coordinates | {"a": a, "x": x}, as_f32(y=A @ x), {"M": m}, tol=1e-6)
        L, R = r.real((m, n)), r.real((k, n))
        case("sparse", "sddmm", coordinates | {"A": L, "B": R}, as_f32(s=np.matmul(*wide(L, R.T))[row, col]), tol=1e-6)


def segments(r):
    for n, d, g in ((9, 2, 4), (3, 1, 5), (0, 2, 2)):
        segment, x, s = places(r, n, g), r.real((n, d)), r.real((n,), -20, 20)
        parts = [x[segment == i].astype(np.float64) for i in range(g)]
        over = lambda f, none: np.array([f(p, 0) if len(p) else np.full(d, none) for p in parts])
        case("sparse", "counts", {"ids": segment}, {"c": np.bincount(segment, minlength=g).astype(np.int64)}, {"G": g})
        inputs = {"x": x, "segment": segment}
        case("sparse", "segment_sum", inputs, as_f32(y=over(np.sum, 0.0)), {"G": g}, tol=1e-6)
        case("sparse", "segment_mean", inputs, as_f32(y=over(np.mean, 0.0)), {"G": g}, tol=1e-6)
        case("sparse", "segment_max", inputs, as_f32(y=over(np.max, -np.inf)), {"G": g})
        y = np.zeros(n)
        for i in set(segment):
            y[segment == i] = softmax(s[segment == i].astype(np.float64))
        case("sparse", "segment_softmax", {"x": s, "segment": segment}, as_f32(y=y), {"G": g}, tol=2e-6)


def graphs(r):
    for v, e, i, o in ((5, 8, 3, 2), (3, 0, 2, 2), (1, 2, 1, 3)):
        source, target = places(r, e, v), places(r, e, v)
        x, w, u = r.real((v, i)), r.real((o, i)), r.real((o, i))
        X, W, U = wide(x, w, u)
        A = np.zeros((v, v))
        np.add.at(A, (target, source), 1)
        mean = A / np.maximum(A.sum(1, keepdims=True), 1)
        edges = {"source": source, "target": target}
        case("sparse", "sage_layer", edges | {"x": x, "w": w, "u": u}, as_f32(y=mean @ X @ W.T + X @ U.T), tol=2e-6)
        loops = A + np.eye(v)
        root = np.diag(loops.sum(1) ** -0.5)
        case("sparse", "gcn_layer", edges | {"x": x, "w": w}, as_f32(y=root @ loops @ root @ X @ W.T), tol=2e-6)


def build():
    r = values("std.sparse")
    matrices(r)
    segments(r)
    graphs(r)
