"""What `evaluate` reports of a folder of painters, the claims on top of it, and the figures."""

import json
import math

import numpy as np
import pytest
import torch
from PIL import Image
from small_painters import SMALL, small_pictures

from lossconditioning import CheckpointError
from lossconditioning.systems import style_transfer
from lossconditioning.systems.style_transfer import figures
from lossconditioning.systems.style_transfer.claims import claims

SETTINGS = style_transfer.settings()
METHODS = ("fixed", "yoto", "specialist", "interpolation")


@pytest.fixture(scope="module", autouse=True)
def small(tmp_path_factory):
    with small_pictures(tmp_path_factory.mktemp("no_data")):
        yield


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
    found = claims(GOOD)
    assert len({claim.id for claim in found}) == len(found) == 7
    assert all(claim.reproduced for claim in found)


def test_claims_are_made_where_their_numbers_are():
    assert claims({}) == []
    assert [claim.id for claim in claims({"fig6a_gap": 0.1})] == ["closely_matches"]


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
    assert [claim.id for claim in claims(GOOD | changed) if not claim.reproduced] == [lost]


# `lossconditioning evaluate style_transfer` -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """All fifteen experiments, trained for a few steps."""
    folder = tmp_path_factory.mktemp("trained")
    assert style_transfer.train_all(SMALL.values(), out=folder, profile="smoke") == 15
    return folder


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


def test_evaluate_measures_every_figure_and_checks_every_claim(trained, folder):
    found = style_transfer.evaluate(trained, folder)
    expected = {f"fig6a_{method}_{name}" for method in ("fixed", "yoto", "single") for name in SETTINGS}
    expected |= {"fig6a_gap", "fig6a_settings_below_baseline", *(f"fig6b_hypervolume_{name}" for name in METHODS)}
    expected |= {f"fig6b_{m}_{term}_{i}" for m in METHODS for term in ("content", "style") for i in range(5)}
    expected |= {"monotonicity", "monotonicity_content", "monotonicity_style", "photographs"}
    expected |= {f"sensitivity_{a}_{b}" for a in style_transfer.WEIGHTS for b in style_transfer.WEIGHTS}
    expected |= {f"{name}_{who}" for name in ("style_left", "content") for who in ("seen", "unseen")}
    assert set(found.metrics) == expected
    assert found.metrics["photographs"] == 2
    assert all(math.isfinite(value) for value in found.metrics.values())
    assert found.metrics["fig6b_hypervolume_fixed"] == pytest.approx(1.0)
    assert len(found.claims) == 7
    assert json.loads(json.dumps(found.as_json("style_transfer")))["checkpoint"] == str(trained)
    measure = style_transfer.measure_for(SMALL["yoto"], folder)
    lam = torch.tensor(SETTINGS["style_2_high"])
    means = measure.means(style_transfer.load("fixed_style_2_high", trained).model, lam)
    assert found.metrics["fig6a_fixed_style_2_high"] == pytest.approx(style_transfer.full_loss(means, lam), rel=1e-4)


def test_evaluate_wants_all_models(trained, tmp_path):
    for name in ("yoto", "specialist", "fixed_default"):
        for kind in ("json", "safetensors"):
            (tmp_path / f"{name}.{kind}").write_bytes((trained / f"{name}.{kind}").read_bytes())
    with pytest.raises(
        CheckpointError, match=r"lacks .*fixed_content_1.*nothing to compare; train them: lossconditioning"
    ):
        style_transfer.evaluate(tmp_path)
    with pytest.raises(CheckpointError):
        style_transfer.evaluate(tmp_path / "nothing")


def test_cards_are_found_by_name(trained):
    found = style_transfer.recorded(trained)
    assert set(found) == set(SMALL)
    assert all("mean_cost" in card.metrics for card in found.values())


# Figures ------------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def metrics(trained):
    models = {name: style_transfer.load(name, trained).model for name in SMALL}
    measure = style_transfer.measure_for(SMALL["yoto"])
    return {**style_transfer.figure_6a(models, measure), **style_transfer.figure_6b(models, measure)}


def test_figure_6a_is_drawn_as_thirty_bars(metrics):
    (axis,) = figures.figure_6a(metrics).axes
    assert len(axis.patches) == 30
    assert [bar.get_height() for bar in axis.patches[10:20]] == [metrics[f"fig6a_fixed_{name}"] for name in SETTINGS]
    assert len(axis.get_legend().get_texts()) == 3


def test_figure_6b_is_drawn_as_four_curves(metrics):
    curves = figures.curves_6b(metrics)
    assert set(curves) == set(METHODS)
    (axis,) = figures.figure_6b(curves).axes
    for line, values in zip(axis.lines, curves.values(), strict=True):
        np.testing.assert_allclose(line.get_xydata().T, [values["content"], values["style"]])


def test_the_map_of_weights_shows_its_numbers():
    changes = torch.linspace(-2, 1, 25).reshape(5, 5)
    made = figures.sensitivity_map(changes)
    assert [text.get_text() for text in made.axes[0].texts] == [f"{value:+.2f}" for value in changes.flatten().tolist()]


def test_a_grid_of_pictures_is_labelled():
    pictures = list(torch.rand(3, 3, 8, 10))
    made = figures.picture_grid({"one": pictures, "two": pictures}, ["a", "b", "c"])
    shown = [axis for axis in made.axes if axis.images]
    assert len(shown) == 6
    assert [axis.get_title() for axis in shown[:3]] == ["a", "b", "c"]
    assert [axis.get_ylabel() for axis in (shown[0], shown[3])] == ["one", "two"]
    np.testing.assert_array_equal(shown[4].images[0].get_array(), figures.to_bytes(pictures[1]))


def test_pictures_are_shown_in_whole_grey_levels():
    assert figures.to_bytes(torch.tensor([-0.1, 0.0, 0.5, 1.2])[None, None].expand(3, 1, 4)).tolist() == [
        [[0] * 3, [0] * 3, [128] * 3, [255] * 3]
    ]
