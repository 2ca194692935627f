"""The three losses, S among them, and what a discriminator is told: against the paper's formulas written out."""

from dataclasses import replace

import pytest
import torch
from small_mixed import SMALL, SYM, Painted, some

from lossconditioning.losses import PerceptualFeatures, PerceptualLoss
from lossconditioning.systems import mixed_domain as mixed
from lossconditioning.systems.mixed_domain import task
from lossconditioning.systems.mixed_domain.data import costs_for
from lossconditioning.training import Run
from lossconditioning.training.replay import ReplayPool

SMOKE = Run(profile="smoke", progress=False)
LAM = torch.tensor([[0.5, 0.3, 0.2], [0.0, 0.0, 1.0]])


@pytest.fixture(scope="module")
def batch():
    found = mixed.experiment_data(SYM, SMOKE).batches(0)
    return found._replace(lam=LAM)


def test_reconstruction_adversarial_and_identity_are_the_papers(batch):
    painted, same = some(2, seed=1), some(2, seed=2)
    model = Painted(torch.cat([painted, same]))
    with torch.no_grad():
        found = mixed.terms(model, batch)
    assert list(found) == ["reconstruction", "adversarial", "perceptual"]
    (real,) = batch.real
    patches = next(iter(batch.discriminator))(painted).detach()
    for row in range(2):
        signed = [2 * pictures[row] - 1 for pictures in (painted, batch.photographs, same, real)]  # colours in [−1, 1]
        l1 = (signed[0] - signed[1]).abs().mean(), (signed[2] - signed[3]).abs().mean()
        assert float(found["reconstruction"][row]) == pytest.approx(float(2 * l1[0]), rel=1e-5)
        expected = (patches[row] - 1).square().mean() + 5 * l1[1]
        assert float(found["adversarial"][row]) == pytest.approx(float(expected), rel=1e-5)
    pictures, lam = model.inputs
    assert torch.equal(pictures, torch.cat([batch.photographs, real]))
    assert torch.equal(lam, torch.cat([LAM, LAM]))  # the real picture stays under the same S
    assert torch.equal(mixed.weigh(SYM, found, LAM)[1], found["perceptual"][1])


def test_raw_perceptual_losses_have_the_papers_weights():
    layers = ("relu1_1", "relu1_2", "relu2_1", "relu2_2")
    loss = PerceptualLoss(PerceptualFeatures(layers, "vgg16", "random"), "relu2_2")
    painted, photographs, painting = some(2), some(2, seed=1), some(1, seed=2)
    styles = loss.style_targets(painting)
    found = mixed.Costs(replace(SYM, units="raw", style=200.0, content=1e-3), loss, styles).perceptual(
        painted, loss.content_targets(photographs)
    )
    parts = loss(painted, loss.content_targets(photographs), [style.expand(2, -1, -1) for style in styles])
    torch.testing.assert_close(found["content"], 1e-3 * parts["content"])
    style = sum(200 * weight * parts[f"style_{i + 1}"] for i, weight in enumerate((0.1, 1, 10, 5)))
    torch.testing.assert_close(found["style"], style)


def test_other_features_are_weighted_by_what_an_unpainted_photograph_pays():
    costs = costs_for(replace(SYM, style=200.0, content=1e-3), SMOKE)  # A.2's, of Model 1
    unit = task.units(costs.loss)
    paid = sum(costs.weights[f"style_{i}"] * unit[f"style_{i}"] for i in (1, 2, 3, 4))
    assert paid == pytest.approx(0.23)
    assert costs.weights["content"] * unit["content"] == pytest.approx(0.02)
    half = mixed.Costs(replace(SYM, style=100.0), costs.loss, costs.styles)
    assert half.weights["style_2"] == pytest.approx(costs.weights["style_2"] / 2)


def test_terms_are_named_by_their_loss_and_by_their_domain_where_two_have_the_same():
    assert mixed.term_names(SYM) == ("reconstruction", "adversarial", "perceptual")
    assert mixed.term_names(SMALL["model_3"]) == ("reconstruction", "adversarial_winter", "adversarial_monet")


def test_what_never_has_a_weight_is_not_computed():
    config = SMALL["separate_a"]
    data = mixed.experiment_data(config, SMOKE)
    assert data.discriminator is None
    assert data.pool is None
    batch = data.batches(0)._replace(lam=torch.tensor([[1.0, 0.0, 0.0]] * 2))
    assert batch.costs.loss is None
    assert not batch.real
    found = mixed.terms(Painted(some()), batch)
    assert found["adversarial"].tolist() == found["perceptual"].tolist() == [0, 0]
    assert (found["reconstruction"] > 0).all()


def test_an_examples_discriminator_loss_is_weighted_by_its_own_s(batch):
    made = torch.cat([some(2, seed=1), some(2, seed=2)])
    told = mixed.discriminator_terms(SYM, batch._replace(pool=None), made)
    (opponent,), (real,) = batch.discriminator, batch.real
    of_real, of_fake = opponent(real), opponent(made[:2])
    loss = ((of_real - 1).square().mean((1, 2, 3)) + of_fake.square().mean((1, 2, 3))) / 2
    torch.testing.assert_close(told["discriminator_monet"], LAM[:, 1] * loss)
    assert told["discriminator_monet"][1] == 0  # S has no adversarial part there


def test_earlier_pictures_are_weighted_by_the_s_they_were_made_under(batch):
    earlier = some(2, seed=3)
    pool = ReplayPool(2)
    pool(earlier, torch.tensor([[0.0, 1.0, 0.0], [0.0, 0.5, 0.5]]), 0)
    told = []
    for step in range(1, 8):
        shown = batch._replace(pool=pool, step=step)
        told += mixed.discriminator_terms(SYM, shown, some(2, seed=9))["discriminator_monet"].tolist()
    # The second example's S has no adversarial part: what it pays is for an earlier picture with one.
    assert any(value > 0 for value in told[1::2])


def test_one_hot_networks_learn_adversarial_losses_alone():
    config = SMALL["one_hot"]
    batch = mixed.experiment_data(config, SMOKE).batches(0)
    assert len(batch.real) == len(list(batch.discriminator)) == 3
    model = mixed.build(config)
    batch, lam = mixed.draw(config, model, batch, 0.0)
    assert (lam.sort(1).values == torch.tensor([0.0, 0.0, 1.0])).all()
    painted = Painted(some())
    found = mixed.terms(painted, batch)
    assert list(found) == [f"adversarial_{domain}" for domain in config.domains]
    assert len(painted.inputs[0]) == 2  # real pictures are not translated
