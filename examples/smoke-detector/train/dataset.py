"""Reads the data set `smoke`: contact sheets and labels.csv, as data/README.md describes them."""
import csv
import hashlib
import pathlib
from typing import NamedTuple

import numpy as np
from PIL import Image

TILE = 48


class Split(NamedTuple):
    """One part of the data. `rows` holds the other columns of labels.csv, one dict per picture."""

    pictures: np.ndarray  # float32 (n, TILE, TILE, 3), 0 to 1
    labels: np.ndarray  # bool (n,): is there smoke
    rows: list


def digest(folder):
    """The sha256 of the folder's listing as `sha256sum` prints it, sorted by path: the number in ctss.yaml."""
    folder = pathlib.Path(folder)
    files = sorted((path.relative_to(folder).as_posix().encode(), path) for path in folder.rglob("*") if path.is_file())
    listing = b"".join(hashlib.sha256(path.read_bytes()).hexdigest().encode() + b"  " + name + b"\n" for name, path in files)
    return hashlib.sha256(listing).hexdigest()


def load(folder):
    """All splits by name: train, validation, test, and contrast (the same scenes with more and more smoke)."""
    folder = pathlib.Path(folder)
    sheets, found = {}, {}
    with open(folder / "labels.csv", newline="") as file:
        for row in csv.DictReader(file):
            if row["sheet"] not in sheets:
                with Image.open(folder / row["sheet"]) as image:
                    sheets[row["sheet"]] = np.asarray(image.convert("RGB"))
            found.setdefault(row["split"], []).append((tile(sheets[row["sheet"]], int(row["tile"])), row))
    return {name: split([tile for tile, _ in part], [row for _, row in part]) for name, part in found.items()}


def split(tiles, rows):
    return Split(np.stack(tiles).astype(np.float32) / 255, np.array([row["label"] == "1" for row in rows]), rows)


def tile(sheet, number):
    """One picture out of a sheet; tiles are counted along the rows."""
    down, across = divmod(number, sheet.shape[1] // TILE)
    return sheet[down * TILE : (down + 1) * TILE, across * TILE : (across + 1) * TILE]
