"""What generators are used for: other sizes, blends, pictures painted anew, and walks that stay near a picture."""

import pytest
import torch
import torch.nn.functional as F
from small_hyper import GRID, SMALL, of_gains, shaken, some

from lossconditioning import ReaderError
from lossconditioning.systems.hyper_singan import applications
from lossconditioning.systems.hyper_singan.pyramid import noises
from lossconditioning.systems.hyper_singan.recipes import build
from lossconditioning.training.randomness import generator as generator_of


@pytest.fixture(scope="module")
def model():
    return shaken(build(SMALL["full"])).eval()


@pytest.fixture(scope="module")
def codes(model):
    """Of two pictures, (1, 8) each."""
    with torch.no_grad():
        return [model.code(some(1, (32, 32), seed)) for seed in (1, 2)]


def enlarged(pictures, size):
    return F.interpolate(pictures, size, mode="bilinear")


def alike(one, other):
    return all(torch.equal(value, w[name]) for v, w in zip(one, other, strict=True) for name, value in v.items())


# Samples ------------------------------------------------------------------------------------------------------------------


def test_samples_are_their_seeds_and_of_any_size(model, codes):
    weights = model.weights(codes[0])
    with torch.no_grad():
        first, again, other = (applications.sample(model, weights, 3, seed) for seed in (0, 0, 1))
        wide = applications.sample(model, weights, 2, size=(20, 60))
    assert first.shape == (3, 3, 20, 27)
    assert torch.equal(first, again)
    assert not torch.allclose(first, other)
    assert not torch.allclose(first[0], first[1])
    assert wide.shape == (2, 3, 20, 60)


def test_a_sample_is_what_the_generators_paint_of_noise(model, codes):
    with torch.no_grad():
        weights = model.weights(torch.cat(codes))
        found = applications.sample(model, weights, 2, seed=7)
        expected = model.generate(weights, noises(model.grid, 2, generator_of(7, 81)))[-1]
    assert torch.equal(found, expected)
    with pytest.raises(ReaderError, match="count must be"):
        applications.sample(model, weights, 0)
    with pytest.raises(ReaderError, match="height must be"):
        applications.sample(model, weights, 2, size=(-1, 20))
    with pytest.raises(ReaderError, match="3 examples came with 2 sets"):
        applications.sample(model, weights, 3)


# Blends -------------------------------------------------------------------------------------------------------------------


def test_at_the_ends_a_blend_is_one_of_the_two(model, codes):
    first, second = (model.weights(code) for code in codes)
    for one, expected in ((1, first), (1.0, first), (0, second)):
        assert alike(applications.blended(*codes, one, model), expected)
    assert alike(applications.blended(*codes, [1.0, 0.0], model), [first[0], second[1]])


def test_between_them_codes_and_so_full_heads_weights_are_blended(model, codes):
    first, second, found = (
        *(model.weights(code) for code in codes),
        applications.blended(*codes, 0.25, model),
    )
    for a, b, between in zip(first, second, found, strict=True):
        for name, value in between.items():
            torch.testing.assert_close(value, 0.25 * a[name] + 0.75 * b[name], rtol=1e-4, atol=1e-6)


def test_from_a_scale_on_what_is_coarser_stays(model, codes):
    assert applications.from_scale(0, 0.3, 3) == [0.3, 0.3, 0.3]
    assert applications.from_scale(1, 0.3, 3) == [1, 0.3, 0.3]
    assert applications.from_scale(3, 0.3, 3) == [1, 1, 1]
    blend = applications.blended(*codes, applications.from_scale(1, 0.3, 2), model)
    noise = noises(model.grid, 1, generator_of(0))
    with torch.no_grad():
        found, first = model.generate(blend, noise), model.generate(model.weights(codes[0]), noise)
    assert torch.equal(found[0], first[0])
    assert not torch.allclose(found[1], first[1])
    for start in (-1, 4):
        with pytest.raises(ReaderError, match=f"a scale from 0 to 2, or 3 for none; got {start}"):
            applications.from_scale(start, 0.3, 3)


def test_what_can_not_be_blended_is_said(model, codes):
    with pytest.raises(ReaderError, match="One α for each of 2 scales, or one for all; got 3"):
        applications.blended(*codes, [1, 0, 1], model)
    with pytest.raises(ReaderError, match="A SinGAN's weights are its own and can not be blended"):
        applications.blended(None, None, 0.5, build(SMALL["singan_0"]))


# A picture painted anew ---------------------------------------------------------------------------------------------------


