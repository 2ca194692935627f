"""Minutes of training: measured by steps of all in turn."""

import pytest
from small_hyper import SMALL, SMOKE

from lossconditioning.systems.hyper_singan import pace


def test_more_steps_at_each_scale_take_more_minutes(monkeypatch):
    clock = iter(range(1000))
    monkeypatch.setattr(pace.time, "perf_counter", lambda: float(next(clock)))  # every step takes a second
    one, other = pace.minutes_of_training([SMALL["dataset"], SMALL["singan_0"]], SMOKE, rounds=1)
    expected = sum(SMALL["dataset"].steps_per_scale for _ in range(SMALL["dataset"].scales)) / 60
    assert one == pytest.approx(expected)
    assert other == pytest.approx(expected)


def test_a_step_changes_both_networks():
    training = pace._Training(SMALL["dataset"], SMOKE)
    networks = {"model": training.model, "critic": training.critic}
    before = {name: [p.detach().clone() for p in network.parameters()] for name, network in networks.items()}
    training.step(1, 0)
    for name, network in networks.items():
        assert any((p != old).any() for p, old in zip(network.parameters(), before[name], strict=True))
    assert all(p.requires_grad for p in training.critic.parameters())
