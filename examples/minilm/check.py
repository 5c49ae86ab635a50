#!/usr/bin/env python3
"""Compares the vectors of `main.rs --save` with the encoder in numpy, in double precision.

    python check.py FOLDER vectors.npy SENTENCE…            (numpy, safetensors, tokenizers)
    python check.py --flax FOLDER vectors.npy SENTENCE…     also with the transformers library (transformers<4.47, flax<0.9, jax<0.4.35)

FOLDER is that of fetch.sh.
"""
import json
import math
import pathlib
import sys

import numpy as np
from safetensors.numpy import load_file
from tokenizers import Tokenizer


def encode(weights, config, ids):
    """One sentence, without padding, so that no mask is needed."""
    w = lambda name: weights[name].astype(np.float64)
    heads = config["num_attention_heads"]

    def linear(x, name):
        return x @ w(f"{name}.weight").T + w(f"{name}.bias")

    def norm(x, name):
        x = x - x.mean(-1, keepdims=True)
        x = x / np.sqrt((x**2).mean(-1, keepdims=True) + config["layer_norm_eps"])
        return x * w(f"{name}.weight") + w(f"{name}.bias")

    gelu = np.vectorize(lambda x: x * (1 + math.erf(x / math.sqrt(2))) / 2)
    x = w("embeddings.word_embeddings.weight")[ids] + w("embeddings.position_embeddings.weight")[: len(ids)]
    x = norm(x + w("embeddings.token_type_embeddings.weight")[0], "embeddings.LayerNorm")
    for layer in range(config["num_hidden_layers"]):
        at = f"encoder.layer.{layer}"
        q, k, v = (np.split(linear(x, f"{at}.attention.self.{part}"), heads, -1) for part in ("query", "key", "value"))
        parts = []
        for h in range(heads):
            scores = q[h] @ k[h].T / math.sqrt(q[h].shape[-1])
            p = np.exp(scores - scores.max(-1, keepdims=True))
            parts.append(p / p.sum(-1, keepdims=True) @ v[h])
        x = norm(x + linear(np.concatenate(parts, -1), f"{at}.attention.output.dense"), f"{at}.attention.output.LayerNorm")
        x = norm(x + linear(gelu(linear(x, f"{at}.intermediate.dense")), f"{at}.output.dense"), f"{at}.output.LayerNorm")
    pooled = x.mean(0)
    return pooled / np.linalg.norm(pooled)


def encode_with_flax(folder, encodings):
    from transformers import BertConfig, FlaxBertModel

    model = FlaxBertModel.from_pretrained(folder, config=BertConfig.from_pretrained(folder), from_pt=True)
    vectors = []
    for e in encodings:
        x = np.asarray(model(np.array([e.ids]), np.array([e.attention_mask])).last_hidden_state[0], np.float64)
        pooled = x.mean(0)
        vectors.append(pooled / np.linalg.norm(pooled))
    return np.array(vectors)


arguments = sys.argv[1:]
flax = arguments[0] == "--flax" and arguments.pop(0)
folder, result, *sentences = arguments
folder = pathlib.Path(folder)
tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
tokenizer.no_padding()
tokenizer.enable_truncation(256)
encodings = [tokenizer.encode(s) for s in sentences]
weights, config = load_file(folder / "model.safetensors"), json.loads((folder / "config.json").read_text())
expected = np.array([encode(weights, config, e.ids) for e in encodings])
got = np.load(result)
worst = np.abs(got - expected).max()
print(f"{len(sentences)} sentences of {min(map(len, encodings))} to {max(map(len, encodings))} tokens")
print(f"largest difference from numpy: {worst:.2e}")
if flax:
    other = encode_with_flax(folder, encodings)
    print(f"largest difference from transformers: {np.abs(got - other).max():.2e} (numpy from transformers: {np.abs(expected - other).max():.2e})")
    worst = max(worst, np.abs(got - other).max())
assert worst <= 1e-4
