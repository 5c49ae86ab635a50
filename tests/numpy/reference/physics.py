"""Stencils, qubits, spins, tensor trains, rotations."""
import itertools
from math import factorial, sqrt

import numpy as np

from .case import as_f32, case, values


def stencils():
    r = values("stencils")
    u0 = r.real((9,), dtype=np.float64)
    step = lambda c: (1 - abs(c)) * np.eye(9) + abs(c) * np.roll(np.eye(9), 1 if c > 0 else -1, 0)
    for c, t in ((0.75, 6), (-0.5, 3)):
        u = np.linalg.matrix_power(step(c), t) @ u0
        case("stencils", "upwind", {"u0": u0, "c": np.float64(c)}, {"u": u}, {"T": t}, tol=1e-13)
    h, w, t = 4, 5, 5
    u0, c = r.real((h, w), dtype=np.float64), np.abs(r.real((h, w), 0, 0.7, dtype=np.float64))
    u, v, energy = u0.copy(), np.zeros((h, w)), []
    for _ in range(t):
        U = np.pad(u, 1)
        v = v + c**2 * (U[:-2, 1:-1] + U[2:, 1:-1] + U[1:-1, :-2] + U[1:-1, 2:] - 4 * u)
        u = u + v
        energy.append((v**2).sum() / 2)
    case("stencils", "wave", {"u0": u0, "c": c}, {"u": u, "energy": np.array(energy)}, {"T": t}, tol=1e-13)
    u0, k, n = r.real((7,)), np.float32(0.25), 7
    L = np.diag(np.full(n - 1, 1.0), 1) + np.diag(np.full(n - 1, 1.0), -1)
    L -= np.diag(L.sum(1))
    M = np.eye(n) + float(k) * L
    rows = [np.linalg.matrix_power(M, s + 1) @ u0 for s in range(4)]
    case("stencils", "heat", {"u0": u0, "k": k}, as_f32(u=np.array(rows)), {"T": 4}, tol=2e-6)


def gate(n, qubits, matrix):
    """A gate on some qubits of n as a matrix over all 2^n states, the first qubit the most significant."""
    full = np.zeros((2**n, 2**n), complex)
    for out, into in itertools.product(itertools.product((0, 1), repeat=n), repeat=2):
        if all(out[q] == into[q] for q in range(n) if q not in qubits):
            number = lambda bits: int("".join(map(str, bits)), 2)
            full[number(out), number(into)] = matrix[number([out[q] for q in qubits]), number([into[q] for q in qubits])]
    return full


def circuits():
    r = values("circuit")
    psi = r.array("c128", (2, 2)) / 4
    H = np.array([[1, 1], [1, -1]]) / np.sqrt(2)
    cnot = np.array([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 1], [0, 0, 1, 0]])
    phi = gate(2, [0, 1], cnot) @ gate(2, [0], H) @ psi.ravel()
    case("circuit", "bell", {"psi": psi}, {"phi": phi.reshape(2, 2)}, tol=1e-14)
    psi = r.array("c128", (2, 2, 2)) / 4
    phi = np.fft.ifft(psi.ravel(), norm="ortho").reshape(2, 2, 2)
    case("circuit", "fourier", {"psi": psi}, {"phi": phi}, tol=1e-14)
    theta = r.real((3, 3, 2), dtype=np.float64)
    state = np.eye(8)[0].astype(complex)
    for layer in theta:
        for q, (y, z) in enumerate(layer / 2):
            state = gate(3, [q], np.array([[np.cos(y), -np.sin(y)], [np.sin(y), np.cos(y)]])) @ state
            state = gate(3, [q], np.diag([np.exp(-1j * z), np.exp(1j * z)])) @ state
        for pair in ([0, 1], [1, 2], [0, 2]):
            state = gate(3, pair, np.diag([1, 1, 1, -1])) @ state
    p = (np.abs(state) ** 2).reshape(2, 2, 2)
    case("circuit", "ansatz", {"theta": theta}, {"p": p, "z": p[0].sum() - p[1].sum()}, tol=1e-13)


def clebsch(j1, m1, j2, m2, j, m):
    """<j1 m1 j2 m2 | j m> by Racah's formula."""
    if m1 + m2 != m or not abs(j1 - j2) <= j <= j1 + j2:
        return 0.0
    f = factorial
    front = sqrt((2 * j + 1) * f(j + j1 - j2) * f(j - j1 + j2) * f(j1 + j2 - j) / f(j1 + j2 + j + 1))
    front *= sqrt(f(j + m) * f(j - m) * f(j1 - m1) * f(j1 + m1) * f(j2 - m2) * f(j2 + m2))
    total = 0.0
    for k in range(j1 + j2 + j + 1):
        terms = (k, j1 + j2 - j - k, j1 - m1 - k, j2 + m2 - k, j - j2 + m1 + k, j - j1 - m2 + k)
        if min(terms) >= 0:
            total += (-1) ** k / np.prod([float(f(t)) for t in terms])
    return front * total


