"""The record of a run: the one definition of result.json."""

import math
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from workflow.datasets.front_ends import FRONT_ENDS
from workflow.datasets.protocols import PROTOCOLS
from workflow.storage.fields import Checked, Count, Name, NotNegative, Share, Whole, one_of

RECORD = "result.json"
WEIGHTS = "model.safetensors"  # large, and may be deleted to save space: no start reads it


# model.safetensors is written if it holds at most this many numbers; the dense models of the paper have 59 million
Keep = Literal["all", "small", "none"]
KEPT = {"all": math.inf, "small": 1_000_000, "none": -1}
Recipe = one_of("recipe", ("ours", "authors"))


class Parameters(Checked):
    """Numbers stored; U is 0 where W also holds the hidden-to-hidden weights."""

    W: Whole = Field(description="input-to-hidden weights")
    U: Whole = Field(description="hidden-to-hidden weights")
    bias: Whole = Field(description="biases of the recurrent layer")
    classifier: Whole = Field(description="weights and biases of the classifier")


class Candidate(Checked):
    """One of the settings that a search tried."""

    settings: dict[str, Any] = Field(description="values of the settings that are searched")
    epochs: Whole = Field(description="epochs trained")
    validation_accuracy: Share | None = Field(None, description="top-1 on validation clips at the chosen epoch")
    validation_loss: NotNegative | None = Field(None, description="cross-entropy on validation clips at that epoch")
    metrics: str = Field("", description="file of its metrics, next to this one; empty if it failed before any")
    failure: str = Field("", description="one sentence; only if its training failed")


class Record(Checked):
    """What a run leaves. Accuracies are fractions of the clips; null where the run did not get that far."""

    dataset: Name = Field(description="data set")
    front_end: one_of("front end", FRONT_ENDS) = Field(description="front end")  # type: ignore[valid-type]
    model: Name = Field(description="name of the model in the configuration")
    protocol: one_of("protocol", PROTOCOLS) = Field(description="protocol")  # type: ignore[valid-type]
    fold: Whole = Field(description="fold, from 0")
    seed: Whole = Field(description="seed")
    family: Name = Field(description="what the model is a variant of, else its own name")
    recipe: Recipe = Field(description="whose settings")  # type: ignore[valid-type]
    status: Literal["ok", "failed"] = Field(description="outcome")
    failure: str = Field("", description="one sentence; only if status is failed")
    test_accuracy: Share | None = Field(
        description="top-1 on test clips at the epoch chosen on validation clips; null without a validation part"
    )
    final_epoch_accuracy: Share | None = Field(None, description="top-1 on test clips after the last epoch")
    best_epoch_accuracy: Share | None = Field(description="top-1 on test clips at the best test epoch (optimistic)")
    validation_accuracy: Share | None = Field(description="top-1 on validation clips at the chosen epoch")
    test_top5: Share | None = Field(None, description="top-5 accuracy on test clips at the chosen, else the last epoch")
    test_macro_f1: Share | None = Field(
        None, description="mean F1 of the classes on test clips at the chosen, else the last epoch"
    )
    epochs: Whole = Field(description="epochs trained")
    best_epoch: Whole | None = Field(description="the epoch chosen on validation clips, from 1; null without any")
    parameters: Parameters = Field(description="numbers stored")
    train_seconds: NotNegative = Field(
        description="seconds of training, summed over interruptions and candidates; with runs side by side, includes "
        "the turns of the others"
    )
    step_ms: NotNegative | None = Field(
        description="milliseconds per training step, the median of the epochs; with runs side by side, includes the "
        "turns of the others"
    )
    peak_memory_mb: NotNegative | None = Field(
        description="largest memory in use, MiB: of the GPU, else of the process; by all runs of the process so far"
    )
    device: str = Field(description="GPU or CPU")
    versions: dict[str, str] = Field({}, description="of Python and of the packages that a result may depend on")
    data_digest: str = Field(description="sha256 of the tensor of all clips")
    split_digest: str = Field(description="sha256 of the fold's assignment of clips to parts")
    code_digest: str = Field(
        "", description="sha256 of the training code, the pins of its packages and torch's version"
    )
    git_commit: str = Field(description="commit of the code; `unknown` without a git repository of its own")
    best_test_epoch: Count | None = Field(None, description="the epoch of best_epoch_accuracy, from 1")
    train_accuracy: Share | None = Field(
        None, description="top-1 on training clips in the last epoch, with dropout; of fitted baselines, after the fit"
    )
    classes: list[str] = Field([], description="names of the classes, by index")
    per_class_accuracy: list[Share | None] = Field([], description="top-1 by class; null: no test clip")
    confusion: list[list[Whole]] = Field([], description="test clips by true class (row) and predicted class (column)")
    clips: dict[str, Whole] = Field({}, description="numbers of clips in train, validation and test")
    precision: Literal["float32", "tf32", "bfloat16"] = Field("float32", description="number format of matrix products")
    interruptions: Whole = Field(0, description="checkpoints from which the run resumed")
    clips_at_a_time: Count | None = Field(
        None, description="clips per pass; fewer than the batch size if gradients were accumulated to save memory"
    )
    search: list[Candidate] = Field([], description="candidates of the search of settings, in the order of training")
    searched: Whole | None = Field(None, description="the candidate that was kept, from 0: best on validation clips")
    side_by_side: Count | None = Field(None, description="largest number of runs trained together on the device")
    files: dict[str, str] = Field({}, description="sha256 of the files next to this one")
    seal: str = Field("", description="sha256 of everything else in this file")

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.status == "ok" and self.best_epoch_accuracy is None:
            raise ValueError("status is ok but best_epoch_accuracy is null")
        return self
