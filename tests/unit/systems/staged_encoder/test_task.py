"""Every loss against its formula written out, and which of them are on in each row of Table 4."""

import math
from dataclasses import replace

import pytest
import torch
from small_staged import SMALL, InColour, MeanColour, flat, some

from lossconditioning.losses import PerceptualFeatures
from lossconditioning.systems import staged_encoder as staged
from lossconditioning.systems.staged_encoder.recipes import build_discriminator
from lossconditioning.systems.staged_encoder.task import Costs, Made, Pair, Triplet, kl
from lossconditioning.systems.staged_encoder.training import Making

LAYERS = ("relu1_2", "relu2_2", "relu3_2")
LAM = torch.tensor([0.5, 2.0])
OF_COLUMN = {"cyc_recon": "cycle", "z_recon": "latent", "z_L2": "L2", "z_KL": "KL"}
"""Column of Table 4 → the term it turns on."""


def config_of(variant, **changes):
    begins = "encoder_outlines" if staged.VARIANTS[variant].pretrained else None
    return replace(SMALL["outlines_bicycle_v1"], variant=variant, begins=begins, layers=LAYERS, **changes)


@pytest.fixture(scope="module")
def features():
    return PerceptualFeatures(LAYERS, "vgg19", "random")


@pytest.fixture(scope="module")
def batch_of(features):
    """Variant → a batch of noise."""

    def made(variant):
        config, pictures = config_of(variant), some(2, seed=1)
        costs = Costs(config, features)
        torch.manual_seed(0)
        opponent = build_discriminator(config)
        return Pair(some(), pictures, torch.arange(2), costs.targets(pictures), LAM, costs, opponent)

    return made


@pytest.fixture(scope="module")
def made():
    """What a translator may have made of a batch."""
    draw = torch.Generator().manual_seed(3)
    z, log_variance, style, read = torch.randn(4, 2, 8, generator=draw)
    return Made(some(2, seed=2), z, log_variance, some(2, seed=4), style, read, some(2, seed=5))


def found(batch, made):
    with torch.no_grad():
        return staged.terms(lambda *inputs: made, batch)


def test_stage_1_is_equation_1_by_hand():
    colours = torch.tensor([[0.5, 0.5, 0.5]]), torch.tensor([[0.5, 0.5, 0.1]]), torch.tensor([[0.2, 0.5, 0.5]])
    with torch.no_grad():
        terms = staged.terms(MeanColour(), Triplet(*(flat(each) for each in colours), margin=0.1))
    assert float(terms["triplet"]) == pytest.approx(0.4**2 - 0.3**2 + 0.1, abs=1e-5)
    assert float(terms["L2"]) == pytest.approx((0.75 + 0.51 + 0.54) / 3, abs=1e-5)
    weighed = staged.weigh(SMALL["encoder_outlines"], terms, torch.ones(1))
    assert float(weighed) == pytest.approx(0.17 + 0.01 * 0.6, abs=1e-5)


def perceptual(features, made, pictures):
    """Σ wᵢ · mean |Fᵢ(made) − Fᵢ(pictures)|, picture by picture."""
    rows = []
    for one, other in zip(made, pictures, strict=True):
        ours, theirs = features(one[None]), features(other[None])
        rows.append(
            sum(2.0 ** -(6 - i) * float((ours[f"relu{i}_2"] - theirs[f"relu{i}_2"]).abs().mean()) for i in (1, 2, 3))
        )
    return rows


def test_reconstructions_are_perceptual_with_the_papers_weights(batch_of, features, made):
    batch = batch_of("bicycle_v2")
    terms = found(batch, made)
    assert terms["reconstruction"].tolist() == pytest.approx(
        perceptual(features, made.direct, batch.pictures), rel=1e-4
    )
    assert terms["cycle"].tolist() == pytest.approx(perceptual(features, made.cycle, batch.pictures), rel=1e-4)
    same = found(batch, made._replace(direct=batch.pictures))
    assert same["reconstruction"].tolist() == pytest.approx([0, 0], abs=1e-6)


def distance(scores, target):
    return (scores - target).square().mean(1)


