"""Pictures to bytes and back: what the decoder shows is what the encoder saw, here and in another process."""

import os
import subprocess
import sys
import warnings
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from small_codecs import corner, small_codec, small_model

from lossconditioning.codec import OVERHEAD, Codec, Container, LamRange, Symbols
from lossconditioning.datasets.photographs import photographs
from lossconditioning.errors import WeightWarning
from lossconditioning.systems.compression import LAM_RANGE, lam_grid

SIZES = [(1, 1), (1, 64), (65, 1), (2, 3), (15, 17), (63, 65), (64, 64), (64, 128), (200, 130)]
GRID, LIMITS = lam_grid(3).tolist(), LamRange(LAM_RANGE).limits


@pytest.fixture(scope="module")
def codec() -> Codec:
    return small_codec(8, 12)


@pytest.fixture(scope="module", params=["conditional", "fixed", "fixed with a step"])
def any_codec(request, codec) -> Codec:
    if request.param == "conditional":
        return codec
    return small_codec(8, 12, conditional=False, step=request.param == "fixed with a step")


def same(one: Symbols, other: Symbols) -> bool:
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in ("z", "y", "sigma"))


# There and back -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_a_picture_of_any_size_comes_back_as_the_encoder_saw_it(any_codec, size):
    picture = corner(*size)
    for lam in GRID:
        symbols = any_codec.symbols(picture, lam)
        data = any_codec.compress(picture, lam)
        assert same(any_codec.unpack(Container.unpack(data)), symbols)
        shown = any_codec.decompress(data)
        assert (shown.dtype, tuple(shown.shape)) == (torch.uint8, tuple(picture.shape))
        assert torch.equal(shown, any_codec.picture(symbols, *size, lam))


def test_symbols_have_the_shapes_and_types_they_say(codec):
    symbols = codec.symbols(corner(65, 130), 0.01)
    assert (symbols.z.dtype, symbols.y.dtype, symbols.sigma.dtype) == (np.int32, np.int32, np.float64)
    assert symbols.z.shape == (8, 2, 3)
    assert symbols.y.shape == symbols.sigma.shape == (12, 8, 12)
    assert len(np.unique(symbols.y)) > 5


def test_a_picture_of_noise_comes_back_too(codec):
    draw = torch.Generator().manual_seed(0)
    for picture in (
        torch.randint(0, 256, (3, 70, 90), dtype=torch.uint8, generator=draw),
        torch.zeros(3, 70, 90, dtype=torch.uint8),
        torch.full((3, 70, 90), 255, dtype=torch.uint8),
    ):
        symbols = codec.symbols(picture, GRID[-1])
        assert torch.equal(
            codec.decompress(codec.compress(picture, GRID[-1])), codec.picture(symbols, 70, 90, GRID[-1])
        )


@pytest.mark.parametrize("reach", [1, 100, 32767])
def test_any_latents_at_all_come_back(codec, reach):
    """Also such as no picture makes: every one far outside its table."""
    symbols = codec.symbols(corner(90, 180), 0.01)
    y = np.random.default_rng(0).integers(-reach, reach, symbols.y.shape, endpoint=True).astype(np.int32)
    symbols = replace(symbols, y=y)
    data = codec.pack(symbols, 90, 180, 0.01)
    assert same(codec.unpack(Container.unpack(data)), symbols)
    assert torch.equal(codec.decompress(data), codec.picture(symbols, 90, 180, 0.01))


def test_the_same_picture_makes_the_same_file_whatever_was_coded_before(codec):
    first = codec.compress(corner(70, 80), 0.02)
    codec.compress(corner(64, 64, "china"), 0.2)
    assert codec.compress(corner(70, 80), 0.02) == first
    assert small_codec(8, 12).compress(corner(70, 80), 0.02) == first


def test_what_is_encoded_are_the_symbols_and_the_file_of_them(codec):
    symbols, data = codec.encode(corner(70, 90), 0.01)
    assert data == codec.compress(corner(70, 90), 0.01)
    for part in ("z", "y", "sigma"):
        np.testing.assert_array_equal(getattr(symbols, part), getattr(codec.unpack(Container.unpack(data)), part))


def test_the_weight_is_a_dial(codec):
    picture = photographs()["coffee"][:, :256, :256]
    sizes = [len(codec.compress(picture, lam)) for lam in lam_grid(5).tolist()]
    assert sizes == sorted(set(sizes))


def test_a_fixed_weight_model_only_notes_the_weight():
    codec, picture = small_codec(8, 12, conditional=False), corner(70, 80)
    one, other = (codec.compress(picture, lam) for lam in (0.002, 0.2))
    assert Container.unpack(one).lam == np.float32(0.002)
    assert Container.unpack(one).payload == Container.unpack(other).payload
    assert torch.equal(codec.decompress(one), codec.decompress(other))


