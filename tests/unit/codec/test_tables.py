"""The integer tables: distributions to within a rounding, and every symbol comes back, in the table or not."""

import copy
import math

import constriction
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lossconditioning.codec.entropy_models import FactorisedPrior
from lossconditioning.codec.tables import (
    BOUNDARIES,
    SCALES,
    SYMBOL_MAX,
    TOTAL,
    Table,
    gaussian_tables,
    prior_tables,
)

GAUSSIAN = gaussian_tables()


@pytest.fixture(scope="module")
def prior() -> FactorisedPrior:
    """Distributions of several widths, none around zero."""
    torch.manual_seed(0)
    prior = FactorisedPrior(5)
    with torch.no_grad():
        prior.matrices[0].add_(torch.tensor([-2.0, -1.0, 0.0, 2.0, 6.0]).reshape(5, 1, 1))
        prior.biases[-1].add_(torch.randn(5, 1, 1))
    prior.find_medians()
    return prior


def written(table: Table, symbols: np.ndarray) -> np.ndarray:
    encoder = constriction.stream.queue.RangeEncoder()
    table.write(encoder, symbols.astype(np.int32))
    return encoder.get_compressed()


def read(table: Table, words: np.ndarray, count: int) -> list[int]:
    return table.read(constriction.stream.queue.RangeDecoder(words), count).tolist()


# Numbers --------------------------------------------------------------------------------------------------------------


def check_numbers(table: Table) -> None:
    counts = table.counts
    assert counts.dtype == np.uint32
    assert counts.min() >= 1  # the escape's, the last, included
    # Each number is rounded by a half at most, those below one half up to one.
    assert abs(int(counts.sum(dtype=np.int64)) - TOTAL) <= len(counts)


def test_gaussian_tables_are_whole_numbers_of_a_common_total():
    assert len(GAUSSIAN) == len(SCALES) == len(BOUNDARIES) + 1
    for table, scale in zip(GAUSSIAN, SCALES, strict=True):
        check_numbers(table)
        own = table.counts[:-1]
        assert np.array_equal(own, own[::-1])
        assert len(own) == 1 - 2 * table.first
        assert -table.first >= 5.5 * scale
        assert table.counts[-1] <= 2  # the escape is all but never needed


def test_a_gaussian_table_is_its_gaussian():
    for table, scale in zip(GAUSSIAN, SCALES, strict=True):
        symbols = table.first + np.arange(len(table.counts) - 1)
        mass = [0.5 * (math.erf((s + 0.5) / scale / 2**0.5) - math.erf((s - 0.5) / scale / 2**0.5)) for s in symbols]
        assert np.abs(table.counts[:-1] - TOTAL * np.array(mass)).max() <= 1


def test_scales_grow_evenly_and_boundaries_lie_between():
    assert np.allclose(np.diff(np.log(SCALES)), math.log(256 / 0.11) / 63)
    assert (np.diff(np.sort([*SCALES, *BOUNDARIES])) > 0).all()
    assert np.allclose(np.log(BOUNDARIES) * 2, np.log(SCALES[1:]) + np.log(SCALES[:-1]))


def test_prior_tables_are_whole_numbers_of_a_common_total(prior):
    tables = prior_tables(prior)
    assert len(tables) == 5
    low, high = prior.quantile(1e-7) - prior.median.double(), prior.quantile(1 - 1e-7) - prior.median.double()
    for table, first, last in zip(tables, low.tolist(), high.tolist(), strict=True):
        check_numbers(table)
        assert table.first == math.floor(first)
        assert table.first + len(table.counts) - 2 == math.ceil(last)
    assert len({len(table.counts) for table in tables}) == 5


def test_a_prior_table_is_the_priors_likelihood_around_its_median(prior):
    for channel, table in enumerate(prior_tables(prior)):
        symbols = table.first + torch.arange(len(table.counts) - 1)
        values = (symbols + prior.median.double()[channel]).expand(1, 5, 1, -1)
        with torch.no_grad():
            likelihood = prior.likelihood(values)[0, channel, 0].numpy()
        assert np.abs(table.counts[:-1] - TOTAL * likelihood).max() <= 1


