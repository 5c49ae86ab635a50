#!/usr/bin/env python3
"""Writes einsum.json and programs.json beside this file: inputs with what numpy makes of them.

    python tests/numpy/make_fixtures.py        (numpy 2)

The tests read the files only, so that they need no Python. Every run writes the same bytes.

einsum.json is a list of cases: `eq`, operands `in` and the result `out`, or `error: true` where numpy refuses the string or the
shapes. A tensor is `d` (dtype), `s` (shape), `v` (row-major values; a complex number is a pair; inf and nan are strings) and
perhaps `l`, the layout to store it in: F, negative or sliced. Values of einsum cases are such that every sum is exact.

programs.json is a list of programs: `source`, `def`, `sizes` of `int` generics, named inputs and outputs, and `tol`: 0 for bits,
else the largest difference from numpy's result in f64, relative to the largest magnitude of the result.
"""
import itertools
import math

import numpy as np
from fixture import NAMES, Values, tensor, write

# ---------------------------------------------------------------------------------------------------------------- einsum

rng = Values()
einsum_cases = []


def einsum(eq, *operands, layouts=None, expected=None):
    """A case; numpy says what comes out unless `expected` is given."""
    layouts = layouts or [None] * len(operands)
    case = {"eq": eq, "in": [tensor(o, l) for o, l in zip(operands, layouts)]}
    try:
        case["out"] = tensor(np.einsum(eq, *operands, optimize=False) if expected is None else expected)
    except (ValueError, IndexError) as error:
        case["error"] = True
        del error
    einsum_cases.append(case)


def a(dtype, *shape, **kw):
    return rng.array(dtype, shape, **kw)


def every_dtype():
    for d in NAMES:
        einsum("ij,jk->ik", a(d, 3, 4), a(d, 4, 2))
        einsum("ii->", a(d, 3, 3))
        einsum("bi,bi->b", a(d, 2, 5), a(d, 2, 5))
        einsum("ij->ji", a(d, 2, 3))
    for d in ("i8", "i16", "i32", "i64", "u8", "u16", "u32", "u64"):
        einsum("ij,jk->ik", a(d, 2, 3, large=True), a(d, 3, 2, large=True))
        einsum("ij->", a(d, 3, 4, large=True))


def promotion():
    pairs = [
        ("bool", "i8"), ("i8", "u8"), ("i16", "u16"), ("i32", "u32"), ("i64", "u64"), ("i8", "u64"), ("u8", "i64"), ("i16", "f32"),
        ("i32", "f32"), ("u8", "f32"), ("i64", "f32"), ("f32", "f64"), ("f32", "c64"), ("f64", "c64"), ("i8", "c64"), ("i32", "c64"),
        ("c64", "c128"), ("bool", "f32"), ("bool", "c64"), ("u32", "f32"),
    ]
    for x, y in pairs:
        einsum("ij,jk->ik", a(x, 2, 3), a(y, 3, 2))
    einsum("i,i,i->i", a("i8", 4), a("u16", 4), a("f32", 4))
    einsum("i,j,k->", a("u64", 2), a("i8", 3), a("f32", 2))
    einsum("i,i->", a("bool", 6), a("u8", 6))


