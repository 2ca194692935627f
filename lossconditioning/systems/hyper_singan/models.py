"""The networks of Meta Internal Learning: generators and discriminators of one picture, and what writes their weights.

A primary network is five 3×3 convolutions with leaky ReLU between them (B.1). It is the same for generators and
discriminators, but for its last layer; and it has no weights of its own: `Own` has them as parameters, which makes a SinGAN;
`lossconditioning.hypernetwork` makes them of an embedding.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from lossconditioning.conditioning.generated import Primary
from lossconditioning.errors import ReaderError
from lossconditioning.systems.hyper_singan.pyramid import Size, noises, paint
from lossconditioning.training.randomness import generator as generator_of

Weights = dict[str, Tensor]
"""Parameter's name → ``(B, *shape)``: of one network for each picture; or ``(1, *shape)``: of one for all."""
SLOPE = {"hyper": 0.02, "singan": 0.2}
"""Of leaky ReLU: B.1; and where a discriminator has weights of its own."""


def primary(width: int, layers: int, out: int, slope: float) -> nn.Sequential:
    """Convolutions of three channels to ``out``, as large as before; three channels end in tanh, for they are a picture."""
    parts: list[nn.Module] = []
    for layer in range(layers):
        last = layer == layers - 1
        parts.append(nn.Conv2d(width if layer else 3, out if last else width, 3, padding=1))
        parts += [] if last else [nn.LeakyReLU(slope)]
    return nn.Sequential(*parts, *([nn.Tanh()] if out == 3 else []))


class Own(nn.Module):
    """Weights of a primary network that are parameters themselves, called like a hypernetwork."""

    def __init__(self, network: nn.Module):
        super().__init__()
        self.parts = nn.ParameterDict({name.replace(".", "_"): p for name, p in network.named_parameters()})
        self.names = [name for name, _ in network.named_parameters()]

    def weights(self, code: Tensor | None = None) -> Weights:
        """One set for all: ``(1, *shape)`` each."""
        return {name: self.parts[name.replace(".", "_")][None] for name in self.names}


class Generator(nn.Module):
    """Writes, for each picture, a generator of every scale (equations 6 to 8), and paints with them.

    Args:
        network: ĝ, see `primary`.
        writers: what makes its weights, one per scale.
        grid: sizes of the scales.
        embedding: E_g, pictures ``(B, 3, S, S)`` in [−1, 1] to codes ``(B, Z)``; None where the weights are its own.

    Attributes:
        amplitudes: of the noise at each scale; 1 at the coarsest.
        anchor: z₁⁰, the noise that reconstructions begin with, the same for all pictures (B.3).
        scale: which one is being learned; the finer ones have not been touched.
    """

    def __init__(
        self, network: nn.Module, writers: Sequence[nn.Module], grid: Sequence[Size], embedding: nn.Module | None
    ):
        super().__init__()
        self.grid, self.embedding = list(grid), embedding
        self.network, self.writers = Primary(network), nn.ModuleList(writers)
        self.register_buffer("amplitudes", torch.ones(len(grid)))
        self.register_buffer("anchor", noises(grid[:1], 1, generator_of(0, 8))[0])
        self.register_buffer("scale", torch.tensor(0))

    def enter(self, scale: int) -> None:
        """Learn a scale from now on: its projection begins as the one below ended, and that of every other one is frozen."""
        if scale > self.scale:
            self.writers[scale].load_state_dict(self.writers[scale - 1].state_dict())
            self.scale.fill_(scale)
        for number, writer in enumerate(self.writers):
            writer.requires_grad_(number == scale)

    def code(self, images: Tensor) -> Tensor | None:
        """E_g of pictures; None where the weights are its own."""
        return None if self.embedding is None else self.embedding(images)

    def weights(self, code: Tensor | None, scales: int | None = None) -> list[Weights]:
        """Of every picture's generators, at the first ``scales`` scales; all, if not given."""
        return [writer.weights(code) for writer in self.writers[:scales]]

    def at(self, weights: Weights, below: Tensor | None, noise: Tensor) -> Tensor:
        """What the generators of one scale paint, see `pyramid.paint`."""
        return paint(lambda x: self.network(weights, x), below, noise)

    def generate(
        self, weights: Sequence[Weights], noise: Sequence[Tensor], below: Tensor | None = None, start: int = 0
    ) -> list[Tensor]:
        """Pictures at each scale from ``start`` on, ``(B, 3, h, w)`` in about [−1, 1].

        Args:
            weights: of each scale, from the coarsest.
            noise: of each scale that is painted, ``(B, 3, h, w)``, standard normal; its size is the picture's.
            below: what the scale before ``start`` painted, or any picture in its place.

        Raises:
            ReaderError: if there is no picture below a scale above the coarsest, or one below that; or if there is noise for
                more scales than there are weights.
        """
        if (below is None) != (start == 0):
            raise ReaderError(
                f"Painting from scale {start} on begins with {'a picture below it' if start else 'noise alone'}; got "
                f"{'none' if below is None else 'a picture'}."
            )
        if start + len(noise) > len(weights):
            raise ReaderError(
                f"Noise for scales {start} to {start + len(noise) - 1} came with {len(weights)} scales' weights."
            )
        made = []
        for scale, z in enumerate(noise, start):
            z = z.to(self.anchor.device)
            loud = z if scale == 0 else self.amplitudes[scale] * z
            below = self.at(weights[scale], below, loud)
            made.append(below)
        return made

    def reconstruct(self, weights: Sequence[Weights], count: int) -> list[Tensor]:
        """What each picture's generators make of the anchor, without further noise (equation 5)."""
        first = self.anchor.expand(count, -1, -1, -1)
        quiet = [first.new_zeros(count, 3, *size) for size in self.grid[1 : len(weights)]]
        return self.generate(weights, [first, *quiet])

    def forward(self, images: Tensor) -> Tensor:
        """Reconstructions of pictures at the finest scale, from what the embedding sees of them."""
        return self.reconstruct(self.weights(self.code(images)), len(images))[-1]


class Discriminator(nn.Module):
    """Scores pictures patch by patch, with weights for each picture that it is to be like (equations 9 to 11).

    Args:
        network: d, see `primary`.
        writer: what makes its weights; one for all scales, which goes on learning.
        embedding: E_d; None where the weights are its own.
    """

    def __init__(self, network: nn.Module, writer: nn.Module, embedding: nn.Module | None = None):
        super().__init__()
        self.network, self.writer, self.embedding = Primary(network), writer, embedding
        self._borrowed: list[nn.Module] = []  # no part: the generator's, where both use one (Figure 1c)

    def borrow(self, embedding: nn.Module) -> None:
        """Use a generator's embedding, too."""
        self._borrowed = [embedding]

    @property
    def borrowed(self) -> nn.Module | None:
        """The generator's embedding, where it is used here, too."""
        return self._borrowed[0] if self._borrowed else None

    def weights(self, images: Tensor) -> Weights:
        """Of the discriminator of each picture."""
        embedding = self.borrowed or self.embedding
        if embedding is None and not isinstance(self.writer, Own):
            raise ReaderError(
                "This discriminator uses a generator's embedding, and has none yet: call its borrow(embedding)."
            )
        return self.writer.weights(None if embedding is None else embedding(images))

    def forward(self, pictures: Tensor, weights: Weights) -> Tensor:
        """Scores ``(B, 1, h, w)`` of pictures ``(B, 3, h, w)``; the more, the more real."""
        return self.network(weights, pictures)
