"""What training leaves for people and gates: result.json, eval/slices.json, the model card, the data's description."""
import json
import shutil

import numpy as np

import baseline
import network

CONDITIONS = ("day", "dusk", "night", "haze")


def wilson(hits, n):
    """The 95 % interval of a share (Wilson 1927): unlike the plain one it stays inside 0 to 1."""
    z = 1.959964
    middle = (hits + z * z / 2) / (n + z * z)
    half = z / (n + z * z) * np.sqrt(hits * (n - hits) / n + z * z / 4)
    return [round(float(middle - half), 4), round(float(middle + half), 4)]


def share(hits, split="test"):
    """A share of pictures as result.json wants it."""
    return {"value": round(float(np.mean(hits)), 4), "unit": "1", "better": "higher", "split": split, "n": len(hits), "ci95": wilson(int(np.sum(hits)), len(hits))}


def result(weights, data, settings, seed, digest, step):
    test = data["test"]
    p = network.probability(weights, test.pictures)
    seen = p >= 0.5
    clipped = np.clip(p.astype(np.float64), 1e-7, 1 - 1e-7)
    loss = -np.mean(np.where(test.labels, np.log(clipped), np.log(1 - clipped)))
    validation = (network.probability(weights, data["validation"].pictures) >= 0.5) == data["validation"].labels
    metrics = {
        "accuracy": share(seen == test.labels),
        "recall": share(seen[test.labels]),
        "specificity": share(~seen[~test.labels]),
        "cross_entropy": {"value": round(float(loss), 4), "unit": "nat", "better": "lower", "split": "test", "n": len(p)},
        "validation_accuracy": share(validation, "validation"),
        "mean_colour_accuracy": share(baseline.mean_colour_verdicts(data["train"], test) == test.labels),
    }
    return {
        "schema": "ctss.result/v1",
        "metrics": metrics,
        "params": settings,
        "seed": seed,
        "model": "model/manifest.json",
        "checkpoints": {"last": "checkpoints/last.npz", "step": step, "resumable": True},
        "dataset": {"name": "smoke", "digest": f"sha256:{digest}"},
    }


def slices(weights, data):
    """Accuracy by condition of light, and with and without clouds; `baseline` is what mean colour reaches there."""
    test = data["test"]
    correct = (network.probability(weights, test.pictures) >= 0.5) == test.labels
    plain = baseline.mean_colour_verdicts(data["train"], test) == test.labels
    members = {name: np.array([row["condition"] == name for row in test.rows]) for name in CONDITIONS}
    cloudy = np.array([row["cloud"] != "none" for row in test.rows])
    members |= {"clouds": cloudy, "no clouds": ~cloudy}
    return [row(name, correct[of], plain[of]) for name, of in members.items()]


def row(name, correct, plain):
    hits, n = int(correct.sum()), len(correct)
    return {"slice": name, "n": n, "metric": "accuracy", "value": round(hits / n, 4), "ci95": wilson(hits, n), "baseline": round(float(plain.mean()), 4)}


CARD = """---
license: apache-2.0
library_name: numpy
pipeline_tag: image-classification
tags: [smoke, wildfire, sage, waggle, synthetic]
datasets: [smoke]
metrics: [accuracy, recall]
model-index:
  - name: smoke-detector
    results:
      - task: {{type: image-classification, name: Smoke in a picture of the sky}}
        dataset: {{type: smoke, name: Synthetic smoke, split: test, revision: "{digest}"}}
        metrics:
          - {{type: accuracy, value: {accuracy[value]}}}
          - {{type: recall, value: {recall[value]}}}
---
# smoke-detector

Says how probable it is that a picture of the sky over land shows a smoke plume.

- **Kind**: {parameters:,} weights, three 3x3 convolutions and the strongest answer of each filter, float32, numpy only.
- **Takes** a colour picture of any size (brought to {side} x {side} pixels). **Gives** a probability between 0 and 1.
- **File**: `model.npz`, sha256 `{sha256}`.

## Results on the test split

Accuracy {accuracy[value]} (95 % interval {accuracy[ci95][0]} to {accuracy[ci95][1]}, n = {accuracy[n]}), recall {recall[value]}, specificity {specificity[value]}.
A logistic regression on mean colour reaches {mean_colour_accuracy[value]} on the same pictures.

| slice | n | accuracy | 95 % interval | mean colour |
|---|---|---|---|---|
{table}

## Data

{training} training pictures of the data set `smoke`, drawn by a program with a fixed seed (CC0). No picture shows a real place.

## Limits

**Learnt from drawings: do not use it to watch for fires.** It shows how a model is trained, tested and shipped. It has seen one
plume a picture, four kinds of light, four kinds of cloud; no buildings, no rain, no dirt on the lens. Train it on pictures of your own
cameras, and let the gates in `ctss.yaml` say when it is good enough.
"""


def write(output, result, rows, model, training, data_folder):
    """Writes everything under `output`; `training` is the number of training pictures."""
    (output / "eval").mkdir(parents=True, exist_ok=True)
    (output / "dataset").mkdir(exist_ok=True)
    (output / "result.json").write_text(json.dumps(result, indent=2) + "\n")
    (output / "eval" / "slices.json").write_text(json.dumps(rows, indent=2) + "\n")
    table = "\n".join(f"| {r['slice']} | {r['n']} | {r['value']} | {r['ci95'][0]} to {r['ci95'][1]} | {r['baseline']} |" for r in rows)
    facts = {"digest": result["dataset"]["digest"], "parameters": model["parameters"], "sha256": model["sha256"], "side": network.SIDE}
    card = CARD.format(**result["metrics"], **facts, table=table, training=training)
    (output / "README.md").write_text(card)
    shutil.copyfile(data_folder / "croissant.json", output / "dataset" / "croissant.json")
