"""std.position; rotations as products of complex numbers."""
import numpy as np

from ..case import as_f32, case, values


def turned(z, at):
    k = z.shape[-1]
    return z * np.exp(1j * np.asarray(at)[:, None] * 10000.0 ** (-np.arange(k) / k))


def build():
    r = values("std.position")
    for shape in ((5, 6), (2, 3, 4, 2), (2, 0, 4), (1, 7, 8)):
        x, s, k = r.real(shape), shape[-2], shape[-1] // 2
        X = x.astype(np.float64)
        halves = X[..., :k] + 1j * X[..., k:]
        join = lambda z: np.concatenate([z.real, z.imag], -1)
        case("position", "rope", {"x": x}, as_f32(y=join(turned(halves, range(s)))), tol=1e-6)
        at = np.array([(37 * i) % 1001 for i in range(s)], np.int32)
        case("position", "rope_at", {"x": x, "at": at}, as_f32(y=join(turned(halves, at))), tol=1e-6)
        z = turned(X[..., 0::2] + 1j * X[..., 1::2], range(s))
        case("position", "rope_pairs", {"x": x}, as_f32(y=np.stack([z.real, z.imag], -1).reshape(shape)), tol=1e-6)
    for shape in ((5, 6), (2, 3, 5), (0, 2, 4)):
        x = r.real(shape)
        p = np.zeros(shape[-2:])
        for s, i in np.ndindex(*p.shape):
            angle = s / 10000.0 ** (i // 2 * 2 / shape[-1])
            p[s, i] = np.cos(angle) if i % 2 else np.sin(angle)
        case("position", "sinusoidal", {"x": x}, as_f32(y=x + p), tol=1e-6)
    for b, h, s in ((2, 4, 3), (1, 8, 5)):
        x = r.real((b, h, s, s))
        slope = np.geomspace(2 ** (-8 / h), 2**-8.0, h) if h > 1 else np.array([2**-8.0])
        y = x - slope[:, None, None] * (np.arange(s)[:, None] - np.arange(s))
        case("position", "alibi", {"s": x}, as_f32(y=y), tol=1e-6)