def test_adversarial_losses_are_lsgans_of_direct_and_of_random_pictures(batch_of, made):
    for variant, random in (("bicycle_v1", True), ("ours_v3", False)):
        batch = batch_of(variant)
        with torch.no_grad():
            real = batch.discriminator(batch.layouts, batch.pictures)
            direct, other = (batch.discriminator(batch.layouts, each) for each in (made.direct, made.random))
            told = staged.discriminator_terms(batch.costs.config, batch, made)
        expected = distance(direct, 1) + (distance(other, 1) if random else 0)
        torch.testing.assert_close(found(batch, made)["adversarial"], expected)
        assert set(told) == {"discriminator_direct"} | ({"discriminator_random"} if random else set())
        torch.testing.assert_close(told["discriminator_direct"], distance(real, 1) + distance(direct, 0))
        if random:
            torch.testing.assert_close(told["discriminator_random"], distance(real, 1) + distance(other, 0))


def test_a_discriminators_losses_give_the_network_no_gradient(batch_of, made):
    batch = batch_of("bicycle_v1")
    direct, random = (each.clone().requires_grad_() for each in (made.direct, made.random))
    told = staged.discriminator_terms(batch.costs.config, batch, made._replace(direct=direct, random=random))
    sum(told.values()).sum().backward()
    assert direct.grad is random.grad is None
    assert all(weight.grad.any() for weight in batch.discriminator.parameters())


def test_losses_of_codes_by_hand(batch_of, made):
    terms = found(batch_of("bicycle_v1"), made)
    torch.testing.assert_close(terms["latent"], (made.read - made.style).abs().mean(1))
    for row in range(2):
        expected = sum(
            (m * m + math.exp(v) - v - 1) / 2
            for m, v in zip(made.z[row].tolist(), made.log_variance[row].tolist(), strict=True)
        )
        assert float(terms["KL"][row]) == pytest.approx(expected, rel=1e-5)
    assert found(batch_of("ours_v3"), made)["L2"].tolist() == pytest.approx(
        [sum(z * z for z in row) for row in made.z.tolist()]
    )


def test_kl_is_0_at_the_standard_normal_and_the_known_integral_elsewhere():
    assert kl(torch.zeros(2, 8), torch.zeros(2, 8)).tolist() == [0, 0]
    mean, log_variance = torch.tensor([[0.7, -0.2]]), torch.tensor([[0.3, -1.0]])
    of, to = torch.distributions.Normal(mean, (0.5 * log_variance).exp()), torch.distributions.Normal(0, 1)
    torch.testing.assert_close(kl(mean, log_variance), torch.distributions.kl_divergence(of, to).sum(1))


@pytest.mark.parametrize("variant", staged.VARIANTS)
def test_terms_are_those_of_the_variants_row(variant, batch_of):
    row, batch = staged.VARIANTS[variant], batch_of(variant)
    with torch.no_grad():
        making = Making(staged.Translator(MeanColour(), InColour()), batch.costs.config)
        shown = making(*batch.inputs)
        terms = found(batch, shown)
        told = staged.discriminator_terms(batch.costs.config, batch, shown)
    expected = {term for column, term in OF_COLUMN.items() if getattr(row, column)}
    assert set(terms) == {"reconstruction", "adversarial", *expected}
    assert all(value.shape == (2,) for value in (*terms.values(), *told.values()))
    assert ("discriminator_random" in told) == row.D_rand_z
    assert (shown.random is not None) == row.D_rand_z


def test_lambda_weighs_both_reconstructions_and_the_configuration_the_rest():
    config = config_of("bicycle_v2", gan=3.0, L2=5.0, KL=7.0, latent=11.0)
    names = ("reconstruction", "cycle", "adversarial", "latent", "KL", "L2", "discriminator")
    for name, weight in zip(names, (LAM, LAM, 3, 11, 7, 5, 1), strict=True):
        terms = {name: torch.tensor([1.0, 10.0])}
        torch.testing.assert_close(staged.weigh(config, terms, LAM), torch.tensor([1.0, 10.0]) * weight)
    terms = {name: torch.ones(2) for name in names}
    torch.testing.assert_close(staged.weigh(config, terms, LAM), 2 * LAM + 27)


def test_a_critics_batch_has_its_loss_alone(batch_of):
    batch = batch_of("bicycle_v1")._replace(discriminator=None)
    assert list(staged.terms(lambda given: given.lam, batch)) == ["discriminator"]
