"""LSGAN's losses: squares, means over patches, one number per example."""

import pytest
import torch

from lossconditioning import ReaderError, weighted
from lossconditioning.losses import lsgan_discriminator, lsgan_generator


@pytest.fixture
def scores():
    return torch.randn(2, 5, 1, 4, 3, generator=torch.Generator().manual_seed(0))


def test_they_are_mean_squares_over_patches_of_each_example(scores):
    real, made = scores
    told = lsgan_discriminator(real, made)
    assert list(told) == ["real", "fake"]
    for row in range(5):
        assert told["real"][row] == pytest.approx(float(sum((s - 1) ** 2 for s in real[row].flatten()) / 12))
        assert told["fake"][row] == pytest.approx(float(sum(s**2 for s in made[row].flatten()) / 12))
        assert lsgan_generator(made)[row] == pytest.approx(float(sum((s - 1) ** 2 for s in made[row].flatten()) / 12))


@pytest.mark.parametrize("shape", [(4,), (4, 1), (4, 1, 6, 6), (0, 1, 2, 2)])
def test_one_score_a_picture_will_do_and_no_picture(shape):
    assert lsgan_generator(torch.ones(shape)).tolist() == [0.0] * shape[0]
    assert {
        name: loss.tolist() for name, loss in lsgan_discriminator(torch.ones(shape), torch.zeros(shape)).items()
    } == {
        "real": [0.0] * shape[0],
        "fake": [0.0] * shape[0],
    }


def test_the_best_answer_of_a_discriminator_is_the_share_of_real_pictures():
    answer = torch.zeros(1, requires_grad=True)
    real, made = (answer.expand(count, 1, 2, 2) for count in (3, 1))
    optimizer = torch.optim.SGD([answer], lr=0.05)
    for _ in range(200):
        told = lsgan_discriminator(real, made)
        optimizer.zero_grad()
        (told["real"].sum() + told["fake"].sum()).backward()
        optimizer.step()
    assert answer.item() == pytest.approx(0.75, abs=1e-3)


def test_an_example_without_adversarial_weight_teaches_nothing(scores):
    real, made = (part.clone().requires_grad_() for part in scores)
    lam = torch.tensor([1.0, 0.0, 0.5, 0.0, 0.25])
    told = lsgan_discriminator(real, made)
    weighted(told, dict.fromkeys(told, lam)).mean().backward()
    for part in (real, made):
        assert part.grad.flatten(1).any(1).tolist() == [True, False, True, False, True]


@pytest.mark.parametrize("half", [torch.float16, torch.bfloat16], ids=str)
def test_sums_of_half_precision_are_in_single(half, scores):
    loss = lsgan_generator((300 * scores[0]).to(half))  # whose squares leave float16
    assert loss.dtype == torch.float32
    torch.testing.assert_close(loss, lsgan_generator(300 * scores[0]), rtol=0.02, atol=0.1)
    assert lsgan_generator(scores[0].double()).dtype == torch.float64


@pytest.mark.parametrize("wrong", [torch.tensor(1.0), torch.ones(3, dtype=torch.long), [0.5, 0.5], 1.0], ids=str)
def test_what_is_no_score_is_refused(wrong):
    with pytest.raises(ReaderError, match=r"scores are floating-point numbers, \(B, …\)"):
        lsgan_generator(wrong)
    with pytest.raises(ReaderError, match="scores"):
        lsgan_discriminator(torch.ones(2), wrong)
