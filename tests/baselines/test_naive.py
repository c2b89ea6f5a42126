"""Naive baselines: their thumbnails and declarations."""

import subprocess
import sys

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import baselines
from baselines.naive import thumbnails

FDHT = {"input_size": 56, "hidden_size": 8, "input_modes": [8, 8], "output_modes": [2, 4], "ranks": 2}


def test_a_thumbnail_averages_blocks():
    clips = np.random.default_rng(0).integers(0, 256, (3, 2, 16, 30, 3), dtype=np.uint8)
    blocks = clips.reshape(3, 2, 8, 2, 10, 3, 3).mean(axis=(3, 5))
    found = thumbnails.of_frames(clips, 1.0, -128.0)
    assert found == pytest.approx(blocks.reshape(3, 2, 240) - 128, abs=1e-4)
    expected = blocks.mean(axis=1).reshape(3, 240) / 128 - 1
    assert thumbnails.of_clips(clips, np.array([2, 0]), None, 1 / 128, -1.0) == pytest.approx(
        expected[[2, 0]], abs=1e-6
    )


def test_blocks_may_cut_pixels_and_keep_the_mean():
    clips = np.random.default_rng(0).integers(0, 256, (2, 1, 30, 44, 3), dtype=np.uint8)
    found = thumbnails.of_frames(clips, 1.0, -128.0).reshape(2, 1, 8, 10, 3)
    assert found.mean(axis=(2, 3)) == pytest.approx(clips.mean(axis=(2, 3)) - 128, abs=1e-3)


def test_frames_after_the_end_of_a_clip_do_not_count():
    clips = np.zeros((2, 3, 8, 10, 3), np.uint8)
    clips[:, :2] = 100
    found = thumbnails.of_clips(clips, np.arange(2), np.array([2, 3]), 1.0, -128.0)
    assert found[:, 0] == pytest.approx([100 - 128, (100 + 100 + 0) / 3 - 128])


def test_a_projection_keeps_distances():
    features = np.random.default_rng(1).random((2, 1, 2048)).astype(np.float16)
    small = thumbnails.of_frames(features, 1 / 128, -1.0)
    assert small.shape == (2, 1, 240)
    true = np.linalg.norm(np.subtract(*features.astype(float)))
    assert np.linalg.norm(np.subtract(*small)) == pytest.approx(true, rel=0.15)  # 3 deviations of 1/sqrt(2*240)


@pytest.mark.parametrize("classes", [2, 5])
@pytest.mark.parametrize("validated", [True, False])
@pytest.mark.parametrize("format_", ["chance", "linear", "nearest_neighbour"])
def test_a_restored_classifier_equals_the_fitted_one(format_, validated, classes):
    draw, module = np.random.default_rng(2), baselines.FORMATS[format_]
    x, y = draw.normal(3, 2, (60, 7)).astype(np.float32), np.arange(60) % classes
    fitted, arrays = module.fit(x[:40], y[:40], *((x[40:50], y[40:50]) if validated else (None, None)))
    found = module.restore(arrays).predict_proba(x[50:])
    assert found.shape == (10, classes)
    np.testing.assert_allclose(found, fitted.predict_proba(x[50:]), atol=1e-6, rtol=0)


def test_the_nearest_neighbour_is_the_closest_training_clip():
    draw = np.random.default_rng(3)
    x, y, seen = draw.normal(size=(30, 7)), np.arange(30) % 5, draw.normal(size=(20, 7))
    closest = [int(np.argmin([np.linalg.norm(one - other) for other in x])) for one in seen]
    fitted, _ = baselines.FORMATS["nearest_neighbour"].fit(x, y, None, None)
    assert np.array_equal(fitted.predict_proba(seen), np.eye(5)[y[closest]])


def test_the_penalty_of_linear_is_the_best_on_validation_clips():
    draw, y = np.random.default_rng(4), np.arange(90) % 3
    x = draw.normal(size=(90, 40)) + 0.4 * np.eye(3, 40)[y]
    fitted, _ = baselines.FORMATS["linear"].fit(x[:45], y[:45], x[45:], y[45:])
    found = []
    for penalty in (1e-3, 1e-2, 1e-1, 1.0, 10.0):
        one = make_pipeline(StandardScaler(), LogisticRegression(C=penalty, max_iter=5000)).fit(x[:45], y[:45])
        found.append(one.score(x[45:], y[45:]))
    assert min(found) < max(found) == fitted.score(x[45:], y[45:])


def test_counts():
    def count(format_, features=240, **arguments):
        declared = baselines.declare(format_, input_size=57600, **arguments)
        return {**declared.parameters(), "classifier": declared.classifier(11, features)}

    nothing = {"W": 0, "U": 0, "bias": 0, "classifier": 0}
    assert count("chance") == count("nearest_neighbour") == nothing
    assert count("linear") == nothing | {"classifier": 240 * 11 + 11}
    assert count("linear", features=2048) == nothing | {"classifier": 2048 * 11 + 11}
    # FDHT-LSTM on UCF11 stores 4,672: 4 hidden units are what fits
    found = count("thumbnail_lstm", hidden_size=4)
    assert found == {"W": 4 * 4 * 240, "U": 4 * 4 * 4, "bias": 16, "classifier": 4 * 11 + 11}
    assert found["W"] + found["U"] <= 4672


@pytest.mark.parametrize("classes", [2, 3])
def test_linear_stores_as_many_numbers_as_it_counts(classes):
    _, arrays = baselines.FORMATS["linear"].fit(np.eye(12, 5), np.arange(12) % classes, None, None)
    counted = baselines.declare("linear", input_size=240).classifier(classes, 5)
    assert arrays["weight"].size + arrays["bias"].size == counted


@pytest.mark.parametrize(
    ("format_", "given", "sentence"),
    [
        ("linear", {"hidden_size": 3}, "unknown parameter 'hidden_size'"),
        ("chance", {"init": "authors"}, "unknown parameter 'init'"),
        ("thumbnail_lstm", {}, "requires the parameter 'hidden_size'"),
    ],
)
def test_wrong_arguments_are_errors(format_, given, sentence):
    with pytest.raises(ValueError, match=sentence):
        baselines.declare(format_, input_size=240, **given)


def test_only_naive_formats_are_fitted():
    assert {name for name, format_ in baselines.FORMATS.items() if format_.fitted} == {
        "chance",
        "linear",
        "nearest_neighbour",
    }
    naive = {name for name, format_ in baselines.FORMATS.items() if format_.naive}
    assert naive == {"chance", "linear", "nearest_neighbour", "thumbnail_lstm"}


def test_declarations_need_neither_torch_nor_scikit_learn():
    code = (
        "import sys, baselines, fdht\n"
        f"baselines.declare('fully_decomposed', **{FDHT}).complexity()\n"
        "baselines.declare('thumbnail_lstm', input_size=240, hidden_size=2)\n"
        "baselines.declare('linear', input_size=240)\n"
        "sys.exit('torch' in sys.modules or 'sklearn' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
