"""What is recalled from cards: Tables 2 and 3, heads, frozen backbones, Table 1 as it stood, and drift."""

import pytest

from lossconditioning.systems.hyper_singan.recollection import recall
from lossconditioning.training.cards import Card

SCORES = ("sifid", "msifid", "diversity")


def card(name, **metrics):
    return {name: Card("hyper_singan", name, {}, "laptop", 0, 1, 1.0, "", "", metrics)}


def scores(start):
    return dict(zip(SCORES, (start, start + 0.1, start + 0.2), strict=True))


def under(prefix, start):
    return {f"{prefix}{score}": value for score, value in scores(start).items()}


def test_nothing_is_recalled_of_nothing():
    assert recall({}) == {}
    assert recall(card("play", **scores(1))) == {}


def test_mini_batches_are_recalled_by_their_size():
    found = card("batch_1", **scores(1)) | card("batch_5", **scores(5), leakage=0.1) | card("batch_6", **scores(6))
    assert recall(found) == under("batch_1_", 1) | under("batch_5_", 5)


def test_growing_data_sets_have_learned_and_unseen_pictures():
    found = card("dataset", **scores(1), **under("unseen_", 2), psnr=20.0)
    found |= card("dataset_10", **scores(3), **under("unseen_", 4)) | card("dataset_200", **scores(5))
    expected = under("grown_50_", 1) | under("grown_50_unseen_", 2) | under("grown_10_", 3)
    assert recall(found) == expected | under("grown_10_unseen_", 4) | under("grown_200_", 5)


def test_heads_and_frozen_backbones_are_recalled():
    found = card("full", **scores(1)) | card("chunked", **scores(2))
    found |= card("frozen_1", **scores(3)) | card("frozen_5", **scores(4)) | card("frozen_2", **scores(5))
    expected = under("heads_full_", 1) | under("heads_chunked_", 2) | under("frozen_1_", 3) | under("frozen_5_", 4)
    assert recall(found) == expected


def test_a_score_that_a_card_lacks_is_left_out():
    assert recall(card("full", sifid=0.1, psnr=20.0)) == {"heads_full_sifid": 0.1}


@pytest.mark.parametrize("prefix", ["places_", "lsun_"])
def test_table_1_as_it_stands_in_cards_is_of_one_network_and_the_mean_of_singans(prefix):
    ours = card(f"{prefix}dataset", **scores(1))
    separate = card(f"{prefix}singan_0", **scores(2)) | card(f"{prefix}singan_4", **scores(4))
    found = recall(ours | separate | card(f"{prefix}singan_5", **scores(100)))
    expected = under(f"card_{prefix}dataset_", 1) | under(f"card_{prefix}singan_", 3)
    assert found == pytest.approx(expected)
    assert recall(ours) == recall(separate) == {}


def test_table_1_of_the_built_in_data_is_recalled_too():
    found = recall(card("dataset", **scores(1)) | card("singan_1", **scores(2)))
    assert found == under("grown_50_", 1) | under("card_dataset_", 1) | under("card_singan_", 2)


def test_drift_is_the_error_of_the_coarsest_scale():
    found = recall(card("drifting", error_1=0.4, error_2=0.1) | card("batch_4", error_1=0.1, error_2=0.2))
    assert found == {"drift_alone": 0.4, "drift_accumulated": 0.1}
    assert recall(card("drifting", error_1=0.4)) == {"drift_alone": 0.4}
