"""Which compressed models an FDHT-LSTM is held against: of every format the one entry that is its like."""

from workflow.reporting import counted
from workflow.reporting import layout as layouts
from workflow.reporting.results import Results
from workflow.reporting.tables import factors


def of(results: Results, dataset: str, front_end: str, model: str) -> list[str]:
    """The matched entries, in the order of tables.

    Of a compressed format that has an entry with `model`'s ending (`_authors`), that entry. Of one that has none, as
    none has of `fdht_lstm_deep`, the entry without an ending, where both are known to have the same start.
    """
    ending, entries = variant_of(results, model), compressed(results, dataset, front_end)
    start = factors.start_of(results, dataset, front_end, model)

    def matched(rival: str) -> bool:
        if ending == variant_of(results, rival) or start is None:
            return ending == variant_of(results, rival)
        plain = not variant_of(results, rival) and rival + ending not in entries
        return plain and factors.start_of(results, dataset, front_end, rival) == start

    return [rival for rival in entries if matched(rival)]


def compressed(results: Results, dataset: str, front_end: str) -> list[str]:
    """Every entry of a compressed format."""
    places = counted.places(results)
    here = (places["dataset"] == dataset) & (places["front_end"] == front_end)
    return [model for model in places.loc[here, "model"] if layouts.kind(results.layout, model) == "compressed"]


def variant_of(results: Results, model: str) -> str:
    """What follows the name of its format: `_authors` of `tt_lstm_authors`."""
    return model.removeprefix(layouts.base_model(results.layout, model) or "")
