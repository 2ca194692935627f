"""One experiment of notebook 08, as plain values."""

from __future__ import annotations

from dataclasses import dataclass

from lossconditioning.conditioning.hypernetworks import HEADS
from lossconditioning.errors import ReaderError, one_of, positive, positive_int
from lossconditioning.priors import Fixed, Prior
from lossconditioning.systems.hyper_singan.embeddings import BACKBONES
from lossconditioning.systems.hyper_singan.pyramid import Size, sizes
from lossconditioning.training import Config as Common

KINDS = ("hyper", "singan")
DATASETS = ("scenery", "places50", "lsun50")
DISCRIMINATORS = ("hyper", "shared", "same embedding")
PENALTIES = ("between", "real")


@dataclass(frozen=True, kw_only=True)
class Config(Common):
    """One experiment; the defaults are those of appendix B, for a data set of fifty pictures, but for sizes: see `recipes`.

    Attributes, besides those of `training.Config`:
        kind: "hyper", a generator whose weights a hypernetwork writes; or "singan", one that has its own (section 2.1).
        discriminator: "hyper", written for each picture; "shared", one for all, with weights of its own (Figure 1b, and where
            there is a single picture); or "same embedding", written from the generator's embedding (Figure 1c).
        dataset, first, count: it learns from ``count`` pictures of one of `DATASETS`, beginning with number ``first``.
        scales, coarsest, factor: see `pyramid.sizes`.
        width, layers: channels and convolutions of the generated networks, each 3×3.
        embedding: "resnet34", "small", or "frozen": a trained SqueezeNet that stays as it is (appendix C).
        seen: pixels, wide and high, of the pictures that embeddings read.
        code_size: numbers of an embedding.
        normalised: whether embeddings are brought to a mean square of 1.
        heads, rank, depth: see `conditioning.hypernetwork`; ``depth`` is how many layers lead from an embedding to the heads.
        steps_per_scale: optimizer steps at each scale.
        reconstruction: λ₂, what reconstruction weighs.
        accumulated: whether reconstruction counts at all scales up to the present one (equation 15), or there alone.
        penalty, penalised: λ₁, what the gradient penalty weighs; and where the gradient is taken, "between" real and generated
            pictures, where it shall have the length 1, as the public codes do, or at "real" ones, where it shall be 0 (eq. 4).
        discriminator_rate: learning rate of the discriminator.
        decay: share of each scale's steps after which the rates are a tenth.
        clip: largest norm of the gradients.
    """

    kind: str = "hyper"
    discriminator: str = "hyper"
    dataset: str = "places50"
    first: int = 0
    count: int = 50
    scales: int = 6
    coarsest: int = 28
    factor: float = 0.6
    width: int = 64
    layers: int = 5
    embedding: str = "resnet34"
    seen: int = 128
    code_size: int = 512
    normalised: bool = False
    heads: str = "full"
    rank: int = 32
    depth: int = 1
    steps_per_scale: int = 4000
    reconstruction: float = 50.0
    accumulated: bool = True
    penalty: float = 0.1
    penalised: str = "between"
    batch_size: int = 16
    learning_rate: float = 5e-5
    discriminator_rate: float = 5e-5
    decay: float = 0.8
    clip: float = 1.0

    def __post_init__(self):
        for name, known in (
            ("kind", KINDS),
            ("discriminator", DISCRIMINATORS),
            ("dataset", DATASETS),
            ("embedding", BACKBONES),
            ("heads", HEADS),
            ("penalised", PENALTIES),
        ):
            one_of(name, getattr(self, name), known)
        for name in (
            "count",
            "scales",
            "coarsest",
            "width",
            "layers",
            "seen",
            "code_size",
            "rank",
            "depth",
            "steps_per_scale",
        ):
            positive_int(name, getattr(self, name))
        for name in ("reconstruction", "discriminator_rate", "clip"):
            positive(name, getattr(self, name))
        if self.layers < 2:
            raise ReaderError(f"A generated network has 2 layers or more; got {self.layers}.")
        if not (0 < self.factor < 1 and 0 < self.decay <= 1):
            raise ReaderError(f"factor is in (0, 1) and decay in (0, 1]; got {self.factor} and {self.decay}.")
        if self.penalty < 0 or self.first < 0:
            raise ReaderError(f"penalty and first are 0 or more; got {self.penalty} and {self.first}.")
        if self.kind == "singan" and (self.count > 1 or self.discriminator != "shared"):
            raise ReaderError(
                "A SinGAN learns one picture with a discriminator of its own: count=1 and discriminator='shared'; got "
                f"{self.count} and {self.discriminator!r}."
            )
        super().__post_init__()

    @property
    def steps(self) -> int:
        """Optimizer steps at all scales together."""
        return self.scales * self.steps_per_scale

    @property
    def sizes(self) -> list[Size]:
        """Height and width in pixels of each scale, the coarsest first."""
        return sizes(self.coarsest, self.factor, self.scales)

    @property
    def prior(self) -> Prior:
        """λ₂, which is fixed."""
        return Fixed(self.reconstruction)

    def scale_at(self, step: int) -> int:
        """The scale that is learned in a step, from 0."""
        return min(step // self.steps_per_scale, self.scales - 1)
