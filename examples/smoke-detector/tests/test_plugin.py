"""The plugin without a node: pywaggle writes to a folder (PYWAGGLE_LOG_DIR), the model is made of random numbers.

    pip install -r requirements.txt --no-deps && pip install numpy pillow pika pytest
    python3 -m pytest tests
"""
import csv
import hashlib
import json
import os
import pathlib
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image

HERE = pathlib.Path(__file__).resolve().parent
INPUTS = HERE / "inputs"
sys.path.insert(0, str(HERE.parent / "app"))
sys.path.insert(0, str(HERE))
import cut_inputs  # noqa: E402
import network  # noqa: E402


@pytest.fixture
def model(tmp_path):
    """A folder with a model that works but has learnt nothing: it answers 0.5 to everything."""
    folder = tmp_path / "model"
    folder.mkdir()
    np.savez(folder / "model.npz", **{name: np.zeros(shape, np.float32) for name, shape in network.shapes().items()})
    digest = hashlib.sha256((folder / "model.npz").read_bytes()).hexdigest()
    (folder / "manifest.json").write_text(json.dumps([{"path": "model.npz", "sha256": digest}]))
    return folder


def environment(log):
    return {**os.environ, "PYWAGGLE_LOG_DIR": str(log), "WAGGLE_PLUGIN_HOST": "127.0.0.1", "WAGGLE_PLUGIN_PORT": "9", "TZ": "UTC"}


