"""One network against separate ones, and ways to tell S: numbers by hand, and no more of them than there are networks for."""

import math

import pytest
import torch
from small_mixed import SMALL, as_if_trained

from lossconditioning.evaluation import Claim
from lossconditioning.systems import mixed_domain as mixed
from lossconditioning.training import Run, Trained
from lossconditioning.training.cards import Card

SMOKE = Run(profile="smoke", progress=False)
NAMES = ("reconstruction", "adversarial", "perceptual")


class Known:
    """A measure whose losses are given: (network, S) → three numbers."""

    def __init__(self, losses):
        self.losses, self.costs = losses, type("Costs", (), {"names": NAMES})

    def values(self, model, lam):
        return dict(zip(NAMES, self.losses(model, lam), strict=True))


def test_the_ratio_is_a_mean_over_s_and_only_there_with_all_separate_networks():
    table = {}
    for number, lam in enumerate(mixed.TABLE_3):
        at = mixed.letters(lam)
        for method, factor in (("sym", 1.0), ("separate", 2.0)):
            table |= {f"table3_{method}_{loss}_{at}": factor * (k + 1) for k, loss in enumerate(NAMES)}
        table[f"table3_sym_objective_{at}"] = 1.0
        table[f"table3_separate_objective_{at}"] = 1.0 + number
    found = mixed.ratios(table, NAMES)
    assert found["table3_ratio"] == pytest.approx(sum(1 / (1 + n) for n in range(7)) / 7)
    assert found["table3_ratio_ab"] == 0.5
    assert found["runaway"] == pytest.approx(2)
    assert found["runaway_count"] == 9
    table["table3_separate_adversarial_a"] = 0.5
    found = mixed.ratios(table, NAMES)
    assert found["runaway_count"] == 8
    assert found["runaway"] == pytest.approx(math.exp((8 * math.log(2) + math.log(0.25)) / 9))
    del table["table3_separate_objective_abc"]
    assert mixed.ratios(table, NAMES) == {}


def test_mixtures_are_all_but_the_corners_of_a_triangle():
    found = mixed.mixtures()
    assert len(found) == len(set(found)) == 12
    assert all(sum(lam) == 1 and max(lam) < 1 for lam in found)


def test_losses_that_follow_s_are_smallest_at_their_corner_and_in_between_elsewhere():
    found = mixed.order(None, Known(lambda model, lam: [1 - weight for weight in lam]))
    assert found == {"corner_minima": 3, "between": 1}
    # One that does not depend on S is between its equal corner values, and smallest at every S.
    found = mixed.order(None, Known(lambda model, lam: [1 - lam[0], 1 - lam[1], 1.0]))
    assert found == {"corner_minima": 3, "between": 1}
    # One that is smaller at a mixture than at its own corner is neither.
    found = mixed.order(None, Known(lambda model, lam: [1 - lam[0], 1 - lam[1], 1 - lam[2] - 2 * (lam[1] == 0.25)]))
    assert found["corner_minima"] == 2
    below = sum(lam[1] == 0.25 for lam in mixed.mixtures())
    assert found["between"] == pytest.approx(1 - below / 36)


@pytest.fixture(scope="module")
def trained():
    names = [name for name, config in SMALL.items() if not config.repeat and not name.startswith("model_")]
    models = as_if_trained(*names)
    return {name: Trained(SMALL[name], None, models[name]) for name in names}


def test_the_evaluation_is_plain_numbers_and_judges_every_claim_whose_networks_are_there(trained):
    found = mixed.compare(trained, SMOKE)
    assert all(isinstance(value, (int, float)) and math.isfinite(value) for value in found.values())
    promised = {"table3_ratio", "corner_minima", "between", "reconstruction_psnr"}
    promised |= {f"response_{way}" for way in mixed.CONDITIONING} | {
        f"interference_{way}" for way in mixed.CONDITIONING
    }
    assert promised <= found.keys()
    assert found["table3_sym_objective_b"] == found["table3_sym_adversarial_b"]
    assert found["objective_ccam"] == pytest.approx(
        sum(found[f"table3_sym_objective_{mixed.letters(lam)}"] for lam in mixed.TABLE_3) / 7
    )
    assert found["reconstruction_psnr"] == found["psnr_play"]
    assert found["response_concatenation"] == pytest.approx(0, abs=1e-3)
    assert {
        f"{name}_play" for name in ("corner_minima", "between", "response", "interference", "share_beyond")
    } <= found.keys()
    claims = [statement.judged(found) for statement in mixed.CLAIMS if statement.id != "again"]
    assert all(isinstance(claim, Claim) for claim in claims)
    assert all(set(statement.of) <= set(mixed.experiments("laptop")) for statement in mixed.CLAIMS)


def test_what_networks_are_missing_for_is_left_out(trained):
    few = {name: trained[name] for name in mixed.compared(SMOKE)}
    found = mixed.compare(few, SMOKE)
    assert {"corner_minima", "between", "reconstruction_psnr", "objective_ccam"} <= found.keys()
    left_out = (
        "table3_ratio",
        "runaway",
        "response_",
        "interference_",
        "share_beyond",
        "psnr_one_hot",
        "table3_separate",
    )
    assert not [name for name in found if name.startswith(left_out)]
    claims = [statement for statement in mixed.CLAIMS if not statement.of]
    assert [statement.judged(found).id for statement in claims] == [
        "corner_minima",
        "between",
        "reconstructs",
        "deeper_gates_close",
    ]


def test_a_second_seed_is_recalled_from_its_cards():
    def card(name, metrics):
        return Card("mixed_domain", name, {}, "laptop", 0, 1, 1.0, "", "", metrics)

    rows = {
        mixed.letters(lam): dict(zip(("objective", *NAMES), (2.0, 1.0, 1.0, 1.0), strict=True)) for lam in mixed.TABLE_3
    }
    sym = {f"{loss}_{at}": value for at, row in rows.items() for loss, value in row.items()}
    found = {"sym_again": card("sym_again", sym)}
    for lam in mixed.TABLE_3:
        name, at = f"{mixed.separate_name(lam)}_again", mixed.letters(lam)
        found[name] = card(name, {f"{loss}_{at}": 2 * value for loss, value in rows[at].items()})
    recalled = mixed.recall(found)
    assert recalled["again_table3_ratio"] == 0.5
    assert recalled["again_runaway"] == pytest.approx(2)
    assert mixed.recall({}) == {}


def test_separate_networks_are_chosen_by_s():
    class One(torch.nn.Module):
        def __init__(self, number):
            super().__init__()
            self.number = number

        def forward(self, pictures):
            return pictures + self.number

    both = mixed.BySetting({lam: One(number) for number, lam in enumerate(mixed.TABLE_3)})
    for number, lam in enumerate(mixed.TABLE_3):
        assert both(torch.zeros(2, 1), torch.tensor([lam, lam])).tolist() == [[number]] * 2
