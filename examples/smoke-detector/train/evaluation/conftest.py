"""What all evaluation tests share: the trained model, the test data, and a category for each test in the JUnit file."""
import os
import pathlib
import sys

import numpy as np
import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import dataset  # noqa: E402
import network  # noqa: E402

CATEGORIES = {
    "test_baseline": "standard",
    "test_minimum_functionality": "minimum functionality",
    "test_invariance": "invariance",
    "test_direction": "direction",
}


@pytest.fixture(autouse=True)
def category(request, record_property):
    """Sorts the test into one of the kinds that the report shows."""
    record_property("category", CATEGORIES[request.module.__name__.split(".")[-1]])


@pytest.fixture(scope="session")
def data():
    return dataset.load(os.environ["SMOKE_DATA"])


@pytest.fixture(scope="session")
def predict():
    """Probabilities for pictures, by the saved model: what the plugin will load, not what training had in memory."""
    weights = network.load(pathlib.Path(os.environ["SMOKE_MODEL"]) / "model.npz")
    return lambda pictures: network.probability(weights, np.asarray(pictures, np.float32))


@pytest.fixture
def measure(record_property):
    """Records a figure beside the test and prints it, so that a failure is more than a yes or no."""

    def record(name, value):
        record_property(name, f"{float(value):.4f}")
        print(f"{name} {float(value):.4f}")
        return float(value)

    return record
