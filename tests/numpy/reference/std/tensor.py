"""std.tensor: every format written out as a full tensor."""
import numpy as np

from ..case import case, values


def sum_of_products(*factors):
    terms = []
    for columns in zip(*(f.T for f in factors)):
        term = np.ones(())
        for v in columns:
            term = np.multiply.outer(term, v)
        terms.append(term)
    return sum(terms, np.zeros([len(f) for f in factors]))


def canonical(r):
    real = lambda *shape: r.real(shape, dtype=np.float64)
    for i, j, k, l, n in ((3, 4, 2, 2, 3), (2, 1, 3, 1, 1), (2, 2, 2, 3, 0)):
        A, B, C, D = real(i, n), real(j, n), real(k, n), real(l, n)
        X = sum_of_products(A, B, C)
        case("tensor", "cp3", {"A": A, "B": B, "C": C}, {"X": X}, tol=1e-13)
        case("tensor", "cp4", {"A": A, "B": B, "C": C, "D": D}, {"X": sum_of_products(A, B, C, D)}, tol=1e-13)
        E, F, G = real(i, 2), real(j, 2), real(k, 2)
        inputs = {"A": A, "B": B, "C": C, "D": E, "E": F, "F": G}
        case("tensor", "cp3_inner", inputs, {"s": np.vdot(X, sum_of_products(E, F, G))}, tol=1e-12)
        T = real(i, j, k)
        pairs = lambda a, b: np.stack([np.kron(x, y) for x, y in zip(a.T, b.T)], 1) if n else np.zeros((len(a) * len(b), 0))
        unfold = lambda mode: np.moveaxis(T, mode, 0).reshape(T.shape[mode], -1)
        outputs = {"P": unfold(0) @ pairs(B, C), "Q": unfold(1) @ pairs(A, C), "S": unfold(2) @ pairs(A, B)}
        case("tensor", "mttkrp", {"X": T, "A": A, "B": B, "C": C}, outputs, tol=1e-13)
        case("tensor", "khatri_rao", {"A": A, "B": B}, {"K": pairs(A, B)}, tol=1e-14)
    X, B, C = real(4, 3, 5), real(3, 2), real(5, 2)
    unfold = lambda mode: np.moveaxis(X, mode, 0).reshape(X.shape[mode], -1)
    pairs = lambda a, b: np.stack([np.kron(x, y) for x, y in zip(a.T, b.T)], 1)
    least = lambda mode, a, b: np.linalg.lstsq(pairs(a, b), unfold(mode).T, rcond=None)[0].T
    A1 = least(0, B, C)
    B1 = least(1, A1, C)
    case("tensor", "cp3_sweep", {"X": X, "B": B, "C": C}, {"A1": A1, "B1": B1, "C1": least(2, A1, B1)}, tol=1e-10)


def tucker(r):
    real = lambda *shape: r.real(shape, dtype=np.float64)
    for (i, j, k), (p, q, s) in (((4, 3, 5), (2, 3, 2)), ((3, 1, 2), (1, 1, 2)), ((2, 2, 2), (0, 1, 1))):
        G, A, B, C = real(p, q, s), real(i, p), real(j, q), real(k, s)
        X = (np.kron(np.kron(A, B), C) @ G.ravel()).reshape(i, j, k)
        case("tensor", "tucker3", {"G": G, "A": A, "B": B, "C": C}, {"X": X}, tol=1e-13)
        y, z = real(j), real(k)
        case("tensor", "tucker3_apply", {"G": G, "A": A, "B": B, "C": C, "y": y, "z": z}, {"x": X @ z @ y}, tol=1e-12)
        T = real(i, j, k)
        core = (np.kron(np.kron(A, B), C).T @ T.ravel()).reshape(p, q, s)
        case("tensor", "tucker3_core", {"X": T, "A": A, "B": B, "C": C}, {"G": core}, tol=1e-13)
        factors = []
        for mode, rank in enumerate((p, q, s)):
            U = np.linalg.svd(np.moveaxis(T, mode, 0).reshape(T.shape[mode], -1), full_matrices=False)[0]
            assert U.shape[1] >= rank
            U = U[:, :rank]
            for c in range(rank):  # the first of the largest components is positive
                first = np.flatnonzero(np.abs(U[:, c]) >= 0.999 * np.abs(U[:, c]).max())[0]
                U[:, c] *= np.sign(U[first, c])
            factors.append(U)
        core = (np.kron(np.kron(factors[0], factors[1]), factors[2]).T @ T.ravel()).reshape(p, q, s)
        outputs = {"G": core, "A": factors[0], "B": factors[1], "C": factors[2]}
        case("tensor", "hosvd3", {"X": T}, outputs, {"P": p, "Q": q, "R": s}, tol=1e-9)


