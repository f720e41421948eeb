#!/usr/bin/env python3
"""Looks for smoke in pictures of the sky and publishes how probable it is.

published (see README.md):
  env.smoke.probability      0 to 1, one per picture
  plugin.heartbeat           number of pictures looked at, once per round, also when that is 0
  plugin.duration.*          nanoseconds for loadmodel, input and inference
  upload                     the picture, when the probability reaches the threshold

exit codes:
  0    every picture was looked at
  2    wrong arguments
  66   a picture, a folder or the camera could not be read (the others were looked at)
  78   the model is missing or damaged
  143  stopped by SIGTERM, after sending what was published
"""
import argparse
import hashlib
import io
import json
import logging
import os
import pathlib
import re
import signal
import sys
import tempfile
import time
import urllib.parse
import urllib.request
import zipfile

from PIL import Image, UnidentifiedImageError
from waggle.plugin import Plugin, get_timestamp

import network

EX_NOINPUT, EX_CONFIG = 66, 78  # as in sysexits.h
SUFFIXES = {".jpg", ".jpeg", ".png"}
MODEL = pathlib.Path(__file__).resolve().parent / "model"
DATA_CONFIG = pathlib.Path(os.environ.get("WAGGLE_DATA_CONFIG_PATH", "/run/waggle/data-config.json"))

log = logging.getLogger("smoke-detector")


class Unreadable(Exception):
    """An input cannot be read; the message says which and why."""


class BadModel(Exception):
    """The model cannot be used; the message says why."""


def load_model(folder):
    """The weights and their sha256, after comparing the file with the manifest that training wrote beside it."""
    path = folder / "model.npz"
    try:
        content = path.read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        expected = {entry["path"]: entry["sha256"] for entry in json.loads((folder / "manifest.json").read_text())}[path.name]
        if digest != expected:
            raise BadModel(f"{path} has the sha256 {digest}, its manifest says {expected}: train again, or take both from one run")
        return network.load(io.BytesIO(content)), digest
    except FileNotFoundError as error:
        raise BadModel(f"there is no {error.filename}: train first (README.md, 'Train'), then put the model into app/model and build again") from error
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise BadModel(f"the model in {folder} cannot be used: {error}") from error


def list_pictures(names):
    """Files as they are, folders as the pictures in them by name. Returns paths, and what is wrong with the rest."""
    paths, wrong = [], []
    for path in map(pathlib.Path, names):
        if path.is_dir():
            found = sorted(file for file in path.iterdir() if file.suffix.lower() in SUFFIXES)
            paths += found
            if not found:
                wrong.append(f"the folder {path} holds no picture ({', '.join(sorted(SUFFIXES))})")
        else:
            paths.append(path)
    return paths, wrong


