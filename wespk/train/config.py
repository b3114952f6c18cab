"""The training configuration, field by field: what a recipe's `conf/*.yaml` may hold."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from wespk.augment import SpecAugmentOptions
from wespk.core.config import Component, StrictModel


class DataConfig(StrictModel):
    """What a training example is."""

    chunk_frames: int = Field(200, ge=8, le=100_000)  # length of an example; shorter utterances are repeated
    cmn: Literal["none", "utterance"] = (
        "utterance"  # mean subtraction, becomes part of the model's FeatureSpec
    )
    norm_vars: bool = False  # divide by the deviation too
    spec_augment: SpecAugmentOptions | None = None
    num_workers: int = Field(1, ge=0)  # loader processes of each rank


class OptimConfig(StrictModel):
    """The optimiser and its learning rate: linear warm-up, then cosine decay."""

    name: Literal["adamw", "sgd"] = "adamw"
    lr: float = Field(1e-3, gt=0)  # the peak
    final_lr: float = Field(1e-5, gt=0)
    warmup_steps: int = Field(100, ge=0)
    weight_decay: float = Field(1e-4, ge=0)
    momentum: float = Field(0.9, ge=0, lt=1)  # sgd only
    max_grad_norm: float = Field(5.0, gt=0)


class MarginConfig(StrictModel):
    """The head's margin over training: 0 until `start`, then a linear rise to the head's own value at `end`.

    Both are fractions of all steps.
    """

    start: float = Field(0.0, ge=0, le=1)
    end: float = Field(0.0, ge=0, le=1)

    @model_validator(mode="after")
    def _rises(self) -> MarginConfig:
        if self.start > self.end:
            raise ValueError(f"start, {self.start:g}, is after end, {self.end:g}; raise end")
        return self


class TrainConfig(StrictModel):
    """A training run. `batch_size` counts all ranks together, so more of them do not change the schedule."""

    seed: int = Field(1, ge=0, lt=1 << 31)
    epochs: int = Field(30, ge=0)  # 0 writes the untrained network
    batch_size: int = Field(64, ge=2)
    precision: Literal["auto", "fp32", "bf16"] = "auto"  # auto: bf16 where the hardware computes in it
    save_every_steps: int = Field(
        200, ge=1
    )  # a checkpoint to continue from; there is one at each epoch's end too
    keep_epochs: int = Field(10, ge=1)  # epoch checkpoints kept for averaging
    data: DataConfig = DataConfig()
    model: Component
    loss: Component = Component(name="aam")
    margin: MarginConfig = MarginConfig()
    optim: OptimConfig = OptimConfig()
