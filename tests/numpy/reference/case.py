"""How a module states a case."""
import zlib

import numpy as np
from fixture import NAMES, Values, tensor

cases = {}


def values(program):
    """A stream of numbers that depends on the program alone, so that a new program changes no other's data."""
    return Values(zlib.crc32(program.encode()))


def case(program, definition, inputs, outputs, sizes=None, tol=0.0):
    """One call of a definition of `program`: arrays by name, results as numpy has them. A pair (array, "bf16") states a dtype.

    `tol` is the largest difference relative to the largest magnitude of each result; 0 asks for equality.
    """
    stated = lambda x: tensor(x[0], dtype=x[1]) if isinstance(x, tuple) else tensor(x)
    entry = {"def": definition, "sizes": sizes or {}, "in": {k: stated(v) for k, v in inputs.items()}}
    entry |= {"out": {k: stated(v) for k, v in outputs.items()}, "tol": tol}
    cases.setdefault(program, []).append({k: v for k, v in entry.items() if v != {}})


def as_f32(**arrays):
    return {name: np.asarray(a).astype(np.float32) for name, a in arrays.items()}


def wide(*arrays):
    """The same numbers in double precision."""
    return [a.astype(np.complex128 if a.dtype.kind == "c" else np.float64) for a in arrays]


def bf16(array):
    """Rounded to the nearest bfloat16, ties to even, as float32."""
    bits = np.asarray(array, np.float32).view(np.uint32)
    bits = bits + (0x7FFF + ((bits >> 16) & 1))
    return (bits & np.uint32(0xFFFF0000)).astype(np.uint32).view(np.float32)
