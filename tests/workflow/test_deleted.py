"""Whatever is deleted comes back at the next start, and no run is trained again for it."""

import shutil
from base64 import b64decode

import pytest

REPORTING = {"collect", "tables", "figures", "report", "paper"}


@pytest.mark.parametrize(
    ("name", "step"),
    [
        *[(name, "collect") for name in ("results.csv", "columns.md", "csv-metadata.json")],
        *[("figures/rank.pdf", "figures"), ("figures/rank.png", "figures"), ("arxiv.tar.gz", "paper")],
        *[("tables/claims.csv-metadata.json", "tables"), ("tables/tabular/accuracy-demo-pixels.tex", "tables")],
        *[("tables/parameters.md", "counts"), ("tables/tabular/parameters-demo-pixels.tex", "counts")],
    ],
)
def test_a_deleted_output_is_made_again_and_no_data_or_records(finished, name, step):
    with finished.restored() as results:
        if step == "paper" and not (results / name).exists():
            pytest.skip("no latexmk here, so no article")
        (results / name).unlink()
        assert step in finished.planned() <= REPORTING | {step}
    assert finished.planned() == set()


DATA = {
    "source.json": "download",
    **dict.fromkeys(("listing.csv", "inventory.json"), "unpack"),
    **dict.fromkeys(("frames.npy", "clips.csv", "frames.json"), "frames"),
    **dict.fromkeys(("splits.csv", "splits.json", "leakage.csv"), "splits"),
}


@pytest.mark.parametrize("name", DATA)
def test_a_deleted_file_of_the_data_is_made_again(finished, name):
    with finished.restored() as results:
        (results / "data/demo" / name).unlink()
        planned = finished.reproduce("-n")
        assert planned.returncode == 0, planned.stderr
        assert [DATA[name], "new"] in [line.split()[1:] for line in planned.stdout.splitlines()]


def test_deleted_files_come_back_as_they_were_and_no_run_is_trained(finished):
    with finished.restored() as results:
        lost = "data/demo/source.json", "data/demo/frames.npy", "figures/rank.png", "tables/tabular/splits-demo.tex"
        before = {results / name: (results / name).read_bytes() for name in lost}
        records = {path: path.stat() for path in (results / "runs").rglob("result.json")}
        for path in before:
            path.unlink()
        made = finished.snakemake("--configfile", "config/tiny.yaml")
        assert made.returncode == 0, made.stdout
        assert {path: path.read_bytes() for path in before} == before
        assert {path: path.stat() for path in records} == records


def test_a_result_of_unknown_origin_is_made_again(finished):
    """Its parameters could not be compared with those of the configuration."""
    with finished.restored() as results:
        shutil.rmtree(results / ".snakemake")
        assert {"download", "frames", "splits", "counts"} <= finished.planned()
    assert finished.planned() == set()


@pytest.mark.parametrize("damage", [b'{"rule": "\xc3("}', b'{"starttime": "never"}', b"[]"])
def test_a_result_whose_notes_are_damaged_is_made_again(finished, damage):
    with finished.restored() as results:
        notes = max((results / ".snakemake").iterdir(), key=lambda path: b"results.csv" in b64decode(path.name))
        notes.write_bytes(damage)
        assert {"collect"} <= finished.planned() <= REPORTING
