"""The settings of training: how a model is trained, whatever the model."""

from typing import Literal

from pydantic import Field

from workflow.experiments.fields import Checked, Count, Factor, NotNegative, Positive, Rate

# scale and shift of x * scale + shift: (x - 128) / 128, and x - 128 as in the authors' code
PIXELS = {"unit": (1 / 128, -1.0), "raw": (1.0, -128.0)}


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
