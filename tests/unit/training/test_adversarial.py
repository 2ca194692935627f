"""The loop of a network against a discriminator; what it trains is tested with the systems that have one."""

import pytest
from torch import nn

from lossconditioning.training.adversarial import follow


def test_running_averages_forget_the_initial_weights_and_then_keep_their_share():
    average, model = nn.Linear(1, 1), nn.Linear(1, 1)
    nn.init.constant_(average.weight, 0.0)
    nn.init.constant_(model.weight, 1.0)
    follow(average, model, 0.99, step=0)
    assert average.weight.item() == pytest.approx(0.9)
    nn.init.constant_(average.weight, 0.0)
    follow(average, model, 0.99, step=100_000)
    assert average.weight.item() == pytest.approx(0.01)


def test_statistics_are_averaged_too_and_counts_are_copied():
    average, model = nn.BatchNorm1d(1), nn.BatchNorm1d(1)
    model.running_mean.fill_(1.0)
    model.num_batches_tracked.fill_(7)
    follow(average, model, 0.5, step=100)
    assert average.running_mean.item() == pytest.approx(0.5)
    assert average.num_batches_tracked.item() == 7
