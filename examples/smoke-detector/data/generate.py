#!/usr/bin/env python3
"""Draws the data set `data/smoke`: small synthetic pictures of skies over hills, half of them with a smoke plume.

    python3 data/generate.py                 # writes data/smoke again (numpy and Pillow; about half a minute)

No picture shows a real place. Everything follows from SEED, so the same libraries draw the same pixels again.

The pictures are tiles of JPEG contact sheets, one sheet per split and condition: easy to look at, and three thousand
pictures fit in a few files. TILE is a multiple of 16, so that no JPEG block reaches over the edge of a tile.
`labels.csv` names every tile; `croissant.json` describes the whole for machines.
"""
import csv
import hashlib
import json
import pathlib

import numpy as np
from PIL import Image

SEED = 20_260
TILE = 48
COLUMNS = 20
CONDITIONS = ("day", "dusk", "night", "haze")
SPLITS = {"train": 800, "validation": 100, "test": 200}  # pictures per condition
CONTRAST_SCENES = 20  # per condition: the same scene without, with a thin and with a thick plume
CONTRAST_DENSITIES = (0.0, 0.45, 0.9)
TYPES = {".jpg": "image/jpeg", ".csv": "text/csv"}
FINE = 2 * TILE  # scenes are drawn at twice the size and averaged, which softens edges as a lens does
ROWS, COLS = np.mgrid[0:FINE, 0:FINE] / FINE

# Sky at the zenith, sky at the horizon, land; as red, green, blue between 0 and 1.
PALETTE = {
    "day": ((0.30, 0.50, 0.80), (0.68, 0.78, 0.88), (0.24, 0.30, 0.16)),
    "dusk": ((0.22, 0.24, 0.42), (0.82, 0.52, 0.36), (0.13, 0.11, 0.11)),
    "night": ((0.03, 0.04, 0.09), (0.09, 0.10, 0.16), (0.02, 0.02, 0.03)),
    "haze": ((0.62, 0.65, 0.68), (0.76, 0.75, 0.71), (0.48, 0.49, 0.45)),
}


def noise(rng, cells_down, cells_across, octaves=3):
    """Smooth noise between 0 and 1: random grids, each twice as fine and half as strong as the one before."""
    total, weight = np.zeros((FINE, FINE)), 0.0
    for octave in range(octaves):
        grid = rng.random((cells_down * 2**octave + 1, cells_across * 2**octave + 1)).astype(np.float32)
        layer = np.asarray(Image.fromarray(grid).resize((FINE, FINE), Image.Resampling.BICUBIC))
        total += layer * 0.5**octave
        weight += 0.5**octave
    return np.clip(total / weight, 0, 1)


def blend(picture, colour, opacity):
    """Lays one colour over the picture, `opacity` (rows, columns) between 0 and 1."""
    return picture + (np.asarray(colour) - picture) * opacity[..., None]


def ridge(rng):
    """The line of the hills: for each column the height of the horizon, counted from the top."""
    bends = np.sin(COLS[0] * rng.uniform(3, 9) + rng.uniform(0, 6)) * rng.uniform(0.01, 0.05)
    return rng.uniform(0.62, 0.80) + bends + (noise(rng, 4, 6)[0] - 0.5) * 0.08


def draw_landscape(rng, condition):
    """Sky and hills without cloud or smoke. Returns the picture and the line of the hills."""
    zenith, low, land = (np.clip(np.array(c) * rng.uniform(0.8, 1.2) + rng.normal(0, 0.02, 3), 0, 1) for c in PALETTE[condition])
    horizon = ridge(rng)
    height = np.clip(ROWS / horizon[None, :], 0, 1)[..., None] ** rng.uniform(0.8, 1.8)
    picture = zenith * (1 - height) + low * height
    if condition == "night":
        stars = rng.random((FINE, FINE)) > 1 - rng.uniform(0, 0.004)
        picture = blend(picture, (0.6, 0.6, 0.55), stars * rng.random((FINE, FINE)))
    if rng.random() < 0.4:  # sun or moon, in haze a pale disc
        away = np.hypot(ROWS - rng.uniform(0.05, 0.5), COLS - rng.uniform(0, 1))
        picture = blend(picture, np.clip(low * 1.2 + 0.15, 0, 1), np.exp(-((away / rng.uniform(0.04, 0.10)) ** 2)))
    ground = 1 / (1 + np.exp(-(ROWS - horizon[None, :]) * FINE))
    texture = 0.7 + 0.6 * noise(rng, 12, 12)[..., None]
    return picture + (land * texture - picture) * ground[..., None], horizon


