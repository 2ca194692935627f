"""Everything the notebook trains, as configurations.

One `Config` is one *experiment*: several networks of one shape, trained at once as an `Ensemble`. Members differ in their
random seed and, within an experiment, in the prior their weights come from.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from lossconditioning.errors import ReaderError, one_of, positive_int
from lossconditioning.priors import Dirichlet, Fixed, Prior
from lossconditioning.systems.toy.models import CONDITIONING, INITIALISATIONS, MembersPrior, one_network
from lossconditioning.systems.toy.task import WEIGHTS
from lossconditioning.training import PROFILES, Ensemble, seed_everything
from lossconditioning.training import Config as Common
from lossconditioning.training.schedules import SCHEDULES

KINDS = ("sym", "fixed", "input_only")


@dataclass(frozen=True, kw_only=True)
class Config(Common):
    """One experiment of the toy; the defaults are the paper's own setting (appendix A.1) wherever it states one.

    Attributes, besides those of `training.Config`:
        kind: "sym" (weights at the input and in the loss), "fixed" (separate models, one per weight vector of Table 1),
            or "input_only" (S_in of Figure 5: weights at the input, the loss stays at (0.5, 0.5)).
        width: neurons in each of the three hidden layers.
        conditioning: how λ enters: "input", "concatenation" or "film".
        initialisation: how the linear layers start, "he" or "pytorch". Not stated in the paper either.
        points: size of the data set. The paper does not state it; the notebook shows how the result depends on it.
        draws: weight vectors drawn per data point and step.
        concentrations: of the symmetric Dirichlet priors; each one gets ``seeds`` members.
        stratified: spread the draws of one data point evenly over the prior.
        epochs: passes over the data, 500.
        seeds: members per prior.
    """

    kind: str = "sym"
    width: int = 64
    conditioning: str = "input"
    initialisation: str = "he"
    points: int = 512
    batch_size: int = 16
    draws: int = 1
    concentrations: tuple[float, ...] = (0.5,)
    stratified: bool = False
    epochs: int = 500
    schedule: str = "steps"
    seeds: int = 5
    schedules = SCHEDULES

    def __post_init__(self):
        one_of("kind of model", self.kind, KINDS)
        one_of("conditioning", self.conditioning, CONDITIONING[:-1])
        one_of("initialisation", self.initialisation, INITIALISATIONS)
        for name in ("width", "points", "batch_size", "draws", "epochs", "seeds"):
            positive_int(name, getattr(self, name))
        if not self.concentrations or min(self.concentrations) <= 0:
            raise ReaderError(f"concentrations are one or more positive numbers; got {self.concentrations}.")
        super().__post_init__()

    @property
    def steps(self) -> int:
        """Optimizer steps: epochs × batches per epoch."""
        return self.epochs * -(-self.points // self.batch_size)

    @property
    def learning_rate(self) -> float:
        """Adam's, at the start (A.1)."""
        return 0.01

    @property
    def priors(self) -> list[Prior]:
        """The prior each group of ``seeds`` members draws its loss weights from."""
        if self.kind == "fixed":
            return [Fixed(weights) for weights in WEIGHTS]
        return [Dirichlet([alpha, alpha]) for alpha in self.concentrations]

    @property
    def numbers(self) -> range:
        """What tells the members of one prior apart, their weights and the order of their data; a repetition's are others."""
        return range(self.repeat * self.seeds, (self.repeat + 1) * self.seeds)

    @property
    def members(self) -> int:
        """Networks in the ensemble: one per prior and seed."""
        return len(self.priors) * self.seeds


def experiments(profile: str) -> dict[str, Config]:
    """All experiments of a profile by name, in the order they are trained.

    "laptop" and "paper" are the same: the paper's own setting trains on two CPU cores. "demo" names what the shipped
    checkpoints were trained with, which is that too. "smoke" runs the same code on a handful of steps.
    """
    one_of("profile", profile, PROFILES)
    paper = Config("paper_sym")
    best = replace(paper, name="best", draws=16, schedule="cosine", average=0.999)
    configs = [
        # Table 1, Figure 5, and the better recipe.
        paper,
        replace(paper, name="paper_fixed", kind="fixed"),
        replace(paper, name="input_only", kind="input_only"),
        best,
        # What made the better recipe better: each of its three changes alone, and two together.
        replace(paper, name="draws_4", draws=4),
        replace(paper, name="draws_16", draws=16),
        replace(paper, name="cosine", schedule="cosine"),
        replace(paper, name="average", average=0.999),
        replace(best, name="best_stratified", stratified=True),
        # What the better recipe's schedule and average do for separate models (several weightings mean nothing to them).
        replace(paper, name="fixed_better", kind="fixed", schedule="cosine", average=0.999),
        # Ablations: the prior, how λ enters, and what the paper leaves open: initial weights and number of points.
        replace(paper, name="concentration", concentrations=(0.1, 0.25, 1.0, 2.0, 5.0)),
        replace(paper, name="concatenation", conditioning="concatenation"),
        replace(paper, name="film", conditioning="film"),
        replace(paper, name="initialisation", initialisation="pytorch"),
        *(replace(paper, name=f"points_{n}", points=n) for n in (32, 128, 1024)),
        # Figure 9.
        *(replace(paper, name=f"width_{n}_sym", width=n) for n in (4, 8, 16, 32, 128)),
        *(replace(paper, name=f"width_{n}_fixed", width=n, kind="fixed") for n in (4, 8, 16, 32, 128)),
    ]
    if profile == "smoke":
        configs = [replace(c, points=32, epochs=2, seeds=2, width=min(c.width, 8)) for c in configs]
    return {config.name: config for config in configs}


def build(config: Config, seed: int = 0) -> Ensemble:
    """The untrained networks of an experiment; a member's weights depend on seed, prior and `Config.numbers` alone."""
    networks = []
    for group, prior in enumerate(config.priors):
        for number in config.numbers:
            seed_everything(seed, group, number)
            conditioning = "none" if config.kind == "fixed" else config.conditioning
            networks.append(one_network(config.width, conditioning, prior, config.initialisation))
    ensemble = Ensemble(networks)
    ensemble.prior = MembersPrior(config.priors, config.seeds)
    return ensemble
