#!/usr/bin/env python3
"""Makes patients.npy and weights.npy beside this file, with nothing but Python.

patients.npy: f64 [32, 8]; one patient a row: 1, then age, body mass index, systolic pressure, cholesterol, glucose, smoker and activity, each
less its mean and in standard deviations. They are invented: correlated as such figures are, and of no person.
weights.npy: f64 [8], of a logistic regression on these features.
"""
import pathlib
import random
import struct

here = pathlib.Path(__file__).parent


def save(name, shape, numbers):
    header = "{'descr': '<f8', 'fortran_order': False, 'shape': (%s), }" % "".join(f"{n}, " for n in shape)
    header += " " * (-(len(header) + 11) % 64) + "\n"
    data = struct.pack(f"<{len(numbers)}d", *numbers)
    (here / name).write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + data)


random.seed(7)
patients = []
for _ in range(32):
    frailty = random.gauss(0, 1)
    correlated = [0.6 * frailty + 0.8 * random.gauss(0, 1) for _ in range(5)]
    smoker, activity = random.choice([-0.6, 1.7]), -0.4 * frailty + 0.9 * random.gauss(0, 1)
    features = [max(-3.5, min(3.5, round(x, 2))) for x in [*correlated, smoker, activity]]
    patients += [1.0, *features]
save("patients.npy", (32, 8), patients)
save("weights.npy", (8,), [-0.85, 0.72, 0.31, 0.54, 0.28, 0.43, 0.62, -0.37])
