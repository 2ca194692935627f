"""Learning rates over a run, and Adam's groups."""

import math
from dataclasses import dataclass

import pytest
from torch import nn

from lossconditioning.training.schedules import SCHEDULES, optimizer_and_schedule


@dataclass
class Config:
    schedule: str
    steps: int = 200
    learning_rate: float = 0.1


def rates(config: Config, **options) -> list[float]:
    optimizer, schedule = optimizer_and_schedule(config, nn.Linear(1, 1), **options)
    seen = []
    for _ in range(config.steps):
        seen.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return seen


def test_constant_stays():
    assert rates(Config("constant")) == pytest.approx([0.1] * 200)


def test_cosine_rises_for_a_hundredth_and_falls_to_zero():
    seen = rates(Config("cosine"))
    assert seen[0] == pytest.approx(0.05)
    assert max(seen) == pytest.approx(0.1, rel=1e-3)
    assert seen[100] == pytest.approx(0.05)
    assert seen[-1] == pytest.approx(0.1 * 0.5 * (1 + math.cos(math.pi * 199 / 200)))
    assert rates(Config("cosine"), warm_up=0)[0] == 0.1


def test_steps_multiply_at_every_milestone():
    seen = rates(Config("steps"), milestones=(0.5, 0.75), factor=0.5)
    assert seen == pytest.approx([0.1] * 100 + [0.05] * 50 + [0.025] * 50)


def test_linear_is_constant_for_the_first_half_then_falls_straight_to_zero():
    seen = rates(Config("linear"))
    assert seen[:101] == pytest.approx([0.1] * 101)
    assert seen[150] == pytest.approx(0.05)
    assert seen[199] == pytest.approx(0.001)


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_a_schedule_resumes_where_it_stopped(schedule):
    config, model = Config(schedule), nn.Linear(1, 1)
    straight = rates(config, milestones=(0.3,))
    optimizer, first = optimizer_and_schedule(config, model, milestones=(0.3,))
    for _ in range(90):
        optimizer.step()
        first.step()
    again, second = optimizer_and_schedule(config, model, milestones=(0.3,))
    again.load_state_dict(optimizer.state_dict())
    second.load_state_dict(first.state_dict())
    again.step()
    second.step()
    assert again.param_groups[0]["lr"] == straight[91]


def test_parameters_may_come_in_groups():
    first, second = nn.Linear(1, 1), nn.Linear(1, 1)
    groups = [{"params": first.parameters(), "weight_decay": 0.1}, {"params": second.parameters()}]
    optimizer, _ = optimizer_and_schedule(Config("constant"), groups, (0.5, 0.9), learning_rate=0.2)
    assert [group["weight_decay"] for group in optimizer.param_groups] == [0.1, 0]
    assert {(group["lr"], group["betas"]) for group in optimizer.param_groups} == {(0.2, (0.5, 0.9))}
