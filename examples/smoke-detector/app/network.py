"""The smoke network: three small convolutions and one output, in numpy alone, so that it runs on amd64, arm64 and 32-bit Arm.

This file stands in `app/` and, byte for byte, in `train/` (two images, two build contexts): a node must see a picture exactly
as training did. Change one, copy it over the other: `cp app/network.py train/`.
"""
import numpy as np
from PIL import Image

SIDE = 48  # pixels; every picture is brought to SIDE x SIDE
CHANNELS = (3, 16, 32, 32)  # red, green, blue, then the outputs of each convolution; each halves the picture


def shapes():
    """The name and the shape of every array of weights."""
    arrays = {}
    for layer in range(1, len(CHANNELS)):
        arrays |= {f"w{layer}": (9 * CHANNELS[layer - 1], CHANNELS[layer]), f"b{layer}": (CHANNELS[layer],)}
    return {**arrays, "w": (CHANNELS[-1],), "b": (1,)}


def read_pixels(image):
    """A Pillow image of any size and mode as what the network takes: float32 (SIDE, SIDE, 3), 0 to 1."""
    small = image.convert("RGB")
    if small.size != (SIDE, SIDE):
        small = small.resize((SIDE, SIDE), Image.Resampling.BOX)
    return np.asarray(small, np.float32) / 255


def standardise(pictures):
    """Takes out each picture's own brightness and contrast (n, SIDE, SIDE, 3), so that a night looks like a dim day."""
    mean = pictures.mean((1, 2, 3), keepdims=True)
    spread = pictures.std((1, 2, 3), keepdims=True)
    return (pictures - mean) / (spread + 0.02)


def patches(x):
    """Every second 3x3 neighbourhood, zeros beyond the edge: (n, h, w, c) to (n, h/2, w/2, 9c)."""
    n, h, w, c = x.shape
    padded = np.zeros((n, h + 1, w + 1, c), x.dtype)
    padded[:, :h, :w] = x
    return np.concatenate([padded[:, i : i + h : 2, j : j + w : 2] for i in range(3) for j in range(3)], axis=3)


def forward(weights, pictures):
    """Runs the network on (n, SIDE, SIDE, 3). Returns the log odds of smoke (n,) and what backpropagation needs."""
    x, kept = standardise(pictures), []
    for layer in range(1, len(CHANNELS)):
        columns = patches(x)
        x = np.maximum(columns @ weights[f"w{layer}"] + weights[f"b{layer}"], 0)
        kept.append((columns, x))
    strongest = x.max((1, 2))  # wherever it is: smoke may rise anywhere
    return strongest @ weights["w"] + weights["b"][0], (kept, strongest)


def probability(weights, pictures):
    """The probability of smoke in each picture: (n, SIDE, SIDE, 3) to (n,). A hundred at a time, which bounds the memory."""
    odds = [forward(weights, pictures[start : start + 100])[0] for start in range(0, len(pictures), 100)]
    return 1 / (1 + np.exp(-np.concatenate(odds)))


def load(path):
    """The weights in a .npz file; never a pickle, which could run code. Raises ValueError when they are not this network's."""
    with np.load(path, allow_pickle=False) as file:
        weights = {name: file[name] for name in file.files}
    found = {name: array.shape for name, array in weights.items()}
    if found != shapes():
        raise ValueError(f"these are the weights of another network: {found}, not {shapes()}")
    return weights
