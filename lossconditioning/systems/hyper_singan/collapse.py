"""What becomes of an embedding that generator and discriminator share (Figure 1c, Propositions 3 and 4), in a minute of CPU."""

from __future__ import annotations

import copy

import torch
from torch import Tensor

from lossconditioning.errors import ReaderError, positive, positive_int
from lossconditioning.systems.hyper_singan.config import Config
from lossconditioning.systems.hyper_singan.data import SingleImageData
from lossconditioning.systems.hyper_singan.models import Discriminator, Generator
from lossconditioning.systems.hyper_singan.recipes import build
from lossconditioning.systems.hyper_singan.task import Batch, gradient_penalty
from lossconditioning.training.randomness import reseed_torch


def descend(
    config: Config, data: SingleImageData, steps: int, rate: float = 0.05, penalty: float = 1.0, seed: int = 0
) -> list[dict[str, float]]:
    """Gradient descent as the propositions have it: plain steps, at the coarsest scale, without reconstruction.

    The generator's parameters minimise L_adv, the discriminator's maximise L_adv − λ₁ L_lip, both taken at the same point; a
    shared embedding does both, so that what is left of its steps is that of L_lip.

    The propositions suppose that networks map 0 to 0. Our heads have biases, which begin at 0 and then learn: an embedding that
    puts out 0 stays there at the start, but not once they have moved, so that scores come to little, not to 0.

    Args:
        config: an experiment whose discriminator is "hyper" or "same embedding".
        data: its data; the pictures of the first batch are learned, and its discriminator is left as it is.
        steps, rate: of gradient descent.
        penalty: λ₁.

    Returns:
        for each step, "norm", root mean square of a picture's code; "scores", mean absolute score of real pictures; "apart",
        how far generators of two pictures are from each other, root mean square of their weights' differences.

    Raises:
        ReaderError: for another discriminator, or if steps or rate are not positive or the penalty is below 0.
    """
    if config.discriminator not in ("hyper", "same embedding"):
        raise ReaderError(
            "The propositions are about discriminators that a hypernetwork writes: discriminator='hyper' or "
            f"'same embedding'; got {config.discriminator!r}."
        )
    if penalty < 0:
        raise ReaderError(f"penalty is 0 or more; got {penalty}.")
    positive("rate", rate)
    model, critic = build(config, seed), copy.deepcopy(data.discriminator)
    model.enter(0)
    if config.discriminator == "same embedding":
        critic.borrow(model.embedding)
    groups = [
        list(model.parameters()),
        [*critic.parameters(), *(critic.borrowed.parameters() if critic.borrowed else [])],
    ]
    groups = [[parameter for parameter in group if parameter.requires_grad] for group in groups]
    history = []
    for step in range(positive_int("steps", steps)):
        reseed_torch(seed, step)
        batch = data.batches(0)._replace(discriminator=critic)
        losses, seen = _losses(model, batch, penalty)
        gradients = [
            torch.autograd.grad(loss, group, retain_graph=True) for loss, group in zip(losses, groups, strict=True)
        ]
        with torch.no_grad():
            for group, gradient in zip(groups, gradients, strict=True):
                for parameter, slope in zip(group, gradient, strict=True):
                    parameter -= rate * slope
        history.append(seen)
    return history


def _losses(model: Generator, batch: Batch, penalty: float) -> tuple[tuple[Tensor, Tensor], dict[str, float]]:
    """What generator and discriminator minimise, and what is noted of a step."""
    critic: Discriminator = batch.discriminator
    real, code = batch.reals[0], model.code(batch.images)
    weights, judged = model.weights(code, 1)[0], critic.weights(batch.images)
    fake = model.at(weights, None, torch.randn_like(real))
    scores, made = critic(real, judged), critic(fake, judged)
    adversarial = (
        made.mean() - scores.mean()
    )  # −L_adv of equation 13, for our discriminator gives the real the high scores
    slope = gradient_penalty(critic, judged, real, fake, "real").mean()  # L_lip, equation 14
    seen = {
        "norm": float(code.detach().square().mean().sqrt()),
        "scores": float(scores.detach().abs().mean()),
        "apart": float(
            torch.cat([(w - w.roll(1, 0)).flatten() for w in weights.values()]).detach().square().mean().sqrt()
        ),
    }
    return (-adversarial, adversarial + penalty * slope), seen
