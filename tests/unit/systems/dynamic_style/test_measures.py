"""What networks and blocks cost on held-out photographs, as it stands on their cards."""

import numpy as np
import pytest
import torch
from small_dynamic import BLOCKS, NETWORK, SIDE, SMALL, shaken, small_loss

from lossconditioning.conditioning import DynamicNet
from lossconditioning.painting import held_out_photographs, squares
from lossconditioning.systems import dynamic_style
from lossconditioning.systems.dynamic_style import Measure, measure, measures, painted_terms
from lossconditioning.systems.dynamic_style.task import style_of
from lossconditioning.training import Data


@pytest.fixture(scope="module")
def pictures():
    return squares(held_out_photographs(None, 2).pictures.values(), SIDE)


@pytest.fixture(scope="module")
def main():
    return shaken("style_fixed_0")


@pytest.fixture(scope="module")
def data(main):
    """Two photographs to measure on."""
    held_out = Measure.of(small_loss(), held_out_photographs(None, 2).pictures.values(), SIDE)
    return Data("", lambda step: None, held_out, {"style_fixed_0": main})


@torch.no_grad()
def terms(painted, pictures, name=dynamic_style.STYLES[0]):
    loss = small_loss()
    return painted_terms(loss, painted, loss.content_targets(pictures), style_of(loss, name))


def expected(painted, pictures, lam, **changes):
    values = {name: float(term.mean()) for name, term in terms(painted, pictures, **changes).items()}
    return pytest.approx({**values, "cost": values["content"] + lam * values["style"]}, rel=1e-4)


def test_a_cards_numbers_are_means_over_the_held_out_photographs(main, data, pictures):
    assert measure(NETWORK, main, data) == expected(main(pictures), pictures, 0.8)
    blocks = shaken("style_blocks")
    with DynamicNet(main, {"tuned": blocks}) as tuned:
        at_one = tuned(pictures, alpha=1.0)
    assert measure(BLOCKS, blocks, data) == expected(at_one, pictures, 40.0)
    assert not any(module._forward_hooks for module in main.modules())


def test_a_conditional_network_costs_the_mean_over_all_fixed_networks_lambda(data, pictures):
    model, costs = shaken("style_conditional"), []
    for lam in dynamic_style.lam_grid():
        values = terms(model(pictures, torch.tensor([lam, lam])), pictures)
        costs.append(float((values["content"] + lam * values["style"]).mean()))
    found = measure(SMALL["style_conditional"], model, data)
    assert [found[f"cost_{i}"] for i in range(7)] == pytest.approx(costs, rel=1e-4)
    assert found["cost"] == pytest.approx(np.mean(costs), rel=1e-4)


def test_a_network_of_two_styles_is_measured_in_both(data, pictures):
    model, each = shaken("style_two"), []
    for code, name in zip(torch.eye(2), dynamic_style.STYLES, strict=True):
        each.append(terms(model(pictures, code.expand(2, 2)), pictures, name))
    found = measure(SMALL["style_two"], model, data)
    for term in ("content", "style"):
        assert found[term] == pytest.approx(float(sum(values[term].mean() for values in each)) / 2, rel=1e-4)
    assert found["cost"] == pytest.approx(found["content"] + 40 * found["style"], rel=1e-5)


def test_chunks_do_not_matter(main, data, monkeypatch):
    held_out = data.held_out
    style = held_out.style()
    whole = held_out.means(main, style)
    monkeypatch.setattr(measures, "CHUNK", 1)
    assert held_out.means(main, style) == pytest.approx(whole, rel=1e-4)
    assert held_out.means(held_out.paint(main), style) == pytest.approx(whole, rel=1e-4)
