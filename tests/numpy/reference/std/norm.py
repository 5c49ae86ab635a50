"""std.norm"""
import numpy as np

from ..case import as_f32, case, values


def normal(x, axis, eps=1e-5):
    X = x.astype(np.float64)
    return (X - X.mean(axis, keepdims=True)) / np.sqrt(X.var(axis, keepdims=True) + eps)


def rows(r):
    for shape in ((9,), (2, 3, 5), (0, 4)):
        x, g, c = r.real(shape), r.real(shape[-1:]), r.real(shape[-1:])
        X = x.astype(np.float64)
        case("norm", "layer_norm", {"x": x, "g": g, "c": c}, as_f32(y=normal(x, -1) * g + c), tol=2e-6)
        y = X / np.sqrt((X**2).mean(-1, keepdims=True) + 1e-6) * g
        case("norm", "rms_norm", {"x": x, "g": g}, as_f32(y=y), tol=2e-6)


def channels(r):
    for shape in ((4, 6), (2, 6, 5), (3, 4, 3, 5), (0, 2, 3)):
        x, g, c = r.real(shape), r.real(shape[1:2]), r.real(shape[1:2])
        per = lambda v: v.astype(np.float64).reshape(-1, *[1] * (len(shape) - 2))
        mu, var = r.real(shape[1:2]), np.abs(r.real(shape[1:2]))
        y = (x - per(mu)) / np.sqrt(per(var) + 1e-5) * per(g) + per(c)
        case("norm", "batch_norm", {"x": x, "mu": mu, "var": var, "g": g, "c": c}, as_f32(y=y), tol=2e-6)
        if len(shape) > 2:
            y = normal(x, tuple(range(2, len(shape)))) * per(g) + per(c)
            case("norm", "instance_norm", {"x": x, "g": g, "c": c}, as_f32(y=y), tol=2e-5)
        for groups in (1, 2, shape[1] // 2):
            split = x.reshape(shape[0], groups, shape[1] // groups, *shape[2:])
            y = normal(split, tuple(range(2, split.ndim))).reshape(shape) * per(g) + per(c)
            case("norm", "group_norm", {"x": x, "g": g, "c": c}, as_f32(y=y), {"groups": groups}, tol=2e-5)


def lengths(r):
    for shape in ((7,), (3, 4), (2, 2, 3), (0, 3)):
        x, z = r.real(shape), r.real(shape)
        if len(shape) == 2 and shape[0]:
            x[0] = 0
        X, Z = x.astype(np.float64), z.astype(np.float64)
        n = np.linalg.norm(X, axis=-1)
        safe = lambda v: v / np.maximum(np.linalg.norm(v, axis=-1, keepdims=True), 1e-12)
        case("norm", "l2_norm", {"x": x}, as_f32(n=n), tol=1e-6)
        case("norm", "normalise", {"x": x}, as_f32(y=safe(X)), tol=1e-6)
        case("norm", "cosine_similarity", {"x": x, "z": z}, as_f32(s=(safe(X) * safe(Z)).sum(-1)), tol=1e-6)


def build():
    r = values("std.norm")
    rows(r)
    channels(r)
    lengths(r)
