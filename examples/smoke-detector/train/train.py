#!/usr/bin/env python3
"""Trains the smoke network and evaluates it.

In the pipeline this runs in a container: data under /opt/ml/input/data, settings under /opt/ml/input/config, the model goes to
/opt/ml/model, checkpoints to /opt/ml/checkpoints, everything that people and gates read to /opt/ml/output. By hand:

    python3 train/train.py --root /tmp/smoke --data data/smoke

Exit codes: 0 trained (whether the model is good enough is for the gates to say), 1 failed (the reason is in output/failure),
75 stopped by SIGTERM with a checkpoint: the same command goes on from there, and ends with the same model.
"""
import argparse
import hashlib
import json
import os
import pathlib
import signal
import subprocess
import sys
import traceback

import numpy as np

import dataset
import network
import report

EX_TEMPFAIL = 75
DEFAULTS = {"epochs": 12, "batch": 32, "rate": 0.006, "decay": 0.01}
DOUBLE = np.float64  # in single precision two processors end with different models, in double they differ by a millionth


class Stopped(Exception):
    """SIGTERM came; a checkpoint is written."""


def start_weights(rng):
    """Small random weights, so scaled that every layer passes on about as much as it gets; biases start at zero."""
    return {name: rng.normal(0, (2 / shape[0]) ** 0.5, shape) if name.startswith("w") else np.zeros(shape) for name, shape in network.shapes().items()}


def gradients(weights, pictures, labels):
    """Cross-entropy of a batch and its derivative by every weight."""
    odds, (kept, strongest) = network.forward(weights, pictures)
    loss = np.mean(np.logaddexp(0, odds) - labels * odds)
    wrong = (1 / (1 + np.exp(-odds)) - labels) / len(labels)
    grads = {"w": strongest.T @ wrong, "b": np.array([wrong.sum()])}
    last = kept[-1][1]
    back = np.outer(wrong, weights["w"])[:, None, None] * (last == strongest[:, None, None])
    for layer in range(len(kept), 0, -1):
        columns, out = kept[layer - 1]
        back = back * (out > 0)
        rows = back.reshape(-1, back.shape[-1])
        grads[f"w{layer}"] = columns.reshape(-1, columns.shape[-1]).T @ rows
        grads[f"b{layer}"] = rows.sum(0)
        if layer > 1:
            back = unpatch(back @ weights[f"w{layer}"].T, kept[layer - 2][1].shape)
    return loss, grads


def unpatch(columns, shape):
    """The transpose of network.patches: adds every neighbourhood back to the pixels that it was taken from."""
    n, h, w, c = shape
    padded = np.zeros((n, h + 1, w + 1, c))
    for place in range(9):
        i, j = divmod(place, 3)
        padded[:, i : i + h : 2, j : j + w : 2] += columns[..., place * c : (place + 1) * c]
    return padded[:, :h, :w]


def augment(pictures, rng):
    """Shifts and mirrors pictures sideways and changes their colour a little: smoke does not care."""
    n, side = pictures.shape[:2]
    columns = np.clip(np.arange(side) + rng.integers(-6, 7, (n, 1)), 0, side - 1)
    columns = np.where(rng.random((n, 1)) < 0.5, columns, columns[:, ::-1])
    moved = np.take_along_axis(pictures, columns[:, None, :, None], axis=2)
    return moved * rng.normal(1, 0.05, (n, 1, 1, 3)).astype(np.float32)


def adam(weights, grads, mean, square, step, rate, decay):
    """One step of Adam with decoupled weight decay (Loshchilov and Hutter 2019), in place."""
    for name, grad in grads.items():
        mean[name] = 0.9 * mean[name] + 0.1 * grad
        square[name] = 0.99 * square[name] + 0.01 * grad**2
        move = mean[name] / (1 - 0.9**step) / (np.sqrt(square[name] / (1 - 0.99**step)) + 1e-8)
        weights[name] = weights[name] - rate * (move + decay * weights[name])


def save_checkpoint(path, state, weights, mean, square):
    arrays = {f"{kind}:{name}": array for kind, group in (("weights", weights), ("mean", mean), ("square", square)) for name, array in group.items()}
    half = path.with_suffix(".part")  # a kill in the middle must not leave half a checkpoint under the good name
    with open(half, "wb") as file:
        np.savez(file, state=np.array(json.dumps(state)), **arrays)
    os.replace(half, path)


def load_checkpoint(path, state):
    """The step and the arrays of a checkpoint of the same run, or None: other settings, seed or data start anew."""
    if not path.exists():
        return None
    with np.load(path, allow_pickle=False) as file:
        saved = json.loads(str(file["state"]))
        if any(saved.get(key) != value for key, value in state.items()):
            print("the checkpoint belongs to other settings or data: starting anew", flush=True)
            return None
        groups = {"weights": {}, "mean": {}, "square": {}}
        for key in file.files:
            if ":" in key:
                kind, name = key.split(":")
                groups[kind][name] = file[key]
    return saved["step"], groups["weights"], groups["mean"], groups["square"]


