#!/usr/bin/env python3
"""Makes random inputs (python check.py make DIR) and compares a result with numpy (python check.py compare DIR).

compare reads q.npy, k.npy, v.npy and o.npy of DIR.
"""
import pathlib
import sys

import numpy as np

command, folder = sys.argv[1], pathlib.Path(sys.argv[2])
folder.mkdir(parents=True, exist_ok=True)
if command == "make":
    rng = np.random.default_rng(1)
    for name in "qkv":
        np.save(folder / f"{name}.npy", rng.standard_normal((2, 3, 17, 8), np.float32))
else:
    q, k, v, o = (np.load(folder / f"{name}.npy").astype(np.float64) for name in "qkvo")
    scores = np.einsum("bhie,bhje->bhij", q, k) / np.sqrt(q.shape[-1])
    scores = np.where(np.tri(q.shape[2], dtype=bool), scores, -np.inf)
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    expected = np.einsum("bhij,bhje->bhie", weights / weights.sum(-1, keepdims=True), v)
    worst = np.abs(o - expected).max()
    print(f"largest difference from numpy: {worst:.2e}")
    assert worst < 1e-5
