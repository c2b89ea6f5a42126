"""The real Inception-v3 with seeded weights: values against a plain forward pass, kills, and bad weights."""

import hashlib
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from small_data import listing_of

from workflow.datasets import catalogue, download, frames
from workflow.datasets.features import main, weights_of
from workflow.datasets.front_ends import FRONT_ENDS, inception_v3
from workflow.storage.errors import InputError
from workflow.storage.seal import DamagedError

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


def origin(folder: Path, weights: Path) -> Path:
    path = folder / "weights.json"
    path.write_text(json.dumps({"dataset": "inception_v3", "sources": {"weights": {"file": str(weights)}}}))
    return path


def test_the_network_is_the_published_one():
    with torch.device("meta"):
        net = inception_v3.network()
    assert sum(parameter.numel() for parameter in net.parameters()) == 27_161_264


def test_features_are_those_of_a_plain_forward_pass(prepared, weights):
    main("inception_v3", prepared, prepared, origin(prepared, weights), batch=2, device="cpu")
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
    x = torch.from_numpy(np.load(prepared / "frames.npy")[0]).permute(0, 3, 1, 2) / 255
    x = torch.nn.functional.interpolate(x, size=(299, 299), mode="bilinear", align_corners=False)
    with torch.no_grad():
        net((x - mean) / std)
    torch.testing.assert_close(torch.from_numpy(found[0]).float(), pooled[0], rtol=2e-3, atol=2e-3)
    assert pooled[0].std() > 0.05
    content = json.loads((prepared / "inception_v3.json").read_text())
    assert content["shape"] == [5, T, 2048]
    assert content["frames_digest"] == json.loads((prepared / "frames.json").read_text())["digest"]


def test_an_interrupted_run_continues_to_the_same_bytes(prepared, weights, monkeypatch):
    given = ("inception_v3", prepared)
    rest = (origin(prepared, weights), 2, "cpu")
    whole = main(*given, prepared / "whole", *rest)
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
        main(*given, prepared / "cut", *rest)
    resumed = main(*given, prepared / "cut", *rest)
    assert calls == [2, 2, 2, 1]  # batches of two clips: the first is not computed again
    assert resumed["digest"] == whole["digest"]


def test_bad_weights_are_named(prepared, tmp_path):
    for name, write in (("bad", lambda path: path.write_bytes(b"not weights")), ("other", save_other)):
        write(tmp_path / f"{name}.pth")
        with pytest.raises(InputError, match=rf"{name}\.pth: not the weights of torchvision's inception_v3"):
            main("inception_v3", prepared, tmp_path / "out", origin(tmp_path, tmp_path / f"{name}.pth"), 2, "cpu")
    with pytest.raises(InputError, match=r"gone\.pth: no such file; .*weights\.json names it as the weights"):
        main("inception_v3", prepared, tmp_path / "out", origin(tmp_path, tmp_path / "gone.pth"))
    with pytest.raises(InputError, match=r"--origin is missing; expected source\.json of the weights of inception_v3"):
        main("inception_v3", prepared, tmp_path / "out")
    assert not list((tmp_path / "out").glob("inception_v3.json"))


def save_other(path: Path) -> None:
    torch.save({"weight": torch.zeros(1)}, path)


@pytest.mark.parametrize("cut", [False, True])
def test_frames_that_are_not_what_was_decoded_are_refused(prepared, weights, cut):
    array = prepared / "frames.npy"
    content = bytearray(array.read_bytes())
    content[-100] ^= 4
    array.write_bytes(content[:-50] if cut else content)
    with pytest.raises(
        DamagedError, match=r"frames\.npy (is corrupt|cannot be read).* delete \S+frames\.json and rerun"
    ):
        main("inception_v3", prepared, prepared, origin(prepared, weights), 2, "cpu")
    assert not (prepared / "inception_v3.json").exists()


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


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_the_device_changes_little(prepared, weights):
    known = origin(prepared, weights)
    by_device = [main("inception_v3", prepared, prepared / device, known, 2, device) for device in ("cpu", "cuda")]
    assert [content["device"] for content in by_device] == ["cpu", "cuda"]
    one, other = (np.load(prepared / device / "inception_v3.npy").astype(np.float32) for device in ("cpu", "cuda"))
    np.testing.assert_allclose(one, other, rtol=2e-2, atol=2e-2)