def test_a_prior_wider_than_the_symbols_is_cut_to_them(prior):
    wide = copy.deepcopy(prior)
    with torch.no_grad():
        wide.matrices[0].sub_(20)
    for table in prior_tables(wide):
        check_numbers(table)
        assert table.first == -SYMBOL_MAX
        assert table.first + len(table.counts) - 2 == SYMBOL_MAX
        symbols = np.array([-SYMBOL_MAX, 0, SYMBOL_MAX])
        assert read(table, written(table, symbols), 3) == symbols.tolist()


def test_tables_are_the_same_when_they_are_built_again(prior):
    again = [*gaussian_tables(), *prior_tables(copy.deepcopy(prior)), *prior_tables(copy.deepcopy(prior).double())]
    first = [*GAUSSIAN, *prior_tables(prior), *prior_tables(prior)]
    for one, other in zip(first, again, strict=True):
        assert one.first == other.first
        assert np.array_equal(one.counts, other.counts)


# Coding ---------------------------------------------------------------------------------------------------------------

SIZES = [0, 1, -1, 2, 5, -6, 100, -300, 1408, 1409, -1409, -1410, 5000, 32766, 32767, -32766, -32767, -32768]


@pytest.mark.parametrize("number", [0, 1, 31, 63])
def test_symbols_of_every_size_come_back(number):
    table = GAUSSIAN[number]
    edges = [table.first - 1, table.first, table.first + len(table.counts) - 2, table.first + len(table.counts) - 1]
    symbols = np.array([*SIZES, *edges])
    assert read(table, written(table, symbols), len(symbols)) == symbols.tolist()
    for symbol in symbols:
        assert read(table, written(table, symbol[None]), 1) == [symbol]


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_any_symbols_of_any_tables_come_back_one_after_the_other(data):
    parts = data.draw(
        st.lists(
            st.tuples(st.integers(0, 63), st.lists(st.integers(-SYMBOL_MAX - 1, SYMBOL_MAX) | st.integers(-9, 9))),
            max_size=6,
        )
    )
    encoder = constriction.stream.queue.RangeEncoder()
    for number, symbols in parts:
        GAUSSIAN[number].write(encoder, np.array(symbols, dtype=np.int32))
    decoder = constriction.stream.queue.RangeDecoder(encoder.get_compressed())
    for number, symbols in parts:
        assert GAUSSIAN[number].read(decoder, len(symbols)).tolist() == symbols


@pytest.mark.parametrize("number", [10, 20, 30, 45, 63])
def test_coded_length_is_the_entropy(number):
    scale, table, count = SCALES[number], GAUSSIAN[number], 300_000
    symbols = np.round(scale * np.random.default_rng(number).standard_normal(count))
    share = table.counts / table.counts.sum(dtype=np.int64)
    entropy = -float((share * np.log2(share)).sum())
    length = 32 * len(written(table, symbols))
    assert length == pytest.approx(count * entropy, rel=0.005)
    places = np.clip(symbols - table.first, 0, len(share) - 1).astype(int)
    assert length == pytest.approx(-np.log2(share[places]).sum(), rel=1e-4, abs=64)


def test_coded_length_of_a_prior_is_its_entropy(prior):
    for table in prior_tables(prior):
        share = table.counts / table.counts.sum(dtype=np.int64)
        places = np.random.default_rng(0).choice(len(share) - 1, 300_000, p=share[:-1] / share[:-1].sum())
        entropy = -float((share * np.log2(share)).sum())
        assert 32 * len(written(table, places + table.first)) == pytest.approx(len(places) * entropy, rel=0.005)


def test_the_nearest_scale_costs_hardly_more_than_the_right_one():
    draw = np.random.default_rng(0)
    for scale in np.geomspace(0.7, 250, 40):
        table = GAUSSIAN[np.searchsorted(BOUNDARIES, scale)]
        symbols = np.arange(-2000, 2001)
        edges = torch.from_numpy(np.append(symbols, 2001) - 0.5) / scale
        mass = torch.special.ndtr(edges).diff().numpy()
        ideal = -float((mass * np.log2(np.maximum(mass, 1e-300))).sum())
        coded = 32 * len(written(table, draw.choice(symbols, 40_000, p=mass / mass.sum()))) / 40_000
        assert coded == pytest.approx(ideal, rel=0.02)


def test_no_symbols_cost_nothing():
    words = written(GAUSSIAN[0], np.array([]))
    assert len(words) == 0
    assert read(GAUSSIAN[0], words, 0) == []


def test_constant_symbols_cost_next_to_nothing():
    assert len(written(GAUSSIAN[0], np.zeros(1_000_000))) <= 2
