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

from lossconditioning.datasets.photographs import photographs
from lossconditioning.errors import ReaderError, WeightWarning
from lossconditioning.paths import shipped
from lossconditioning.systems.compression.codec import WEIGHTS, Codec, Symbols
from lossconditioning.systems.compression.container import OVERHEAD, Container
from lossconditioning.systems.compression.evaluation import load
from lossconditioning.systems.compression.task import LAMBDA_RANGE, lambda_grid
from lossconditioning.training.cards import cards

SIZES = [(1, 1), (1, 64), (65, 1), (2, 3), (15, 17), (63, 65), (64, 64), (64, 128), (200, 130)]
GRID = lambda_grid(3).tolist()


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
    for weight in GRID:
        symbols = any_codec.symbols(picture, weight)
        data = any_codec.compress(picture, weight)
        assert same(any_codec.unpack(Container.unpack(data)), symbols)
        shown = any_codec.decompress(data)
        assert (shown.dtype, tuple(shown.shape)) == (torch.uint8, tuple(picture.shape))
        assert torch.equal(shown, any_codec.picture(symbols, *size, weight))


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


def test_the_weight_is_a_dial(codec):
    picture = photographs()["coffee"][:, :256, :256]
    sizes = [len(codec.compress(picture, weight)) for weight in lambda_grid(5).tolist()]
    assert sizes == sorted(set(sizes))


def test_a_fixed_weight_model_only_notes_the_weight():
    codec, picture = small_codec(8, 12, conditional=False), corner(70, 80)
    one, other = (codec.compress(picture, weight) for weight in (0.002, 0.2))
    assert Container.unpack(one).weight == np.float32(0.002)
    assert Container.unpack(one).payload == Container.unpack(other).payload
    assert torch.equal(codec.decompress(one), codec.decompress(other))


@pytest.mark.parametrize("weight", [*WEIGHTS, *LAMBDA_RANGE, np.float32(0.01), np.float64(0.01), 1])
def test_every_weight_a_codec_takes_comes_back(codec, weight):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", WeightWarning)
        assert codec.decompress(codec.compress(corner(20, 30), weight)).shape == (3, 20, 30)


# Elsewhere ------------------------------------------------------------------------------------------------------------

ELSEWHERE = """
import sys
import numpy as np
from safetensors.torch import load_file
from lossconditioning.systems.compression.codec import Codec
from lossconditioning.systems.compression.container import Container
from lossconditioning.systems.compression.models import ScaleHyperprior
from lossconditioning.systems.compression.task import lambda_prior

weights, picture, out = sys.argv[1:]
model = ScaleHyperprior(8, 12, lambda_prior(), step=True)
model.load_state_dict(load_file(weights))
codec, data = Codec(model), open(picture, "rb").read()
symbols = codec.unpack(Container.unpack(data))
np.savez(out, picture=codec.decompress(data).numpy(), z=symbols.z, y=symbols.y)
"""


@pytest.mark.parametrize("other_threads", [False, True], ids=["as many threads", "another number of threads"])
def test_another_process_shows_the_same_picture(codec, tmp_path, other_threads):
    picture, here = corner(200, 300), torch.get_num_threads()
    data = codec.compress(picture, 0.05)
    (tmp_path / "picture.lcic").write_bytes(data)
    save_file(codec.model.state_dict(), tmp_path / "weights.safetensors")
    threads = (1 if here > 1 else 2) if other_threads else here
    command = [
        sys.executable,
        "-c",
        ELSEWHERE,
        *(tmp_path / name for name in ("weights.safetensors", "picture.lcic", "o.npz")),
    ]
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    there, symbols, shown = np.load(tmp_path / "o.npz"), codec.symbols(picture, 0.05), codec.decompress(data).numpy()
    assert np.array_equal(there["z"], symbols.z)
    assert np.array_equal(there["y"], symbols.y)
    difference = np.abs(there["picture"].astype(int) - shown)
    assert difference.max() <= (1 if other_threads else 0)


# Sizes ----------------------------------------------------------------------------------------------------------------


def size_error(codec: Codec, picture: torch.Tensor, weight: float) -> float:
    """By how much a file's payload exceeds the model's own estimate, as a share."""
    return 8 * (len(codec.compress(picture, weight)) - OVERHEAD) / codec.estimate(codec.symbols(picture, weight)) - 1


@pytest.mark.parametrize("weight", GRID)
@pytest.mark.parametrize("name", ["coffee", "china"])
def test_a_file_is_as_large_as_the_model_says(codec, name, weight):
    assert abs(size_error(codec, photographs()[name], weight)) < 0.01


