#!/usr/bin/env python3
"""Writes ../programs/NAME.json: calls of the programs ../programs/NAME.ein and ../cases/programs/NAME.ein, with what numpy makes of them.

    python tests/numpy/make_programs.py        (numpy 2, scipy)

The tests read the files only. Every run on one machine writes the same bytes. A file is a list of calls: `def`, `sizes` of generics,
`in` and `out` tensors by name as in make_fixtures.py, and `tol`.
"""
import json
import pathlib

from reference import attention, case, convolution, core, indices, linear, numbers, physics, probability, sequences

PROGRAMS = pathlib.Path(__file__).parent.parent / "programs"

for module in (core, attention, convolution, sequences, indices, numbers, probability, physics, linear):
    module.build()
for program, calls in sorted(case.cases.items()):
    lines = [json.dumps(call, separators=(",", ":")) for call in calls]
    (PROGRAMS / f"{program}.json").write_text("[\n" + ",\n".join(lines) + "\n]\n")
print(len(case.cases), "programs,", sum(map(len, case.cases.values())), "calls")
