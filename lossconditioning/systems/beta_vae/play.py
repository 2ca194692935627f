"""The β-VAE's slider panel: one network, any β, on a picture chosen by its six factors."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from lossconditioning.datasets import shapes3d
from lossconditioning.datasets.shapes3d import FACTORS, index_of
from lossconditioning.display import COLORS, LiveFigure, Panel, Slider, explore, figure
from lossconditioning.systems.beta_vae.evaluation import fixed_noise
from lossconditioning.systems.beta_vae.models import BetaVAE
from lossconditioning.systems.beta_vae.pictures import as_float
from lossconditioning.systems.beta_vae.task import (
    RANGES,
    kl_to_standard_normal,
    pixel_mean,
    pixel_nll,
    pixel_parameters,
)

_SAMPLES = (3, 4)  # rows, columns
_TRAVERSED, _STEPS = 3, 7  # latent units, positions from −2 to 2
_START = {"floor_hue": 5, "wall_hue": 1, "object_hue": 8, "scale": 5, "shape": 2, "orientation": 4}


@torch.inference_mode()
def play(model: BetaVAE, curve: Mapping[str, Tensor], dots: Mapping[str, Tensor]) -> Panel:
    """A panel over β and the six factors of a Shapes3D picture.

    It shows the picture, its reconstruction, samples from the same noise whatever β, what the latent units do that say most
    about this picture, and where β stands on the frontier; below, rate and distortion of this very picture.

    Args:
        model: a loss-conditional `BetaVAE` for Shapes3D.
        curve, dots: the model's frontier and the fixed-weight models', ``{"reconstruction", "kl"}``, each ``(G,)``.
    """
    world, noise = shapes3d(), fixed_noise(_SAMPLES[0] * _SAMPLES[1], model.architecture.latent)
    live, shown, marker, title = _stage(curve, dots)
    low, high = RANGES["shapes3d"]

    @torch.inference_mode()
    def render(beta: float, **factors: float):
        numbers = torch.tensor([[round(factors[name]) for name in FACTORS]])
        picture = as_float(world[index_of(numbers)])
        lam = torch.tensor([beta])
        mean, std = model.encode(picture, lam)
        unit_kl = 0.5 * (mean.square() + std.square() - 1) - std.log()
        units = unit_kl[0].topk(_TRAVERSED).indices
        latents = torch.cat([mean, noise, _traversals(mean, units)])
        pixels = model.decode(latents, lam.expand(len(latents)))
        rate = float(kl_to_standard_normal(mean, std))
        distortion = float(pixel_nll(pixel_parameters(pixels[:1]), picture))
        pictures = pixel_mean(pixels)
        for image, content in zip(
            shown,
            (
                _tile(torch.cat([picture, pictures[:1]]), 2),
                _tile(pictures[1 : 1 + len(noise)], _SAMPLES[1]),
                _tile(pictures[1 + len(noise) :], _STEPS),
            ),
            strict=True,
        ):
            image.set_data(content)
        marker.set_data([_at(curve["kl"], beta, low, high)], [_at(curve["reconstruction"], beta, low, high)])
        title.set_text(f"β = {beta:.4g}")
        return live.frame(), {
            "rate, KL in nats": rate,
            "distortion, −log p(x|z) in nats": distortion,
            "objective": distortion + beta * rate,
        }

    sliders = {
        name: Slider(0, count - 1, value=_START[name], steps=count - 1, label=name.replace("_", " "))
        for name, count in FACTORS.items()
    }
    return explore(
        render,
        beta=Slider(low, high, value=4.0, log=True, beyond=0.1, label="weight of the rate β"),
        **sliders,
        alt="A rendered picture and its reconstruction, twelve samples and three latent traversals of one network, and its "
        "frontier of distortion against rate with a mark that moves with β: small β keeps the colours and blurs the "
        "object, large β fades every picture to one average.",
    )


def _traversals(mean: Tensor, units: Tensor) -> Tensor:
    """The picture's latent vector with one unit at a time moved from −2 to 2: ``(units · steps, D)``."""
    latents = mean.repeat(len(units) * _STEPS, 1)
    latents[torch.arange(len(latents)), units.repeat_interleave(_STEPS)] = torch.linspace(-2, 2, _STEPS).repeat(
        len(units)
    )
    return latents


def _at(values: Tensor, beta: float, low: float, high: float) -> float:
    """A frontier's value at β, between the grid points that were measured; the end values beyond them."""
    return float(np.interp(np.log(beta), np.linspace(np.log(low), np.log(high), len(values)), values))


def _tile(pictures: Tensor, columns: int, space: int = 3) -> np.ndarray:
    """Pictures ``(N, 3, S, S)`` in rows, with white space between: an array for imshow."""
    rows = []
    for row in torch.nn.functional.pad(pictures, (0, space, 0, space), value=1.0).split(columns):
        rows.append(torch.cat(list(row), dim=2))
    tiled = torch.cat(rows, dim=1)[:, :-space, :-space]
    return (255 * tiled).round().byte().permute(1, 2, 0).numpy()


def _stage(curve: Mapping[str, Tensor], dots: Mapping[str, Tensor]):
    """The still parts of the picture, and the artists that move."""
    made, (first, plot, second, third) = figure(2, rows=2, size=(9, 5.4), width_ratios=[1.2, 1.5])
    shown = []
    for axis, (rows, columns) in ((first, (1, 2)), (second, _SAMPLES), (third, (_TRAVERSED, _STEPS))):
        blank = np.full((67 * rows - 3, 67 * columns - 3, 3), 255, dtype=np.uint8)
        shown.append(axis.imshow(blank, interpolation="nearest"))
        axis.axis("off")
    title = first.set_title("β", loc="left")
    for place, word in ((0.25, "picture"), (0.75, "reconstruction")):
        first.text(place, -0.04, word, ha="center", va="top", transform=first.transAxes)
    second.set_title("samples, always the same noise")
    third.set_title(f"its {_TRAVERSED} busiest latent units, from −2 to 2")
    plot.plot(curve["kl"], curve["reconstruction"], color=COLORS["conditional"], label="one network")
    plot.plot(dots["kl"], dots["reconstruction"], "s", ms=5, color=COLORS["fixed"], label="separate networks")
    (marker,) = plot.plot(
        curve["kl"][:1], curve["reconstruction"][:1], "o", ms=10, color=COLORS["conditional"], mec="black"
    )
    plot.set(xlabel="rate: KL (nats)", ylabel="distortion (nats)", title="frontier on held-out pictures")
    plot.legend()
    return LiveFigure(made, [*shown, marker, title]), shown, marker, title
