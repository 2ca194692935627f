"""Style distances of all pairs are the losses of style they stand for; neighbours share what they should."""

import pytest
import torch

from lossconditioning import ReaderError
from lossconditioning.losses import PerceptualFeatures, gram, style_loss
from lossconditioning.systems.staged_encoder import distances as module
from lossconditioning.systems.staged_encoder.distances import (
    all_pairs,
    all_shared,
    as_one,
    chance,
    shared,
    shared_factors,
    style_codes,
    style_distances,
)


def network(layers=("relu1_2", "relu2_1"), name="vgg16"):
    return PerceptualFeatures(layers, name, weights="random")


def some(count=5, seed=0):
    """Pictures that differ in how bright they are, too: noise alone has one style."""
    draw = torch.Generator().manual_seed(seed)
    light = torch.rand(count, 3, 1, 1, generator=draw)
    return (255 * light * torch.rand(count, 3, 16, 16, generator=draw)).byte()


def losses_of_style(pictures, features):
    """Pair by pair."""
    found = features(pictures.float() / 255)
    return torch.tensor(
        [
            [
                sum(float(style_loss(each[[i]], gram(each[[j]]))) for each in found.values())
                for j in range(len(pictures))
            ]
            for i in range(len(pictures))
        ]
    )


def test_squared_distances_of_codes_are_losses_of_style(monkeypatch):
    monkeypatch.setattr(module, "_AT_ONCE", 2)  # the last chunk is smaller
    features = network()
    codes = style_codes(some(), features)
    assert codes.shape == (5, 64 * 65 // 2 + 128 * 129 // 2)
    assert codes.dtype == torch.float32
    expected = losses_of_style(some(), features)
    torch.testing.assert_close(
        style_distances(some(), features), expected, rtol=1e-3, atol=1e-4 * float(expected.max())
    )


def test_close_codes_far_from_zero_are_told_apart(monkeypatch):
    monkeypatch.setattr(module, "_ENTRIES", 100)
    monkeypatch.setattr(module, "_WIDTH", 4)  # several blocks, the last one smaller
    codes = 1000 + torch.randn(20, 33, generator=torch.Generator().manual_seed(0))
    exact = (codes[:, None].double() - codes[None].double()).square().sum(2).float()
    found = all_pairs(codes)
    torch.testing.assert_close(found, exact, rtol=1e-4, atol=0)
    assert found.diagonal().tolist() == [0] * 20
    torch.testing.assert_close(all_pairs(codes[:4], codes), exact[:4], rtol=1e-4, atol=1e-4)
    assert all_pairs(codes.repeat(2, 1)).min() == 0  # never below


def test_what_are_no_pictures_or_codes_is_said():
    features = network()
    for wrong in (torch.rand(2, 3, 16, 16), some()[0], some()[:0]):
        with pytest.raises(ReaderError, match="uint8"):
            style_codes(wrong, features)
    with pytest.raises(ReaderError, match=r"got \(4, 3\) and \(4, 2\)"):
        all_pairs(torch.zeros(4, 3), torch.zeros(4, 2))
    many = some()[:1, :, :1, :1].expand(8001, 3, 16, 16)
    with pytest.raises(ReaderError, match=r"at most 8,000 pictures; got 8,001\. Take a subset"):
        style_distances(many, features)


# Kept on disk -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def counted(monkeypatch):
    """How many times codes were computed."""
    calls = []
    monkeypatch.setattr(module, "style_codes", lambda *given: calls.append(given) or style_codes(*given))
    return calls


def test_distances_are_computed_once(tmp_path, counted):
    first = style_distances(some(), network(), tmp_path / "new")
    again = style_distances(some(), network(), tmp_path / "new")
    assert len(counted) == 1
    assert torch.equal(first, again)
    assert [file.suffix for file in (tmp_path / "new").iterdir()] == [".safetensors"]


def test_another_picture_layer_or_weight_has_distances_of_its_own(tmp_path, counted):
    changed = network()
    changed.features[0].weight[0, 0, 0, 0] += 1
    for features in (network(), network(["relu1_2"]), network(["relu2_1", "relu1_2"]), changed):
        style_distances(some(), features, tmp_path)
    style_distances(some(seed=1), network(), tmp_path)
    assert len(counted) == len(list(tmp_path.iterdir())) == 5


@pytest.mark.parametrize("damage", [lambda data: data[:-3], lambda data: data[:-1] + b"\x01", lambda _: b"no"])
def test_a_damaged_file_is_written_anew(tmp_path, counted, damage):
    first = style_distances(some(), network(), tmp_path)
    (file,) = tmp_path.iterdir()
    file.write_bytes(damage(file.read_bytes()))
    assert torch.equal(style_distances(some(), network(), tmp_path), first)
    assert torch.equal(style_distances(some(), network(), tmp_path), first)
    assert len(counted) == 2


# What neighbours share --------------------------------------------------------------------------------------------------


def test_neighbours_that_share_one_factor_of_two():
    draw = torch.Generator().manual_seed(0)
    one, other = torch.randint(4, (2, 400), generator=draw)
    codes = torch.stack([10.0 * one, torch.rand(400, generator=draw)], dim=1)  # tells nothing of the other
    factors = torch.stack([one, other], dim=1)
    found = shared_factors(codes, factors)
    assert found[0] == 1
    assert float(found[1]) == pytest.approx(float(chance(factors)[1]), abs=0.05)
    assert all_shared(codes, factors) == pytest.approx(float(found[1]))
    assert all_shared(torch.stack([one, other], dim=1) * 9.0 + codes * 1e-3, factors) == 1


def test_shares_and_chances_by_hand():
    factors = torch.tensor([[0, 0], [0, 1], [1, 1], [1, 1]])
    nearest = torch.tensor([[1, 2], [0, 2], [3, 0], [2, 1]])
    assert shared(nearest, factors).tolist() == pytest.approx([4 / 8, 4 / 8])
    assert chance(factors).tolist() == pytest.approx([4 / 12, 6 / 12])
    assert as_one(factors).tolist() == [[0], [1], [2], [2]]
    assert chance(as_one(factors)).tolist() == pytest.approx([2 / 12])
    codes = torch.tensor([[0.0], [1.0], [3.0], [7.0]])
    assert shared_factors(codes, factors, k=1).tolist() == pytest.approx([3 / 4, 2 / 4])
    assert all_shared(codes, factors, k=1) == pytest.approx(1 / 4)


def test_factors_of_other_pictures_or_too_many_neighbours_are_said():
    codes = torch.randn(5, 2)
    with pytest.raises(ReaderError, match=r"Factors are \(5, F\)"):
        shared_factors(codes, torch.zeros(4, 2, dtype=torch.int64), k=2)
    with pytest.raises(ReaderError, match="at least 6 codes; got 5"):
        shared_factors(codes, torch.zeros(5, 2, dtype=torch.int64))
