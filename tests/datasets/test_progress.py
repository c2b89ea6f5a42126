"""Progress in a log file: few lines, the last at the end; on a terminal a bar."""

import io
import sys

from workflow.datasets.progress import bar


def test_a_log_file_gets_a_line_for_every_tenth(capsys):
    progress = bar("frames", 200, " clips", done=100)
    for _ in range(100):
        progress.update()
    progress.close()
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 5
    assert lines[-1].startswith("frames: 200 of 200 clips, ")
    assert lines[-1].endswith(" clips/s")


def test_bytes_are_printed_in_megabytes(capsys):
    with bar("set.zip", 50_000_000, "B", unit_scale=True) as progress:
        for _ in range(7):
            progress.update(7_000_000)
        progress.update(1_000_000)  # less than a tenth, but the end
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 8
    assert lines[-1].startswith("set.zip: 50.0M of 50.0MB, ")


def test_an_unknown_size_is_no_trouble(capsys):
    with bar("set.zip", None, "B") as progress:
        progress.update(1000)
    assert capsys.readouterr().err.startswith("set.zip: 1000 of ?B, ")


def test_a_terminal_gets_bars(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with bar("set.zip", 1024, "B") as progress:
        progress.update(1024)
    with bar("frames", 10, " clips") as progress:
        progress.update(10)
    assert "\rset.zip: " in terminal.getvalue()
    assert "10/10" in terminal.getvalue()
