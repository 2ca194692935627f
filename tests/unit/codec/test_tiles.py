"""Large pictures in tiles: what the whole would have given, without seams."""

import copy

import numpy as np
import pytest
import torch
from small_codecs import corner, small_model

from lossconditioning.codec import Codec, tiles
from lossconditioning.systems.compression.models import ScaleHyperprior


@pytest.fixture(scope="module")
def far_seeing() -> Codec:
    """A codec whose convolutions use all of their taps; principal components use the middle ones alone."""
    model = small_model(8, 12)
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in (*model.g_a.parameters(), *model.g_s.parameters()):
            parameter.add_(0.03 * torch.randn(parameter.shape))
    return Codec(model)


@pytest.mark.parametrize("size", [(128, 300), (200, 130), (300, 410)], ids=str)
def test_tiles_give_what_the_whole_would(far_seeing, size, monkeypatch):
    picture = corner(*size)
    symbols = far_seeing.symbols(picture, 0.05)
    whole = far_seeing.picture(symbols, *size, 0.05)
    monkeypatch.setattr(tiles, "TILE", 128)
    in_parts = far_seeing.symbols(picture, 0.05)
    # A latent may lie so near the middle of two steps that single precision decides.
    assert np.abs(in_parts.y - symbols.y).max() <= 1
    assert (in_parts.y != symbols.y).mean() < 1e-3
    assert np.array_equal(in_parts.z, symbols.z)
    difference = (far_seeing.picture(symbols, *size, 0.05).int() - whole.int()).abs()
    assert difference.max() <= 1
    assert (difference > 0).float().mean() < 1e-3


def both_transforms(codec: Codec, height: int, width: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Latents of a picture and the picture of these latents, in double precision, through `tiles.in_tiles`."""
    model, lam = copy.deepcopy(codec.model).double(), torch.tensor([0.05], dtype=torch.float64)
    pixels = corner(height, width)[None].double() / 255
    out = pixels.new_empty(1, model.m, height // 16, width // 16)
    with torch.inference_mode():
        y = tiles.in_tiles(lambda part: model.latents(part, lam), pixels, out, pixels=1)
        return y, tiles.in_tiles(lambda part: model.synthesise(part, lam), y, torch.empty_like(pixels), pixels=16)


def test_tiles_have_no_seams_where_their_margin_is_wide_enough(far_seeing, monkeypatch):
    whole = both_transforms(far_seeing, 320, 256)
    monkeypatch.setattr(tiles, "TILE", 64)
    for one, other in zip(both_transforms(far_seeing, 320, 256), whole, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-9)
    monkeypatch.setattr(tiles, "MARGIN", 0)
    assert not torch.allclose(both_transforms(far_seeing, 320, 256)[0], whole[0], rtol=1e-3, atol=1e-3)


def test_a_picture_in_tiles_comes_back_as_the_encoder_saw_it(far_seeing, monkeypatch):
    monkeypatch.setattr(tiles, "TILE", 128)
    picture = corner(200, 330)
    symbols, data = far_seeing.symbols(picture, 0.05), far_seeing.compress(picture, 0.05)
    assert torch.equal(far_seeing.decompress(data), far_seeing.picture(symbols, 200, 330, 0.05))


def test_a_margin_is_wider_than_the_transforms_see():
    model = ScaleHyperprior(4, 6, 0.01).double()
    pixels, latents = torch.rand(1, 3, 256, 256).double(), torch.randn(1, 6, 16, 16).double()
    for transform, inputs in ((model.latents, pixels), (model.synthesise, latents)):
        inputs = inputs.requires_grad_()
        out = transform(inputs)
        middle = out.shape[-1] // 2
        out[0, :, middle, middle].sum().backward()
        seen = inputs.grad[0].abs().amax(0).amax(0).nonzero()[:, 0]
        pixel, position = 256 / inputs.shape[-1], 128
        assert position - seen.min() * pixel <= tiles.MARGIN
        assert (seen.max() + 1) * pixel - position <= tiles.MARGIN


def test_tiles_and_margins_hold_whole_latents():
    assert tiles.TILE % 16 == tiles.MARGIN % 16 == 0
