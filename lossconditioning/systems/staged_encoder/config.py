"""One experiment of notebook 07, as plain values."""

from __future__ import annotations

from dataclasses import dataclass

from lossconditioning.errors import ReaderError, one_of, positive, positive_int
from lossconditioning.losses.perceptual import CONVOLUTIONS, layer_names
from lossconditioning.priors import Fixed, LogUniform, Prior
from lossconditioning.systems.staged_encoder.variants import VARIANTS, Variant
from lossconditioning.training import Config as Common

KINDS = ("encoder", "translator", "critic")
DATASETS = ("outlines", "valley", "facades", "expressions")
DISTANCES = ("style", "expression")


@dataclass(frozen=True, kw_only=True)
class Config(Common):
    """One experiment; the defaults are A.1's, and what the public code adds to it.

    Attributes, besides those of `training.Config`:
        kind: "encoder" (stage 1), "translator" (stages 2 and 3, and rivals) or "critic" (a discriminator that takes no part in
            training: it learns to tell real pictures from what the ``judged`` make, so that all are measured by the same).
        dataset: one of `DATASETS`.
        distance: of an encoder's triplets, between styles or, see `datasets.expressions`, between expressions.
        variant: a translator's row of Table 4, see `variants`.
        begins: the experiment whose networks a translator begins with: an encoder, or a translator of stage 2.
        frozen: whether the encoder stays as it is: stage 2.
        encoder_rate: by what the learning rate of the encoder is multiplied; 0.1 in stage 3.
        lam: what reconstruction weighs; or, where the generator is told it, the two ends of its range.
        gan, L2, KL, latent: what the other losses weigh, where they are on.
        margin, close, far: of the triplet loss; how many nearest pictures a positive, and farthest a negative, is drawn from, 0
            being all that are not among the nearest.
        width, levels, blocks, most, encoder_width, encoder_levels, discriminator, discriminator_layers, z_size: see `models`.
        features, layers: the network, and its layers, that reconstruction and style are measured in.
        pretrained: whether that network has its trained weights; "smoke" does with random filters, and loads nothing.
        half: compute in bfloat16, which takes less time where the processor has it.
        side: of the pictures, in pixels.
        count: how many pairs it learns from; all of facades' if they are fewer.
        beta_1, beta_2: Adam's.
        judged: for "critic", the experiments whose pictures it learns from.
    """

    kind: str = "translator"
    dataset: str = "outlines"
    distance: str = "style"
    variant: str = "ours_v3"
    begins: str | None = None
    frozen: bool = False
    encoder_rate: float = 1.0
    lam: tuple[float, ...] = (0.02,)
    gan: float = 1.0
    L2: float = 0.01
    KL: float = 0.01
    latent: float = 0.5
    margin: float = 0.1
    close: int = 5
    far: int = 13
    width: int = 64
    levels: int = 4
    blocks: int = 9
    most: int = 512
    encoder_width: int = 64
    encoder_levels: int = 4
    discriminator: int = 64
    discriminator_layers: int = 3
    z_size: int = 8
    features: str = "vgg16"
    layers: tuple[str, ...] = ("relu1_2", "relu2_2", "relu3_2", "relu4_2", "relu5_2")
    pretrained: bool = True
    half: bool = False
    side: int = 256
    count: int = 8000
    batch_size: int = 8
    steps: int = 50_000
    learning_rate: float = 1e-3
    average: float = 0.999
    beta_1: float = 0.0
    beta_2: float = 0.99
    judged: tuple[str, ...] = ()
    schedules = ("constant", "linear")

    def __post_init__(self):
        for name, known in (("kind", KINDS), ("dataset", DATASETS), ("distance", DISTANCES), ("variant", VARIANTS)):
            one_of(name, getattr(self, name), known)
        one_of("network", self.features, CONVOLUTIONS)
        for layer in self.layers:
            one_of(f"layer of {self.features}", layer, layer_names(self.features))
        for name in (
            "width",
            "levels",
            "most",
            "encoder_width",
            "encoder_levels",
            "discriminator",
            "discriminator_layers",
            "z_size",
            "side",
            "count",
        ):
            positive_int(name, getattr(self, name))
        for name in ("encoder_rate", "margin"):
            positive(name, getattr(self, name))
        for name in ("gan", "L2", "KL", "latent", "blocks", "far"):
            if getattr(self, name) < 0:
                raise ReaderError(f"{name} is 0 or more; got {getattr(self, name)}.")
        for name in ("beta_1", "beta_2"):
            if not 0 <= getattr(self, name) < 1:
                raise ReaderError(f"{name} is in [0, 1); got {getattr(self, name)}.")
        if (
            len(self.lam) not in (1, 2)
            or not all(each > 0 for each in self.lam)
            or list(self.lam) != sorted(set(self.lam))
        ):
            raise ReaderError(f"lam is one weight above 0, or the two ends of a range; got {self.lam}.")
        self._check_kind()
        super().__post_init__()

    def _check_kind(self) -> None:
        if (self.kind == "critic") != bool(self.judged):
            raise ReaderError(
                f"A critic, and only it, names the experiments it judges; got {self.kind} and {self.judged}."
            )
        if self.kind == "translator" and self.row.pretrained != (self.begins is not None):
            raise ReaderError(
                f"{self.variant} {'begins with a pre-trained encoder' if self.row.pretrained else 'begins with no other'}; got "
                f"begins={self.begins!r}."
            )
        if self.frozen and self.begins is None:
            raise ReaderError("Only an encoder that was trained before can be frozen: name it in begins.")
        if self.distance == "expression" and self.dataset != "expressions":
            raise ReaderError(
                f"Distances between expressions are those of the data set 'expressions'; got {self.dataset!r}."
            )

    @property
    def row(self) -> Variant:
        """Which losses are on."""
        return VARIANTS[self.variant]

    @property
    def needs(self) -> tuple[str, ...]:
        """The experiments that have to be finished before this one."""
        return self.judged or ((self.begins,) if self.begins else ())

    @property
    def told(self) -> bool:
        """Whether the generator is told λ."""
        return len(self.lam) == 2

    @property
    def prior(self) -> Prior:
        """What reconstruction's weight λ is drawn from."""
        return LogUniform(*self.lam) if self.told else Fixed(self.lam[0])
