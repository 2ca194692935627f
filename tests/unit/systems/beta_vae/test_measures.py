"""How one of the β-VAEs is measured: its frontier, mixtures, samples, and what that costs."""

import math
from dataclasses import replace

import pytest
import torch
from small_vaes import DATA, LATENT, held_out, perturbed

from lossconditioning.systems import beta_vae
from lossconditioning.systems.beta_vae.measures import fixed_noise
from lossconditioning.training import Data

SMOKE = beta_vae.experiments("smoke")


@pytest.mark.parametrize("data", DATA)
def test_a_fixed_frontier_measures_every_member_at_its_own_beta(data):
    model, pictures = perturbed(f"{data}_fixed"), held_out(data)
    grid, noise = beta_vae.lam_grid(data, 3), fixed_noise(6, LATENT[data])
    found = beta_vae.frontier(model, pictures, grid)
    for m in range(3):
        alone = beta_vae.terms(model.member(m), (beta_vae.as_float(pictures), noise), None)
        for name in ("reconstruction", "kl"):
            assert found[name].dtype == torch.float64
            assert found[name].shape == (3,)
            assert found[name][m].item() == pytest.approx(alone[name].double().mean().item(), rel=1e-5)


@pytest.mark.parametrize("data", DATA)
def test_a_conditional_frontier_is_told_every_beta(data):
    model, pictures, noise = perturbed(f"{data}_yoto"), held_out(data), fixed_noise(6, LATENT[data])
    grid = beta_vae.lam_grid(data, 3)
    found = beta_vae.frontier(model, pictures, grid)
    for index, lam in enumerate(grid):
        its = beta_vae.terms(model, (beta_vae.as_float(pictures), noise), lam.expand(6))
        assert found["kl"][index].item() == pytest.approx(its["kl"].double().mean().item(), rel=1e-5)
    assert len(found["reconstruction"].unique()) == 3


@pytest.mark.parametrize("at_once", [1, 4, 6, 100])
@pytest.mark.parametrize("name", ["cifar10_fixed", "cifar10_yoto"])
def test_the_size_of_the_pieces_does_not_matter(at_once, name):
    model, pictures, grid = perturbed(name), held_out("cifar10"), beta_vae.lam_grid("cifar10", 3)
    low, *_, high = beta_vae.separate(perturbed("cifar10_fixed"))
    whole, pieces = (beta_vae.frontier(model, pictures, grid, **size) for size in ({}, {"at_once": at_once}))
    torch.testing.assert_close(pieces, whole, rtol=1e-5, atol=0)
    mixed = beta_vae.interpolation(low, high, pictures, torch.linspace(0, 1, 3))
    again = beta_vae.interpolation(low, high, pictures, torch.linspace(0, 1, 3), at_once)
    torch.testing.assert_close(again, mixed, rtol=1e-5, atol=0)


def test_the_noise_is_the_same_for_every_model_and_leaves_the_global_one_alone():
    torch.manual_seed(1)
    before = torch.get_rng_state()
    assert torch.equal(fixed_noise(7, 5), fixed_noise(7, 5))
    assert torch.equal(torch.get_rng_state(), before)
    assert fixed_noise(2000, 5).std() == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("name", ["shapes3d_fixed", "cifar10_yoto"])
def test_a_card_holds_the_frontier_and_gives_it_back(name, trained):
    config, model, pictures = SMOKE[name], perturbed(name), held_out(SMOKE[name].data)
    values = beta_vae.frontier(model, pictures, config.grid)
    metrics = beta_vae.measure(config, model, Data("", lambda step: None, pictures))
    assert list(metrics) == [*(f"reconstruction_{i}" for i in range(3)), *(f"kl_{i}" for i in range(3)), "mean_loss"]
    assert metrics["mean_loss"] == pytest.approx(float(beta_vae.full_loss(values, config.grid).mean()))
    card = replace(beta_vae.recorded(trained)[name], metrics=metrics)
    torch.testing.assert_close(beta_vae.recorded_frontier(card), values)


@pytest.mark.parametrize("data", DATA)
def test_a_mixture_with_all_of_one_model_is_that_model(data):
    model = perturbed(f"{data}_fixed")
    members, grid = beta_vae.separate(model), beta_vae.lam_grid(data, 3)
    fixed = beta_vae.frontier(model, held_out(data), grid)
    mixed = beta_vae.interpolation(members[0], members[-1], held_out(data), torch.tensor([0.0, 0.5, 1.0]))
    for name in ("reconstruction", "kl"):
        assert mixed[name].shape == (3,)
        torch.testing.assert_close(mixed[name][[0, 2]], fixed[name][[0, 2]], rtol=1e-5, atol=1e-4)
        assert not torch.isclose(mixed[name][1], fixed[name][1], rtol=1e-6)


@pytest.mark.parametrize("data", DATA)
def test_samples_change_with_beta_only_where_networks_do(data):
    grid = beta_vae.lam_grid(data, 3)
    members = beta_vae.separate(perturbed(f"{data}_fixed"))
    assert beta_vae.sample_change([members[0]] * 3, grid, count=8) == 0
    assert 0 < beta_vae.sample_change([perturbed(f"{data}_yoto")] * 3, grid, count=8) < math.inf
    assert beta_vae.sample_change(members, grid, count=8) > 0.5


# Costs --------------------------------------------------------------------------------------------------------------------


def test_multiply_adds_are_those_counted_by_hand():
    sizes = [(32, 3, 8), (16, 8, 16), (8, 16, 32), (4, 32, 64)]
    convolutions = 2 * sum(side**2 * before * after * 9 for side, before, after in sizes)
    linear = 1024 * 256 + 256 * 20 + 10 * 256 + 256 * 1024
    by_hand = 3 * (convolutions + linear) - 32**2 * 3 * 8 * 9  # pictures need no gradient
    config = beta_vae.Config("x", data="shapes3d", kind="fixed", batch_size=2, lams=4)
    assert beta_vae.multiply_adds(config) == pytest.approx(2 * 4 * by_hand, rel=0.05)


@pytest.mark.parametrize("data", DATA)
def test_multiply_adds_grow_with_rows_and_conditioning_costs_little(data):
    fixed = beta_vae.multiply_adds(beta_vae.Config("x", data=data, kind="fixed", batch_size=1, lams=1))
    count = {n: beta_vae.multiply_adds(beta_vae.Config("x", data=data, batch_size=1, draws=n)) for n in (1, 3)}
    assert count[3] == 3 * count[1]
    assert fixed < count[1] < 1.3 * fixed
    assert beta_vae.multiply_adds(beta_vae.Config("x", data=data, batch_size=1, width=1.5)) > 1.8 * count[1]


def test_the_cost_table_is_relative_to_its_first_row(trained):
    cards = {name: beta_vae.recorded(trained)[f"cifar10_{name}"] for name in ("fixed", "yoto")}
    table = beta_vae.cost_table(
        {name: replace(card, seconds=60.0 * n) for n, (name, card) in enumerate(cards.items(), 1)}
    )
    assert list(table.index) == ["fixed", "yoto"]
    assert table["work, relative"].iloc[0] == table["time, relative"].iloc[0] == 1
    assert table["time, relative"].iloc[1] == 2
    assert table["minutes"].tolist() == [1, 2]
    work = [beta_vae.multiply_adds(SMOKE[f"cifar10_{name}"]) for name in cards]
    assert table["work, relative"].iloc[1] == pytest.approx(work[1] / work[0], abs=0.006)
    assert table["steps"].tolist() == [3, 3]
