"""std.attention, one query at a time."""
import numpy as np

from ..case import as_f32, case, values, wide
from .nn import softmax


def attend(q, k, v, sees):
    """`sees(b, i, j)` says whether query i sees key j."""
    Q, K, V = wide(q, k, v)
    b, h, s, e = q.shape
    shared = h // k.shape[1]
    o = np.zeros((b, h, s, v.shape[-1]))
    for n, head, i in np.ndindex(b, h, s):
        keys = [j for j in range(k.shape[2]) if sees(n, i, j)]
        if keys:
            w = softmax(K[n, head // shared, keys] @ Q[n, head, i] / np.sqrt(e))
            o[n, head, i] = w @ V[n, head // shared, keys]
    return o


def build():
    r = values("std.attention")
    for b, h, s, t, e, f in ((2, 2, 5, 3, 4, 3), (1, 3, 1, 7, 3, 2), (0, 1, 2, 3, 2, 2)):
        q, k, v = r.real((b, h, s, e)), r.real((b, h, t, e)), r.real((b, h, t, f))
        inputs = {"q": q, "k": k, "v": v}
        case("attention", "attention", inputs, as_f32(o=attend(q, k, v, lambda n, i, j: True)), tol=2e-6)
        mask = r.real((b, s, t)) > 0
        mask[:, 0] = False
        case("attention", "masked_attention", inputs | {"mask": mask}, as_f32(o=attend(q, k, v, lambda n, i, j: mask[n, i, j])), tol=2e-6)
        length = np.array([(3 * n + 2) % (t + 1) for n in range(b)], np.int32)
        o = attend(q[:, :, :1], k, v, lambda n, i, j: j < length[n])
        case("attention", "decode_attention", {"q": q[:, :, 0], "k": k, "v": v, "length": length}, as_f32(o=o[:, :, 0]), tol=2e-6)
    q, k, v = r.real((2, 1, 2)), r.real((2, 1, 3, 2)), r.real((2, 1, 3, 2))
    length = np.array([0, 3], np.int32)
    o = attend(q[:, :, None], k, v, lambda n, i, j: j < length[n])[:, :, 0]
    case("attention", "decode_attention", {"q": q, "k": k, "v": v, "length": length}, as_f32(o=o), tol=2e-6)
    before = lambda n, i, j: j <= i
    for b, h, s, e, f in ((2, 2, 6, 4, 3), (1, 1, 1, 3, 2), (0, 2, 3, 2, 2)):
        q, k, v = r.real((b, h, s, e)), r.real((b, h, s, e)), r.real((b, h, s, f))
        inputs = {"q": q, "k": k, "v": v}
        case("attention", "causal_attention", inputs, as_f32(o=attend(q, k, v, before)), tol=2e-6)
        for window in (1, 3, 9):
            o = attend(q, k, v, lambda n, i, j: i - window < j <= i)
            case("attention", "window_attention", inputs, as_f32(o=o), {"window": window}, tol=2e-6)
    for b, h, g, s, e, f in ((2, 4, 2, 5, 4, 3), (1, 3, 1, 4, 3, 3), (1, 2, 2, 1, 5, 2)):
        q, k, v = r.real((b, h, s, e)), r.real((b, g, s, e)), r.real((b, g, s, f))
        inputs = {"q": q, "k": k, "v": v}
        case("attention", "causal_grouped_query_attention", inputs, as_f32(o=attend(q, k, v, before)), tol=2e-6)
        k, v = r.real((b, g, s + 2, e)), r.real((b, g, s + 2, f))
        inputs = {"q": q, "k": k, "v": v}
        case("attention", "grouped_query_attention", inputs, as_f32(o=attend(q, k, v, lambda n, i, j: True)), tol=2e-6)
    for b, s, d, h, e, f in ((2, 4, 5, 2, 3, 2), (1, 1, 3, 3, 2, 2)):
        x, wq, wk, wv, wo = r.real((b, s, d)), r.real((h, e, d)), r.real((h, e, d)), r.real((h, f, d)), r.real((d, h, f))
        project = lambda w: np.stack([wide(x)[0] @ w[n].T for n in range(h)], 1)
        o = attend(project(wq), project(wk), project(wv), lambda n, i, j: True)
        y = sum(o[:, n] @ wo[:, n].T.astype(np.float64) for n in range(h))
        case("attention", "multi_head_attention", {"x": x, "wq": wq, "wk": wk, "wv": wv, "wo": wo}, as_f32(y=y), tol=3e-6)