def forms():
    f = lambda *s: a("f64", *s)
    for eq, shapes in [
        ("ij,jk", [(2, 3), (3, 4)]), ("ba", [(2, 3)]), ("Ab", [(2, 3)]), ("bA", [(2, 3)]), ("aA,Ab", [(2, 3), (3, 2)]),
        ("ii", [(3, 3)]), ("ii->i", [(4, 4)]), ("iii->i", [(3, 3, 3)]), ("iji->j", [(2, 3, 2)]), ("iji->ji", [(2, 3, 2)]),
        ("ijij->", [(2, 3, 2, 3)]), ("i,i->", [(5,), (5,)]), ("i,j->ij", [(2,), (3,)]), ("i,j->ji", [(2,), (3,)]), ("ij->i", [(3, 4)]),
        ("ij->j", [(3, 4)]), ("ijk->ki", [(2, 3, 4)]), ("ijk->jik", [(2, 3, 4)]), ("bij,bjk->bik", [(2, 3, 4), (2, 4, 5)]),
        ("ijb,bjk->kbi", [(3, 4, 2), (2, 4, 5)]), ("abcd,cdef->abef", [(2, 2, 3, 2), (3, 2, 2, 2)]), ("abcd,dcef->feab", [(2, 2, 3, 2), (2, 3, 2, 2)]),
        ("ij,jk,kl->il", [(2, 3), (3, 4), (4, 2)]), ("ij,jk,kl,lm->im", [(2, 3), (3, 2), (2, 3), (3, 2)]), ("ir,jr,kr->ijk", [(2, 3), (3, 3), (2, 3)]),
        ("ijk,jr,kr->ir", [(2, 3, 4), (3, 2), (4, 2)]), ("i,i,i->i", [(4,), (4,), (4,)]), ("ij,ij->ij", [(2, 3), (2, 3)]), ("ij,ji->", [(2, 3), (3, 2)]),
        ("i,j,k->kji", [(2,), (3,), (2,)]), ("ij,k->ikj", [(2, 3), (2,)]), ("aab,bc->ac", [(2, 2, 3), (3, 2)]), ("ij,kl->", [(2, 3), (3, 2)]),
        ("...ii->...i", [(2, 3, 3)]), ("...ij,...jk->...ik", [(2, 3, 4), (2, 4, 2)]), ("...ij,jk->...ik", [(2, 2, 3, 4), (4, 2)]),
        ("i...,i->...", [(2, 3, 4), (2,)]), ("i...->...", [(2, 3)]), ("...i->i...", [(2, 3, 4)]), ("i...j->j...i", [(2, 3, 4)]), ("...", [(2, 3)]),
        ("...,...->...", [(2, 1), (1, 3)]), ("...,...", [(2, 3), (3,)]), ("i...,i...->...", [(2, 3), (2, 4, 3)]), ("...i,...i->...", [(2, 1, 3), (4, 3)]),
        ("ij...,jk...->ik...", [(2, 3, 2), (3, 2, 1)]), ("...->...", [()]), ("...->", [()]), ("i...->i...", [(2,)]), ("...i", [(2, 3)]), ("...,i", [(2,), (3,)]),
        ("", [()]), ("->", [()]), (",", [(), ()]), (",->", [(), ()]), ("i,", [(2,), ()]), (",i->i", [(), (2,)]), (",,->", [(), (), ()]), (",ij,->j", [(), (2, 3), ()]),
        ("i j , j k -> i k", [(2, 3), (3, 2)]), (" ... -> ... ", [(2, 3)]), ("ij -> ji", [(2, 3)]),
        ("ij,jk->ik", [(0, 3), (3, 2)]), ("ij,jk->ik", [(2, 0), (0, 3)]), ("ij->", [(0, 0)]), ("i->", [(0,)]), ("ii->i", [(0, 0)]), ("i,j->ij", [(0,), (3,)]),
        ("i,i->i", [(1,), (3,)]), ("i,i->i", [(1,), (0,)]), ("i,i->", [(0,), (1,)]), ("i,i->", [(1,), (3,)]), ("ij,jk->ik", [(2, 1), (3, 4)]),
        ("ij,ij->i", [(1, 3), (2, 1)]), ("i,i,i->", [(1,), (3,), (1,)]), ("ij,jk->ik", [(1, 1), (1, 1)]), ("...,...->...", [(0,), (1,)]),
    ]:
        einsum(eq, *[f(*s) for s in shapes])
    for eq, shapes in [
        ("i->j", [(2,)]), ("i->ii", [(2,)]), ("i->i->", [(2,)]), ("i-", [(2,)]), ("i>", [(2,)]), ("ij", [(2,)]), ("i", [(2, 3)]), ("i1", [(2, 3)]),
        ("i.j", [(2, 3)]), ("i..", [(2,)]), ("....", [(2,)]), ("...i...->i", [(2,)]), ("-i", [(2,)]), ("i,j->ij", [(2,)]), ("i", [(2,), (2,)]), ("i,,j", [(2,), (2,)]),
        ("i->,i", [(2,)]), ("i->i,", [(2,)]), ("->i", [()]), ("", [(2,)]), ("->", [(2,)]), ("ij,jk->ik", [(2, 3), (4, 2)]), ("ii->i", [(2, 3)]),
        ("i,i->", [(2,), (3,)]), ("i,i->i", [(0,), (3,)]), ("i...->i", [(2, 3)]), ("...,...->...", [(2,), (3,)]), ("...ij->...", [(2,)]), ("i,i,i->", [(2,), (3,), (1,)]),
    ]:
        einsum(eq, *[f(*s) for s in shapes])


def special_values():
    for d in ("f32", "f64"):
        diagonal = a(d, 3, 3)
        diagonal[0, 1] = np.inf
        diagonal[2, 0] = -np.inf
        diagonal[1, 0] = np.nan
        einsum("ii->i", diagonal)
        einsum("ii->", diagonal)
        einsum("ij->j", diagonal)
        einsum("ii,i->", diagonal, a(d, 3))
    einsum("ij,jk->ik", np.array([[np.inf, 0.0], [1.0, np.nan]]), np.array([[0.0, 1.0], [1.0, 1.0]]))


