"""How good reconstructions are: PSNR, the object's shape, and of which network."""

import math

import pytest
import torch
from small_vaes import held_out, perturbed
from torch import nn

from lossconditioning.datasets import shapes3d
from lossconditioning.datasets.shapes3d import factors_of, index_of
from lossconditioning.systems import beta_vae
from lossconditioning.systems.beta_vae.data import Pictures, as_float
from lossconditioning.systems.beta_vae.quality import never_trained_on, quality

SMOKE = beta_vae.pictures("shapes3d", few=True)


class Copies(nn.Module):
    """Stands for a network that reconstructs every picture, changed by a function of (pictures in [0, 1], β)."""

    def __init__(self, change=lambda pictures, lam: pictures):
        super().__init__()
        self.change = change

    def encode(self, pictures, lam):
        return self.change(pictures, lam[0]), None

    def decode(self, latent, lam):
        return latent.logit(eps=1e-6)  # of Bernoulli pixels


@pytest.mark.parametrize("data", ["shapes3d", "cifar10"])
def test_pictures_are_shown_by_the_play_network_where_there_is_one(data):
    comparison = [f"{data}_yoto", f"{data}_fixed", f"{data}_twice_steps"]
    assert beta_vae.network_for_pictures(data, comparison) == f"{data}_yoto"
    assert beta_vae.network_for_pictures(data, [*comparison, f"{data}_play"]) == f"{data}_play"
    other = {"shapes3d": "cifar10", "cifar10": "shapes3d"}[data]
    assert beta_vae.network_for_pictures(data, [*comparison, f"{other}_play"]) == f"{data}_yoto"


@pytest.mark.parametrize("at_once", [1, 4, 250])
@pytest.mark.parametrize("data", ["shapes3d", "cifar10"])
def test_a_reconstruction_is_the_mean_pixel_for_the_mean_latent_vector(data, at_once):
    model, pictures = perturbed(f"{data}_yoto"), held_out(data)
    told = torch.full((len(pictures),), 8.0)
    with torch.no_grad():
        expected = beta_vae.pixel_mean(model.decode(model.encode(as_float(pictures), told)[0], told))
    torch.testing.assert_close(beta_vae.reconstructed(model, pictures, 8.0, at_once), expected)


def test_psnr_is_what_one_gets_by_hand():
    pictures = torch.full((2, 3, 8, 8), 102, dtype=torch.uint8)  # 0.4
    off = Copies(lambda x, lam: x + torch.tensor([0.1, 0.01])[:, None, None, None])
    assert beta_vae.psnr(off, pictures, 1.0) == pytest.approx((20 + 40) / 2, rel=1e-3)
    assert beta_vae.psnr(Copies(lambda x, lam: x + 0.1 * lam), pictures) == pytest.approx(
        -20 * math.log10(0.05), rel=1e-3
    )


# Shape --------------------------------------------------------------------------------------------------------------------


def test_numbers_that_are_never_trained_on_are_not_among_the_training_pictures():
    numbers = never_trained_on(SMOKE, 300)
    assert len(numbers.unique()) == 300
    assert not torch.isin(numbers, SMOKE.training).any()
    assert factors_of(numbers)[:, 4].bincount().min() > 40  # every shape is among them


def test_a_faithful_reconstruction_has_the_true_shape_and_a_wrong_one_has_not():
    numbers, world = never_trained_on(SMOKE, 12), shapes3d()
    assert beta_vae.shape_accuracy(Copies(), numbers, world.__getitem__, 0.5) == 1

    factors = factors_of(numbers)
    factors[:9, 4] = (factors[:9, 4] + 1) % 4
    wrong = as_float(world[index_of(factors)])  # of nine of the twelve
    assert beta_vae.shape_accuracy(Copies(lambda x, lam: wrong), numbers, world.__getitem__, 0.5) == 0.25


def test_the_network_is_told_the_beta_that_is_judged():
    numbers, world = never_trained_on(SMOKE, 8), shapes3d()
    average = Copies(lambda x, lam: x if lam < 8 else x.mean(0, keepdim=True).expand_as(x))
    assert beta_vae.shape_accuracy(average, numbers, world.__getitem__, 0.5) == 1
    assert beta_vae.shape_accuracy(average, numbers, world.__getitem__, 8.0) < 1
    found = quality("shapes3d", average, SMOKE)
    assert found["shape_accuracy"] == 1 > found["shape_accuracy_8"]
    assert list(found) == ["psnr", "shape_accuracy", "shape_accuracy_8"]


def test_photographs_have_no_shape_to_look_for():
    found = quality("cifar10", perturbed("cifar10_yoto"), Pictures("", held_out("cifar10"), None, None))
    assert list(found) == ["psnr"]