def camera_address(camera):
    """What the node's data-config.json says about a camera name; an address is taken as it is."""
    if "://" in camera:
        return camera
    try:
        for section in json.loads(DATA_CONFIG.read_text()):
            if section["match"].get("id") == camera:
                return section["handler"]["args"]["url"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise Unreadable(f"camera {camera}: {DATA_CONFIG} cannot be read: {error}") from error
    raise Unreadable(f"camera {camera}: {DATA_CONFIG} does not name it")


def camera_label(camera):
    """A camera's name for messages and logs: of an address host and path only, for it may hold a password."""
    parts = urllib.parse.urlsplit(camera)
    return f"{parts.hostname or ''}{parts.path}" if parts.scheme else camera


def fetch_snapshot(camera):
    """One picture from a camera that answers http, https or file. pywaggle's own Camera also speaks rtsp, but needs OpenCV."""
    address = camera_address(camera)
    scheme = urllib.parse.urlsplit(address).scheme
    if scheme not in ("http", "https", "file"):
        raise Unreadable(f"camera {camera_label(camera)}: {scheme or 'no scheme'} is neither http nor file; for rtsp add python3-opencv and use waggle.data.vision.Camera")
    try:
        with urllib.request.urlopen(address, timeout=10) as answer:
            return answer.read()
    except (OSError, ValueError) as error:
        raise Unreadable(f"camera {camera_label(camera)} gives no picture: {error}") from error


def read_file(path):
    try:
        return path.read_bytes()
    except OSError as error:
        raise Unreadable(f"{path} cannot be read: {error.strerror}") from error


def decode(content, name):
    """The bytes of a JPEG or PNG file as the network takes pictures."""
    try:
        with Image.open(io.BytesIO(content), formats=("JPEG", "PNG")) as image:
            return network.read_pixels(image)
    except UnidentifiedImageError as error:
        raise Unreadable(f"{name} is neither a JPEG nor a PNG picture") from error
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:  # Pillow raises all of these for damaged files
        raise Unreadable(f"{name} is a damaged picture: {error}") from error


def look(plugin, model, name, fetch, meta, threshold):
    """One picture: read it, ask the network, publish, upload. `fetch` returns the bytes of a file called `name`."""
    weights, digest = model
    with plugin.timeit("plugin.duration.input"):
        content = fetch()
        timestamp = get_timestamp()
        picture = decode(content, name)
    with plugin.timeit("plugin.duration.inference"):
        probability = float(network.probability(weights, picture[None])[0])
    if not pathlib.Path(name).suffix:  # a camera's name
        name += ".png" if content.startswith(b"\x89PNG") else ".jpg"
    meta = {**meta, "filename": name, "model": digest[:12]}
    plugin.publish("env.smoke.probability", probability, meta=meta, timestamp=timestamp)
    log.info("%s: smoke with a probability of %.3f", name, probability)
    if probability >= threshold:
        with tempfile.TemporaryDirectory() as folder:  # an upload takes the file away, and inputs may be read-only
            copy = pathlib.Path(folder, name)
            copy.write_bytes(content)
            plugin.upload_file(copy, meta={**meta, "probability": f"{probability:.3f}"}, timestamp=timestamp)


def sources(arguments):
    """What to look at in one round: (name, a function that returns the bytes, meta), and what is wrong with the rest."""
    paths, wrong = list_pictures(arguments.input)
    found = [(path.name, lambda path=path: read_file(path), {}) for path in paths]
    for camera in arguments.camera:
        label = camera_label(camera)
        found.append((re.sub(r"[^A-Za-z0-9_.-]+", "_", label), lambda camera=camera: fetch_snapshot(camera), {"camera": label}))
    return found, wrong


def run_round(plugin, model, arguments):
    """Looks at everything once. Ends with the heartbeat, which is how a silent sky differs from a dead plugin. Returns the errors."""
    found, errors = sources(arguments)
    seen = 0
    for name, fetch, meta in found:
        try:
            look(plugin, model, name, fetch, meta, arguments.threshold)
            seen += 1
        except Unreadable as error:
            errors.append(str(error))
    for error in errors:
        log.error("%s", error)
    plugin.publish("plugin.heartbeat", seen, meta={"errors": str(len(errors)), "model": model[1][:12]})
    return errors


def run(plugin, arguments):
    try:
        with plugin.timeit("plugin.duration.loadmodel"):
            model = load_model(arguments.model)
    except BadModel as error:
        log.error("%s", error)
        plugin.publish("plugin.heartbeat", 0, meta={"errors": "1", "model": "none"})
        return EX_CONFIG
    while True:
        errors = run_round(plugin, model, arguments)
        if not arguments.every:
            return EX_NOINPUT if errors else 0
        time.sleep(arguments.every)


def share(text):
    value = float(text)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 1")
    return value


def seconds(text):
    value = float(text)
    if not 0 <= value <= 86400:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 86400")
    return value


def read_arguments(argv=None):
    """Every option also with one dash: that is how the Sage Portal's job form writes them."""
    description, _, rest = __doc__.partition("\n\n")
    parser = argparse.ArgumentParser(prog="smoke-detector", description=description, epilog=rest, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-input", "--input", nargs="+", action="extend", default=[], metavar="PATH", help="picture files, or folders of them (JPEG, PNG)")
    parser.add_argument("-camera", "--camera", action="append", default=[], metavar="NAME", help="a camera that the node knows, or an http, https or file address; may be given again")
    parser.add_argument("-threshold", "--threshold", type=share, default=0.5, metavar="P", help="upload pictures from this probability on (default: %(default)s)")
    parser.add_argument("-every", "--every", type=seconds, default=0, metavar="SECONDS", help="look again after so many seconds, until stopped (default: look once)")
    parser.add_argument("-model", "--model", type=pathlib.Path, default=MODEL, metavar="FOLDER", help="folder with model.npz and manifest.json (default: %(default)s)")
    parser.add_argument("-debug", "--debug", action="store_true", help="log every message and connection")
    arguments = parser.parse_args(argv)
    if not arguments.input and not arguments.camera:
        parser.error("nothing to look at: give --input or --camera")
    return arguments


def main(argv=None):
    arguments = read_arguments(argv)
    logging.basicConfig(level=logging.DEBUG if arguments.debug else logging.INFO, format="%(levelname)s %(message)s")
    logging.getLogger("PIL").setLevel(logging.INFO)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # as SystemExit, so that leaving `with Plugin()` sends what waits
    with Plugin() as plugin:
        return run(plugin, arguments)


if __name__ == "__main__":
    sys.exit(main())
