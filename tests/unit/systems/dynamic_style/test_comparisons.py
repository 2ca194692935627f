"""How turned networks are compared: Figures 3, 4, 5 and 8 of "Dynamic-Net", where the answer is known."""

import math

import pytest
import torch
from small_dynamic import QUIET, SMALL
from torch import nn

from lossconditioning.conditioning import TuningBlocks
from lossconditioning.evaluation.alphas import ALPHAS, WIDE
from lossconditioning.systems import dynamic_style
from lossconditioning.systems.dynamic_style import BACK, comparisons, evaluation, grain
from lossconditioning.training import Trained

LAMS = dynamic_style.lam_grid()
# The weights that conditional networks are told, both ends included, are those they were trained with.
pytestmark = pytest.mark.filterwarnings("error::lossconditioning.WeightWarning")


def stripes(wavelength, side=48):
    """Vertical stripes of one wavelength: ``(1, 3, S, S)``, mean 0."""
    across = torch.sin(2 * math.pi * (torch.arange(side) + 0.5) / wavelength)
    return across.expand(1, 3, side, side).clone()


# A world of flat colours: networks whose pictures, and so whose losses, are known -----------------------------------------


class Flat(nn.Module):
    """Paints every photograph in one grey; told a code, in the grey of that code."""

    def __init__(self, grey, texture=None):
        super().__init__()
        self.grey = nn.Parameter(torch.tensor(float(grey)))
        self.texture = texture
        self.surface = nn.Identity()

    def forward(self, photographs, code=None):
        level = self.grey if code is None else self.told(code)[:, None, None, None]
        return self.surface(torch.zeros_like(photographs) + level + (0 if self.texture is None else self.texture))

    @staticmethod
    def told(code):
        return code[:, 1] if code.dim() == 2 else (code / LAMS[0]).log() / math.log(50)


class Adds(nn.Module):
    def __init__(self, change):
        super().__init__()
        self.change = change

    def forward(self, features):
        return torch.zeros_like(features) + self.change


def adding(change):
    """Tuning blocks that add the same to whatever was painted."""
    blocks = TuningBlocks({"surface": 3})
    blocks.blocks["surface"] = Adds(change)
    return blocks


class Known:
    """In place of a `Measure`: photographs are black, a style is a grey, losses are squared distances of mean greys."""

    photographs = torch.zeros(2, 3, 48, 48)

    def style(self, name=dynamic_style.STYLES[0], zoom=1):
        return (torch.tensor({dynamic_style.STYLES[0]: 1.0, dynamic_style.STYLES[1]: -1.0}[name] * zoom),)

    def paint(self, paint):
        with torch.no_grad():
            return paint(self.photographs)

    def means(self, paint, style, **others):
        painted = paint if isinstance(paint, torch.Tensor) else self.paint(paint)
        grey = float(painted.mean())
        styles = {"style": style, **others}
        return {"content": grey**2, **{name: (grey - float(targets[0])) ** 2 for name, targets in styles.items()}}


def known_models():
    """Network i paints in grey i / 6; blocks lead exactly where the network of their objective is."""
    models = {f"style_fixed_{i}": Flat(i / 6) for i in range(7)}
    models |= {
        "style_fixed_long": Flat(1),
        "style_conditional": Flat(0),
        "style_two": Flat(0),
        "style_other": Flat(-1.0),
    }
    changes = {"style_blocks": 1, "style_blocks_other": -2, "style_back_middle": -0.5}
    changes |= {"style_back_weak": -1, "style_back_none": -1}
    models |= {name: adding(change) for name, change in changes.items()}
    fine, coarse = stripes(4), stripes(16)
    models["style_blocks_coarse"] = adding(coarse - fine)
    return models, fine


def squares_of(*greys):
    return pytest.approx([grey**2 for grey in greys], abs=2e-4)  # λ are rounded


def test_figure_3_walks_from_the_weakest_style_to_the_strongest_in_five_ways():
    found = comparisons.weak_to_strong(known_models()[0], Known())
    assert list(found) == ["fixed", "dynamic", "pictures", "weights", "conditional"]
    for name, values in found.items():
        steps = {"fixed": [i / 6 for i in range(7)], "weights": ALPHAS[::2]}.get(name, ALPHAS)
        assert values["content"].tolist() == squares_of(*steps), name
        assert values["style"].tolist() == squares_of(*(1 - step for step in steps)), name


def test_figure_4_walks_from_one_style_to_another_in_three_ways():
    models, _ = known_models()
    found = comparisons.style_to_style(models, Known())
    assert list(found) == ["dynamic", "pictures", "two"]
    for name in ("dynamic", "pictures"):
        assert found[name]["style"].tolist() == squares_of(*(2 * alpha for alpha in ALPHAS)), name
        assert found[name]["other"].tolist() == squares_of(*(2 - 2 * alpha for alpha in ALPHAS)), name
        assert found[name]["content"].tolist() == squares_of(*(1 - 2 * alpha for alpha in ALPHAS)), name
    # Its grey is the second style's share: it is told shares that sum to 1, the first style's first.
    assert found["two"]["content"].tolist() == squares_of(*ALPHAS)


def test_figure_5_grows_coarser_and_goes_on_beyond_the_ends():
    models, fine = known_models()
    models["style_fixed_6"].texture = fine
    found = comparisons.fine_to_coarse(models, Known())
    assert list(found) == ["fine", "coarse", "grain"]
    assert {len(values) for values in found.values()} == {len(WIDE)} == {9}
    at = dict(zip(WIDE, found["grain"].tolist(), strict=True))
    assert (at[0.0], at[1.0]) == (pytest.approx(4, rel=1e-3), pytest.approx(16, rel=1e-3))
    assert at[0.0] < at[0.25] < at[0.5] < at[0.75] < at[1.0]
    # It is the strongest network (grey 1) against the painting, and against the painting twice as coarse.
    assert found["fine"].tolist() == squares_of(*[0] * 9)
    assert found["coarse"].tolist() == squares_of(*[1] * 9)


