"""Data as indices: segments, sparse matrices, graphs, boxes."""
import numpy as np
from scipy.sparse import coo_array
from scipy.spatial.distance import cdist
from scipy.special import logsumexp, softmax

from .case import as_f32, case, values, wide


def integers(r, n, count, dtype=np.int64):
    return np.array([r.next(n) for _ in range(count)], dtype)


def segments():
    r = values("segments")
    x, segment, g = r.real((9,), -20, 20), np.array([2, 0, 2, 2, 5, 0, 5, 3, 2], np.int32), 7
    y, m, z = np.zeros(9), np.full(g, -np.inf), np.zeros(g)
    mu, low, total = np.full(g, np.nan), np.full(g, np.inf), np.full(g, -np.inf)
    for k in set(segment.tolist()):
        part = x[segment == k].astype(np.float64)
        y[segment == k], m[k] = softmax(part), part.max()
        z[k] = np.exp(part - part.max()).sum()
        mu[k], low[k], total[k] = part.mean(), part.min(), logsumexp(part)
    case("segments", "segment_softmax", {"x": x, "segment": segment}, as_f32(y=y, m=m, z=z), {"G": g}, tol=1e-6)
    case("segments", "segment_statistics", {"x": x, "segment": segment}, as_f32(mu=mu, low=low, total=total), {"G": g}, tol=1e-6)


def embedding_gradient():
    r = values("embedding_gradient")
    ids, g = integers(r, 6, 10).reshape(2, 5), r.real((2, 5, 3))
    d = np.zeros((8, 3))
    np.add.at(d, ids, g)
    case("embedding_gradient", "embedding_gradient", {"ids": ids, "g": g}, as_f32(d=d), {"V": 8}, tol=1e-6)


def sparse():
    r = values("sparse")
    m, k, n, e = 5, 4, 3, 9
    row, col = integers(r, m - 1, e), integers(r, k, e)
    row[:2], col[:2] = 1, 2  # a coordinate that repeats; row m - 1 is empty
    a, B = r.real((e,)), r.real((k, n))
    C = coo_array((a.astype(np.float64), (row, col)), shape=(m, k)).toarray() @ B
    case("sparse", "spmm", {"row": row, "col": col, "a": a, "B": B}, as_f32(C=C), {"M": m}, tol=1e-6)
    A, B = r.real((m, k)), r.real((n, k))
    at = np.stack([integers(r, m, e), integers(r, n, e)], 1)
    full = A.astype(np.float64) @ B.T
    case("sparse", "sddmm", {"at": at, "a": a, "A": A, "B": B}, as_f32(s=a * full[at[:, 0], at[:, 1]]), tol=1e-6)
    x, W, source, to = r.real((6, 4)), r.real((3, 4)), integers(r, 6, 11), integers(r, 5, 11)
    N = np.zeros((6, 6))
    np.add.at(N, (to, source), 1)
    mean = N @ x / np.maximum(N.sum(1, keepdims=True), 1)
    case("sparse", "graph_layer", {"from_": source, "to": to, "x": x, "W": W}, as_f32(y=np.maximum(mean @ W.T, 0)), tol=1e-6)


def pagerank():
    r = values("pagerank")
    v, e, d = 7, 12, 0.85
    source, target = integers(r, 6, e), integers(r, v, e)  # page 6 has no links
    S = np.zeros((v, v))
    np.add.at(S, (target, source), 1)
    S = np.where(S.sum(0) > 0, S / np.maximum(S.sum(0), 1), 1 / v)
    M = d * S + (1 - d) / v
    inputs = {"source": source, "target": target, "d": np.float64(d)}
    for t in (1, 7):
        case("pagerank", "pagerank", inputs, {"r": np.linalg.matrix_power(M, t) @ np.full(v, 1 / v)}, {"V": v, "T": t}, tol=1e-13)


def kmeans():
    r = values("kmeans")
    x, centre = r.real((11, 3), dtype=np.float64), r.real((4, 3), dtype=np.float64)
    centre[2] = 50  # no point is near
    q = cdist(x, centre, "sqeuclidean")
    place = q.argmin(1)
    after = np.stack([x[place == c].mean(0) if (place == c).any() else centre[c] for c in range(4)])
    case("kmeans", "kmeans_step", {"x": x, "centre": centre}, {"place": place, "next": after, "inertia": q.min(1).sum()}, tol=1e-13)


def boxes():
    r = values("boxes")
    n = 8
    corner, size = np.floor(r.real((n, 2), 0, 6)), np.floor(r.real((n, 2), 1, 6))
    box, score = np.concatenate([corner, corner + size], 1).astype(np.float32), r.real((n,), 0, 1)
    cells = [{(x, y) for x in range(int(b[0]), int(b[2])) for y in range(int(b[1]), int(b[3]))} for b in box]
    iou = np.array([[len(a & b) / len(a | b) for b in cells] for a in cells])
    limit = np.float32(0.2)
    drop = ((score[None] > score[:, None]) & (iou > limit)).any(1)
    case("boxes", "suppressed", {"box": box, "score": score, "limit": limit}, as_f32(iou=iou) | {"drop": drop}, tol=1e-6)
    keep = []
    for i in np.argsort(-score, kind="stable"):
        if all(iou[i, j] <= limit for j in keep):
            keep.append(i)
    case("boxes", "nms", {"box": box, "score": score, "limit": limit}, {"keep": np.isin(np.arange(n), keep)})


def build():
    segments()
    embedding_gradient()
    sparse()
    pagerank()
    kmeans()
    boxes()
