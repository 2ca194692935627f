"""Random numbers that depend on where training stands, not on how it got there.

Exact resume needs no data-loader state: batch *t* is a pure function of (seed, *t*), and every random draw inside step *t*
starts from a generator seeded by (seed, *t*). A run that was killed and resumed draws what it would have drawn.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from lossconditioning.errors import ReaderError, positive_int

_MASK = (1 << 64) - 1


def mix(*numbers: int) -> int:
    """Hash integers into one 63-bit seed (splitmix64 over the sequence): close inputs give unrelated seeds."""
    state = 0x9E3779B97F4A7C15
    for number in numbers:
        state = (state + (number & _MASK) + 0x9E3779B97F4A7C15) & _MASK
        state = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) & _MASK
        state ^= state >> 31
    return state >> 1


def generator(*numbers: int, device: torch.device | str = "cpu") -> torch.Generator:
    """A torch generator seeded by ``mix(*numbers)``."""
    return torch.Generator(device).manual_seed(mix(*numbers))


def seed_everything(*numbers: int) -> None:
    """Seed the global generators of torch (all devices), NumPy and Python by ``mix(*numbers)``."""
    seed = mix(*numbers)
    torch.manual_seed(seed)
    np.random.seed(seed % (1 << 32))  # noqa: NPY002 - the global generator is what a reader's code may draw from
    random.seed(seed)


def reseed_torch(*numbers: int) -> None:
    """Seed torch's global generators, cheaply: a microsecond, where `torch.manual_seed` takes a hundred."""
    seed = mix(*numbers)
    torch.default_generator.manual_seed(seed)
    if torch.cuda.is_initialized():
        torch.cuda.manual_seed_all(seed)


def generators_state() -> dict[str, list]:
    """What NumPy's and Python's global generators stand at, for a checkpoint. (torch's are seeded anew at every step.)"""
    algorithm, keys, *rest = np.random.get_state()  # noqa: NPY002
    version, words, gauss = random.getstate()
    return {
        "numpy": [algorithm, torch.from_numpy(keys.astype(np.int64)), *rest],
        "python": [version, torch.tensor(words), gauss],
    }


def restore_generators(saved: dict[str, list]) -> None:
    """The inverse of `generators_state`."""
    algorithm, keys, *rest = saved["numpy"]
    np.random.set_state((algorithm, keys.numpy().astype(np.uint32), *rest))  # noqa: NPY002
    version, words, gauss = saved["python"]
    random.setstate((version, tuple(words.tolist()), gauss))


class Batches:
    """Shuffled mini-batches of in-memory tensors, addressed by step: ``batches[t]``.

    Every epoch is a fresh permutation, a function of (seed, epoch); batch *t* is slice *t* mod ``per_epoch`` of it. The
    last batch of an epoch is smaller if the size does not divide the data.

    Args:
        *tensors: data with a common first axis N.
        batch_size: examples per batch.
        seed: an integer; or M integers, one per member of an ensemble: each member then sees its own order, and batches
            have shape ``(M, B, …)``.

    Returns on indexing:
        the batch as a tensor, or a tuple of tensors if several were given.
    """

    def __init__(self, *tensors: Tensor, batch_size: int, seed: int | Sequence[int] = 0):
        if not tensors or len({len(t) for t in tensors}) != 1 or len(tensors[0]) == 0:
            raise ReaderError(f"Batches needs tensors of one common length; got {[tuple(t.shape) for t in tensors]}.")
        self.tensors = tensors
        self.batch_size = positive_int("batch_size", batch_size)
        self.seed = seed
        self._epoch, self._order = -1, torch.empty(0)

    @property
    def per_epoch(self) -> int:
        """Batches per epoch, the smaller last one included."""
        return -(-len(self.tensors[0]) // self.batch_size)

    def __getitem__(self, step: int) -> Tensor | tuple[Tensor, ...]:
        if step < 0:
            raise ReaderError(f"Batches are numbered from 0; got {step}.")
        epoch, position = divmod(step, self.per_epoch)
        if epoch != self._epoch:
            self._epoch, self._order = epoch, self._permutation(epoch)
        index = self._order[..., position * self.batch_size : (position + 1) * self.batch_size]
        batch = tuple(tensor[index] for tensor in self.tensors)
        return batch if len(batch) > 1 else batch[0]

    def _permutation(self, epoch: int) -> Tensor:
        def shuffle(seed: int) -> Tensor:
            return torch.randperm(len(self.tensors[0]), generator=generator(seed, epoch))

        order = shuffle(self.seed) if isinstance(self.seed, int) else torch.stack([shuffle(s) for s in self.seed])
        return order.to(self.tensors[0].device)
