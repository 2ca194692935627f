"""Training steps of StEP's variants: beside one another (Table 6), and ours v3 beside a plain eager one; one run, one thread.

Plain is how such a step is commonly written: the encoder runs although it is frozen, the trained network's features of the
target are computed in every step, the discriminator sees each kind of picture in a pass of its own, and its gradient is also
computed in the generator's step; single precision.
"""

from dataclasses import replace

import pytest
import torch
from adversaries import Adversaries
from ratios import side_by_side

from lossconditioning.systems import staged_encoder as staged
from lossconditioning.training import Run
from lossconditioning.training.config import bfloat16_pays

pytestmark = pytest.mark.usefixtures("one_thread")
RUN = Run(profile="smoke", progress=False)


class Opponents(Adversaries):
    """A translator of a configuration and its discriminator, in the midst of training, and a batch for both."""

    def __init__(self, name, profile="laptop", half=True):
        config = replace(staged.experiments(profile)[name], pretrained=False, count=24, half=half)
        self.config, self.data = config, staged.experiment_data(config, RUN)
        self.model = staged.build(config).train()
        self.lam = torch.full((config.batch_size,), config.lam[0])
        self.batch = self.data.batches(0)._replace(lam=self.lam)
        made = {config.begins: staged.build(staged.experiments(profile)[config.begins])} if config.begins else {}
        self.around = staged.around(config, self.model, replace(self.data, made=made))
        self.making = self.around.__enter__()
        self.begin(staged.optimise)


def step(run):
    return run.step(run.making, staged.discriminator_terms, staged.terms, staged.weigh)


def plain(run):
    """The losses of ours v3 in stage 2, written down."""
    batch, judge, features = run.batch, run.discriminator, run.batch.costs.features
    z = run.model.encoder(batch.pictures).z
    made = run.model.generator(batch.layouts, z)
    real, fake = judge(batch.layouts, batch.pictures), judge(batch.layouts, made.detach())
    told = ((real - 1).square().mean(1) + fake.square().mean(1)).mean()
    run.take("discriminator", told)
    total = (judge(batch.layouts, made) - 1).square().mean(1)
    now, then = features(made), features(batch.pictures)
    for name in now:
        weight = batch.lam[0] * 0.5 ** (6 - int(name[4]))
        total = total + weight * (now[name] - then[name]).abs().mean((1, 2, 3))
    total = (total + run.config.L2 * z.square().sum(1)).mean()
    run.take("model", total)
    return torch.stack([told, total]).detach()


@pytest.mark.parametrize("half", [False, True])
def test_both_take_the_same_step(half):
    if half and not bfloat16_pays():
        pytest.skip("this processor has no instructions for bfloat16")
    one, other = (Opponents("outlines_stage2", "smoke", chosen) for chosen in (half, False))
    torch.testing.assert_close(step(one), plain(other), rtol=0.02, atol=0)


def test_a_step_of_ours_v3_against_plain(benchmark):
    one, other = Opponents("outlines_stage2"), Opponents("outlines_stage2", half=False)
    side_by_side(benchmark, lambda: step(one), lambda: plain(other), rounds=5, usually=0.6)


@pytest.mark.parametrize(("rival", "usually"), [("outlines_bicycle_v1", 0.7), ("outlines_bicycle_v2", 0.45)])
def test_ours_v3_against_bicycle(benchmark, rival, usually):
    """Table 6: 0.69 of the time of v1 and 0.41 of that of v2 for each picture, at equal batches."""
    one, other = Opponents("outlines"), Opponents(rival)
    side_by_side(benchmark, lambda: step(one), lambda: step(other), rounds=5, usually=usually)
