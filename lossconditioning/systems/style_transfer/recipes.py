"""Everything notebook 04 trains, as configurations."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from lossconditioning.errors import ReaderError, one_of, positive_int
from lossconditioning.painting import FIRST_HALF, PainterConfig
from lossconditioning.priors import Fixed
from lossconditioning.systems.style_transfer.models import Painter, StylePredictor, StylisationNetwork
from lossconditioning.systems.style_transfer.style_features import SIZES
from lossconditioning.systems.style_transfer.task import DEFAULT, RANGES, content_grid, lam_prior, settings
from lossconditioning.training import PROFILES, seed_everything

KINDS = ("yoto", "specialist", "fixed")
STYLES = 14


@dataclass(frozen=True, kw_only=True)
class Config(PainterConfig):
    """One experiment; the defaults are A.3's setting.

    What A.3 leaves to Ghiasi et al. 2017 is theirs (32 channels, 5 residual blocks, a bottleneck of 100, batches of 8, content
    of 256 pixels). What both leave open is ours: λ's network makes 100 numbers, λ is spread evenly over a batch.

    Attributes, besides those of `painting.PainterConfig`:
        kind: "yoto" (one network told all five weights), "specialist" (told λ_c alone) or "fixed" (a network for one λ).
        lam: a fixed-weight model's λ, five numbers.
        width, blocks, code_size: see `StylisationNetwork` and `StylePredictor`.
        hidden: width of the small network in each layer that reads the code, see `ConditionalInstanceNorm`.
        lam_hidden: width of λ's own network.
        described_by: network whose features describe a style to the model, "inception_v3" or "vgg"; trained if ``pretrained``.
        ranges: "paper" or "centred", see `task.RANGES`.
        opening: over this share of the steps λ's range opens, in logarithms, from the default setting alone to all of it: the
            network learns to paint before it learns to be told; 0 for the paper's, which is open from the start.
        shares: tell the model, beside log λ, each weight's share of the objective, see `task.shares`.
        balance: the objective of each picture is divided by the sum of its weights (as shares of the default) to this power,
            so that large weights do not drown small ones in the shared gradient; 0 for the paper's plain mean.
        beta_2: how slowly Adam forgets the size of gradients, which vary more where λ does.
    """

    kind: str = "yoto"
    lam: tuple[float, ...] | None = None
    width: int = 32
    blocks: int = 5
    code_size: int = 100
    hidden: int = 256
    lam_hidden: int = 512
    described_by: str = "inception_v3"
    ranges: str = "paper"
    opening: float = 0.0
    shares: bool = False
    balance: float = 0.0
    batch_size: int = 8
    steps: int = 2_000_000
    learning_rate: float = 1e-5
    beta_2: float = 0.999

    def __post_init__(self):
        one_of("kind of model", self.kind, KINDS)
        one_of("description of a style", self.described_by, SIZES)
        one_of("set of ranges", self.ranges, RANGES)
        for name in ("width", "blocks", "code_size", "hidden", "lam_hidden"):
            positive_int(name, getattr(self, name))
        if not 0 < self.beta_2 < 1:
            raise ReaderError(f"beta_2 is between 0 and 1; got {self.beta_2}.")
        if not 0 <= self.opening <= 1:
            raise ReaderError(f"opening is a share of the steps, 0 to 1; got {self.opening}.")
        if self.shares and self.kind != "yoto":
            raise ReaderError(f"Shares are those of five weights, which only kind 'yoto' is told; got {self.kind!r}.")
        five = isinstance(self.lam, tuple) and len(self.lam) == len(DEFAULT) and min(self.lam) > 0
        if (self.kind == "fixed" and not five) or (self.kind != "fixed" and self.lam is not None):
            raise ReaderError(
                f"A fixed-weight model has one λ of {len(DEFAULT)} weights, all positive, the others none; got {self.kind} and "
                f"{self.lam}."
            )
        super().__post_init__()


# Two CPU cores: fewer channels, smaller pictures, shallower features, a larger learning rate.
LAPTOP = dict(
    width=16,
    blocks=3,
    hidden=128,
    **FIRST_HALF,
    content_layer="relu3_1",
    described_by="vgg",
    ranges="centred",
    opening=0.3,
    shares=True,
    half=True,
    side=96,
    crops=1024,
    balance=1.0,
    batch_size=4,
    steps=1000,
    learning_rate=2e-3,
    schedule="cosine",
)

# The network that readers play with: more channels and blocks, larger pictures, five times the steps, averaged weights.
PLAY = {"purpose": "play", "width": 24, "blocks": 5, "side": 128, "batch_size": 2, "steps": 5400}
PLAY |= {"learning_rate": 1.5e-3, "average": 0.998, "opening": 0.2}


def played(finished: Collection[str]) -> str:
    """Which of the finished experiments' networks readers play with, and look at: the long-trained one, where it is there."""
    return "play" if "play" in finished else "yoto"


def fixed_settings() -> dict[str, tuple[float, ...]]:
    """λ of every fixed-weight model by name: the default, Figure 6a's ten, and two more on Figure 6b's curve."""
    between = {f"fixed_content_{i}": tuple(content_grid()[i].tolist()) for i in (1, 3)}
    return {"fixed_default": DEFAULT, **{f"fixed_{name}": lam for name, lam in settings().items()}, **between}


def experiments(profile: str) -> dict[str, Config]:
    """All experiments of a profile by name, in the order they are trained.

    "paper" is A.3's own setting. "laptop" is what the shipped checkpoints were trained with, and what "demo" names.
    "smoke" runs the same code on a handful of steps.
    """
    one_of("profile", profile, PROFILES)
    base = Config("yoto")
    if profile != "paper":
        base = replace(base, **LAPTOP)
    if profile == "smoke":
        base = replace(
            base, width=4, blocks=1, hidden=8, lam_hidden=8, side=32, crops=8, batch_size=2, steps=3, pretrained=False
        )
    # Without what the network that is told five weights needs.
    plain = replace(base, opening=0.0, shares=False)
    fixed = [
        replace(plain, name=name, kind="fixed", lam=tuple(float(f"{weight:.4g}") for weight in lam))
        for name, lam in fixed_settings().items()
    ]
    configs = [base, fixed[0], replace(plain, name="specialist", kind="specialist"), *fixed[1:]]
    if profile in ("laptop", "demo"):
        configs.append(replace(base, name="play", **PLAY))
    return {config.name: config for config in configs}


def build(config: Config, seed: int = 0) -> Painter:
    """The untrained network of an experiment; its weights depend on (seed, repeat) alone."""
    seed_everything(seed, config.repeat)
    fixed, features = config.kind == "fixed", SIZES[config.described_by]
    prior = Fixed(config.lam) if fixed else lam_prior(config.ranges, only_content=config.kind == "specialist")
    told, hidden = (
        (None, None) if fixed else (prior, config.hidden)
    )  # Ghiasi et al.'s affine maps alone where λ is not told
    network = StylisationNetwork(config.width, config.blocks, code_size=config.code_size, hidden=hidden)
    predictor = StylePredictor(features, config.code_size, told, config.lam_hidden, shares=config.shares)
    return Painter(network, predictor, prior, STYLES, features)
