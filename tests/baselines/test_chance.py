"""The baseline `chance` against scikit-learn's classifier of the same kind."""

import numpy as np
from sklearn.dummy import DummyClassifier

from baselines.naive import chance


def test_equals_scikit_learn_bit_for_bit():
    draw = np.random.default_rng(0)
    x, y = draw.random((97, 3)), draw.choice(5, 97, p=[0.1, 0.3, 0.15, 0.25, 0.2])
    found, weights = chance.fit(x, y, x, y)
    expected = DummyClassifier(strategy="prior").fit(x, y)
    assert np.array_equal(found.predict_proba(x[:10]), expected.predict_proba(x[:10]))
    assert np.array_equal(weights["prior"], expected.class_prior_.astype(np.float32))
    others = draw.integers(0, 5, 97)
    assert found.score(x, others) == expected.score(x, others)
