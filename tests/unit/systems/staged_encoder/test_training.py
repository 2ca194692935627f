"""The three stages: what is frozen, what is begun with, who learns; and a critic that judges."""

from dataclasses import replace

import pytest
import torch
from small_staged import SMALL, SMOKE, as_if_trained, same
from torch import nn

from lossconditioning.systems import staged_encoder as staged
from lossconditioning.systems.staged_encoder import data as data_module
from lossconditioning.systems.staged_encoder.training import Judging, begin_with

STAGE_2, STAGE_3 = SMALL["outlines_stage2"], SMALL["outlines"]


@pytest.fixture(scope="module")
def encoder():
    """A pre-trained encoder, by name."""
    return as_if_trained("encoder_outlines")


@pytest.fixture(scope="module")
def stage2(encoder):
    """A translator of stage 2, by name; trained."""
    return {STAGE_2.name: staged.fit(STAGE_2, SMOKE, made=encoder)[0]}


def gathered(config, made=None):
    data = staged.SYSTEM.data(config, SMOKE)
    return replace(data, made=made or {})


# Stage 1 ------------------------------------------------------------------------------------------------------------------


def test_stage_1_trains_the_encoder_alone_by_triplets():
    config = SMALL["encoder_outlines"]
    model, loop = staged.fit(config, SMOKE)
    before = dict(staged.build(config).named_parameters())
    moved = {name for name, value in model.named_parameters() if not torch.equal(value, before[name])}
    assert moved == {name for name in before if not name.startswith("log_variance")}
    assert {"triplet", "L2"} <= loop.history[-1].keys()
    assert "discriminator" not in loop.state


# Stage 2 ------------------------------------------------------------------------------------------------------------------


def test_stage_2_leaves_the_pretrained_encoder_as_it_is_bit_by_bit(encoder, stage2):
    model, first = stage2[STAGE_2.name], encoder["encoder_outlines"]
    assert same(model.encoder, first)
    untrained = staged.build(STAGE_2)
    for part in ("generator", "opponent"):
        named = dict(getattr(untrained, part).named_parameters())
        assert all(not torch.equal(v, named[k]) for k, v in getattr(model, part).named_parameters()), part
    assert all(weight.requires_grad for weight in model.parameters())


def test_stage_2_computes_no_gradient_for_the_encoder(encoder):
    model, data = staged.build(STAGE_2), gathered(STAGE_2, encoder)
    with staged.around(STAGE_2, model, data) as network:
        assert not any(weight.requires_grad for weight in model.encoder.parameters())
        batch, lam = staged.draw(STAGE_2, model, data.batches(0), 0.0)
        terms = staged.terms(network, batch, lam)
        sum(terms.values()).sum().backward()
    assert not terms["L2"].requires_grad
    assert all(weight.grad is None for weight in model.encoder.parameters())
    assert any(weight.grad.any() for weight in model.generator.parameters())
    (group,) = staged.optimise(STAGE_2, model)[0].param_groups
    assert {id(weight) for weight in group["params"]} == {id(weight) for weight in model.generator.parameters()}


def test_stage_2_computes_all_codes_once_and_they_are_the_encoders(encoder, monkeypatch):
    seen, original = [], staged.StyleEncoder.forward
    monkeypatch.setattr(
        staged.StyleEncoder, "forward", lambda self, pictures: seen.append(len(pictures)) or original(self, pictures)
    )
    staged.fit(replace(STAGE_2, steps=5), SMOKE, made=encoder)
    assert seen == [STAGE_2.count]  # and not once in a step
    data = gathered(STAGE_2, encoder)
    with staged.around(STAGE_2, staged.build(STAGE_2), data) as network, torch.no_grad():
        batch, _ = staged.draw(STAGE_2, network.model, data.batches(4), 0.0)
        made = network(*batch.inputs)
        torch.testing.assert_close(made.z, encoder["encoder_outlines"](batch.pictures).z)


# Stage 3 ------------------------------------------------------------------------------------------------------------------


def test_stage_3_goes_on_with_all_networks_of_stage_2(stage2):
    model, data = staged.build(STAGE_3), gathered(STAGE_3, stage2)
    first = stage2[STAGE_2.name]
    assert not same(data.discriminator, first.opponent)
    with staged.around(STAGE_3, model, data):
        assert same(model.generator, first.generator)
        assert same(model.encoder, first.encoder)
        assert same(data.discriminator, first.opponent)
        assert data.discriminator is not first.opponent  # which is somebody else's
        assert model.opponent is None


