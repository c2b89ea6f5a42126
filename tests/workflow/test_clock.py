"""Files of the future, as a clock that was set back leaves them."""

import os

import pytest

from workflow.storage import clock

NOW = 1_700_000_000.0


@pytest.fixture
def files(tmp_path):
    """Files by how far they are ahead of the clock, in seconds, each in a folder of its own."""
    found = {ahead: tmp_path / f"{ahead}" / "deep" / "file" for ahead in (-1000, 0, 0.5, 10, 90_000)}
    for ahead, path in found.items():
        path.parent.mkdir(parents=True)
        path.write_text("x")
        os.utime(path, (NOW + ahead, NOW + ahead))
    return found


def test_what_lies_in_the_future_gets_the_present_time_and_nothing_else_does(files, tmp_path, capsys):
    assert clock.settle([tmp_path, tmp_path / "nothing here"], NOW) == 2
    times = {ahead: path.stat().st_mtime - NOW for ahead, path in files.items()}
    assert times == {-1000: -1000, 0: 0, 0.5: 0.5, 10: 0, 90_000: 0}
    assert "2 files were up to 25.0 hours ahead of the clock" in capsys.readouterr().err
    assert clock.settle([tmp_path], NOW) == 0
    assert capsys.readouterr().err == ""


def test_a_link_is_settled_and_not_what_it_points_to(files, tmp_path):
    outside = tmp_path / "90000" / "deep" / "file"
    inside = tmp_path / "results"
    inside.mkdir()
    (inside / "link").symlink_to(outside)
    (inside / "folder").symlink_to(outside.parent)
    for name, ahead in (("link", 50), ("folder", 0)):
        os.utime(inside / name, (NOW + ahead, NOW + ahead), follow_symlinks=False)
    assert clock.settle([inside], NOW) == 1
    assert outside.stat().st_mtime == NOW + 90_000
