"""The networks: what is painted, worked out by hand; many generators at once; who has weights, and of what."""

from copy import deepcopy

import pytest
import torch
import torch.nn.functional as F
from small_hyper import GRID, SMALL, of_gains, same, shaken, some
from torch import nn

from lossconditioning import ReaderError
from lossconditioning.systems.hyper_singan.models import Discriminator, Generator, Own, primary
from lossconditioning.systems.hyper_singan.pyramid import noises
from lossconditioning.systems.hyper_singan.recipes import build, build_discriminator


def enlarged(pictures, scale):
    return F.interpolate(pictures, GRID[scale], mode="bilinear")


# Primary networks ---------------------------------------------------------------------------------------------------------


def test_a_primary_network_is_five_convolutions_with_leaky_relu_between_them():
    layers = list(primary(64, 5, 3, 0.02))
    kinds = [nn.Conv2d, nn.LeakyReLU] * 4 + [nn.Conv2d, nn.Tanh]
    assert [type(layer) for layer in layers] == kinds
    assert [(layer.in_channels, layer.out_channels) for layer in layers[::2]] == [(3, 64), *[(64, 64)] * 3, (64, 3)]
    assert {layer.negative_slope for layer in layers[1:-1:2]} == {0.02}
    assert type(primary(64, 5, 1, 0.2)[-1]) is nn.Conv2d  # scores have no range
    assert primary(4, 3, 3, 0.2)(some(2, (7, 9))).shape == (2, 3, 7, 9)


def test_weights_of_ones_own_are_the_networks_own():
    network = primary(4, 3, 3, 0.2)
    model = Generator(network, [Own(network)], GRID[:1], None)
    noise = some(3)
    (weights,) = model.weights(None)
    assert all(value.shape[0] == 1 for value in weights.values())
    torch.testing.assert_close(model.generate([weights], [noise])[0], network(noise))
    model.generate([weights], [noise])[0].square().sum().backward()
    network[0].weight.grad, found = None, network[0].weight.grad.clone()
    network(noise).square().sum().backward()
    torch.testing.assert_close(found, network[0].weight.grad)


def test_own_weights_are_saved_and_copied():
    own, other = Own(primary(4, 3, 3, 0.2)), Own(primary(4, 3, 3, 0.2))
    assert not same(own, other)
    other.load_state_dict(own.state_dict())
    assert same(own, other)
    copy = deepcopy(own)
    shaken(own)
    assert not same(copy, own)
    assert list(own.weights()) == [name for name, _ in primary(4, 3, 3, 0.2).named_parameters()]


# Generators ---------------------------------------------------------------------------------------------------------------


def test_samples_are_equation_1_by_hand():
    model = of_gains(0.5, -0.2, 0.3)
    model.amplitudes.copy_(torch.tensor([1.0, 0.7, 0.1]))
    noise = noises(GRID, 2, torch.Generator().manual_seed(0))
    made = model.generate(model.weights(None), noise)
    first = 0.5 * noise[0]
    second = enlarged(first, 1) - 0.2 * (enlarged(first, 1) + 0.7 * noise[1])
    third = enlarged(second, 2) + 0.3 * (enlarged(second, 2) + 0.1 * noise[2])
    for found, expected in zip(made, (first, second, third), strict=True):
        torch.testing.assert_close(found, expected)


def test_reconstructions_are_equation_5_by_hand():
    model = of_gains(0.5, -0.2, 0.3)
    model.amplitudes.fill_(9.0)  # of no noise
    made = model.reconstruct(model.weights(None), 2)
    first = 0.5 * model.anchor.expand(2, -1, -1, -1)
    second = 0.8 * enlarged(first, 1)
    for found, expected in zip(made, (first, second, 1.3 * enlarged(second, 2)), strict=True):
        torch.testing.assert_close(found, expected)
    assert torch.equal(model(some(2)), made[-1])
    assert len(model.reconstruct(model.weights(None, 2), 1)) == 2  # scales that have been learned


def test_the_anchor_is_one_noise_for_all_networks_and_pictures():
    one, other = of_gains(0.5), build(SMALL["dataset"], seed=5)
    assert one.anchor.shape == (1, 3, *GRID[0])
    assert torch.equal(one.anchor, other.anchor)
    assert float(one.anchor.std()) == pytest.approx(1, abs=0.1)
    assert {"anchor", "amplitudes", "scale"} <= other.state_dict().keys()


def test_painting_goes_on_from_any_scale_and_picture():
    model, noise = of_gains(0.5, -0.2, 0.3), noises(GRID, 1, torch.Generator().manual_seed(0))
    weights = model.weights(None)
    whole = model.generate(weights, noise)
    rest = model.generate(weights, noise[1:], whole[0], 1)
    assert all(torch.equal(one, other) for one, other in zip(rest, whole[1:], strict=True))


@pytest.mark.parametrize("name", ["dataset", "full", "chunked", "singan_0", "frozen_3"])
@pytest.mark.parametrize("size", [(12, 16), (9, 31), (40, 7)])
def test_pictures_of_any_size(name, size):
    model = shaken(build(SMALL[name])).eval()
    count = SMALL[name].count if name == "singan_0" else 2
    with torch.no_grad():
        weights = model.weights(model.code(some(count, (32, 32))))
        made = model.generate(weights, [some(count, size), some(count, (2 * size[0], 2 * size[1]))])
    assert made[-1].shape == (count, 3, 2 * size[0], 2 * size[1])
    assert made[-1].isfinite().all()
    assert float(made[0].abs().max()) <= 1


