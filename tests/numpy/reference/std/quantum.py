"""std.quantum: every gate as a matrix of the whole state."""
import functools

import numpy as np

from ..case import case, values

X, Y, Z = np.array([[0, 1], [1, 0]], complex), np.array([[0, -1j], [1j, 0]]), np.diag([1, -1]).astype(complex)
ONE, UP, DOWN = np.eye(2), np.diag([1, 0]), np.diag([0, 1])


def exponential(A):
    """exp(-i A / 2) of a Hermitian A, by its eigenvectors."""
    w, V = np.linalg.eigh(A)
    return V @ np.diag(np.exp(-0.5j * w)) @ V.conj().T


def on(n, gates):
    """The product of gates on some qubits and ones on the others."""
    return functools.reduce(np.kron, [gates.get(q, ONE) for q in range(n)])


def state(r, *shape):
    psi = r.real(shape, dtype=np.float64) + 1j * r.real(shape, dtype=np.float64)
    return psi / max(np.linalg.norm(psi), 1e-9)


def gates(r):
    for t in (0.0, 0.7, -2.5):
        for name, A in (("rx", X), ("ry", Y), ("rz", Z)):
            case("quantum", name, {"t": np.float64(t)}, {"u": exponential(t * A)}, tol=1e-14)
    u = exponential(0.3 * X + 0.7 * Y - 0.2 * Z)
    for n, q in ((1, 0), (3, 0), (3, 1), (3, 2)):
        psi = state(r, 2**n)
        case("quantum", "apply", {"u": u, "psi": psi}, {"phi": on(n, {q: u}) @ psi}, {"bit": 2 ** (n - 1 - q)}, tol=1e-13)
    for n, c, t in ((2, 0, 1), (2, 1, 0), (4, 1, 3), (4, 3, 0)):
        psi = state(r, 2**n)
        sizes = {"control": 2 ** (n - 1 - c), "target": 2 ** (n - 1 - t)}
        both = on(n, {c: UP}) + on(n, {c: DOWN, t: u})
        case("quantum", "controlled", {"u": u, "psi": psi}, {"phi": both @ psi}, sizes, tol=1e-13)
        exchanged = np.swapaxes(psi.reshape([2] * n), c, t).reshape(-1)
        sizes = {"one": 2 ** (n - 1 - c), "other": 2 ** (n - 1 - t)}
        case("quantum", "swap", {"psi": psi}, {"phi": exchanged}, sizes)
    for d in (1, 8, 6):
        psi = state(r, d)
        F = np.exp(2j * np.pi * np.outer(np.arange(d), np.arange(d)) / d) / np.sqrt(d)
        case("quantum", "fourier", {"psi": psi}, {"phi": F @ psi}, tol=1e-13)


def measured(r):
    for n in (1, 3):
        psi, phi = state(r, 2**n), state(r, 2**n)
        case("quantum", "probabilities", {"psi": psi}, {"p": np.abs(psi) ** 2}, tol=1e-14)
        for q in range(n):
            p = (psi.conj() @ on(n, {q: DOWN}) @ psi).real
            case("quantum", "probability_of_one", {"psi": psi}, {"p": p}, {"bit": 2 ** (n - 1 - q)}, tol=1e-13)
        case("quantum", "overlap", {"phi": phi, "psi": psi}, {"s": np.vdot(phi, psi)}, tol=1e-13)
        A = state(r, 2**n, 2**n)
        A = A + A.conj().T
        case("quantum", "expectation", {"A": A, "psi": psi}, {"e": np.vdot(psi, A @ psi).real}, tol=1e-13)
    for a, b in ((2, 3), (1, 4), (3, 0)):
        psi = state(r, a, b)
        rho = sum((np.outer(psi[:, k], psi[:, k].conj()) for k in range(b)), np.zeros((a, a), complex))
        case("quantum", "partial_trace", {"psi": psi}, {"rho": rho}, tol=1e-13)


def products_of_matrices(r):
    for n, p, a, b in ((0, 2, 2, 3), (1, 3, 2, 2), (4, 2, 2, 3)):
        G, H, left, right = state(r, n, a, p, a), state(r, n, b, p, b), state(r, a, b), state(r, a, b)
        total = 0
        for places in np.ndindex(*[p] * n):
            g = functools.reduce(np.matmul, [G[i, :, s] for i, s in enumerate(places)], np.eye(a))
            h = functools.reduce(np.matmul, [H[i, :, s] for i, s in enumerate(places)], np.eye(b))
            total += np.einsum("cd,ca,db,ab->", left, g.conj(), h, right)
        case("quantum", "mps_overlap", {"G": G, "H": H, "l": left, "r": right}, {"s": np.complex128(total)}, tol=1e-12)


def build():
    r = values("std.quantum")
    gates(r)
    measured(r)
    products_of_matrices(r)
