"""`linear`: logistic regression on the thumbnail, its penalty chosen on the validation part."""

import numpy as np

from baselines.naive import Declaration
from baselines.naive.thumbnails import SIZE

PARAMETERS = ()
PENALTIES = (1e-3, 1e-2, 1e-1, 1.0, 10.0)  # scikit-learn's C


def declare(**arguments) -> Declaration:
    return Declaration()  # all its weights are a classifier's


def classifier_inputs(specification):
    """Of pixels the thumbnail, of features their mean as it is."""
    return SIZE if specification.front_end == "pixels" else specification.recurrent["input_size"]


def fit(x, y, validation_x, validation_y):
    """A fitted estimator, and the arrays it keeps. x: (n, 240), y: (n,) class indices."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    tried = [
        make_pipeline(StandardScaler(), LogisticRegression(C=penalty, max_iter=5000)).fit(x, y) for penalty in PENALTIES
    ]
    estimator = max(tried, key=lambda candidate: candidate.score(validation_x, validation_y))
    scaler, regression = estimator[0], estimator[1]
    arrays = {
        "weight": regression.coef_,
        "bias": regression.intercept_,
        "mean": scaler.mean_,
        "scale": scaler.scale_,
    }
    return estimator, {name: np.asarray(array, np.float32) for name, array in arrays.items()}
