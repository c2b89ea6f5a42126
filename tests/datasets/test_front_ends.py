"""The registry of front ends: found in their folder, without torch; a new file is a new front end."""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
from small_data import listing_of

from workflow.datasets import features, frames, front_ends
from workflow.datasets.front_ends import EXTRACTED, FRONT_ENDS, FrontEnd
from workflow.storage.errors import InputError

BUILT_IN = [*front_ends.__path__]
ADDED = '''
"""mean_colour: three numbers per frame, from no weights."""

from workflow.datasets.front_ends import FrontEnd


def extractor(weights, device):
    assert weights is None
    return lambda pictures: pictures.to(device).float().mean((1, 2)).cpu()


FRONT_END = FrontEnd("mean colour", lambda height, width: (3,), "float16", extractor, side=24, edge=24)
'''


def test_every_front_end_has_a_name_a_tensor_and_a_size():
    assert list(FRONT_ENDS) == ["pixels", "efficientnet_lite2", "inception_v3"]
    assert EXTRACTED == ("efficientnet_lite2", "inception_v3")
    assert [front_end.tensor for front_end in FRONT_ENDS.values()] == ["frames", "efficientnet_lite2", "inception_v3"]
    assert [front_end.input_size(120, 160) for front_end in FRONT_ENDS.values()] == [57_600, 1280, 2048]
    clip_bytes = [front_end.clip_bytes(6, 120, 160) for front_end in FRONT_ENDS.values()]
    assert clip_bytes == [6 * 57_600, 6 * 1280 * 2, 6 * 2048 * 2]


def test_listing_the_front_ends_imports_neither_torch_nor_opencv(root):
    code = (
        "import sys, workflow.datasets.front_ends\n"
        "print(*({'torch', 'torchvision', 'cv2', 'numpy'} & sys.modules.keys()))"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == ""


def test_a_new_file_is_a_new_front_end(root, tmp_path, clip):
    """In a copy of the project: the features step computes it, without weights, into files of its own."""
    copy = tmp_path / "project"
    shutil.copytree(root / "workflow", copy / "workflow", ignore=shutil.ignore_patterns("__pycache__"))
    (copy / "workflow" / "datasets" / "front_ends" / "mean_colour.py").write_text(ADDED)
    names = [f"biking/v_biking_01/v_biking_01_{number:02d}.avi" for number in (1, 2)]
    listing = listing_of(tmp_path / "clips", {name: clip(4, 24, 24, seed=i) for i, name in enumerate(names)}, tmp_path)
    data = tmp_path / "data"
    for module, *arguments in (
        ("frames", "--listing", listing, "--count", 2, "--width", 24, "--height", 24),
        ("features", "--front-end", "mean_colour", "--listing", listing, "--frames", data, "--device", "cpu"),
    ):
        command = [sys.executable, "-m", f"workflow.datasets.{module}", *map(str, arguments), "--output", str(data)]
        run = subprocess.run(command, cwd=copy, capture_output=True, text=True)
        assert run.returncode == 0, run.stderr
    expected = np.load(data / "frames.npy").astype(np.float32).mean((2, 3))
    np.testing.assert_allclose(np.load(data / "mean_colour.npy"), expected, rtol=1e-3)


@pytest.fixture
def added(tmp_path, monkeypatch):
    """A function that finds the front ends with one more, `own`, of the given text."""

    def found(text: str) -> dict[str, FrontEnd]:
        folder = tempfile.mkdtemp(dir=tmp_path)
        Path(folder, "own.py").write_text(text)
        monkeypatch.setattr(front_ends, "__path__", [*BUILT_IN, folder])
        try:
            return front_ends._found()
        finally:
            sys.modules.pop("workflow.datasets.front_ends.own", None)

    return found


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("FRONT_END =", "FRONTEND =", " is None; expected a FrontEnd"),
        ("FrontEnd(", "print(", " is None; expected a FrontEnd"),
        ("float16", "float64", r"\.dtype is 'float64'; expected one of uint8, float16, float32"),
        ("lambda height, width: (3,)", "(3,)", r"\.shape is not a function of height and width"),
        ("lambda height, width: (3,)", "lambda height, width: 3", r"\.shape is not a function .* that returns a tuple"),
    ],
)
def test_a_file_that_is_no_front_end_is_named(added, old, new, message):
    text = 'FRONT_END = FrontEnd("own", lambda height, width: (3,), "float16")'
    text = f"from workflow.datasets.front_ends import FrontEnd\n{text}"
    assert added(text)["own"].clip_bytes(6, 120, 160) == 36
    assert added(text.replace("float16", "float32"))["own"].clip_bytes(6, 120, 160) == 72
    with pytest.raises(InputError, match=rf"^workflow/datasets/front_ends/own\.py: FRONT_END{message}"):
        added(text.replace(old, new))


@pytest.mark.parametrize("shape", ["(8, 8)", "(height * width // 300,)"])
def test_an_extractor_has_a_fixed_number_of_features(added, shape):
    """A vector per frame, as baselines expect; of the decoded frames' size it knows nothing."""
    text = ADDED.replace("(3,)", "(64,)")
    assert added(text)["own"].input_size(15, 20) == 64
    with pytest.raises(InputError, match=r"own\.py: FRONT_END\.shape gives \(.*\) for 120 x 160; expected \(F,\)"):
        added(text.replace("(64,)", shape))


@pytest.mark.parametrize(
    ("returned", "given"),
    [(lambda pictures: pictures.float().mean((1, 2, 3)), r"\(2,\)"), (lambda pictures: np.zeros((2, 3)), "ndarray")],
)
def test_an_extractor_of_another_shape_is_named(tmp_path, clip, monkeypatch, returned, given):
    own = FrontEnd(
        "own", lambda height, width: (3,), "float32", lambda *_: returned, side=8, edge=8, name="own", tensor="own"
    )
    monkeypatch.setitem(FRONT_ENDS, "own", own)
    listing = listing_of(tmp_path / "clips", {"biking/v_biking_01/v_biking_01_01.avi": clip(4)}, tmp_path)
    frames.main(listing, tmp_path, 2, "linspace", 16, 12)
    with pytest.raises(InputError, match=rf"own: its extractor returns {given}; expected a tensor \(2, 3\)"):
        features.main("own", listing, tmp_path, tmp_path, device="cpu")