def limits():
    # numpy refuses these; the results are plain matrix products.
    letters = [chr(c) for c in itertools.chain(range(ord("a"), ord("z") + 1), range(ord("A"), ord("Z") + 1))]
    letters += [chr(c) for c in range(0x3B1, 0x3CA)]
    def chain(n, labels):
        matrices = [a("i64", 2, 2) % 3 for _ in range(n)]
        eq = ",".join(labels[i] + labels[i + 1] for i in range(n)) + "->" + labels[0] + labels[n]
        product = matrices[0]
        for m in matrices[1:]:
            product = product @ m
        einsum(eq, *matrices, expected=product)
    chain(60, letters)
    chain(70, letters)
    ones = (1,) * 30
    deep = a("i32", *ones, 2, 1, 3, 1, 2)
    names = "".join(letters[:35])
    einsum(f"{names}->{names[::-1]}", deep, expected=deep.transpose(range(34, -1, -1)))
    einsum(f"{names},{names[34]}->{names[32]}", deep, np.array([3, -2], np.int32), expected=deep.reshape(2, 3, 2).sum(0, dtype=np.int32) @ np.array([3, -2], np.int32))
    x, y = a("f32", 2, 3), a("f32", 3, 2)
    einsum("αβ,βγ->αγ", x, y, expected=x @ y)
    many = ",".join([""] * 70)
    scalars = [np.int64(1 + (n % 5 == 0)) for n in range(70)]
    einsum(many + "->", *scalars, expected=np.int64(math.prod(int(s) for s in scalars)))


def layouts():
    for layout in ("F", "negative", "sliced"):
        for d in ("f32", "f64", "i32", "c64", "bool"):
            einsum("ij,jk->ik", a(d, 3, 5), a(d, 5, 2), layouts=[layout, layout])
        einsum("ijk->kji", a("f32", 2, 3, 4), layouts=[layout])
        einsum("ii->i", a("i16", 4, 4), layouts=[layout])
        einsum("bij,bkj->bik", a("f64", 2, 3, 7), a("f64", 2, 4, 7), layouts=[layout, None])


def larger():
    for m, k, n in [(17, 31, 13), (33, 8, 16), (1, 33, 7)]:
        einsum("ij,jk->ik", a("i32", m, k), a("i32", k, n))
    einsum("abc,cbd->ad", a("f32", 5, 7, 9), a("f32", 9, 7, 8))
    einsum("bhie,bhje->bhij", a("f32", 2, 2, 5, 8), a("f32", 2, 2, 7, 8))


every_dtype()
promotion()
forms()
special_values()
limits()
layouts()
larger()
write("einsum.json", einsum_cases)

# -------------------------------------------------------------------------------------------------------------- programs

programs = []


def program(name, source, inputs, outputs, sizes=None, definition=None, tol=1e-5):
    """A case; `source` is text, or a path below the repository."""
    entry = {"name": name, "source": source.strip()}
    if definition:
        entry["def"] = definition
    if sizes:
        entry["sizes"] = sizes
    entry["in"] = {k: tensor(v) for k, v in inputs.items()}
    entry["out"] = {k: tensor(v) for k, v in outputs.items()}
    entry["tol"] = tol
    programs.append(entry)


def wide(*arrays):
    return [x.astype(np.complex128 if x.dtype.kind == "c" else np.float64) for x in arrays]


def conv2d():
    for (b, c, o, h, w, r, s), st, p in [
        ((1, 2, 3, 5, 5, 3, 3), 1, 1), ((2, 1, 2, 6, 7, 3, 2), 1, 0), ((1, 2, 2, 7, 7, 3, 3), 2, 1), ((1, 1, 1, 8, 5, 2, 3), 3, 2),
        ((1, 1, 2, 4, 4, 5, 5), 1, 2), ((2, 0, 2, 4, 4, 3, 3), 1, 1), ((1, 1, 1, 1, 1, 1, 1), 1, 0),
    ]:
        x, k = rng.real((b, c, h, w)), rng.real((o, c, r, s))
        X, K = wide(x, k)
        padded = np.pad(X, ((0, 0), (0, 0), (p, p), (p, p)))
        windows = np.lib.stride_tricks.sliding_window_view(padded, (r, s), axis=(2, 3))[:, :, ::st, ::st]
        y = np.einsum("bcijrs,ocrs->boij", windows, K)
        program(f"conv2d b{b} c{c} {h}x{w} filter {r}x{s} stride {st} padding {p}", "examples/conv2d/conv2d.ein", {"x": x, "w": k},
                {"y": y.astype(np.float32)}, sizes={"st": st, "p": p})


