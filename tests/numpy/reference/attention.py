"""Parts of language models."""
import numpy as np
from scipy.special import log_softmax, logsumexp, softmax

from .case import as_f32, case, values, wide


def grouped_attention():
    r = values("grouped_attention")
    for b, h, g, s, e in ((2, 4, 2, 5, 4), (1, 3, 1, 7, 3), (1, 2, 2, 1, 5)):
        q, k, v = r.real((b, h, s, e)), r.real((b, g, s, e)), r.real((b, g, s, e))
        Q, K, V = wide(q, np.repeat(k, h // g, 1), np.repeat(v, h // g, 1))
        scores = np.where(np.tri(s, dtype=bool), Q @ K.swapaxes(-1, -2) / np.sqrt(e), -np.inf)
        case("grouped_attention", "grouped_attention", {"q": q, "k": k, "v": v}, as_f32(o=softmax(scores, -1) @ V), tol=2e-6)


def rotary():
    r = values("rotary")
    x = r.real((2, 5, 2, 6))
    X, K = x.astype(np.float64), 3
    turn = np.exp(1j * np.arange(5)[:, None] * 10000.0 ** (-np.arange(K) / K))
    z = (X[..., :K] + 1j * X[..., K:]) * turn[None, :, None]
    case("rotary", "rotary", {"x": x}, as_f32(y=np.concatenate([z.real, z.imag], -1)), tol=2e-6)
    x = (r.real((1, 5, 2, 3)) + 1j * r.real((1, 5, 2, 3))).astype(np.complex64)
    case("rotary", "rotary_complex", {"x": x}, {"y": (x.astype(np.complex128) * turn[None, :, None]).astype(np.complex64)}, tol=2e-6)


def norms_and_losses():
    r = values("rmsnorm")
    for shape in ((7,), (3, 5), (2, 3, 4)):
        x, g = r.real(shape), r.real(shape[-1:])
        X = x.astype(np.float64)
        case("rmsnorm", "rmsnorm", {"x": x, "g": g}, as_f32(y=X / np.sqrt((X**2).mean(-1, keepdims=True) + 1e-6) * g), tol=2e-6)
    r = values("cross_entropy")
    z, target = r.real((6, 5), -6, 6), np.array([0, 4, 2, 2, 1, 3], np.int32)
    target[0], target[3] = z[0].argmax(), z[3].argmax()
    loss = -log_softmax(z.astype(np.float64), -1)[np.arange(6), target].mean()
    hits = np.int64((z.argmax(-1) == target).sum())
    case("cross_entropy", "cross_entropy", {"z": z, "target": target}, as_f32(loss=loss) | {"hits": hits}, tol=2e-6)


def mixture_of_experts():
    r = values("mixture_of_experts")
    t, d, f, n, k = 5, 4, 6, 5, 2
    x, G, U, V = r.real((t, d)), r.real((n, d)), r.real((n, f, d)), r.real((n, d, f))
    X, G_, U_, V_ = wide(x, G, U, V)
    y = np.zeros((t, d))
    for i in range(t):
        g = G_ @ X[i]
        chosen = np.argsort(-g, kind="stable")[:k]
        for p, expert in zip(softmax(g[chosen]), chosen):
            h = U_[expert] @ X[i]
            y[i] += p * (V_[expert] @ (h / (1 + np.exp(-h))))
    for name in ("mixture_of_experts", "mixture_by_weight"):
        case("mixture_of_experts", name, {"x": x, "G": G, "U": U, "V": V}, as_f32(y=y), {"K": k}, tol=2e-6)


def beam():
    r = values("beam")
    score, logit, k, v = r.real((2, 3), -9, 0), r.real((2, 3, 7), -5, 5), 3, 7
    total = (score[..., None] + log_softmax(logit.astype(np.float64), -1)).reshape(2, k * v)
    at = np.argsort(-total, -1, kind="stable")[:, :k]
    best = np.take_along_axis(total, at, -1)
    case("beam", "beam_step", {"score": score, "logit": logit}, as_f32(best=best) | {"parent": at // v, "token": at % v}, tol=2e-6)
    logit = r.real((4, 9), -4, 4)
    q, kept = softmax(logit.astype(np.float64), -1), np.zeros((4, 9))
    for b in range(4):
        order, total = np.argsort(-q[b], kind="stable"), 0.0
        for n in order:
            if total >= 0.75:
                break
            kept[b, n] = q[b, n]
            total += q[b, n]
    case("beam", "nucleus", {"logit": logit, "p": np.float32(0.75)}, as_f32(kept=kept / kept.sum(-1, keepdims=True)), tol=2e-6)


def log_sums():
    r = values("logsumexp")
    x = r.real((5, 4), -50, 50)
    x[1], x[2], x[3, 1] = -np.inf, 1000, -np.inf
    case("logsumexp", "logsumexp", {"x": x}, as_f32(y=logsumexp(x.astype(np.float64), -1)), tol=1e-6)
    case("logsumexp", "logsumexp", {"x": np.zeros((3, 0), np.float32)}, as_f32(y=np.full(3, -np.inf)))
    A, B = r.real((4, 5), -30, 0), r.real((5, 3), -30, 0)
    A[0], B[:, 2], A[1, 2:] = -np.inf, -np.inf, -np.inf
    case("logsumexp", "log_matmul", {"A": A, "B": B}, as_f32(C=logsumexp(A.astype(np.float64)[:, :, None] + B[None], 1)), tol=1e-6)


def build():
    grouped_attention()
    rotary()
    norms_and_losses()
    mixture_of_experts()
    beam()
    log_sums()
