"""The β-VAE's panels and figures show what they say."""

import io

import numpy as np
import pytest
import torch
from PIL import Image
from small_vaes import held_out, perturbed

from lossconditioning.datasets import shapes3d
from lossconditioning.datasets.shapes3d import FACTORS, index_of
from lossconditioning.display import to_bytes
from lossconditioning.systems import beta_vae
from lossconditioning.systems.beta_vae.figures import dominated, frontiers
from lossconditioning.systems.beta_vae.measures import fixed_noise
from lossconditioning.systems.beta_vae.panel import START, _row, _stage


@pytest.fixture(scope="module")
def stage():
    model = perturbed("shapes3d_yoto")
    curve = beta_vae.frontier(model, held_out("shapes3d", 2), beta_vae.lam_grid("shapes3d", 3))
    return beta_vae.play(model, curve), model


def test_the_panel_follows_beta_and_every_factor(stage):
    panel, _ = stage
    first = panel.set(lam=4.0, **START)
    assert Image.open(io.BytesIO(first)).size[0] > 500
    assert panel.set(lam=400.0) != first
    assert panel.set(lam=4.0) == first
    for name, count in FACTORS.items():
        assert panel.set(**{name: (START[name] + 2) % count}) != first
        assert panel.set(**{name: START[name]}) == first


def enlarged(picture, times):
    """A picture ``(3, S, S)`` whose pixels are squares of ``times`` pixels: (H, W, 3), 0 to 255."""
    return to_bytes(picture).repeat(times, axis=0).repeat(times, axis=1).astype(float)


def frame_of(encoded):
    return np.asarray(Image.open(io.BytesIO(encoded)).convert("RGB"), dtype=float)


def test_pictures_are_enlarged_a_whole_number_of_times(stage):
    panel, model = stage
    shown = frame_of(panel.set(lam=4.0, **START))
    picture = beta_vae.as_float(shapes3d()[index_of(torch.tensor([list(START.values())]))])
    assert list(START) == list(FACTORS)
    assert np.abs(shown[26:282, 8:264] - enlarged(picture[0], 4)).max() < 40  # a JPEG
    with torch.no_grad():
        samples = beta_vae.pixel_mean(model.decode(fixed_noise(5, 10), torch.full((5,), 4.0)))
    high, wide = shown.shape[:2]
    assert (high, wide) == (8 + 192 + 26 + 192 + 2 * 26 + 256 + 26, 8 + 984 + 8)
    for index, sample in enumerate(samples):
        tile = shown[334:526, 8 + 198 * index : 8 + 198 * index + 192]
        assert np.abs(tile - enlarged(sample, 3)).mean() < 3


def test_every_frame_of_the_film_strip_says_beta():
    curve = {"reconstruction": torch.tensor([0.0, 4.0]), "kl": torch.tensor([3.0, 1.0])}
    live, _, _, title = _stage(curve, 64)
    assert title in live.moving
    blank = live.frame()
    title.set_text("reconstruction, β = 4")
    assert live.frame() != blank


def test_a_row_of_pictures_has_white_between_them():
    row = _row(torch.zeros(3, 3, 4, 4))
    assert row.shape == (4, 16, 3)
    assert row[:, [4, 5, 10, 11]].min() == 255
    assert row[:, [3, 6, 9, 12, 15]].max() == 0


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
    panel.set(photograph="b")
    assert np.abs(frame_of(panel.image)[26:314, 8:296] - enlarged(photographs["b"], 9)).mean() < 10  # noise, as a JPEG
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
    assert right.lines[1].get_ydata().tolist() == pytest.approx([1, 1.5, 2.5])


def test_every_seed_is_compared_with_the_separate_networks_of_the_same_seed():
    """So the single network, which is one of them, lies at zero where it is that one."""
    grid = torch.tensor([1.0, 2.0, 4.0])
    fixed = [
        {"reconstruction": torch.tensor([0.0, 4.0, 12.0]) + shift, "kl": torch.tensor([10.0, 7.0, 3.0])}
        for shift in (0.0, torch.tensor([5.0, 1.0, 0.0]))
    ]
    single = [{name: term[1].expand(3) for name, term in values.items()} for values in fixed]
    curves = {"separate": ("fixed", fixed), "single": ("baseline", single)}
    _, right = frontiers(curves, grid, "made up").axes
    assert right.lines[1].get_ydata()[1] == 0


def test_the_shaded_area_is_the_hypervolume():
    curves = {
        "good": {"reconstruction": torch.tensor([0.0, 1.0, 4.0]), "kl": torch.tensor([9.0, 3.0, 0.0])},
        "poor": {"reconstruction": torch.tensor([2.0, 3.0, 4.0]), "kl": torch.tensor([8.0, 7.0, 1.0])},
        "hidden": {"reconstruction": torch.tensor([0.5, 4.0]), "kl": torch.tensor([5.0, 2.0])},
    }
    made = dominated(curves, {"good": "conditional", "poor": "fixed"})
    for axis, name in zip(made.axes, ("good", "poor"), strict=True):
        assert axis.get_title(loc="left") == name
        x, y = axis.collections[0].get_paths()[0].vertices.T
        area = abs(np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1))) / 2
        width, height = (abs(np.subtract(*limits)) for limits in (axis.get_xlim(), axis.get_ylim()))
        assert area / (width * height) == pytest.approx(beta_vae.hypervolumes(curves)[name], abs=1e-5)