def train(data, settings, seed, checkpoint, identity, stop):
    """Batches, Adam, a falling rate. Whatever is drawn at random follows from (seed, epoch), so a resumed run equals an unbroken one."""
    pictures, labels = data["train"].pictures, data["train"].labels
    per_epoch = len(pictures) // settings["batch"]
    total = per_epoch * settings["epochs"]
    resumed = load_checkpoint(checkpoint, identity)
    if resumed:
        step, weights, mean, square = resumed
        print(f"resuming at step {step} of {total}", flush=True)
    else:
        step, weights = 0, start_weights(np.random.default_rng([seed, 0]))
        mean, square = ({name: np.zeros_like(array) for name, array in weights.items()} for _ in range(2))
    while step < total:
        epoch = step // per_epoch
        rng = np.random.default_rng([seed, 1, epoch])
        order = rng.permutation(len(pictures))[: per_epoch * settings["batch"]].reshape(per_epoch, -1)
        changed = augment(pictures, rng)
        losses = []
        for batch in order[step % per_epoch :]:
            loss, grads = gradients(weights, changed[batch].astype(DOUBLE), labels[batch])
            losses.append(loss)
            step += 1
            falling = settings["rate"] * 0.5 * (1 + np.cos(np.pi * step / total))
            adam(weights, grads, mean, square, step, falling, settings["decay"])
            if stop:
                save_checkpoint(checkpoint, {**identity, "step": step}, weights, mean, square)
                raise Stopped(f"stopped by SIGTERM at step {step} of {total}; the checkpoint is saved")
        save_checkpoint(checkpoint, {**identity, "step": step}, weights, mean, square)
        correct = np.mean((network.probability(weights, data["validation"].pictures) >= 0.5) == data["validation"].labels)
        print(f"epoch {epoch + 1}/{settings['epochs']}: loss {np.mean(losses):.3f}, validation accuracy {correct:.3f}", flush=True)
    return {name: array.astype(np.float32) for name, array in weights.items()}, step


def save_model(folder, weights):
    """model.npz (plain arrays, no pickle) and the manifest by which the build knows what it was handed."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "model.npz"
    with open(path, "wb") as file:
        np.savez(file, **weights)
    content = path.read_bytes()
    side = network.SIDE
    entry = {
        "path": path.name,
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "format": "npz",
        "precision": "float32",
        "quantization": None,
        "io": {
            "inputs": [{"name": "pictures", "dtype": "float32", "shape": ["n", side, side, 3], "range": [0, 1]}],
            "outputs": [{"name": "probability", "dtype": "float32", "shape": ["n"], "range": [0, 1]}],
        },
        "parameters": int(sum(array.size for array in weights.values())),
        "target": ["linux/amd64", "linux/arm64", "linux/arm/v7"],
    }
    (folder / "manifest.json").write_text(json.dumps([entry], indent=2) + "\n")
    return entry


def evaluate(root, data_folder, output):
    """Runs the tests in evaluation/ on the saved model, as JUnit. A test that fails is a finding for the gates, not an error here."""
    here = pathlib.Path(__file__).resolve().parent
    junit = output / "eval" / "junit.xml"
    command = [sys.executable, "-m", "pytest", "-q", "--tb=short", "-p", "no:cacheprovider", "-o", "junit_family=xunit1", f"--junitxml={junit}", str(here / "evaluation")]
    places = {"SMOKE_MODEL": str(root / "model"), "SMOKE_DATA": str(data_folder), "PYTHONDONTWRITEBYTECODE": "1"}
    code = subprocess.run(command, cwd=here, env={**os.environ, **places}).returncode
    if code not in (0, 1):
        raise RuntimeError(f"pytest ended with {code}: the evaluation did not run")


def read_settings(path):
    settings = {**DEFAULTS, **(json.loads(path.read_text()) if path.exists() else {})}
    unknown = sorted(set(settings) - set(DEFAULTS))
    if unknown:
        raise ValueError(f"hyperparameters that do not exist: {', '.join(unknown)}; there are {', '.join(DEFAULTS)}")
    return {name: type(DEFAULTS[name])(value) for name, value in settings.items()}  # SageMaker hands over strings


def run(root, data_folder, output, stop):
    settings = read_settings(root / "input/config/hyperparameters.json")
    seed = int(os.environ.get("CTSS_SEED", "1"))
    digest = dataset.digest(data_folder)
    data = dataset.load(data_folder)
    counts = ", ".join(f"{len(split.labels)} {name}" for name, split in data.items())
    print(f"data sha256:{digest[:12]}: {counts}; seed {seed}, attempt {os.environ.get('CTSS_ATTEMPT', '1')}, {settings}", flush=True)

    checkpoint = root / "checkpoints" / "last.npz"
    checkpoint.parent.mkdir(parents=True, exist_ok=True)
    identity = {**settings, "seed": seed, "dataset": digest}
    weights, step = train(data, settings, seed, checkpoint, identity, stop)
    entry = save_model(root / "model", weights)
    result = report.result(weights, data, settings, seed, digest, step)
    report.write(output, result, report.slices(weights, data), entry, len(data["train"].labels), data_folder)
    evaluate(root, data_folder, output)
    accuracy = result["metrics"]["accuracy"]
    print(f"test accuracy {accuracy['value']:.3f} (95 % between {accuracy['ci95'][0]:.3f} and {accuracy['ci95'][1]:.3f}); model sha256:{entry['sha256'][:12]}", flush=True)


def main():
    parser = argparse.ArgumentParser(description="Trains and evaluates the smoke network (see the top of this file).")
    parser.add_argument("--root", type=pathlib.Path, default="/opt/ml", help="where input/, model/, checkpoints/ and output/ are (default: %(default)s)")
    parser.add_argument("--data", type=pathlib.Path, help="the data set (default: input/data/smoke under the root)")
    arguments = parser.parse_args()
    root = arguments.root
    output = pathlib.Path(os.environ.get("CTSS_OUTPUT_DIR", root / "output"))
    output.mkdir(parents=True, exist_ok=True)
    (output / "failure").unlink(missing_ok=True)
    stop = []
    signal.signal(signal.SIGTERM, lambda *_: stop.append(True))
    try:
        run(root, (arguments.data or root / "input/data/smoke").resolve(), output, stop)
    except Stopped as stopped:
        print(stopped, flush=True)
        return EX_TEMPFAIL
    except Exception as error:
        traceback.print_exc()
        (output / "failure").write_text(f"{type(error).__name__}: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
