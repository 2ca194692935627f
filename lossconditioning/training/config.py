"""What the configurations of all systems have in common."""

from __future__ import annotations

from dataclasses import KW_ONLY, asdict, dataclass
from typing import Any, TypeVar

import torch

from lossconditioning.errors import ReaderError, one_of, positive, positive_int

Own = TypeVar("Own", bound="Config")

PURPOSES = ("comparison", "play")
"""What a network is trained for: to be held against others of the same budget; or, for as long as it pays, for readers."""


@dataclass(frozen=True)
class Config:
    """One experiment, as plain values: training it again needs nothing else.

    A system's own Config adds fields, their defaults being the paper's; among them, or as properties, are

    - ``batch_size``, examples per step,
    - ``steps``, optimizer steps, and
    - ``learning_rate``, Adam's, at the start.

    What stands below as a class attribute is for systems that do not say otherwise, by a field or a property: ``schedules``,
    those that mean something in it; ``clip``, the largest norm of the gradient, None for any; ``half``, whether it computes in
    bfloat16, on CPUs too, if they have instructions for it; ``needs``, names of the experiments that have to be finished first.

    Attributes:
        name: file name of its checkpoint.
        schedule: of the learning rate, one of ``schedules``; see `training.schedules`.
        average: what is published are the weights' running averages, which keep this share at every step; 0 for none.
        repeat: number of the repetition: another seed, everything else alike.
        purpose: one of `PURPOSES`.
    """

    name: str
    _: KW_ONLY
    schedule: str = "constant"
    average: float = 0.0
    repeat: int = 0
    purpose: str = "comparison"
    # Without annotations, for these are no fields.
    schedules = ("constant", "cosine")
    clip = None
    half = False
    needs = ()

    def __post_init__(self) -> None:
        """Refuse what means nothing in any system; a system's own calls it after its own."""
        one_of("schedule", self.schedule, self.schedules)
        one_of("purpose", self.purpose, PURPOSES)
        positive_int("batch_size", self.batch_size)
        positive_int("steps", self.steps)
        positive("learning_rate", self.learning_rate)
        if not 0 <= self.average < 1:
            raise ReaderError(f"average is the decay of a moving average, in [0, 1); got {self.average}.")

    @property
    def precision(self) -> str | None:
        """What training computes in, "no", "fp16" or "bf16"; None for bf16 on GPUs that have it."""
        return "bf16" if self.half and bfloat16_pays() else None

    def as_json(self) -> dict[str, Any]:
        """The configuration as JSON would give it back."""
        return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()}

    @classmethod
    def from_json(cls: type[Own], values: dict[str, Any]) -> Own:
        """The inverse of `as_json`, for the configuration in a card; a field that is not in it has its default."""
        return cls(**{key: tuple(value) if isinstance(value, list) else value for key, value in values.items()})


def bfloat16_pays() -> bool:
    """Whether this machine computes in bfloat16 itself.

    Without a GPU and without instructions for it PyTorch 2.12 does convolutions in bfloat16 all the same, 19 times slower than
    in float32 (a training step of the painters on a processor with AVX2 alone).
    """
    return torch.cuda.is_available() or bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
