"""Where the weights of an image-classification network come from, and what to say of them.

In this order: a file or folder the reader names; ``weights/`` in the data folder (``$LOSSCONDITIONING_DATA`` or data/cache);
torchvision's own download, verified whenever it is read; and, said aloud, fixed random filters.
"""

from __future__ import annotations

import hashlib
import socket
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from pickle import UnpicklingError

import torch
import torchvision
from safetensors import SafetensorError, safe_open
from torch import Tensor

from lossconditioning.errors import ReaderError
from lossconditioning.paths import data_cache

WEIGHTS = {
    "vgg16": torchvision.models.VGG16_Weights.IMAGENET1K_V1,
    "vgg19": torchvision.models.VGG19_Weights.IMAGENET1K_V1,
    "inception_v3": torchvision.models.Inception_V3_Weights.IMAGENET1K_V1,
    "squeezenet1_0": torchvision.models.SqueezeNet1_0_Weights.IMAGENET1K_V1,
    "squeezenet1_1": torchvision.models.SqueezeNet1_1_Weights.IMAGENET1K_V1,
}
"""Network → torchvision's weights, which know their address and the digest in it."""
RANDOM = "random"
_PATIENCE = 10.0  # seconds that a server may stay silent


@dataclass(frozen=True)
class Pretrained:
    """Weights by torchvision's names, and where they are from, in words; no weights at all for random filters."""

    tensors: dict[str, Tensor] | None
    source: str


def find_weights(network: str, weights: str | Path | None, fits: Callable[[str], bool], download: bool) -> Pretrained:
    """Look a network's weights up; see the module's text for where.

    Args:
        network: a name in `WEIGHTS`.
        weights: a safetensors file, or a folder of such files named ``NETWORK….safetensors``; "random" for random filters
            without asking for anything else.
        fits: which tensors are wanted, by name.
        download: whether to ask torchvision for them if they are not at hand; its file is read without unpickling code.

    Raises:
        ReaderError: if the file that was named is missing or damaged.
    """
    if weights == RANDOM:
        return Pretrained(None, f"{network} with fixed random filters")
    if weights is not None:
        path = Path(weights).expanduser()
        file = _in_folder(path, network) if path.is_dir() else path
        if file is None:
            raise ReaderError(
                f"There is no file {network}*.safetensors in the folder {path}. Name a file, or another folder."
            )
        return _read(file, fits)
    found = _in_folder(data_cache() / "weights", network)
    if found:
        return _read(found, fits)
    if download:
        try:
            return Pretrained(_of_torchvision(network, fits), f"{network}, torchvision's weights")
        except (OSError, HTTPException, RuntimeError) as error:  # no network, or a file that is not the right one
            print(f"torchvision's weights of {network} can not be had ({error}).", file=sys.stderr)
    print(
        f"There are no weights of {network} in {data_cache() / 'weights'}; used instead: fixed random filters. Losses are "
        "then other numbers than with trained ones.",
        file=sys.stderr,
    )
    return find_weights(network, RANDOM, fits, download=False)


def _of_torchvision(network: str, fits: Callable[[str], bool]) -> dict[str, Tensor]:
    """torchvision's weights, downloaded if they are not kept already, and verified in both cases.

    Raises:
        RuntimeError: if they are not what the digest in their address says, or no tensors by name.
    """
    weights = WEIGHTS[network]
    kept = Path(torch.hub.get_dir()) / "checkpoints" / Path(weights.url).name
    damaged = RuntimeError(f"{kept} is damaged. Delete it, to have it downloaded again")
    digest = torch.hub.HASH_REGEX.search(kept.name)
    if (
        kept.is_file() and digest and not _sha256(kept).startswith(digest[1])
    ):  # torchvision verifies only what it downloads
        raise damaged
    for left in kept.parent.glob(f"{kept.name}.*.partial"):  # torchvision begins under a new name each time
        with suppress(OSError):  # another process clears them too
            if time.time() - left.stat().st_mtime > 60 * _PATIENCE:  # its process was killed: nobody waits that long
                left.unlink()
    try:
        with _patience():
            tensors = weights.get_state_dict(check_hash=True, weights_only=True, map_location="cpu")
    except (EOFError, UnpicklingError):  # torch's own text advises to unpickle it all the same
        raise damaged from None
    if not isinstance(tensors, Mapping) or not all(isinstance(tensor, Tensor) for tensor in tensors.values()):
        raise RuntimeError(f"{kept} holds a {type(tensors).__name__}; expected tensors by name")
    return {name: tensor for name, tensor in tensors.items() if fits(name)}


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


def _in_folder(folder: Path, network: str) -> Path | None:
    """The file of a network in a folder; the largest, if there are several."""
    found = folder.glob(f"{network}*.safetensors")
    files = [path for path in found if path.is_file() and not path.stem.startswith(f"{network}_bn")]  # another network
    return max(files, key=lambda path: (path.stat().st_size, path.name)) if files else None


def _read(path: Path, fits: Callable[[str], bool]) -> Pretrained:
    try:
        with safe_open(path, framework="pt") as file:
            return Pretrained({name: file.get_tensor(name) for name in file.keys() if fits(name)}, path.stem)  # noqa: SIM118
    except FileNotFoundError:
        raise ReaderError(
            f"There is no file {path} with weights. Give a safetensors file, or a folder of them."
        ) from None
    except (SafetensorError, OSError) as error:
        raise ReaderError(f"{path} is damaged or not a safetensors file ({error}). Get it again.") from None


@contextmanager
def _patience() -> Iterator[None]:
    """A server that stays silent is given up after a while; torchvision's own download waits for ever."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_PATIENCE)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
