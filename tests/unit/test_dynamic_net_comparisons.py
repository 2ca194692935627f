"""How turned networks are compared: Figures 3, 4, 5 and 8 of "Dynamic-Net", where the answer is known."""

import math
import warnings
from types import SimpleNamespace

import pytest
import torch
from small_dynamic import SMALL, shaken, small_loss, small_stylisation
from torch import nn

from lossconditioning import WeightWarning
from lossconditioning.conditioning import DynamicNet, TuningBlocks
from lossconditioning.datasets import photographs
from lossconditioning.systems.dynamic_net import stylisation
from lossconditioning.systems.dynamic_net.stylisation import comparisons, evaluation, measures
from lossconditioning.systems.dynamic_net.stylisation.comparisons import ALPHAS, BACK, WIDE, grain
from lossconditioning.systems.style_transfer.pictures import held_out_photographs

STRENGTHS = stylisation.strengths()


@pytest.fixture(scope="module", autouse=True)
def small(tmp_path_factory):
    with small_stylisation(tmp_path_factory.mktemp("no_data")):
        yield


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
        return code[:, 1] if code.dim() == 2 else (code / STRENGTHS[0]).log() / math.log(50)


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

    def style(self, name=stylisation.STYLES[0], zoom=1):
        return (torch.tensor({stylisation.STYLES[0]: 1.0, stylisation.STYLES[1]: -1.0}[name] * zoom),)

    def paint(self, painter):
        with torch.no_grad():
            return painter(self.photographs)

    def means(self, painter, style, **others):
        painted = painter if isinstance(painter, torch.Tensor) else self.paint(painter)
        grey = float(painted.mean())
        styles = {"style": style, **others}
        return {"content": grey**2, **{name: (grey - float(targets[0])) ** 2 for name, targets in styles.items()}}


def known_models():
    """Network i paints in grey i / 6; blocks lead exactly where the network of their objective is."""
    models = {f"style_fixed_{i}": Flat(i / 6) for i in range(7)}
    models |= {"style_conditional": Flat(0), "style_two": Flat(0), "style_other": Flat(-1.0)}
    changes = {"style_blocks": 1, "style_blocks_other": -2, "style_back_middle": -0.5}
    changes |= {"style_back_weak": -1, "style_back_none": -1}
    models |= {name: adding(change) for name, change in changes.items()}
    fine, coarse = stripes(4), stripes(16)
    models["style_blocks_coarse"] = adding(coarse - fine)
    return models, fine


def squares_of(*greys):
    return pytest.approx([grey**2 for grey in greys], abs=2e-4)  # strengths are rounded


def test_figure_3_walks_from_the_weakest_style_to_the_strongest_in_five_ways():
    found = comparisons.figure_3(known_models()[0], Known())
    assert list(found) == ["fixed", "dynamic", "pictures", "weights", "conditional"]
    for name, values in found.items():
        steps = [i / 6 for i in range(7)] if name == "fixed" else ALPHAS
        assert values["content"].tolist() == squares_of(*steps), name
        assert values["style"].tolist() == squares_of(*(1 - step for step in steps)), name


def test_figure_4_walks_from_one_style_to_another_in_three_ways():
    models, _ = known_models()
    found = comparisons.figure_4(models, Known())
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
    found = comparisons.figure_5(models, Known())
    assert list(found) == ["fine", "coarse", "grain"]
    assert {len(values) for values in found.values()} == {len(WIDE)} == {9}
    at = dict(zip(WIDE, found["grain"].tolist(), strict=True))
    assert (at[0.0], at[1.0]) == (pytest.approx(4, rel=1e-3), pytest.approx(16, rel=1e-3))
    assert at[0.0] < at[0.25] < at[0.5] < at[0.75] < at[1.0]
    # It is the strongest network (grey 1) against the painting, and against the painting twice as coarse.
    assert found["fine"].tolist() == squares_of(*[0] * 9)
    assert found["coarse"].tolist() == squares_of(*[1] * 9)


