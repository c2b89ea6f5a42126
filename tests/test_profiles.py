"""Every profile speaks Snakemake's language: its keys, those that wait in a comment too, its rules, its resources."""

import re
from pathlib import Path

import pytest
import yaml
from snakemake.cli import get_argument_parser

ROOT = Path(__file__).resolve().parent.parent
PROFILES = sorted(ROOT.glob("profiles/*/config.yaml"))
# of the Slurm plugin 2.8.0, of the Kubernetes plugin 0.5.1 (docs/further.md), of Snakemake, and our own
RESOURCES = {"slurm_partition", "slurm_account", "gres", "gpu", "gpu_manufacturer", "runtime", "mem_mb", "downloads"}


def with_comments(path):
    """The profile with the settings that it offers in comments switched on, `# key: value`."""
    return yaml.safe_load(re.sub(r"^( *)# ([a-z_-]+: )", r"\1\2", path.read_text(), flags=re.MULTILINE))


@pytest.mark.parametrize("path", PROFILES, ids=lambda path: path.parent.name)
def test_every_key_is_an_option_and_every_rule_a_rule(path):
    options = {option for action in get_argument_parser()._actions for option in action.option_strings}
    text = "\n".join(path.read_text() for path in ROOT.glob("workflow/rules/*.smk"))
    rules = set(re.findall(r"^(?:use )?rule (?:\w+ as )?(\w+)(?::| with:)", text, re.M))
    profile = with_comments(path)
    assert {f"--{key}" for key in profile} <= options
    assert {*profile.get("set-resources", {}), *profile.get("set-threads", {})} <= rules
    for resources in [profile.get("default-resources", {}), *profile.get("set-resources", {}).values()]:
        assert resources.keys() <= RESOURCES


def test_the_slurm_plugin_reads_the_resources():
    import snakemake_executor_plugin_slurm as plugin

    source = "\n".join(path.read_text() for path in Path(plugin.__file__).parent.glob("*.py"))
    slurm = with_comments(ROOT / "profiles" / "slurm" / "config.yaml")
    for resources in [slurm["default-resources"], *slurm["set-resources"].values()]:
        for name in resources:
            assert f'"{name}"' in source or f"resources.{name}" in source, name


def test_no_step_that_needs_the_network_is_sent_to_a_compute_node():
    text = (ROOT / "workflow" / "rules" / "data.smk").read_text()
    (local,) = re.findall(r"^localrules:\n((?:    \w+,.*\n)+)", text, flags=re.MULTILINE)
    for block in re.split(r"^rule ", text, flags=re.MULTILINE)[1:]:
        if "workflow.datasets.download" in block:
            assert block.partition(":")[0] in re.findall(r"^    (\w+),", local, flags=re.MULTILINE)
