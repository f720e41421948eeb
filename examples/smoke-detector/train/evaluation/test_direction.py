"""Direction: in the same scene, more smoke must never make smoke less probable."""
import numpy as np
import pytest

CONDITIONS = ("day", "dusk", "night", "haze")


def by_density(split, condition):
    """Pictures of the same scenes without, with thin, with thick smoke."""
    return [split.pictures[[row["condition"] == condition and row["density"] == density for row in split.rows]] for density in ("0.0", "0.45", "0.9")]


@pytest.mark.parametrize("condition", CONDITIONS)
def test_smoke_raises_the_probability(data, predict, measure, condition):
    without, thin, _ = (predict(pictures) for pictures in by_density(data["contrast"], condition))
    share = measure("raised", np.mean(thin > without))
    assert share >= 0.8


@pytest.mark.parametrize("condition", CONDITIONS)
def test_thicker_smoke_raises_it_further(data, predict, measure, condition):
    _, thin, thick = (predict(pictures) for pictures in by_density(data["contrast"], condition))
    share = measure("raised", np.mean(thick > thin))
    assert share >= 0.8
