"""std.pool, window by window."""
import numpy as np

from ..case import as_f32, case, values


def windows(x, size, stride, padding, of):
    """`of` the part of each window inside of x, and the size of the whole window."""
    n = x.ndim - 2
    sizes = [(s + 2 * padding - size) // stride + 1 for s in x.shape[2:]]
    y = np.zeros((*x.shape[:2], *sizes))
    for b, c, *at in np.ndindex(*y.shape):
        part = tuple(slice(max(stride * i - padding, 0), max(stride * i - padding + size, 0)) for i in at)
        y[(b, c, *at)] = of(x[(b, c, *part)].astype(np.float64), size**n)
    return y


def build():
    r = values("std.pool")
    greatest = lambda part, n: part.max()
    mean = lambda part, n: part.sum() / n
    inside = lambda part, n: part.mean()
    for size, stride, padding in ((2, 2, 0), (3, 2, 1), (3, 1, 1), (5, 3, 2)):
        settings = {"size": size, "stride": stride, "padding": padding}
        for shape in ((2, 3, 9), (0, 2, 8)):
            x = r.real(shape) - 3  # all negative: a padding of 0 would win
            case("pool", "max_pool1d", {"x": x}, as_f32(y=windows(x, size, stride, padding, greatest)), settings)
            case("pool", "avg_pool1d", {"x": x}, as_f32(y=windows(x, size, stride, padding, mean)), settings, tol=1e-6)
        x = r.real((2, 2, 7, 6)) - 3
        case("pool", "max_pool2d", {"x": x}, as_f32(y=windows(x, size, stride, padding, greatest)), settings)
        case("pool", "avg_pool2d", {"x": x}, as_f32(y=windows(x, size, stride, padding, mean)), settings, tol=1e-6)
        case("pool", "avg_pool2d_inside", {"x": x}, as_f32(y=windows(x, size, stride, padding, inside)), settings, tol=1e-6)
    for shape in ((2, 3, 5), (1, 2, 3, 4), (3, 2), (0, 2, 2)):
        x, axes = r.real(shape), tuple(range(2, len(shape)))
        case("pool", "global_max_pool", {"x": x}, {"y": x.max(axes)})
        case("pool", "global_avg_pool", {"x": x}, as_f32(y=x.astype(np.float64).mean(axes)), tol=1e-6)
