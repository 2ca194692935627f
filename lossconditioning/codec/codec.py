"""A codec with a dial: pictures to bytes and back, at any weight λ.

    codec = Codec(model)
    data = codec.compress(picture, lam=0.01)    # bytes, a file's contents
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
import hashlib
import warnings
from collections.abc import Callable
from functools import cached_property, wraps

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from lossconditioning.codec.container import MAX_PIXELS, MAX_SIDE, Container, FileError, checksum, warn_of_size
from lossconditioning.codec.entropy_models import gaussian_likelihood
from lossconditioning.codec.lam_range import LamRange
from lossconditioning.codec.symbols import SymbolCoder, Symbols
from lossconditioning.codec.tables import SYMBOL_MAX
from lossconditioning.codec.tiles import LATENT, STRIDE, in_tiles
from lossconditioning.conditioning import Conditioned, Hypernetwork
from lossconditioning.errors import ReaderError, WeightWarning
from lossconditioning.priors import LogUniform
from lossconditioning.training import keep_freed_memory


def _quiet(method: Callable) -> Callable:
    """Without gradients, and without the model's own warning of λ outside its range: `compress` says so, once."""

    @wraps(method)
    def wrapped(*arguments, **options):
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore", WeightWarning)
            return method(*arguments, **options)

    return wrapped


