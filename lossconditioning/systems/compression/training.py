"""How the compression models are trained: noise for rounding, λ, the balanced objective, and what comes before and after."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from torch import Tensor

from lossconditioning.losses import balanced
from lossconditioning.systems.compression.data import Patches
from lossconditioning.systems.compression.models import ScaleHyperprior, uniform_noise
from lossconditioning.systems.compression.recipes import Config
from lossconditioning.systems.compression.start import start_from_principal_components
from lossconditioning.systems.compression.task import MIDDLE, Batch


@contextmanager
def around(config: Config, model: ScaleHyperprior, data: Patches) -> Iterator[ScaleHyperprior]:
    """Principal components before the first step, if the configuration starts from them; medians after the last."""
    if config.start == "components":
        start_from_principal_components(model, data.first())
    yield model
    model.prior_z.find_medians()


def draw(config: Config, model: ScaleHyperprior, batch: Tensor, done: float = 1.0) -> tuple[Batch, Tensor]:
    """Patches ``(B, 3, S, S)`` with noise for their y and z, and their λ ``(B,)``, one in each of B strata of the prior."""
    lam = model.prior.sample((len(batch),), stratified=True)
    return (batch, *uniform_noise(model, len(batch), *batch.shape[2:])), lam


def weigh(config: Config, terms: dict[str, Tensor], lam: Tensor) -> Tensor:
    """R + λ · D of each patch, divided by (λ / λ₀) to the power of the balance: ``(B,)``."""
    return balanced(terms, {"distortion": lam}, lam / MIDDLE, config.balance)
