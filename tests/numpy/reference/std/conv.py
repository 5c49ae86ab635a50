"""std.conv, by matrices and loops over windows."""
import itertools

import numpy as np

from ..case import as_f32, case, values


def convolve(x, w, stride=1, padding=0, dilation=1, groups=1):
    """For any number of axes: w is [out, in of a group, …]."""
    n = x.ndim - 2
    X = np.pad(x.astype(np.float64), [(0, 0), (0, 0)] + [(padding, padding)] * n)
    reach = [dilation * (k - 1) + 1 for k in w.shape[2:]]
    sizes = [(size - e) // stride + 1 for size, e in zip(X.shape[2:], reach)]
    y = np.zeros((x.shape[0], w.shape[0], *sizes))
    for b, o, *at in np.ndindex(*y.shape):
        first = o // (w.shape[0] // groups) * w.shape[1]
        window = tuple(slice(stride * i, stride * i + e, dilation) for i, e in zip(at, reach))
        y[(b, o, *at)] = (X[(b, slice(first, first + w.shape[1]), *window)] * w[o]).sum()
    return y


def transposed(x, w, stride, padding, dilation, extra):
    """Every element of x spreads its own copy of w."""
    n = x.ndim - 2
    full = [stride * (s - 1) + dilation * (k - 1) + 1 + extra for s, k in zip(x.shape[2:], w.shape[2:])]
    y = np.zeros((x.shape[0], w.shape[1], *full))
    for b, c, *at in np.ndindex(*x.shape):
        where = tuple(slice(stride * i, stride * i + dilation * (k - 1) + 1, dilation) for i, k in zip(at, w.shape[2:]))
        y[(b, slice(None), *where)] += x[(b, c, *at)].astype(np.float64) * w[c]
    return y[(slice(None), slice(None), *[slice(padding, f - padding) for f in full])]


SETTINGS = [{}, {"stride": 2, "padding": 1}, {"dilation": 2, "padding": 2}, {"stride": 3, "dilation": 2, "padding": 1}]


def forward(r):
    for settings, batch in itertools.product(SETTINGS, (2, 0)):
        x, w = r.real((batch, 3, 11)), r.real((2, 3, 3))
        case("conv", "conv1d", {"x": x, "w": w}, as_f32(y=convolve(x, w, **settings)), settings, tol=1e-6)
        d = r.real((3, 3))
        case("conv", "depthwise_conv1d", {"x": x, "w": d}, as_f32(y=convolve(x, d[:, None], groups=3, **settings)), settings, tol=1e-6)
    for settings in SETTINGS:
        x, w = r.real((2, 3, 7, 6)), r.real((4, 3, 3, 2))
        case("conv", "conv2d", {"x": x, "w": w}, as_f32(y=convolve(x, w, **settings)), settings, tol=1e-6)
        d = r.real((3, 3, 2))
        case("conv", "depthwise_conv2d", {"x": x, "w": d}, as_f32(y=convolve(x, d[:, None], groups=3, **settings)), settings, tol=1e-6)
    for settings in ({}, {"stride": 2, "padding": 1}):
        x, w = r.real((1, 2, 4, 3, 5)), r.real((2, 2, 2, 3, 1))
        case("conv", "conv3d", {"x": x, "w": w}, as_f32(y=convolve(x, w, **settings)), settings, tol=1e-6)


def groups(r):
    for settings, g in itertools.product(SETTINGS[1:], (1, 2, 4)):
        settings = settings | {"groups": g}
        x, w = r.real((2, 4, 9)), r.real((8, 4 // g, 3))
        case("conv", "grouped_conv1d", {"x": x, "w": w}, as_f32(y=convolve(x, w, **settings)), settings, tol=1e-6)
        x, w = r.real((1, 4, 7, 6)), r.real((4, 4 // g, 3, 2))
        case("conv", "grouped_conv2d", {"x": x, "w": w}, as_f32(y=convolve(x, w, **settings)), settings, tol=1e-6)


def causal(r):
    for dilation, t in ((1, 7), (3, 7), (2, 1)):
        x, w = r.real((2, 2, t)), r.real((3, 2, 3))
        y = np.zeros((2, 3, t))
        for b, o, c, i, k in np.ndindex(2, 3, 2, t, 3):
            if i >= dilation * k:
                y[b, o, i] += x[b, c, i - dilation * k].astype(np.float64) * w[o, c, k]
        case("conv", "causal_conv1d", {"x": x, "w": w}, as_f32(y=y), {"dilation": dilation}, tol=1e-6)


def back(r):
    for stride, padding, dilation, extra in ((1, 0, 1, 0), (2, 0, 1, 0), (2, 1, 1, 1), (3, 1, 2, 2), (1, 2, 2, 0)):
        settings = {"stride": stride, "padding": padding, "dilation": dilation, "extra": extra}
        for batch in (2, 0):
            x, w = r.real((batch, 2, 5)), r.real((2, 3, 3))
            y = transposed(x, w, stride, padding, dilation, extra)
            case("conv", "conv_transpose1d", {"x": x, "w": w}, as_f32(y=y), settings, tol=1e-6)
        x, w = r.real((1, 2, 4, 3)), r.real((2, 3, 3, 2))
        if padding < 2:
            y = transposed(x, w, stride, padding, dilation, extra)
            case("conv", "conv_transpose2d", {"x": x, "w": w}, as_f32(y=y), settings, tol=1e-6)


def build():
    r = values("std.conv")
    forward(r)
    groups(r)
    causal(r)
    back(r)
