"""std.loss"""
import numpy as np

from ..case import as_f32, case, values, wide
from .nn import sigmoid, softmax


def pairs(r):
    for shape in ((), (7,), (3, 5), (2, 1, 3)):
        x, t = r.real(shape, -3, 3), r.real(shape, -3, 3)
        d = np.abs(x.astype(np.float64) - t)
        case("loss", "mse", {"x": x, "t": t}, as_f32(l=np.mean(d**2)), tol=1e-6)
        case("loss", "mae", {"x": x, "t": t}, as_f32(l=np.mean(d)), tol=1e-6)
        h = np.mean(np.where(d <= 1.25, d**2 / 2, 1.25 * d - 1.25**2 / 2))
        case("loss", "huber", {"x": x, "t": t, "delta": np.float32(1.25)}, as_f32(l=h), tol=2e-6)
        sign = np.where(t > 0, 1, -1).astype(np.float32)
        case("loss", "hinge", {"x": x, "t": sign}, as_f32(l=np.mean(np.clip(1 - x.astype(np.float64) * sign, 0, None))), tol=1e-6)
        p, q = sigmoid(x.astype(np.float64)), (t.astype(np.float64) + 3) / 6
        bce = -(q * np.log(p) + (1 - q) * np.log(1 - p))
        case("loss", "bce_with_logits", {"z": x, "t": q.astype(np.float32)}, as_f32(l=bce.mean()), tol=2e-6)
        right = np.where(t > 0, p, 1 - p)
        focal = np.mean(-((1 - right) ** 2) * np.log(right))
        case("loss", "focal", {"z": x, "t": (t > 0).astype(np.float32), "gamma": np.float32(2)}, as_f32(l=focal), tol=5e-6)
    x = np.array([300, -300, 300, -300], np.float32)  # naive formulas overflow
    case("loss", "bce_with_logits", {"z": x, "t": np.array([1, 0, 0, 1], np.float32)}, as_f32(l=150.0), tol=1e-6)


def classes(r):
    for b, n in ((1, 1), (4, 5), (7, 3)):
        z, p = r.real((b, n), -6, 6), softmax(r.real((b, n)).astype(np.float64))
        t = np.array([r.next(n) for _ in range(b)], np.int64)
        log = np.log(softmax(z.astype(np.float64)))
        case("loss", "cross_entropy", {"z": z, "t": p.astype(np.float32)}, as_f32(l=-(p * log).sum(1).mean()), tol=2e-6)
        case("loss", "cross_entropy_of", {"z": z, "t": t}, as_f32(l=-log[np.arange(b), t].mean()), tol=2e-6)
        spread = 0.9 * np.eye(n)[t] + 0.1 / n
        if n > 1:  # of one class nothing is lost but by rounding
            case("loss", "smoothed_cross_entropy", {"z": z, "t": t, "smooth": np.float32(0.1)}, as_f32(l=-(spread * log).sum(1).mean()), tol=2e-6)
        case("loss", "accuracy", {"z": z, "t": t}, as_f32(a=np.mean(z.argmax(1) == t)), tol=1e-6)
        q = softmax(r.real((b, n)).astype(np.float64))
        p[0] = np.eye(n)[0]
        terms = [p[i, j] * np.log(p[i, j] / q[i, j]) for i, j in np.ndindex(b, n) if p[i, j] > 0]
        case("loss", "kl", {"p": p.astype(np.float32), "q": q.astype(np.float32)}, as_f32(d=sum(terms) / b), tol=2e-6)


def vectors(r):
    for b, d in ((1, 3), (5, 4)):
        x, y, z = r.real((b, d)), r.real((b, d)), r.real((b, d))
        X, Y, Z = wide(x, y, z)
        far = [max(np.linalg.norm(u - v) - np.linalg.norm(u - w) + 0.5, 0) for u, v, w in zip(X, Y, Z)]
        case("loss", "triplet", {"a": x, "p": y, "n": z, "margin": np.float32(0.5)}, as_f32(l=np.mean(far)), tol=2e-6)
        s = 1.5 * X @ Z.T
        both = [-np.log(softmax(m)[np.arange(b), np.arange(b)]).mean() for m in (s, s.T)]
        case("loss", "contrastive", {"x": x, "z": z, "scale": np.float32(1.5)}, as_f32(l=np.mean(both)), tol=2e-6)


def build():
    r = values("std.loss")
    pairs(r)
    classes(r)
    vectors(r)
