"""A shared embedding under gradient descent: what it goes by, where it stands still, and what biases do to the propositions."""

import copy
import math
from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from small_hyper import SMALL, SMOKE, same, shaken

from lossconditioning import ReaderError
from lossconditioning.systems.hyper_singan import collapse
from lossconditioning.systems.hyper_singan.data import experiment_data
from lossconditioning.systems.hyper_singan.recipes import build
from lossconditioning.systems.hyper_singan.task import gradient_penalty

CONFIG = replace(SMALL["batch_4"], normalised=False)
SHARED = replace(CONFIG, discriminator="same embedding")
RATE, PENALTY = 0.03, 5.0


def double(config):
    """An experiment's data in double precision, so that rounding is small beside everything else."""
    data = experiment_data(config, SMOKE)
    batch = data.batches(0)
    batch = batch._replace(images=batch.images.double(), reals=tuple(real.double() for real in batch.reals))
    return replace(data, batches=lambda step: batch, discriminator=data.discriminator.double())


@pytest.fixture
def watched(monkeypatch):
    """(config, data, steps, change of the networks) → those as they were before each step, and as they are in the end."""

    def descend(config, data, steps=1, change=lambda model, critic: None, **options):
        states, networks, losses = [], [], collapse._losses

        def spy(model, batch, penalty):
            if not states:
                change(model, batch.discriminator)
                networks.extend((model, batch.discriminator))
            states.append(copy.deepcopy((model, batch.discriminator)))
            return losses(model, batch, penalty)

        with monkeypatch.context() as patch:
            patch.setattr(collapse, "build", lambda *given: build(*given).double())
            patch.setattr(collapse, "_losses", spy)
            collapse.descend(config, data, steps, **{"rate": RATE, "penalty": PENALTY, **options})
        return [*states, tuple(networks)]

    return descend


def moved(embedding, after):
    return [b - a for a, b in zip(embedding.parameters(), after.parameters(), strict=True)]


def of_penalty(critic, batch):
    """Gradient of λ₁ L_lip in the parameters of the embedding that a discriminator reads."""
    embedding, real = critic.borrowed or critic.embedding, batch.reals[0]
    loss = gradient_penalty(critic, critic.weights(batch.images), real, real, "real").mean()
    return torch.autograd.grad(PENALTY * loss, list(embedding.parameters()))


def largest(tensors):
    return max(float(tensor.detach().abs().max()) for tensor in tensors)


# Proposition 3: what a shared embedding goes by ---------------------------------------------------------------------------


def test_a_shared_embedding_goes_by_the_penalty_alone(watched):
    data = double(SHARED)
    for (model, critic), (after, _) in pairwise(watched(SHARED, data, 3)):
        assert critic.borrowed is model.embedding
        slopes = of_penalty(critic, data.batches(0))
        assert largest(slopes) > 1e-6
        for step, slope in zip(moved(model.embedding, after.embedding), slopes, strict=True):
            torch.testing.assert_close(step, -RATE * slope, rtol=1e-9, atol=1e-15)


def test_without_a_penalty_a_shared_embedding_stays_where_it_is(watched):
    (before, _), *_, (after, critic) = watched(SHARED, double(SHARED), 3, penalty=0.0)
    assert largest(moved(before.embedding, after.embedding)) < 1e-14
    assert largest(moved(before.writers[0], after.writers[0])) > 1e-6
    assert critic.borrowed is after.embedding


def test_two_embeddings_go_by_the_adversarial_loss_too(watched):
    data = double(CONFIG)
    (model, critic), (after, critic_after) = watched(CONFIG, data)
    assert critic.borrowed is None
    assert largest(moved(model.embedding, after.embedding)) > 1e-6  # the penalty says nothing about the generator's
    slopes = of_penalty(critic, data.batches(0))
    steps = moved(critic.embedding, critic_after.embedding)
    beside = [step + RATE * slope for step, slope in zip(steps, slopes, strict=True)]
    assert largest(beside) > 0.1 * largest(steps)


def test_both_networks_descend_at_once_each_its_own_loss(watched):
    data = double(CONFIG)
    (model, critic), (after, critic_after) = watched(CONFIG, data)
    batch = data.batches(0)._replace(discriminator=critic)
    collapse.reseed_torch(0, 0)
    (ours, theirs), _ = collapse._losses(model, batch, PENALTY)
    penalty = gradient_penalty(critic, critic.weights(batch.images), batch.reals[0], batch.reals[0], "real").mean()
    torch.testing.assert_close(ours + theirs, PENALTY * penalty)  # what one minimises, the other maximises
    for before, later, loss in ((model, after, ours), (critic, critic_after, theirs)):
        parameters = [p for p in before.parameters() if p.requires_grad]
        slopes = torch.autograd.grad(loss, parameters, retain_graph=True)
        ends = [p for p, b in zip(later.parameters(), before.parameters(), strict=True) if b.requires_grad]
        for start, end, slope in zip(parameters, ends, slopes, strict=True):
            torch.testing.assert_close(end, start - RATE * slope, rtol=1e-9, atol=1e-15)


