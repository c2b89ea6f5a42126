"""docs/recipes.md's table of the authors' recipes and config/paper.yaml: neither can change alone."""

import re
from typing import NamedTuple

import pytest
import yaml
from pydantic import BaseModel

import baselines
from workflow.experiments import grid
from workflow.experiments.configuration import complete
from workflow.experiments.training import Training

ELSEWHERE = {"search", "precision", "device"}  # settings about which an authors' code says nothing that could be wrong
OF_THE_LAYER = {"format", "input_size"}  # parameters of the model that are no setting of an authors' code
UNUSED = {"constant": {"milestones", "decay"}, "inverse": {"milestones"}, "step": set()}  # by schedule
REPOSITORIES = ("TT", "BT", "tednet", "Keras")


class Row(NamedTuple):
    entry: str
    on: str
    setting: str
    authors: str
    source: str
    key: str
    here: str
    reason: str


def literal(text):
    """The value that a cell begins with; words after a colon explain it."""
    return yaml.safe_load(text if text.startswith("{") else text.split(": ")[0])


@pytest.fixture(scope="module")
def rows(root):
    text = (root / "docs/recipes.md").read_text(encoding="utf-8").split("| why it differs |\n")[1]
    lines = text.split("\n\n")[0].splitlines()[1:]
    return [Row(*(cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1])) for line in lines]


@pytest.fixture(scope="module")
def config(root):
    return complete(yaml.safe_load((root / "config/paper.yaml").read_text(encoding="utf-8")), "config/paper.yaml")


@pytest.fixture(scope="module")
def places(config):
    """(data set, front end, entry) -> what the entry has there, for every entry with the authors' recipe."""
    found = {}
    for place in grid.places(config):
        shared = grid.shared_by_runs(config, *place)
        if shared["recipe"] == "authors":
            found[place] = shared
    return found


def concerns(row, place):
    dataset, front_end, model = place
    on = row.on in ("", dataset, front_end, f"{dataset}/{front_end}")
    return on and model in re.split(r",\s*", row.entry)


def value(key, shared, config):
    """What the configuration has for a key of the table."""
    if key.startswith("start."):
        declared = baselines.declare(**shared["recurrent"])
        return getattr(declared.authors, key.removeprefix("start."))
    if "." in key:
        section, name = key.split(".")
        found = getattr(getattr(config, section), name)
        return found.model_dump() if isinstance(found, BaseModel) else found
    if key in Training.model_fields:
        return getattr(shared["training"], key)
    return shared["recurrent"].get(key, {"gate_activation": "sigmoid"}.get(key))


def test_every_value_of_the_table_is_that_of_the_configuration(rows, places, config):
    assert len(rows) > 100
    for row in rows:
        found = [place for place in places if concerns(row, place)]
        assert found, f"no entry for {row}"
        for place in found:
            if row.key != "-":
                assert value(row.key, places[place], config) == literal(row.here), (place, row)


def test_every_setting_of_an_entry_is_in_the_table(rows, places):
    for place, shared in places.items():
        listed = {row.key for row in rows if concerns(row, place)}
        unused = {"constant": {"milestones", "decay"}, "inverse": {"milestones"}}.get(
            shared["training"].schedule, set()
        )
        unused |= {"feature_scale"} if place[1] == "pixels" else {"normalisation"}
        settings = set(Training.model_fields) - ELSEWHERE - unused
        assert settings | set(shared["recurrent"]) - OF_THE_LAYER <= listed, place


def test_no_setting_is_listed_twice(rows, places):
    for place in places:
        narrow = [row.key for row in rows if concerns(row, place) and row.key not in ("-", "init", "code")]
        assert len(narrow) == len(set(narrow)), place


def test_a_reason_stands_where_a_value_differs_and_nowhere_else(rows):
    for row in rows:
        if row.key in ("init", "code"):  # what they stand for is described, not valued
            continue
        authors, here = literal(row.authors), literal(row.here)
        equal = row.key != "-" and (authors == here or (authors == "none" and here in (0.0, None)))
        assert bool(row.reason) != equal, row


def test_every_source_names_a_repository_file_and_line(rows):
    for row in rows:
        if not row.authors.startswith("see "):
            first = row.source.split()
            assert first[0] in REPOSITORIES, row
            assert re.match(r"[\w/]+\.py:\d+", first[1]), row


def test_authors_publish_no_recipe_for_hierarchical_formats(config):
    for name, entry in config.models.items():
        if entry.format in ("hierarchical_tucker", "fully_decomposed"):
            assert entry.recipe == "ours", name
    assert {entry.family for entry in config.models.values() if entry.recipe == "authors"} == {
        "lstm",
        "tt_lstm",
        "bt_lstm",
        "tr_lstm",
    }
