"""Everything notebook 02 trains, as configurations."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

from torch import Tensor

from lossconditioning.errors import ReaderError, one_of, positive_int
from lossconditioning.priors import Fixed, LogUniform, Prior, Uniform
from lossconditioning.systems.beta_vae.models import ARCHITECTURES, CONDITIONING, BetaVAE
from lossconditioning.systems.beta_vae.task import RANGES, beta_grid
from lossconditioning.training import Ensemble, seed_everything

SYSTEM = "beta_vae"
PROFILES = ("smoke", "demo", "laptop", "paper")
KINDS = ("yoto", "fixed")
PRIORS = {"log-uniform": LogUniform, "uniform": Uniform}
ENCODINGS = {"log": LogUniform, "linear": Uniform}
"""What the network is told: standardised log β, or standardised β."""


@dataclass(frozen=True)
class Config:
    """One experiment; the defaults are A.1's setting for CIFAR-10.

    Attributes:
        name: file name of its checkpoint.
        data: "cifar10" or "shapes3d".
        kind: "yoto" (one network told β) or "fixed" (an `Ensemble` of separate networks, one per value of β).
        width: 1, or 1.5 for "wider".
        hidden: units of the fully connected layers; None for A.1's 512 and 256.
        conditioning: how β enters, "film", "concatenation" or "input".
        prior: where β is drawn from in training, "log-uniform" or "uniform".
        encoding: what the network is told, "log" or "linear".
        beta_range: lowest and highest β; None for A.1's range.
        betas: number of fixed models, evenly spaced in log β.
        draws: values of β drawn per picture and step (YOTO only); more than one are spread evenly over the prior.
        batch_size: pictures per step.
        steps: optimizer steps.
        learning_rate: at the start; halved after 50, 65, 80 and 95 % of the steps, as in A.1.
        repeat: number of the repetition: another seed, everything else alike.
    """

    name: str
    data: str = "cifar10"
    kind: str = "yoto"
    width: float = 1.0
    hidden: int | None = None
    conditioning: str = "film"
    prior: str = "log-uniform"
    encoding: str = "log"
    beta_range: tuple[float, float] | None = None
    betas: int = 8
    draws: int = 1
    batch_size: int = 128
    steps: int = 600_000
    learning_rate: float = 8e-4
    repeat: int = 0

    def __post_init__(self):
        one_of("data set", self.data, ARCHITECTURES)
        one_of("kind of model", self.kind, KINDS)
        one_of("conditioning", self.conditioning, CONDITIONING)
        one_of("prior", self.prior, PRIORS)
        one_of("encoding", self.encoding, ENCODINGS)
        for name in ("betas", "draws", "batch_size", "steps"):
            positive_int(name, getattr(self, name))
        if self.hidden is not None:
            positive_int("hidden", self.hidden)
        if not self.width > 0 or not self.learning_rate > 0:
            raise ReaderError(f"width and learning_rate are positive; got {self.width}, {self.learning_rate}.")
        if not 0 < self.range[0] < self.range[1]:
            raise ReaderError(f"beta_range is a low and a high β, 0 < low < high; got {self.range}.")
        if self.kind == "fixed" and self.draws > 1:
            raise ReaderError("A fixed-weight model has one β: several draws per picture mean nothing to it.")

    @property
    def range(self) -> tuple[float, float]:
        """Lowest and highest β it is trained on."""
        return self.beta_range or RANGES[self.data]

    @property
    def grid(self) -> Tensor:
        """The fixed models' β, and where every model is measured; ``(betas,)``, from end to end of A.1's range."""
        return beta_grid(self.data, self.betas)

    @property
    def sampled(self) -> Prior:
        """The prior β is drawn from in training."""
        return Fixed(self.grid) if self.kind == "fixed" else PRIORS[self.prior](*self.range)

    def as_json(self) -> dict[str, Any]:
        """The configuration as JSON would give it back."""
        return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Config:
        """The inverse of `as_json`, for the configuration in a card."""
        return cls(**{key: tuple(value) if isinstance(value, list) else value for key, value in values.items()})


# A.1's training settings that differ between the two data sets.
PAPER = {
    "cifar10": dict(batch_size=128, learning_rate=8e-4),  # noqa: C408 - read as keyword arguments
    "shapes3d": dict(batch_size=64, learning_rate=2e-4),  # noqa: C408
}
# Two CPU cores: A.1's convolutions, smaller fully connected layers, and 16 pictures with four values of β each per step.
LAPTOP = {
    "cifar10": dict(hidden=64, batch_size=16, steps=3000, learning_rate=8e-4),  # noqa: C408
    "shapes3d": dict(hidden=64, batch_size=16, steps=3000, learning_rate=8e-4),  # noqa: C408
}
LAPTOP_DRAWS = 4


def experiments(profile: str) -> dict[str, Config]:
    """All experiments of a profile by name, in the order they are trained.

    "paper" is A.1's own setting. "laptop" is what the shipped checkpoints were trained with, and what "demo" names.
    "smoke" runs the same code on a handful of steps.
    """
    one_of("profile", profile, PROFILES)
    configs = []
    for data in ("shapes3d", "cifar10"):
        if profile == "paper":
            base, draws = Config(f"{data}_yoto", data, **PAPER[data]), 1
        else:
            base, draws = Config(f"{data}_yoto", data, **LAPTOP[data]), LAPTOP_DRAWS
        configs += (
            _main(base, draws) + _repetitions(base, draws) + (_ablations(base, draws) if data == "cifar10" else [])
        )
    if profile == "smoke":
        small = dict(batch_size=4, steps=3, hidden=8, betas=3)  # noqa: C408
        configs = [replace(config, **small, draws=min(config.draws, 2)) for config in configs]
    return {config.name: config for config in configs}


def _main(base: Config, draws: int) -> list[Config]:
    """Figure 2: YOTO, wider, the fixed models; and YOTO with other numbers of steps and draws."""
    data, yoto = base.data, replace(base, draws=draws)
    configs = [
        yoto,
        replace(base, name=f"{data}_fixed", kind="fixed"),
        replace(yoto, name=f"{data}_wider", width=1.5),
        replace(yoto, name=f"{data}_twice_steps", steps=2 * base.steps),
        replace(yoto, name=f"{data}_half_steps", steps=base.steps // 2),
    ]
    if draws > 1:
        configs.append(replace(base, name=f"{data}_one_draw"))
    return configs


def _repetitions(base: Config, draws: int) -> list[Config]:
    """A second seed of YOTO and the fixed models, for confidence bands."""
    return [
        replace(base, name=f"{base.data}_yoto_repeat", draws=draws, repeat=1),
        replace(base, name=f"{base.data}_fixed_repeat", kind="fixed", repeat=1),
    ]


def _ablations(base: Config, draws: int) -> list[Config]:
    """Figure 4, each design decision changed alone, at half the steps; and a network trained on part of β's range."""
    half = replace(base, draws=draws, steps=base.steps // 2)
    return [
        replace(half, name=f"{base.data}_uniform", prior="uniform"),
        replace(half, name=f"{base.data}_concatenation", conditioning="concatenation"),
        replace(half, name=f"{base.data}_input", conditioning="input"),
        replace(half, name=f"{base.data}_linear", encoding="linear"),
        replace(half, name=f"{base.data}_narrow", beta_range=(4.0, 64.0)),
    ]


def build(config: Config, seed: int = 0) -> BetaVAE | Ensemble:
    """The untrained network, or ensemble, of an experiment; weights depend on (seed, repeat) and the member alone."""
    networks = []
    for member in range(config.betas if config.kind == "fixed" else 1):
        seed_everything(seed, config.repeat, member)
        told = None if config.kind == "fixed" else ENCODINGS[config.encoding](*config.range)
        networks.append(BetaVAE(config.data, config.width, told, config.conditioning, config.hidden))
    return Ensemble(networks) if config.kind == "fixed" else networks[0]