def real_basis(l):
    """Real spherical harmonics in terms of the complex ones: rows are m = -l..l with sin for m < 0, cos for m > 0, and no further sign."""
    U = np.zeros((2 * l + 1, 2 * l + 1), complex)
    U[l, l] = 1
    for m in range(1, l + 1):
        U[l + m, l + m], U[l + m, l - m] = (-1) ** m / np.sqrt(2), 1 / np.sqrt(2)
        U[l - m, l + m], U[l - m, l - m] = -1j * (-1) ** m / np.sqrt(2), 1j / np.sqrt(2)
    return U


def rotations():
    r = values("clebsch_gordan")
    table = lambda j1, j2, j: np.array(
        [[[clebsch(j1, a, j2, b, j, c) for c in range(-j, j + 1)] for b in range(-j2, j2 + 1)] for a in range(-j1, j1 + 1)]
    )
    x, y, C = r.real((4, 3), dtype=np.float64), r.real((4, 5), dtype=np.float64), table(1, 2, 2)
    case("clebsch_gordan", "product", {"x": x, "y": y, "C": C}, {"z": np.stack([np.einsum("ijk,i,j->k", C, *p) for p in zip(x, y)])}, tol=1e-13)
    y = r.real((4, 3), dtype=np.float64)
    outputs = {}
    for name, l in (("s", 0), ("v", 1), ("t", 2)):
        real = np.einsum("ia,jb,kc,abc->ijk", real_basis(1), real_basis(1), real_basis(l).conj(), table(1, 1, l)) * (-1j if l == 1 else 1)
        assert np.abs(real.imag).max() < 1e-15
        outputs[name] = np.stack([np.einsum("ijk,i,j->k", real.real, *p) for p in zip(x, y)])
    assert np.allclose(outputs["v"], -np.roll(np.cross(np.roll(x, 1, 1), np.roll(y, 1, 1)), -1, 1) / np.sqrt(2))  # axes are y, z, x
    case("clebsch_gordan", "vectors", {"x": x, "y": y}, outputs, tol=1e-13)


def trains():
    r = values("tensor_train")
    f64 = lambda *s: r.real(s, dtype=np.float64)
    G = [f64(2, 3), f64(3, 3, 2), f64(2, 2, 4), f64(4, 3)]
    H = [f64(2, 2), f64(2, 3, 2), f64(2, 2, 3), f64(3, 3)]
    dense = lambda c: np.tensordot(np.tensordot(np.tensordot(c[0], c[1], 1), c[2], 1), c[3], 1)
    inputs = {f"G{i + 1}": g for i, g in enumerate(G)} | {f"H{i + 1}": g for i, g in enumerate(H)}
    case("tensor_train", "inner", inputs, {"s": (dense(G) * dense(H)).sum()}, tol=1e-13)
    n, p, R, Q = 5, 2, 3, 2
    c128 = lambda *s: r.array("c128", s) / 4
    G, H, left, right = c128(n, R, p, R), c128(n, Q, p, Q), c128(R, Q), c128(R, Q)
    total = 0
    for state in itertools.product(range(p), repeat=n):
        a, b = np.eye(R, dtype=complex), np.eye(Q, dtype=complex)
        for site, q in enumerate(state):
            a, b = a @ G[site, :, q].conj(), b @ H[site, :, q]
        total += np.einsum("cd,ca,db,ab->", left, a, b, right)
    case("tensor_train", "overlap", {"G": G, "H": H, "l": left, "r": right}, {"s": total}, tol=1e-12)


def spins():
    for n, J, h in ((4, 0.5, 0.25), (7, -0.75, 0.5), (1, 0.5, 0.0)):
        spin = lambda q: sum(J * q[i] * q[(i + 1) % n] + h * q[i] for i in range(n))
        Z = sum(np.exp(spin(q)) for q in itertools.product((-1, 1), repeat=n))
        case("ising", "chain", {"J": np.float64(J), "h": np.float64(h)}, {"Z": np.float64(Z)}, {"N": n}, tol=1e-13)
    n, J = 4, 0.375
    Z = 0.0
    for q in itertools.product((-1, 1), repeat=2 * n):
        s = np.array(q).reshape(n, 2)
        Z += np.exp(J * ((s * np.roll(s, 1, 0)).sum() + (s[:, 0] * s[:, 1]).sum()))
    case("ising", "ladder", {"J": np.float64(J)}, {"Z": Z}, {"N": n}, tol=1e-13)


def build():
    stencils()
    circuits()
    rotations()
    trains()
    spins()