def networks():
    for b, h, s, e in [(1, 2, 5, 4), (2, 1, 9, 3), (1, 1, 1, 1)]:
        q, k, v = (rng.real((b, h, s, e)) for _ in range(3))
        Q, K, V = wide(q, k, v)
        score = np.where(np.tri(s, dtype=bool), np.einsum("bhie,bhje->bhij", Q, K) / math.sqrt(e), -np.inf)
        weight = np.exp(score - score.max(-1, keepdims=True))
        o = np.einsum("bhij,bhje->bhie", weight / weight.sum(-1, keepdims=True), V)
        program(f"attention {b}x{h}x{s}x{e}", "examples/attention/attention.ein", {"q": q, "k": k, "v": v}, {"o": o.astype(np.float32)})
    for b, s, d in [(2, 3, 8), (1, 2, 17), (2, 0, 4), (1, 1, 1)]:
        x, g, c = rng.real((b, s, d)), rng.real((d,)), rng.real((d,))
        X, G, C = wide(x, g, c)
        centred = X - X.mean(-1, keepdims=True) if d else X
        y = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5) * G + C
        program(f"layernorm {b}x{s}x{d}", "examples/layernorm/layernorm.ein", {"x": x, "g": g, "c": c}, {"y": y.astype(np.float32)}, tol=1e-4)
    softmax = """
def softmax<A, N>(x: f32[A, N]) -> y: f32[A, N] {
  m[a]    = max[i](x[a, i]);
  e[a, i] = exp(x[a, i] - m[a]);
  y[a, i] = e[a, i] / sum[i'](e[a, i']);
}"""
    for shape in [(3, 7), (1, 33), (4, 1), (0, 3)]:
        x = rng.real(shape, -30, 30)
        e = np.exp(wide(x)[0] - wide(x)[0].max(-1, keepdims=True))
        program(f"softmax {shape[0]}x{shape[1]}", softmax, {"x": x}, {"y": (e / e.sum(-1, keepdims=True)).astype(np.float32)})
    x, w, u, v, alpha = rng.real((3, 6)), rng.real((5, 6)), rng.real((5, 2)), rng.real((2, 6)), np.float32(0.5)
    X, W, U, V = wide(x, w, u, v)
    lora = "def lora<B, I, O, R>(x: f32[B, I], W: f32[O, I], U: f32[O, R], V: f32[R, I], alpha: f32) -> y: f32[B, O] {\n" \
           "  y[b, o] = W[o, i] * x[b, i] + alpha * U[o, r] * V[r, i] * x[b, i];\n}"
    program("lora", lora, {"x": x, "W": w, "U": u, "V": v, "alpha": alpha}, {"y": (X @ (W + 0.5 * U @ V).T).astype(np.float32)})
    shapes = {"x": (2, 2, 3, 2), "G1": (2, 3, 2), "G2": (2, 3, 2, 3), "G3": (3, 2, 2), "c": (3, 2, 2)}
    data = {k: rng.real(s) for k, s in shapes.items()}
    y = np.einsum("bijk,ior,rjps,skq->bopq", *wide(*[data[k] for k in ("x", "G1", "G2", "G3")])) + data["c"]
    program("tt_linear", "tests/cases/programs/07_ttlayer.ein", data, {"y": y.astype(np.float32)})


