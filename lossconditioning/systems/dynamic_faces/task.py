"""What faces cost: DCGAN's adversarial loss, O = L_adv of one set of faces or of another (Dynamic-Net, section 4.2).

Not the paper's is a second term for tuning blocks, which asks every face to keep the attributes that are not meant (`Kept`).
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, logsigmoid, softplus

from lossconditioning.losses import weighted
from lossconditioning.systems.dynamic_faces.models import Classifier
from lossconditioning.systems.dynamic_faces.recipes import Config


class Kept(nn.Module):
    """How far generated people have lost what blocks are not meant to change, as a classifier sees it.

    Args:
        main: the generator without blocks, α = 0.
        classifier: of attributes; a copy of it is kept, frozen.
        meant: the attributes that may change.
    """

    def __init__(self, main: nn.Module, classifier: Classifier, meant: Sequence[str]):
        super().__init__()
        self.main = main
        self.classifier = deepcopy(classifier).requires_grad_(False).eval()
        self.others = [number for number, name in enumerate(classifier.names) if name not in meant]

    def forward(self, codes: Tensor, faces: Tensor) -> Tensor:
        """KL divergence between what is said of an attribute at α = 0 and of ``faces``, its mean over the others: ``(B,)``.

        Not the difference of probabilities, whose gradient vanishes where the classifier is sure that somebody has changed.

        Args:
            codes: ``(B, L)``.
            faces: what the blocks make of them, ``(B, 3, 64, 64)`` in [−1, 1].
        """
        self.classifier.to(faces.device)
        with torch.no_grad():
            before = self.classifier(self.main(codes))[:, self.others].float()
        after, probability = self.classifier(faces)[:, self.others].float(), before.sigmoid()
        has = probability * (logsigmoid(before) - logsigmoid(after))
        lacks = (1 - probability) * (logsigmoid(-before) - logsigmoid(-after))
        return (has + lacks).mean(1)


class Batch(NamedTuple):
    """What a generator, or blocks, are trained on.

    Attributes:
        faces: real ones, ``(B, 3, 64, 64)`` in [−1, 1].
        codes: of those to generate, ``(B, L)``.
        discriminator: tells the two apart.
        kept: what else the faces are asked for; None where they are not.
    """

    faces: Tensor
    codes: Tensor
    discriminator: nn.Module
    kept: Kept | None = None

    @property
    def inputs(self) -> tuple[Tensor, ...]:
        """The generator's."""
        return (self.codes,)


class Labelled(NamedTuple):
    """What a classifier is trained on: faces ``(B, 3, 64, 64)`` in [−1, 1], and their attributes, 0 or 1, ``(B, A)``."""

    faces: Tensor
    attributes: Tensor


def terms(model: nn.Module, batch: Batch | Labelled, lam: Tensor | None = None) -> dict[str, Tensor]:
    """The losses of each example, unweighted, each ``(B,)``.

    Returns:
        "adversarial", the non-saturating −log D(G(z)), and "kept", see `Kept`, if the batch asks for it; of a classifier,
        "cross_entropy", a mean over attributes.
    """
    if isinstance(batch, Labelled):
        logits = model(batch.faces).float()
        return {"cross_entropy": binary_cross_entropy_with_logits(logits, batch.attributes, reduction="none").mean(1)}
    faces = model(*batch.inputs)
    values = {"adversarial": softplus(-batch.discriminator(faces).float())}
    if batch.kept is not None:
        values["kept"] = batch.kept(batch.codes, faces)
    return values


def discriminator_terms(config: Config, batch: Batch, generated: Tensor) -> dict[str, Tensor]:
    """Its cross-entropy over "real" faces and over generated, "fake" ones, which get no gradient; each ``(B,)``."""
    real, fake = (batch.discriminator(faces).float() for faces in (batch.faces, generated.detach()))
    return {"real": softplus(-real) + config.smoothing * real, "fake": softplus(fake)}


def weigh(config: Config, terms: dict[str, Tensor], lam: Tensor) -> Tensor:
    """λ times the adversarial loss, and `Config.keep` times what was not kept, ``(B,)``.

    λ is 1: objectives differ in which faces are real, not in weights.
    """
    return weighted(terms, dict.fromkeys(terms, lam) | ({"kept": config.keep} if "kept" in terms else {}))
