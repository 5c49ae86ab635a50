"""Linear algebra and signals."""
import numpy as np

from .case import case, values


def power_iteration():
    r = values("power_iteration")
    M = r.real((5, 5), dtype=np.float64)
    A = M @ M.T
    v = np.linalg.matrix_power(A, 9) @ np.ones(5)
    v /= np.linalg.norm(v)
    case("power_iteration", "power_iteration", {"A": A, "start": np.ones(5)}, {"value": v @ A @ v, "v": v}, {"T": 9}, tol=1e-12)


def least_squares():
    r = values("least_squares")
    A, b = r.real((9, 3), dtype=np.float64), r.real((9,), dtype=np.float64)
    x = np.linalg.pinv(A) @ b
    case("least_squares", "fit_line", {"A": A, "b": b}, {"x": x, "y": x, "z": x}, tol=1e-11)


def pca():
    r = values("pca")
    x = r.real((8, 4), dtype=np.float64)
    c = x - x.mean(0)
    w, V = np.linalg.eigh(np.cov(x, rowvar=False))
    low = c @ V[:, -2:] @ V[:, -2:].T
    case("pca", "pca", {"x": x}, {"variance": w[::-1], "by_svd": low, "by_eigh": low}, {"K": 2}, tol=1e-11)


def wavelet():
    r = values("wavelet")
    root3 = np.sqrt(3)
    low = np.array([1 + root3, 3 + root3, 3 - root3, 1 - root3]) / (4 * np.sqrt(2))
    high = low[::-1] * [1, -1, 1, -1]
    for n in (8, 9):
        x = r.real((n,), dtype=np.float64)
        pairs = x[: n // 2 * 2].reshape(-1, 2)
        case("wavelet", "haar_step", {"x": x}, {"a": pairs.sum(1) / np.sqrt(2), "d": (pairs[:, 0] - pairs[:, 1]) / np.sqrt(2)}, tol=1e-13)
    for n in (4, 10):
        x = r.real((n,), dtype=np.float64)
        W = np.zeros((n, n))
        for i in range(n // 2):
            for k in range(4):
                W[i, (2 * i + k) % n] += low[k]
                W[n // 2 + i, (2 * i + k) % n] += high[k]
        a, d = np.split(W @ x, 2)
        case("wavelet", "daubechies_step", {"x": x}, {"a": a, "d": d}, tol=1e-13)
        case("wavelet", "daubechies_back", {"a": a, "d": d}, {"x": x}, tol=1e-13)


def build():
    power_iteration()
    least_squares()
    pca()
    wavelet()
