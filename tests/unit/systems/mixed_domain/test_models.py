"""SGN's networks: shapes, the places where S enters, and what normalisation leaves of it."""

import pytest
import torch
from small_mixed import shaken, some

from lossconditioning import Concatenation, Dirichlet, ReaderError, condition
from lossconditioning.painting.lattice import lattice
from lossconditioning.systems import mixed_domain as mixed
from lossconditioning.systems.mixed_domain.models import UPSAMPLINGS

PRIOR = Dirichlet([0.5] * 3)
S = torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.2, 0.3, 0.5]])


def test_the_generator_is_table_4s():
    network = mixed.Generator()
    sizes = {name: tuple(weight.shape) for name, weight in network.named_parameters()}
    assert sizes["stem.convolution.weight"] == (64, 3, 7, 7)
    assert [sizes[f"down.{i}.convolution.weight"] for i in (0, 1)] == [(128, 64, 3, 3), (256, 128, 3, 3)]
    assert sizes["blocks.8.second.convolution.weight"] == (256, 256, 3, 3)
    assert "blocks.9.first.convolution.weight" not in sizes
    assert [sizes[f"up.{i}.convolution.weight"] for i in (0, 1)] == [(256, 128, 3, 3), (128, 64, 3, 3)]
    assert sizes["last.weight"] == (3, 64, 7, 7)
    assert [name for name in sizes if name.endswith("bias")] == ["last.bias"]  # normalisation would take others away


@pytest.mark.parametrize("upsampling", UPSAMPLINGS)
@pytest.mark.parametrize("shape", [(32, 32), (45, 30)])
def test_pictures_keep_their_size_and_stay_in_range(upsampling, shape):
    network = shaken(mixed.Generator(4, 1, upsampling))
    made = network(torch.rand(2, 3, *shape))
    assert made.shape == (2, 3, *shape)
    assert made.min() >= 0
    assert made.max() <= 1
    with pytest.raises(ReaderError, match="16 pixels a side or more"):
        network(torch.rand(2, 3, 8, 8))


def test_normalisation_takes_brightness_and_contrast_away_unless_they_are_given_to_the_end():
    pictures = some(1, 64)
    other = 0.5 * pictures + 0.1
    apart = {}
    for statistics in (False, True):
        network = shaken(mixed.Generator(4, 1, "bilinear", statistics))
        with torch.no_grad():
            apart[statistics] = float((network(pictures) - network(other)).abs().mean())
    assert apart[False] < 1e-3
    assert apart[True] > 0.05


def test_a_network_that_is_not_told_s_is_called_alike():
    network = mixed.Generator(4, 1)
    assert torch.equal(network(some()), network(some(), S[:2]))


@pytest.mark.parametrize("way", mixed.CONDITIONING)
def test_s_reaches_the_picture_of_its_example_alone_unless_it_is_only_added(way):
    network = mixed.Generator(4, 2, "bilinear")
    model = shaken(mixed.told(network, way, PRIOR)).eval()
    pictures = some(1).expand(3, -1, -1, -1)
    with torch.no_grad():
        made = model(pictures, S)
        alone = torch.cat([model(pictures[:1], lam[None]) for lam in S])
    torch.testing.assert_close(made, alone, rtol=1e-4, atol=1e-5)
    moved = float((made - made[:1]).abs().amax())
    assert moved < 1e-4 if way == "concatenation" else moved > 0.01
    assert len(model.conditioners) == (2 + 2 * 2 if way == "central_biasing" else 3)


def test_a_gain_makes_s_louder_and_nothing_else():
    weights = []
    for gain in (1.0, 4.0):
        torch.manual_seed(0)
        weights.append(dict(mixed.told(mixed.Generator(4, 1), "ccam", PRIOR, gain).named_parameters()))
    for name, value in weights[0].items():
        factor = 4 if name.endswith("embed.0.weight") else 1
        assert torch.equal(factor * value, weights[1][name]), name


def test_normalisation_takes_a_plane_of_s_away_wherever_it_is_joined():
    for at in ("stem", "down", "blocks", "stem.convolution", "blocks.0.first.convolution"):
        model = shaken(condition(mixed.Generator(4, 1, "bilinear"), [at], prior=PRIOR, using=Concatenation)).eval()
        with torch.no_grad():
            made = model(some(1).expand(3, -1, -1, -1), S)
        assert (made - made[:1]).abs().max() < 1e-4, at


def test_straight_lines_leave_less_of_a_lattice_than_transposed_convolutions():
    found = {}
    for upsampling in ("transposed", "bilinear"):
        torch.manual_seed(0)
        with torch.no_grad():
            found[upsampling] = lattice(mixed.Generator(8, 1, upsampling)(some(4, 64)))[2].mean()
    assert found["bilinear"] < found["transposed"]


def test_the_discriminator_is_cyclegans():
    network = mixed.PatchDiscriminator()
    weights = [tuple(weight.shape) for name, weight in network.named_parameters() if name.endswith("weight")]
    assert weights == [(64, 3, 4, 4), (128, 64, 4, 4), (256, 128, 4, 4), (512, 256, 4, 4), (1, 512, 4, 4)]
    assert float(network.layers[0].weight.detach().std()) == pytest.approx(0.02, rel=0.05)
    small = mixed.PatchDiscriminator(2)
    assert small(some(2, 96)).shape == (2, 1, 10, 10)
    # A patch is 70 pixels: without normalisation, which looks at all of a picture, none beyond is seen.
    small.layers = torch.nn.Sequential(
        *(layer for layer in small.layers if not isinstance(layer, torch.nn.InstanceNorm2d))
    )
    pictures = some(1, 128).requires_grad_()
    small.double()(pictures.double())[0, 0, 7, 7].backward()
    seen = pictures.grad.abs().sum((0, 1)).nonzero()
    assert (seen.amax(0) - seen.amin(0) + 1).tolist() == [70, 70]
