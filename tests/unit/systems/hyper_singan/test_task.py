"""The losses, each against its equation."""

from dataclasses import replace

import pytest
import torch
from small_hyper import SMALL, linear_critic, some, told
from torch import nn

from lossconditioning.systems.hyper_singan.models import Discriminator, Own
from lossconditioning.systems.hyper_singan.task import (
    Batch,
    Made,
    discriminator_terms,
    gradient_penalty,
    squared,
    terms,
    weigh,
)

ROWS = ([1.0, 2.0, 2.0], [0.0, 0.6, 0.8])
"""Weights of linear critics whose slopes are 3 and 1."""


class Told(nn.Module):
    """A critic whose weights are those of `ROWS`, whatever it is shown; linear."""

    def __init__(self, *rows):
        super().__init__()
        self.critic, self.given = linear_critic(), told(*rows)
        self.given = {name: value.requires_grad_() for name, value in self.given.items()}

    def weights(self, images):
        return self.given

    def forward(self, pictures, weights):
        return self.critic(pictures, weights)


class Written(Told):
    """Its weights are made of parameters, as a hypernetwork's are."""

    def weights(self, images):
        return {name: value * 1 for name, value in self.given.items()}


def batch(critic, scales=1):
    sizes = [(12, 16), (20, 27), (33, 44)][:scales]
    reals = tuple(some(2, size, seed=number + 10) for number, size in enumerate(sizes))
    return Batch(some(2, (32, 32)), reals, scales - 1, critic)


def by_hand(pictures, rows=ROWS):
    """d of each picture: the mean over places of Σ w_c u_c."""
    return [
        float((torch.tensor(row)[:, None, None] * picture).sum(0).mean())
        for row, picture in zip(rows, pictures, strict=True)
    ]


def test_a_batch_says_what_the_network_is_called_with():
    given = batch(None, 2)
    assert given.inputs == (given.images, given.reals, 1)


def test_adversarial_losses_are_equation_13_by_hand():
    given = batch(Told(*ROWS))
    made = Made(some(2, seed=5), [some(2, seed=6)])
    generators, discriminators = terms(lambda *_: made, given), discriminator_terms(SMALL["dataset"], given, made)
    fake, real = by_hand(made.fake), by_hand(given.reals[-1])
    assert generators["adversarial"].tolist() == pytest.approx([-score for score in fake], rel=1e-5)
    assert discriminators["critic"].tolist() == pytest.approx(
        [one - other for one, other in zip(fake, real, strict=True)], rel=1e-5
    )


def test_one_discriminator_for_all_is_equation_3():
    network = nn.Conv2d(3, 1, 1, bias=False)
    critic = Discriminator(network, Own(network))
    given, made = batch(critic), Made(some(2, seed=5), [some(2, seed=6)])
    fake, real = (
        by_hand(pictures, [network.weight.flatten().tolist()] * 2) for pictures in (made.fake, given.reals[0])
    )
    found = discriminator_terms(SMALL["shared"], given, made)["critic"]
    assert found.tolist() == pytest.approx([one - other for one, other in zip(fake, real, strict=True)], rel=1e-4)


def test_reconstruction_is_the_mean_over_scales_of_equation_15():
    given = batch(Told(*ROWS), 3)
    ours = [some(2, tuple(real.shape[-2:]), seed=number) for number, real in enumerate(given.reals)]
    found = terms(lambda *_: Made(some(2, (33, 44)), ours), given)["reconstruction"]
    expected = [
        sum(float((a[n] - b[n]).square().mean()) for a, b in zip(ours, given.reals, strict=True)) / 3 for n in range(2)
    ]
    assert found.tolist() == pytest.approx(expected, rel=1e-5)
    alone = terms(lambda *_: Made(some(2, (33, 44)), ours[-1:]), given)["reconstruction"]  # at the present scale
    assert torch.equal(alone, squared(ours[-1], given.reals[-1]))


def test_lambda_2_weighs_reconstruction_in_equation_12():
    given = {"adversarial": torch.tensor([1.0, -2.0]), "reconstruction": torch.tensor([0.5, 0.25])}
    found = weigh(SMALL["dataset"], given, torch.tensor([50.0, 10.0]))
    assert found.tolist() == [26.0, 0.5]


