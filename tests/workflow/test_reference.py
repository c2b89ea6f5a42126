"""What is generated from the models of configuration and record is up to date, and says what the models do."""

import json

from workflow.experiments import reference


def test_the_generated_files_are_up_to_date(root):
    for path, text in reference.files().items():
        assert (root / path).read_text() == text, f"{path} is out of date: run python -m workflow.experiments.reference"


def test_the_schema_of_a_configuration_names_every_key_with_its_bounds():
    schema = json.loads(reference.files()["workflow/schemas/config.schema.json"])
    assert schema["additionalProperties"] is False
    assert schema["required"] == ["name", "datasets", "models"]
    training = schema["$defs"]["Training"]["properties"]
    assert training["decay"] == {
        "default": 0.2,
        "description": "schedule `step`: factor of the learning rate at each milestone; schedule `inverse`: see there",
        "exclusiveMinimum": 0,
        "maximum": 1,
        "title": "Decay",
        "type": "number",
    }


def test_the_documentation_lists_every_key_once():
    page = reference.files()["docs/configuration.md"]
    for key in ("datasets.<data set>.source", "training.epochs", "models.<model>.family", "inception_v3.batch", "seal"):
        assert page.count(f"| `{key}` |") == 1
