"""Invariance: what must not change the verdict."""
import io

import numpy as np
import pytest
from PIL import Image

import network


def as_image(picture):
    return Image.fromarray((picture * 255 + 0.5).astype(np.uint8))


def mirrored(picture):
    return picture[:, ::-1]


def brighter(picture):
    return np.clip(picture * 1.15, 0, 1)


def darker(picture):
    return picture * 0.85


def warmer(picture):
    return np.clip(picture * np.array([1.05, 1.0, 0.95]), 0, 1)


def compressed(picture):
    """As a camera sends it: JPEG of a fair quality."""
    file = io.BytesIO()
    as_image(picture).save(file, "JPEG", quality=85)
    return network.read_pixels(Image.open(file))


def enlarged(picture):
    """As from a camera of 960 x 960 pixels, in the colours and mode of a PNG with transparency."""
    return network.read_pixels(as_image(picture).resize((960, 960), Image.Resampling.BICUBIC).convert("RGBA"))


@pytest.mark.parametrize("change", [mirrored, brighter, darker, warmer, compressed, enlarged])
def test_keeps_its_verdict(data, predict, measure, change):
    pictures = data["test"].pictures[::8]
    before = predict(pictures) >= 0.5
    after = predict([change(picture) for picture in pictures]) >= 0.5
    share = measure("changed_verdicts", np.mean(before != after))
    assert share <= 0.12