def trains(r):
    real = lambda *shape: r.real(shape, dtype=np.float64)
    for i, j, k, l, a, b, c in ((3, 2, 4, 2, 2, 3, 2), (1, 3, 2, 1, 1, 1, 4)):
        G1, G2, G3, G4 = real(i, a), real(a, j, b), real(b, k, c), real(c, l)
        X = np.zeros((i, j, k, l))
        for at in np.ndindex(*X.shape):
            X[at] = G1[at[0]] @ G2[:, at[1]] @ G3[:, at[2]] @ G4[:, at[3]]
        case("tensor", "tt4", {"G1": G1, "G2": G2, "G3": G3, "G4": G4}, {"X": X}, tol=1e-13)
        G3 = real(b, k)
        X = np.zeros((i, j, k))
        for at in np.ndindex(*X.shape):
            X[at] = G1[at[0]] @ G2[:, at[1]] @ G3[:, at[2]]
        case("tensor", "tt3", {"G1": G1, "G2": G2, "G3": G3}, {"X": X}, tol=1e-13)
        R1, R2, R3 = real(a, i, b), real(b, j, c), real(c, k, a)
        for at in np.ndindex(*X.shape):
            X[at] = np.trace(R1[:, at[0]] @ R2[:, at[1]] @ R3[:, at[2]])
        case("tensor", "ring3", {"G1": R1, "G2": R2, "G3": R3}, {"X": X}, tol=1e-13)
    for n in (0, 1, 5):
        G, left, right = real(n, 3, 2, 3), real(3), real(3)
        place = np.array([r.next(2) for _ in range(n)], np.int64)
        M = np.eye(3)
        for g, p in zip(G, place):
            M = M @ g[:, p]
        case("tensor", "tt_at", {"G": G, "l": left, "r": right, "place": place}, {"x": left @ M @ right}, tol=1e-12)
    for batch in (3, 0):
        x, G1, G2, G3 = real(batch, 2, 3, 2), real(2, 3, 2), real(2, 3, 1, 3), real(3, 2, 2)
        W = np.zeros((2, 3, 2, 3, 1, 2))
        for i, j, k, o, p, q in np.ndindex(*W.shape):
            W[i, j, k, o, p, q] = G1[i, o] @ G2[:, j, p] @ G3[:, k, q]
        y = (x.reshape(batch, 12) @ W.reshape(12, 6)).reshape(batch, 3, 1, 2)
        case("tensor", "tt_linear3", {"x": x, "G1": G1, "G2": G2, "G3": G3}, {"y": y}, tol=1e-13)


def kronecker(r):
    real = lambda *shape: r.real(shape, dtype=np.float64)
    for m, n, p, q, k, l in ((2, 3, 4, 2, 3, 2), (1, 2, 2, 1, 1, 3), (2, 0, 1, 3, 2, 2)):
        A, B, C = real(m, n), real(p, q), real(k, l)
        x = real(n * q)
        case("tensor", "kron_apply", {"A": A, "B": B, "x": x}, {"y": np.kron(A, B) @ x}, tol=1e-13)
        x = real(n * q * l)
        case("tensor", "kron3_apply", {"A": A, "B": B, "C": C, "x": x}, {"y": np.kron(np.kron(A, B), C) @ x}, tol=1e-13)


def build():
    r = values("std.tensor")
    canonical(r)
    tucker(r)
    trains(r)
    kronecker(r)