# The gradient penalty -----------------------------------------------------------------------------------------------------


def test_the_penalty_of_a_linear_critic_is_exact_and_each_pictures_own():
    real, fake = some(2, seed=1), some(2, seed=2)
    critic, weights = linear_critic(), told(*ROWS)
    assert gradient_penalty(critic, weights, real, fake, "between").tolist() == pytest.approx([4, 0], abs=1e-5)
    assert gradient_penalty(critic, weights, real, fake, "real").tolist() == pytest.approx([9, 1], abs=1e-5)


def test_it_is_weighed_by_lambda_1():
    given, made = batch(Told(*ROWS)), Made(some(2, seed=5), [some(2, seed=6)])
    for penalised, expected in (("between", [4, 0]), ("real", [9, 1])):
        config = replace(SMALL["dataset"], penalised=penalised, penalty=0.1)
        found = discriminator_terms(config, given, made)["penalty"]
        assert found.tolist() == pytest.approx([0.1 * value for value in expected], abs=1e-6)


def test_its_gradient_reaches_the_critics_weights():
    weights = {name: value.requires_grad_() for name, value in told(*ROWS).items()}
    given = some(2, seed=1), some(2, seed=2)
    # d/dw of (|w| − 1)² is 2 (|w| − 1) w / |w|, and of |w|² it is 2 w.
    for penalised, of_first in (("between", [4 / 3, 8 / 3, 8 / 3]), ("real", [2, 4, 4])):
        loss = gradient_penalty(linear_critic(), weights, *given, penalised)
        (found,) = torch.autograd.grad(loss[0], weights["weight"])
        assert found[0].flatten().tolist() == pytest.approx(of_first, rel=1e-5)
        assert not found[1].any()


class Bowl(nn.Module):
    """d(u) = Σ w u² at each place: its slope says where it was taken."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1))

    def forward(self, pictures):
        return self.weight * pictures.square().sum(1, keepdim=True)


def test_slopes_are_taken_at_real_pictures_or_between_them_and_painted_ones():
    critic, weights = Discriminator(Bowl(), Own(Bowl())), {"weight": torch.ones(1, 1)}
    real, fake = torch.full((64, 3, 4, 4), 1.0), torch.full((64, 3, 4, 4), 3.0)
    at_real = gradient_penalty(critic, weights, real, fake, "real")
    assert at_real.tolist() == pytest.approx([12] * 64)  # |2u|² of three colours
    torch.manual_seed(0)
    length = (
        gradient_penalty(critic, weights, real, fake, "between").detach().sqrt() + 1
    )  # |2u|, and |u| is √3 times u's colours
    shares = (length / (2 * 3**0.5) - 1) / 2
    assert 0 <= float(shares.min()) < 0.1
    assert 0.9 < float(shares.max()) <= 1
    assert len({round(share, 6) for share in shares.tolist()}) == 64  # another place for each picture


def test_a_slope_of_zero_has_a_finite_gradient():
    weights = {"weight": torch.zeros(1, 1, 3, 1, 1, requires_grad=True)}
    for penalised in ("between", "real"):
        loss = gradient_penalty(linear_critic(), weights, some(2), some(2, seed=1), penalised)
        (found,) = torch.autograd.grad(loss.sum(), weights["weight"])
        assert found.isfinite().all()


# Whom losses reach --------------------------------------------------------------------------------------------------------


def test_the_discriminators_losses_do_not_reach_what_was_painted():
    fake = some(2, seed=5).requires_grad_()
    critic = Told(*ROWS)
    sum(discriminator_terms(SMALL["dataset"], batch(critic), Made(fake, [])).values()).sum().backward()
    assert fake.grad is None
    assert critic.given["weight"].grad.any()


def test_the_generators_losses_do_not_reach_what_writes_the_discriminators_weights():
    fake, critic = some(2, seed=5).requires_grad_(), Written(*ROWS)
    terms(lambda *_: Made(fake, [some(2)]), batch(critic))["adversarial"].sum().backward()
    assert critic.given["weight"].grad is None
    expected = -critic.given["weight"].detach()[:, 0] / (12 * 16)  # the slope of −mean d
    torch.testing.assert_close(fake.grad, expected.expand_as(fake))