def test_many_generators_at_once_are_what_they_are_one_by_one():
    for name in ("dataset", "full", "chunked"):
        model = shaken(build(SMALL[name])).eval()
        images, noise = some(4, (32, 32)), noises(model.grid, 4, torch.Generator().manual_seed(0))
        with torch.no_grad():
            code = model.code(images)
            together = model.generate(model.weights(code), noise)[-1]
            alone = [
                model.generate(model.weights(code[[n]]), [z[[n]] for z in noise])[-1][0] for n in range(len(images))
            ]
        torch.testing.assert_close(together, torch.stack(alone), rtol=1e-4, atol=1e-5)
        assert float((together[0] - together[1]).abs().max()) > 1e-3


def test_what_does_not_belong_together_is_said():
    model, noise = of_gains(0.5, -0.2, 0.3), noises(GRID, 1)
    weights = model.weights(None)
    with pytest.raises(ReaderError, match="from scale 1 on begins with a picture below it; got none"):
        model.generate(weights, noise[1:], start=1)
    with pytest.raises(ReaderError, match="from scale 0 on begins with noise alone; got a picture"):
        model.generate(weights, noise, some(1))
    with pytest.raises(ReaderError, match="Noise for scales 0 to 2 came with 2 scales' weights"):
        model.generate(weights[:2], noise)
    hyper = build(SMALL["dataset"])
    with pytest.raises(ReaderError, match=r"A code is a tensor \(B, 8\)"):
        hyper.weights(torch.rand(2, 7))
    with pytest.raises(ReaderError, match="3 examples came with 2 sets"):
        hyper.generate(hyper.weights(torch.rand(2, 8)), noises(hyper.grid, 3))


# Scales -------------------------------------------------------------------------------------------------------------------


def test_a_new_scale_begins_as_the_one_below_ended_and_learns_alone():
    model = build(SMALL["dataset"])
    model.enter(0)
    assert [all(w.requires_grad for w in part.parameters()) for part in model.writers] == [True, False]
    shaken(model.writers[0])
    assert not same(model.writers[1], model.writers[0])
    model.enter(1)
    assert same(model.writers[1], model.writers[0])
    assert int(model.scale) == 1
    assert not any(w.requires_grad for w in model.writers[0].parameters())
    assert all(w.requires_grad for w in model.writers[1].parameters())
    assert all(w.requires_grad for w in model.embedding.parameters())


def test_a_scale_that_was_entered_is_not_begun_anew():
    model = build(SMALL["dataset"])
    model.enter(1)
    shaken(model.writers[1])
    kept = deepcopy(model)
    model.enter(1)
    assert same(model, kept)
    resumed = build(SMALL["dataset"])
    resumed.load_state_dict(model.state_dict())
    resumed.enter(1)
    assert same(resumed, kept)


# Discriminators -----------------------------------------------------------------------------------------------------------


def test_a_discriminator_of_each_picture_or_one_for_all():
    images, pictures = some(2, (32, 32)), some(1).expand(2, -1, -1, -1)
    for kind, differ in (("hyper", True), ("shared", False)):
        discriminator = shaken(build_discriminator(SMALL["shared" if kind == "shared" else "dataset"]))
        with torch.no_grad():
            weights = discriminator.weights(images)
            scores = discriminator(pictures, weights)
        assert scores.shape == (2, 1, *GRID[0])
        assert {len(value) for value in weights.values()} == {2 if differ else 1}
        assert torch.allclose(*scores) != differ
        assert discriminator(some(2, (9, 31)), weights).shape == (2, 1, 9, 31)


def test_a_shared_discriminator_is_the_plain_network():
    network = primary(4, 3, 1, 0.2)
    discriminator = Discriminator(network, Own(network))
    found = discriminator(some(3), discriminator.weights(some(3)))
    torch.testing.assert_close(found, network(some(3)))
    slopes = {layer.negative_slope for layer in network if isinstance(layer, nn.LeakyReLU)}
    assert slopes == {0.2}


def test_a_borrowed_embedding_is_used_and_is_no_part():
    generator, discriminator = build(SMALL["dataset"]), build_discriminator(SMALL["dataset"])
    lone = Discriminator(primary(4, 3, 1, 0.02), discriminator.writer)
    assert lone.borrowed is None
    names, count = list(lone.state_dict()), sum(1 for _ in lone.parameters())
    with pytest.raises(ReaderError, match=r"has none yet: call its borrow\(embedding\)"):
        lone.weights(some(2, (32, 32)))
    lone.borrow(generator.embedding)
    assert lone.borrowed is generator.embedding
    assert list(lone.state_dict()) == names
    assert sum(1 for _ in lone.parameters()) == count
    expected = lone.writer.weights(generator.embedding(some(2, (32, 32))))
    for name, value in lone.weights(some(2, (32, 32))).items():
        assert torch.equal(value, expected[name])