@pytest.mark.parametrize("lam", [*LIMITS, *LAM_RANGE, np.float32(0.01), np.float64(0.01), 1])
def test_every_weight_a_codec_takes_comes_back(codec, lam):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", WeightWarning)
        assert codec.decompress(codec.compress(corner(20, 30), lam)).shape == (3, 20, 30)


def test_a_weight_outside_the_trained_range_is_warned_of_where_it_is_asked_for(codec):
    for lam in (0.001, 0.3):
        with pytest.warns(WeightWarning, match=rf"λ = {lam} lies outside the range from 0\.0012 to 0\.26") as caught:
            codec.compress(corner(20, 30), lam)
        assert [(warning.filename, warning.category) for warning in caught] == [(__file__, WeightWarning)]


# Elsewhere ------------------------------------------------------------------------------------------------------------

ELSEWHERE = """
import sys
import numpy as np
import torch
from safetensors.torch import load_file
from lossconditioning.codec import Codec, Container
from lossconditioning.systems.compression.models import ScaleHyperprior

weights, picture, out, *threads = sys.argv[1:]
model = ScaleHyperprior(8, 12, step=True)
model.load_state_dict(load_file(weights))
data = open(picture, "rb").read()
for number in map(int, threads):
    torch.set_num_threads(number)
    codec = Codec(model)
    symbols = codec.unpack(Container.unpack(data))
    np.savez(f"{out}/{number}.npz", picture=codec.decompress(data).numpy(), z=symbols.z, y=symbols.y)
"""


def test_another_process_shows_the_same_picture(codec, tmp_path):
    """With as many threads the very same; with another number of threads to within a grey level."""
    picture, here = corner(200, 300), torch.get_num_threads()
    data, other = codec.compress(picture, 0.05), 1 if here > 1 else 2
    (tmp_path / "picture.lcic").write_bytes(data)
    save_file(codec.model.state_dict(), tmp_path / "weights.safetensors")
    given = (tmp_path / "weights.safetensors", tmp_path / "picture.lcic", tmp_path, str(here), str(other))
    environment = {**os.environ, "OMP_NUM_THREADS": str(here)}
    command = [sys.executable, "-c", ELSEWHERE, *given]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    symbols, shown = codec.symbols(picture, 0.05), codec.decompress(data).numpy()
    for threads, allowed in ((here, 0), (other, 1)):
        there = np.load(tmp_path / f"{threads}.npz")
        assert np.array_equal(there["z"], symbols.z)
        assert np.array_equal(there["y"], symbols.y)
        assert np.abs(there["picture"].astype(int) - shown).max() <= allowed


# Sizes ----------------------------------------------------------------------------------------------------------------


def size_error(codec: Codec, picture: torch.Tensor, lam: float) -> float:
    """By how much a file's payload exceeds the model's own estimate, as a share."""
    return 8 * (len(codec.compress(picture, lam)) - OVERHEAD) / codec.estimate(codec.symbols(picture, lam)) - 1


@pytest.mark.parametrize("lam", GRID)
@pytest.mark.parametrize("name", ["coffee", "china"])
def test_a_file_is_as_large_as_the_model_says(codec, name, lam):
    assert abs(size_error(codec, photographs()[name], lam)) < 0.01


def test_a_file_of_latents_that_are_what_the_model_expects_is_as_large_as_it_says(codec):
    draw = np.random.default_rng(0)
    z = codec.symbols(photographs()["coffee"], 0.05).z
    sigma = codec.symbols(photographs()["coffee"], 0.05).sigma
    y = np.round(sigma * draw.standard_normal(sigma.shape)).astype(np.int32)
    estimate = float(sum(part.sum() for part in codec.bits(Symbols(z, y, sigma))))
    payload = 8 * (len(codec.pack(Symbols(z, y, sigma), 400, 600, 0.05)) - OVERHEAD)
    assert payload == pytest.approx(estimate, rel=0.005)


def test_bits_are_those_of_every_symbol(codec):
    symbols = codec.symbols(corner(128, 192), 0.02)
    y, z = codec.bits(symbols)
    assert (y.shape, z.shape) == (symbols.y.shape, symbols.z.shape)
    assert min(y.min(), z.min()) >= 0
    assert codec.estimate(codec.symbols(corner(128, 192), 0.02)) == pytest.approx(float(y.sum() + z.sum()))


def test_a_model_in_training_is_not_trained_by_coding():
    model = small_model(8, 12).train()
    codec = Codec(model)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    codec.decompress(codec.compress(corner(64, 64), 0.01))
    assert not model.training
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
