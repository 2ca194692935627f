"""The networks: their shapes, how weights are scaled, where the style enters, and that it is not lost."""

import pytest
import torch
import torch.nn.functional as F
from small_staged import flat, shaken, some
from torch import nn

from lossconditioning import ReaderError
from lossconditioning.systems import staged_encoder as staged
from lossconditioning.systems.staged_encoder.models import EqualisedConv2d, Layer, pixel_norm


def codes(count=2, size=8, seed=7):
    return torch.randn(count, size, generator=torch.Generator().manual_seed(seed))


def convolutions(network):
    return [layer for layer in network.modules() if isinstance(layer, nn.Conv2d)]


# Layers -------------------------------------------------------------------------------------------------------------------


def test_an_equalised_convolution_is_scaled_by_hes_constant_when_it_is_used():
    torch.manual_seed(0)
    layer = EqualisedConv2d(32, 64, 3, padding=1)
    assert layer.weight.std().item() == pytest.approx(1, abs=0.02)
    assert not layer.bias.any()
    layer.bias.data.fill_(0.5)
    features = torch.randn(4, 32, 16, 16)
    expected = F.conv2d(features, layer.weight * (2 / (32 * 9)) ** 0.5, layer.bias, padding=1)
    torch.testing.assert_close(layer(features), expected)  # the bias as it is
    assert (layer(features) - 0.5)[..., 1:-1, 1:-1].std().item() == pytest.approx(2**0.5, rel=0.05)


def test_all_convolutions_are_equalised():
    networks = staged.StyleEncoder(4, 2), staged.Generator(4, 2, 1), staged.Discriminator(4, 2)
    for network in networks:
        assert all(type(layer) is EqualisedConv2d for layer in convolutions(network))
        assert all(type(layer).__name__.find("Norm") < 0 for layer in network.modules())


def test_pixel_norm_makes_the_mean_square_at_each_place_one_and_keeps_a_code_that_is_the_same_everywhere():
    features = 5 * torch.randn(2, 16, 4, 4, generator=torch.Generator().manual_seed(0))
    normed = pixel_norm(features)
    torch.testing.assert_close(normed.square().mean(1), torch.ones(2, 4, 4))
    torch.testing.assert_close(normed * features.square().mean(1, keepdim=True).sqrt(), features)
    assert pixel_norm(torch.zeros(1, 3, 2, 2)).isfinite().all()
    assert pixel_norm(features.bfloat16()).dtype == torch.bfloat16
    moved = features + codes(2, 16)[:, :, None, None]
    torch.testing.assert_close(F.instance_norm(moved), F.instance_norm(features), rtol=1e-3, atol=1e-4)
    assert float((pixel_norm(moved) - normed).abs().mean()) > 0.1


# Encoder ------------------------------------------------------------------------------------------------------------------


def test_an_encoder_gives_a_code_and_a_log_variance_for_pictures_of_any_shape():
    encoder = staged.StyleEncoder(4, 3, z_size=5)
    for shape in ((2, 3, 32, 32), (1, 3, 48, 80), (2, 3, 16, 16)):
        found = encoder(torch.rand(shape))
        assert found.z.shape == found.log_variance.shape == (shape[0], 5)
        assert not torch.equal(found.z, found.log_variance)


def test_an_encoders_channels_are_those_of_drit():
    encoder = staged.build(staged.experiments("paper")["encoder_outlines"])
    layers = convolutions(encoder.layers)
    assert [layer.out_channels for layer in layers] == [64, 128, 256, 256, 256]
    assert [layer.stride[0] for layer in layers] == [1, 2, 2, 2, 2]
    assert encoder.z.out_channels == 8


def test_an_encoder_tells_colours_apart():
    with torch.no_grad():
        found = staged.StyleEncoder(4, 2)(flat([[1.0, 0, 0], [0, 1.0, 0]])).z
    assert float((found[0] - found[1]).norm()) > 0.1 * float(found[0].norm())


def test_what_are_no_pictures_is_said():
    encoder = staged.StyleEncoder(4, 2)
    for wrong in (torch.rand(3, 32, 32), torch.rand(2, 1, 32, 32), torch.rand(2, 3, 15, 32)):
        with pytest.raises(ReaderError, match=r"Pictures are \(B, 3, H, W\)"):
            encoder(wrong)
    for wrong in ({"width": 0}, {"levels": 0}, {"z_size": 0}):
        with pytest.raises(ReaderError, match=f"{next(iter(wrong))} must be"):
            staged.StyleEncoder(**wrong)


# Generator ----------------------------------------------------------------------------------------------------------------


@pytest.fixture
def generator():
    torch.manual_seed(0)
    return shaken(staged.Generator(4, 2, 1, 8))


def test_a_generators_pictures_are_as_large_as_its_layouts_and_in_range(generator):
    for shape in ((2, 3, 32, 32), (2, 3, 16, 40)):
        made = generator(torch.rand(shape), 9 * codes()).detach()
        assert made.shape == shape
        assert 0 <= float(made.min()) < float(made.max()) <= 1
    assert torch.equal(generator(some(), codes(), torch.ones(2)), generator(some(), codes()))  # λ is ignored