def test_a_file_of_latents_that_are_what_the_model_expects_is_as_large_as_it_says(codec):
    draw = np.random.default_rng(0)
    z = codec.symbols(photographs()["coffee"], 0.05).z
    sigma = codec.symbols(photographs()["coffee"], 0.05).sigma
    y = np.round(sigma * draw.standard_normal(sigma.shape)).astype(np.int32)
    estimate = float(sum(part.sum() for part in codec.bits(Symbols(z, y, sigma))))
    payload = 8 * (len(codec.pack(Symbols(z, y, sigma), 400, 600, 0.05)) - OVERHEAD)
    assert payload == pytest.approx(estimate, rel=0.005)


@pytest.mark.parametrize("name", ["yoto", "yoto_wider_batch16", "fixed_2"])
def test_a_shipped_models_file_is_as_large_as_it_says(name):
    folder = shipped("checkpoints") / "compression"
    if not folder.is_dir() or name not in {card.name for card in cards(folder, "compression")}:
        pytest.skip(f"{name} is not among the shipped checkpoints")
    trained = load(name)
    codec = Codec(trained.model)
    for weight in GRID if trained.config.lam is None else [trained.config.lam]:
        for picture in ("astronaut", "china"):
            assert abs(size_error(codec, photographs()[picture], weight)) < 0.01


def test_bits_are_those_of_every_symbol(codec):
    symbols = codec.symbols(corner(128, 192), 0.02)
    y, z = codec.bits(symbols)
    assert (y.shape, z.shape) == (symbols.y.shape, symbols.z.shape)
    assert min(y.min(), z.min()) >= 0
    assert codec.estimate(codec.symbols(corner(128, 192), 0.02)) == pytest.approx(float(y.sum() + z.sum()))


# Mistakes -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("picture", "given"),
    [
        (torch.rand(3, 8, 8), r"torch.float32 \(3, 8, 8\)"),
        (torch.full((3, 8, 8), torch.nan), r"torch.float32 \(3, 8, 8\)"),
        (torch.zeros(3, 8, 8, dtype=torch.int64), r"torch.int64 \(3, 8, 8\)"),
        (torch.zeros(8, 8, 3, dtype=torch.uint8), r"torch.uint8 \(8, 8, 3\)"),
        (torch.zeros(1, 8, 8, dtype=torch.uint8), r"torch.uint8 \(1, 8, 8\)"),
        (torch.zeros(4, 8, 8, dtype=torch.uint8), r"torch.uint8 \(4, 8, 8\)"),
        (torch.zeros(1, 3, 8, 8, dtype=torch.uint8), r"torch.uint8 \(1, 3, 8, 8\)"),
        (torch.zeros(8, 8, dtype=torch.uint8), r"torch.uint8 \(8, 8\)"),
        (np.zeros((3, 8, 8), dtype=np.uint8), "ndarray"),
        ("picture.png", "str"),
        (None, "NoneType"),
    ],
)
def test_what_is_no_picture_is_refused(codec, picture, given):
    with pytest.raises(ReaderError, match=rf"uint8 tensor \(3, H, W\).*got {given}"):
        codec.compress(picture, 0.01)


@pytest.mark.parametrize("shape", [(3, 0, 8), (3, 8, 0), (3, 1, 65536), (3, 65536, 1)])
def test_a_picture_too_small_or_too_large_is_refused(codec, shape):
    with pytest.raises(ReaderError, match=rf"1 to 65,535 pixels a side; got \({shape[0]}, {shape[1]}, {shape[2]}\)"):
        codec.compress(torch.zeros(shape, dtype=torch.uint8), 0.01)


@pytest.mark.parametrize("weight", [0, -0.1, WEIGHTS[0] * 0.99, WEIGHTS[1] * 1.01, np.nan, np.inf, "0.01", None])
def test_what_is_no_weight_is_refused(codec, weight):
    for call in (
        lambda: codec.compress(corner(8, 8), weight),
        lambda: codec.symbols(corner(8, 8), weight),
        lambda: codec.picture(codec.symbols(corner(8, 8), 0.01), 8, 8, weight),
        lambda: codec.pack(codec.symbols(corner(8, 8), 0.01), 8, 8, weight),
    ):
        with pytest.raises(ReaderError, match=r"between 0\.00012 and 2\.6 .*; got"):
            call()


def test_a_model_in_training_is_not_trained_by_coding():
    model = small_model(8, 12).train()
    codec = Codec(model)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    codec.decompress(codec.compress(corner(64, 64), 0.01))
    assert not model.training
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
