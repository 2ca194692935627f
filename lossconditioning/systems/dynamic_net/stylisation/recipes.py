"""Everything about style transfer that notebook 06 trains, as configurations."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

from torch import nn

from lossconditioning.conditioning import tune
from lossconditioning.datasets.pointillism import PAINTINGS
from lossconditioning.errors import ReaderError, one_of, positive_int
from lossconditioning.losses.perceptual import CONVOLUTIONS, layer_names
from lossconditioning.priors import Dirichlet, LogUniform
from lossconditioning.systems.dynamic_net.stylisation.networks import FastStyle, conditional
from lossconditioning.training import seed_everything
from lossconditioning.training.schedules import SCHEDULES

SYSTEM = "dynamic_net"
KINDS = ("network", "blocks", "conditional", "two_styles")
STYLES = ("autumn_wood", "water_lilies")
"""The painting of all experiments, and the second one of those with two."""
STRENGTHS = 7
"""How many fixed networks there are, by growing λ: the first is the main network's, the last the tuning blocks'."""


@dataclass(frozen=True)
class Config:
    """One experiment. O = L_content + λ L_style; defaults are the public code's.

    Attributes:
        name: file name of its checkpoint.
        kind: "network" (for one λ), "blocks" (tuning blocks on another experiment's network), "conditional" (one network, told
            λ between the two ends) or "two_styles" (one network with a set of instance normalisations for each of two styles).
        strength: λ; for "conditional" the largest.
        weakest: the smallest λ of "conditional".
        main: for "blocks", the experiment whose network they are put on.
        style: which painting.
        zoom: its texture is this many times as coarse.
        width, blocks: see `FastStyle`.
        at: the layers that tuning blocks are put behind.
        hidden: width of the layer between λ and the conditional instance normalisation.
        features: network that style and content are compared in, "vgg16" or "vgg19".
        style_layers, content_layer: where.
        pretrained: whether it has its trained weights; "smoke" does with random filters.
        half: compute in bfloat16.
        side: of the photographs, in pixels.
        crops: photographs are this many fixed crops; 0 for new ones in every step.
        batch_size: pictures per step.
        steps: optimizer steps.
        learning_rate: Adam's; see ``schedule``.
        schedule: "constant" or "cosine", see `training.schedules`.
        repeat: number of the repetition: another seed, everything else alike.
    """

    name: str
    kind: str = "network"
    strength: float = 0.0
    weakest: float | None = None
    main: str | None = None
    style: str = STYLES[0]
    zoom: int = 1
    width: int = 32
    blocks: int = 5
    at: tuple[str, ...] = ("residual.1", "residual.4", "up.1")
    hidden: int = 256
    features: str = "vgg16"
    style_layers: tuple[str, ...] = ("relu1_2", "relu2_2", "relu3_3", "relu4_3")
    content_layer: str = "relu2_2"
    pretrained: bool = True
    half: bool = False
    side: int = 256
    crops: int = 0
    batch_size: int = 4
    steps: int = 40_000
    learning_rate: float = 1e-3
    schedule: str = "constant"
    repeat: int = 0

    def __post_init__(self):
        one_of("kind of experiment", self.kind, KINDS)
        one_of("network", self.features, CONVOLUTIONS)
        one_of("schedule", self.schedule, SCHEDULES)
        for name in ("width", "blocks", "hidden", "side", "batch_size", "steps", "zoom"):
            positive_int(name, getattr(self, name))
        for layer in (*self.style_layers, self.content_layer):
            one_of(f"layer of {self.features}", layer, layer_names(self.features))
        if len(self.style_layers) != 4:
            raise ReaderError(f"Style is compared at four layers; got {self.style_layers}.")
        if self.side < 32 or self.crops < 0 or not self.learning_rate > 0:
            raise ReaderError(
                f"side is 32 pixels or more, crops 0 or more, learning_rate positive; got {self.side}, {self.crops}, "
                f"{self.learning_rate}."
            )
        if not 0 <= self.strength < float("inf"):
            raise ReaderError(f"λ, the weight of style, is 0 or more; got {self.strength}.")
        if (self.kind == "blocks") != (self.main is not None):
            raise ReaderError(
                f"Tuning blocks, and only they, name a main network; got {self.kind} and main={self.main}."
            )
        if (self.kind == "conditional") != (self.weakest is not None):
            raise ReaderError(
                f"A conditional network, and only it, has a smallest λ; got {self.kind} and {self.weakest}."
            )
        if self.weakest is not None and not 0 < self.weakest < self.strength:
            raise ReaderError(
                f"λ goes from weakest to strength, 0 < weakest < strength; got {self.weakest}, {self.strength}."
            )
        one_of("painting", self.style, PAINTINGS)

    @property
    def needs(self) -> tuple[str, ...]:
        """The experiments that have to be finished before this one."""
        return () if self.main is None else (self.main,)

    def as_json(self) -> dict[str, Any]:
        """The configuration as JSON would give it back."""
        return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Config:
        """The inverse of `as_json`, for the configuration in a card."""
        return cls(**{key: tuple(value) if isinstance(value, list) else value for key, value in values.items()})


WEAKEST, STRONGEST = 0.8, 40.0
"""λ₀ of the main network and λ₁ of the tuning blocks: a factor of 50, as in Figure 3 (2·10⁴ and 10⁶ in the paper's units)."""


def strengths(count: int = STRENGTHS) -> list[float]:
    """λ of the fixed networks, evenly in log λ from `WEAKEST` to `STRONGEST`, both included."""
    return [float(f"{WEAKEST * (STRONGEST / WEAKEST) ** (i / (count - 1)):.4g}") for i in range(count)]


# Two CPU cores: fewer channels, smaller pictures, the layers that VGG-19's first half has, a larger learning rate.
LAPTOP = dict(  # noqa: C408 - read as keyword arguments
    width=12,
    blocks=3,
    at=("residual.0", "residual.2", "up.1"),
    hidden=64,
    features="vgg19",
    style_layers=("relu1_2", "relu2_2", "relu3_1", "relu3_3"),
    half=True,
    side=96,
    crops=512,
    steps=600,
    learning_rate=2e-3,
    schedule="cosine",
)
TUNING_RATE = {"paper": 0.1, "laptop": 0.5, "demo": 0.5, "smoke": 0.5}
"""Profile → the tuning blocks' learning rate, as a share of the main network's; a tenth in the public code."""


def experiments(profile: str) -> dict[str, Config]:
    """All experiments of a profile by name, in the order they are trained: networks before the blocks put on them."""
    base = Config("base")
    if profile != "paper":
        base = replace(base, **LAPTOP)
    if profile == "smoke":
        small = {"width": 4, "hidden": 8, "side": 32, "crops": 8, "batch_size": 2, "steps": 3, "pretrained": False}
        base = replace(base, **small)
    weak, strong = "style_fixed_0", f"style_fixed_{STRENGTHS - 1}"
    fixed = [replace(base, name=f"style_fixed_{i}", strength=lam) for i, lam in enumerate(strengths())]
    loudest = {"strength": STRONGEST}
    both_phases = {"steps": 2 * base.steps}  # as many as a main network and its blocks together
    networks = [
        *fixed,
        replace(base, name="style_fixed_long", **loudest, **both_phases),
        replace(base, name="style_conditional", kind="conditional", weakest=WEAKEST, **loudest, **both_phases),
        replace(base, name="style_other", style=STYLES[1], **loudest),
        replace(base, name="style_two", kind="two_styles", **loudest, **both_phases),
    ]
    block = replace(
        base,
        name="",
        kind="blocks",
        main=strong,
        strength=STRONGEST,
        learning_rate=TUNING_RATE[profile] * base.learning_rate,
    )
    blocks = [
        replace(block, name="style_blocks", main=weak),  # Figure 3
        replace(block, name="style_blocks_other", style=STYLES[1]),  # Figure 4
        replace(block, name="style_blocks_coarse", zoom=2),  # Figure 5
        # Figure 8, back from the strongest style over ever wider gaps, to content alone.
        replace(block, name="style_back_middle", strength=strengths()[STRENGTHS // 2]),
        replace(block, name="style_back_weak", strength=WEAKEST),
        replace(block, name="style_back_none", strength=0.0),
    ]
    return {config.name: config for config in (*networks, *blocks)}


def build(config: Config, seed: int = 0) -> nn.Module:
    """The untrained network of an experiment, or its tuning blocks alone; the weights depend on (seed, repeat) alone."""
    seed_everything(seed, config.repeat)
    network = FastStyle(config.width, config.blocks)
    if config.kind == "blocks":
        return tune(network, config.at).sets["tuned"]
    if config.kind == "conditional":
        return conditional(network, LogUniform(config.weakest, config.strength), config.hidden)
    if config.kind == "two_styles":
        return conditional(network, Dirichlet([0.5, 0.5]), None)
    return network
