"""Sampling, and clips that are short, odd, cut, empty or wrong about themselves."""

import struct
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_data import header_count, pictures

from workflow.datasets.decode import UndecodableError, decode, indices, resized
from workflow.datasets.generate import write_clip


def every_frame(path: Path, width: int, height: int) -> np.ndarray:
    """The reference: OpenCV alone, all frames, (n, height, width, 3) RGB."""
    capture, found = cv2.VideoCapture(str(path)), []
    while True:
        read, picture = capture.read()
        if not read:
            return np.stack(found)
        small = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
        found.append(cv2.cvtColor(small, cv2.COLOR_BGR2RGB))


def put(folder: Path, data: bytes, name: str = "clip.avi") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def get(path: Path, count: int = 6, sampling: str = "linspace", size=(16, 12), clip: str = "") -> SimpleNamespace:
    pictures, facts = decode(path, count, sampling, *size, seed=3, clip=clip)
    return SimpleNamespace(pictures=pictures, **facts)


@settings(deadline=None)
@given(n=st.integers(1, 600), count=st.integers(1, 40))
def test_linspace_takes_both_ends_and_ascends(n, count):
    chosen = indices(n, count, "linspace")
    assert len(chosen) == count
    assert chosen[0] == 0
    assert chosen[-1] == (n - 1 if count > 1 else 0)
    assert (np.diff(chosen) >= 0).all()


@settings(deadline=None)
@given(n=st.integers(1, 60), count=st.integers(1, 40), key=st.text(max_size=5))
def test_random_ascends_without_repeating_where_it_can(n, count, key):
    chosen = indices(n, count, "random", key)
    assert len(chosen) == count
    assert (np.diff(chosen) >= (1 if n >= count else 0)).all()
    assert 0 <= chosen[0] <= chosen[-1] < n
    assert chosen == indices(n, count, "random", key)


def test_random_differs_from_clip_to_clip():
    assert len({tuple(indices(100, 6, "random", f"0:{clip}")) for clip in range(20)}) == 20


def test_all_takes_the_first_frames_up_to_the_cap():
    assert indices(4, 6, "all") == [0, 1, 2, 3]
    assert indices(9, 6, "all") == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize("sampling", ["linspace", "random", "all"])
@pytest.mark.parametrize("n", [1, 2, 5, 6, 7, 31])
def test_frames_are_those_that_opencv_gives(tmp_path, clip, n, sampling):
    path = put(tmp_path, clip(n))
    found = get(path, sampling=sampling, clip="name")
    wanted = indices(n, 6, sampling, "3:name")
    assert (found.frames, found.width, found.height, found.fps) == (n, 32, 24, 25.0)
    assert (found.pictures[: len(wanted)] == every_frame(path, 16, 12)[wanted]).all()
    assert (found.pictures[len(wanted) :] == 0).all()
    assert found.pictures.shape == (6, 12, 16, 3)


def test_colours_are_red_green_blue(tmp_path):
    blue = np.zeros((3, 24, 32, 3), np.uint8)
    blue[..., 0] = 255  # OpenCV's order is blue, green, red
    write_clip(tmp_path / "clip.avi", blue)
    red, green, blue = get(tmp_path / "clip.avi").pictures.reshape(-1, 3).mean(0)
    assert blue > 200
    assert max(red, green) < 60


@pytest.mark.parametrize("claimed", [0, 1, 29, 32, 33, 500, 2**31 - 1])
def test_a_wrong_header_changes_nothing(tmp_path, clip, claimed):
    """All 11 clips of HMDB51 that were measured claim a wrong number, mostly one too many."""
    honest = put(tmp_path, clip(31))
    liar = put(tmp_path, header_count(clip(31), claimed), "liar.avi")
    expected, found = get(honest), get(liar)
    assert found.frames == expected.frames == 31
    assert (found.pictures == expected.pictures).all()


@pytest.mark.parametrize("size", [(34, 26), (320, 182), (300, 240), (46, 240)])
def test_odd_sizes(tmp_path, clip, size):
    path = put(tmp_path, clip(7, *size))
    assert (get(path).width, get(path).height) == size
    assert (get(path).pictures == every_frame(path, 16, 12)[indices(7, 6, "linspace")]).all()


