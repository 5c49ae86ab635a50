#!/usr/bin/env python3
"""Makes random inputs (python check.py make DIR) and compares a result with numpy (python check.py compare DIR).

compare reads x.npy, g.npy, c.npy and y.npy of DIR.
"""
import pathlib
import sys

import numpy as np

command, folder = sys.argv[1], pathlib.Path(sys.argv[2])
folder.mkdir(parents=True, exist_ok=True)
if command == "make":
    rng = np.random.default_rng(2)
    for name, shape in {"x": (3, 7, 33), "g": (33,), "c": (33,)}.items():
        np.save(folder / f"{name}.npy", rng.standard_normal(shape, np.float32))
else:
    x, g, c, y = (np.load(folder / f"{name}.npy").astype(np.float64) for name in "xgcy")
    centred = x - x.mean(-1, keepdims=True)
    expected = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5) * g + c
    worst = np.abs(y - expected).max()
    print(f"largest difference from numpy: {worst:.2e}")
    assert worst < 1e-5
