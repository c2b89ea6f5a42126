"""A few faults of every sort in the ordinary run of the tests; `python tests/faults/inject.py` brings hundreds."""

import pytest
from faults import inject

KINDS = ["clip", "configuration", "checkpoint", "model.safetensors"]  # one for each way of noticing a damage


@pytest.mark.slow
def test_nothing_is_lost_wrong_or_silent_after_kills_and_damages(capsys):
    faults = ["--kills", "3", "--damages", "1", "--kinds", *KINDS, "--surroundings", "0"]
    assert inject.main([*faults, "--targets", "trained", "tables"]) == 0
    said = capsys.readouterr().out
    assert "0 lost, 0 wrong, 0 silent" in said
    assert "7 faults" in said
    assert "nothing to harm" not in said
