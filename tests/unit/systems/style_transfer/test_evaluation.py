"""What `evaluate` reports of a folder of painters, the claims on top of it, and the figures."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from small_painters import QUIET, SMALL

from lossconditioning.evaluation import measured_claims
from lossconditioning.systems import style_transfer
from lossconditioning.systems.style_transfer import diagram, figures

SETTINGS = style_transfer.settings()
METHODS = ("fixed", "yoto", "specialist", "interpolation")


# Claims -------------------------------------------------------------------------------------------------------------------

GOOD = {
    "fig6a_gap": 0.1,
    "fig6a_settings_below_baseline": 10,
    "fig6b_hypervolume_yoto": 0.9,
    "fig6b_hypervolume_specialist": 0.97,
    "fig6b_hypervolume_interpolation": 0.89,
    "monotonicity": 0.95,
    "monotonicity_content": 0.95,
    "monotonicity_style": 1.0,
    **{f"sensitivity_{weight}_{term}": 0.1 for weight in style_transfer.WEIGHTS for term in style_transfer.WEIGHTS},
    "sensitivity_content_style_1": -1.0,
    "sensitivity_style_3_style_3": -0.5,
}


def test_every_claim_is_reproduced_at_its_bound():
    found = measured_claims(style_transfer.CLAIMS, GOOD, SMALL)
    assert len({claim.id for claim in found}) == len(found) == 7
    assert all(claim.reproduced for claim in found)


@pytest.mark.parametrize(
    ("changed", "lost"),
    [
        ({"fig6a_gap": 0.101}, "closely_matches"),
        ({"fig6a_gap": math.nan}, "closely_matches"),
        ({"fig6a_settings_below_baseline": 9}, "below_the_single_model"),
        ({"fig6b_hypervolume_yoto": 0.895}, "close_to_the_frontier"),
        ({"fig6b_hypervolume_specialist": 0.969}, "specialist_traces"),
        ({"fig6b_hypervolume_interpolation": 0.9}, "interpolation_is_poor"),
        ({"monotonicity": 0.949}, "weights_do_what_they_say"),
        ({"sensitivity_style_1_style_1": -0.6}, "content_and_third_style"),
    ],
    ids=str,
)
def test_beyond_its_bound_a_claim_is_not_reproduced(changed, lost):
    found = measured_claims(style_transfer.CLAIMS, GOOD | changed, SMALL)
    assert [claim.id for claim in found if not claim.reproduced] == [lost]


# `lossconditioning evaluate style_transfer` -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two photographs, and two paintings that no model has seen."""
    folder = tmp_path_factory.mktemp("pictures")
    (folder / "paintings" / "pointillism").mkdir(parents=True)
    for number in range(4):
        pixels = np.random.default_rng(number).integers(0, 256, (6, 6, 3), dtype=np.uint8).repeat(8, 0).repeat(8, 1)
        place = folder if number < 2 else folder / "paintings" / "pointillism"
        Image.fromarray(pixels).save(place / f"{number}.png")
    return folder


@pytest.fixture(scope="module")
def evaluation(trained, folder):
    return style_transfer.evaluate(trained, replace(QUIET, data=folder))


def test_evaluate_measures_every_figure_and_checks_every_claim(evaluation, trained, folder):
    metrics = evaluation.metrics
    expected = {f"fig6a_{method}_{name}" for method in ("fixed", "yoto", "single") for name in SETTINGS}
    expected |= {"fig6a_gap", "fig6a_settings_below_baseline", *(f"fig6b_hypervolume_{name}" for name in METHODS)}
    expected |= {f"fig6b_{m}_{term}_{i}" for m in METHODS for term in ("content", "style") for i in range(5)}
    expected |= {"monotonicity", "monotonicity_content", "monotonicity_style", "photographs"}
    expected |= {f"sensitivity_{a}_{b}" for a in style_transfer.WEIGHTS for b in style_transfer.WEIGHTS}
    expected |= {*(f"dial_effect_{name}" for name in (*style_transfer.WEIGHTS, "min")), "lattice_2", "lattice_4"}
    expected |= {f"{name}_{who}" for name in ("style_left", "content") for who in ("seen", "unseen")}
    assert set(metrics) == expected
    assert metrics["photographs"] == 2
    assert metrics["fig6b_hypervolume_fixed"] == pytest.approx(1.0)
    assert len(evaluation.claims) == 7
    measure = style_transfer.measure_for(SMALL["yoto"], replace(QUIET, data=folder))
    lam = torch.tensor(SETTINGS["style_2_high"])
    means = measure.means(style_transfer.load("fixed_style_2_high", trained).model, lam)
    assert metrics["fig6a_fixed_style_2_high"] == pytest.approx(style_transfer.full_loss(means, lam), rel=1e-4)


# Figures ------------------------------------------------------------------------------------------------------------------


def test_figure_6a_is_drawn_as_dots_beside_the_networks_of_each_setting(evaluation):
    metrics = evaluation.metrics
    (axis,) = figures.setting_dots(metrics).axes
    one, *dots = axis.lines
    assert list(one.get_xdata()) == [1, 1]
    for line, method in zip(dots, ("yoto", "single"), strict=True):
        expected = [metrics[f"fig6a_{method}_{name}"] / metrics[f"fig6a_fixed_{name}"] for name in SETTINGS]
        np.testing.assert_allclose(line.get_xdata(), expected)
    assert axis.get_xscale() == "linear"
    assert [label.get_text() for label in axis.get_yticklabels()][::9] == ["style 1 ÷ 10", "content × 10"]
    assert len(axis.get_legend().get_texts()) == 3


@pytest.mark.parametrize("name", ["yoto", "specialist"])
def test_the_drawing_of_the_painter_has_the_networks_own_shapes(name):
    painter = style_transfer.build(replace(SMALL[name], blocks=2, width=6))
    (axis,) = diagram.painter_diagram(painter).axes
    said = [text.get_text() for text in axis.texts]
    for wanted in ("(6, H, W)", "(12, H/2, W/2)", "(24, H/4, W/4)", "2 residual", "24 ch.", "code (100,)"):
        assert any(wanted in text for text in said), wanted
    assert any(f"({painter.predictor.from_lam[0].in_features},)" in text for text in said)
    assert any("shares" in text for text in said) == (name == "yoto")


def test_figure_6b_is_drawn_as_four_curves(evaluation):
    curves = style_transfer.content_style_curves(evaluation.metrics)
    assert set(curves) == set(METHODS)
    (axis,) = figures.content_style_plot(curves).axes
    for line, values in zip(axis.lines, curves.values(), strict=True):
        np.testing.assert_allclose(line.get_xydata().T, [values["content"], values["style"]])
        assert len(values["content"]) == 5


def test_the_map_of_weights_shows_its_numbers():
    changes = torch.linspace(-2, 1, 25).reshape(5, 5)
    made = figures.sensitivity_map(changes)
    assert [text.get_text() for text in made.axes[0].texts] == [f"{value:+.2f}" for value in changes.flatten().tolist()]
