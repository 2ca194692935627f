"""What a step makes: what is frozen, how loud the noise is, and whom a loss reaches."""

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from small_hyper import GRID, SAME, SMALL, SMOKE, batch_of, fit, of_gains, shaken, some

from lossconditioning.systems.hyper_singan.data import experiment_data
from lossconditioning.systems.hyper_singan.pyramid import pyramid
from lossconditioning.systems.hyper_singan.recipes import build
from lossconditioning.systems.hyper_singan.task import discriminator_terms, terms, weigh
from lossconditioning.systems.hyper_singan.training import Making, around, draw, optimise

CONFIG = replace(SMALL["batch_4"], average=0.0)


def making(scale, config=CONFIG):
    """A generator that learns a scale, what makes its pictures, and a batch."""
    model = shaken(build(config))
    batch = batch_of(config, some(2, config.sizes[-1]), scale)
    model.enter(scale)
    return model, Making(model, config), batch


def reached(module):
    """Names of the parameters that have a gradient other than 0."""
    return {name for name, weight in module.named_parameters() if weight.grad is not None and weight.grad.any()}


# What a step makes --------------------------------------------------------------------------------------------------------


def test_a_step_draws_lambda_and_enters_the_batchs_scale():
    model, _, batch = making(0)
    given, lam = draw(CONFIG, model, batch._replace(scale=1), 0.5)
    assert given.scale == int(model.scale) == 1
    assert torch.equal(lam, torch.full((2,), CONFIG.reconstruction))


def test_reconstructions_are_made_at_all_scales_so_far():
    for scale in (0, 1):
        model, step, batch = making(scale)
        made = step(*batch.inputs)
        expected = model.reconstruct(model.weights(model.code(batch.images), scale + 1), 2)
        assert len(made.reconstructions) == scale + 1
        for found, each in zip(made.reconstructions, expected, strict=True):
            torch.testing.assert_close(found, each)
        assert made.fake.shape == batch.reals[-1].shape


def test_the_noises_amplitude_is_the_root_mean_square_error_of_the_scale_below():
    model = of_gains(0.5, -0.2, 0.3)
    step, errors = Making(model, CONFIG), []
    for seed in (1, 2):
        reals = pyramid(some(2, GRID[1], seed), GRID[:2])
        below = F.interpolate(0.5 * model.anchor, GRID[1], mode="bilinear")
        errors.append(float((below - reals[1]).square().mean().sqrt()))
        torch.manual_seed(seed)
        fake = step(some(2, (32, 32)), reals, 1).fake
        torch.manual_seed(seed)
        noise = [torch.randn(real.shape) for real in reals]
        lower = F.interpolate(0.5 * noise[0], GRID[1], mode="bilinear")
        torch.testing.assert_close(fake, lower - 0.2 * (lower + errors[-1] * noise[1]))  # that of this batch
    # What is kept for later is a running average, which begins with the first.
    kept = 0.98 * errors[0] + 0.02 * errors[1]
    assert model.amplitudes.tolist() == pytest.approx([1, kept, 1], rel=1e-5)


def test_at_the_coarsest_scale_noise_is_standard_normal():
    model, step, batch = making(0)
    torch.manual_seed(3)
    fake = step(*batch.inputs).fake
    torch.manual_seed(3)
    noise = torch.randn(batch.reals[0].shape)
    torch.testing.assert_close(fake, model.at(model.weights(model.code(batch.images))[0], None, noise))
    assert model.amplitudes.tolist() == [1, 1]


# Whom losses reach --------------------------------------------------------------------------------------------------------


def test_earlier_projections_are_frozen_and_the_embedding_is_not():
    model, step, batch = making(1)
    made = step(*batch.inputs)
    made.reconstructions[0].square().sum().backward()  # of the scale below
    assert reached(model) == {f"embedding.{name}" for name, _ in model.embedding.named_parameters()}
    model.zero_grad()
    made = step(*batch.inputs)
    for part in (made.reconstructions[1], made.fake):
        part.square().sum().backward(retain_graph=True)
        names = reached(model)
        model.zero_grad()
        assert any(name.startswith("writers.1.") for name in names)
        assert any(name.startswith("embedding.") for name in names)
        assert not any(name.startswith("writers.0.") for name in names)


