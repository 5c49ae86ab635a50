"""std.linalg, by numpy.linalg or in exact steps."""
import numpy as np

from ..case import case, values


def square(r, n):
    return r.real((n, n), dtype=np.float64)


def positive(r, n):
    m = square(r, n)
    return m @ m.T + np.eye(n)


def products(r):
    for m, n, p, q in ((2, 3, 3, 2), (1, 4, 2, 1), (0, 2, 3, 3)):
        A, B = r.real((m, n), dtype=np.float64), r.real((p, q), dtype=np.float64)
        case("linalg", "kron", {"A": A, "B": B}, {"K": np.kron(A, B)}, tol=1e-15)
        x, y = r.real((m,), dtype=np.float64), r.real((q,), dtype=np.float64)
        case("linalg", "outer", {"x": x, "y": y}, {"A": np.outer(x, y)}, tol=1e-15)
    x, y = r.real((3,), dtype=np.float64), r.real((3,), dtype=np.float64)
    case("linalg", "cross", {"x": x, "y": y}, {"z": np.cross(x, y)}, tol=1e-14)
    for n, k in ((1, 3), (4, 0), (4, 1), (3, 5)):
        A = square(r, n)
        case("linalg", "matrix_power", {"A": A}, {"P": np.linalg.matrix_power(A, k)}, {"n": k}, tol=1e-13)


def numbers(r):
    for n in (0, 1, 5):
        A = square(r, n)
        case("linalg", "trace", {"A": A}, {"t": np.trace(A)}, tol=1e-14)
    for shape in ((5,), (3, 4), (2, 3, 2), (0, 2)):
        x = r.real(shape, dtype=np.float64)
        case("linalg", "frobenius_norm", {"A": x}, {"n": np.linalg.norm(x.ravel())}, tol=1e-14)
    for m, n in ((5, 3), (4, 4), (3, 1)):
        A = r.real((m, n), dtype=np.float64)
        case("linalg", "norm_1", {"A": A}, {"n": np.linalg.norm(A, 1)}, tol=1e-14)
        case("linalg", "norm_inf", {"A": A}, {"n": np.linalg.norm(A, np.inf)}, tol=1e-14)
        case("linalg", "norm_2", {"A": A}, {"n": np.sqrt(np.linalg.eigvalsh(A.T @ A)[-1])}, tol=1e-12)
        case("linalg", "cond", {"A": A}, {"c": np.linalg.cond(A)}, tol=1e-10)
        A = positive(r, n)
        case("linalg", "logdet", {"A": A}, {"l": np.log(np.prod(np.linalg.eigvalsh(A)))}, tol=1e-12)


def fits(r):
    for m, n in ((7, 3), (4, 4), (5, 1)):
        A, b, w = r.real((m, n), dtype=np.float64), r.real((m,), dtype=np.float64), np.abs(r.real((m,), dtype=np.float64)) + 0.1
        case("linalg", "pinv", {"A": A}, {"X": np.linalg.inv(A.T @ A) @ A.T}, tol=1e-9)
        stacked = np.linalg.lstsq(np.vstack([A, np.sqrt(0.5) * np.eye(n)]), np.concatenate([b, np.zeros(n)]), rcond=None)[0]
        case("linalg", "ridge", {"A": A, "b": b, "weight": np.float64(0.5)}, {"x": stacked}, tol=1e-11)
        x = np.linalg.solve(A.T @ np.diag(w) @ A, A.T @ np.diag(w) @ b)
        case("linalg", "weighted_lstsq", {"A": A, "b": b, "w": w}, {"x": x}, tol=1e-10)
        for k in {0, 1, n}:
            w_, V = np.linalg.eigh(A.T @ A)
            near = A @ V[:, n - k :] @ V[:, n - k :].T
            case("linalg", "low_rank", {"A": A}, {"L": near}, {"K": k}, tol=1e-10)
        Q, R = np.linalg.qr(A)
        case("linalg", "gram_schmidt", {"A": A}, {"Q": Q * np.sign(np.diag(R))}, tol=1e-11)
    A = np.outer([1.0, 2, 3, 4], [1.0, -1])  # of rank 1
    case("linalg", "pinv", {"A": A}, {"X": A.T / (A**2).sum()}, tol=1e-12)


def iterations(r):
    for n in (1, 2, 6):
        v = r.real((n,), dtype=np.float64) + 3
        mirror = np.eye(n) - 2 * np.outer(v, v) / (v @ v)
        case("linalg", "householder", {"v": v}, {"H": mirror}, tol=1e-14)
        A, x = positive(r, n), r.real((n,), dtype=np.float64) + 3
        case("linalg", "rayleigh", {"A": A, "x": x}, {"r": (A @ x) @ x / (x @ x)}, tol=1e-13)
        y = A @ x
        case("linalg", "power_step", {"A": A, "x": x}, {"y": y / np.linalg.norm(y)}, tol=1e-13)
        w, V = np.linalg.eigh(A)
        top = V[:, -1] * np.sign(V[:, -1] @ x)
        gap = w[-2] / w[-1] if n > 1 else 0.0
        steps = 400
        assert gap**steps < 1e-13, gap
        case("linalg", "power_iteration", {"A": A, "start": x}, {"value": w[-1], "x": top}, {"steps": steps}, tol=1e-10)
        b = r.real((n,), dtype=np.float64)
        case("linalg", "conjugate_gradients", {"A": A, "b": b}, {"x": np.linalg.solve(A, b)}, {"steps": 4 * n}, tol=1e-9)
    A = positive(r, 3)
    case("linalg", "conjugate_gradients", {"A": A, "b": np.zeros(3)}, {"x": np.zeros(3)})


def rows(r):
    for m, n, d in ((5, 3, 2), (2, 4, 1), (3, 0, 2)):
        x, z = r.real((m, d), dtype=np.float64), r.real((n, d), dtype=np.float64)
        case("linalg", "covariance", {"x": x}, {"C": np.cov(x, rowvar=False).reshape(d, d)}, tol=1e-13)
        far = np.array([[np.linalg.norm(a - b) for b in z] for a in x]).reshape(m, n)
        case("linalg", "distances", {"x": x, "z": z}, {"r": far}, tol=1e-14)


def build():
    r = values("std.linalg")
    products(r)
    numbers(r)
    fits(r)
    iterations(r)
    rows(r)
