"""Everything notebook 05 trains, as configurations."""

from __future__ import annotations

from dataclasses import dataclass, replace

from torch import nn

from lossconditioning.errors import ReaderError, one_of, positive, positive_int
from lossconditioning.painting import FIRST_HALF, PainterConfig
from lossconditioning.priors import Choice, Dirichlet, Fixed, Prior
from lossconditioning.systems.mixed_domain.domains import DOMAINS, LOSSES
from lossconditioning.systems.mixed_domain.models import (
    CONDITIONING,
    UPSAMPLINGS,
    Generator,
    Opponents,
    PatchDiscriminator,
    told,
)
from lossconditioning.systems.mixed_domain.settings import CORNERS, TABLE_3, separate_name
from lossconditioning.training import PROFILES, seed_everything

KINDS = ("sym", "separate", "one_hot", "critic")
MIXED = ("reconstruction", "adversarial", "perceptual")
TWO_PAINTERS = ("reconstruction", "adversarial", "adversarial")


@dataclass(frozen=True, kw_only=True)
class Config(PainterConfig):
    """One experiment; the defaults are A.2's setting, and Model 1's.

    Attributes, besides those of `painting.PainterConfig`:
        kind: "sym" (one network told S), "separate" (a network for one S), "one_hot" (told one domain at a time, adversarial
            losses alone: Figure 7's rival) or "critic" (a discriminator that takes no part in training: it learns to tell
            real pictures of domain B from what the ``judged`` make, so that all are measured by the same).
        losses: of the three domains, each one of `LOSSES`.
        domains: their pictures, of `DOMAINS`: those of the first are what is translated.
        lam: a separate network's S.
        conditioning: how S enters, see `models.CONDITIONING`.
        gain: see `told`; 1 in the paper.
        conditioner_rate: how many times as fast what S enters by learns as the rest of the generator; 1 in the paper. With few
            steps S is learned last, for which way a picture is to change differs from example to example.
        concentration: of the Dirichlet distribution that S is drawn from.
        width, blocks, upsampling, statistics: see `Generator`.
        discriminator: width of each `PatchDiscriminator`.
        reconstruction, adversarial, identity: what the L1, LSGAN and identity losses weigh within L_rec and L_adv.
        content, style: what they weigh within L_per, style being multiplied by (0.1, 1, 10, 5) at its four layers.
        units: of L_per: "raw" for losses as they are, "features" for features other than the paper's; see
            `task.perceptual_weights`.
        pool: how many earlier pictures a discriminator is shown, each with its S; 0 for none.
        beta_1: Adam's, of the generator and of the discriminators, as is ``learning_rate``.
        judged: for "critic", the experiments whose pictures it learns from.
        critic: the experiment that judges this network when it is measured; only where it does not learn from it.
    """

    kind: str = "sym"
    losses: tuple[str, ...] = MIXED
    domains: tuple[str, ...] = ("photographs", "monet", "autumn_wood")
    lam: tuple[float, ...] | None = None
    conditioning: str = "ccam"
    gain: float = 1.0
    conditioner_rate: float = 1.0
    concentration: float = 0.5
    width: int = 64
    blocks: int = 9
    upsampling: str = "transposed"
    statistics: bool = False
    discriminator: int = 64
    reconstruction: float = 2.0
    adversarial: float = 1.0
    identity: float = 5.0
    content: float = 1e-3
    style: float = 200.0
    units: str = "raw"
    pool: int = 50
    side: int = 128
    batch_size: int = 4
    steps: int = 31_440
    learning_rate: float = 2e-4
    schedule: str = "linear"
    beta_1: float = 0.5
    judged: tuple[str, ...] = ()
    critic: str | None = None
    schedules = ("constant", "linear")

    def __post_init__(self):
        one_of("kind", self.kind, KINDS)
        one_of("conditioning", self.conditioning, CONDITIONING)
        one_of("upsampling", self.upsampling, UPSAMPLINGS)
        one_of("units", self.units, ("raw", "features"))
        if len(self.losses) != len(self.domains) or len(self.losses) != len(CORNERS):
            raise ReaderError(f"There are three domains, each with a loss; got {self.losses} and {self.domains}.")
        for loss, domain in zip(self.losses, self.domains, strict=True):
            one_of("loss", loss, LOSSES)
            one_of("domain", domain, DOMAINS)
        for name in ("width", "blocks", "discriminator"):
            positive_int(name, getattr(self, name))
        for name in ("gain", "conditioner_rate", "concentration", "reconstruction", "adversarial", "content", "style"):
            positive(name, getattr(self, name))
        if self.identity < 0 or self.pool < 0:
            raise ReaderError(f"identity and pool are 0 or more; got {self.identity} and {self.pool}.")
        if not 0 <= self.beta_1 < 1:
            raise ReaderError(f"beta_1 is in [0, 1); got {self.beta_1}.")
        self._check_kind()
        super().__post_init__()

    def _check_kind(self) -> None:
        on_simplex = self.lam is not None and len(self.lam) == len(self.losses) and min(self.lam) >= 0
        if self.kind == "separate" and not (on_simplex and abs(sum(self.lam) - 1) < 1e-6):
            raise ReaderError(f"A separate network has one S of three weights that sum to 1; got {self.lam}.")
        if self.kind != "separate" and self.lam is not None:
            raise ReaderError(f"S is drawn for kind {self.kind!r}; leave lam out, got {self.lam}.")
        if self.kind == "one_hot" and set(self.losses) != {"adversarial"}:
            raise ReaderError(f"A one-hot network has adversarial losses alone; got {self.losses}.")
        if (self.kind == "critic") != bool(self.judged):
            raise ReaderError(
                f"A critic, and only it, names the experiments it judges; got {self.kind} and {self.judged}."
            )

    @property
    def needs(self) -> tuple[str, ...]:
        """The experiments that have to be finished before this one."""
        return self.judged or ((self.critic,) if self.critic else ())

    @property
    def weighing(self) -> tuple[bool, ...]:
        """Which of the three losses ever have a weight: all, but for a separate network whose S has zeros."""
        return tuple(bool(weight) for weight in self.lam) if self.lam else (True,) * len(self.losses)

    @property
    def learned_against(self) -> tuple[int, ...]:
        """Numbers of the adversarial domains that there is a discriminator for."""
        weighing = self.weighing if self.kind != "critic" else (False,) * len(self.losses)
        return tuple(i for i, loss in enumerate(self.losses) if loss == "adversarial" and weighing[i])

    @property
    def prior(self) -> Prior:
        """What S is drawn from."""
        if self.kind == "separate":
            return Fixed(self.lam)
        if self.kind == "critic":
            return Choice(list(TABLE_3))
        return Choice(list(CORNERS)) if self.kind == "one_hot" else Dirichlet([self.concentration] * len(self.losses))


