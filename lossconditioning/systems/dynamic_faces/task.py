"""What faces cost: DCGAN's adversarial loss, O = L_adv of one set of faces or of another (Dynamic-Net, section 4.2)."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, softplus

from lossconditioning.losses import weighted
from lossconditioning.systems.dynamic_faces.recipes import Config


class Batch(NamedTuple):
    """What a generator, or blocks, are trained on.

    Attributes:
        faces: real ones, ``(B, 3, 64, 64)`` in [−1, 1].
        codes: of those to generate, ``(B, L)``.
        discriminator: tells the two apart.
    """

    faces: Tensor
    codes: Tensor
    discriminator: nn.Module

    @property
    def inputs(self) -> tuple[Tensor, ...]:
        """The generator's."""
        return (self.codes,)


class Labelled(NamedTuple):
    """What a classifier is trained on: faces ``(B, 3, 64, 64)`` in [−1, 1], and their attributes, 0 or 1, ``(B, A)``."""

    faces: Tensor
    attributes: Tensor


def terms(model: nn.Module, batch: Batch | Labelled, lam: Tensor | None = None) -> dict[str, Tensor]:
    """The one loss of each example, ``(B,)``.

    Returns:
        "adversarial", the non-saturating −log D(G(z)); of a classifier, "cross_entropy", a mean over attributes.
    """
    if isinstance(batch, Labelled):
        logits = model(batch.faces).float()
        return {"cross_entropy": binary_cross_entropy_with_logits(logits, batch.attributes, reduction="none").mean(1)}
    return {"adversarial": softplus(-batch.discriminator(model(*batch.inputs)).float())}


def discriminator_terms(config: Config, batch: Batch, generated: Tensor) -> dict[str, Tensor]:
    """Its cross-entropy over "real" faces and over generated, "fake" ones, which get no gradient; each ``(B,)``."""
    real, fake = (batch.discriminator(faces).float() for faces in (batch.faces, generated.detach()))
    return {"real": softplus(-real) + config.smoothing * real, "fake": softplus(fake)}


def weigh(config: Config, terms: dict[str, Tensor], lam: Tensor) -> Tensor:
    """λ times the one loss, ``(B,)``. λ is 1: objectives differ in which faces are real, not in weights."""
    return weighted(terms, lam[:, None])
