"""Everything about image completion that notebook 06 trains, as configurations."""

from __future__ import annotations

from dataclasses import dataclass, replace

from torch import nn

from lossconditioning.conditioning import tune
from lossconditioning.errors import ReaderError, one_of, positive_int
from lossconditioning.priors import Fixed
from lossconditioning.systems.dynamic_completion.models import LEVELS, Completer, PatchDiscriminator
from lossconditioning.training import PROFILES, seed_everything
from lossconditioning.training import Config as Common

KINDS = ("network", "blocks", "critic")
DATA = ("drawn", "celeba", "photographs")
SIDE = 64
"""Pixels a side of the pictures."""


@dataclass(frozen=True, kw_only=True)
class Config(Common):
    """One experiment. O = L_L1 + λ L_adv, both over the hole, colours in [0, 1]; defaults are pix2pix's.

    Attributes, besides those of `training.Config`:
        kind: "network", "blocks" (tuning blocks on another experiment's network), or "critic" (a discriminator that takes no
            part in training: it learns to tell what all of the others complete from real pictures, to measure them by).
        lam: λ; 0 for L1 alone.
        main: for "blocks", the experiment whose network they are put on; for "critic", that of the sharp network it judges.
        blocks: for "critic", the tuning blocks whose completions it judges, at every α.
        smooth: for "critic", the network whose completions, blended with those of ``main``, it judges too.
        width: of the `Completer`; of a critic, its own.
        at: the layers that tuning blocks are put behind.
        discriminator: width of the discriminator that a network is trained against.
        data: "drawn" faces, "celeba", or squares of "photographs".
        count: how many pictures are learned from.
        smallest, largest: side of the square holes in training, in pixels; both are even.
        offset: how far their middle may be from the picture's, in pixels.
        half: compute in bfloat16.
        beta_1: Adam's, of the generator and of the discriminator, as is ``learning_rate``.
        pretrained: whether results are compared by trained features; "smoke" does with random filters.
    """

    kind: str = "network"
    lam: float = 0.0
    main: str | None = None
    blocks: str | None = None
    smooth: str | None = None
    width: int = 64
    at: tuple[str, ...] = ("up.0", "up.1", "up.2")
    discriminator: int = 64
    data: str = "celeba"
    count: int = 100_000
    smallest: int = 20
    largest: int = 32
    offset: int = 6
    half: bool = False
    batch_size: int = 16
    steps: int = 100_000
    learning_rate: float = 2e-4
    beta_1: float = 0.5
    pretrained: bool = True

    def __post_init__(self):
        for what, known in (("kind", KINDS), ("data", DATA)):
            one_of(what, getattr(self, what), known)
        for name in ("width", "discriminator", "count", "smallest", "largest"):
            positive_int(name, getattr(self, name))
        if self.smallest % 2 or self.largest % 2 or not self.smallest <= self.largest:
            raise ReaderError(f"Holes have even sides, smallest ≤ largest; got {self.smallest} and {self.largest}.")
        if not 0 <= self.offset <= (SIDE - self.largest) // 2:
            raise ReaderError(
                f"Holes of up to {self.largest} pixels stay within a picture of {SIDE}: offset is 0 to "
                f"{(SIDE - self.largest) // 2}; got {self.offset}."
            )
        if not 0 <= self.lam < float("inf"):
            raise ReaderError(f"λ, the weight of the adversarial loss, is 0 or more; got {self.lam}.")
        if not 0 <= self.beta_1 < 1:
            raise ReaderError(f"beta_1 is in [0, 1); got {self.beta_1}.")
        if (self.kind != "network") != (self.main is not None):
            raise ReaderError(
                f"Tuning blocks and critics, and only they, name a main network; got {self.kind} and main={self.main}."
            )
        if (self.kind == "critic") != (self.blocks is not None and self.smooth is not None):
            raise ReaderError(
                f"A critic, and only it, names blocks and a smooth network; got {self.kind}, blocks={self.blocks} and "
                f"smooth={self.smooth}."
            )
        if self.kind != "network" and self.lam:
            raise ReaderError(f"Only networks are trained against a discriminator here; {self.kind} have λ = 0.")
        super().__post_init__()

    @property
    def needs(self) -> tuple[str, ...]:
        """The experiments that have to be finished before this one."""
        return tuple(name for name in (self.main, self.blocks, self.smooth) if name is not None)


SHARP = 0.008
"""λ of the main network: too large on purpose, as in the paper, so that its completions are sharp but full of artefacts."""
BETWEEN = 0.002
"""λ of a fixed network that α need not be turned for."""

# Two CPU cores: drawn faces, narrow networks, fewer steps at a larger learning rate.
LAPTOP = dict(  # noqa: C408 - read as keyword arguments
    width=16, discriminator=32, data="drawn", count=4096, half=True, steps=1400, learning_rate=1e-3, schedule="cosine"
)


def experiments(profile: str) -> dict[str, Config]:
    """All experiments of a profile by name, in the order they are trained: each after those that it `Config.needs`."""
    one_of("profile", profile, PROFILES)
    base = Config("base")
    if profile != "paper":
        base = replace(base, **LAPTOP)
    if profile == "smoke":
        base = replace(base, width=4, discriminator=4, count=8, batch_size=2, steps=6, pretrained=False)
    blocks = replace(base, name="hole_blocks", kind="blocks", main="hole_sharp", steps=base.steps // 2)
    configs = [
        replace(base, name="hole_sharp", lam=SHARP),
        replace(base, name="hole_smooth"),
        replace(base, name="hole_between", lam=BETWEEN),
        blocks,
        replace(blocks, name="hole_critic", kind="critic", blocks="hole_blocks", smooth="hole_smooth"),
    ]
    return {config.name: config for config in configs}


def build(config: Config, seed: int = 0) -> nn.Module:
    """The untrained network of an experiment, or its tuning blocks alone; the weights depend on (seed, repeat) alone."""
    seed_everything(seed, config.repeat)
    model = PatchDiscriminator(config.width, LEVELS - 1) if config.kind == "critic" else Completer(config.width)
    if config.kind == "blocks":
        model = tune(model, config.at).sets["tuned"]
    model.prior = Fixed(config.lam)
    return model


def build_discriminator(config: Config, seed: int = 0) -> PatchDiscriminator:
    """The untrained opponent of a network; it is not published."""
    build(config, seed)  # whose weights are drawn before its own
    return PatchDiscriminator(config.discriminator)