def test_figure_8_walks_back_over_ever_wider_gaps():
    found = comparisons.strong_to_weak(known_models()[0], Known())
    assert tuple(found) == BACK == ("middle", "weak", "none")
    for gap, width in zip(BACK, (0.5, 1, 1), strict=True):
        assert list(found[gap]) == ["dynamic", "pictures"]
        for name, values in found[gap].items():
            assert values["content"].tolist() == squares_of(*(1 - width * alpha for alpha in ALPHAS[::2])), (gap, name)
            assert values["style"].tolist() == squares_of(*(width * alpha for alpha in ALPHAS[::2])), (gap, name)


def test_no_figure_leaves_blocks_on_a_network():
    models, _ = known_models()
    for figure in (
        comparisons.weak_to_strong,
        comparisons.style_to_style,
        comparisons.fine_to_coarse,
        comparisons.strong_to_weak,
    ):
        figure(models, Known())
        for model in models.values():
            assert not any(module._forward_hooks for module in model.modules())
            assert all(weight.requires_grad for weight in model.parameters())


def test_a_grid_is_every_combination_of_every_blocks_alpha():
    main = nn.Sequential(*(nn.Identity() for _ in range(3)))
    blocks = TuningBlocks({"0": 3, "1": 3, "2": 3})
    for name, change in (("0", 1.0), ("1", 0.1), ("2", 0.01)):
        blocks.blocks[name] = Adds(change)
    alphas, found = comparisons.grid(main, blocks, Known(), (0, 0.5, 2))
    assert alphas.shape == (27, 3)
    assert alphas[:4].tolist() == [[0, 0, 0], [0, 0, 0.5], [0, 0, 2], [0, 0.5, 0]]
    assert len({tuple(row) for row in alphas.tolist()}) == 27
    greys = alphas @ torch.tensor([1.0, 0.1, 0.01])
    assert found["content"].tolist() == squares_of(*greys.tolist())
    assert found["style"].tolist() == squares_of(*(1 - greys).tolist())
    assert not any(module._forward_hooks for module in main.modules())


def test_evaluations_summaries_are_those_of_its_points(monkeypatch):
    """In the world of flat colours all ways are one."""
    models, fine = known_models()
    models["style_fixed_6"].texture = fine
    monkeypatch.setattr(evaluation, "measure_for", lambda config, run: Known())
    monkeypatch.setattr(evaluation, "limit_for", lambda config, run: Known())
    monkeypatch.setattr(evaluation, "limits", lambda trained, limit: {"lattice_2": float(len(trained))})
    trained = {name: Trained(SMALL[name], None, model) for name, model in models.items()}
    found = evaluation.compare(trained, QUIET)
    assert found["style_monotonicity"] == found["style_monotonicity_pictures"] == pytest.approx(1)
    for name in ("hypervolume_ratio_fixed", "hypervolume_ratio_interpolation", "hypervolume_weights"):
        assert found[name] == pytest.approx(1, rel=0.01)
    assert found["styles_ratio_interpolation"] == pytest.approx(1, rel=1e-3)
    assert [found[f"back_{gap}_cost"] for gap in BACK] == pytest.approx([1] * 3, rel=1e-3)
    assert found["style_dynamic_content_3"] == pytest.approx(0.09, abs=1e-5)
    assert found["back_middle_pictures_style_5"] == pytest.approx(0.25, abs=1e-5)
    assert found["grain_grain_2"] == pytest.approx(4, rel=1e-3)
    assert found["lattice_2"] == len(models)
    assert not any(name.startswith("style_grid") for name in found)  # that would take minutes


# Grain --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wavelength", [2.4, 4, 6, 8, 12, 16])
def test_the_grain_of_a_wave_is_its_wavelength(wavelength):
    picture = stripes(wavelength)
    assert grain(picture) == pytest.approx(wavelength, rel=1e-2)
    assert grain(picture.mT) == pytest.approx(wavelength, rel=1e-2)
    assert grain(0.3 * picture + 0.5) == pytest.approx(wavelength, rel=1e-2)  # whatever its contrast and brightness


def test_the_grain_of_a_slanted_wave_is_its_wavelength_too():
    place = torch.arange(48.0)
    wave = torch.sin(2 * math.pi * (place[:, None] / 12 + place[None] / 16))
    assert grain(wave.expand(1, 3, 48, 48)) == pytest.approx((12**-2 + 16**-2) ** -0.5, rel=1e-2)


def test_coarser_stripes_have_more_grain():
    found = [grain(stripes(wavelength).sign()) for wavelength in (6, 12, 24, 48)]
    assert found == sorted(found)
    assert found[-1] > 1.5 * found[0]


def test_grain_is_of_all_pictures_and_of_no_direction():
    fine, coarse = stripes(4), stripes(12)
    # Two waves of equal amplitude: the mean of their frequencies, beside each other or in one picture.
    expected = 2 / (1 / 4 + 1 / 12)
    assert grain(torch.cat([fine, coarse])) == pytest.approx(expected, rel=1e-2)
    assert grain(fine + coarse) == pytest.approx(expected, rel=1e-2)
    assert grain(fine + coarse.mT) == pytest.approx(expected, rel=1e-2)
    assert grain(fine.mT + coarse) == pytest.approx(expected, rel=1e-2)
