"""The benchmark of the frames step runs, and its implementations see the same frames (its speeds are not tested)."""

import cv2
import numpy as np

from benchmarks import decoding
from workflow.datasets.generate import write_clip
from workflow.storage.command_line import call
from workflow.storage.files import read_csv


def test_all_implementations_decode_the_same_frames(tmp_path, capsys):
    for c in (1, 2):
        path = tmp_path / f"clips/biking/v_biking_01/v_biking_01_{c:02d}.avi"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_clip(path, np.full((5 * c, 24, 32, 3), 40 * c, np.uint8))
    threads = cv2.getNumThreads()
    output = tmp_path / "decoding.csv"
    call(decoding.main, ["--clips", tmp_path / "clips", "--output", output, "--cores", "1", "--repetitions", "1"])
    assert cv2.getNumThreads() == threads
    table = read_csv(output, ["implementation", "frames_per_second", "min_s", "median_s"])
    assert {row["implementation"] for row in table} == {"bare", "ours"}
    assert {(row["clips"], row["frames"]) for row in table} == {("2", "15")}
    assert all(float(row["of_bare"]) == 1 for row in table if row["implementation"] == "bare")
    assert "of_bare" in capsys.readouterr().out