def test_stage_3_trains_the_encoder_at_a_tenth_of_the_rate(stage2):
    model = staged.build(STAGE_3)
    optimizer, _ = staged.optimise(STAGE_3, model)
    assert [group["lr"] for group in optimizer.param_groups] == pytest.approx(
        [STAGE_3.learning_rate, 0.1 * STAGE_3.learning_rate]
    )
    assert [sum(w.numel() for w in group["params"]) for group in optimizer.param_groups] == [
        sum(w.numel() for w in part.parameters()) for part in (model.generator, model.encoder)
    ]
    assert all(group["betas"] == (0.0, 0.99) for group in optimizer.param_groups)
    before = {name: value.clone() for name, value in stage2[STAGE_2.name].state_dict().items()}
    trained, _ = staged.fit(STAGE_3, SMOKE, made=stage2)
    learned = dict(trained.encoder.named_parameters())
    learned = {name: value for name, value in learned.items() if not name.startswith("log_variance")}
    assert all(not torch.equal(value, before[f"encoder.{name}"]) for name, value in learned.items())
    after = stage2[STAGE_2.name].state_dict()
    assert all(torch.equal(value, after[name]) for name, value in before.items())  # stage 2's own stay as they are


def test_stage_3_resumed_after_every_step_ends_bit_identical(stage2, tmp_path):
    config = replace(SMALL["outlines_ours_v1"], begins=STAGE_2.name)  # the row with most that is drawn and made
    straight, whole = staged.fit(config, SMOKE, made=stage2)
    hurried, stops = replace(SMOKE, minutes=1e-7), 0
    while True:
        model, loop = staged.fit(config, hurried, tmp_path, stage2)
        if loop.done:
            break
        stops += 1
    assert stops == config.steps - 1
    assert same(straight, model)
    assert same(whole.state["discriminator"], loop.state["discriminator"])
    assert whole.history[-1] == loop.history[-1]


def test_an_encoder_is_begun_with_alone(encoder):
    model, untrained = staged.build(STAGE_2), staged.build(STAGE_2)
    begin_with(model, encoder["encoder_outlines"], data_module.build_discriminator(STAGE_2))
    assert same(model.encoder, encoder["encoder_outlines"])
    assert same(model.generator, untrained.generator)


# A critic -----------------------------------------------------------------------------------------------------------------


def test_a_critic_is_shown_all_that_it_judges_and_leaves_them_alone():
    config = SMALL["valley_critic"]
    made = as_if_trained(*config.judged)
    before = {name: {key: v.clone() for key, v in model.state_dict().items()} for name, model in made.items()}
    critic, loop = staged.fit(config, SMOKE, made=made)
    untrained = dict(staged.build(config).named_parameters())
    assert all(not torch.equal(value, untrained[name]) for name, value in critic.named_parameters())
    assert "discriminator" in loop.history[-1]
    for name, model in made.items():
        assert all(torch.equal(value, before[name][key]) for key, value in model.state_dict().items())
        assert all(weight.requires_grad for weight in model.parameters())


def test_a_critics_loss_is_lsgans_of_real_pictures_and_of_made_ones():
    (made,) = as_if_trained("valley_stage2").values()
    critic = staged.build(SMALL["valley_critic"])
    batch = gathered(SMALL["valley_critic"]).batches(0)._replace(lam=torch.zeros(2))
    with torch.no_grad():
        found = Judging(critic, {"one": made})(batch)
        fake = torch.cat([made(batch.layouts[[i]], batch.pictures[[i]]) for i in range(2)])
        real, fake = critic(batch.layouts, batch.pictures), critic(batch.layouts, fake)
    torch.testing.assert_close(found, (real - 1).square().mean(1) + fake.square().mean(1))


def test_a_judged_generator_is_told_any_lambda_of_its_range():
    class Told(nn.Module):
        def __init__(self):
            super().__init__()
            self.prior, self.heard = SMALL["valley_told"].prior, []

        def forward(self, layouts, pictures, lam):
            self.heard.append(float(lam))
            return pictures

    told, low, high = Told(), *SMALL["valley_told"].lam
    batch = gathered(SMALL["valley_critic"]).batches(0)
    judging = Judging(staged.build(SMALL["valley_critic"]), {"told": told})
    for _ in range(20):
        judging(batch)
    assert low <= min(told.heard) < 2 * low < high / 2 < max(told.heard) <= high


def test_lambda_stands_in_the_batch_and_is_spread_over_the_range():
    config = replace(SMALL["valley_told"], batch_size=8)
    batch, lam = staged.draw(config, staged.build(config), gathered(config).batches(0), 0.0)
    assert batch.lam is lam
    low, high = config.lam
    eighths = ((lam / low).log() / torch.tensor(high / low).log() * 8).long()
    assert sorted(eighths.tolist()) == list(range(8))