# Two CPU cores: fewer channels and blocks, smaller pictures, shallower features, a larger learning rate. And a perceptual loss
# twice as large: with the paper's weights it is small beside the others, and in so few steps little of it is learned.
LAPTOP = dict(
    width=16,
    blocks=4,
    upsampling="bilinear",
    statistics=True,
    gain=4.0,
    conditioner_rate=5.0,
    discriminator=16,
    **FIRST_HALF,
    content_layer="relu3_1",
    units="features",
    content=2e-3,
    style=400.0,
    half=True,
    side=80,
    crops=512,
    batch_size=2,
    steps=1800,
    learning_rate=8e-4,
)

# The network that readers play with: more channels, larger pictures, more steps, averaged weights.
PLAY = {"purpose": "play", "width": 24, "side": 128, "discriminator": 32}
PLAY |= {"steps": 8000, "learning_rate": 6e-4, "average": 0.998}


def experiments(profile: str) -> dict[str, Config]:
    """All experiments of a profile by name, in the order they are trained: each after those that it `Config.needs`.

    "paper" is A.2's own setting. "laptop" is what the shipped checkpoints were trained with, and what "demo" names. "smoke"
    runs the same code on a handful of steps.
    """
    one_of("profile", profile, PROFILES)
    base = Config("sym")
    if profile != "paper":
        base = replace(base, **LAPTOP)
    if profile == "smoke":
        small = {"width": 4, "blocks": 1, "discriminator": 4, "side": 32, "crops": 4, "batch_size": 2, "steps": 3}
        base = replace(base, **small, pool=2, pretrained=False)
    compared = [
        base,
        *(replace(base, name=separate_name(lam), kind="separate", lam=lam) for lam in TABLE_3),
        *(replace(base, name=name, conditioning=name) for name in CONDITIONING if name != base.conditioning),
    ]
    critic = replace(base, name="critic", kind="critic", judged=tuple(config.name for config in compared))
    again = [
        replace(config, name=f"{config.name}_again", repeat=1, critic="critic")
        for config in compared[: 1 + len(TABLE_3)]
    ]
    painters = replace(base, name="two_painters", losses=TWO_PAINTERS, domains=("photographs", "monet", "vangogh"))
    longer = {"steps": 19_140} if profile == "paper" else {}  # 60 epochs of Yosemite's 1,273 summers
    configs = [
        *compared,
        critic,
        *again,
        replace(base, name="model_2", domains=("photographs", "vangogh", "lamplit_bouquet"), style=base.style / 2),
        replace(base, name="model_3", losses=TWO_PAINTERS, domains=("summer", "winter", "monet"), **longer),
        painters,
        replace(painters, name="one_hot", kind="one_hot", losses=("adversarial",) * 3, identity=0.0),
    ]
    if profile != "paper":
        configs.append(replace(base, name="play", **(PLAY if profile != "smoke" else {"purpose": "play"})))
    return {config.name: config for config in configs}


def build(config: Config, seed: int = 0) -> nn.Module:
    """The untrained network of an experiment; its weights depend on (seed, repeat) alone."""
    seed_everything(seed, config.repeat)
    if config.kind == "critic":
        model: nn.Module = PatchDiscriminator(config.discriminator)
    else:
        model = Generator(config.width, config.blocks, config.upsampling, config.statistics)
        if config.kind != "separate":
            return told(model, config.conditioning, config.prior, config.gain)
    model.prior = config.prior
    return model


def build_opponents(config: Config, seed: int = 0) -> Opponents | None:
    """The untrained discriminators of a network, one for each adversarial domain with a weight; they are not published."""
    build(config, seed)  # whose weights are drawn before theirs
    count = len(config.learned_against)
    return Opponents(count, config.discriminator) if count else None
