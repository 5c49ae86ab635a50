"""What the scripts of this folder share: numbers that are the same in every run, and tensors as JSON."""
import json
import math
import pathlib

import numpy as np

HERE = pathlib.Path(__file__).parent
NAMES = {
    "bool": "bool", "i8": "int8", "i16": "int16", "i32": "int32", "i64": "int64", "u8": "uint8", "u16": "uint16",
    "u32": "uint32", "u64": "uint64", "f32": "float32", "f64": "float64", "c64": "complex64", "c128": "complex128",
}
SHORT = {np.dtype(long): short for short, long in NAMES.items()}


class Values:
    """A stream of small numbers, the same in every run."""

    def __init__(self, seed=12345):
        self.state = seed

    def next(self, n):
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) % 2**64
        return (self.state >> 33) % n

    def array(self, dtype, shape, large=False):
        dtype = np.dtype(NAMES[dtype])
        count = math.prod(shape)
        if dtype.kind == "b":
            flat = [self.next(3) == 0 for _ in range(count)]
        elif dtype.kind in "iu" and large:
            info = np.iinfo(dtype)
            span = int(info.max) - int(info.min) + 1
            flat = [int(info.min) + (self.next(2**31) * 2**33 + self.next(2**31) * 4 + self.next(4)) % span for _ in range(count)]
        elif dtype.kind == "u":
            flat = [self.next(10) for _ in range(count)]
        elif dtype.kind == "c":
            flat = [complex(self.next(9) - 4, self.next(9) - 4) for _ in range(count)]
        else:
            flat = [self.next(15) - 7 for _ in range(count)]
        return np.array(flat, dtype=dtype).reshape(shape)

    def real(self, shape, low=-2.0, high=2.0, dtype=np.float32):
        flat = [low + (high - low) * self.next(257) / 256 for _ in range(math.prod(shape))]
        return np.array(flat, dtype=dtype).reshape(shape)


def number(x):
    if isinstance(x, complex):
        return [number(x.real), number(x.imag)]
    if isinstance(x, float) and not math.isfinite(x):
        return str(x)
    return x


def tensor(array, layout=None, dtype=None):
    """`dtype` is said where numpy has no such type."""
    array = np.asarray(array)
    values = array.ravel().tolist()
    if array.dtype in (np.float32, np.complex64):
        short = lambda v: float(f"{v:.9g}") if math.isfinite(v) else v
        values = [complex(short(v.real), short(v.imag)) if isinstance(v, complex) else short(v) for v in values]
    out = {"d": dtype or SHORT[array.dtype], "s": list(array.shape), "v": [number(v) for v in values]}
    if layout:
        out["l"] = layout
    return out


def write(name, cases):
    lines = [json.dumps(case, separators=(",", ":"), ensure_ascii=False) for case in cases]
    (HERE / name).write_text("[\n" + ",\n".join(lines) + "\n]\n")
