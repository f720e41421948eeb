#!/usr/bin/env python3
"""Draws ecr-meta/ecr-icon.jpg and ecr-meta/ecr-science-image.jpg with the painter of the data set, only larger.

    python3 data/draw_ecr_meta.py
"""
import pathlib

import numpy as np
from PIL import Image, ImageDraw

import generate

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "ecr-meta"


def scene(seed, condition, density, size):
    """One scene as a picture of size x size pixels; the same seed with another density differs in the plume only."""
    generate.FINE = size
    generate.ROWS, generate.COLS = np.mgrid[0:size, 0:size] / size
    rng = np.random.default_rng(seed)
    picture, horizon = generate.draw_landscape(rng, condition)
    if density:
        picture = generate.add_plume(rng, picture, condition, horizon, density)
    return Image.fromarray((np.clip(picture * (2.5 if condition == "night" else 1.1), 0, 1) * 255).astype(np.uint8))


def caption(text, height):
    """A mask of text in Pillow's built-in letters, enlarged: no font file needed."""
    left, top, right, bottom = ImageDraw.Draw(Image.new("L", (1, 1))).textbbox((0, 0), text)
    small = Image.new("L", (right, bottom + 2))
    ImageDraw.Draw(small).text((0, 0), text, fill=255)
    return small.resize((small.width * height // small.height, height), Image.Resampling.BICUBIC)


def main():
    scene(12, "dusk", 1.0, 512).save(FOLDER / "ecr-icon.jpg", quality=85, optimize=True)
    sheet = Image.new("RGB", (1920, 1080), (24, 26, 30))
    for column, condition in enumerate(generate.CONDITIONS):
        for row, density in enumerate((0.0, 1.0)):
            sheet.paste(scene(20 + column, condition, density, 480), (column * 480, 60 + row * 480))
        sheet.paste((235, 235, 235), (column * 480 + 20, 12), caption(condition, 36))
    sheet.paste((235, 235, 235), (20, 1032), caption("synthetic scenes: above without smoke, below with a plume", 36))
    sheet.save(FOLDER / "ecr-science-image.jpg", quality=80, optimize=True)


if __name__ == "__main__":
    main()