def rings_and_statistics():
    x, y = rng.real((4, 5)), rng.real((5, 3))
    X, Y = wide(x, y)
    over = lambda f: f(X[:, :, None] + Y[None, :, :], axis=1)
    two = "<I, J, K>(A: f32[I, K], B: f32[K, J]) -> C: f32[I, J] { C[i, j] = %s[k](A[i, k] + B[k, j]); }"
    program("min-plus", "def f" + two % "min", {"A": x, "B": y}, {"C": over(np.min).astype(np.float32)}, tol=1e-6)
    program("max-plus", "def f" + two % "max", {"A": x, "B": y}, {"C": over(np.max).astype(np.float32)}, tol=1e-6)
    program("log-sum-exp", "def f" + two % "lse", {"A": 40 * x, "B": 40 * y},
            {"C": np.log(np.exp(wide(40 * x)[0][:, :, None] + wide(40 * y)[0][None]).sum(1)).astype(np.float32)})
    big = np.array([[1000.0, 1000.0], [-2000.0, -2001.0]], np.float32)
    program("log-sum-exp that would overflow", "def f<N, M>(x: f32[N, M]) -> y: f32[N] { y[i] = lse[j](x[i, j]); }", {"x": big},
            {"y": np.logaddexp(*wide(big)[0].T).astype(np.float32)})
    x = rng.real((3, 8))
    X = wide(x)[0]
    source = "def stats<N, M>(x: f32[N, M]) -> (m: f32[N], v: f32[N], p: f32[N]) {\n  m[i] = mean[j](x[i, j]);\n" \
             "  v[i] = mean[j]((x[i, j] - m[i])^2);\n  p[i] = prod[j](x[i, j]);\n}"
    program("mean, variance, product", source, {"x": x}, {"m": X.mean(1).astype(np.float32), "v": X.var(1).astype(np.float32), "p": X.prod(1).astype(np.float32)})
    source = "def best<N, M>(x: f32[N, M]) -> (a: i64[N], b: i64[N]) {\n  a[i] = argmax[j](x[i, j]);\n  b[i] = argmin[j](x[i, j]);\n}"
    program("argmax", source, {"x": x}, {"a": X.argmax(1), "b": X.argmin(1)}, tol=0)
    empty = "def f<N, M>(x: f32[N, M]) -> (s: f32[N], p: f32[N], a: f32[N], b: f32[N], m: f32[N], l: f32[N]) {\n  s[i] = sum[j](x[i, j]);\n" \
            "  p[i] = prod[j](x[i, j]);\n  a[i] = max[j](x[i, j]);\n  b[i] = min[j](x[i, j]);\n  m[i] = mean[j](x[i, j]);\n  l[i] = lse[j](x[i, j]);\n}"
    full = lambda v: np.full(2, v, np.float32)
    program("reductions of nothing", empty, {"x": np.zeros((2, 0), np.float32)},
            {"s": full(0), "p": full(1), "a": full(-np.inf), "b": full(np.inf), "m": full(np.nan), "l": full(-np.inf)}, tol=0)
    ints = "def f<N, M>(x: i32[N, M], t: bool[N, M]) -> (a: i32[N], b: i32[N], c: bool[N], d: bool[N]) {\n  a[i] = max[j](x[i, j]);\n" \
           "  b[i] = min[j](x[i, j]);\n  c[i] = any[j](t[i, j]);\n  d[i] = all[j](t[i, j]);\n}"
    info = np.iinfo(np.int32)
    program("integer reductions of nothing", ints, {"x": np.zeros((1, 0), np.int32), "t": np.zeros((1, 0), bool)},
            {"a": np.array([info.min], np.int32), "b": np.array([info.max], np.int32), "c": np.array([False]), "d": np.array([True])}, tol=0)


def fourier():
    for n in (1, 5, 12):
        x = (rng.real((n,)) + 1j * rng.real((n,))).astype(np.complex64)
        spectrum = np.fft.fft(x.astype(np.complex128)).astype(np.complex64)
        program(f"dft {n}", "tests/cases/programs/11_fft.ein", {"x": x}, {"X": spectrum}, definition="dft", tol=2e-5)
    program("fft_step 12 = 3*4", "tests/cases/programs/11_fft.ein", {"x": x}, {"X": spectrum}, definition="fft_step", sizes={"P": 3, "Q": 4}, tol=2e-5)
    program("fft_step 12 = 2*6", "tests/cases/programs/11_fft.ein", {"x": x}, {"X": spectrum}, definition="fft_step", sizes={"P": 2, "Q": 6}, tol=2e-5)
    a, b = ((rng.real((2, 3)) + 1j * rng.real((2, 3))).astype(np.complex64) for _ in range(2))
    source = "def f<N, M>(a: c64[N, M], b: c64[N, M]) -> (g: c64[N, N], m: f32[N, M], r: f32[N]) {\n  g[i, j] = a[i, k] * conj(b[j, k]);\n" \
             "  m[i, j] = abs(a[i, j] * b[i, j]);\n  r[i] = sum[j](real(a[i, j]) - imag(b[i, j]));\n}"
    A, B = wide(a, b)
    program("complex", source, {"a": a, "b": b}, {"g": (A @ B.conj().T).astype(np.complex64), "m": np.abs(A * B).astype(np.float32),
            "r": (A.real - B.imag).sum(1).astype(np.float32)})


