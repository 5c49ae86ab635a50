#!/usr/bin/env python3
"""Compares a result of conv2d.ein with numpy: python check.py x.npy w.npy y.npy [stride [padding]]."""
import sys

import numpy as np

x, w, y = (np.load(path) for path in sys.argv[1:4])
stride, padding = (int(n) for n in (sys.argv[4:] + ["1", "1"][len(sys.argv) - 4:]))
padded = np.pad(x.astype(np.float64), ((0, 0), (0, 0), (padding, padding), (padding, padding)))
windows = np.lib.stride_tricks.sliding_window_view(padded, w.shape[2:], axis=(2, 3))[:, :, ::stride, ::stride]
expected = np.einsum("bcijrs,ocrs->boij", windows, w.astype(np.float64))
assert y.shape == expected.shape, (y.shape, expected.shape)
worst = np.abs(y - expected).max()
print(f"largest difference from numpy: {worst:.2e}")
assert worst < 1e-5 * max(1.0, np.abs(expected).max())
