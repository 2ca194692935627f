"""Sampling styles (StEP, section 3.2): a mapper from noise to style codes, and a Gaussian without one."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn

from lossconditioning.errors import ReaderError, positive_int
from lossconditioning.systems.staged_encoder.distances import all_pairs
from lossconditioning.training.randomness import generator, mix

WIDTH = 128
"""Neurons in each of the mapper's three hidden layers (A.1)."""
RATE, BETAS = 0.01, (0.5, 0.99)
"""Adam's, for the mapper (A.1)."""
DECAY, EVERY = 0.7, 50
"""The rate is multiplied by 0.7 after every 50 epochs, which A.1 calls steps."""
_ENTRIES = 1 << 25  # numbers in a block of distances: 128 MB


class Mapper(nn.Module):
    """M: standard normal noise to style codes, an MLP with three hidden layers and tanh between them (A.1).

    What the layers give is scaled and shifted by two buffers, so that they learn codes of mean 0 and mean square 1,
    whatever the encoder's are. All Z numbers have one scale: distances keep their proportions, and so does equation 3.

    Args:
        z_size: Z, numbers in a code and in the noise.
    """

    def __init__(self, z_size: int):
        super().__init__()
        self.z_size = positive_int("z_size", z_size)
        layers: list[nn.Module] = []
        for inputs, outputs in pairwise([z_size, WIDTH, WIDTH, WIDTH]):
            layers += [nn.Linear(inputs, outputs), nn.Tanh()]
        self.layers = nn.Sequential(*layers, nn.Linear(WIDTH, z_size))
        self.register_buffer("mean", torch.zeros(z_size))
        self.register_buffer("deviation", torch.ones(()))

    def forward(self, noise: Tensor) -> Tensor:
        """Noise ``(B, Z)`` to codes ``(B, Z)``."""
        return self.mean + self.deviation * self.layers(noise)

    @torch.no_grad()
    def sample(self, count: int, draw: torch.Generator) -> Tensor:
        """Codes ``(count, Z)``; the generator stands on the mapper's device."""
        return self(_noise(positive_int("count", count), self.mean, draw))


def fit_mapper(
    codes: Tensor, *, seed: int = 0, epochs: int = 500, samples: int = 10, batch_size: int = 64, staleness: int = 5
) -> Mapper:
    """Fit a mapper to an encoder's codes, by implicit maximum likelihood estimation, IMLE (equation 3).

    Every code is matched with that of ``samples``·N noises, drawn for all codes together, which is mapped nearest to
    it; what the mapper makes of it is then drawn towards the code. So no code is left out, as an adversarial loss would
    allow.

    Args:
        codes: ``(N, Z)``.
        seed: of the first weights, the noise and the order of codes; torch's own generators are left as they are.
        epochs: passes over all codes.
        samples: noises drawn for each code.
        batch_size: codes in a step.
        staleness: after how many epochs noise is drawn and matched anew.

    Raises:
        ReaderError: for what are no codes, or numbers below 1.
    """
    _check(codes)
    for name, value in (("epochs", epochs), ("samples", samples), ("batch_size", batch_size), ("staleness", staleness)):
        positive_int(name, value)
    draw, wanted = generator(seed, 1, device=codes.device), codes.detach().float()
    mapper = _first(wanted, seed)
    optimizer = torch.optim.Adam(mapper.parameters(), lr=RATE, betas=BETAS, fused=True)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, EVERY, DECAY)
    noise = wanted
    for epoch in range(epochs):
        if epoch % staleness == 0:
            noise = _matched(mapper, wanted, _noise(samples * len(wanted), wanted, draw))
        for chosen in torch.randperm(len(wanted), generator=draw, device=wanted.device).split(batch_size):
            optimizer.zero_grad()
            # In units of the deviation, so that one rate suits all encoders.
            apart = (mapper(noise[chosen]) - wanted[chosen]) / mapper.deviation
            apart.square().sum(1).mean().backward()
            optimizer.step()
        schedule.step()
    return mapper


def _first(codes: Tensor, seed: int) -> Mapper:
    """A mapper that has learned nothing, but stands where the codes are."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(mix(seed, 0))
        mapper = Mapper(codes.shape[1]).to(codes.device)
    mapper.mean.copy_(codes.mean(0))
    spread = (codes - mapper.mean).square().mean().sqrt()
    mapper.deviation.copy_(spread.clamp(min=1e-12))  # codes that are all the same have none
    return mapper


@torch.no_grad()
def _matched(mapper: Mapper, codes: Tensor, noise: Tensor) -> Tensor:
    """For each code ``(N, Z)`` that of the noises ``(M, Z)`` which is mapped nearest to it: ``(N, Z)``."""
    return noise[_nearest(codes, mapper(noise))[1]]


def _nearest(codes: Tensor, others: Tensor) -> tuple[Tensor, Tensor]:
    """For each code ``(N, Z)`` the squared distance of the nearest other ``(M, Z)``, and its number: both ``(N,)``."""
    found = [all_pairs(part, others).min(1) for part in codes.split(max(1, _ENTRIES // len(others)))]
    return torch.cat([each.values for each in found]), torch.cat([each.indices for each in found])


def _noise(count: int, like: Tensor, draw: torch.Generator) -> Tensor:
    return torch.randn(count, like.shape[-1], generator=draw, device=like.device)


@dataclass(frozen=True, eq=False)
class Gaussian:
    """N(μ, σ), one Gaussian for each of Z numbers: what codes are drawn from without a mapper (section 3.2, A.5).

    Attributes:
        mean, deviation: μ and σ, ``(Z,)``.
    """

    mean: Tensor
    deviation: Tensor

    def sample(self, count: int, draw: torch.Generator) -> Tensor:
        """Codes ``(count, Z)``; the generator stands on the device of μ."""
        return self.mean + self.deviation * _noise(positive_int("count", count), self.mean, draw)


def gaussian(codes: Tensor) -> Gaussian:
    """The Gaussian of an encoder's codes ``(N, Z)``."""
    _check(codes)
    return Gaussian(codes.mean(0), codes.std(0))


def outside(samples: Tensor, codes: Tensor) -> float:
    """Share of samples ``(M, Z)`` that lie outside of where codes ``(N, Z)`` are: see `lies_outside`."""
    return float(lies_outside(samples, codes).float().mean())


def lies_outside(samples: Tensor, codes: Tensor) -> Tensor:
    """Which samples ``(M, Z)`` lie outside of where codes ``(N, Z)`` are: bool ``(M,)``.

    Outside is what is farther from its nearest code than 99 % of codes are from theirs: it finds what Figure 9 of the
    paper marks in red. Of an encoder's further codes it is about one in a hundred.
    """
    _check(codes)
    own = all_pairs(codes).fill_diagonal_(torch.inf).amin(1)
    return _nearest(samples, codes)[0] > own.quantile(0.99)


def _check(codes: Tensor) -> None:
    if codes.dim() != 2 or len(codes) < 2 or not codes.shape[1] or not codes.isfinite().all():
        raise ReaderError(f"Codes are finite numbers (N, Z), of at least two pictures; got {tuple(codes.shape)}.")