def stencils():
    for n in (1, 2, 5, 8):
        x = rng.real((n,))
        position = np.arange(-2, n + 3)
        period = max(2 * (n - 1), 1)
        folded = np.abs((position + n - 1) % period - (n - 1)) if n > 1 else position * 0
        inside = (position >= 0) & (position < n)
        near = np.clip(position, 0, n - 1)
        source = "def f<N>(x: f32[N]) -> (a: f32[N + 5], b: f32[N + 5], c: f32[N + 5], d: f32[N + 5], e: f32[N + 5]) {\n" \
                 "  a[i] = x[pad(i - 2)];\n  b[i] = x[pad(i - 2, 9.5)];\n  c[i] = x[clamp(i - 2)];\n  d[i] = x[wrap(i - 2)];\n  e[i] = x[reflect(i - 2)];\n}"
        program(f"modes, extent {n}", source, {"x": x}, {"a": np.where(inside, x[near], 0).astype(np.float32), "b": np.where(inside, x[near], np.float32(9.5)),
                "c": x[near], "d": x[position % n], "e": x[folded]}, tol=0)
    x = rng.real((4, 5))
    blur = "def f<N, M>(x: f32[N, M]) -> y: f32[N, M] {\n  y[i, j] = 0.25 * (x[clamp(i - 1), j] + x[clamp(i + 1), j] + x[i, wrap(j - 1)] + x[i, wrap(j + 1)]);\n}"
    edge = np.pad(x, ((1, 1), (0, 0)), mode="edge")
    program("stencil", blur, {"x": x}, {"y": 0.25 * (edge[:-2] + edge[2:] + np.roll(x, 1, 1) + np.roll(x, -1, 1))}, tol=1e-6)
    x = rng.real((9,))
    haar = "def haar<N>(x: f32[N]) -> (d: f32[N // 2], s: f32[N // 2], r: f32[N]) {\n  d[i] = x[2*i] - x[2*i + 1];\n  s[i] = x[2*i] + x[2*i + 1];\n  r[i] = x[|N| - 1 - i];\n}"
    program("haar and reversal", haar, {"x": x}, {"d": x[0:8:2] - x[1:8:2], "s": x[0:8:2] + x[1:8:2], "r": x[::-1]}, tol=0)
    x, w = rng.real((10,)), rng.real((4,))
    source = "def conv1d_valid<N, R>(x: f32[N], w: f32[R]) -> y: f32[N - R + 1] { y[i] = x[i + r] * w[r]; }"
    program("conv1d_valid", source, {"x": x, "w": w}, {"y": np.correlate(*wide(x, w)).astype(np.float32)})
    x = rng.real((1, 2, 5, 6))
    program("maxpool", "tests/cases/programs/04_conv2d.ein", {"x": x}, {"y": x[:, :, :4].reshape(1, 2, 2, 2, 3, 2).max((3, 5))}, definition="maxpool", tol=0)


def guards():
    x = rng.array("i32", (5, 5))
    source = "def f<N>(x: i32[N, N]) -> (lower: i32[N], upper: i32[N], odd: i32[N], big: i64, none: i32[N]) {\n  lower[i] = sum[j where j <= i](x[i, j]);\n" \
             "  upper[i] = max[j where j > i](x[i, j]);\n  odd[i] = sum[j where j % 2 == 1 and x[i, j] > 0](x[i, j]);\n" \
             "  big = sum[i, j where x[i, j] > 2](1 as i64);\n  none[i] = sum[j where j > |N|](x[i, j]);\n}"
    least = np.iinfo(np.int32).min
    upper = [max([int(v) for v in x[i, i + 1:]], default=least) for i in range(5)]
    odd = [sum(int(x[i, j]) for j in (1, 3) if x[i, j] > 0) for i in range(5)]
    program("guards", source, {"x": x}, {"lower": np.tril(x).sum(1, dtype=np.int32), "upper": np.array(upper, np.int32), "odd": np.array(odd, np.int32),
            "big": np.int64((x > 2).sum()), "none": np.zeros(5, np.int32)}, tol=0)
    x = rng.real((6,))
    source = "def f<N>(x: f32[N]) -> (y: f32[N], z: f32[N]) {\n  y[i] = if i + 1 < |N| then x[i + 1] - x[i] else 0.0;\n" \
             "  z[i] = if x[i] > 0.0 then sqrt(x[i]) else -1.0;\n}"
    program("lazy conditions", source, {"x": x}, {"y": np.append(np.diff(x), 0).astype(np.float32),
            "z": np.where(x > 0, np.sqrt(np.abs(x)), -1).astype(np.float32)}, tol=1e-6)


