"""The networks that paint in one style: Johnson's layers, and conditional ones that listen at every normalisation."""

import pytest
import torch
from small_dynamic import SIDE, SMALL, shaken, some
from torch import nn

from lossconditioning import ReaderError
from lossconditioning.conditioning import DynamicNet, turned_on
from lossconditioning.painting import UPSAMPLING, doubled
from lossconditioning.systems.dynamic_style import FastStyle


@pytest.mark.parametrize("sides", [(16, 16), (17, 18), (19, 33), (32, 46)])
def test_a_painting_has_the_photographs_shape(sides):
    assert FastStyle(2, 1)(torch.rand(2, 3, *sides)).shape == (2, 3, *sides)


@pytest.mark.parametrize(
    "shape", [(3, 32, 32), (1, 1, 32, 32), (1, 4, 32, 32), (1, 3, 15, 32), (1, 3, 32, 15)], ids=str
)
def test_what_is_no_photograph_is_refused(shape):
    with pytest.raises(ReaderError, match=r"RGB in .0, 1., 16 pixels a side or more; got"):
        FastStyle(2, 1)(torch.rand(shape))


def test_the_layers_are_johnsons():
    network = FastStyle()
    convolutions = [module for module in network.modules() if isinstance(module, nn.Conv2d)]
    shapes = [(each.in_channels, each.out_channels, each.kernel_size[0], each.stride[0]) for each in convolutions]
    assert shapes[:3] == [(3, 32, 9, 1), (32, 64, 3, 2), (64, 128, 3, 2)]
    assert shapes[3:13] == [(128, 128, 3, 1)] * 10  # five residual blocks
    assert shapes[13:] == [(128, 64, 3, 1), (64, 32, 3, 1), (32, 3, 9, 1)]
    assert {each.padding_mode for each in convolutions} == {"reflect"}
    norms = [module for module in network.modules() if isinstance(module, nn.InstanceNorm2d)]
    assert len(norms) == 15  # behind all but the last
    assert all(norm.affine and not norm.track_running_stats for norm in norms)
    assert sum(isinstance(module, nn.ReLU) for module in network.modules()) == 3 + 5 + 2


@pytest.mark.parametrize("upsampling", UPSAMPLING)
def test_height_and_width_are_doubled_as_is_asked_for(upsampling):
    """All that lies between two sizes is a convolution of what `painting.doubled` makes of the smaller."""
    network, given = FastStyle(2, 1, upsampling), torch.randn(1, 8, 4, 5)
    with torch.no_grad():
        expected = network.up[0].layer(doubled(given, upsampling))
        assert torch.equal(network.up[0](given), expected)
    assert FastStyle(2, 1).up[0].upsampling == "nearest"  # as in the public code


def test_another_upsampling_is_refused():
    with pytest.raises(ReaderError, match="no upsampling 'bicubic'"):
        FastStyle(2, 1, "bicubic")


def test_upsampling_has_no_weights_of_its_own():
    painted, first = {}, FastStyle(2, 1)
    for upsampling in UPSAMPLING:
        network = FastStyle(2, 1, upsampling)
        network.load_state_dict(first.state_dict())
        with torch.no_grad():
            painted[upsampling] = network(torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(0)))
    assert not torch.allclose(*painted.values(), atol=1e-3)


def test_a_residual_block_passes_its_input_on():
    block = FastStyle(2, 1).residual[0]
    nn.init.zeros_(block.second[1].weight)
    features = torch.randn(1, 8, 6, 6)
    assert torch.equal(block(features), features)


def test_a_painting_is_not_clamped():
    network = FastStyle(2, 1)
    nn.init.constant_(network.last.bias, 3.0)
    nn.init.zeros_(network.last.weight)
    assert torch.equal(network(torch.rand(1, 3, 16, 16)), torch.full((1, 3, 16, 16), 3.0))


@pytest.mark.parametrize("name", ["style_conditional", "style_two"])
def test_a_conditional_network_listens_at_every_normalisation(name):
    model = shaken(name)
    norms = [layer for layer in model.network.modules() if isinstance(layer, nn.InstanceNorm2d)]
    assert len(model.conditioners) == len(norms) == 3 + 2 * 3 + 2
    codes = torch.tensor([0.8, 40.0]) if name == "style_conditional" else torch.eye(2)
    with torch.no_grad():
        twice = model(some(1).expand(2, 3, SIDE, SIDE), codes)
        assert not torch.allclose(twice[0], twice[1], atol=1e-2)
        torch.testing.assert_close(model(some(1), codes[1:])[0], twice[1], rtol=1e-4, atol=1e-4)
        # Whatever is beside it: each picture is painted under its own code.
        for conditioner in model.conditioners.values():
            sigma = conditioner.to_scale(conditioner.shared(model.prior.encode(codes)))
            assert (sigma[0] - sigma[1]).abs().max() > 1e-2


def test_between_two_styles_lie_mixtures_of_their_normalisations():
    """Told a mixture, it is the plain network whose scales and shifts are that mixture of the two styles' own."""
    model = shaken("style_two")
    for share in (0.0, 0.3, 1.0):
        plain = FastStyle(SMALL["style_two"].width, SMALL["style_two"].blocks)
        plain.load_state_dict(model.network.state_dict())
        conditioned = [layer for layer in plain.modules() if isinstance(layer, nn.InstanceNorm2d)]
        with torch.no_grad():
            for layer, conditioner in zip(conditioned, model.conditioners.values(), strict=True):
                (first, second), (down, up) = 1 + conditioner.to_scale(torch.eye(2)), conditioner.to_shift(torch.eye(2))
                layer.weight.copy_(layer.weight.sign() * torch.lerp(first, second, share))
                layer.bias.copy_(torch.lerp(down, up, share))
            told = model(some(), torch.tensor([[1 - share, share]]).expand(3, 2))
            torch.testing.assert_close(plain(some()), told, rtol=1e-2, atol=1e-2)


def test_all_networks_are_called_alike():
    main, blocks, lam = shaken("style_fixed_0"), shaken("style_blocks"), torch.tensor([1.0, 2.0, 3.0])
    with torch.no_grad():
        assert torch.equal(main(some(), lam), main(some()))
        with DynamicNet(main, {"tuned": blocks}) as tuned:
            expected = tuned(some(), alpha=1.0)
        with turned_on(main, blocks) as network:
            assert torch.equal(network(some(), lam), expected)