def test_mpeg1(tmp_path):
    """UCF11's MPEG release: no frame count in the header."""
    writer = cv2.VideoWriter(str(tmp_path / "clip.mpg"), cv2.VideoWriter_fourcc(*"mpg1"), 30, (64, 48))
    for picture in pictures(12, 64, 48):
        writer.write(picture)
    writer.release()
    found = get(tmp_path / "clip.mpg")
    assert found.frames == 12
    assert (found.pictures == every_frame(tmp_path / "clip.mpg", 16, 12)[indices(12, 6, "linspace")]).all()


def test_metadata_that_is_not_utf8(tmp_path, clip):
    """Two clips of HMDB51 carry such a comment."""
    data = clip(9)
    info = b"LIST" + struct.pack("<I", 4 + 8 + 6) + b"INFOICMT" + struct.pack("<I", 6) + b"\xff\xfe\xe9\x80\xa0\x00"
    changed = bytearray(data[: data.index(b"LIST", 300)] + info + data[data.index(b"LIST", 300) :])
    struct.pack_into("<I", changed, 4, len(changed) - 8)
    assert get(put(tmp_path, bytes(changed))).frames >= 1


def test_a_clip_cut_in_the_middle_gives_what_is_there(tmp_path, clip):
    data = clip(31, 64, 48)
    found = get(put(tmp_path, data[: int(0.7 * len(data))]))
    assert 0 < found.frames < 31


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty file"),
        (b"no video" * 100, "no video that FFmpeg can open"),
        (bytes(5000), "no video that FFmpeg can open"),
        (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS pointer: git lfs pull"),
    ],
)
def test_what_does_not_decode_has_a_reason(tmp_path, data, reason):
    with pytest.raises(UndecodableError, match=reason):
        get(put(tmp_path, data))


@pytest.mark.parametrize("count", [1, 6])
def test_interlaced_video_is_refused(tmp_path, count):
    """OpenCV returns the memory that it did not write, and no error."""
    path = tmp_path / "clip.avi"
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*"ULY0"), 25, (32, 24))
    for picture in pictures(9):
        writer.write(picture)
    writer.release()
    assert get(path, count).frames == 9
    data = bytearray(path.read_bytes())
    data[data.index(b"strf") + 61] |= 8  # of the flags of Ut Video: interlaced
    with pytest.raises(UndecodableError, match="interlaced, which OpenCV cannot read"):
        get(put(tmp_path, bytes(data)), count)


def test_headers_without_a_frame(tmp_path, clip):
    data = clip(9)
    with pytest.raises(UndecodableError):
        get(put(tmp_path, data[: data.index(b"movi") + 4]))


@pytest.mark.parametrize("name", ["-%d (x)!#[1]&+;~@ 'q'.avi", "concat:a|b.avi", "é漢.avi"])
def test_names_of_any_character(tmp_path, clip, name, monkeypatch):
    monkeypatch.chdir(tmp_path)
    put(tmp_path, clip(7), name)
    assert get(Path(name)).frames == 7


def test_real_clips_of_all_three_sets(shared_clips):
    """The numbers of frames that sequential decoding gives; headers say otherwise on most of them."""
    paths = sorted(
        path for folder in ("hmdb51", "ucf11_updated", "ytcelebrity") for path in (shared_clips / folder).rglob("*.*")
    )
    assert len(paths) >= 10
    for path in paths:
        reference = every_frame(path, 160, 120)
        found = get(path, size=(160, 120))
        assert found.frames == len(reference), path
        assert (found.pictures == reference[indices(len(reference), 6, "linspace")]).all(), path


@pytest.mark.parametrize(("width", "height"), [(40, 30), (30, 40), (30, 30)])
def test_the_middle_of_the_picture_is_cut_out(width, height):
    picture = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    left, top = (width - 20) // 2, (height - 20) // 2
    assert (resized(picture, 20, 20, edge=30) == picture[top : top + 20, left : left + 20]).all()
    half = cv2.resize(picture, (width // 2, height // 2), interpolation=cv2.INTER_AREA)
    left, top = (width // 2 - 15) // 2, (height // 2 - 15) // 2
    assert (resized(picture, 15, 15, edge=15) == half[top : top + 15, left : left + 15]).all()
    assert resized(picture, 41, 41, edge=60).shape == (41, 41, 3)
