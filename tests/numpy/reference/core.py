"""The programs of the language's own list: tests/cases/programs."""
import numpy as np
from scipy.sparse.csgraph import floyd_warshall

from .case import as_f32, bf16, case, values, wide


def contractions():
    r = values("01_matmul")
    for m, n, k in ((5, 7, 3), (17, 9, 13), (1, 4, 0)):
        A, B = r.real((m, k)), r.real((k, n))
        case("01_matmul", "matmul", {"A": A, "B": B}, as_f32(C=np.matmul(*wide(A, B))), tol=1e-6)
    r = values("06_mttkrp")
    X, B, C = r.real((4, 5, 3)), r.real((5, 6)), r.real((3, 6))
    X[r.real((4, 5, 3)) > 0] = 0
    khatri_rao = np.stack([np.kron(b, c) for b, c in zip(*(m.T.astype(np.float64) for m in (B, C)))], 1)
    case("06_mttkrp", "mttkrp", {"X": X, "B": B, "C": C}, as_f32(M=X.reshape(4, 15).astype(np.float64) @ khatri_rao), tol=1e-6)
    r = values("07_ttlayer")
    x, c = r.real((3, 2, 3, 4)), r.real((3, 2, 3))
    G1, G2, G3 = r.real((2, 3, 2)), r.real((2, 3, 2, 5)), r.real((5, 4, 3))
    X, W1, W2, W3 = wide(x, G1, G2, G3)
    W = np.tensordot(np.tensordot(W1, W2, (2, 0)), W3, (4, 0))  # i1 o1 i2 o2 i3 o3
    y = X.reshape(3, 24) @ W.transpose(0, 2, 4, 1, 3, 5).reshape(24, 18)
    case("07_ttlayer", "tt_linear", {"x": x, "G1": G1, "G2": G2, "G3": G3, "c": c}, as_f32(y=y.reshape(3, 3, 2, 3) + c), tol=1e-6)
    r = values("12_lowrank")
    x, W, U, V = r.real((5, 16)), r.real((7, 16)), r.real((7, 2)), r.real((2, 16))
    alpha = np.float32(0.5)
    X, W_, U_, V_ = wide(x, W, U, V)
    case("12_lowrank", "lora", {"x": x, "W": W, "U": U, "V": V, "alpha": alpha}, as_f32(y=X @ (W_ + 0.5 * U_ @ V_).T), tol=1e-6)


def rows():
    r = values("02_softmax")
    for shape in ((5,), (3, 7), (2, 3, 4)):
        x = r.real(shape, -8, 8)
        x.reshape(-1)[0] = 100
        e = np.exp(x.astype(np.float64) - x.max(-1, keepdims=True))
        case("02_softmax", "softmax", {"x": x}, as_f32(y=e / e.sum(-1, keepdims=True)), tol=1e-6)
    r = values("05_layernorm")
    for shape in ((9,), (2, 3, 5)):
        x, g, c = r.real(shape), r.real(shape[-1:]), r.real(shape[-1:])
        X = x.astype(np.float64)
        y = (X - X.mean(-1, keepdims=True)) / np.sqrt(X.var(-1, keepdims=True) + 1e-5) * g + c
        case("05_layernorm", "layernorm", {"x": x, "g": g, "c": c}, as_f32(y=y), tol=2e-6)
    r = values("03_attention")
    q, k, v = (np.round(r.real((2, 2, 7, 4)) * 64) / 64 for _ in range(3))
    o = np.zeros(q.shape)
    for b, h, i in np.ndindex(2, 2, 7):
        s = wide(k)[0][b, h, : i + 1] @ q[b, h, i].astype(np.float64) / 2
        w = np.exp(s - s.max())
        o[b, h, i] = w @ v[b, h, : i + 1] / w.sum()
    inputs = {n: (t.astype(np.float32), "bf16") for n, t in (("q", q), ("k", k), ("v", v))}
    case("03_attention", "attention", inputs, {"o": (bf16(o), "bf16")}, tol=2**-8)