def run(tmp_path, *arguments, **more):
    """Runs the plugin. Returns its exit code, what it said, and what it published by name."""
    log = tmp_path / "log"
    done = subprocess.run([sys.executable, HERE.parent / "app" / "main.py", *map(str, arguments)], env={**environment(log), **more}, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stderr, published(log)


def published(log):
    messages = {}
    data = log / "data.ndjson"
    for line in data.read_text().splitlines() if data.exists() else []:
        message = json.loads(line)
        messages.setdefault(message["name"], []).append(message)
    return messages


def test_publishes_one_probability_per_picture_in_order(tmp_path, model):
    code, _, messages = run(tmp_path, "--input", INPUTS, "--model", model, "--threshold", "0.6")
    assert code == 0
    assert [m["meta"]["filename"] for m in messages["env.smoke.probability"]] == sorted(p.name for p in INPUTS.iterdir())
    assert [m["value"] for m in messages["env.smoke.probability"]] == [0.5] * 4
    assert messages["plugin.heartbeat"][0]["value"] == 4
    assert len(messages["plugin.duration.inference"]) == 4
    assert "upload" not in messages


def test_uploads_from_the_threshold_on_and_leaves_the_input_alone(tmp_path, model):
    picture = tmp_path / "here.png"
    Image.new("RGB", (640, 480), "grey").save(picture)
    code, _, messages = run(tmp_path, "-input", picture, "-threshold", "0.5", "--model", model)
    assert code == 0 and picture.exists()
    assert messages["upload"][0]["meta"]["filename"] == "here.png"
    assert messages["upload"][0]["timestamp"] == messages["env.smoke.probability"][0]["timestamp"]


def test_takes_a_camera_from_the_data_config(tmp_path, model):
    config = tmp_path / "data-config.json"
    url = (INPUTS / "01-smoke-day.png").as_uri()
    config.write_text(json.dumps([{"match": {"id": "bottom_camera"}, "handler": {"type": "image", "args": {"url": url}}}]))
    code, _, messages = run(tmp_path, "--camera", "bottom_camera", "--model", model, WAGGLE_DATA_CONFIG_PATH=str(config))
    assert code == 0
    meta = messages["env.smoke.probability"][0]["meta"]
    assert meta["camera"] == "bottom_camera" and meta["filename"] == "bottom_camera.png"


def test_names_a_camera_that_the_node_does_not_have(tmp_path, model):
    config = tmp_path / "data-config.json"
    config.write_text("[]")
    code, said, messages = run(tmp_path, "--camera", "top_camera", "--model", model, WAGGLE_DATA_CONFIG_PATH=str(config))
    assert code == 66 and "does not name it" in said
    assert messages["plugin.heartbeat"][0]["value"] == 0


def test_never_shows_a_password_in_a_camera_address(tmp_path, model):
    code, said, messages = run(tmp_path, "--camera", "http://user:secret@127.0.0.1:9/image.jpg", "--model", model)
    assert code == 66
    assert "secret" not in said + json.dumps(messages)


@pytest.mark.parametrize(
    "content, message",
    [(None, "No such file"), (b"no picture", "neither a JPEG nor a PNG"), (b"", "neither a JPEG nor a PNG"), ((INPUTS / "01-smoke-day.png").read_bytes()[:1500], "damaged picture")],
    ids=["missing", "other", "empty", "cut off"],
)
def test_says_which_picture_is_bad_and_looks_at_the_others(tmp_path, model, content, message):
    bad = tmp_path / "bad.png"
    if content is not None:
        bad.write_bytes(content)
    code, said, messages = run(tmp_path, "--input", bad, INPUTS / "02-clear-dusk.png", "--model", model)
    assert code == 66 and "bad.png" in said and message in said and "Traceback" not in said
    assert len(messages["env.smoke.probability"]) == 1
    assert messages["plugin.heartbeat"][0]["value"] == 1 and messages["plugin.heartbeat"][0]["meta"]["errors"] == "1"


def test_says_that_a_folder_is_empty(tmp_path, model):
    (tmp_path / "none").mkdir()
    code, said, messages = run(tmp_path, "--input", tmp_path / "none", "--model", model)
    assert code == 66 and "holds no picture" in said
    assert messages["plugin.heartbeat"][0]["value"] == 0


def test_says_that_the_model_is_missing(tmp_path):
    code, said, messages = run(tmp_path, "--input", INPUTS, "--model", tmp_path / "nowhere")
    assert code == 78 and "train first" in said and "Traceback" not in said
    assert messages["plugin.heartbeat"][0]["meta"]["model"] == "none"


def test_refuses_a_model_that_differs_from_its_manifest(tmp_path, model):
    with open(model / "model.npz", "ab") as file:
        file.write(b"more")
    code, said, _ = run(tmp_path, "--input", INPUTS, "--model", model)
    assert code == 78 and "its manifest says" in said


def test_refuses_a_pickle_in_the_model(tmp_path, model):
    np.savez(model / "model.npz", w=np.array([print], dtype=object))
    digest = hashlib.sha256((model / "model.npz").read_bytes()).hexdigest()
    (model / "manifest.json").write_text(json.dumps([{"path": "model.npz", "sha256": digest}]))
    code, said, _ = run(tmp_path, "--input", INPUTS, "--model", model)
    assert code == 78 and "cannot be used" in said


@pytest.mark.parametrize("arguments", [[], ["--threshold", "2", "--input", "x"], ["--every", "-1", "--input", "x"]])
def test_refuses_wrong_arguments_with_code_2(tmp_path, arguments):
    assert run(tmp_path, *arguments)[0] == 2


def test_ends_on_sigterm_between_two_looks(tmp_path, model):
    log = tmp_path / "log"
    command = [sys.executable, HERE.parent / "app" / "main.py", "--input", INPUTS, "--model", model, "--every", "3600"]
    plugin = subprocess.Popen(command, env=environment(log), stderr=subprocess.DEVNULL)
    for _ in range(300):
        if "plugin.heartbeat" in published(log):
            break
        time.sleep(0.1)
    plugin.send_signal(signal.SIGTERM)
    assert plugin.wait(timeout=30) == 143
    assert len(published(log)["env.smoke.probability"]) == 4


def test_inputs_are_pictures_of_the_test_split_pixel_by_pixel():
    with open(HERE / "inputs.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["file"] for row in rows] == sorted(path.name for path in INPUTS.iterdir())
    for row in rows:
        assert row["split"] == "test" and row["sheet"].startswith("test-")
        with Image.open(INPUTS / row["file"]) as image:
            assert image.convert("RGB").tobytes() == cut_inputs.cut(row["sheet"], int(row["tile"])).tobytes()
