"""How faces look to a classifier, how varied they are, and how far from real ones."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from lossconditioning.conditioning import at_every_alpha
from lossconditioning.datasets.faces import Faces
from lossconditioning.systems.dynamic_faces.models import Classifier, signed
from lossconditioning.systems.dynamic_faces.recipes import CLASSIFIER, Config
from lossconditioning.training import Data
from lossconditioning.training.randomness import generator as generator_of

CODES, CHUNK = 256, 64
Make = Callable[[Tensor], Tensor]
"""Codes ``(B, L)`` to faces ``(B, 3, H, W)`` in [−1, 1]."""


def codes(count: int, latent: int, seed: int = 0) -> Tensor:
    """Fixed latent codes ``(count, latent)``: the same people in every measurement."""
    return torch.randn(count, latent, generator=generator_of(seed, latent))


@torch.no_grad()
def made(make: Make, latents: Tensor) -> Tensor:
    """The faces of latent codes, ``(N, 3, H, W)`` in [−1, 1]."""
    return torch.cat([make(part) for part in latents.split(CHUNK)])


@torch.no_grad()
def told(classifier: Classifier, faces: Tensor) -> Tensor:
    """Logits of every attribute of faces in [−1, 1], or uint8; ``(N, A)``."""
    faces = faces if faces.is_floating_point() else signed(faces)
    return torch.cat([classifier(part) for part in faces.split(CHUNK)])


def spread(classifier: Classifier, faces: Faces) -> Tensor:
    """By how much real faces with and without each attribute differ in probability, ``(A,)``; 1 if all are told rightly."""
    probability = told(classifier, faces.images).sigmoid()
    each = []
    for number, name in enumerate(classifier.names):
        has = faces.having(name)
        each.append(probability[has, number].mean() - probability[~has, number].mean())
    return torch.stack(each)


def accuracy(classifier: Classifier, faces: Faces) -> Tensor:
    """Share of faces whose attribute a classifier tells rightly, ``(A,)``."""
    truth = torch.stack([faces.having(name) for name in classifier.names], dim=1)
    return ((told(classifier, faces.images) > 0) == truth).float().mean(0)


def diversity(faces: Tensor, real: Tensor) -> float:
    """Mean distance between two faces over that between two real ones: near 1, or near 0 if all came out alike.

    Args:
        faces, real: ``(N, 3, H, W)`` in [−1, 1].
    """
    ours, theirs = (float(torch.pdist(each.float().flatten(1)).mean()) for each in (faces, real))
    return ours / theirs


def distance(faces: Tensor, real: Tensor, directions: int = 256) -> float:
    """Sliced Wasserstein distance between two sets of pictures of one size, over that of ``real`` from its own mean.

    0 if both are distributed alike; between two sets of 256 drawn faces it is about 0.13.

    Args:
        faces, real: ``(N, 3, H, W)`` in [−1, 1], as many of one as of the other.
    """
    ours, theirs = faces.float().flatten(1), real.float().flatten(1)
    along = torch.randn(ours.shape[1], directions, generator=generator_of(0, ours.shape[1]))
    ours, theirs = ((each @ along).sort(0).values for each in (ours, theirs))
    return float((ours - theirs).abs().mean() / (theirs - theirs.mean(0)).abs().mean())


@torch.no_grad()
def features(classifier: Classifier, faces: Tensor) -> Tensor:
    """What a classifier's last convolution sees in faces in [−1, 1], or uint8, averaged over positions; ``(N, C)``, float64."""
    faces = faces if faces.is_floating_point() else signed(faces)
    return torch.cat([classifier.layers(part).mean((2, 3)) for part in faces.split(CHUNK)]).double()


def measure(config: Config, model: nn.Module, data: Data) -> dict[str, float]:
    """Numbers for a card: a classifier's "accuracy", over all attributes and the "worst"; a generator's "diversity" and
    "distance" from held-out faces of its kind; the same of blocks at α = 1, and the "shift" of each attribute they turn."""
    held_out: Faces = data.held_out
    if config.kind == "classifier":
        each = accuracy(model, held_out)
        return {"accuracy": float(each.mean()), "worst": float(each.min())}
    count = min(CODES, len(held_out))
    real, latents = signed(held_out.images[:count]), codes(count, config.latent)
    if config.kind == "generator":
        faces = made(model, latents)
        return {"diversity": diversity(faces, real), "distance": distance(faces, real)}
    classifier, main = data.made[CLASSIFIER], data.made[config.main]
    before, after = at_every_alpha(main, {"tuned": model}, (0.0, 1.0), lambda make: made(make, latents))
    shift = told(classifier, after).sigmoid().mean(0) - told(classifier, before).sigmoid().mean(0)
    return {
        "diversity": diversity(after, real),
        "distance": distance(after, real),
        **{f"shift_{name}": float(shift[classifier.names.index(name)]) for name in config.having},
    }
