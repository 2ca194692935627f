"""SGN's training step against a plain eager implementation of the same: ratios measured side by side in one run, one thread.

Plain is how such steps are commonly written: a pass of the generator for photographs and another for real pictures, one of the
discriminator for each kind of picture, its gradient also in the generator's step; VGG's for pictures, photographs and painting
in every step; single precision.
"""

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from adversaries import Adversaries
from ratios import side_by_side

from lossconditioning.painting import middle_square
from lossconditioning.systems import mixed_domain as mixed
from lossconditioning.training import Run
from lossconditioning.training.config import bfloat16_pays

pytestmark = pytest.mark.usefixtures("one_thread")
LAM = torch.tensor([[0.2, 0.5, 0.3], [0.6, 0.1, 0.3]])


class Opponents(Adversaries):
    """A generator and its discriminator, of a configuration, and a batch for both."""

    def __init__(self, profile, batch_size, half):
        config = replace(mixed.experiments(profile)["sym"], pretrained=False, crops=4, batch_size=batch_size, half=half)
        self.config, self.data = config, mixed.experiment_data(config, Run(profile="smoke", progress=False))
        self.model = mixed.build(config).train()
        self.begin(mixed.optimise)
        self.lam = LAM.repeat(batch_size // len(LAM), 1)
        self.batch = self.data.batches(0)._replace(lam=self.lam, pool=None)
        # As large as the photographs: in the smoke profile the painting is a square of their size.
        (painting,) = mixed.pictures_of(config.domains[2]).pictures.values()
        self.painting = middle_square(painting, config.side)[None]


def ours(run):
    return run.step(run.model, mixed.discriminator_terms, mixed.terms, mixed.weigh)


def plain(run):
    """The same losses, written down."""
    batch, config, lam = run.batch, run.config, run.lam
    (real,), (judge,), features = batch.real, run.discriminator, batch.costs.loss.features

    def gram(found):
        flat = found.flatten(2)
        return flat @ flat.transpose(1, 2) / flat[0].numel()

    made, same = run.model(batch.photographs, lam), run.model(real, lam)
    parts = ((judge(real) - 1).square().mean((1, 2, 3)), judge(made.detach()).square().mean((1, 2, 3)))
    told = (lam[:, 1] * sum(parts)).mean() / 2
    run.take("discriminator", told)

    reconstruction = config.reconstruction * 2 * (made - batch.photographs).abs().mean((1, 2, 3))
    identity = config.identity * 2 * (same - real).abs().mean((1, 2, 3))
    adversarial = (judge(made) - 1).square().mean((1, 2, 3)) + identity
    now, then, style = features(made), features(batch.photographs), features(run.painting)
    weights, loss = batch.costs.weights, batch.costs.loss
    perceptual = weights["content"] * F.mse_loss(now[loss.content], then[loss.content], reduction="none").mean(
        (1, 2, 3)
    )
    for number, layer in enumerate(loss.style):
        apart = (gram(now[layer]) - gram(style[layer]).detach()).square().mean((1, 2))
        perceptual = perceptual + weights[f"style_{number + 1}"] * apart
    total = (lam * torch.stack([reconstruction, adversarial, perceptual], dim=1)).sum(1).mean()
    run.take("model", total)
    return torch.stack([told, total]).detach()


@pytest.mark.parametrize("half", [False, True])
def test_both_take_the_same_step(half):
    if half and not bfloat16_pays():
        pytest.skip("this processor has no instructions for bfloat16")
    one, other = (Opponents("smoke", 2, chosen) for chosen in (half, False))
    for _ in range(2):  # the second after one step of both
        torch.testing.assert_close(ours(one), plain(other), rtol=0.01, atol=0)
        if half:  # Adam's first steps are the signs of gradients, and rounding turns some: go on from the same weights
            for network in ("model", "discriminator"):
                getattr(one, network).load_state_dict(getattr(other, network).state_dict())


def test_a_step_of_comparison_networks(benchmark):
    one, other = (Opponents("laptop", 2, half) for half in (True, False))
    side_by_side(benchmark, lambda: ours(one), lambda: plain(other), rounds=3, usually=0.75)


@pytest.mark.thorough
def test_a_step_at_the_papers_size(benchmark):
    """64 channels, nine blocks, 128 pixels, batches of four: minutes, on one thread."""
    one, other = (Opponents("paper", 4, half) for half in (True, False))
    side_by_side(benchmark, lambda: ours(one), lambda: plain(other), rounds=2, usually=None)
