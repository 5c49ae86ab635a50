#!/usr/bin/env python3
"""Compares `ein einsum 'oh,ph->op'` over two tensors of a model with numpy.

    python check.py model.safetensors FIRST SECOND result.npy
"""
import sys

import numpy as np
from safetensors.numpy import load_file

tensors = load_file(sys.argv[1])
first, second = tensors[sys.argv[2]], tensors[sys.argv[3]]
expected = np.einsum("oh,ph->op", first.astype(np.float64), second.astype(np.float64))
worst = np.abs(np.load(sys.argv[4]) - expected).max()
print(f"largest difference from numpy: {worst:.2e}")
assert worst < 1e-4 * np.abs(expected).max()
