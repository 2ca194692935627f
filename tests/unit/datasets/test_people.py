"""Drawn faces by part and attribute; CelebA's are tried with its own tests."""

from itertools import pairwise

import pytest
import torch

from lossconditioning import ReaderError
from lossconditioning.datasets.faces import faces
from lossconditioning.datasets.people import FIRST, portraits


def test_parts_of_the_drawn_faces_are_other_people():
    found = {split: portraits("drawn", split, 4) for split in FIRST}
    for split, start in FIRST.items():
        assert torch.equal(found[split].images, faces(4, start=start).images)
    assert all(after - before >= 1_000_000 for before, after in pairwise(sorted(FIRST.values())))


def test_drawn_faces_have_what_they_should_and_lack_what_they_should():
    found = portraits("drawn", "train", 12, having=("hat",), lacking=("glasses", "beard"))
    assert found.having("hat").all()
    assert not found.having("glasses").any()
    assert not found.having("beard").any()
    assert len(set(found.having("smiling").tolist())) == 2
    with pytest.raises(ReaderError, match="Did you mean 'glasses'"):
        portraits("drawn", "train", 2, having=("glases",))


def test_what_was_asked_for_last_is_kept():
    assert portraits("drawn", "train", 3) is portraits("drawn", "train", 3)
