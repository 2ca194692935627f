"""Everything about style transfer that notebook 06 trains, as configurations."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from torch import nn

from lossconditioning.conditioning import tune
from lossconditioning.datasets.pointillism import PAINTINGS
from lossconditioning.errors import ReaderError, one_of, positive_int
from lossconditioning.painting import FIRST_HALF, UPSAMPLING, PainterConfig
from lossconditioning.priors import Dirichlet, Fixed, LogUniform
from lossconditioning.systems.dynamic_style.models import FastStyle, conditional
from lossconditioning.training import PROFILES, seed_everything

KINDS = ("network", "blocks", "conditional", "two_styles")
STYLES = ("autumn_wood", "water_lilies")
"""The painting of all experiments, and the second one of those with two."""
FIXED = tuple(f"style_fixed_{i}" for i in range(7))
"""The networks for one λ each, by growing λ: the first is the blocks' main network in Figure 3, the last in all others."""
WEAK, STRONG = FIXED[0], FIXED[-1]


@dataclass(frozen=True, kw_only=True)
class Config(PainterConfig):
    """One experiment. O = L_content + λ L_style; defaults are the public code's.

    Attributes, besides those of `painting.PainterConfig`:
        kind: "network" (for one λ), "blocks" (tuning blocks on another experiment's network), "conditional" (one network, told
            λ between the two ends) or "two_styles" (one network with a set of instance normalisations for each of two styles).
        lam: λ; for "conditional" the largest.
        lam_low: the smallest λ of "conditional".
        main: for "blocks", the experiment whose network they are put on.
        style: which painting.
        zoom: its texture is this many times as coarse.
        width, blocks, upsampling: see `FastStyle`.
        at: the layers that tuning blocks are put behind.
        hidden: width of the layer between λ and the conditional instance normalisation.
    """

    kind: str = "network"
    lam: float = 0.0
    lam_low: float | None = None
    main: str | None = None
    style: str = STYLES[0]
    zoom: int = 1
    width: int = 32
    blocks: int = 5
    upsampling: str = "nearest"
    at: tuple[str, ...] = ("residual.1", "residual.4", "up.1")
    hidden: int = 256
    content_layer: str = "relu2_2"
    batch_size: int = 4
    steps: int = 40_000
    learning_rate: float = 1e-3

    def __post_init__(self):
        one_of("kind of experiment", self.kind, KINDS)
        one_of("upsampling", self.upsampling, UPSAMPLING)
        for name in ("width", "blocks", "hidden", "zoom"):
            positive_int(name, getattr(self, name))
        if not 0 <= self.lam < float("inf"):
            raise ReaderError(f"λ, the weight of style, is 0 or more; got {self.lam}.")
        if (self.kind == "blocks") != (self.main is not None):
            raise ReaderError(
                f"Tuning blocks, and only they, name a main network; got {self.kind} and main={self.main}."
            )
        if (self.kind == "conditional") != (self.lam_low is not None):
            raise ReaderError(
                f"A conditional network, and only it, has a smallest λ; got {self.kind} and {self.lam_low}."
            )
        if self.lam_low is not None and not 0 < self.lam_low < self.lam:
            raise ReaderError(f"λ goes from lam_low to lam, 0 < lam_low < lam; got {self.lam_low}, {self.lam}.")
        one_of("painting", self.style, PAINTINGS)
        super().__post_init__()

    @property
    def needs(self) -> tuple[str, ...]:
        """The experiments that have to be finished before this one."""
        return () if self.main is None else (self.main,)


LAM_0, LAM_1 = 0.8, 40.0
"""λ₀ of the main network and λ₁ of the tuning blocks: a factor of 50, as in Figure 3 (2·10⁴ and 10⁶ in the paper's units)."""


def lam_grid(count: int = len(FIXED)) -> list[float]:
    """λ of the fixed networks, evenly in log λ from `LAM_0` to `LAM_1`, both included."""
    return [float(f"{LAM_0 * (LAM_1 / LAM_0) ** (i / (count - 1)):.4g}") for i in range(count)]


