"""Progress in a log file: few lines, the last at the end; on a terminal a bar."""

import io
import sys

from workflow.datasets.progress import bytes_bar, clips_bar


def test_a_log_file_gets_a_line_for_every_tenth(capsys):
    bar = clips_bar("frames", 200, done=100)
    for _ in range(100):
        bar.update()
    bar.close()
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 6  # the first line counts the clips of the earlier run
    assert lines[-1].startswith("frames: 200 of 200 clips, ")
    assert lines[-1].endswith(" clips/s")


def test_bytes_are_printed_in_megabytes(capsys):
    update = bytes_bar("set.zip")
    for done in range(0, 50_000_001, 1_000_000):
        update(done, 50_000_000)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 10
    assert lines[-1].startswith("set.zip: 50 of 50 MB, ")


def test_an_unknown_size_is_no_trouble(capsys):
    bytes_bar("set.zip")(1000, None)
    assert capsys.readouterr().err == ""


def test_a_terminal_gets_bars(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    bytes_bar("set.zip")(1024, 1024)
    bar = clips_bar("frames", 10)
    bar.update(10)
    bar.close()
    assert "\rset.zip: " in terminal.getvalue()
    assert "10/10" in terminal.getvalue()
