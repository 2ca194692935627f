"""Regret over recorded optima, and regular patterns, at both ends of the dial: where the answer is known."""

from dataclasses import replace

import pytest
import torch
from small_dynamic import QUIET, SIDE, SMALL, shaken, small_loss, some

from lossconditioning.conditioning import DynamicNet
from lossconditioning.painting import Optima, lattice
from lossconditioning.systems import dynamic_style
from lossconditioning.systems.dynamic_style import limits
from lossconditioning.systems.dynamic_style.measures import Measure
from lossconditioning.systems.dynamic_style.recipes import LAM_0, LAM_1
from lossconditioning.training import Trained

PAIR = "style_fixed_0", "style_blocks"
PLAY = "style_play_weak", "style_play"


@pytest.fixture(scope="module")
def trained():
    return {name: Trained(SMALL[name], None, shaken(name)) for name in PAIR}


@pytest.fixture(scope="module")
def limit():
    """Three photographs of 32 pixels, without optima."""
    measure = Measure.of(small_loss(), [(255 * picture).byte() for picture in some(3)], SIDE)
    return limits.Limit(measure, ["a", "b", "c"], Optima("", "", "", SIDE))


@pytest.fixture(scope="module")
def painted(trained, limit):
    return limits.painted_ends(*(trained[name] for name in PAIR), limit)


def with_optima(limit, painted, **shares):
    """As if the optimum of each photograph were this share of what the picture at an end costs; None: not recorded."""
    found = Optima("", "", "", SIDE)
    for end, lam in (("weak", LAM_0), ("strong", LAM_1)):
        terms = limit.measure.terms(painted[end], limit.measure.style())
        costs = (terms["content"] + lam * terms["style"]).tolist()
        for name, cost, share in zip(limit.names, costs, shares.get(end, (None,) * 3), strict=True):
            if share is not None:
                found.keep(name, dynamic_style.STYLES[0], [lam], [share * cost])
    return replace(limit, optima=found)


def test_both_ends_are_the_main_network_and_all_blocks_turned_on_as_pictures_are_shown(trained, limit, painted):
    main, blocks = (trained[name].model for name in PAIR)
    with torch.no_grad(), DynamicNet(main, {"tuned": blocks}) as tuned:
        expected = {"weak": main(limit.measure.photographs), "strong": tuned(limit.measure.photographs, alpha=1.0)}
    assert list(painted) == list(expected)
    for end, picture in expected.items():
        assert torch.equal(painted[end], picture.clamp(0, 1))
        assert (picture < 0).any() or (picture > 1).any()  # so that it matters
    assert not any(module._forward_hooks for module in main.modules())


def test_regret_is_each_ends_cost_over_the_optimums_under_its_own_weight(trained, limit, painted):
    pair = [trained[name] for name in PAIR]
    known = with_optima(limit, painted, weak=(0.5, 0.8, 0.25), strong=(None, 0.1, 0.2))
    found = limits.regret_ratios(painted, *pair, known)
    assert found == {
        "regret_ratio_weak": pytest.approx(2, rel=1e-4),
        "regret_ratio_strong": pytest.approx(7.5, rel=1e-4),
    }
    some_known = with_optima(limit, painted, strong=(None, None, 0.25))
    assert limits.regret_ratios(painted, *pair, some_known) == {"regret_ratio_strong": pytest.approx(4, rel=1e-4)}
    assert limits.regret_ratios(painted, *pair, limit) == {}


def test_patterns_are_compared_with_the_paintings_own_at_the_worse_end(limit, painted):
    given = lattice(dynamic_style.painting(dynamic_style.STYLES[0])[None] / 255)
    own = {end: lattice(pictures) for end, pictures in painted.items()}
    for worse, end in ((own["weak"], "weak"), (own["strong"], "strong")):
        found = limits.lattice_ratios({end: painted[end]}, SMALL["style_blocks"])
        assert found == {f"lattice_{p}": pytest.approx(float(worse[p].median() / given[p])) for p in (2, 4)}
    both = limits.lattice_ratios(painted, SMALL["style_blocks"])
    for period in (2, 4):
        medians = [float(each[period].median() / given[period]) for each in own.values()]
        assert both[f"lattice_{period}"] == pytest.approx(max(medians))


def test_stripes_of_two_pixels_show():
    grey, stripes = torch.full((2, 3, 64, 64), 0.5), torch.arange(64) % 2 / 4
    found = [
        limits.lattice_ratios({"weak": picture + noise(), "strong": grey + noise()}, SMALL["style_blocks"])
        for picture in (grey, grey + stripes)
    ]
    assert found[1]["lattice_2"] > 10 * found[0]["lattice_2"]
    assert found[1]["lattice_4"] < 2 * found[0]["lattice_4"]


def noise():
    return 0.05 * torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))


def test_the_network_readers_play_with_comes_first_and_the_compared_one_under_its_own_name(trained, limit, painted):
    others = {
        name: Trained(replace(SMALL[compared], name=name), None, shaken(compared, repeat=1))
        for name, compared in zip(PLAY, PAIR, strict=True)
    }
    known = with_optima(limit, painted, weak=(0.5, 0.5, 0.5), strong=(0.5, 0.5, 0.5))
    alone, both = limits.limits(trained, known), limits.limits({**trained, **others}, known)
    assert set(alone) == {"regret_ratio_weak", "regret_ratio_strong", "lattice_2", "lattice_4"}
    assert set(both) == {*alone, *(f"{name}_comparison" for name in alone)}
    for name, value in alone.items():
        assert both[f"{name}_comparison"] == value
        assert both[name] != value


def test_optima_are_looked_up_for_the_photographs_at_hand():
    found = limits.limit_for(SMALL["style_blocks"], QUIET)
    assert found.names == ["astronaut"]
    expected = Optima(found.measure.source, "the built-in paintings", small_loss().features.source, 32)
    assert found.optima == expected
