"""Whole runs: scale after scale is learned, a killed run ends as a whole one, and what is frozen stays as it is."""

from dataclasses import replace

import pytest
import torch
from small_hyper import SAME, SMALL, SMOKE, fit, same

from lossconditioning.systems.hyper_singan.data import experiment_data
from lossconditioning.systems.hyper_singan.recipes import build, build_discriminator
from lossconditioning.systems.hyper_singan.training import draw, optimise

CONFIG = replace(SMALL["batch_4"], average=0.0)


def test_scale_after_scale_is_learned_and_what_is_below_stays_as_it_is():
    steps = []

    def spy(config, model, batch, done):
        drawn = draw(config, model, batch, done)
        steps.append({name: value.clone() for name, value in model.state_dict().items()})
        return drawn

    model, loop = fit(CONFIG, draw=spy)
    steps.append(model.state_dict())
    assert [int(state["scale"]) for state in steps] == [0, 0, 1, 1, 1]

    def moves(prefix, from_, to):
        names = [name for name in steps[0] if name.startswith(prefix)]
        return any(not torch.equal(steps[from_][name], steps[to][name]) for name in names)

    assert [moves("writers.0.", step, step + 1) for step in range(4)] == [True, True, False, False]
    assert [moves("writers.1.", step, step + 1) for step in range(4)] == [False, True, True, True]
    assert all(moves("embedding.", step, step + 1) for step in range(4))
    for name in (name for name in steps[2] if name.startswith("writers.0.")):
        assert torch.equal(steps[2][name.replace("writers.0.", "writers.1.")], steps[2][name])
    assert {"adversarial", "reconstruction", "critic", "penalty"} <= loop.history[-1].keys()
    assert all(weight.requires_grad for weight in model.parameters())
    assert 0 < float(model.amplitudes[1]) != 1


@pytest.mark.parametrize("name", ["batch_4", "same", "shared", "singan_0"])
def test_a_run_resumed_after_every_step_ends_bit_identical(name, tmp_path):
    config = SAME if name == "same" else SMALL[name]
    straight, whole = fit(config)
    hurried, stops = replace(SMOKE, minutes=1e-7), 0
    while True:
        model, loop = fit(config, hurried, tmp_path)
        if loop.done:
            break
        stops += 1
    assert stops == config.steps - 1
    assert same(straight, model)
    assert same(whole.state["discriminator"], loop.state["discriminator"])
    assert whole.history[-1] == loop.history[-1]


def test_rates_fall_to_a_tenth_after_a_share_of_each_scales_steps():
    config = replace(CONFIG, steps_per_scale=5, decay=0.6, learning_rate=1e-3, discriminator_rate=2e-3)
    for network, rate in ((build(config), 1e-3), (build_discriminator(config), 2e-3)):
        optimizer, schedule = optimise(config, network)
        (group,) = optimizer.param_groups
        assert group["betas"] == (0.5, 0.999)
        rates = []
        for _ in range(config.steps):
            rates.append(group["lr"])
            optimizer.step()
            schedule.step()
        assert rates == pytest.approx([rate, rate, rate, rate / 10, rate / 10] * 2)


# A frozen backbone --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def frozen():
    """A trained experiment with a frozen backbone, its loop, and the weights that came with its data."""
    config = replace(SMALL["frozen_3"], average=0.0)
    return *fit(config), experiment_data(config, SMOKE).backbone


def unlike(embedding, weights):
    return [
        name for name, value in embedding.backbone.layers.state_dict().items() if not torch.equal(value, weights[name])
    ]


def test_a_frozen_backbone_has_its_trained_weights_before_and_after(frozen):
    model, _, weights = frozen
    assert unlike(build(SMALL["frozen_3"]).embedding, weights)  # random ones, if they were not given
    assert not unlike(model.embedding, weights)
    untrained = dict(build(SMALL["frozen_3"]).embedding.layers.named_parameters())
    assert all(not torch.equal(value, untrained[name]) for name, value in model.embedding.layers.named_parameters())


def test_the_discriminators_frozen_backbone_stays_as_it_is_too(frozen):
    _, loop, weights = frozen
    assert not unlike(loop.state["discriminator"].embedding, weights)
