"""Class, group and source from real names of the three data sets."""

from pathlib import PurePosixPath

import pytest

from workflow.datasets.catalogue import CATALOGUE
from workflow.datasets.layouts import Clip

UCF11, HMDB51, YOUTUBE_CELEBRITIES = (CATALOGUE[name].layout for name in ("ucf11", "hmdb51", "youtube_celebrities"))

CASES = [
    (
        UCF11,
        "UCF11_updated_mpg/walking/v_walk_dog_04/v_walk_dog_04_11.mpg",
        Clip("walking/v_walk_dog_04/v_walk_dog_04_11.mpg", "walking", "04", "v_walk_dog_04"),
    ),
    (
        UCF11,
        "golf_swing/v_golf_25/v_golf_25_01.avi",
        Clip("golf_swing/v_golf_25/v_golf_25_01.avi", "golf_swing", "25", "v_golf_25"),
    ),
    (
        HMDB51,
        "x/wave/winKen_wave_u_cm_np1_ri_bad_1.avi",
        Clip("wave/winKen_wave_u_cm_np1_ri_bad_1.avi", "wave", "winKen", "winKen"),
    ),
    (
        HMDB51,
        "shoot_ball/-A!(b)#[c]_shoot_ball_f_nm_np2_fr_med_0.avi",
        Clip("shoot_ball/-A!(b)#[c]_shoot_ball_f_nm_np2_fr_med_0.avi", "shoot_ball", "-A!(b)#[c]", "-A!(b)#[c]"),
    ),
    (
        YOUTUBE_CELEBRITIES,
        "anything/0492_03_009_bill_gates.avi",
        Clip("0492_03_009_bill_gates.avi", "bill_gates", "03", "bill_gates_03"),
    ),
]


@pytest.mark.parametrize(("layout", "path", "expected"), CASES, ids=[case[1] for case in CASES])
def test_names(layout, path, expected):
    assert layout.parse(PurePosixPath(path)) == expected


@pytest.mark.parametrize(
    ("layout", "path"),
    [
        (UCF11, "golf_swing/v_golf_25/v_golf_24_01.avi"),
        (UCF11, "golf_swing/Annotation/v_golf_25_01.xgtf"),
        (UCF11, "v_golf_25/v_golf_25_01.avi"),
        (UCF11, "golf_swing/v_golf_25/v_golf_25_01.mp4"),
        (UCF11, "__MACOSX/golf_swing/v_golf_25/v_golf_25_01.avi"),
        (UCF11, "golf_swing/v_golf_25/._v_golf_25_01.avi"),
        (HMDB51, "run/winKen_wave_u_cm_np1_ri_bad_1.avi"),
        (HMDB51, "wave/notes.txt"),
        (YOUTUBE_CELEBRITIES, "492_03_009_bill_gates.avi"),
    ],
)
def test_what_is_no_clip(layout, path):
    assert layout.parse(PurePosixPath(path)) is None


def test_the_same_clip_in_both_releases_has_one_key():
    paths = [f"golf_swing/v_golf_25/v_golf_25_01.{suffix}" for suffix in ("avi", "mpg")]
    assert len({UCF11.parse(PurePosixPath(path)).key for path in paths}) == 1
