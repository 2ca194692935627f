"""Triplets come out of the nearest and the farthest; equation 1 by hand."""

import pytest
import torch

from lossconditioning import ReaderError
from lossconditioning.systems.staged_encoder.triplets import l2, neighbours, triplet_loss


def on_a_line(count=30):
    places = torch.arange(count, dtype=torch.float32)
    return (places[:, None] - places).square()


def test_nearest_and_farthest_without_oneself():
    found = neighbours(on_a_line())
    assert found.nearest.shape == (30, 5)
    assert found.farthest.shape == (30, 13)
    assert found.nearest[0].tolist() == [1, 2, 3, 4, 5]
    assert found.farthest[0].tolist() == list(range(29, 16, -1))
    assert set(found.nearest[10].tolist()) >= {8, 9, 11, 12}


def test_pictures_that_are_all_the_same_are_neighbours_but_not_their_own():
    found = neighbours(torch.zeros(19, 19))
    for number in range(19):
        near, far = set(found.nearest[number].tolist()), set(found.farthest[number].tolist())
        assert len(near | far) == 18  # nobody twice
        assert number not in near | far


def test_too_few_pictures_are_said():
    with pytest.raises(ReaderError, match="at least 19 pictures; got 18"):
        neighbours(on_a_line(18))
    assert neighbours(on_a_line(18), close=4).nearest.shape == (18, 4)
    with pytest.raises(ReaderError, match=r"\(N, N\); got \(4, 30\)"):
        neighbours(on_a_line()[:4])


def test_triplets_are_of_neighbours_and_a_function_of_seed_and_step():
    found = neighbours(on_a_line())
    torch.manual_seed(0)
    first = found.triplets(12, seed=3, step=7)
    torch.manual_seed(1)
    assert torch.equal(first, found.triplets(12, seed=3, step=7))
    assert not torch.equal(first, found.triplets(12, seed=3, step=8))
    assert not torch.equal(first, found.triplets(12, seed=4, step=7))
    pairs = set()
    for step in range(200):
        anchors, positives, negatives = found.triplets(30, seed=0, step=step).tolist()
        assert sorted(anchors) == list(range(30))  # each once
        for anchor, positive, negative in zip(anchors, positives, negatives, strict=True):
            assert positive in found.nearest[anchor]
            assert negative in found.farthest[anchor]
            pairs |= {(anchor, positive), (anchor, negative)}
    assert len(pairs) == 30 * 18  # all of them occur
    with pytest.raises(ReaderError, match="asked for 31"):
        found.triplets(31, seed=0, step=0)


def test_the_triplet_loss_by_hand():
    anchor, positive, negative = torch.tensor(
        [[[0.0, 0.0]] * 3, [[1, 0], [1, 0], [0.5, 0]], [[2, 0], [0, 1], [0.5, 0]]]
    )
    assert triplet_loss(anchor, positive, negative).tolist() == pytest.approx([0, 0.1, 0.1])
    assert triplet_loss(anchor, negative, positive).tolist() == pytest.approx([3.1, 0.1, 0.1])
    assert triplet_loss(anchor, negative, positive, margin=1).tolist() == pytest.approx([4, 1, 1])
    assert l2(anchor, positive, negative).tolist() == pytest.approx([5 / 3, 2 / 3, 0.5 / 3])


def test_embeddings_are_drawn_apart_as_far_as_the_margin():
    torch.manual_seed(0)
    codes = torch.randn(30, 2).mul_(0.01).requires_grad_()
    found, optimizer = neighbours(on_a_line()), torch.optim.Adam([codes], lr=0.02)
    for step in range(300):
        chosen = codes[found.triplets(12, 0, step)]
        optimizer.zero_grad()
        (triplet_loss(*chosen) + 0.01 * l2(*chosen)).mean().backward()
        optimizer.step()
    with torch.no_grad():
        chosen = codes[found.triplets(30, 1, 0)]
        assert float((triplet_loss(*chosen) == 0).float().mean()) > 0.8
