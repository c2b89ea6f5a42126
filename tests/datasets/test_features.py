"""The real Inception-v3 with seeded weights: values against a plain forward pass, kills, and bad weights."""

import hashlib
import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from small_data import listing_of

from workflow.datasets import catalogue, download, frames
from workflow.datasets.decode import decode
from workflow.datasets.features import main, weights_of
from workflow.datasets.front_ends import FRONT_ENDS, inception_v3
from workflow.datasets.listing import COLUMNS as LISTED
from workflow.storage import seal
from workflow.storage.errors import InputError
from workflow.storage.files import read_csv, write_csv
from workflow.storage.seal import DamagedError, digest

T = 1
FRONT_END = FRONT_ENDS["inception_v3"]


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """More threads slow down tests that run at the same time."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def weights(tmp_path_factory) -> Path:
    """A state dictionary of the whole network; its normalisation fits noise, so that features are neither 0 nor inf."""
    torch.manual_seed(0)
    with torch.device("meta"):
        net = inception_v3.network().train()
    net.to_empty(device="cpu")
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.normal_(0.0, 0.05) if parameter.ndim > 1 else parameter.uniform_(0.5, 1.5)
        for module in net.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.reset_running_stats()
                module.momentum = None  # running statistics are those of the one batch
        net(torch.randn(2, 3, inception_v3.SIDE, inception_v3.SIDE).clamp(-1, 1))
    path = tmp_path_factory.mktemp("weights") / "inception.pth"
    torch.save(net.state_dict(), path)
    return path


@pytest.fixture
def prepared(tmp_path, clip) -> Path:
    """Frames of five clips, one of them undecodable."""
    names = [f"biking/v_biking_01/v_biking_01_{c:02d}.avi" for c in range(1, 6)]
    members = {name: clip(5, seed=i) for i, name in enumerate(names)} | {names[3]: b""}
    path = listing_of(tmp_path / "clips", members, tmp_path)
    frames.main(path, tmp_path, T, "linspace", 16, 12, max_undecodable=0.5)
    return tmp_path


def run(folder: Path, output: Path, *rest, **options) -> dict:
    return main("inception_v3", folder / "listing.csv", folder, output, *rest, **options)


def origin(folder: Path, weights: Path) -> Path:
    path = folder / "weights.json"
    content = {"dataset": "inception_v3", "sources": {"weights": {"file": str(weights)}}}
    path.write_text(json.dumps(seal.sealed(content)))
    return path


def test_the_network_is_the_published_one():
    with torch.device("meta"):
        net = inception_v3.network()
    assert sum(parameter.numel() for parameter in net.parameters()) == 27_161_264


def test_features_are_those_of_a_plain_forward_pass(prepared, weights):
    run(prepared, prepared, origin(prepared, weights), 2, "cpu")
    found = np.load(prepared / "inception_v3.npy")
    assert found.dtype == np.float16
    assert found.shape == (5, T, 2048)
    assert (found[3] == 0).all()  # the clip that does not decode
    with torch.device("meta"):
        net = inception_v3.network().eval()
    net.load_state_dict(torch.load(weights, weights_only=True), assign=True)
    pooled = []
    net.avgpool.register_forward_hook(lambda module, x, y: pooled.append(y.flatten(1)))
    # torchvision's own way in: ImageNet's mean and deviation, undone by transform_input
    net.transform_input = True
    mean, std = (torch.tensor(v)[:, None, None] for v in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    path = prepared / "clips" / "biking/v_biking_01/v_biking_01_01.avi"
    picture = decode(path, T, "linspace", 32, 24)[0][0]  # all of its pixels
    large = cv2.resize(picture, (456, 342), interpolation=cv2.INTER_CUBIC)[21:320, 78:377]  # the middle 299 x 299
    x = torch.from_numpy(large.copy()).permute(2, 0, 1)[None] / 255
    with torch.no_grad():
        net((x - mean) / std)
    torch.testing.assert_close(torch.from_numpy(found[0]).float(), pooled[0], rtol=2e-3, atol=2e-3)
    assert pooled[0].std() > 0.05
    content = json.loads((prepared / "inception_v3.json").read_text())
    assert content["shape"] == [5, T, 2048]
    assert content["frames_digest"] == json.loads((prepared / "frames.json").read_text())["digest"]


def test_an_interrupted_run_continues_to_the_same_bytes(prepared, weights, monkeypatch):
    rest = (origin(prepared, weights), 2, "cpu")
    whole = run(prepared, prepared / "whole", *rest)
    calls = []

    def extractor(weights, device):
        features = FRONT_END.extractor(weights, device)

        def interrupted(pictures):
            calls.append(len(pictures))
            if len(calls) == 2:
                raise KeyboardInterrupt
            return features(pictures)

        return interrupted

    monkeypatch.setitem(FRONT_ENDS, "inception_v3", replace(FRONT_END, extractor=extractor))
    monkeypatch.setattr("workflow.datasets.store.SECONDS", 0.0)
    with pytest.raises(KeyboardInterrupt):
        run(prepared, prepared / "cut", *rest)
    shutil.copytree(prepared / "cut", prepared / "edited")
    resumed = run(prepared, prepared / "cut", *rest)
    assert calls == [2, 2, 2, 1]  # batches of two clips: the first is not computed again
    assert resumed["digest"] == whole["digest"]
    run(prepared, prepared / "edited", *rest, code="edited")
    assert calls[4:] == [2, 2, 1], "no feature of other code is kept"


def test_bad_weights_are_named(prepared, tmp_path):
    for name, write in (("bad", lambda path: path.write_bytes(b"not weights")), ("other", save_other)):
        write(tmp_path / f"{name}.pth")
        sentence = (
            rf"{name}\.pth: not the weights of torchvision's inception_v3; set inception_v3\.weights to a copy of"
        )
        with pytest.raises(InputError, match=rf"{sentence} inception_v3_google-0cc3c7bd\.pth, or leave it out"):
            run(prepared, tmp_path / "out", origin(tmp_path, tmp_path / f"{name}.pth"), 2, "cpu")
    with pytest.raises(InputError, match=r"gone\.pth: no such file; .*weights\.json names it as the weights"):
        run(prepared, tmp_path / "out", origin(tmp_path, tmp_path / "gone.pth"))
    with pytest.raises(InputError, match=r"--origin is missing; expected source\.json of the weights of inception_v3"):
        run(prepared, tmp_path / "out")
    assert not list((tmp_path / "out").glob("inception_v3.json"))


def save_other(path: Path) -> None:
    torch.save({"weight": torch.zeros(1)}, path)


def test_a_clip_that_is_not_what_was_decoded_is_refused(prepared, weights):
    rest = (prepared, origin(prepared, weights), 2, "cpu")
    rows = read_csv(prepared / "listing.csv", LISTED)
    write_csv(prepared / "listing.csv", LISTED, rows[1:])
    with pytest.raises(
        InputError, match=r"clips\.csv: its clips are not those of \S+listing\.csv; rerun the frames step"
    ):
        run(prepared, *rest)
    write_csv(prepared / "listing.csv", LISTED, [row | {"sha256": digest(Path(row["path"]))} for row in rows])
    clip = Path(rows[2]["path"])
    content = clip.read_bytes()
    clip.write_bytes(content[:-1])
    with pytest.raises(DamagedError, match=r"01_03\.avi is corrupt.* Delete \S+inventory\.json and rerun"):
        run(prepared, *rest)
    write_csv(prepared / "listing.csv", LISTED, rows)
    clip.write_bytes(b"no video" * 50)
    with pytest.raises(
        InputError, match=r"01_03\.avi: no video that FFmpeg can open, though the frames step decoded it"
    ):
        run(prepared, *rest)
    clip.write_bytes(content)
    assert run(prepared, *rest)["shape"] == [5, T, 2048]
    assert not (prepared / "inception_v3.npy.part").exists()


@pytest.mark.parametrize("sampling", ["linspace", "random"])
def test_the_pictures_are_the_frames_that_the_frames_step_chose(tmp_path, clip, monkeypatch, sampling):
    """At their own resolution: averaged over areas, they are the small frames again."""
    seen = []

    def extractor(weights, device):
        def features(pictures):
            seen.append(pictures.numpy())
            return torch.zeros(len(pictures), 3)

        return features

    whole = replace(FRONT_END, extractor=extractor, weights=(), shape=lambda height, width: (3,), side=24, edge=24)
    monkeypatch.setitem(FRONT_ENDS, "inception_v3", whole)
    names = [f"biking/v_biking_01/v_biking_01_{c:02d}.avi" for c in (1, 2)]
    path = listing_of(tmp_path / "clips", {name: clip(9, 24, 24, i) for i, name in enumerate(names)}, tmp_path)
    frames.main(path, tmp_path, 3, sampling, 12, 12, seed=5)
    run(tmp_path, tmp_path)
    small = [cv2.resize(picture, (12, 12), interpolation=cv2.INTER_AREA) for picture in np.concatenate(seen)]
    np.testing.assert_array_equal(np.stack(small), np.load(tmp_path / "frames.npy").reshape(-1, 12, 12, 3))


def test_weights_are_fetched_like_any_other_source(server, weights, tmp_path, monkeypatch):
    digest = hashlib.sha256(weights.read_bytes()).hexdigest()
    server.files["/inception.pth"] = weights.read_bytes()
    source = catalogue.Source(server.url("/inception.pth"), sha256=digest[:8])  # published are the first digits
    published = replace(FRONT_END, weights=(source,))
    monkeypatch.setitem(FRONT_ENDS, "inception_v3", published)
    download.main("inception_v3", tmp_path, tmp_path / "source.json")
    assert weights_of(tmp_path / "source.json").read_bytes() == weights.read_bytes()
    download.main("inception_v3", tmp_path, tmp_path / "source.json", weights)
    assert weights_of(tmp_path / "source.json") == weights


def test_a_gpu_that_cannot_be_used_is_named(prepared, weights, monkeypatch, capsys):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)  # a driver that is too old counts as available
    monkeypatch.setattr("workflow.datasets.features.gpu_problem", lambda: "the driver is too old")
    assert run(prepared, prepared / "auto", origin(prepared, weights), 2)["device"] == "cpu"
    text = "device auto: computing on the CPU, as no GPU can be used: the driver is too old\n"
    assert capsys.readouterr().err.startswith(text)


def test_torchvision_loads_next_to_a_torch_of_another_build(root):
    """Hide its compiled part, as a CPU build of torch does, in a process of its own."""
    code = (
        "import torch\n"
        "def refuse(path): raise OSError('undefined symbol')\n"
        "torch.ops.load_library = refuse\n"
        "from workflow.datasets.front_ends.inception_v3 import network\n"
        "with torch.device('meta'):\n"
        "    network()\n"
        "print('loaded')"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True)
    assert run.stdout.strip() == "loaded", run.stderr


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_the_device_changes_little(prepared, weights):
    known = origin(prepared, weights)
    by_device = [run(prepared, prepared / device, known, 2, device) for device in ("cpu", "cuda")]
    assert [content["device"] for content in by_device] == ["cpu", "cuda"]
    one, other = (np.load(prepared / device / "inception_v3.npy").astype(np.float32) for device in ("cpu", "cuda"))
    np.testing.assert_allclose(one, other, rtol=2e-2, atol=2e-2)
