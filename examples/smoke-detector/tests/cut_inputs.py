#!/usr/bin/env python3
"""Cuts the fixed inputs of the trials out of the test split: pictures that no training has seen.

    python3 tests/cut_inputs.py      # writes tests/inputs/*.png and tests/inputs.csv again (numpy and Pillow)

PNG keeps every pixel, so a trial sees exactly what the evaluation saw.
"""
import csv
import hashlib
import pathlib

from PIL import Image

HERE = pathlib.Path(__file__).resolve().parent
DATA = HERE.parent / "data" / "smoke"
TILE, COLUMNS = 48, 20
INPUTS = [  # name, sheet, tile: easy ones, on which every good model is sure
    ("01-smoke-day.png", "test-day.jpg", 1),
    ("02-clear-dusk.png", "test-dusk.jpg", 88),
    ("03-smoke-night.png", "test-night.jpg", 113),
    ("04-cloud-day.png", "test-day.jpg", 68),
]


def cut(sheet, tile):
    down, across = divmod(tile, COLUMNS)
    with Image.open(DATA / sheet) as image:
        return image.convert("RGB").crop((across * TILE, down * TILE, (across + 1) * TILE, (down + 1) * TILE))


def main():
    with open(DATA / "labels.csv", newline="") as file:
        labels = {(row["sheet"], int(row["tile"])): row for row in csv.DictReader(file)}
    (HERE / "inputs").mkdir(exist_ok=True)
    rows = []
    for name, sheet, tile in INPUTS:
        path = HERE / "inputs" / name
        cut(sheet, tile).save(path)
        label = {key: labels[sheet, tile][key] for key in ("split", "label", "cloud")}
        rows.append({"file": name, "sheet": sheet, "tile": tile, **label, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()})
    with open(HERE / "inputs.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, rows[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main()
