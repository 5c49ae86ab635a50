"""Narrow numbers: bytes, nibbles, bits, tables."""
import numpy as np

from .case import as_f32, case, values, wide


def tables():
    r = values("codebook")
    b, i, o, c = 3, 6, 5, 4
    x, book = r.real((b, i)), r.real((c,))
    code = np.array([r.next(c) for _ in range(o * i)], np.int32).reshape(o, i)
    case("codebook", "codebook", {"x": x, "code": code, "book": book}, as_f32(y=x.astype(np.float64) @ book[code].T), tol=1e-6)
    x, book = r.real((b, 3, 2)), r.real((3, c, 2))
    code = np.array([r.next(c) for _ in range(o * 3)], np.int64).reshape(o, 3)
    W = np.concatenate([book[g, code[:, g]] for g in range(3)], 1)
    case("codebook", "vector_codebook", {"x": x, "code": code, "book": book}, as_f32(y=x.reshape(b, 6).astype(np.float64) @ W.T), tol=1e-6)


def nibbles():
    r = values("int4")
    x, scale = r.real((3, 16)), np.abs(r.real((5, 2)))
    w = np.array([r.next(16) - 8 for _ in range(80)], np.int8).reshape(5, 16)
    y = x.astype(np.float64) @ (w * np.repeat(scale, 8, 1)).T
    case("int4", "int4_matmul", {"x": x, "w": (w, "i4"), "scale": scale}, as_f32(y=y), tol=1e-6)
    x, scale = r.real((3, 6)), np.abs(r.real((5,)))
    w = np.array([r.next(16) for _ in range(30)], np.uint8).reshape(5, 6)
    y = x.astype(np.float64) @ ((w.astype(np.int32) - 8) * scale[:, None]).T
    case("int4", "packed_matmul", {"x": x, "w": w[:, ::2] | w[:, 1::2] << 4, "scale": scale}, as_f32(y=y), tol=1e-6)


def bits():
    r = values("xnor")
    A, B = r.array("u64", (3, 2), large=True), r.array("u64", (4, 2), large=True)
    signs = lambda m: np.array([[1 - 2 * (int(w) >> k & 1) for w in row for k in range(64)] for row in m])
    case("xnor", "xnor_matmul", {"A": A, "B": B}, {"C": (signs(A) @ signs(B).T).astype(np.int32)})


def quantised():
    r = values("quantised")
    A, B = r.array("i8", (4, 17), large=True), r.array("i8", (17, 5), large=True)
    bias = np.array([r.next(1000) - 500 for _ in range(5)], np.int32)
    s = A.astype(np.int32) @ B.astype(np.int32) + bias
    scale = np.float32(1) / np.array([512, 1024, 2048, 256, 8], np.float32)
    zero = np.int32(3)
    C = np.clip(np.rint(s * scale.astype(np.float64)).astype(np.int64) + zero, -128, 127).astype(np.int8)
    case("quantised", "quantised", {"A": A, "B": B, "bias": bias, "scale": scale, "zero": zero}, {"C": C, "s": s})
    # Powers of two, so that every half is a half: 1, 3, 5 halves and their negatives.
    A, B = np.array([[1], [3], [5], [-1], [-3], [7]], np.int8), np.array([[1, 2]], np.int8)
    s = A.astype(np.int32) @ B.astype(np.int32)
    half, none = np.array([0.5, 0.25], np.float32), np.zeros(2, np.int32)
    C = np.array([[0, 0], [2, 2], [2, 2], [0, 0], [-2, -2], [4, 4]], np.int8)
    case("quantised", "quantised", {"A": A, "B": B, "bias": none, "scale": half, "zero": np.int32(0)}, {"C": C, "s": s})
    x = r.real((3, 7))
    scale = np.abs(x).max(1) / np.float32(127)
    case("quantised", "quantise", {"x": x}, {"q": np.rint(x / scale[:, None]).astype(np.int8), "scale": scale})


def build():
    tables()
    nibbles()
    bits()
    quantised()
