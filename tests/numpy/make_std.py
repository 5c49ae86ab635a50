#!/usr/bin/env python3
"""Writes ../std/NAME.json: calls of every definition of the standard library, compiler/syntax/std/NAME.ein, with what numpy makes of them.

    python tests/numpy/make_std.py        (numpy 2)

The tests read the files only. The form is that of make_programs.py.
"""
import json
import pathlib

from reference import case
from reference.std import attention, conv, linalg, loss, nn, norm, pool, position, quantum, recurrent, sparse, tensor

STD = pathlib.Path(__file__).parent.parent / "std"

for module in (attention, conv, linalg, loss, nn, norm, pool, position, quantum, recurrent, sparse, tensor):
    module.build()
STD.mkdir(exist_ok=True)
for name, calls in sorted(case.cases.items()):
    lines = [json.dumps(call, separators=(",", ":")) for call in calls]
    (STD / f"{name}.json").write_text("[\n" + ",\n".join(lines) + "\n]\n")
print(len(case.cases), "modules,", sum(map(len, case.cases.values())), "calls")