def embedding_gradient(model, pictures):
    """Of the sum of squares, in the embedding's last layer."""
    (found,) = torch.autograd.grad(pictures.square().sum(), model.embedding.layers[-1].weight)
    return found


def test_what_is_not_accumulated_stops_at_the_scale_below():
    found = {}
    for accumulated in (True, False):
        config = replace(CONFIG, accumulated=accumulated)
        model, step, batch = making(1, config)
        made = step(*batch.inputs)
        assert len(made.reconstructions) == (2 if accumulated else 1)
        found[accumulated] = embedding_gradient(model, made.reconstructions[-1])
        weights = model.weights(model.code(batch.images))
        below = model.reconstruct(weights[:1], 2)[0]
        zeros = torch.zeros_like(batch.reals[1])
        last = model.at(weights[1], below if accumulated else below.detach(), zeros)
        torch.testing.assert_close(found[accumulated], embedding_gradient(model, last), rtol=1e-3, atol=1e-4)
    assert not torch.allclose(found[True], found[False], rtol=0.01)


def test_what_is_painted_of_noise_stops_at_the_scale_below_too():
    model, step, batch = making(1)
    torch.manual_seed(3)
    fake = step(*batch.inputs).fake
    torch.manual_seed(3)
    noise = [torch.randn(real.shape) for real in batch.reals]
    found = embedding_gradient(model, fake)
    for stops in (True, False):
        weights = model.weights(model.code(batch.images))
        lower = model.generate(weights[:1], noise[:1])[0]
        painted = model.at(weights[1], lower.detach() if stops else lower, model.amplitudes[1] * noise[1])
        assert torch.allclose(found, embedding_gradient(model, painted), rtol=1e-3, atol=1e-3) == stops


def one_step(config, scale=0):
    """Gradients of a step at a scale, as names: discriminator's losses', and those of the generator."""
    model, data = shaken(build(config)), experiment_data(config, SMOKE)
    critic = shaken(data.discriminator)
    with around(config, model, data) as step:
        batch, lam = draw(config, model, data.batches(scale * config.steps_per_scale), 0.0)
        made = step(*batch.inputs)
        sum(discriminator_terms(config, batch, made).values()).sum().backward()
        told = reached(model), reached(critic)
        model.zero_grad()
        critic.zero_grad()
        critic.requires_grad_(False)
        weigh(config, terms(lambda *_: made, batch, lam), lam).sum().backward()
        critic.requires_grad_(True)
    return told, (reached(model), reached(critic)), model, critic


@pytest.mark.parametrize("kind", ["hyper", "shared", "same embedding"])
def test_each_loss_reaches_its_own_network(kind):
    (of_model, of_critic), (generators, critics), model, critic = one_step(replace(CONFIG, discriminator=kind))
    embedding = {f"embedding.{name}" for name, _ in model.embedding.named_parameters()}
    assert of_model == (embedding if kind == "same embedding" else set())
    # A last bias moves both means alike.
    assert of_critic >= {name for name, _ in critic.named_parameters() if "4_bias" not in name}
    assert critics == set()
    assert embedding < generators
    assert {name.split(".")[1] for name in generators - embedding} == {"0"}


def test_a_singan_learns_its_own_weights():
    config = SMALL["singan_0"]
    (of_model, _), (generators, _), _, _ = one_step(config, scale=1)
    assert of_model == set()
    assert {name.split(".")[1] for name in generators} == {"1"}


def test_a_borrowed_embedding_is_trained_by_both_and_saved_once():
    model, data = build(SAME), experiment_data(SAME, SMOKE)
    with around(SAME, model, data):
        assert data.discriminator.borrowed is model.embedding
        own = {id(weight) for weight in model.embedding.parameters()}
        for network in (model, data.discriminator):
            (group,) = optimise(SAME, network)[0].param_groups
            assert own <= {id(weight) for weight in group["params"]}
            assert len(group["params"]) == len({id(weight) for weight in group["params"]})
    _, loop = fit(SAME)
    critic = loop.state["discriminator"].state_dict()
    assert all(name.startswith(("writer.", "network.")) for name in critic)
    assert not any("embedding" in name for name in critic)
    moments = loop.state["discriminator_optimizer"].state_dict()["state"]
    assert len(moments) == len(own) + sum(1 for _ in loop.state["discriminator"].parameters())
