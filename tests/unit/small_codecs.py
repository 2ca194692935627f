"""Small codecs that never saw training: they start from the principal components of photographs, which is enough to code."""

import multiprocessing
from collections.abc import Callable

import torch

from lossconditioning.codec import Codec
from lossconditioning.datasets.photographs import photographs
from lossconditioning.systems.compression.data import patches
from lossconditioning.systems.compression.models import ScaleHyperprior
from lossconditioning.systems.compression.start import start_from_principal_components
from lossconditioning.training.randomness import seed_everything


def small_model(n: int = 8, m: int = 8, *, conditional: bool = True, seed: int = 0, **options) -> ScaleHyperprior:
    """A model whose latents mean something: conditional and with a step, unless told otherwise."""
    seed_everything(seed)
    model = ScaleHyperprior(n, m, None if conditional else 0.01, **{"step": True, **options})
    start_from_principal_components(model, patches(list(photographs().values()), 64, 32, seed)(0))
    model.prior_z.find_medians()
    return model


def small_codec(n: int = 8, m: int = 8, **options) -> Codec:
    """A codec with a `small_model`."""
    return Codec(small_model(n, m, **options))


def corner(height: int, width: int, name: str = "coffee") -> torch.Tensor:
    """A piece of a photograph, uint8 ``(3, height, width)``."""
    return photographs()[name][:, 60 : 60 + height, 100 : 100 + width].clone()


def elsewhere(work: Callable, *given: object) -> object:
    """What a function returns in a process that does nothing else; an error if it hangs or crashes, for then nothing comes."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["lossconditioning.systems.compression"])  # only the first process waits for it
    with context.Pool(1) as pool:
        return pool.apply_async(work, given).get(timeout=300)
