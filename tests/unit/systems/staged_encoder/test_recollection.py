"""What is recalled from cards: Table 4 over repetitions, and facades for whoever has none."""

import statistics

import pytest
from small_staged import cards

from lossconditioning.systems import staged_encoder as staged


def test_table_4_is_means_and_deviations_of_what_stands_in_cards():
    found = {}
    for number, name in enumerate(("outlines", "outlines_again1", "outlines_again2")):
        found |= cards([name], {"psnr": 20.0 + number, "lpips": 0.1 * 2**number})
    for number, name in enumerate(("outlines_ours_v4", "outlines_ours_v4_again1")):
        found |= cards([name], {"psnr": 18.0 + 2 * number, "lpips": 0.3})
    recalled = staged.recall(found)
    assert recalled == pytest.approx(
        {
            "ladder_psnr_ours_v3": 21,
            "ladder_psnr_ours_v3_deviation": 1,
            "ladder_lpips_ours_v3": 0.7 / 3,
            "ladder_lpips_ours_v3_deviation": statistics.stdev((0.1, 0.2, 0.4)),
            "ladder_psnr_ours_v4": 19,
            "ladder_psnr_ours_v4_deviation": 2**0.5,
            "ladder_lpips_ours_v4": 0.3,
            "ladder_lpips_ours_v4_deviation": 0,
            "ladder_seeds": 2,
        }
    )
    alone = staged.recall(cards(["outlines_bicycle_v1_2"], {"psnr": 17.0, "lpips": 0.2}))
    assert alone == {"ladder_psnr_bicycle_v1_2": 17, "ladder_lpips_bicycle_v1_2": 0.2, "ladder_seeds": 1}
    assert staged.recall({}) == {}


def test_facades_are_recalled_from_their_cards():
    found = cards(["facades_stage2"], {"psnr": 13.4, "lpips": 0.38}) | cards(["facades"], {"psnr": 13.5, "lpips": 0.37})
    assert staged.recall(found) == {
        "facades_psnr_stage2": 13.4,
        "facades_lpips_stage2": 0.38,
        "facades_psnr_stage3": 13.5,
        "facades_lpips_stage3": 0.37,
    }