def integers():
    x = np.array([7, -7, 7, -7, 6, -6, 0, 2147483647, -2147483648], np.int32)
    y = np.array([2, 2, -2, -2, 3, 3, 5, -1, -1], np.int32)
    source = "def f<N>(x: i32[N], y: i32[N]) -> (q: i32[N], r: i32[N], s: i32[N], c: i32[N]) {\n  q[i] = x[i] // y[i];\n  r[i] = x[i] % y[i];\n  s[i] = x[i] + y[i];\n  c[i] = x[i]^3;\n}"
    with np.errstate(all="ignore"):
        program("integer division, wrap-around", source, {"x": x, "y": y}, {"q": x // y, "r": np.mod(x, y), "s": x + y, "c": x * x * x}, tol=0)
    x = np.array([7.5, -7.5, 7.5, -7.5, 6.0, 0.25], np.float32)
    y = np.array([2, 2, -2, -2, 3, 5], np.float32)
    program("floor division of floats", "def f<N>(x: f32[N], y: f32[N]) -> (q: f32[N], r: f32[N]) { q[i] = x[i] // y[i]; r[i] = x[i] % y[i]; }",
            {"x": x, "y": y}, {"q": x // y, "r": np.mod(x, y)}, tol=0)
    x = np.array([0.0, 1.9, -1.9, 127.0, 128.5, -129.0, 1e10, -1e10, np.inf, -np.inf, np.nan, 3e38], np.float32)
    clip = lambda d: np.array([0 if math.isnan(v) else int(min(max(v, float(np.iinfo(d).min)), float(np.iinfo(d).max))) if math.isfinite(v)
                               else (np.iinfo(d).max if v > 0 else np.iinfo(d).min) for v in x.tolist()], d)
    source = "def f<N>(x: f32[N]) -> (a: i8[N], b: i32[N], c: u8[N], d: f64[N], e: bool[N]) {\n  a[i] = x[i] as i8;\n  b[i] = x[i] as i32;\n" \
             "  c[i] = x[i] as u8;\n  d[i] = x[i] as f64;\n  e[i] = x[i] as bool;\n}"
    program("casts of floats", source, {"x": x}, {"a": clip(np.int8), "b": clip(np.int32), "c": clip(np.uint8), "d": x.astype(np.float64), "e": x != 0}, tol=0)
    x = np.array([0, 1, -1, 127, 128, 255, 256, -129, 2**40 + 3, -(2**63), 2**63 - 1], np.int64)
    source = "def f<N>(x: i64[N]) -> (a: i8[N], b: u16[N], c: f32[N], d: bool[N], e: u64[N], g: c64[N]) {\n  a[i] = x[i] as i8;\n  b[i] = x[i] as u16;\n" \
             "  c[i] = x[i] as f32;\n  d[i] = x[i] as bool;\n  e[i] = x[i] as u64;\n  g[i] = x[i] as c64;\n}"
    program("casts of integers", source, {"x": x}, {"a": x.astype(np.int8), "b": x.astype(np.uint16), "c": x.astype(np.float32), "d": x != 0,
            "e": x.astype(np.uint64), "g": x.astype(np.complex64)}, tol=0)
    x = np.array([0.0, 1.9, -1.9, 1e10, -1e10, 1e30, np.inf, -np.inf, np.nan], np.float64)
    clip = lambda d: np.array([0 if math.isnan(v) else int(min(max(v, float(np.iinfo(d).min)), 2.0**31 - 1 if d == np.int32 else 2.0**62)) if math.isfinite(v)
                               else (np.iinfo(d).max if v > 0 else np.iinfo(d).min) for v in x.tolist()], d)
    wide_ints = clip(np.int64)
    wide_ints[5] = np.iinfo(np.int64).max
    n = np.array([0, 1, -1, 2**31, -(2**31) - 1, 2**40 + 3, -(2**63), 2**63 - 1, 2**53 + 1], np.int64)
    source = "def f<N>(x: f64[N], n: i64[N]) -> (a: i32[N], b: i64[N], c: f32[N], d: bool[N], e: i32[N], g: f32[N], h: c64[N], k: i32[N]) {\n  a[i] = x[i] as i32;\n" \
             "  b[i] = x[i] as i64;\n  c[i] = x[i] as f32;\n  d[i] = x[i] as bool;\n  e[i] = n[i] as i32;\n  g[i] = n[i] as f32;\n  h[i] = n[i] as c64;\n" \
             "  k[i] = (n[i] as bool) as i32;\n}"
    program("casts", source, {"x": x, "n": n}, {"a": clip(np.int32), "b": wide_ints, "c": x.astype(np.float32), "d": x != 0, "e": n.astype(np.int32),
            "g": n.astype(np.float32), "h": n.astype(np.complex64), "k": (n != 0).astype(np.int32)}, tol=0)
    x = np.array([0b1011, 255, 1, 0, -1], np.int32)
    source = "def f<N>(x: i32[N]) -> (a: i32[N], b: i32[N], c: i32[N], d: i32[N], e: i32[N]) {\n  a[i] = xor(x[i], 5);\n  b[i] = bitand(x[i], 12);\n" \
             "  c[i] = bitor(x[i], 16);\n  d[i] = shl(x[i], 3);\n  e[i] = shr(x[i], 1);\n}"
    program("bits of i32", source, {"x": x}, {"a": x ^ 5, "b": x & 12, "c": x | 16, "d": x << 3, "e": x >> 1}, tol=0)
    x = np.array([0b1011, 255, 1, 0], np.uint8)
    source = "def f<N>(x: u8[N]) -> (a: u8[N], b: u8[N], c: u8[N], d: u8[N], e: u8[N]) {\n  a[i] = xor(x[i], 5);\n  b[i] = bitand(x[i], 12);\n" \
             "  c[i] = bitor(x[i], 16);\n  d[i] = shl(x[i], 3);\n  e[i] = shr(x[i], 1);\n}"
    program("bits", source, {"x": x}, {"a": x ^ 5, "b": x & 12, "c": x | 16, "d": x << 3, "e": x >> 1}, tol=0)


def scalar_functions():
    x = np.array([-3.0, -1.5, -0.5, -0.25, 0.0, 0.25, 0.5, 1.5, 2.5, 3.0], np.float64)
    erf = np.array([math.erf(v) for v in x])
    table = {
        "abs": np.abs(x), "sign": np.sign(x), "floor": np.floor(x), "ceil": np.ceil(x), "round": np.round(x), "trunc": np.trunc(x), "exp": np.exp(x),
        "expm1": np.expm1(x), "sin": np.sin(x), "cos": np.cos(x), "tan": np.tan(x), "tanh": np.tanh(x), "sigmoid": 1 / (1 + np.exp(-x)),
        "softplus": np.logaddexp(x, 0), "erf": erf, "gelu": x * (1 + np.array([math.erf(v / math.sqrt(2)) for v in x])) / 2, "silu": x / (1 + np.exp(-x)),
        "relu": np.maximum(x, 0),
    }
    names = [f"r_{f}" for f in table]
    for d, dtype, tol in (("f32", np.float32, 1e-6), ("f64", np.float64, 1e-14)):
        results = ", ".join(f"{n}: {d}[N]" for n in names)
        body = "\n".join(f"  {n}[i] = {f}(x[i]);" for n, f in zip(names, table))
        program(f"scalar functions {d}", f"def f<N>(x: {d}[N]) -> ({results}) {{\n{body}\n}}", {"x": x.astype(dtype)},
                {n: v.astype(dtype) for n, v in zip(names, table.values())}, tol=tol)
    p = np.array([0.125, 0.5, 1.0, 2.0, 10.0], np.float64)
    source = "def f<N>(x: f64[N]) -> (a: f64[N], b: f64[N], c: f64[N], d: f64[N], e: f64[N], g: f64[N]) {\n  a[i] = log(x[i]);\n  b[i] = log1p(x[i]);\n" \
             "  c[i] = sqrt(x[i]);\n  d[i] = rsqrt(x[i]);\n  e[i] = atan2(x[i], 2.0);\n  g[i] = x[i]^1.5 + x[i]^2 + x[i]^(-1);\n}"
    program("scalar functions of positive numbers", source, {"x": p}, {"a": np.log(p), "b": np.log1p(p), "c": np.sqrt(p), "d": 1 / np.sqrt(p),
            "e": np.arctan2(p, 2), "g": p**1.5 + p**2 + 1 / p}, tol=1e-14)
    z = np.array([1.0, np.nan, -np.inf, 0.0], np.float32)
    source = "def f<N>(x: f32[N]) -> (a: bool[N], b: bool[N], c: f32, d: f32, e: f32[N]) {\n  a[i] = isnan(x[i]);\n  b[i] = isfinite(x[i]);\n  c = max[i](x[i]);\n" \
             "  d = min[i](x[i]);\n  e[i] = max(x[i], 0.0);\n}"
    program("nan and infinity", source, {"x": z}, {"a": np.isnan(z), "b": np.isfinite(z), "c": np.float32(np.nan), "d": np.float32(np.nan), "e": np.maximum(z, 0)}, tol=0)


conv2d()
networks()
rings_and_statistics()
fourier()
stencils()
guards()
integers()
scalar_functions()
write("programs.json", programs)
print(len(einsum_cases), "einsum cases,", sum("error" in c for c in einsum_cases), "of them errors;", len(programs), "programs")
