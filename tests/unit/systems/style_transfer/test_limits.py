"""Regret over recorded optima, dials beside separate networks, regular patterns: where the answer is known."""

import math
from dataclasses import replace

import pytest
import torch
from small_painters import QUIET, SMALL, small_painter

from lossconditioning.painting import lattice
from lossconditioning.systems import style_transfer
from lossconditioning.systems.style_transfer.limits import (
    dial_effects,
    lattice_ratios,
    limit_for,
    limits,
    regret_ratios,
)
from lossconditioning.systems.style_transfer.optimum import Optima
from lossconditioning.systems.style_transfer.training import measure_for

DEFAULT = torch.tensor(style_transfer.DEFAULT)
SETTINGS = style_transfer.settings()


@pytest.fixture(scope="module")
def painter():
    return small_painter()


@pytest.fixture(scope="module")
def limit():
    return limit_for(SMALL["yoto"], QUIET)


def costs(painter, limit, lam):
    measure = limit.measure
    return style_transfer.objective(measure.terms(measure.paint(painter, lam)), lam).tolist()


def with_optima(limit, painter, asked, rows=(0, 1)):
    """As if the optimum of each of these were this share of the painter's own cost: name → one share for each row."""
    every = {"default": style_transfer.DEFAULT, **SETTINGS}
    found = []
    for name, shares in asked.items():
        own = costs(painter, limit, torch.tensor(every[name]))
        for row, share in zip(rows, shares, strict=True):
            photograph, painting = limit.pairs[row]
            one = {"photograph": photograph, "painting": painting, "lam": list(every[name])}
            found.append({**one, "cost": share * own[row], "evaluations": 1})
    return replace(limit, optima=replace(limit.optima, costs=found))


def test_regret_is_the_networks_cost_over_the_optimums(limit, painter):
    found = regret_ratios(painter, with_optima(limit, painter, {"default": (0.5, 0.8)}))
    assert found == {"regret_ratio_default": pytest.approx((2 + 1.25) / 2, rel=1e-4)}


def test_pairs_without_an_optimum_are_left_out(limit, painter):
    found = regret_ratios(painter, with_optima(limit, painter, {"default": (0.25,)}, rows=(1,)))
    assert found["regret_ratio_default"] == pytest.approx(4, rel=1e-4)
    assert regret_ratios(painter, limit) == {}  # nothing is recorded for pictures of 32 pixels


def test_over_settings_the_median_of_means_counts(limit, painter):
    asked = {name: (1 / (1 + number), 1 / (3 + number)) for number, name in enumerate(SETTINGS)}  # means 2, 3, … 11
    found = regret_ratios(painter, with_optima(limit, painter, asked))
    assert found == {"regret_ratio_settings": pytest.approx(6.5, rel=1e-4)}


class Told:
    """In place of a `Measure`: a model is a function from λ to its averaged terms."""

    def means(self, model, lam):
        return model(lam)


def test_a_dial_is_measured_beside_separate_networks():
    powers = dict(zip(style_transfer.WEIGHTS, (-0.5, -1.0, -0.25, 0.1, -0.8), strict=True))

    def follows(share):
        def model(lam):
            relative = (lam / DEFAULT).tolist()
            return {
                name: value ** (share[name] * powers[name])
                for name, value in zip(style_transfer.WEIGHTS, relative, strict=True)
            }

        return model

    separate = {f"fixed_{name}": follows(dict.fromkeys(powers, 1.0)) for name in SETTINGS}
    shares = dict(zip(powers, (1.0, 0.5, 1.5, 0.25, 0.9), strict=True))
    found = dial_effects(follows(shares), separate, Told())
    assert found == pytest.approx(
        {**{f"dial_effect_{name}": s for name, s in shares.items()}, "dial_effect_min": 0.25}, rel=1e-4
    )


def test_patterns_are_compared_with_the_paintings_own(limit, painter):
    found = lattice_ratios(painter, limit)
    painted = limit.measure.paint(painter, DEFAULT)
    for period in (2, 4):
        own = lattice(painted)[period]
        theirs = [lattice(picture[None] / 255)[period].item() for picture in limit.paintings]
        ratios = sorted((own / torch.tensor(theirs)).tolist())
        assert found[f"lattice_{period}"] == pytest.approx(sum(ratios) / 2, rel=1e-4)


def test_the_network_readers_play_with_comes_first_and_the_compared_one_under_its_own_name(limit, painter):
    other = small_painter(shake=0.5)
    models = {"play": other, "yoto": painter, **{f"fixed_{name}": small_painter("fixed") for name in SETTINGS}}
    measure = measure_for(SMALL["yoto"], QUIET)
    alone, both = (limits(models, name, measure, limit) for name in ("yoto", "play"))
    assert {name for name in both if not name.endswith("_comparison")} == set(alone)
    for name, value in alone.items():
        assert both[f"{name}_comparison"] == pytest.approx(value, nan_ok=True)
    assert both["lattice_2"] == pytest.approx(lattice_ratios(other, limit)["lattice_2"])
    assert not math.isclose(both["lattice_2"], both["lattice_2_comparison"])


def test_optima_are_looked_up_for_the_pictures_at_hand(limit):
    assert limit.optima == Optima(
        limit.measure.source, "the built-in paintings", limit.measure.batch.loss.features.source, 32
    )
    assert [painting for _, painting in limit.pairs] == ["harbour_at_dawn", "poppy_field"]