def test_a_generators_channels_are_doubled_up_to_the_most():
    generator = staged.Generator(64, 4, 9, 512)
    assert [layer.out_channels for layer in (generator.stem, *generator.down)] == [64, 128, 256, 512, 512]
    assert [layer.out_channels for layer in generator.up] == [512, 256, 128, 64]
    assert len(generator.blocks) == 9
    # Of the layer below, doubled, and of the encoder's one of the same size.
    assert [layer.convolution.in_channels for layer in generator.up] == [1024, 768, 384, 192]


def test_the_style_reaches_every_layer_of_the_encoder_half_and_none_of_the_other(generator):
    given = {}

    def keep(name):
        def hook(_, inputs):
            inputs[0].retain_grad()
            given[name] = inputs[0]

        return hook

    halves = {"stem": generator.stem, **{f"down {i}": layer for i, layer in enumerate(generator.down)}}
    for name, layer in halves.items():
        layer.register_forward_pre_hook(keep(name))
    z = codes().requires_grad_()
    generator(some(), z).square().mean().backward()
    assert z.grad.abs().min() > 0
    places = 0
    for name, features in given.items():
        ends = features[:, -8:]
        torch.testing.assert_close(ends, z[:, :, None, None].expand_as(ends))
        reached = features.grad[:, -8:].sum((2, 3))
        assert reached.abs().min() > 0, name
        places += reached
    torch.testing.assert_close(places, z.grad)  # no other way in
    assert [layer.convolution.in_channels for layer in halves.values()] == [3 + 8, 4 + 8, 8 + 8]


def test_different_styles_of_one_layout_are_different_pictures(generator):
    with torch.no_grad():
        one, other = generator(some(1).expand(2, -1, -1, -1), codes())
    assert float((one - other).abs().mean()) > 0.01


def test_what_is_one_pixel_of_a_layout_shows_at_its_place(generator):
    layouts = some(1).repeat(2, 1, 1, 1)
    layouts[1, :, 8, 8] = 1 - layouts[1, :, 8, 8]
    with torch.no_grad():
        changed = torch.sub(*generator(layouts, codes()[:1].expand(2, -1))).abs().sum(0)
    assert changed[8, 8] > 5 * changed[20:, 20:].mean()


@pytest.mark.parametrize(
    ("layouts", "z", "said"),
    [
        (torch.rand(2, 3, 34, 32), codes(), r"multiples of 4; got \(34, 32\)"),
        (torch.rand(2, 3, 32, 30), codes(), r"multiples of 4; got \(32, 30\)"),
        (torch.rand(2, 1, 32, 32), codes(), r"Layouts are \(B, 3, H, W\)"),
        (torch.rand(2, 3, 32, 32), codes(3), r"One code of 8 numbers per layout, \(2, 8\); got \(3, 8\)"),
        (torch.rand(2, 3, 32, 32), codes(2, 7), r"One code of 8 numbers per layout, \(2, 8\); got \(2, 7\)"),
    ],
)
def test_what_a_generator_can_not_take_is_said(layouts, z, said, generator):
    with pytest.raises(ReaderError, match=said):
        generator(layouts, z)


def test_a_translator_takes_the_style_from_pictures(generator):
    encoder = staged.StyleEncoder(4, 2)
    translator = staged.Translator(encoder, generator)
    layouts, pictures = some(2, seed=1), some(2, seed=2)
    assert torch.equal(translator(layouts, pictures), generator(layouts, encoder(pictures).z))
    assert translator.opponent is None


def test_a_layer_is_convolution_leaky_relu_and_norm():
    layer = Layer(3, 4, stride=2)
    found = layer(some())
    assert found.shape == (2, 4, 16, 16)
    torch.testing.assert_close(found, pixel_norm(F.leaky_relu(layer.convolution(some()), 0.2)))


# Discriminator ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("layers", "shape", "patches"), [(2, (32, 32), 64), (2, (32, 64), 128), (3, (64, 64), 64)])
def test_three_scales_weigh_alike(layers, shape, patches):
    discriminator, sizes = staged.Discriminator(4, layers), []
    for number, scale in enumerate(discriminator.scales):
        scale[-1].weight.data.zero_()
        scale[-1].bias.data.fill_(10.0**number)
        scale.register_forward_pre_hook(lambda _, inputs: sizes.append(inputs[0].shape[2:]))
    pictures = torch.rand(2, 3, *shape)
    scores = discriminator(pictures, pictures).detach()
    assert scores.shape == (2, 3 * patches)
    assert float(scores.mean()) == pytest.approx(111 / 3)
    assert sizes == [(shape[0] // by, shape[1] // by) for by in (1, 2, 4)]


def test_a_discriminator_sees_pictures_beside_their_layouts():
    discriminator = shaken(staged.Discriminator(4, 2))
    one, other, third = (some(2, seed=seed) for seed in range(3))
    with torch.no_grad():
        scores = [discriminator(*both) for both in ((one, other), (one, third), (third, other))]
    assert not torch.allclose(scores[0], scores[1])
    assert not torch.allclose(scores[0], scores[2])
    channels = [layer.out_channels for layer in convolutions(staged.Discriminator(64, 3).scales[0])]
    assert channels == [64, 128, 256, 512, 1]
