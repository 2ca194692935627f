"""Training to paint in one style: what a batch is asked for, one step at a time, blocks on a network that stays as it was."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from small_dynamic import (
    ALL,
    BLOCKS,
    NETWORK,
    SMALL,
    assert_same_weights,
    fit,
    shaken,
    small_loss,
    small_stylisation,
    some,
)

from lossconditioning.conditioning import DynamicNet
from lossconditioning.datasets import photographs
from lossconditioning.systems.dynamic_net import stylisation
from lossconditioning.systems.dynamic_net.stylisation import task, training
from lossconditioning.systems.style_transfer.training import batches
from lossconditioning.training.randomness import reseed_torch

STEPS = 3


@pytest.fixture(scope="module", autouse=True)
def small(tmp_path_factory):
    with small_stylisation(tmp_path_factory.mktemp("no_data")):
        yield


# What a batch is asked for ------------------------------------------------------------------------------------------------


def test_a_networks_batch_has_its_own_weight_and_no_code():
    found = training.draw(NETWORK, stylisation.build(NETWORK), 4)
    assert found.lam.tolist() == pytest.approx([0.8] * 4)
    assert found.code is None
    assert found.style.tolist() == [0] * 4


def test_a_conditional_networks_batch_is_spread_evenly_over_its_range():
    config = SMALL["style_conditional"]
    torch.manual_seed(0)
    found = training.draw(config, stylisation.build(config), 16)
    assert torch.equal(found.code, found.lam)
    assert found.style.tolist() == [0] * 16
    assert 0.8 <= found.lam.min() <= found.lam.max() <= 40
    strata = (16 * (found.lam / 0.8).log() / math.log(50)).floor()
    assert strata.sort().values.tolist() == list(range(16))
    assert strata.tolist() != list(range(16))


@pytest.mark.parametrize("count", [2, 3, 8])
def test_half_of_a_batch_is_asked_for_each_of_two_styles(count):
    config = SMALL["style_two"]
    seen = set()
    for seed in range(8):
        torch.manual_seed(seed)
        found = (
            training.draw(config, stylisation.build(config), count) if seed == 0 else training.draw(config, None, count)
        )
        assert found.lam.tolist() == [40.0] * count
        assert found.code.argmax(1).tolist() == found.style.tolist()
        assert found.code.sum(1).tolist() == [1.0] * count
        assert found.style.bincount(minlength=2).tolist() in (
            [count // 2, count - count // 2],
            [count - count // 2, count // 2],
        )
        seen.add(tuple(found.style.tolist()))
    assert len(seen) > 1


def test_targets_are_those_of_the_paintings_that_are_learned():
    loss = small_loss()
    one, other = (task.style_of(loss, name) for name in stylisation.STYLES)
    for layer, first, second in zip(training.learned(SMALL["style_two"], loss), one, other, strict=True):
        assert torch.equal(layer, torch.cat([first, second]))
    for layer, expected in zip(training.learned(SMALL["style_other"], loss), other, strict=True):
        assert torch.equal(layer, expected)
    coarse = training.learned(SMALL["style_blocks_coarse"], loss)
    for layer, expected, fine in zip(coarse, task.style_of(loss, stylisation.STYLES[0], 2), one, strict=True):
        assert torch.equal(layer, expected)
        assert not torch.allclose(layer, fine, rtol=1e-3)


# Training -----------------------------------------------------------------------------------------------------------------


@ALL
def test_the_first_step_costs_the_mean_objective_over_one_plus_lambda(config):
    config = replace(config, batch_size=4, steps=1, crops=0)
    _, loop = fit(config, seed=2)
    loss, model = small_loss(), stylisation.build(config, seed=2)
    batch = batches(config, tuple(photographs().values()), loss, 2000)(0)
    reseed_torch(2000, 0)
    drawn = training.draw(config, model, 4)
    paintings = [task.style_of(loss, name) for name in stylisation.STYLES]
    with torch.no_grad():
        if config.kind == "blocks":
            painted = DynamicNet(shaken("style_fixed_0"), {"tuned": model})(batch.photographs, alpha=1.0)
        else:
            painted = model(batch.photographs, *([] if drawn.code is None else [drawn.code]))
        each = [stylisation.terms(loss, painted, batch.content, style) for style in paintings]
    content, style = each[0]["content"], torch.where(drawn.style == 0, each[0]["style"], each[1]["style"])
    lam = drawn.lam
    (row,) = loop.history
    assert row["loss"] == pytest.approx(((content + lam * style) / (1 + lam)).mean().item(), rel=1e-4)
    assert row["content"] == pytest.approx(content.mean().item(), rel=1e-4)
    assert row["style"] == pytest.approx(style.mean().item(), rel=1e-4)


def test_blocks_leave_their_main_network_as_it_was():
    main = shaken("style_fixed_0").train()
    before, painted = {name: value.clone() for name, value in main.state_dict().items()}, main(some())
    blocks, _ = fit(BLOCKS, main=main)
    untrained = stylisation.build(BLOCKS)
    assert not torch.equal(blocks["up.1"].layers[0].weight, untrained["up.1"].layers[0].weight)
    assert all(torch.equal(value, before[name]) for name, value in main.state_dict().items())
    assert all(weight.requires_grad and weight.grad is None for weight in main.parameters())
    assert main.training
    assert torch.equal(main(some()), painted)
    assert not any(module._forward_hooks for module in main.modules())
    # Nothing of the main network is kept with the blocks.
    assert set(blocks.state_dict()) == set(untrained.state_dict())


@ALL
def test_a_stopped_training_continues_bit_identically(config, tmp_path):
    config = replace(config, steps=STEPS)
    whole, loop = fit(config, seed=1)
    assert (loop.done, loop.step, len(loop.history)) == (True, STEPS, STEPS)
    for step in range(1, STEPS + 1):
        model, part = fit(config, path=tmp_path, seed=1, minutes=1e-9)
        assert (part.step, part.done) == (step, step == STEPS)
    assert_same_weights(model, whole)
    assert part.history == loop.history


@ALL
def test_thirty_steps_lower_the_loss(config):
    _, loop = fit(replace(config, steps=30, batch_size=4, learning_rate=1e-2))
    losses = [row["loss"] for row in loop.history]
    assert np.isfinite(losses).all()
    assert np.mean(losses[-8:]) < 0.8 * np.mean(losses[:4])


def test_half_precision_takes_nearly_the_same_steps():
    config = replace(NETWORK, learning_rate=1e-5, crops=0)  # so that the runs do not part
    (model, half), (_, single) = fit(replace(config, half=True)), fit(config)
    for a, b in zip(half.history, single.history, strict=True):
        for name in ("style", "content"):
            assert a[name] == pytest.approx(b[name], rel=0.1)
            assert a[name] != b[name]
    assert {weight.dtype for weight in model.parameters()} == {torch.float32}


@pytest.mark.parametrize("name", ["style_fixed_6", "style_back_none"])
def test_the_papers_profile_runs_in_small(name):
    """One step, one picture; the losses and their layers as in the public code."""
    config = replace(stylisation.experiments("paper")[name], width=4, side=32, batch_size=1, steps=1, pretrained=False)
    main = stylisation.build(replace(config, kind="network", main=None)) if config.main else None
    _, loop = stylisation.fit(config, main=main, progress=False)
    assert loop.done
    assert all(np.isfinite(value) for row in loop.history for value in row.values())