def lit(rng, condition, dark, bright):
    """The colour of something in the air: a grey between `dark` and `bright` of full light, tinted as the hour is."""
    light = {"day": (1.0, 1.0, 1.0), "dusk": (0.80, 0.62, 0.55), "night": (0.24, 0.24, 0.27), "haze": (0.88, 0.87, 0.84)}[condition]
    return np.array(light) * rng.uniform(dark, bright) + rng.normal(0, 0.01, 3)


def add_clouds(rng, picture, condition, horizon):
    """Clouds, the look-alikes: heaps, layers, towers that stand on the horizon, and fog between the hills."""
    kind = rng.choice(["heap", "layer", "tower", "fog"])
    if kind == "heap":
        opacity = np.clip((noise(rng, 5, 3) - rng.uniform(0.45, 0.6)) * 6, 0, 1) * np.clip((0.7 - ROWS) * 4, 0, 1)
    elif kind == "layer":
        opacity = np.clip((noise(rng, 9, 2) - rng.uniform(0.4, 0.55)) * 5, 0, 1) * np.clip((0.75 - ROWS) * 5, 0, 1)
    elif kind == "tower":
        middle, width, top = rng.uniform(0.1, 0.9), rng.uniform(0.08, 0.20), rng.uniform(0.15, 0.45)
        body = np.exp(-(((COLS - middle) / width) ** 4)) * np.clip((ROWS - top) * 8, 0, 1)
        opacity = np.clip(body * (0.3 + 1.2 * noise(rng, 8, 8)), 0, 1)
    else:
        band = np.exp(-(((ROWS - horizon[None, :]) / rng.uniform(0.03, 0.09)) ** 2))
        opacity = np.clip(band * (0.2 + 1.2 * noise(rng, 3, 5)), 0, 1)
    if kind != "fog":  # clouds are behind the hills, fog is before them
        opacity = opacity * (ROWS < horizon[None, :])
    return blend(picture, lit(rng, condition, 0.7, 1.0), opacity * rng.uniform(0.35, 0.95)), kind


def add_plume(rng, picture, condition, horizon, density):
    """One plume: it starts narrow on the ground, rises, leans with the wind, widens, and thins as it goes."""
    start = rng.uniform(0.1, 0.9)
    foot = np.interp(start, COLS[0], horizon) + rng.uniform(0.0, 0.12)
    reach = rng.uniform(0.35, 0.65)
    up = np.clip((foot - ROWS) / reach, 0, None)
    middle = start + rng.uniform(-0.35, 0.35) * up ** rng.uniform(1.0, 1.8) + 0.03 * np.sin(up * rng.uniform(4, 12) + rng.uniform(0, 6)) * up
    width = rng.uniform(0.025, 0.05) + rng.uniform(0.08, 0.18) * up
    body = np.exp(-(((COLS - middle) / width) ** 2)) * (ROWS < foot) * np.exp(-((up / 1.0) ** 3))
    opacity = np.clip(body * (0.55 + 0.9 * noise(rng, 10, 10)), 0, 1)
    pale = condition == "night" or rng.random() < 0.5  # black smoke against a black sky shows nothing
    colour = lit(rng, condition, 0.9, 1.2) if pale else lit(rng, condition, 0.15, 0.4)
    if condition == "night":  # fire lights the foot of the plume
        colour = colour + np.array((0.18, 0.08, 0.02)) * rng.uniform(0, 1) * np.exp(-up * 4)[..., None]
    return blend(picture, colour, opacity * density)