def test_figure_8_walks_back_over_ever_wider_gaps():
    found = comparisons.figure_8(known_models()[0], Known())
    assert tuple(found) == BACK == ("middle", "weak", "none")
    for gap, width in zip(BACK, (0.5, 1, 1), strict=True):
        assert list(found[gap]) == ["dynamic", "pictures"]
        for name, values in found[gap].items():
            assert values["content"].tolist() == squares_of(*(1 - width * alpha for alpha in ALPHAS)), (gap, name)
            assert values["style"].tolist() == squares_of(*(width * alpha for alpha in ALPHAS)), (gap, name)


def test_no_figure_leaves_blocks_on_a_network():
    models, _ = known_models()
    for figure in (comparisons.figure_3, comparisons.figure_4, comparisons.figure_5, comparisons.figure_8):
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


# Curves -------------------------------------------------------------------------------------------------------------------


def test_a_curve_holds_every_term_point_by_point():
    found = comparisons.curve({"content": float(i), "style": 1.0 / (i + 1)} for i in range(3))
    assert found["content"].tolist() == [0, 1, 2]
    assert found["style"].tolist() == pytest.approx([1, 1 / 2, 1 / 3])
    assert found["style"].dtype == torch.float64


def test_points_are_joined_by_straight_lines():
    points = torch.tensor([[0.0, 4.0], [1.0, 2.0], [3.0, 2.0]], dtype=torch.float64)
    found = comparisons.joined(points, between=4)
    assert found.dtype == torch.float64
    rows = found.tolist()
    for row in ([0, 4], [0.25, 3.5], [0.5, 3], [1, 2], [1.5, 2], [2.5, 2], [3, 2]):
        assert row in rows
    assert len({tuple(row) for row in rows}) == 9
    assert torch.equal(found[[0, -1]], points[[0, -1]])


def points(*rows):
    content, style = torch.tensor(rows, dtype=torch.float64).T
    return {"content": content, "style": style}


def test_volumes_are_areas_below_a_corner_a_tenth_beyond_the_references_ends():
    # Below the corner (1.1, 1.1), the line from (0, 1) to (1, 0) leaves a triangle and two strips.
    reference = 0.5 + 2 * 0.1 * 1.1 - 0.1**2
    curves = {
        "line": points((0, 1), (0.5, 0.5), (1, 0)),
        "few": points((0, 1), (1, 0)),
        "better": points((0, 1), (0, 0), (1, 0)),
        "short": points((0.5, 0.6), (0.6, 0.5)),
        "beyond": points((1.2, 0), (1.3, -1)),
    }
    found = comparisons.volumes(curves, "line")
    assert found["line"] == 1
    assert found["few"] == pytest.approx(1, rel=0.025)  # joined, so that it does not suffer for having two points
    assert found["better"] == pytest.approx(1.1**2 / reference, rel=0.025)
    assert found["short"] == pytest.approx((0.6 * 0.6 - 0.1**2 / 2) / reference, rel=0.025)
    assert found["beyond"] == 0


def test_volumes_do_not_depend_on_units_and_may_be_of_other_axes():
    curves = {"one": points((0, 1), (0.2, 0.4), (1, 0)), "two": points((0.1, 1), (1, 0.1))}
    scaled = {name: {"a": 7 * c["content"] + 3, "b": 0.1 * c["style"] - 1} for name, c in curves.items()}
    expected = comparisons.volumes(curves, "one")
    assert comparisons.volumes(scaled, "one", axes=("a", "b")) == pytest.approx(expected, rel=1e-6)
    assert 0 < expected["two"] < 1


def test_monotonicity_is_a_rank_correlation():
    for values, expected in (([1, 2, 3, 50], 1), ([5, 4, 1], -1), ([1, 3, 2], 0.5), ([0, 1, 1.01, 0.99], 0.4)):
        assert comparisons.monotonicity(torch.tensor(values, dtype=torch.float64)) == pytest.approx(expected)


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


# Real networks ------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def measure():
    return stylisation.Measure.of(small_loss(), list(photographs().values())[:2])


@pytest.fixture(scope="module")
def models():
    """Every experiment's network and blocks, as if trained."""
    return {name: shaken(name) for name in SMALL}