# Propositions 3 and 4: where nothing moves --------------------------------------------------------------------------------


def silent(embedding):
    """Its last layer puts out 0, whatever the picture."""
    for weight in embedding.layers[-1].parameters():
        torch.nn.init.zeros_(weight)


def all_zero(embedding):
    for weight in embedding.parameters():
        torch.nn.init.zeros_(weight)


def kept(states):
    (model, critic), *_, (after, critic_after) = states
    return same(model, after), same(critic, critic_after)


@pytest.mark.parametrize("heads", ["full", "low-rank"])
@pytest.mark.parametrize("quiet", [silent, all_zero])
def test_at_an_embedding_of_0_nothing_moves(watched, heads, quiet):
    config = replace(SHARED, heads=heads)
    states = watched(config, double(config), 3, lambda model, critic: quiet(model.embedding))
    assert kept(states) == (True, True)


def biased(model, critic):
    """Heads whose biases are not 0, as those of trained ones."""
    silent(model.embedding)
    for network in (*model.writers, critic.writer):
        shaken(torch.nn.ParameterList([network.heads.linear.bias]))


def test_biases_of_the_heads_are_what_the_propositions_do_not_have(watched):
    """At a code of 0 they are the weights, and no longer 0: the discriminator has something to say, and all goes on."""
    assert kept(watched(SHARED, double(SHARED), 1, biased)) == (False, False)
    chunked = replace(SHARED, heads="chunked")  # of these a code of 0 leaves the chunks' own embeddings
    assert kept(watched(chunked, double(chunked), 1, lambda model, critic: silent(model.embedding))) == (False, False)


def test_with_two_embeddings_one_of_0_is_no_place_to_stay(watched):
    states = watched(CONFIG, double(CONFIG), 1, lambda model, critic: silent(model.embedding))
    assert kept(states) == (False, False)


# What is noted ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("config", [CONFIG, SHARED])
def test_the_same_seed_gives_the_same_history_also_with_the_same_data(config):
    data = experiment_data(config, SMOKE)
    kept = copy.deepcopy(data.discriminator)
    first, again, other = (collapse.descend(config, data, 3, seed=seed) for seed in (0, 0, 1))
    assert first == again
    assert first != other
    assert same(kept, data.discriminator)
    assert data.discriminator.borrowed is None
    assert len(first) == 3
    assert all(step.keys() == {"norm", "scores", "apart"} for step in first)
    assert all(math.isfinite(value) and value > 0 for step in first for value in step.values())


def test_the_first_of_a_history_by_hand():
    data = experiment_data(SHARED, SMOKE)
    (found,) = collapse.descend(SHARED, data, 1)
    model, critic, batch = build(SHARED, 0), data.discriminator, data.batches(0)
    critic.borrow(model.embedding)
    with torch.no_grad():
        code = model.code(batch.images)
        weights = model.weights(code, 1)[0]
        scores = critic(batch.reals[0], critic.weights(batch.images))
    flat = torch.cat([value.flatten(1) for value in weights.values()], 1)
    apart = (flat - flat.roll(1, 0)).square().mean().sqrt()
    expected = {"norm": float(code.square().mean().sqrt()), "scores": float(scores.abs().mean()), "apart": float(apart)}
    assert found == pytest.approx(expected, rel=1e-5)


def test_scores_fade_with_one_embedding_and_grow_with_two():
    """With biases in the heads they do not become 0, but little is left of them."""
    found = {}
    for config in (CONFIG, SHARED):
        history = collapse.descend(config, experiment_data(config, SMOKE), 15, rate=0.05, penalty=10.0)
        found[config.discriminator] = history[-1]["scores"] / history[0]["scores"]
    assert found["same embedding"] < 0.35 < 1.2 < found["hyper"]


def test_what_the_propositions_are_not_about_is_said():
    for name in ("shared", "singan_0"):
        config = SMALL[name]
        with pytest.raises(ReaderError, match="discriminator='hyper' or 'same embedding'; got 'shared'"):
            collapse.descend(config, experiment_data(config, SMOKE), 1)
    data = experiment_data(CONFIG, SMOKE)
    for wrong, said in (
        ({"steps": 0}, "steps must be"),
        ({"steps": 1, "rate": 0.0}, "rate is a positive number"),
        ({"steps": 1, "penalty": -1.0}, "penalty is 0 or more; got -1.0"),
    ):
        with pytest.raises(ReaderError, match=said):
            collapse.descend(CONFIG, data, **wrong)