def expose(rng, picture, condition):
    """What a camera adds: exposure, colour balance, noise. Returns a tile of TILE x TILE pixels, 8 bits a channel."""
    small = picture.reshape(TILE, 2, TILE, 2, 3).mean((1, 3))
    small = small * rng.uniform(0.75, 1.25) * rng.normal(1, 0.04, 3)
    small = small + rng.normal(0, 0.012 if condition == "night" else 0.018, small.shape)
    return (np.clip(small, 0, 1) * 255 + 0.5).astype(np.uint8)


def draw(rng, condition, density, clouds_seldom):
    """One picture. Clouds come with and without smoke, so that a cloud alone says nothing."""
    picture, horizon = draw_landscape(rng, condition)
    cloud = "none"
    if rng.random() < (0.5 if clouds_seldom else 0.75):
        picture, cloud = add_clouds(rng, picture, condition, horizon)
    if density > 0:
        picture = add_plume(rng, picture, condition, horizon, density)
    return expose(rng, picture, condition), cloud


def pictures(split, condition):
    """All tiles of one sheet with their labels, in the order of the sheet."""
    first = [SEED, ("train", "validation", "test", "contrast").index(split), CONDITIONS.index(condition)]
    if split == "contrast":
        for scene in range(CONTRAST_SCENES):
            for density in CONTRAST_DENSITIES:  # the same numbers are drawn each time: only the plume differs
                tile, cloud = draw(np.random.default_rng(first + [scene]), condition, density, True)
                yield tile, {"label": int(density > 0), "density": density, "cloud": cloud, "scene": scene}
        return
    for number in range(SPLITS[split]):
        rng = np.random.default_rng(first + [number])
        smoke = number % 2
        density = round(float(rng.uniform(0.5, 1.0)), 3) if smoke else 0.0
        tile, cloud = draw(rng, condition, density, bool(smoke))
        yield tile, {"label": smoke, "density": density, "cloud": cloud, "scene": number}


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def write(folder):
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for split in (*SPLITS, "contrast"):
        for condition in CONDITIONS:
            tiles, name = [], f"{split}-{condition}.jpg"
            for tile, label in pictures(split, condition):
                rows.append({"sheet": name, "tile": len(tiles), "split": split, "condition": condition, **label})
                tiles.append(tile)
            tiles += [np.zeros_like(tiles[0])] * (-len(tiles) % COLUMNS)
            sheet = np.array(tiles).reshape(-1, COLUMNS, TILE, TILE, 3).swapaxes(1, 2).reshape(-1, COLUMNS * TILE, 3)
            Image.fromarray(sheet).save(folder / name, quality=88, subsampling="4:2:0", optimize=True)
    with open(folder / "labels.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, rows[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return rows


def field(name, kind, description, column=None):
    source = {"fileObject": {"@id": "labels.csv"}, "extract": {"column": column or name}}
    return {"@type": "cr:Field", "@id": f"pictures/{name}", "name": name, "description": description, "dataType": kind, "source": source}


def describe_file(path):
    size = f"{path.stat().st_size} B"
    return {"@type": "cr:FileObject", "@id": path.name, "name": path.name, "contentUrl": path.name, "contentSize": size, "encodingFormat": TYPES[path.suffix], "sha256": sha256(path)}


def describe(folder):
    """Writes croissant.json: every file with its size and sha256, and what the columns of labels.csv mean."""
    files = [describe_file(path) for path in sorted(folder.iterdir()) if path.suffix in TYPES]
    document = {
        "@context": {
            "@language": "en",
            "@vocab": "https://schema.org/",
            "citeAs": "cr:citeAs",
            "column": "cr:column",
            "conformsTo": "dct:conformsTo",
            "cr": "http://mlcommons.org/croissant/",
            "data": {"@id": "cr:data", "@type": "@json"},
            "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
            "dct": "http://purl.org/dc/terms/",
            "equivalentProperty": "cr:equivalentProperty",
            "examples": {"@id": "cr:examples", "@type": "@json"},
            "extract": "cr:extract",
            "field": "cr:field",
            "fileObject": "cr:fileObject",
            "fileProperty": "cr:fileProperty",
            "fileSet": "cr:fileSet",
            "format": "cr:format",
            "includes": "cr:includes",
            "isLiveDataset": "cr:isLiveDataset",
            "jsonPath": "cr:jsonPath",
            "key": "cr:key",
            "md5": "cr:md5",
            "parentField": "cr:parentField",
            "path": "cr:path",
            "prov": "http://www.w3.org/ns/prov#",
            "rai": "http://mlcommons.org/croissant/RAI/",
            "recordSet": "cr:recordSet",
            "references": "cr:references",
            "regex": "cr:regex",
            "repeated": "cr:repeated",
            "replace": "cr:replace",
            "samplingRate": "cr:samplingRate",
            "sc": "https://schema.org/",
            "separator": "cr:separator",
            "source": "cr:source",
            "subField": "cr:subField",
            "transform": "cr:transform",
        },
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.1",
        "name": "smoke",
        "description": "Synthetic pictures of skies over hills by day, dusk, night and in haze, half of them with a smoke plume, with clouds as look-alikes. "
        "Drawn by data/generate.py with a fixed seed: no picture shows a real place. Tiles of 48 x 48 pixels on JPEG contact sheets of 20 columns.",
        "version": "1.0.0",
        "datePublished": "2026-11-21",
        "license": "https://creativecommons.org/publicdomain/zero/1.0/",
        "url": "https://github.com/your-organization/smoke-detector/tree/main/data/smoke",
        "creator": {"@type": "sc:Organization", "name": "CTSS contributors"},
        "keywords": ["smoke", "wildfire", "synthetic", "image classification"],
        "citeAs": "CTSS contributors: Synthetic smoke, version 1.0.0 (2026)",
        "isLiveDataset": False,
        "prov:wasGeneratedBy": {"@type": "prov:Activity", "name": f"data/generate.py with SEED {SEED}"},
        "rai:dataCollection": "None: every picture is drawn by a program.",
        "rai:personalSensitiveInformation": "None.",
        "rai:dataLimitations": "Drawings differ from photographs. A model that learnt from them alone must not be used to watch for fires.",
        "distribution": files,
        "recordSet": [
            {
                "@type": "cr:RecordSet",
                "@id": "splits",
                "name": "splits",
                "key": {"@id": "splits/name"},
                "field": [{"@type": "cr:Field", "@id": "splits/name", "name": "name", "dataType": "sc:Text"}],
                "data": [{"splits/name": name} for name in (*SPLITS, "contrast")],
            },
            {
                "@type": "cr:RecordSet",
                "@id": "pictures",
                "name": "pictures",
                "description": "One picture a row.",
                "field": [
                    field("sheet", "sc:Text", "The contact sheet that holds the picture."),
                    field("tile", "sc:Integer", "Its place on the sheet, counted along the rows from 0."),
                    {**field("split", "sc:Text", "train, validation, test, or contrast: the same scenes without, with thin and with thick smoke."), "references": {"field": {"@id": "splits/name"}}},
                    field("condition", "sc:Text", "day, dusk, night or haze."),
                    field("label", "sc:Integer", "1: there is smoke. 0: there is none."),
                    field("density", "sc:Float", "How thick the plume is, 0 to 1."),
                    field("cloud", "sc:Text", "none, heap, layer, tower (stands on the horizon) or fog."),
                    field("scene", "sc:Integer", "Number of the scene within split and condition; in contrast three pictures share one."),
                ],
            },
        ],
    }
    (folder / "croissant.json").write_text(json.dumps(document, indent=2) + "\n")


if __name__ == "__main__":
    folder = pathlib.Path(__file__).resolve().parent / "smoke"
    rows = write(folder)
    describe(folder)
    print(f"{len(rows)} pictures, {sum(f.stat().st_size for f in folder.iterdir()):,} bytes in {folder}")