# Two CPU cores: fewer channels, smaller pictures, shallower features, a larger learning rate.
LAPTOP = dict(
    width=12,
    blocks=3,
    at=("residual.0", "residual.2", "up.1"),
    hidden=64,
    **FIRST_HALF,
    half=True,
    side=96,
    crops=512,
    steps=600,
    learning_rate=2e-3,
    schedule="cosine",
)
# The networks that readers play with: more channels and blocks, larger pictures, more steps, averaged weights.
PLAY = {
    "purpose": "play",
    "width": 24,
    "blocks": 5,
    "at": ("residual.1", "residual.4", "up.1"),
    "upsampling": "bilinear",
}
PLAY |= {"side": 128, "batch_size": 2, "steps": 1000, "learning_rate": 1.5e-3, "average": 0.998}
TUNING_RATE = {"paper": 0.1, "laptop": 0.5, "demo": 0.5, "smoke": 0.5}
"""Profile → the tuning blocks' learning rate, as a share of the main network's; a tenth in the public code."""


def played(finished: Collection[str]) -> tuple[str, str]:
    """Which finished network, and which blocks on it, readers play with: those trained for longer, where both are there."""
    there = {"style_play_weak", "style_play"} <= set(finished)
    return ("style_play_weak", "style_play") if there else (WEAK, "style_blocks")


def experiments(profile: str) -> dict[str, Config]:
    """All experiments of a profile by name, in the order they are trained: networks before the blocks put on them.

    "paper" is the public code's setting. "laptop" is what the shipped checkpoints were trained with, and what "demo" names.
    "smoke" runs the same code on a handful of steps.
    """
    one_of("profile", profile, PROFILES)
    base = Config("base", lam=LAM_1)
    if profile != "paper":
        base = replace(base, **LAPTOP)
    if profile == "smoke":
        # Shallow features of random filters take a tenth of the time.
        shallow = {"style_layers": ("relu1_1", "relu1_2", "relu2_1", "relu2_2"), "content_layer": "relu2_1"}
        small = {"width": 4, "hidden": 8, "side": 32, "crops": 8, "batch_size": 2, "steps": 3}
        base = replace(base, features="vgg16", pretrained=False, half=False, **shallow, **small)
    longer = replace(base, steps=2 * base.steps)  # as many as a main network and its blocks together
    block = replace(base, name="", kind="blocks", main=STRONG, learning_rate=TUNING_RATE[profile] * base.learning_rate)
    configs = [
        *(replace(base, name=name, lam=lam) for name, lam in zip(FIXED, lam_grid(), strict=True)),
        replace(longer, name="style_fixed_long"),
        replace(longer, name="style_conditional", kind="conditional", lam_low=LAM_0),
        replace(base, name="style_other", style=STYLES[1]),
        replace(longer, name="style_two", kind="two_styles"),
        replace(block, name="style_blocks", main=WEAK),  # Figure 3
        replace(block, name="style_blocks_other", style=STYLES[1]),  # Figure 4
        replace(block, name="style_blocks_coarse", zoom=2),  # Figure 5
        # Figure 8, back from the strongest style over ever wider gaps, to content alone.
        replace(block, name="style_back_middle", lam=lam_grid()[len(FIXED) // 2]),
        replace(block, name="style_back_weak", lam=LAM_0),
        replace(block, name="style_back_none", lam=0.0),
    ]
    if profile in ("laptop", "demo"):
        main = replace(base, name="style_play_weak", lam=LAM_0, **PLAY)
        rate = TUNING_RATE[profile] * main.learning_rate
        configs += [
            main,
            replace(main, name="style_play", kind="blocks", main=main.name, lam=LAM_1, learning_rate=rate),
        ]
    return {config.name: config for config in configs}


def build(config: Config, seed: int = 0) -> nn.Module:
    """The untrained network of an experiment, or its tuning blocks alone; the weights depend on (seed, repeat) alone."""
    seed_everything(seed, config.repeat)
    network = FastStyle(config.width, config.blocks, config.upsampling)
    if config.kind == "conditional":
        return conditional(network, LogUniform(config.lam_low, config.lam), config.hidden)
    if config.kind == "two_styles":
        return conditional(network, Dirichlet([0.5, 0.5]), None)
    model = tune(network, config.at).sets["tuned"] if config.kind == "blocks" else network
    model.prior = Fixed(config.lam)
    return model
