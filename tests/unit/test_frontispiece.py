"""The README's picture of five networks: each row is one network's, and its dial does something."""

import pytest
import torch

from lossconditioning import frontispiece
from lossconditioning.display import jpeg
from lossconditioning.frontispiece import COLUMNS, SIDE
from lossconditioning.records import DIALS


@pytest.fixture(scope="module")
def rows():
    made = (frontispiece.autoencoder, frontispiece.painter, frontispiece.translator, frontispiece.face)
    return [row() for row in (*made, frontispiece.landscape)]


def test_every_row_has_a_picture_for_every_position_of_its_dial(rows):
    for row in rows:
        assert row.pictures.shape == (COLUMNS, 3, SIDE, SIDE)
        assert row.given.shape == (3, SIDE, SIDE)
        assert 0 <= row.pictures.min() < row.pictures.max() <= 1
        assert len(set(row.values)) == COLUMNS


def test_from_end_to_end_a_dial_does_more_than_from_one_position_to_the_next(rows):
    for row in (rows[0], rows[1], rows[3], rows[4]):
        steps = (row.pictures[1:] - row.pictures[:-1]).square().mean((1, 2, 3))
        assert (row.pictures[-1] - row.pictures[0]).square().mean() > steps.median() > 0


def test_the_autoencoder_is_nearest_to_its_picture_where_describing_is_cheap(rows):
    away = (rows[0].pictures - rows[0].given).square().mean((1, 2, 3))
    assert away[0] < away[-1]
    assert torch.equal(away.sort().values[-2:], away[-2:])


def test_a_walk_round_the_triangle_leads_away_from_the_photograph_and_back(rows):
    away = (rows[2].pictures - rows[2].given).square().mean((1, 2, 3))
    assert away[0] == away.min()
    assert away[2] > away[1]  # Monet alone, and half of him
    assert away[4] > away[5]  # the painting's patterns alone, and half of them


def test_the_readme_shows_it(pytestconfig):
    readme = (pytestconfig.rootpath / "README.md").read_text(encoding="utf-8")
    assert f"]({DIALS.as_posix()})" in readme
    assert (pytestconfig.rootpath / DIALS).stat().st_size < 400_000


def test_it_is_a_jpeg():
    assert jpeg(frontispiece.dials()).startswith(b"\xff\xd8")


def test_generators_at_both_ends_are_those_of_two_pictures(rows):
    made, given = rows[4].pictures, rows[4].given
    away = (made - given).mean((2, 3)).abs().sum(1)
    assert away[0] < away[-1]  # in colour
