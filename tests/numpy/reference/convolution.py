"""Convolutions and pooling, by loops over windows."""
import numpy as np
from scipy.signal import convolve

from .case import as_f32, case, values, wide


def conv2d(x, w, st, dil, p, groups):
    b, _, h, wd = x.shape
    o, c, R, S = w.shape
    X = np.pad(x.astype(np.float64), ((0, 0), (0, 0), (p, p), (p, p)))
    oh, ow = (h + 2 * p - dil * (R - 1) - 1) // st + 1, (wd + 2 * p - dil * (S - 1) - 1) // st + 1
    y = np.zeros((b, o, oh, ow))
    for n, m, i, j in np.ndindex(*y.shape):
        first = m // (o // groups) * c
        window = X[n, first : first + c, st * i : st * i + dil * (R - 1) + 1 : dil, st * j : st * j + dil * (S - 1) + 1 : dil]
        y[n, m, i, j] = (window * w[m]).sum()
    return y


def convolution():
    r = values("convolution")
    settings = [  # b, channels, o, h, w, R, S, st, dil, p, groups
        (1, 2, 3, 7, 6, 3, 3, 2, 1, 1, 1), (1, 2, 2, 9, 8, 3, 2, 1, 2, 2, 1), (2, 4, 6, 5, 5, 3, 3, 1, 1, 1, 2), (1, 4, 4, 7, 7, 3, 3, 2, 2, 2, 4),
    ]
    for b, c, o, h, w, R, S, st, dil, p, groups in settings:
        x, f = r.real((b, c, h, w)), r.real((o, c // groups, R, S))
        sizes = {"st": st, "dil": dil, "p": p, "groups": groups}
        case("convolution", "conv2d", {"x": x, "w": f}, as_f32(y=conv2d(x, f, st, dil, p, groups)), sizes, tol=1e-6)
    x, f = r.real((2, 3, 5, 6)), r.real((3, 3, 2))
    case("convolution", "depthwise", {"x": x, "w": f}, as_f32(y=conv2d(x, f[:, None], 1, 1, 0, 3)), tol=1e-6)
    for h, R, st, p in ((4, 3, 2, 0), (5, 4, 2, 1), (3, 2, 3, 0)):
        x, f = r.real((2, 2, h)), r.real((2, 3, R))
        full = np.zeros((2, 3, (h - 1) * st + R))
        for b, c, o, i in np.ndindex(2, 2, 3, h):
            full[b, o, st * i : st * i + R] += x[b, c, i].astype(np.float64) * f[c, o]
        case("convolution", "transposed", {"x": x, "w": f}, as_f32(y=full[..., p : full.shape[-1] - p]), {"st": st, "p": p}, tol=1e-6)
    for dil in (1, 3):
        x, f = r.real((2, 2, 9)), r.real((3, 2, 3))
        X, F = wide(x, f)
        spread = np.zeros((3, 2, 2 * dil + 1))
        spread[..., ::dil] = F
        y = [[sum(convolve(X[b, c], spread[o, c])[:9] for c in range(2)) for o in range(3)] for b in range(2)]
        case("convolution", "causal", {"x": x, "w": f}, as_f32(y=y), {"dil": dil}, tol=1e-6)


def pooling():
    r = values("pooling")
    for h, w in ((5, 6), (4, 1), (7, 7)):
        x = r.real((2, 2, h, w)) - 3  # all negative: a padding of 0 would win
        oh, ow = (h - 1) // 2 + 1, (w - 1) // 2 + 1
        window = lambda i, j: x[:, :, max(2 * i - 1, 0) : 2 * i + 2, max(2 * j - 1, 0) : 2 * j + 2].astype(np.float64)
        over = lambda f: np.stack([np.stack([f(window(i, j), (2, 3)) for j in range(ow)], -1) for i in range(oh)], -2)
        case("pooling", "maxpool", {"x": x}, as_f32(y=over(np.max)))
        case("pooling", "avgpool", {"x": x}, as_f32(y=over(np.mean)), tol=1e-6)
        case("pooling", "global_pool", {"x": x}, as_f32(m=x.max((2, 3)), a=x.astype(np.float64).mean((2, 3))), tol=1e-6)


def build():
    convolution()
    pooling()
