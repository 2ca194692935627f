"""Pairs of a layout and a picture: parts of them, and their styles by name."""

import pytest
import torch

from lossconditioning import ReaderError
from lossconditioning.datasets.pairs import Pairs


@pytest.fixture
def pairs():
    layouts, pictures = torch.arange(2 * 4 * 3 * 2 * 2, dtype=torch.uint8).view(2, 4, 3, 2, 2)
    factors = torch.tensor([[0, 1], [1, 0], [1, 1], [0, 0]])
    return Pairs(layouts, pictures, factors, ("hour", "weather"), (("day", "night"), ("clear", "fog")), "made up")


def test_a_style_has_names(pairs):
    assert len(pairs) == 4
    assert pairs.style(0) == {"hour": "day", "weather": "fog"}
    assert pairs.factor("hour").tolist() == [0, 1, 1, 0]
    with pytest.raises(ReaderError, match=r"no factor 'whether'. Did you mean 'weather'"):
        pairs.factor("whether")


def test_parts_keep_layouts_pictures_and_factors_together(pairs):
    for chosen in (slice(1, 3), torch.tensor([1, 2]), torch.tensor([False, True, True, False])):
        part = pairs[chosen]
        assert len(part) == 2
        assert part.style(1) == {"hour": "night", "weather": "fog"}
        for name in ("layouts", "pictures", "factors"):
            assert torch.equal(getattr(part, name), getattr(pairs, name)[1:3])
