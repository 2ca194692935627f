"""What the configurations of all systems have in common."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, TypeVar

from lossconditioning.errors import one_of, positive, positive_int

Own = TypeVar("Own", bound="Config")


@dataclass(frozen=True)
class Config:
    """One experiment, as plain values: training it again needs nothing else.

    A system's own Config adds fields, their defaults being the paper's; among them, or as properties, ``batch_size``,
    ``steps``, the number of optimizer steps, and ``learning_rate``. What stands below as a class attribute is for those that
    do not say otherwise, by a field or a property.

    Attributes:
        name: file name of its checkpoint.
        repeat: number of the repetition: another seed, everything else alike.
        schedule: of the learning rate, one of ``schedules``; see `training.schedules`.
        average: decay of an exponential moving average of the weights that is used in the end; 0 for none.
        clip: largest norm of the gradient; None for any.
        half: compute in bfloat16, on CPUs too, where some take less time for it.
        needs: names of the experiments that have to be finished before this one.
    """

    name: str
    # Without annotations, for these are no fields: they would stand before a system's own.
    repeat = 0
    schedule, schedules = "constant", ("constant", "cosine")
    average = 0.0
    clip = None
    half = False
    needs = ()

    def __post_init__(self) -> None:
        """Refuse what means nothing in any system; a system's own calls it after its own."""
        one_of("schedule", self.schedule, self.schedules)
        positive_int("batch_size", self.batch_size)
        positive_int("steps", self.steps)
        positive("learning_rate", self.learning_rate)

    @property
    def precision(self) -> str | None:
        """What training computes in, "no", "fp16" or "bf16"; None for bf16 on GPUs that have it."""
        return "bf16" if self.half else None

    def as_json(self) -> dict[str, Any]:
        """The configuration as JSON would give it back."""
        return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()}

    @classmethod
    def from_json(cls: type[Own], values: dict[str, Any]) -> Own:
        """The inverse of `as_json`, for the configuration in a card."""
        return cls(**{key: tuple(value) if isinstance(value, list) else value for key, value in values.items()})
