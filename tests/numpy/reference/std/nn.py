"""std.nn"""
import math

import numpy as np

from ..case import as_f32, case, values, wide

erf = np.vectorize(math.erf, otypes=[float])


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True, initial=-np.inf))
    return e / e.sum(-1, keepdims=True)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def rows(r):
    for shape in ((5,), (3, 7), (2, 0, 3), (2, 3, 4), (3, 1)):
        x = r.real(shape, -9, 9)
        if x.size:
            x.reshape(-1)[0] = 200  # overflows unless shifted
        y = softmax(x.astype(np.float64))
        case("nn", "softmax", {"x": x}, as_f32(y=y), tol=1e-6)
        z = x.astype(np.float64)
        m = z.max(-1, keepdims=True, initial=-np.inf)
        case("nn", "log_softmax", {"x": x}, as_f32(y=z - m - np.log(np.exp(z - m).sum(-1, keepdims=True))), tol=1e-6)


def layers(r):
    for batch in ((), (4,), (2, 3), (0,)):
        x, z, w, c = r.real((*batch, 5)), r.real((*batch, 3)), r.real((2, 5)), r.real((2,))
        case("nn", "linear", {"x": x, "w": w, "c": c}, as_f32(y=np.matmul(*wide(x, w.T)) + c), tol=1e-6)
        b = r.real((2, 5, 3))
        y = np.zeros((*batch, 2))
        for at in np.ndindex(*batch, 2):
            y[at] = x[at[:-1]].astype(np.float64) @ b[at[-1]] @ z[at[:-1]] + c[at[-1]]
        case("nn", "bilinear", {"x": x, "z": z, "w": b, "c": c}, as_f32(y=y), tol=1e-6)
        u, v = r.real((2, 1)), r.real((1, 5))
        y = np.matmul(x.astype(np.float64), (w + 0.75 * wide(u)[0] @ v).T)
        case("nn", "lora", {"x": x, "w": w, "u": u, "v": v, "scale": np.float32(0.75)}, as_f32(y=y), tol=1e-6)


def tables(r):
    for batch in ((3,), (2, 4), (0,)):
        ids = np.array([r.next(5) for _ in range(math.prod(batch))], np.int64).reshape(batch)
        table = r.real((5, 3))
        case("nn", "embedding", {"ids": ids, "table": table}, {"y": table[ids]})
        case("nn", "one_hot", {"ids": ids}, {"y": np.eye(7, dtype=np.float32)[ids]}, {"N": 7})


def activations(r):
    for shape in ((9,), (3, 5), (0, 2)):
        x = r.real(shape, -4, 4)
        X = x.astype(np.float64)
        case("nn", "leaky_relu", {"x": x, "slope": np.float32(0.25)}, as_f32(y=np.maximum(X, 0.25 * X)), tol=1e-6)
        case("nn", "elu", {"x": x, "alpha": np.float32(1.5)}, as_f32(y=np.maximum(X, 0) + 1.5 * (np.exp(np.minimum(X, 0)) - 1)), tol=1e-6)
        case("nn", "mish", {"x": x}, as_f32(y=X * np.tanh(np.log(1 + np.exp(X)))), tol=2e-6)
        case("nn", "hard_swish", {"x": x}, as_f32(y=X * np.clip(X / 6 + 0.5, 0, 1)), tol=1e-6)
        case("nn", "gelu_exact", {"x": x}, as_f32(y=X * (1 + erf(X / math.sqrt(2))) / 2), tol=2e-6)
        inner = math.sqrt(2 / math.pi) * (X + 0.044715 * X**3)
        case("nn", "gelu_tanh", {"x": x}, as_f32(y=X * sigmoid(2 * inner)), tol=2e-6)
    for shape in ((6,), (2, 3, 4)):
        x = r.real(shape)
        a, b = np.split(x.astype(np.float64), 2, -1)
        case("nn", "glu", {"x": x}, as_f32(y=a * sigmoid(b)), tol=2e-6)


def blocks(r):
    for batch in ((3,), (2, 2), (0,)):
        x, w1, c1, w2, c2 = r.real((*batch, 5)), r.real((7, 5)), r.real((7,)), r.real((3, 7)), r.real((3,))
        h = np.matmul(*wide(x, w1.T)) + c1
        y = np.matmul(h * (1 + erf(h / math.sqrt(2))) / 2, w2.T.astype(np.float64)) + c2
        case("nn", "mlp", {"x": x, "w1": w1, "c1": c1, "w2": w2, "c2": c2}, as_f32(y=y), tol=2e-6)
        gate, up, down = r.real((7, 5)), r.real((7, 5)), r.real((3, 7))
        g, u = np.matmul(*wide(x, gate.T)), np.matmul(*wide(x, up.T))
        y = np.matmul(g * sigmoid(g) * u, down.T.astype(np.float64))
        case("nn", "swiglu_mlp", {"x": x, "gate": gate, "up": up, "down": down}, as_f32(y=y), tol=2e-6)


def build():
    r = values("std.nn")
    rows(r)
    layers(r)
    tables(r)
    activations(r)
    blocks(r)
