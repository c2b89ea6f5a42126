"""Which compressed models an FDHT-LSTM is held against: of every format the one entry that is its like."""

from workflow.reporting import layout as layouts
from workflow.reporting.content import counted
from workflow.reporting.content.material import Material


def of(material: Material, dataset: str, front_end: str, model: str) -> list[str]:
    """The matched entries, in the order of tables: of each compressed format the entry whose name ends as `model`'s."""
    variant = variant_of(material, model)
    return [rival for rival in compressed(material, dataset, front_end) if variant_of(material, rival) == variant]


def compressed(material: Material, dataset: str, front_end: str) -> list[str]:
    """Every entry of a compressed format."""
    places = counted.places(material)
    here = (places["dataset"] == dataset) & (places["front_end"] == front_end)
    return [model for model in places.loc[here, "model"] if layouts.kind(material.layout, model) == "compressed"]


def variant_of(material: Material, model: str) -> str:
    """What follows the name of its format: `_published` of `tt_lstm_published`."""
    return model.removeprefix(layouts.base_model(material.layout, model) or "")
