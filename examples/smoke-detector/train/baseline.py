"""What a model must beat: logistic regression on the mean colour of a picture, fitted by Newton's method."""
import numpy as np


def mean_colour_verdicts(training, test):
    """Fits on the training split (pictures, labels) and returns for each test picture whether this baseline sees smoke."""
    colours = training.pictures.mean((1, 2), dtype=np.float64)
    centre, spread = colours.mean(0), colours.std(0)

    def features(pictures):
        scaled = (pictures.mean((1, 2), dtype=np.float64) - centre) / spread
        return np.column_stack([scaled, np.ones(len(pictures))])

    x, w = features(training.pictures), np.zeros(4)
    for _ in range(25):
        p = 1 / (1 + np.exp(-x @ w))
        w -= np.linalg.solve((x.T * (p * (1 - p))) @ x + 1e-6 * np.eye(4), x.T @ (p - training.labels))
    return features(test.pictures) @ w > 0
