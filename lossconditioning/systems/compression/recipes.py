"""Everything notebook 03 trains, as configurations."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace

from lossconditioning.codec import STRIDE
from lossconditioning.errors import ReaderError, one_of, positive, positive_int
from lossconditioning.systems.compression.models import ScaleHyperprior
from lossconditioning.systems.compression.task import lam_grid
from lossconditioning.training import PROFILES, seed_everything
from lossconditioning.training import Config as Common

KINDS = ("yoto", "fixed")
STARTS = ("plain", "components")
FIXED_NAMES = tuple(f"fixed_{index}" for index in range(len(lam_grid())))
"""The fixed-weight models' experiments, by growing λ."""


@dataclass(frozen=True, kw_only=True)
class Config(Common):
    """One experiment; the defaults are A.2's setting.

    What A.2 leaves open is ours: patches of 256 pixels, as in Ballé et al. 2018; λ spread evenly over a batch; gradients
    clipped to a norm of 1, for an untrained model's at a large λ have thousands; FiLM near the identity at the start, as in the
    authors' β-VAE code. Section 4.2 speaks of three convolutions per network; g_a and g_s have four, as in Ballé et al.

    Attributes, besides those of `training.Config`:
        kind: "yoto" (one network told λ) or "fixed" (a network for one λ).
        lam: a fixed-weight model's λ.
        n, m: channels of the transforms and of the latents.
        step: whether the quantisation step is a function of λ, see `models.QuantisationStep`.
        gain: how far FiLM's networks move scale and shift.
        balance: the objective of each patch is divided by (λ / λ₀) to this power, λ₀ the middle of the range, so that large
            weights do not drown small ones in the shared gradient; 0 for the paper's plain mean.
        start: "plain" (PyTorch's initial weights) or "components" (see `start`).
        patch: side of the training patches, in pixels.
    """

    kind: str = "yoto"
    lam: float | None = None
    n: int = 192
    m: int = 192
    step: bool = False
    gain: float = 0.1
    balance: float = 0.0
    start: str = "plain"
    patch: int = 256
    batch_size: int = 8
    steps: int = 1_000_000
    learning_rate: float = 1e-4
    clip = 1.0

    def __post_init__(self):
        one_of("kind of model", self.kind, KINDS)
        one_of("start", self.start, STARTS)
        for name in ("n", "m", "patch"):
            positive_int(name, getattr(self, name))
        if self.patch % STRIDE:
            raise ReaderError(f"patch is a multiple of {STRIDE} pixels; got {self.patch}.")
        if self.lam is not None:
            positive("λ", self.lam)
        if (self.lam is None) == (self.kind == "fixed"):
            raise ReaderError(
                f"A fixed-weight model has one λ, a conditional one none; got {self.kind} and {self.lam}."
            )
        super().__post_init__()

    @property
    def precision(self) -> str:
        """Full, unless `accelerate launch` asks for another: a latent of 200 steps has none of its fraction left in bf16."""
        return os.environ.get("ACCELERATE_MIXED_PRECISION") or "no"


# Two CPU cores: fewer channels, small patches and batches, a larger learning rate that ends at zero.
LAPTOP = {"n": 48, "m": 128, "step": True, "balance": 0.5, "start": "components", "patch": 128, "batch_size": 4}
LAPTOP |= {"steps": 8000, "learning_rate": 1e-3, "schedule": "cosine"}


def experiments(profile: str) -> dict[str, Config]:
    """All experiments of a profile by name, in the order they are trained.

    "paper" is A.2's own setting. "laptop" is what the shipped checkpoints were trained with, and what "demo" names.
    "smoke" runs the same code on a handful of steps.
    """
    one_of("profile", profile, PROFILES)
    base, wide = Config("yoto"), {"n": 256, "m": 256}
    if profile != "paper":
        base, wide = replace(base, **LAPTOP), {"n": 64, "m": 160}
    if profile == "smoke":
        base, wide = replace(base, n=8, m=8, patch=64, batch_size=2, steps=3), {"n": 12, "m": 12}
    fixed, twice = replace(base, kind="fixed", lam=1.0, balance=0.0), 2 * base.batch_size
    configs = [
        base,
        *(replace(fixed, name=f"fixed_{i}", lam=round(lam, 6)) for i, lam in enumerate(lam_grid().tolist())),
        replace(base, name="yoto_wider_batch16", **wide, batch_size=twice),
        replace(base, name="yoto_batch16", batch_size=twice),
        replace(base, name="yoto_wider", **wide),
    ]
    if profile != "paper":  # the paper's own conditioning, with everything else as here
        configs.append(replace(base, name="yoto_film_only", step=False, balance=0.0))
    return {config.name: config for config in configs}


def build(config: Config, seed: int = 0) -> ScaleHyperprior:
    """The untrained network of an experiment; its weights depend on (seed, repeat) alone."""
    seed_everything(seed, config.repeat)
    return ScaleHyperprior(config.n, config.m, config.lam, step=config.step, gain=config.gain)
