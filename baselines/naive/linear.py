"""`linear`: logistic regression on the clip's mean frame.

Its penalty is chosen on the validation part; without one, by cross-validation within the training clips.
"""

from typing import Any

import numpy as np

from baselines._declaration import Fitted

PENALTIES = (1e-3, 1e-2, 1e-1, 1.0, 10.0)  # scikit-learn's C
FOLDS = 3  # of the cross-validation


def declare(input_size: int) -> Fitted:
    return Fitted(linear=True)


def fit(
    x: np.ndarray, y: np.ndarray, validation_x: np.ndarray | None, validation_y: np.ndarray | None
) -> tuple[Any, dict]:
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    def pipeline(penalty: float) -> Any:
        return make_pipeline(StandardScaler(), LogisticRegression(C=penalty, max_iter=5000))

    if validation_x is None:
        search = GridSearchCV(pipeline(1.0), {"logisticregression__C": PENALTIES}, cv=FOLDS).fit(x, y)
        estimator = search.best_estimator_
    else:
        tried = [pipeline(penalty).fit(x, y) for penalty in PENALTIES]
        estimator = max(tried, key=lambda candidate: candidate.score(validation_x, validation_y))
    scaler, regression = estimator
    arrays = {"weight": regression.coef_, "bias": regression.intercept_, "mean": scaler.mean_, "scale": scaler.scale_}
    return estimator, {name: np.asarray(array, np.float32) for name, array in arrays.items()}


def restore(weights: dict[str, np.ndarray]) -> Any:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    scaler, regression = StandardScaler(), LogisticRegression()
    scaler.mean_, scaler.scale_ = weights["mean"], weights["scale"]
    regression.coef_, regression.intercept_ = weights["weight"], weights["bias"]
    regression.classes_ = np.arange(max(2, len(regression.coef_)))  # two classes have one row
    return make_pipeline(scaler, regression)
