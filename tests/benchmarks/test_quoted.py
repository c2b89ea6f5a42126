"""benchmarks/README.md quotes the files in results/benchmarks."""

import pandas as pd
import pytest

OTHERS = {"torch": "cuDNN", "torch, CUDA graph": "its graph", "BT-LSTM authors' scheme": "authors' scheme"}
OTHERS |= {"TT_RNN scheme": "TT_RNN's scheme", "tensorized-rnn scheme": "tensorized-rnn's scheme"}
GRAPH = "ours, CUDA graph"


@pytest.fixture(scope="module")
def text(root):
    return (root / "benchmarks/README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def steps(root):
    table = pd.read_csv(root / "results/benchmarks/gpu/speed.csv").query("`pass` == 'step'")
    table["model"] = table["model"].replace({"fully decomposed tt_lstm": "fdht_lstm"})
    return table.set_index(["model", "case", "implementation"]).sort_index()


def test_steps_on_a_gpu(text, steps):
    lines = [line for line in text.splitlines() if line.startswith("| ") and "launches" not in line]
    for model in steps.index.unique("model"):
        cells = []
        for case in ("57600-256", "2048-2048"):
            own = steps.loc[(model, case)].copy()
            graph, launched = own.loc[GRAPH], own.loc["ours", "median_ms"]
            cells += [f" {graph['median_ms']:.2f} ({graph['min_ms']:.2f}) ", f" {launched:.2f} "]
            own = own.drop([GRAPH, "ours"])
            cells.append({f"{OTHERS.get(name, name)} {one:#.3g}" for name, one in own["median_ms"].items()} or {"none"})
        (found,) = (line.split("|")[2:-1] for line in lines if line.startswith(f"| {model} | {cells[0].strip()}"))
        for place, cell in enumerate(cells):
            assert (set(map(without_minimum, found[place].split(","))) if place in (2, 5) else found[place]) == cell


def without_minimum(other):
    return other.split("(")[0].strip()


def test_fdht_on_a_gpu_is_compared_with_the_others(text, steps):
    ours = steps.loc[("fdht_lstm", "57600-256", GRAPH), "median_ms"]
    dense = [steps.loc[("lstm", "57600-256", name), "median_ms"] for name in ("torch, CUDA graph", "torch")]
    peer = steps.loc[("fdht_lstm", "57600-256", "better sweep"), "median_ms"]
    graph, launched, best = dense[0] / ours, dense[1] / ours, peer / ours
    assert f"takes 1/{graph:.1f} of cuDNN's dense LSTM as a graph (1/{launched:.1f} of its launches)" in text
    assert f"and 1/{best:.0f} of the best fully decomposed peer" in " ".join(text.split())


def test_runs_side_by_side(text, root):
    gains = pd.read_csv(root / "results/benchmarks/gpu/side_by_side.csv").query("side_by_side == 25").copy()
    dense = gains["model"].isin(["lstm", "gru", "lstm_authors"])
    large = dense | (gains["front_end"].ne("pixels") & ~gains["model"].str.startswith(("fdht", "thumbnail")))
    (low, high), (least, most) = (gains.loc[rows, "gain"].agg(["min", "max"]) for rows in (~large, large))
    said = f"{low:.1f} to {high:.1f} times for models of at most 0.3 million weights, {least:.1f} to {most:.1f}"
    assert f"{said} for larger ones" in " ".join(text.split())


def test_one_clip_on_a_small_device(text, root):
    table = pd.read_csv(root / "results/benchmarks/devices.csv")
    assert f"load {table['load'].min():.1f} to {table['load'].max():.1f}" in text
    for row in table.itertuples():
        runtime = {"pytorch": "PyTorch", "onnxruntime": "ONNX Runtime"}.get(row.runtime, row.runtime)
        sizes = [f"{one:,.0f}" if one >= 1000 else f"{one:.3g}" for one in (row.file_kb, row.process_mb, row.peak_mb)]
        times = [f"{one:.3g}" for one in (row.processor_ms, row.median_ms, row.q1_ms, row.q3_ms)]
        clock = "{} ({} to {})".format(*times[1:])
        cells = (row.case, row.frames, row.model, runtime, *sizes, times[0], clock)
        assert f"| {' | '.join(map(str, cells))} |" in text
