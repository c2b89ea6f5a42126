"""GPU slots, with imaginary devices and real processes."""

import os
import subprocess
import sys

import pytest

from workflow.training import devices

HOLD = """
import sys
from pathlib import Path
from workflow.training import devices
with devices.slot("auto", ["0", "1"], Path(sys.argv[1])) as device:
    print(device, flush=True)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def nobody_has_chosen(monkeypatch):
    monkeypatch.delenv(devices.VISIBLE, raising=False)
    monkeypatch.delenv(devices.JOBS, raising=False)


def hold(folder, root):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)], cwd=root, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    return process, process.stdout.readline().strip()


def test_each_process_gets_a_device_of_its_own(tmp_path, root):
    first, a = hold(tmp_path, root)
    second, b = hold(tmp_path, root)
    assert {a, b} == {"0", "1"}
    first.kill()  # the system gives the slot back
    first.communicate()
    third, c = hold(tmp_path, root)
    assert c == a
    for process in (second, third):
        process.communicate("")
        assert process.returncode == 0


def test_a_run_waits_until_a_slot_is_free(tmp_path, monkeypatch, capsys):
    with devices.slot("auto", ["0"], tmp_path):
        monkeypatch.delenv(devices.VISIBLE)
        monkeypatch.setattr(devices.time, "sleep", lambda _: (_ for _ in ()).throw(TimeoutError))
        with pytest.raises(TimeoutError), devices.slot("auto", ["0"], tmp_path):
            pass
        assert "Waiting for a free GPU (1 of 1 in use)" in capsys.readouterr().err
        monkeypatch.setenv(devices.VISIBLE, "0")


def test_jobs_per_gpu_fill_every_device_once_before_any_twice(tmp_path, monkeypatch):
    monkeypatch.setenv(devices.JOBS, "2")
    held, order = [], []
    for _ in range(4):
        slot = devices.slot("auto", ["0", "1"], tmp_path)
        order.append(slot.__enter__())
        held.append(slot)
        del os.environ[devices.VISIBLE]
    assert order == ["0", "1", "0", "1"]
    for slot in held:
        os.environ[devices.VISIBLE] = "x"
        slot.__exit__(None, None, None)


def test_a_slot_is_seen_by_cuda_and_given_back(tmp_path):
    with devices.slot("auto", ["3"], tmp_path) as device:
        assert device == os.environ[devices.VISIBLE] == "3"
    assert devices.VISIBLE not in os.environ


def test_the_choice_of_a_scheduler_stands(tmp_path, monkeypatch):
    monkeypatch.setenv(devices.VISIBLE, "5")
    with devices.slot("auto", ["0"], tmp_path) as device:
        assert device is None
        assert os.environ[devices.VISIBLE] == "5"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("wanted", "present"), [("cpu", ["0"]), ("auto", [])])
def test_nothing_is_locked_needlessly(tmp_path, wanted, present):
    with devices.slot(wanted, present, tmp_path) as device:
        assert device is None
    assert list(tmp_path.iterdir()) == []


def test_devices_are_counted_without_cuda(tmp_path):
    for name in ("0000:01:00.0", "0000:02:00.0"):
        (tmp_path / name).mkdir()
    assert devices.present(tmp_path) == ["0", "1"]
