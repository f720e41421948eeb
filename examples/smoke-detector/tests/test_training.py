"""The training container's contract, without a container: one epoch on the real data."""
import csv
import hashlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

import pytest

HERE = pathlib.Path(__file__).resolve().parent
DATA = HERE.parent / "data" / "smoke"


def start(root, seed="7", data=DATA):
    (root / "input/config").mkdir(parents=True, exist_ok=True)
    (root / "input/config/hyperparameters.json").write_text('{"epochs": 1}')
    places = {"CTSS_SEED": seed, "CTSS_OUTPUT_DIR": str(root / "output"), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, HERE.parent / "train" / "train.py", "--root", root, "--data", data]
    return subprocess.Popen(command, env={**os.environ, **places}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def finish(process):
    said, _ = process.communicate(timeout=300)
    return process.returncode, said


def digest(root):
    return hashlib.sha256((root / "model/model.npz").read_bytes()).hexdigest()


def test_leaves_what_the_contract_asks_for(tmp_path):
    code, said = finish(start(tmp_path))
    assert code == 0, said
    (entry,) = json.loads((tmp_path / "model/manifest.json").read_text())
    assert entry["sha256"] == digest(tmp_path) and entry["bytes"] == (tmp_path / "model/model.npz").stat().st_size
    result = json.loads((tmp_path / "output/result.json").read_text())
    assert result["schema"] == "ctss.result/v1" and result["seed"] == 7 and result["metrics"]["accuracy"]["n"] == 800
    slices = json.loads((tmp_path / "output/eval/slices.json").read_text())
    assert {row["slice"] for row in slices} >= {"day", "dusk", "night", "haze"}
    assert all(row["ci95"][0] <= row["value"] <= row["ci95"][1] for row in slices)
    junit = (tmp_path / "output/eval/junit.xml").read_text()
    assert all(f'name="category" value="{kind}"' in junit for kind in ("minimum functionality", "invariance", "direction", "standard"))
    assert (tmp_path / "output/README.md").read_text().startswith("---\nlicense: apache-2.0\n")
    assert not (tmp_path / "output/failure").exists()


def test_stopped_and_resumed_it_ends_with_the_same_model(tmp_path):
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    first = start(broken)
    first.stdout.readline()  # the data is read, training begins
    time.sleep(1)
    first.send_signal(signal.SIGTERM)
    code, said = finish(first)
    assert code == 75 and "the checkpoint is saved" in said
    assert not (broken / "model").exists()
    code, said = finish(start(broken))
    assert code == 0 and "resuming at step" in said
    assert finish(start(whole))[0] == 0
    assert digest(broken) == digest(whole)


def without_labels(folder):
    (folder / "labels.csv").unlink()


def with_a_damaged_sheet(folder):
    (folder / "train-day.jpg").write_bytes(b"no picture")


@pytest.mark.parametrize("damage, message", [(without_labels, "labels.csv"), (with_a_damaged_sheet, "cannot identify")])
def test_says_in_output_failure_why_it_failed(tmp_path, damage, message):
    data = tmp_path / "data"
    shutil.copytree(DATA, data)
    damage(data)
    code, _ = finish(start(tmp_path / "root", data=data))
    assert code == 1
    assert message in (tmp_path / "root/output/failure").read_text()


def test_learns_nothing_from_shuffled_labels(tmp_path):
    """What the gate is there for: the accuracy in result.json tells a broken training from a good one."""
    data = tmp_path / "data"
    shutil.copytree(DATA, data)
    with open(data / "labels.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    for number, row in enumerate(row for row in rows if row["split"] == "train"):
        row["label"] = number // 2 % 2
    with open(data / "labels.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, rows[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    code, _ = finish(start(tmp_path / "root", data=data))
    assert code == 0
    assert json.loads((tmp_path / "root/output/result.json").read_text())["metrics"]["accuracy"]["value"] < 0.6
