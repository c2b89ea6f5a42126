"""GPU slots, with imaginary devices and real processes."""

import os
import subprocess
import sys
from contextlib import ExitStack

import pytest
import torch

from workflow.storage import gpu
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
    for name in (devices.VISIBLE, devices.PROBLEM):
        monkeypatch.setenv(name, "")  # so that what a test leaves is removed
        monkeypatch.delenv(name)
    monkeypatch.setattr(devices, "output_of", lambda *command: "")  # no nvidia-smi, nothing wrong


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
    for name in ("driver/0000:01:00.0", "driver/0000:02:00.0", "dev/nvidia3", "dev/nvidiactl", "dev/null"):
        (tmp_path / name).mkdir(parents=True)
    driver, nodes, nowhere = tmp_path / "driver", tmp_path / "dev", tmp_path / "nowhere"
    assert devices.present(driver, nodes) == ["0", "1"]
    assert devices.present(nowhere, nodes) == ["0"]  # a container with one device of four: CUDA numbers it 0
    assert devices.present(nowhere, nowhere) == []


def test_nvidia_smi_names_devices_and_their_parts(tmp_path, monkeypatch):
    listing = """\
GPU 0: NVIDIA A100-SXM4-40GB (UUID: GPU-5d5ba0d6-d33d-2b2c-524d-9e3d8d2b8a77)
  MIG 3g.20gb     Device  0: (UUID: MIG-c6d4f1ef-42e4-5de3-91c7-45d71c87eb3f)
  MIG 1g.5gb      Device  1: (UUID: MIG-cba663e8-9bed-5b25-b243-5985ef7c9beb)
GPU 1: NVIDIA A100-SXM4-40GB (UUID: GPU-4d5ba0d6-d33d-2b2c-524d-9e3d8d2b8a77)
"""
    monkeypatch.setattr(devices, "output_of", lambda *command: listing if command == ("nvidia-smi", "-L") else "")
    found = devices.present(tmp_path, tmp_path)
    assert [device[:8] for device in found] == ["MIG-c6d4", "MIG-cba6", "GPU-4d5b"]
    assert devices.slots() == 3


@pytest.mark.parametrize(
    ("chosen", "found"),
    [
        ("0,1,3", ["0", "1", "3"]),
        ("GPU-5d5b, GPU-4d5b", ["GPU-5d5b", "GPU-4d5b"]),
        ("MIG-GPU-5d5b/1/0,MIG-GPU-5d5b/2/0", ["MIG-GPU-5d5b/1/0", "MIG-GPU-5d5b/2/0"]),
        ("2", ["2"]),
        ("0,-1,1", ["0"]),
        ("-1", []),
        ("", []),
    ],
)
def test_chosen_devices_are_shared_out(tmp_path, monkeypatch, chosen, found):
    monkeypatch.setenv(devices.VISIBLE, chosen)
    assert devices.slots() == (len(found) or None)
    taken = []
    with ExitStack() as stack:
        for _ in found if len(found) > 1 else ():
            taken.append(stack.enter_context(devices.slot(folder=tmp_path)))
            monkeypatch.setenv(devices.VISIBLE, chosen)  # as other processes see it
    assert taken == (found if len(found) > 1 else [])
    assert os.environ[devices.VISIBLE] == chosen


def test_gpus_that_cannot_be_used_are_announced_and_hold_no_run_back(tmp_path, monkeypatch):
    reason = "The NVIDIA driver on your system is too old (found version 11040)"
    monkeypatch.setenv(devices.VISIBLE, "0,1")
    monkeypatch.setattr(devices, "output_of", lambda *command: reason if devices.CHECK in command else "")
    assert devices.announcement() is None
    assert devices.slots() is None
    announced = f"the GPUs here (2) cannot be used, so runs compute on the CPU: {reason}"
    assert devices.announcement() == announced
    with devices.slot(folder=tmp_path) as device:
        assert device is None
        with monkeypatch.context() as patch:  # the GPU is back, but this step holds none
            patch.setattr(torch, "ones", lambda *_, device: torch.zeros(1))
            assert gpu.gpu_problem() == reason
    assert list(tmp_path.iterdir()) == []
    del os.environ[devices.PROBLEM]