class Codec:
    """Compresses with one model. Making one builds its tables, a fraction of a second; keep it.

    Args:
        model: a trained scale hyperprior, conditional or fixed-weight, on the CPU, such as compression's `ScaleHyperprior`:
            its transforms ``latents``, ``hyper_latents``, ``scales`` and ``synthesise`` and its quantisation ``step``, all
            called with λ last; ``prior_z``, the distribution of its hyper-latents; ``m``, the number of latent channels;
            ``lam_range``, lowest and highest λ it was trained on; and ``constants``, what it computes with besides its weights.

    Attributes:
        lam_range: which λ the codec takes.
    """

    def __init__(self, model: nn.Module):
        keep_freed_memory()  # features are large blocks; given anew by the system each time, they cost more than the sums
        self.model, self.lam_range = model.cpu().eval(), LamRange(model.lam_range)
        self._exact = _in_double_precision(model)  # σ decides which table a latent is read with
        self._median = model.prior_z.median.double()[:, None, None]

    @cached_property
    def _coder(self) -> SymbolCoder:
        return SymbolCoder(self.model.prior_z)

    @cached_property
    def model_id(self) -> bytes:
        """8 bytes that stand for the model: a digest of its weights, constants and tables."""
        sha = hashlib.sha256(repr(self.model.constants).encode())
        for name, tensor in sorted(self.model.state_dict().items()):
            sha.update(name.encode() + tensor.detach().float().numpy().astype("<f4").tobytes())
        for table in (*self._coder.z_tables, *self._coder.y_tables):
            sha.update(table.counts.astype("<u4").tobytes())
        return sha.digest()[:8]

    def compress(self, picture: Tensor, lam: float) -> bytes:
        """A picture as the contents of a file.

        Args:
            picture: uint8 ``(3, H, W)``, from 1×1 to 65,535 pixels a side. Of one that `decompress` takes only with a higher
                limit than its own, 16.8 megapixels, it warns.
            lam: λ; small for small files, large for faithful ones. A fixed-weight model only notes it. Outside of the
                range that the model was trained on it warns (`WeightWarning`), a factor of ten beyond it refuses.
        """
        lam = self.lam_range.checked(lam)
        self.lam_range.warn(lam, stacklevel=2)
        data = self.encode(picture, lam)[1]
        warn_of_size(*picture.shape[1:], stacklevel=2)
        return data

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
        if not self.lam_range.takes(file.lam):
            raise FileError(f"The header makes no sense: λ = {file.lam}.")
        return self.picture(self.unpack(file), file.height, file.width, file.lam)

    def encode(self, picture: Tensor, lam: float) -> tuple[Symbols, bytes]:
        """What `compress` makes of a picture, without its warning; and the symbols that the file holds."""
        symbols = self.symbols(picture, lam)
        return symbols, self.pack(symbols, *picture.shape[1:], lam)

    # Pictures and symbols ---------------------------------------------------------------------------------------------

    @_quiet
    def symbols(self, picture: Tensor, lam: float) -> Symbols:
        """What a picture, uint8 ``(3, H, W)``, is rounded to under λ."""
        _check_picture(picture)
        lam = self.lam_range.checked(lam)
        told, pixels = torch.tensor([lam]), picture[None].float() / 255
        height, width = picture.shape[1:]
        pixels = F.pad(pixels, (0, -width % STRIDE, 0, -height % STRIDE), mode="replicate")
        out = pixels.new_empty(1, self.model.m, *(side // LATENT for side in pixels.shape[2:]))
        y = in_tiles(lambda part: self.model.latents(part, told), pixels, out, pixels=1)
        z = _whole(self.model.hyper_latents(y, told)[0] - self._median)
        return Symbols(z, _whole(y[0].double() / self._step(lam)), self._sigma(z, lam))

    @_quiet
    def picture(self, symbols: Symbols, height: int, width: int, lam: float) -> Tensor:
        """What a decoder shows for symbols: uint8 ``(3, height, width)``."""
        lam = self.lam_range.checked(lam)
        told, y = torch.tensor([lam]), (torch.from_numpy(symbols.y) * self._step(lam)).float()[None]
        out = y.new_empty(1, 3, *(LATENT * side for side in y.shape[2:]))
        pixels = in_tiles(lambda part: self.model.synthesise(part, told), y, out, pixels=LATENT)
        return pixels[0, :, :height, :width].mul_(255).round_().clamp_(0, 255).byte()

    @_quiet
    def bits(self, symbols: Symbols) -> tuple[Tensor, Tensor]:
        """What the model itself says every symbol costs: bits of y ``(M, H/16, W/16)`` and of z ``(N, H/64, W/64)``."""
        z_hat = torch.from_numpy(symbols.z) + self._median
        y_likelihood = gaussian_likelihood(torch.from_numpy(symbols.y).double(), torch.from_numpy(symbols.sigma))
        return -y_likelihood.log2(), -self._exact.prior_z.likelihood(z_hat[None])[0].log2()

    def estimate(self, symbols: Symbols) -> float:
        """What the model itself says the symbols cost altogether, in bits: a file's payload, but for the coder's rounding."""
        return float(sum(part.sum() for part in self.bits(symbols)))

    def _step(self, lam: float) -> Tensor | float:
        """Δ in float64, ``(M, 1, 1)``, or 1."""
        step = self._exact.step(torch.tensor([lam], dtype=torch.float64))
        return step[0] if isinstance(step, Tensor) else step

    def _sigma(self, z: NDArray[np.int32], lam: float) -> NDArray[np.float64]:
        """σ/Δ of every latent, in float64, so that encoder and decoder agree on it."""
        z_hat = (torch.from_numpy(z) + self._median)[None]
        return (self._exact.scales(z_hat, torch.tensor([lam], dtype=torch.float64))[0] / self._step(lam)).numpy()

    # Symbols and bytes ------------------------------------------------------------------------------------------------

    def pack(self, symbols: Symbols, height: int, width: int, lam: float) -> bytes:
        """Symbols as the contents of a file."""
        lam = self.lam_range.checked(lam)
        checksums = (checksum(part, width, height, lam) for part in (symbols.z, symbols.y))
        return Container(self.model_id, width, height, lam, *checksums, self._coder.write(symbols)).pack()

    @_quiet
    def unpack(self, file: Container) -> Symbols:
        """The symbols in a file; see `decompress` for what is refused."""

        def predict(z: NDArray[np.int32]) -> NDArray[np.float64]:
            _compare(file, z, file.z_checksum)  # before anything large is computed from them
            return self._sigma(z, file.lam)

        rows, columns = (-(-side // STRIDE) for side in (file.height, file.width))
        if len(file.payload) < self._coder.least_bytes(rows, columns):  # nothing is set aside for what can not be there
            raise FileError(
                f"The header says {file.width}×{file.height} pixels, for which a payload of {len(file.payload):,} bytes is too "
                "short: the file was edited. Get it again."
            )
        try:
            symbols = self._coder.read(file.payload, rows, columns, predict)
        except AssertionError:
            raise FileError("The file's payload is not one this model's tables can have made. Get it again.") from None
        _compare(file, symbols.y, file.y_checksum)
        return symbols


def _in_double_precision(model: nn.Module) -> nn.Module:
    """A copy that computes in float64 throughout, the encoding of λ included."""
    exact = copy.deepcopy(model).double()
    for part in exact.modules():
        if isinstance(part, (Conditioned, Hypernetwork)) and part.prior is not None:
            part.prior = LogUniform(*(torch.tensor(end, dtype=torch.float64) for end in model.lam_range))
    return exact


def _compare(file: Container, symbols: NDArray[np.int32], expected: int) -> None:
    if checksum(symbols, file.width, file.height, file.lam) != expected:
        raise FileError(
            "The file decodes to other symbols than were encoded: it is damaged, or this machine computes the model "
            "differently from the one that made it. Nothing is shown."
        )


def _whole(values: Tensor) -> NDArray[np.int32]:
    return values.round().clamp(-SYMBOL_MAX, SYMBOL_MAX).to(torch.int32).numpy()


def _check_picture(picture: Tensor) -> None:
    if not isinstance(picture, Tensor) or picture.dtype != torch.uint8 or picture.dim() != 3 or len(picture) != 3:
        given = f"{picture.dtype} {tuple(picture.shape)}" if isinstance(picture, Tensor) else type(picture).__name__
        raise ReaderError(
            f"A picture is a uint8 tensor (3, H, W), as lossconditioning.datasets.folders.read_picture gives; got {given}."
        )
    if not 1 <= min(picture.shape[1:]) <= max(picture.shape[1:]) <= MAX_SIDE:
        raise ReaderError(f"A picture has 1 to {MAX_SIDE:,} pixels a side; got {tuple(picture.shape)}.")
