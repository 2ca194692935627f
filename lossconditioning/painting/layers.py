"""What painters' layers are made of; the last ones in forms that take a CPU less time than PyTorch's own."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lossconditioning.tracing import traced

UPSAMPLING = ("nearest", "bilinear")
"""By repeating pixels, or by straight lines between their centres."""


def doubled(features: Tensor, upsampling: str = "nearest") -> Tensor:
    """``(B, C, H, W)`` to ``(B, C, 2·H, 2·W)``; see `UPSAMPLING`.

    Neither keeps a network that is asked for much texture from a lattice of two and four pixels, see `painting.lattice`: 300
    steps with straight lines left the painter of notebook 04 as regular as it was.
    """
    if upsampling == "bilinear":
        return F.interpolate(features, scale_factor=2, mode="bilinear", align_corners=False)
    return features.repeat_interleave(2, -1).repeat_interleave(2, -2)


def convolution(inputs: int, outputs: int, kernel: int, stride: int = 1) -> nn.Conv2d:
    """Reflecting at the edges, without a bias: the normalisation after it would take that away again."""
    options = {"padding": kernel // 2, "padding_mode": "reflect", "bias": False}
    return nn.Conv2d(inputs, outputs, kernel, stride, **options)


class LastConvolution(nn.Conv2d):
    """A square convolution, reflecting at the edges, from many channels to few, such as 9×9 from 32 to 3.

    CPU kernels compute channels in blocks of 16 or 32 and leave most of a block empty where there are three. So, without
    gradients and on a CPU, each of a filter's k columns is a filter of its own, k times as many outputs in all, and the k
    partial sums are added where the columns stand: the same sum in another order, in less than half the time.

    Args:
        inputs, outputs: channels.
        kernel: side k of the filters, odd.
        bias: as `torch.nn.Conv2d`'s.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int, bias: bool = True):
        super().__init__(inputs, outputs, kernel, padding=kernel // 2, padding_mode="reflect", bias=bias)

    def forward(self, features: Tensor) -> Tensor:
        """Features ``(B, C, H, W)`` or ``(C, H, W)`` to as many places; in the type that PyTorch's own would put out."""
        if traced() or torch.is_grad_enabled() or features.device.type != "cpu":
            return super().forward(features)
        k, width = self.kernel_size[0], features.shape[-1]
        padded = F.pad(features, [k // 2] * 4, mode="reflect")
        columns = self.weight.permute(3, 0, 1, 2).reshape(k * self.out_channels, self.in_channels, k, 1)
        parts = F.conv2d(padded, columns).unflatten(-3, (k, self.out_channels))  # (B, k, outputs, H, W + k − 1)
        # In single precision at least, for parts that autocast made bfloat16 are rounded once each already.
        exact = torch.promote_types(parts.dtype, torch.float32)
        total = sum(parts[..., column, :, :, column : column + width].to(exact) for column in range(k))
        total = total if self.bias is None else total + self.bias.to(exact)[:, None, None]
        return total.to(parts.dtype)
