#!/usr/bin/env python3
"""Makes photo.npy and edges.npy beside this file.

The photograph is `skimage/data/chelsea.png` of the scikit-image wheel, cropped to 128 x 128 pixels:

    pip download --no-deps -d wheels scikit-image
    pip install numpy pillow
    python make_inputs.py wheels/scikit_image-*.whl

photo.npy: f32 [1, 3, 128, 128], batch, channel, row, column, in 0..1.
edges.npy: f32 [2, 3, 3, 3], output channel, channel, row, column: the two Sobel filters of the mean of the channels.
"""
import io
import pathlib
import sys
import zipfile

import numpy as np
from PIL import Image

here = pathlib.Path(__file__).parent
with zipfile.ZipFile(sys.argv[1]) as wheel:
    image = Image.open(io.BytesIO(wheel.read("skimage/data/chelsea.png"))).convert("RGB")
pixels = np.asarray(image, np.float32)[40:168, 120:248] / 255
np.save(here / "photo.npy", np.ascontiguousarray(pixels.transpose(2, 0, 1))[None])

sobel = np.array([[1, 0, -1], [2, 0, -2], [1, 0, -1]], np.float32)
edges = np.stack([sobel, sobel.T])[:, None] / 3
np.save(here / "edges.npy", np.ascontiguousarray(np.broadcast_to(edges, (2, 3, 3, 3))))
