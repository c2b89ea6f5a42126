"""The settings of training: how a model is trained, whatever the model."""

import itertools
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from workflow.storage.fields import DISTINCT, Checked, Count, Factor, NotNegative, Positive, Rate, check_names

FIXED = ("normalisation", "precision", "device", "search", "overlays")  # not searched: alike for all runs of a job


class Training(Checked):
    """The resolved settings of a run, in the order of specification.yaml."""

    epochs: Count = Field(100, description="epochs of training, fewer if `patience` ends it")
    batch_size: Count = Field(16, description="clips per step")
    optimizer: Literal["adam", "adamw"] = Field("adam", description="optimiser")
    learning_rate: Positive = Field(0.001, description="learning rate of the first epoch")
    weight_decay: NotNegative = Field(0.0, description="weight decay of every parameter")
    classifier_weight_decay: NotNegative = Field(0.0, description="additional weight decay of the classifier's weights")
    gradient_norm: Positive | None = Field(5.0, description="largest norm of the gradient; null: no clipping")
    schedule: Literal["constant", "step", "cosine", "inverse"] = Field(
        "constant", description="learning rate over the epochs; inverse: rate / (1 + decay * steps taken), as in Keras"
    )
    milestones: list[Count] = Field([], description="schedule `step`: epochs after which the learning rate falls")
    decay: Factor = Field(
        0.2, description="schedule `step`: factor of the learning rate at each milestone; schedule `inverse`: see there"
    )
    dropout_input: Rate = Field(0.0, description="share of the input x that dropout zeroes, one mask per clip")
    dropout_product: Rate = Field(0.0, description="share of W x that dropout zeroes")
    dropout_recurrent: Rate = Field(0.0, description="share of the hidden state that dropout zeroes")
    dropout_mask: Literal["clip", "step"] = Field(
        "clip", description="masks on W x and the hidden state: one per clip, or a new one at every time step"
    )
    dropout_classifier: Rate = Field(0.0, description="share of the classifier's input that dropout zeroes")
    patience: Count | None = Field(None, description="epochs without a better validation accuracy that end training")
    normalisation: Literal["unit", "raw"] = Field(
        "unit", description="pixels: unit is (x - 128) / 128; raw is x - 128, as in the authors' code"
    )
    feature_scale: Positive = Field(1.0, description="features of a CNN: factor; tednet divides them by 128")
    precision: Literal["float32", "tf32", "bfloat16"] = Field("float32", description="number format of matrix products")
    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="auto: the GPU if there is one")
    search: dict[str, Annotated[list[Any], *DISTINCT]] = Field(
        {}, description="values of settings: each combination is trained, and the best on validation clips is kept"
    )

    @model_validator(mode="after")
    def _searched(self) -> Self:
        check_names("setting of a search", self.search, [name for name in type(self).model_fields if name not in FIXED])
        for name, values in self.search.items():
            for value in values:
                Training.parse({name: value}, "search")
        return self

    @property
    def candidates(self) -> list[Self]:
        """The settings of each training: all combinations of the values of `search`; these alone without a search."""
        combinations = itertools.product(*self.search.values())
        given = (dict(zip(self.search, values, strict=True)) for values in combinations)
        return [self.model_copy(update={**values, "search": {}}) for values in given]