def test_an_injected_picture_stands_in_for_what_is_below():
    model, picture = of_gains(0.5, -0.2, 0.3), some(1, GRID[-1])
    weights = model.weights(None)
    x = enlarged(F.interpolate(picture, GRID[1], mode="bilinear", antialias=True), GRID[2])
    torch.testing.assert_close(applications.injected(model, weights, picture, 2, loud=0.0), 1.3 * x)
    small = F.interpolate(picture, GRID[0], mode="bilinear", antialias=True)
    expected = 1.3 * enlarged(0.8 * enlarged(small, GRID[1]), GRID[2])
    torch.testing.assert_close(applications.injected(model, weights, picture, 1, loud=0.0), expected)
    (z,) = noises(GRID[2:], 1, generator_of(5, 82))
    model.amplitudes[2] = 0.4
    found = applications.injected(model, weights, picture, 2, seed=5, loud=0.5)
    torch.testing.assert_close(found, x + 0.3 * (x + 0.5 * 0.4 * z))


def test_an_injected_picture_may_have_any_size_and_a_wrong_one_is_said():
    model = of_gains(0.5, -0.2, 0.3)
    weights = model.weights(None)
    assert applications.injected(model, weights, some(1, (50, 41)), 1).shape == (1, 3, 50, 41)
    for start in (0, 3):
        with pytest.raises(ReaderError, match=f"start is a scale from 1 to 2; got {start}"):
            applications.injected(model, weights, some(1), start)
    with pytest.raises(ReaderError, match=r"The picture is \(1, 3, H, W\); got \(3, 12, 16\)"):
        applications.injected(model, weights, some(1)[0], 1)


def test_within_a_mask_it_is_changed_and_outside_it_is_not():
    untouched, changed, mask = -torch.ones(1, 3, 30, 40), torch.ones(1, 3, 30, 40), torch.zeros(30, 40)
    mask[:, 20:] = 1
    found = applications.within(changed, untouched, mask, soft=3)
    assert torch.equal(found[..., :17], untouched[..., :17])
    assert torch.equal(found[..., 23:], changed[..., 23:])
    edge = found[0, 0, 15, 16:24]
    assert bool((edge.diff() > 0).all())
    hard = applications.within(changed, untouched, mask, soft=0)
    assert torch.equal(hard, (2 * mask - 1).expand(1, 3, -1, -1))
    with pytest.raises(ReaderError, match=r"A mask \(H, W\) goes with two pictures.*got \(30, 39\)"):
        applications.within(changed, untouched, mask[:, 1:])


# Animation ----------------------------------------------------------------------------------------------------------------


def test_a_walk_is_singans():
    """z' = α z₀ + (1 − α) (z + β (z − z₋) + (1 − β) new), of which the new is standard normal."""
    model, alpha, beta = of_gains(1.0), 0.1, 0.8  # paints the noise itself
    with torch.no_grad():
        z = list(applications.noise_walk(model, model.weights(None), 40, alpha=alpha, beta=beta))
    assert float((z[0] - model.anchor).std()) == pytest.approx(0.3, abs=0.05)
    new = []
    for before, now, after in zip([z[0], *z], z, z[1:], strict=False):
        moved = (after - alpha * model.anchor) / (1 - alpha)
        new.append((moved - now - beta * (now - before)) / (1 - beta))
    new = torch.cat(new)
    assert float(new.mean()) == pytest.approx(0, abs=0.03)
    assert float(new.std()) == pytest.approx(1, abs=0.03)
    assert abs(float((new[1:] * new[:-1]).mean())) < 0.03


def test_scales_below_the_first_that_moves_stay_the_reconstructions():
    model = of_gains(0.5, -0.2, 0.0)  # whose finest scale adds nothing
    model.amplitudes.fill_(0.5)
    weights = model.weights(None)
    rest = model.reconstruct(weights, 1)[-1]
    for start, stays in ((2, True), (1, False), (0, False)):
        frames = list(applications.noise_walk(model, weights, 3, start))
        assert [torch.allclose(frame, rest) for frame in frames] == [stays] * 3


def test_what_returns_at_once_is_the_reconstruction():
    model = of_gains(0.5, -0.2, 0.3)
    weights = model.weights(None)
    first, *rest = applications.noise_walk(model, weights, 3, alpha=1.0)
    (expected,) = model.reconstruct(weights, 1)[-1:]
    assert not torch.allclose(first, expected)
    for frame in rest:
        torch.testing.assert_close(frame, expected)


def test_a_walk_is_its_seeds_and_of_scales_that_there_are():
    model = of_gains(0.5, -0.2)
    weights = model.weights(None)
    first, again, other = (list(applications.noise_walk(model, weights, 3, seed=seed)) for seed in (0, 0, 1))
    assert all(torch.equal(one, two) for one, two in zip(first, again, strict=True))
    assert not torch.allclose(first[0], other[0])
    assert len({tuple(frame.flatten().tolist()) for frame in first}) == 3
    with pytest.raises(ReaderError, match="start is a scale from 0 to 1; got 2"):
        next(applications.noise_walk(model, weights, 3, start=2))
    with pytest.raises(ReaderError, match="frames must be"):
        next(applications.noise_walk(model, weights, 0))
