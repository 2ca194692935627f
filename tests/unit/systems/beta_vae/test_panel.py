"""The β-VAE's panels and figures show what they say."""

import io

import pytest
import torch
from PIL import Image
from small_vaes import held_out, perturbed

from lossconditioning.datasets import shapes3d
from lossconditioning.datasets.shapes3d import FACTORS, index_of
from lossconditioning.systems import beta_vae
from lossconditioning.systems.beta_vae.figures import frontiers
from lossconditioning.systems.beta_vae.panel import START


@pytest.fixture(scope="module")
def stage():
    model = perturbed("shapes3d_yoto")
    curve = beta_vae.frontier(model, held_out("shapes3d", 2), beta_vae.lam_grid("shapes3d", 3))
    return beta_vae.play(model, curve, curve), model


def test_the_panel_follows_beta_and_every_factor(stage):
    panel, _ = stage
    first = panel.set(lam=4.0, **START)
    assert Image.open(io.BytesIO(first)).size[0] > 500
    assert panel.set(lam=400.0) != first
    assert panel.set(lam=4.0) == first
    for name, count in FACTORS.items():
        assert panel.set(**{name: (START[name] + 2) % count}) != first
        assert panel.set(**{name: START[name]}) == first


@pytest.mark.parametrize("lam", [0.5, 4.0, 2048.0])
def test_the_panels_numbers_are_those_of_the_picture_on_show(lam, stage):
    panel, model = stage
    factors = {**START, "floor_hue": 2, "shape": 1}
    panel.set(lam=lam, **factors)
    shown = panel.readouts
    with torch.no_grad():
        picture = shapes3d()[index_of(torch.tensor([[factors[name] for name in FACTORS]]))]
        values = beta_vae.terms(model, (beta_vae.as_float(picture), torch.zeros(1, 10)), torch.tensor([lam]))
    rate, distortion = float(values["kl"]), float(values["reconstruction"])
    assert shown["rate, KL in nats"] == pytest.approx(rate, rel=1e-4)
    assert shown["distortion, −log p(x|z) in nats"] == pytest.approx(distortion, rel=1e-4)
    assert shown["objective"] == pytest.approx(distortion + lam * rate, rel=1e-4)


def test_the_panel_says_where_beta_was_not_trained(stage):
    panel, _ = stage
    for lam in (0.3, 3000.0):
        panel.set(lam=lam)
        assert "weight of the rate β lies outside the trained range [0.5, 2048]" in panel._text.value
    for lam in (0.5, 2048.0):
        panel.set(lam=lam)
        assert "outside" not in panel._text.value


def test_a_photograph_is_shown_with_its_own_numbers():
    model, photographs = perturbed("cifar10_yoto"), {"a": torch.rand(3, 32, 40), "b": torch.rand(3, 32, 32)}
    panel = beta_vae.play_photograph(model, photographs)
    first = panel.set(lam=1.0, photograph="a")
    assert panel.set(lam=300.0) != first
    assert panel.set(lam=1.0, photograph="b") != first
    with torch.no_grad():
        values = beta_vae.terms(model, (photographs["b"][None], torch.zeros(1, 64)), torch.tensor([1.0]))
        std = beta_vae.pixel_parameters(
            model.decode(model.encode(photographs["b"][None], torch.ones(1))[0], torch.ones(1))
        )
    assert panel.readouts["rate, KL in nats"] == pytest.approx(float(values["kl"]), rel=1e-4)
    assert panel.readouts["distortion, −log p(x|z) in nats"] == pytest.approx(float(values["reconstruction"]), rel=1e-4)
    assert panel.readouts["mean standard deviation"] == pytest.approx(float(std[1].mean()) / 2, rel=1e-4)


def test_a_figure_shows_every_curve():
    values = {"reconstruction": torch.tensor([0.0, 4.0, 12.0]), "kl": torch.tensor([10.0, 7.0, 3.0])}
    later = {name: term + 0.5 for name, term in values.items()}
    curves = {"separate": ("fixed", [values, later]), "one network": ("conditional", [later])}
    left, right = frontiers(curves, torch.tensor([1.0, 2.0, 4.0]), "made up").axes
    assert [text.get_text() for text in left.get_legend().get_texts()] == ["separate", "one network"]
    assert right.lines[0].get_ydata().tolist() == pytest.approx([0, 0, 0])
    assert right.lines[1].get_ydata().tolist() == pytest.approx([0.5, 0.75, 1.25])
