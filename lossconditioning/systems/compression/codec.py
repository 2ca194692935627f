"""A codec with a dial: pictures to bytes and back, at any weight λ.

    codec = Codec(model)
    data = codec.compress(picture, weight=0.01)    # bytes, a file's contents
    picture = codec.decompress(data)

What is guaranteed: the symbols are exact. They are read with integer tables, and which table a latent takes is computed in
float64, where rounding errors are some 10⁻¹² of the distance that matters; should a machine with other arithmetic decide
differently all the same, the checksum of the symbols says so, and nothing is shown. The picture computed from the symbols is
exact on the same machine with the same number of threads and the same PyTorch; elsewhere single pixels may differ by one grey
level, since float32 convolutions round differently. No format of this kind can promise more without integer networks (Ballé
et al. 2019).
"""

from __future__ import annotations

import copy
import functools
import hashlib
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import constriction
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from lossconditioning.conditioning import Conditioned
from lossconditioning.errors import ReaderError, WeightWarning
from lossconditioning.priors import LogUniform
from lossconditioning.systems.compression.container import MAX_PIXELS, MAX_SIDE, Container, FileError, checksum
from lossconditioning.systems.compression.entropy_models import gaussian_likelihood
from lossconditioning.systems.compression.models import STRIDE, ScaleHyperprior
from lossconditioning.systems.compression.tables import BOUNDARIES, SYMBOL_MAX, Table, gaussian_tables, prior_tables
from lossconditioning.systems.compression.task import LAMBDA_RANGE
from lossconditioning.systems.compression.tiles import in_tiles
from lossconditioning.training import keep_freed_memory

WEIGHTS = (LAMBDA_RANGE[0] / 10, LAMBDA_RANGE[1] * 10)
"""Weights a codec takes: the range it was trained on, and a factor of ten beyond."""
TRAINED = (LAMBDA_RANGE[0] * (1 - 1e-6), LAMBDA_RANGE[1] * (1 + 1e-6))  # its ends, rounded, are still in it


@dataclass(frozen=True)
class Symbols:
    """A picture as whole numbers.

    Attributes:
        z: hyper-latents, int32 ``(N, H/64, W/64)``, in steps from the channels' medians.
        y: latents, int32 ``(M, H/16, W/16)``, in quantisation steps.
        sigma: the deviation that z predicts for every latent, in quantisation steps; float64, like y.
    """

    z: NDArray[np.int32]
    y: NDArray[np.int32]
    sigma: NDArray[np.float64]


def _quiet(method: Callable) -> Callable:
    """Without gradients, and without the model's own warning of weights outside its range: `compress` says so, once."""

    @functools.wraps(method)
    def wrapped(*arguments, **options):
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore", WeightWarning)
            return method(*arguments, **options)

    return wrapped


