"""Three ways for λ to enter a layer: FiLM, concatenation, input.

A conditioner is a module ``(h, code) -> h'`` that leaves the shape of the features ``h`` as it is. ``code`` is what
`Prior.encode` makes of λ, shape ``(B, code_size)``. All three start near the identity, so that conditioning a network that
is already trained, or already tuned, does not disturb it at step 0.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lossconditioning.errors import ReaderError, positive_int
from lossconditioning.tracing import traced


class Conditioner(nn.Module):
    """Base of all conditioners.

    Args:
        channels: number of channels C of the features it changes.
        code_size: how many numbers encode λ (`Prior.code_size`).
        channel_dim: where the channels stand: 1 for ``(B, C, H, W)`` and ``(B, C)``, −1 for ``(B, N, C)``.
    """

    def __init__(self, channels: int, code_size: int, channel_dim: int = 1):
        super().__init__()
        self.channels = positive_int("channels", channels)
        self.code_size = positive_int("code_size", code_size)
        self.channel_dim = channel_dim

    def spread(self, vector: Tensor, features: Tensor) -> Tensor:
        """Reshape ``(B, C)`` so that it broadcasts over the features' positions."""
        self.refuse_other_counts(features, vector.shape[0])
        shape = [1] * features.dim()
        shape[0], shape[self.channel_dim] = vector.shape
        return vector.reshape(shape)

    def refuse_other_counts(self, features: Tensor, count: int) -> None:
        """Raise `ReaderError` unless there are as many examples as codes."""
        if features.shape[0] != count:
            raise ReaderError(
                f"{features.shape[0]} examples came with {count} loss weights: one λ per example expected (to use one λ for "
                "all, expand it to the batch)."
            )

    def extra_repr(self) -> str:
        return f"channels={self.channels}, code_size={self.code_size}"


def _mlp(code_size: int, hidden: int, channels: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(code_size, hidden), nn.LeakyReLU(0.2), nn.Linear(hidden, channels))


class FiLM(Conditioner):
    r"""Feature-wise linear modulation: :math:`\tilde f_{ijk} = \sigma_k f_{ijk} + \mu_k` (YOTO, equation 4).

    σ = M_σ(λ) and μ = M_μ(λ) come from two MLPs with one hidden layer. As in the public code, σ = 1 + ``scale`` · s and
    μ = ``shift`` · b, near identity at the start.

    Args:
        hidden: width of the hidden layer (256 in the paper's β-VAE and style transfer, 128 in compression).
        scale, shift: how far the network's output moves σ from 1 and μ from 0.
    """

    def __init__(
        self,
        channels: int,
        code_size: int,
        channel_dim: int = 1,
        hidden: int = 256,
        scale: float = 0.1,
        shift: float = 0.1,
    ):
        super().__init__(channels, code_size, channel_dim)
        self.scale, self.shift = scale, shift
        self.to_scale = _mlp(code_size, positive_int("hidden", hidden), channels)  # M_σ
        self.to_shift = _mlp(code_size, hidden, channels)  # M_μ

    def forward(self, features: Tensor, code: Tensor) -> Tensor:
        sigma = self.spread(1 + self.scale * self.to_scale(code), features)  # (B, C, 1, 1)
        mu = self.spread(self.shift * self.to_shift(code), features)
        quick = not traced() and self.channel_dim == 1 and features.dim() == 4 and features.is_contiguous()
        if not (quick and features.device.type == "cpu" and features.dtype == sigma.dtype and features.numel()):
            return sigma * features + mu
        # The same numbers from the kernel of an affine batch norm over B·C channels, whose backward pass makes all three
        # gradients in one go: what FiLM costs is reading and writing the features, and this does it less often.
        count = sigma.numel()
        flat = F.batch_norm(
            features.view(1, count, *features.shape[2:]),
            running_mean=features.new_zeros(count),
            running_var=features.new_ones(count),
            weight=sigma.reshape(-1),
            bias=mu.reshape(-1),
            eps=0.0,
        )
        return flat.view(features.shape)


class Concatenation(Conditioner):
    """The code joined to what a layer reads, as additional constant channels (YOTO, section 4.1.1; SGN, section 5.3).

    For a linear or convolutional layer, joining the code to its input adds ``W_code · code`` to its output (for a
    convolution: everywhere but in the padding, where joined channels would be zero too). So that existing layers keep their
    shape, exactly this term is added to the output of the layer this conditioner stands at.

    It is one number for all positions of a channel. An instance normalisation that follows subtracts it with the channel's
    mean, and nothing of λ is left: in SGN's section 5.3 pictures do not change with a code that is concatenated. Where layers
    are normalised so, take `CCAM` or `CentralBiasing`, or stand this after the normalisation.

    Args:
        gain: size of the code's influence at the start.
    """

    def __init__(self, channels: int, code_size: int, channel_dim: int = 1, gain: float = 0.1):
        super().__init__(channels, code_size, channel_dim)
        self.weight = nn.Parameter(torch.randn(channels, code_size) * gain * code_size**-0.5)  # W_code

    def forward(self, features: Tensor, code: Tensor) -> Tensor:
        return features + self.spread(code @ self.weight.T, features)


class InputConditioning(Concatenation):
    """The code as additional input of the network: `Concatenation` at the first layer, or layers, and nowhere else."""
