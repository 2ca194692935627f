"""Tables beside the paper's: its numbers as they stand there, ours where they were measured."""

import pytest

from lossconditioning.systems.hyper_singan import tables

SCORES = ("sifid", "msifid", "diversity")
PLACES = {
    "SinGAN": [0.09, 0.15, 0.52, 60],
    "ConSinGAN": [0.06, 0.08, 0.50, 20],
    "HP-VAE-GAN": [0.17, 0.27, 0.62, 60],
    "hypernetwork, one picture": [0.03, 0.06, 0.57, 30],
    "hypernetwork, data set": [0.05, 0.07, 0.50, 5],
}
LSUN = {
    "SinGAN": [0.11, 0.20, 0.60, 60],
    "ConSinGAN": [0.08, 0.13, 0.55, 20],
    "HP-VAE-GAN": [0.40, 0.62, 0.78, 60],
    "hypernetwork, one picture": [0.11, 0.19, 0.65, 30],
    "hypernetwork, data set": [0.11, 0.16, 0.48, 5],
}


def some(names, start=0.0):
    """Metric → number, each 0.01 more than the one before."""
    return {name: start + 0.01 * number for number, name in enumerate(names, 1)}


def part(table, who):
    """Rows of "ours" or of the "paper": label → numbers."""
    return {
        label: list(row) for (of, label), row in zip(table.index, table.to_numpy().tolist(), strict=True) if of == who
    }


# Table 1 ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("prefix", "paper"), [("", PLACES), ("places_", PLACES), ("lsun_", LSUN)])
def test_table_1_has_the_papers_numbers_of_the_data_set(prefix, paper):
    table = tables.table_1({}, prefix)
    assert part(table, "paper") == paper
    assert part(table, "ours") == {}
    assert list(table.columns) == ["SIFID", "mSIFID", "diversity", "minutes per picture"]


def test_table_1_has_ours_above_the_papers():
    of = {"separate SinGANs": "_separate", "hypernetwork, one picture": "_single", "hypernetwork, data set": ""}
    metrics = {}
    for number, suffix in enumerate(of.values()):
        metrics |= some([f"lsun_{name}{suffix}" for name in (*SCORES, "minutes")], number)
    table = tables.table_1(metrics, "lsun_")
    assert [who for who, _ in table.index] == ["ours"] * 3 + ["paper"] * 5
    expected = {label: [n + 0.01, n + 0.02, n + 0.03, n + 0.04] for n, label in enumerate(of)}
    assert part(table, "ours") == expected
    assert part(tables.table_1(metrics), "ours") == {}
    del metrics["lsun_sifid_single"]
    assert list(part(tables.table_1(metrics, "lsun_"), "ours")) == ["separate SinGANs", "hypernetwork, data set"]


# Table 2 ------------------------------------------------------------------------------------------------------------------

MINI_BATCHES = {
    "1": [0.03, 0.07, 0.73],
    "2": [0.04, 0.07, 0.66],
    "3": [0.03, 0.07, 0.68],
    "4": [0.04, 0.08, 0.70],
    "5": [0.04, 0.08, 0.71],
}


def test_table_2_has_mini_batches_of_one_to_five():
    assert part(tables.table_2({}), "paper") == MINI_BATCHES
    assert part(tables.table_2({}), "ours") == {}
    metrics = {
        name: value
        for count in (1, 2, 4)
        for name, value in some([f"batch_{count}_{s}" for s in SCORES], count).items()
    }
    del metrics["batch_2_diversity"]
    table = tables.table_2(metrics)
    assert part(table, "ours") == {"1": [1.01, 1.02, 1.03], "4": [4.01, 4.02, 4.03]}
    assert part(table, "paper") == MINI_BATCHES
    assert [who for who, _ in table.index] == ["ours"] * 2 + ["paper"] * 5


# Table 3 ------------------------------------------------------------------------------------------------------------------

GROWN = {"500": [0.04, 0.47], "2500": [0.05, 0.43], "5000": [0.05, 0.41]}


def test_table_3_has_learned_and_unseen_pictures():
    metrics = {
        "grown_10_sifid": 0.1,
        "grown_10_unseen_sifid": 0.9,
        "grown_200_sifid": 0.2,
        "grown_50_unseen_sifid": 0.8,
    }
    assert part(tables.table_3({}), "paper") == GROWN
    table = tables.table_3(metrics)
    assert part(table, "ours") == {"10": [0.1, 0.9]}
    assert part(table, "paper") == GROWN
    assert list(table.columns) == ["SIFID, learned", "SIFID, unseen"]


# Appendix C ---------------------------------------------------------------------------------------------------------------

FROZEN = {
    "end to end": [0.05, 0.07, 0.50],
    "frozen, 1 layers": [0.26, 0.56, 0.79],
    "frozen, 3 layers": [0.14, 0.23, 0.63],
    "frozen, 5 layers": [0.17, 0.27, 0.63],
}


def test_the_table_of_appendix_c_has_frozen_backbones():
    metrics = some([f"grown_50_{score}" for score in SCORES]) | some([f"frozen_3_{score}" for score in SCORES], 1)
    assert part(tables.table_c({}), "paper") == FROZEN
    assert part(tables.table_c({}), "ours") == {}
    table = tables.table_c(metrics | {"frozen_1_sifid": 0.3})
    assert part(table, "ours") == {"end to end": [0.01, 0.02, 0.03], "frozen, 3 layers": [1.01, 1.02, 1.03]}
    assert part(table, "paper") == FROZEN


def test_numbers_are_rounded_to_three_places():
    table = tables.table_3({"grown_10_sifid": 0.12345, "grown_10_unseen_sifid": 1.0006})
    assert part(table, "ours") == {"10": [0.123, 1.001]}
