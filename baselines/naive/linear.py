"""`linear`: logistic regression on the clip's mean frame, its penalty chosen on the validation part."""

from typing import Any

import numpy as np

from baselines._declaration import Fitted

PENALTIES = (1e-3, 1e-2, 1e-1, 1.0, 10.0)  # scikit-learn's C


def declare(input_size: int) -> Fitted:
    return Fitted(linear=True)


def fit(x: np.ndarray, y: np.ndarray, validation_x: np.ndarray, validation_y: np.ndarray) -> tuple[Any, dict]:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    tried = [
        make_pipeline(StandardScaler(), LogisticRegression(C=penalty, max_iter=5000)).fit(x, y) for penalty in PENALTIES
    ]
    estimator = max(tried, key=lambda candidate: candidate.score(validation_x, validation_y))
    scaler, regression = estimator
    arrays = {"weight": regression.coef_, "bias": regression.intercept_, "mean": scaler.mean_, "scale": scaler.scale_}
    return estimator, {name: np.asarray(array, np.float32) for name, array in arrays.items()}