def convolutions():
    r = values("04_conv2d")
    for (b, c, o, h, w, R, S, st, p) in ((2, 3, 4, 6, 5, 3, 3, 1, 1), (1, 2, 2, 7, 6, 3, 2, 2, 0)):
        x, f = r.real((b, c, h, w)), r.real((o, c, R, S))
        X = np.pad(x.astype(np.float64), ((0, 0), (0, 0), (p, p), (p, p)))
        oh, ow = (h + 2 * p - R) // st + 1, (w + 2 * p - S) // st + 1
        y = [[[[(X[n, :, st * i : st * i + R, st * j : st * j + S] * f[m]).sum() for j in range(ow)] for i in range(oh)] for m in range(o)] for n in range(b)]
        case("04_conv2d", "conv2d", {"x": x, "w": f}, as_f32(y=y), {"st": st, "p": p}, tol=1e-6)
    x, w = r.real((13,)), r.real((4,))
    case("04_conv2d", "conv1d_valid", {"x": x, "w": w}, as_f32(y=np.correlate(*wide(x, w), "valid")), tol=1e-6)
    x = r.real((2, 2, 7, 6))
    y = x[:, :, :6].reshape(2, 2, 3, 2, 3, 2).max((3, 5))
    case("04_conv2d", "maxpool", {"x": x}, {"y": y})


def semirings_and_recurrences():
    r = values("08_shortest_path")
    n = 7
    W = np.where(r.real((n, n)) > 0.5, np.inf, np.abs(r.real((n, n)))).astype(np.float32)
    np.fill_diagonal(W, 0)
    A, B = wide(W, W)
    case("08_shortest_path", "minplus", {"A": W, "B": W}, as_f32(C=(A[:, :, None] + B[None]).min(1)), tol=1e-6)
    case("08_shortest_path", "all_pairs", {"W": W}, as_f32(D=floyd_warshall(A)), tol=1e-6)
    r = values("09_ssm")
    b, t, d, n = 2, 5, 3, 4
    x, dt, P, Q = r.real((b, t, d)), np.abs(r.real((b, t, d))), r.real((b, t, n)), r.real((b, t, n))
    A = -np.abs(r.real((d, n)))
    h, y = np.zeros((b, d, n)), np.zeros((b, t, d))
    for s in range(t):
        step = dt[:, s, :, None].astype(np.float64)
        h = np.exp(step * A) * h + step * P[:, s, None, :] * x[:, s, :, None]
        y[:, s] = (h * Q[:, s, None, :]).sum(-1)
    case("09_ssm", "ssm", {"x": x, "dt": dt, "A": A, "P": P, "Q": Q}, as_f32(y=y, h=h), tol=2e-6)


def indices_and_spectra():
    r = values("10_embedding")
    ids = np.array([[3, 0, 3, 6], [1, 3, 6, 2]], np.int64)
    E, P = r.real((7, 5)), r.real((4, 5))
    y = E.astype(np.float64)[ids] * np.sqrt(5) + P
    case("10_embedding", "embed", {"ids": ids, "E": E, "P": P}, as_f32(y=y), tol=1e-6)
    case("10_embedding", "embed_counts", {"ids": ids}, {"n": np.bincount(ids.ravel(), minlength=9).astype(np.int32)}, {"V": 9})
    r = values("11_fft")
    for n, p in ((12, 3), (15, 5), (7, 1)):
        x = (r.real((n,)) + 1j * r.real((n,))).astype(np.complex64)
        X = np.fft.fft(x.astype(np.complex128)).astype(np.complex64)
        case("11_fft", "dft", {"x": x}, {"X": X}, tol=2e-6)
        case("11_fft", "fft_step", {"x": x}, {"X": X}, {"P": p, "Q": n // p}, tol=2e-6)


def build():
    contractions()
    rows()
    convolutions()
    semirings_and_recurrences()
    indices_and_spectra()