class Codec:
    """Compresses with one model. Making one builds its tables, a fraction of a second; keep it.

    Args:
        model: a trained `ScaleHyperprior`, conditional or fixed-weight, on the CPU.
    """

    def __init__(self, model: ScaleHyperprior):
        keep_freed_memory()  # features are large blocks; given anew by the system each time, they cost more than the sums
        self.model = model.cpu().eval()
        self._exact = _in_double_precision(model)  # σ decides which table a latent is read with
        self._median = model.prior_z.median.double()[:, None, None]

    @cached_property
    def _tables(self) -> tuple[list[Table], list[Table]]:
        return prior_tables(self.model.prior_z), gaussian_tables()

    @cached_property
    def model_id(self) -> bytes:
        """8 bytes that stand for the model: a digest of its weights, constants and tables."""
        sha = hashlib.sha256(repr(self.model.constants).encode())
        for name, tensor in sorted(self.model.state_dict().items()):
            sha.update(name.encode() + tensor.detach().float().numpy().astype("<f4").tobytes())
        for table in (*self._tables[0], *self._tables[1]):
            sha.update(table.counts.astype("<u4").tobytes())
        return sha.digest()[:8]

    def compress(self, picture: Tensor, weight: float) -> bytes:
        """A picture as the contents of a file.

        Args:
            picture: uint8 ``(3, H, W)``, from 1×1 to 65,535 pixels a side.
            weight: λ; small for small files, large for faithful ones. A fixed-weight model only notes it. Outside of the
                range that models are trained on it warns (`WeightWarning`), a factor of ten beyond it refuses.
        """
        weight = _weight(weight)
        if not TRAINED[0] <= weight <= TRAINED[1]:
            warnings.warn(
                f"λ = {weight:.4g} lies outside the range from {LAMBDA_RANGE[0]:g} to {LAMBDA_RANGE[1]:g}: the model was not "
                "trained there and extrapolates.",
                WeightWarning,
                stacklevel=2,
            )
        symbols = self.symbols(picture, weight)
        return self.pack(symbols, *picture.shape[1:], weight)

    def decompress(self, data: bytes, max_pixels: int = MAX_PIXELS) -> Tensor:
        """The picture in a file, uint8 ``(3, H, W)``.

        Raises:
            FileError: if the file is damaged, not one of ours, made with another model, or larger than ``max_pixels``.
        """
        file = Container.unpack(data, max_pixels)
        if file.model != self.model_id:
            raise FileError(
                f"The file was made with model {file.model.hex()}, this is {self.model_id.hex()}. Decompress it with the model "
                "that compressed it."
            )
        if not _is_weight(file.weight):
            raise FileError(f"The header makes no sense: λ = {file.weight}.")
        return self.picture(self.unpack(file), file.height, file.width, file.weight)

    # Pictures and symbols ---------------------------------------------------------------------------------------------

    @_quiet
    def symbols(self, picture: Tensor, weight: float) -> Symbols:
        """What a picture, uint8 ``(3, H, W)``, is rounded to under λ."""
        _check_picture(picture)
        weight = _weight(weight)
        lam, pixels = torch.tensor([weight]), picture[None].float() / 255
        height, width = picture.shape[1:]
        pixels = F.pad(pixels, (0, -width % STRIDE, 0, -height % STRIDE), mode="replicate")
        out = pixels.new_empty(1, self.model.m, pixels.shape[2] // 16, pixels.shape[3] // 16)
        y = in_tiles(lambda part: self.model.latents(part, lam), pixels, out, pixels=1)
        z = _whole(self.model.hyper_latents(y, lam)[0] - self._median)
        return Symbols(z, _whole(y[0].double() / self._step(weight)), self._sigma(z, weight))

    @_quiet
    def picture(self, symbols: Symbols, height: int, width: int, weight: float) -> Tensor:
        """What a decoder shows for symbols: uint8 ``(3, height, width)``."""
        weight = _weight(weight)
        lam = torch.tensor([weight])
        y = (torch.from_numpy(symbols.y) * self._step(weight)).float()[None]
        out = y.new_empty(1, 3, 16 * y.shape[2], 16 * y.shape[3])
        pixels = in_tiles(lambda part: self.model.synthesise(part, lam), y, out, pixels=16)[0, :, :height, :width]
        return pixels.mul_(255).round_().clamp_(0, 255).byte()

    @_quiet
    def bits(self, symbols: Symbols) -> tuple[Tensor, Tensor]:
        """What the model itself says every symbol costs: bits of y ``(M, H/16, W/16)`` and of z ``(N, H/64, W/64)``."""
        z_hat = torch.from_numpy(symbols.z) + self._median
        y_likelihood = gaussian_likelihood(torch.from_numpy(symbols.y).double(), torch.from_numpy(symbols.sigma))
        return -y_likelihood.log2(), -self._exact.prior_z.likelihood(z_hat[None])[0].log2()

    def estimate(self, symbols: Symbols) -> float:
        """What the model itself says the symbols cost altogether, in bits: a file's payload, but for the coder's rounding."""
        return float(sum(part.sum() for part in self.bits(symbols)))

    def _step(self, weight: float) -> Tensor | float:
        """Δ in float64, ``(M, 1, 1)``, or 1."""
        step = self._exact.step(torch.tensor([weight], dtype=torch.float64))
        return step[0] if isinstance(step, Tensor) else step

    def _sigma(self, z: NDArray[np.int32], weight: float) -> NDArray[np.float64]:
        """σ/Δ of every latent, in float64, so that encoder and decoder agree on it."""
        z_hat = (torch.from_numpy(z) + self._median)[None]
        sigma = self._exact.scales(z_hat, torch.tensor([weight], dtype=torch.float64))[0]
        return (sigma / self._step(weight)).numpy()

    # Symbols and bytes ------------------------------------------------------------------------------------------------

    def pack(self, symbols: Symbols, height: int, width: int, weight: float) -> bytes:
        """Symbols as the contents of a file."""
        encoder = constriction.stream.queue.RangeEncoder()
        z_tables, y_tables = self._tables
        for table, channel in zip(z_tables, symbols.z, strict=True):
            table.write(encoder, channel.ravel())
        for table, places in _by_table(symbols.sigma, y_tables):
            table.write(encoder, symbols.y.ravel()[places])
        payload = encoder.get_compressed().astype("<u4").tobytes()
        weight = _weight(weight)
        checksums = (checksum(part, width, height, weight) for part in (symbols.z, symbols.y))
        return Container(self.model_id, width, height, weight, *checksums, payload).pack()

    @_quiet
    def unpack(self, file: Container) -> Symbols:
        """The symbols in a file; see `decompress` for what is refused."""
        decoder = constriction.stream.queue.RangeDecoder(np.frombuffer(file.payload, "<u4").astype(np.uint32))
        rows, columns = -(-file.height // STRIDE), -(-file.width // STRIDE)
        z_tables, y_tables = self._tables
        try:
            z = np.stack([table.read(decoder, rows * columns).reshape(rows, columns) for table in z_tables])
            _compare(file, z, file.z_checksum)  # before anything large is computed from them
            sigma = self._sigma(z, file.weight)
            y = np.empty(sigma.size, dtype=np.int32)
            for table, places in _by_table(sigma, y_tables):
                y[places] = table.read(decoder, len(places))
        except AssertionError:  # the decoder's word for data that no encoder made
            raise FileError("The file's payload is not one this model's tables can have made. Get it again.") from None
        _compare(file, y, file.y_checksum)
        return Symbols(z, y.reshape(sigma.shape), sigma)


def _in_double_precision(model: ScaleHyperprior) -> ScaleHyperprior:
    """A copy that computes in float64 throughout, the encoding of λ included."""
    exact = copy.deepcopy(model).double()
    for part in exact.modules():
        if isinstance(part, Conditioned):
            part.prior = LogUniform(*(torch.tensor(end, dtype=torch.float64) for end in LAMBDA_RANGE))
    return exact


def _by_table(sigma: NDArray[np.float64], tables: list[Table]) -> Iterator[tuple[Table, NDArray[np.intp]]]:
    """Tables in use, those of the scales nearest to σ, each with the places of the latents that take it, in order."""
    chosen = np.searchsorted(BOUNDARIES, sigma.ravel()).astype(np.uint8)
    order = np.argsort(chosen, kind="stable")
    ends = np.bincount(chosen, minlength=len(tables)).cumsum()
    for table, start, end in zip(tables, (0, *ends[:-1]), ends, strict=True):
        if end > start:
            yield table, order[start:end]


def _compare(file: Container, symbols: NDArray[np.int32], expected: int) -> None:
    if checksum(symbols, file.width, file.height, file.weight) != expected:
        raise FileError(
            "The file decodes to other symbols than were encoded: it is damaged, or this machine computes the model "
            "differently from the one that made it. Nothing is shown."
        )


def _whole(values: Tensor) -> NDArray[np.int32]:
    return values.round().clamp(-SYMBOL_MAX, SYMBOL_MAX).to(torch.int32).numpy()


def _is_weight(weight: float) -> bool:
    return _rounded(WEIGHTS[0]) <= weight <= _rounded(WEIGHTS[1])


def _rounded(weight: float) -> float:
    """λ as a file holds it, float32."""
    return float(np.float32(weight))


def _weight(weight: float) -> float:
    if not isinstance(weight, (int, float, np.floating)) or not _is_weight(_rounded(weight)):
        raise ReaderError(
            f"The weight is a number between {WEIGHTS[0]:g} and {WEIGHTS[1]:g} (trained between {LAMBDA_RANGE[0]:g} and "
            f"{LAMBDA_RANGE[1]:g}); got {weight!r}."
        )
    return _rounded(weight)


def _check_picture(picture: Tensor) -> None:
    if not isinstance(picture, Tensor) or picture.dtype != torch.uint8 or picture.dim() != 3 or len(picture) != 3:
        given = f"{picture.dtype} {tuple(picture.shape)}" if isinstance(picture, Tensor) else type(picture).__name__
        raise ReaderError(
            f"A picture is a uint8 tensor (3, H, W), as lossconditioning.datasets.folders.read_picture gives; got {given}."
        )
    if not 1 <= min(picture.shape[1:]) <= max(picture.shape[1:]) <= MAX_SIDE:
        raise ReaderError(f"A picture has 1 to {MAX_SIDE:,} pixels a side; got {tuple(picture.shape)}.")
