"""Training to paint in one style: what a batch is asked for, one step at a time, blocks on a network that stays as it was."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from small_dynamic import ALL, BLOCKS, NETWORK, QUIET, SMALL, fit, shaken, small_loss, some

from lossconditioning.conditioning import DynamicNet
from lossconditioning.datasets import photographs
from lossconditioning.datasets.lookup import STAND_IN
from lossconditioning.painting import batches
from lossconditioning.systems import dynamic_style
from lossconditioning.systems.dynamic_style import draw, painted_terms, task, training
from lossconditioning.systems.dynamic_style.task import style_of
from lossconditioning.training import config as training_config
from lossconditioning.training.randomness import reseed_torch

# What a batch is asked for ------------------------------------------------------------------------------------------------


def batch_of(config, count):
    """The first batch, of ``count`` pictures."""
    return dynamic_style.experiment_data(replace(config, batch_size=count), QUIET).batches(0)


def test_a_networks_batch_has_its_own_weight_and_no_code():
    (pictures, code), lam = draw(NETWORK, dynamic_style.build(NETWORK), batch_of(NETWORK, 4))
    assert lam.tolist() == pytest.approx([0.8] * 4)
    assert code is None
    assert pictures.style.tolist() == [0] * 4
    assert [len(layer) for layer in pictures.styles] == [4] * 4


def test_a_conditional_networks_batch_is_spread_evenly_over_its_range():
    config = SMALL["style_conditional"]
    torch.manual_seed(0)
    (pictures, code), lam = draw(config, dynamic_style.build(config), batch_of(config, 16))
    assert code is None  # it is told λ
    assert pictures.style.tolist() == [0] * 16
    assert 0.8 <= lam.min() <= lam.max() <= 40
    strata = (16 * (lam / 0.8).log() / math.log(50)).floor()
    assert strata.sort().values.tolist() == list(range(16))
    assert strata.tolist() != list(range(16))


@pytest.mark.parametrize("count", [2, 3, 8])
def test_half_of_a_batch_is_asked_for_each_of_two_styles(count):
    config, seen = SMALL["style_two"], set()
    model, batch = dynamic_style.build(config), batch_of(config, count)
    each = [style_of(small_loss(), name) for name in dynamic_style.STYLES]
    for seed in range(8):
        torch.manual_seed(seed)
        (pictures, code), lam = draw(config, model, batch)
        style = pictures.style.tolist()
        assert lam.tolist() == [40.0] * count
        assert code.argmax(1).tolist() == style
        assert code.sum(1).tolist() == [1.0] * count
        assert sorted([style.count(0), style.count(1)]) == [count // 2, count - count // 2]
        for layer, targets in enumerate(pictures.styles):
            assert torch.equal(targets, torch.cat([each[number][layer] for number in style]))
        seen.add(tuple(style))
    assert len(seen) > 1


def test_targets_are_those_of_the_paintings_that_are_learned():
    loss = small_loss()
    one, other = (style_of(loss, name) for name in dynamic_style.STYLES)
    for layer, first, second in zip(training.learned(SMALL["style_two"], loss), one, other, strict=True):
        assert torch.equal(layer, torch.cat([first, second]))
    for layer, expected in zip(training.learned(SMALL["style_other"], loss), other, strict=True):
        assert torch.equal(layer, expected)
    coarse = training.learned(SMALL["style_blocks_coarse"], loss)
    for layer, expected, fine in zip(coarse, style_of(loss, dynamic_style.STYLES[0], 2), one, strict=True):
        assert torch.equal(layer, expected)
        assert not torch.allclose(layer, fine, rtol=1e-3)


def test_a_card_says_what_was_painted_and_measured_on():
    source = dynamic_style.experiment_data(NETWORK, QUIET).source
    assert source.startswith(STAND_IN)
    assert "built-in paintings; features of vgg16 with fixed random filters; measured on the first 1 of" in source


# Training -----------------------------------------------------------------------------------------------------------------


@ALL
def test_the_first_step_costs_the_mean_objective_over_one_plus_lambda(config):
    config = replace(config, batch_size=4, steps=1, crops=0)
    _, loop = fit(config, seed=2)
    loss, model = small_loss(), dynamic_style.build(config, seed=2)
    paintings = [style_of(loss, name) for name in dynamic_style.STYLES]
    targets = training.learned(config, loss)
    batch = batches(config, tuple(photographs().values()), loss, targets, 2000)(0)._replace(styles=targets)
    reseed_torch(2000, 0)
    (pictures, code), lam = draw(config, model, batch)
    with torch.no_grad():
        if config.kind == "blocks":
            painted = DynamicNet(shaken("style_fixed_0"), {"tuned": model})(batch.photographs, alpha=1.0)
        else:
            painted = model(batch.photographs, lam if code is None else code)
        each = [painted_terms(loss, painted, batch.content, style) for style in paintings]
    content, style = each[0]["content"], torch.where(pictures.style == 0, each[0]["style"], each[1]["style"])
    (row,) = loop.history
    assert row["loss"] == pytest.approx(((content + lam * style) / (1 + lam)).mean().item(), rel=1e-4)
    assert row["content"] == pytest.approx(content.mean().item(), rel=1e-4)
    assert row["style"] == pytest.approx(style.mean().item(), rel=1e-4)


def test_blocks_leave_their_main_network_as_it_was():
    main = shaken("style_fixed_0").train()
    before, painted = {name: value.clone() for name, value in main.state_dict().items()}, main(some())
    blocks, _ = fit(BLOCKS, style_fixed_0=main)
    untrained = dynamic_style.build(BLOCKS)
    assert not torch.equal(blocks["up.1"].layers[0].weight, untrained["up.1"].layers[0].weight)
    assert all(torch.equal(value, before[name]) for name, value in main.state_dict().items())
    assert all(weight.requires_grad and weight.grad is None for weight in main.parameters())
    assert main.training
    assert torch.equal(main(some()), painted)
    assert not any(module._forward_hooks for module in main.modules())
    # Nothing of the main network is kept with the blocks.
    assert set(blocks.state_dict()) == set(untrained.state_dict())


@ALL
def test_fifteen_steps_lower_the_loss(config):
    _, loop = fit(replace(config, steps=15, batch_size=4, learning_rate=3e-3))
    losses = [row["loss"] for row in loop.history]
    assert np.isfinite(losses).all()
    assert np.mean(losses[-5:]) < 0.8 * np.mean(losses[:2])


def test_half_precision_takes_nearly_the_same_steps(monkeypatch):
    monkeypatch.setattr(training_config, "bfloat16_pays", lambda: True)  # any processor can, if slowly
    config = replace(NETWORK, learning_rate=1e-5, crops=0, steps=2)  # so that the runs do not part
    (model, half), (_, single) = fit(replace(config, half=True)), fit(config)
    for a, b in zip(half.history, single.history, strict=True):
        for name in ("style", "content"):
            assert a[name] == pytest.approx(b[name], rel=0.1)
            assert a[name] != b[name]
    assert {weight.dtype for weight in model.parameters()} == {torch.float32}


@pytest.mark.parametrize("name", ["style_fixed_6", "style_back_none"])
def test_the_papers_profile_runs_in_small(name, monkeypatch):
    """One step, one picture; the losses and their layers as in the public code, but their units."""
    monkeypatch.setattr(task, "units", lambda loss: dict.fromkeys((*loss.names, "content"), 1.0))
    config = dynamic_style.experiments("paper")[name]
    config = replace(config, width=4, side=32, batch_size=1, steps=1, pretrained=False)
    made = {config.main: dynamic_style.build(replace(config, kind="network", main=None))} if config.main else None
    _, loop = dynamic_style.fit(config, QUIET, made=made)
    assert loop.done
    assert all(np.isfinite(value) for row in loop.history for value in row.values())
