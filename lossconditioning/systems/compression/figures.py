"""The notebook's larger figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from torch import Tensor

from lossconditioning.codec import LATENT, STRIDE, Codec, Symbols
from lossconditioning.display import figure, look, to_bytes


def rate_distortion(curves: Mapping[str, tuple[str, Mapping[str, Tensor]]], title: str) -> Figure:
    """Figures 5 and 10: PSNR and MS-SSIM, both in dB, against bits per pixel.

    Args:
        curves: label → (role for its colour, its curve).
        title: what was measured on.
    """
    made, axes = figure(2, size=(10.5, 4.2))
    for axis, key, label in zip(axes, ("psnr", "ms_ssim"), ("PSNR (dB)", "MS-SSIM (dB)"), strict=True):
        for name, (role, values) in curves.items():
            axis.plot(values["rate"], values[key], label=name, **look(role))
        axis.set(xlabel="bits per pixel", ylabel=label, title=f"{title}: {label.split()[0]}")
    axes[0].legend(fontsize=8)
    return made


def bits_map(codec: Codec, symbols: Symbols, height: int, width: int) -> np.ndarray:
    """Where the bits of a picture's symbols go: float ``(H/16, W/16)``, rounded up, bits per pixel of each block of 16×16.

    A hyper-latent's bits are spread evenly over the 4×4 blocks it speaks of; the padding's are left out.
    """
    y_bits, z_bits = codec.bits(symbols)
    blocks = STRIDE // LATENT
    side = z_bits.sum(0).repeat_interleave(blocks, 0).repeat_interleave(blocks, 1) / blocks**2
    return ((y_bits.sum(0) + side) / LATENT**2).numpy()[: -(-height // LATENT), : -(-width // LATENT)]


def bits_maps(codec: Codec, picture: Tensor, lams: Sequence[float]) -> Figure:
    """A picture, and beside it where its bits go at some λ, each map on its own scale."""
    made, axes = figure(1 + len(lams), size=(10.5, 3.0))
    axes[0].imshow(to_bytes(picture), interpolation="nearest")
    axes[0].set_title("picture")
    for axis, lam in zip(axes[1:], lams, strict=True):
        symbols = codec.symbols(picture, lam)
        shown = axis.imshow(bits_map(codec, symbols, *picture.shape[1:]), cmap="magma", vmin=0)
        rate = codec.estimate(symbols) / picture[0].numel()
        axis.set_title(f"λ = {lam:.3g}: {rate:.2f} bits per pixel", fontsize=9)
        made.colorbar(shown, ax=axis, shrink=0.75)
    for axis in axes:
        axis.axis("off")
    return made
