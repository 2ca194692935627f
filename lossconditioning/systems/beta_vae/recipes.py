"""Everything notebook 02 trains, as configurations."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor

from lossconditioning.errors import ReaderError, one_of, positive, positive_int
from lossconditioning.priors import Fixed, LogUniform, Prior, Uniform
from lossconditioning.systems.beta_vae.models import ARCHITECTURES, CONDITIONING, BetaVAE
from lossconditioning.systems.beta_vae.task import RANGES, lam_grid
from lossconditioning.training import PROFILES, Ensemble, seed_everything
from lossconditioning.training import Config as Common

KINDS = ("yoto", "fixed")
PRIORS = {"log-uniform": LogUniform, "uniform": Uniform}
ENCODINGS = {"log": LogUniform, "linear": Uniform}
"""What the network is told: standardised log β, or standardised β."""


@dataclass(frozen=True, kw_only=True)
class Config(Common):
    """One experiment; the defaults are A.1's setting for CIFAR-10.

    Attributes, besides those of `training.Config`:
        data: "cifar10" or "shapes3d".
        kind: "yoto" (one network told β) or "fixed" (an `Ensemble` of separate networks, one per value of β).
        width: 1, or 1.5 for "wider".
        hidden: units of the fully connected layers; None for A.1's 512 and 256.
        conditioning: how β enters, "film", "concatenation" or "input".
        prior: where β is drawn from in training, "log-uniform" or "uniform".
        encoding: what the network is told, "log" or "linear".
        lam_range: lowest and highest β; None for A.1's range.
        lams: number of fixed models, evenly spaced in log β.
        draws: values of β drawn per picture and step (YOTO only); more than one are spread evenly over the prior.
        learning_rate: at the start; halved after 50, 65, 80 and 95 % of the steps, as in A.1.
    """

    data: str = "cifar10"
    kind: str = "yoto"
    width: float = 1.0
    hidden: int | None = None
    conditioning: str = "film"
    prior: str = "log-uniform"
    encoding: str = "log"
    lam_range: tuple[float, float] | None = None
    lams: int = 8
    draws: int = 1
    batch_size: int = 128
    steps: int = 600_000
    learning_rate: float = 8e-4
    schedule: str = "steps"
    schedules = ("steps",)

    def __post_init__(self):
        one_of("data set", self.data, ARCHITECTURES)
        one_of("kind of model", self.kind, KINDS)
        one_of("conditioning", self.conditioning, CONDITIONING)
        one_of("prior", self.prior, PRIORS)
        one_of("encoding", self.encoding, ENCODINGS)
        for name in ("lams", "draws"):
            positive_int(name, getattr(self, name))
        if self.hidden is not None:
            positive_int("hidden", self.hidden)
        positive("width", self.width)
        if not 0 < self.range[0] < self.range[1]:
            raise ReaderError(f"lam_range is a low and a high β, 0 < low < high; got {self.range}.")
        if self.kind == "fixed" and self.draws > 1:
            raise ReaderError("A fixed-weight model has one β: several draws per picture mean nothing to it.")
        super().__post_init__()

    @property
    def range(self) -> tuple[float, float]:
        """Lowest and highest β it is trained on."""
        return self.lam_range or RANGES[self.data]

    @property
    def grid(self) -> Tensor:
        """The fixed models' β, and where every model is measured; ``(lams,)``, from end to end of A.1's range."""
        return lam_grid(self.data, self.lams)


PAPER = {"cifar10": {"batch_size": 128, "learning_rate": 8e-4}, "shapes3d": {"batch_size": 64, "learning_rate": 2e-4}}
"""A.1's training settings that differ between the two data sets."""
LAPTOP = {"hidden": 64, "batch_size": 16, "steps": 3000, "learning_rate": 8e-4}
"""For two CPU cores: A.1's convolutions, smaller fully connected layers; and four values of β for each picture, see below."""
PLAY = {"shapes3d": {"steps": 70_000}, "cifar10": {"steps": 20_000}}
"""The networks that readers play with: A.1's sizes, and several times the steps."""
SMOKE = {"hidden": 8, "batch_size": 4, "steps": 3, "lams": 3}
ABLATIONS = {
    "uniform": {"prior": "uniform"},
    "concatenation": {"conditioning": "concatenation"},
    "input": {"conditioning": "input"},
    "linear": {"encoding": "linear"},
    "narrow": {"lam_range": (4.0, 64.0)},
}
"""Figure 4, each design decision changed alone; and a network trained on part of β's range. On CIFAR-10, for half the steps."""


def experiments(profile: str) -> dict[str, Config]:
    """All experiments of a profile by name, in the order they are trained.

    "paper" is A.1's own setting. "laptop" is what the shipped checkpoints were trained with, and what "demo" names. "smoke"
    runs the same code on a handful of steps.
    """
    one_of("profile", profile, PROFILES)
    draws = 1 if profile == "paper" else 4
    configs = {}
    for data in ("shapes3d", "cifar10"):
        base = Config("", data=data, draws=draws, **(PAPER[data] if profile == "paper" else LAPTOP))
        for key, changes in _changes(base).items():
            configs[f"{data}_{key}"] = replace(base, name=f"{data}_{key}", **changes)
        if profile in ("laptop", "demo"):
            play = {"purpose": "play", "hidden": None, **PLAY[data]}
            configs[f"{data}_play"] = replace(base, name=f"{data}_play", **play)
    if profile == "smoke":
        configs = {name: replace(c, **SMOKE, draws=min(c.draws, 2)) for name, c in configs.items()}
    return configs


def _changes(yoto: Config) -> dict[str, dict[str, Any]]:
    """What sets each experiment of a data set apart from the main one."""
    fixed, half = {"kind": "fixed", "draws": 1}, {"steps": yoto.steps // 2}
    return {
        # Figure 2; and YOTO with other numbers of steps and draws.
        "yoto": {},
        "fixed": fixed,
        "wider": {"width": 1.5},
        "twice_steps": {"steps": 2 * yoto.steps},
        "half_steps": half,
        **({"one_draw": {"draws": 1}} if yoto.draws > 1 else {}),
        # A second seed, for bands.
        "yoto_repeat": {"repeat": 1},
        "fixed_repeat": {**fixed, "repeat": 1},
        **({key: {**half, **change} for key, change in ABLATIONS.items()} if yoto.data == "cifar10" else {}),
    }


def build(config: Config, seed: int = 0) -> BetaVAE | Ensemble:
    """The untrained network, or ensemble, of an experiment; weights depend on (seed, repeat) and the member alone.

    Its ``prior`` is what β is drawn from in training: one β, or of an ensemble one per member.
    """

    def network(member: int, told: Prior | None) -> BetaVAE:
        seed_everything(seed, config.repeat, member)
        return BetaVAE(config.data, config.width, told, config.conditioning, config.hidden)

    if config.kind == "fixed":
        model = Ensemble([network(member, None) for member in range(config.lams)])
        model.prior = Fixed(config.grid)
    else:
        model = network(0, ENCODINGS[config.encoding](*config.range))
        model.prior = PRIORS[config.prior](*config.range)
    return model
