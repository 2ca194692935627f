"""The notebook's larger figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from torch import Tensor

from lossconditioning.display import COLORS, LINES, MARKERS, figure
from lossconditioning.systems.compression.codec import Codec, Symbols


def rate_distortion(curves: Mapping[str, tuple[str, Mapping[str, Tensor]]], title: str) -> Figure:
    """Figures 5 and 10: PSNR and MS-SSIM, both in dB, against bits per pixel.

    Args:
        curves: label → (role for its colour, its curve).
        title: what was measured on.
    """
    made, axes = figure(2, size=(10.5, 4.2))
    for axis, key, label in zip(axes, ("psnr", "ms_ssim"), ("PSNR (dB)", "MS-SSIM (dB)"), strict=True):
        for name, (role, values) in curves.items():
            style = {"color": COLORS[role], "ls": LINES[role], "marker": MARKERS[role], "ms": 4}
            axis.plot(values["rate"], values[key], label=name, **style)
        axis.set(xlabel="bits per pixel", ylabel=label, title=f"{title}: {label.split()[0]}")
    axes[0].legend(fontsize=8)
    return made


def picture_row(pictures: Sequence[np.ndarray | Tensor], titles: Sequence[str], width: float = 10.5) -> Figure:
    """Pictures side by side: uint8 ``(3, H, W)`` each."""
    height, across = pictures[0].shape[1:]
    each = width / len(pictures)
    made, axes = figure(len(pictures), size=(width, each * height / across + 0.45))
    for axis, picture, title in zip(axes, pictures, titles, strict=True):
        axis.imshow(np.asarray(picture).transpose(1, 2, 0))
        axis.set_title(title, fontsize=9)
        axis.axis("off")
    return made


def bits_map(codec: Codec, symbols: Symbols) -> np.ndarray:
    """Where the bits of a picture's symbols go: float ``(H/16, W/16)``, bits per pixel of each block of 16×16.

    A hyper-latent's bits are spread evenly over the 4×4 blocks it speaks of.
    """
    y_bits, z_bits = codec.bits(symbols)
    side = z_bits.sum(0).repeat_interleave(4, 0).repeat_interleave(4, 1) / 16
    return ((y_bits.sum(0) + side) / 256).numpy()


def bits_maps(codec: Codec, picture: Tensor, weights: Sequence[float]) -> Figure:
    """A picture, and beside it where its bits go at some weights, each map on its own scale; padding is left out."""
    made, axes = figure(1 + len(weights), size=(10.5, 3.0))
    axes[0].imshow(picture.permute(1, 2, 0).numpy(), interpolation="nearest")
    axes[0].set_title("picture")
    axes[0].axis("off")
    for axis, weight in zip(axes[1:], weights, strict=True):
        bits = bits_map(codec, codec.symbols(picture, weight))
        rate = 256 * bits.sum() / (picture.shape[1] * picture.shape[2])
        bits = bits[: -(-picture.shape[1] // 16), : -(-picture.shape[2] // 16)]  # without the padding
        shown = axis.imshow(bits, cmap="magma", vmin=0)
        axis.set_title(f"λ = {weight:.3g}: {rate:.2f} bits per pixel", fontsize=9)
        axis.axis("off")
        made.colorbar(shown, ax=axis, shrink=0.75)
    return made