@pytest.fixture(autouse=True)
def nothing_is_warned_about():
    """The weights that conditional networks are told, both ends included, are those they were trained with."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", WeightWarning)
        yield


def at(curve, place):
    return {name: float(values[place]) for name, values in curve.items()}


def test_chunks_do_not_matter(measure, models, monkeypatch):
    network, style = models["style_fixed_0"], measure.style()
    expected = measure.means(network, style)
    monkeypatch.setattr(measures, "CHUNK", 1)
    assert measure.means(network, style) == pytest.approx(expected, rel=1e-4)
    assert measure.means(measure.paint(network), style) == pytest.approx(expected, rel=1e-4)


def test_mixed_pictures_end_at_the_two_pictures(measure, models):
    first, second = (measure.paint(models[name]) for name in ("style_fixed_0", "style_other"))
    style = measure.style()
    found = comparisons.mixed_pictures(measure, first, second, style)
    assert len(found["style"]) == 11
    assert at(found, 0) == pytest.approx(measure.means(first, style), rel=1e-5)
    assert at(found, 5) == pytest.approx(measure.means((first + second) / 2, style), rel=1e-3)
    assert at(found, -1) == pytest.approx(measure.means(second, style), rel=1e-5)


def test_mixed_weights_lie_between_two_networks_which_stay_as_they_are(models):
    first, second = models["style_fixed_0"], models["style_fixed_6"]
    before = [weight.clone() for weight in first.parameters()]
    for share in (0.0, 0.5, 1.0):
        mixed = comparisons.mixed_weights(first, second, share)
        for found, one, other in zip(mixed.parameters(), first.parameters(), second.parameters(), strict=True):
            torch.testing.assert_close(found, (1 - share) * one + share * other)
    assert all(map(torch.equal, before, first.parameters()))


def test_a_dynamic_network_is_one_as_long_as_it_is_measured(models, measure):
    main, blocks = models["style_fixed_0"], models["style_blocks"]
    plain = measure.paint(main)
    with DynamicNet(main, {"tuned": blocks}) as model:
        assert torch.equal(measure.paint(stylisation.turned(model, 0.0)), plain)
        assert not torch.allclose(measure.paint(stylisation.turned(model, 1.0)), plain, atol=1e-2)
    with pytest.raises(KeyError), DynamicNet(main, {"tuned": blocks}):
        raise KeyError
    assert not any(module._forward_hooks for module in main.modules())
    assert all(weight.requires_grad for weight in main.parameters())
    assert torch.equal(measure.paint(main), plain)


def test_a_grid_agrees_with_single_calls(models, measure):
    main, blocks, style = models["style_fixed_0"], models["style_blocks"], measure.style()
    alphas, found = comparisons.grid(main, blocks, measure, (0.0, 0.7))
    assert alphas.shape == (8, 3)
    with DynamicNet(main, {"tuned": blocks}) as model:
        for row in (3, 4):
            single = measure.means(stylisation.turned(model, alphas[row].tolist()), style)
            assert at(found, row) == pytest.approx(single, rel=1e-5)
    assert at(found, 0) == pytest.approx(measure.means(main, style), rel=1e-6)


def test_figures_begin_at_the_main_network_and_blends_end_at_the_fixed_ones(models, measure):
    style, other = measure.style(), measure.style(stylisation.STYLES[1])
    weak, middle, strong, second = (
        measure.means(models[f"style_{name}"], style) for name in ("fixed_0", "fixed_3", "fixed_6", "other")
    )
    third = comparisons.figure_3(models, measure)
    assert {name: len(values["style"]) for name, values in third.items()} == {
        "fixed": 7,
        **dict.fromkeys(("dynamic", "pictures", "weights", "conditional"), 11),
    }
    assert at(third["dynamic"], 0) == at(third["fixed"], 0) == pytest.approx(weak)
    for name in ("fixed", "pictures", "weights"):
        assert at(third[name], 0) == pytest.approx(weak, rel=1e-4)
        assert at(third[name], -1) == pytest.approx(strong, rel=1e-4)
    for place, lam in ((0, 0.8), (-1, 40.0)):
        told = measure.means(stylisation.told(models["style_conditional"], lam), style)
        assert at(third["conditional"], place) == pytest.approx(told, rel=1e-4)
    fourth = comparisons.figure_4(models, measure)
    assert {len(values) for curve in fourth.values() for values in curve.values()} == {11}
    for name in ("dynamic", "pictures"):
        against = measure.means(models["style_fixed_6"], other)["style"]
        assert at(fourth[name], 0) == pytest.approx({**strong, "other": against}, rel=1e-4)
    against = measure.means(models["style_other"], other)["style"]
    assert at(fourth["pictures"], -1) == pytest.approx({**second, "other": against}, rel=1e-4)
    for place, code in ((0, [1.0, 0.0]), (-1, [0.0, 1.0])):
        told = measure.means(stylisation.told(models["style_two"], torch.tensor(code)), style)
        assert fourth["two"]["style"][place] == pytest.approx(told["style"], rel=1e-4)
    fifth, start = comparisons.figure_5(models, measure), WIDE.index(0.0)
    assert fifth["fine"][start] == pytest.approx(strong["style"], rel=1e-5)
    assert fifth["grain"][start] == pytest.approx(grain(measure.paint(models["style_fixed_6"])), rel=1e-5)
    eighth = comparisons.figure_8(models, measure)
    ends = (middle, weak, measure.means(measure.photographs, style))
    for gap, end in zip(BACK, ends, strict=True):
        for curve in eighth[gap].values():
            assert at(curve, 0) == pytest.approx(strong, rel=1e-5)
        assert at(eighth[gap]["pictures"], -1) == pytest.approx(end, rel=1e-4, abs=1e-7)


# All numbers --------------------------------------------------------------------------------------------------------------


def test_evaluation_names_every_point_and_every_number_is_finite(models, monkeypatch):
    monkeypatch.setattr(evaluation, "held_out_photographs", lambda folder, count: held_out_photographs(folder, 2))
    found = evaluation.evaluate(models.__getitem__, SMALL["style_fixed_0"])
    assert all(math.isfinite(value) for value in found.values())
    methods = ("dynamic", "pictures", "weights", "conditional")
    points = {f"style_fixed_{term}_{i}" for term in ("content", "style") for i in range(7)}
    eleven = {
        **{f"style_{method}": ("content", "style") for method in methods},
        **{f"styles_{method}": ("content", "style", "other") for method in ("dynamic", "pictures", "two")},
        **{f"back_{gap}_{method}": ("content", "style") for gap in BACK for method in ("dynamic", "pictures")},
    }
    points |= {f"{name}_{term}_{i}" for name, terms in eleven.items() for term in terms for i in range(11)}
    points |= {f"grain_{term}_{i}" for term in ("fine", "coarse", "grain") for i in range(9)}
    numbers = {f"hypervolume_{method}" for method in ("fixed", *methods)} | {f"back_{gap}_ratio" for gap in BACK}
    numbers |= {"hypervolume_ratio_fixed", "hypervolume_ratio_interpolation", "photographs", "grain_points"}
    numbers |= {"styles_ratio_interpolation", "styles_ratio_two"}
    numbers |= {"style_monotonicity", "style_monotonicity_pictures", "grain_monotonicity"}
    assert set(found) == points | numbers
    assert (found["photographs"], found["grain_points"], found["hypervolume_fixed"]) == (2, 9, 1)


def test_evaluations_summaries_are_those_of_its_points(monkeypatch):
    """In the world of flat colours all ways are one."""
    models, fine = known_models()
    models["style_fixed_6"].texture = fine
    monkeypatch.setattr(evaluation, "perceptual_loss", lambda *given, **options: None)
    monkeypatch.setattr(evaluation, "held_out_photographs", lambda folder, count: SimpleNamespace(pictures={}))
    monkeypatch.setattr(evaluation, "Measure", SimpleNamespace(of=lambda loss, pictures: Known()))
    found = evaluation.evaluate(models.__getitem__, SMALL["style_fixed_0"])
    assert found["style_monotonicity"] == found["style_monotonicity_pictures"] == pytest.approx(1)
    for name in ("hypervolume_ratio_fixed", "hypervolume_ratio_interpolation", "hypervolume_weights"):
        assert found[name] == pytest.approx(1, rel=0.01)
    assert found["styles_ratio_interpolation"] == pytest.approx(1, rel=1e-3)
    assert [found[f"back_{gap}_ratio"] for gap in BACK] == pytest.approx([1] * 3, rel=1e-3)
    assert found["style_dynamic_content_3"] == pytest.approx(0.09, abs=1e-5)
    assert found["back_middle_pictures_style_10"] == pytest.approx(0.25, abs=1e-5)
    assert found["grain_grain_2"] == pytest.approx(4, rel=1e-3)
