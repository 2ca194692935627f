"""A slider panel over β on photographs, the reader's own included: the β-VAE of CIFAR-10."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from lossconditioning.display import LiveFigure, Panel, Picture, Slider, Upload, explore, figure
from lossconditioning.systems.beta_vae.models import BetaVAE
from lossconditioning.systems.beta_vae.task import (
    RANGES,
    kl_to_standard_normal,
    pixel_mean,
    pixel_nll,
    pixel_parameters,
)


@torch.inference_mode()
def play_photograph(model: BetaVAE, photographs: Mapping[str, Tensor]) -> Panel:
    """A panel over β on a photograph, chosen or uploaded, cut and scaled to the 32×32 pixels that the network reads.

    It shows the photograph, its reconstruction, and the standard deviation that the network gives every pixel: black for 0,
    white for half the range of values.

    Args:
        model: a loss-conditional `BetaVAE` for CIFAR-10.
        photographs: name → ``(3, H, W)`` in [0, 1], to choose from.
    """
    side, (low, high) = model.architecture.picture, RANGES["cifar10"]
    made, axes = figure(3, size=(8, 3.1))
    blank = np.full((side, side, 3), 255, dtype=np.uint8)
    titles = ("photograph, 32×32", "reconstruction", "standard deviation")
    shown = [axis.imshow(blank, interpolation="nearest") for axis in axes]
    for axis in axes:
        axis.axis("off")
    written = [axis.set_title(title) for axis, title in zip(axes, titles, strict=True)]
    live = LiveFigure(made, [*shown, written[1]])

    @torch.inference_mode()
    def render(beta: float, photograph: Picture):
        pixels, lam = photograph.pixels[None], torch.tensor([beta])  # (1, 3, 32, 32), (1,)
        mean, std = model.encode(pixels, lam)
        decoded = model.decode(mean, lam)
        parameters = pixel_parameters(decoded)
        uncertain = parameters[1] / 2  # from the scale −1 to 1 to that of the picture
        for image, content in zip(shown, (pixels, pixel_mean(decoded), (2 * uncertain).clamp(max=1)), strict=True):
            image.set_data((255 * content[0]).round().byte().permute(1, 2, 0).numpy())
        written[1].set_text(f"reconstruction, β = {beta:.3g}")
        rate, distortion = float(kl_to_standard_normal(mean, std)), float(pixel_nll(parameters, pixels))
        return live.frame(), {
            "rate, KL in nats": rate,
            "distortion, −log p(x|z) in nats": distortion,
            "mean standard deviation": float(uncertain.mean()),
        }

    return explore(
        render,
        beta=Slider(low, high, value=1.0, log=True, beyond=0.1, label="weight of the rate β"),
        photograph=Upload(photographs, size=side, label="photograph"),
        alt="A photograph of 32×32 pixels, its reconstruction and the standard deviation the network gives every pixel: with "
        "small β patches of its colours and uneven deviations, with large β an even grey and even deviations.",
    )
