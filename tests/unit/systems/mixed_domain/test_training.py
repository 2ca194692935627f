"""SGN's training: opponents learn by turns under one S, batches depend on seed and step alone, a critic judges all."""

from dataclasses import replace

import pytest
import torch
from small_mixed import SMALL, SYM, as_if_trained, some

from lossconditioning.systems import mixed_domain as mixed
from lossconditioning.systems.mixed_domain.training import Judging
from lossconditioning.training import Run

SMOKE = Run(profile="smoke", progress=False)


def same_tensors(one, other):
    return all(torch.equal(value, other[name]) for name, value in one.items())


@pytest.mark.parametrize("name", ["sym", "model_3", "separate_bc", "central_biasing"])
def test_the_network_and_its_opponents_learn_and_the_pool_fills(name):
    config = SMALL[name]
    model, loop = mixed.fit(config, SMOKE)
    untrained = dict(mixed.build(config).named_parameters())
    moved = {key for key, value in model.named_parameters() if not torch.equal(value, untrained[key])}
    conditioners = {key for key in untrained if key.startswith("conditioners.")}
    assert moved >= untrained.keys() - conditioners
    assert bool(moved & conditioners) == bool(conditioners)
    opponents, before = loop.state["discriminator"], mixed.build_opponents(config)
    for (key, value), (_, other) in zip(opponents.named_parameters(), before.named_parameters(), strict=True):
        assert not torch.equal(value, other), key
    assert all(parameter.requires_grad for parameter in opponents.parameters())
    assert loop.state["pool"].count == config.pool
    noted = loop.history[-1]
    assert set(mixed.term_names(config)) < noted.keys()
    assert len([key for key in noted if key.startswith("discriminator_")]) == len(config.learned_against)


def test_a_network_without_an_adversarial_loss_has_no_opponent():
    _, loop = mixed.fit(SMALL["separate_ac"], SMOKE)
    assert "discriminator" not in loop.state
    assert loop.history[-1]["adversarial"] == 0


def test_what_s_enters_by_learns_at_a_rate_of_its_own():
    config = replace(SYM, steps=2, learning_rate=1e-3, conditioner_rate=3.0, schedule="constant")
    _, loop = mixed.fit(config, SMOKE)
    optimizers = [loop.state[f"{name}_optimizer"].param_groups for name in ("model", "discriminator")]
    assert [[group["lr"] for group in groups] for groups in optimizers] == [pytest.approx([1e-3, 3e-3]), [1e-3]]
    model = mixed.build(config)
    groups = mixed.optimise(config, model)[0].param_groups
    counted = [sum(parameter.numel() for parameter in group["params"]) for group in groups]
    assert counted == [sum(p.numel() for p in part.parameters()) for part in (model.network, model.conditioners)]


def test_the_loss_is_the_terms_weighted_by_s():
    model = mixed.build(SYM)
    data = mixed.experiment_data(SYM, SMOKE)
    torch.manual_seed(5)
    batch, lam = mixed.draw(SYM, model, data.batches(0), 0.0)
    assert batch.lam is lam
    torch.testing.assert_close(lam.sum(1), torch.ones(2))
    assert not torch.equal(lam[0], lam[1])  # drawn for every example
    values = mixed.terms(model, batch, lam)
    weighed = mixed.weigh(SYM, values, lam)
    torch.testing.assert_close(weighed, sum(lam[:, k] * value for k, value in enumerate(values.values())))


@pytest.mark.parametrize("crops", [0, 4])
def test_batches_depend_on_seed_and_step_alone(crops):
    config = replace(SYM, crops=crops)
    one, other = (mixed.experiment_data(config, SMOKE).batches for _ in range(2))
    other(7)
    for part, again in zip(one(3)[:3], other(3)[:3], strict=True):
        assert torch.equal(
            torch.stack(part) if isinstance(part, tuple) else part,
            torch.stack(again) if isinstance(again, tuple) else again,
        )
    assert not torch.equal(one(3).photographs, one(4).photographs)
    assert not torch.equal(
        one(3).photographs, mixed.experiment_data(config, replace(SMOKE, seed=1)).batches(3).photographs
    )


def test_fixed_squares_have_the_targets_that_new_ones_would_have():
    batch = mixed.experiment_data(SYM, SMOKE).batches(2)
    expected = batch.costs.loss.content_targets(batch.photographs)
    torch.testing.assert_close(batch.content, expected.bfloat16().float(), rtol=1e-2, atol=1e-3)


def test_a_critic_is_shown_all_networks_and_leaves_them_alone():
    names = ("sym", "separate_b")
    made = as_if_trained(*names)
    before = {name: {key: value.clone() for key, value in model.state_dict().items()} for name, model in made.items()}
    config = replace(SMALL["critic"], judged=names)
    critic, _ = mixed.fit(config, SMOKE, made=made)
    untrained = mixed.build(config).state_dict()
    assert all(not torch.equal(value, untrained[name]) for name, value in critic.state_dict().items())
    for name, model in made.items():
        assert same_tensors(model.state_dict(), before[name])
        assert all(parameter.requires_grad for parameter in model.parameters())


def test_a_critics_loss_is_lsgans_on_real_pictures_and_on_what_networks_make():
    made = as_if_trained("separate_b")
    critic = mixed.PatchDiscriminator(2)
    photographs, real = some(2), some(2, seed=1)
    lam = torch.tensor([[0.0, 1.0, 0.0]] * 2)
    with torch.no_grad():
        loss = Judging(critic, made)(photographs, real, lam)
        fake = torch.cat([made["separate_b"](picture[None]) for picture in photographs])
        expected = ((critic(real) - 1).square().mean((1, 2, 3)) + critic(fake).square().mean((1, 2, 3))) / 2
    torch.testing.assert_close(loss, expected)


def test_a_card_of_a_second_seed_is_judged_by_the_critic():
    names = ("sym", "critic")
    made = as_if_trained(*names)
    data = mixed.experiment_data(SMALL["sym_again"], SMOKE)
    data = type(data)(**{**vars(data), "made": {"critic": made["critic"]}})
    found = mixed.measure(SMALL["sym_again"], made["sym"], data)
    for lam in mixed.TABLE_3:
        at = mixed.letters(lam)
        losses = (found[f"{name}_{at}"] for name in ("reconstruction", "adversarial", "perceptual"))
        assert found[f"objective_{at}"] == pytest.approx(sum(w * v for w, v in zip(lam, losses, strict=True)))
    plain = mixed.measure(SYM, made["sym"], mixed.experiment_data(SYM, SMOKE))
    assert "objective_a" not in plain  # whose own opponent is not published
    assert plain["reconstruction_a"] == pytest.approx(found["reconstruction_a"])
