"""std.recurrent, one step after the other; the selective scan in closed form."""
import numpy as np

from ..case import as_f32, case, values, wide
from .nn import sigmoid


def cells(r, t, b, i, h):
    x = r.real((t, b, i))
    affine = lambda v, m, c: v @ m.T.astype(np.float64) + c
    W, U, c = r.real((h, i)), r.real((h, h)), r.real((h,))
    s, y = np.zeros((b, h)), np.zeros((t, b, h))
    for n in range(t):
        y[n] = s = np.tanh(affine(x[n], W, c) + affine(s, U, 0))
    case("recurrent", "elman", {"x": x, "W": W, "U": U, "c": c}, as_f32(y=y), tol=3e-6)
    W, U, c = r.real((4, h, i)), r.real((4, h, h)), r.real((4, h))
    s, cell = np.zeros((b, h)), np.zeros((b, h))
    for n in range(t):
        into, forget, new, out = (affine(x[n], W[g], c[g]) + affine(s, U[g], 0) for g in range(4))
        cell = sigmoid(forget) * cell + sigmoid(into) * np.tanh(new)
        y[n] = s = sigmoid(out) * np.tanh(cell)
    case("recurrent", "lstm", {"x": x, "W": W, "U": U, "c": c}, as_f32(y=y, h=s, s=cell), tol=3e-6)
    W, U, c, d = r.real((3, h, i)), r.real((3, h, h)), r.real((3, h)), r.real((3, h))
    s = np.zeros((b, h))
    for n in range(t):
        reset = sigmoid(affine(x[n], W[0], c[0]) + affine(s, U[0], d[0]))
        update = sigmoid(affine(x[n], W[1], c[1]) + affine(s, U[1], d[1]))
        new = np.tanh(affine(x[n], W[2], c[2]) + reset * affine(s, U[2], d[2]))
        y[n] = s = (1 - update) * new + update * s
    case("recurrent", "gru", {"x": x, "W": W, "U": U, "c": c, "d": d}, as_f32(y=y), tol=3e-6)


def selective_scan(r, b, t, d, n):
    u, step, gate = r.real((b, t, d)), r.real((b, t, d)), r.real((b, t, d))
    A, P, Q, skip = r.real((d, n), -1, 1), r.real((b, t, n)), r.real((b, t, n)), r.real((d,))
    U, S, Z, A_, P_, Q_ = wide(u, step, gate, A, P, Q)
    dt = np.log(1 + np.exp(S))
    y = np.zeros((b, t, d))
    for bb, tt, dd in np.ndindex(b, t, d):  # every past input, decayed by what lies between
        for past in range(tt + 1):
            decay = np.exp(-dt[bb, past + 1 : tt + 1, dd].sum() * np.exp(A_[dd]))
            y[bb, tt, dd] += (Q_[bb, tt] * decay * P_[bb, past]).sum() * dt[bb, past, dd] * U[bb, past, dd]
    y = (y + skip * U) * Z * sigmoid(Z)
    inputs = {"u": u, "step": step, "A": A, "P": P, "Q": Q, "skip": skip, "gate": gate}
    case("recurrent", "selective_scan", inputs, as_f32(y=y), tol=2e-6)


def build():
    r = values("std.recurrent")
    for t, b, i, h in ((4, 2, 3, 5), (1, 1, 1, 1), (3, 0, 2, 2), (0, 2, 3, 2)):
        cells(r, t, b, i, h)
    for b, t, d, n in ((2, 5, 3, 4), (1, 1, 2, 1), (0, 3, 2, 2)):
        selective_scan(r, b, t, d, n)
