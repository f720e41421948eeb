"""Minimum functionality: easy cases that every useful smoke detector gets right."""
import numpy as np
import pytest

CONDITIONS = ("day", "dusk", "night", "haze")
CLOUDS = ("heap", "layer", "tower", "fog")


def chosen(split, **wanted):
    return split.pictures[[all(row[key] == value for key, value in wanted.items()) for row in split.rows]]


@pytest.mark.parametrize("condition", CONDITIONS)
def test_sees_thick_smoke(data, predict, measure, condition):
    pictures = chosen(data["contrast"], condition=condition, density="0.9", cloud="none")
    share = measure("found", np.mean(predict(pictures) >= 0.5))
    assert share >= 0.8


@pytest.mark.parametrize("condition", CONDITIONS)
def test_is_calm_under_an_empty_sky(data, predict, measure, condition):
    pictures = chosen(data["test"], condition=condition, label="0", cloud="none")
    share = measure("false_alarms", np.mean(predict(pictures) >= 0.5))
    assert share <= 0.15


@pytest.mark.parametrize("cloud", CLOUDS)
def test_tells_clouds_from_smoke(data, predict, measure, cloud):
    pictures = chosen(data["test"], label="0", cloud=cloud)
    share = measure("false_alarms", np.mean(predict(pictures) >= 0.5))
    assert share <= 0.3  # a tower that stands on the horizon is the hardest


def test_answers_a_probability_to_any_picture(predict):
    side = 48
    odd = [np.zeros((side, side, 3)), np.ones((side, side, 3)), np.random.default_rng(0).random((side, side, 3)), np.eye(side)[:, :, None].repeat(3, 2)]
    answers = predict(odd)
    assert np.all(np.isfinite(answers)) and np.all((answers >= 0) & (answers <= 1))
