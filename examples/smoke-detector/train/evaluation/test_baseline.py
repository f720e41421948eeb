"""The model against the simplest thing that could work."""
import numpy as np

import baseline


def test_beats_mean_colour_and_is_not_perfect(data, predict, measure):
    """If mean colour were enough, no network would be needed; if the model were perfect, the test would be too easy."""
    test = data["test"]
    accuracy = measure("accuracy", np.mean((predict(test.pictures) >= 0.5) == test.labels))
    plain = measure("mean_colour_accuracy", np.mean(baseline.mean_colour_verdicts(data["train"], test) == test.labels))
    assert plain < 0.75
    assert 0.90 <= accuracy < 1.00
