"""Two slider panels over β: on a picture chosen by its six factors, and on photographs, the reader's own included."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from lossconditioning.datasets import shapes3d
from lossconditioning.datasets.shapes3d import FACTORS, index_of
from lossconditioning.display import (
    COLORS,
    LiveFigure,
    Panel,
    Picture,
    Slider,
    Upload,
    blank_pictures,
    explore,
    figure,
    to_bytes,
)
from lossconditioning.systems.beta_vae.data import as_float
from lossconditioning.systems.beta_vae.measures import fixed_noise
from lossconditioning.systems.beta_vae.models import BetaVAE
from lossconditioning.systems.beta_vae.task import RANGES, Values, pixel_mean, pixel_parameters, terms_of, unit_kl

SAMPLES = (3, 4)
"""Rows and columns."""
TRAVERSED, STEPS = 3, 7
"""Latent units, and positions of each from −2 to 2."""
START = {"floor_hue": 5, "wall_hue": 1, "object_hue": 8, "scale": 5, "shape": 2, "orientation": 4}
"""The picture's factors at first."""
SPACE = 3
"""Pixels between tiles."""


def play(model: BetaVAE, curve: Values, dots: Values) -> Panel:
    """A panel over β and the six factors of a Shapes3D picture.

    It shows the picture, its reconstruction, samples from the same noise whatever β, what the latent units do that say most
    about this picture, and where β stands on the frontier; below, rate and distortion of this very picture.

    Args:
        model: a loss-conditional `BetaVAE` for Shapes3D.
        curve, dots: the model's frontier and the fixed-weight models', ``{"reconstruction", "kl"}``, each ``(G,)``.
    """
    world, noise = shapes3d(), fixed_noise(SAMPLES[0] * SAMPLES[1], model.architecture.latent)
    live, shown, marker, title = _stage(curve, dots)
    low, high = RANGES["shapes3d"]

    @torch.inference_mode()
    def render(lam: float, **factors: float):
        picture = as_float(world[index_of(torch.tensor([[round(factors[name]) for name in FACTORS]]))])
        told = torch.tensor([lam])
        mean, std = model.encode(picture, told)
        latents = torch.cat([mean, noise, _traversals(mean, unit_kl(mean, std)[0].topk(TRAVERSED).indices)])
        pixels = model.decode(latents, told.expand(len(latents)))
        reconstruction, samples, traversals = pixel_mean(pixels).split([1, len(noise), TRAVERSED * STEPS])
        rows = ((torch.cat([picture, reconstruction]), 2), (samples, SAMPLES[1]), (traversals, STEPS))
        for image, (pictures, columns) in zip(shown, rows, strict=True):
            image.set_data(_tile(pictures, columns))
        marker.set_data([_at(curve["kl"], lam, low, high)], [_at(curve["reconstruction"], lam, low, high)])
        title.set_text(f"β = {lam:.4g}")
        readouts = _readouts(mean, std, pixels[:1], picture)
        rate, distortion = readouts.values()
        return live.frame(), {**readouts, "objective": distortion + lam * rate}

    sliders = {
        name: Slider(0, count - 1, value=START[name], steps=count - 1, label=name.replace("_", " "))
        for name, count in FACTORS.items()
    }
    return explore(
        render,
        lam=Slider(low, high, value=4.0, log=True, beyond=0.1, label="weight of the rate β"),
        **sliders,
        alt="A rendered picture and its reconstruction, twelve samples and three latent traversals of one network, and its "
        "frontier of distortion against rate with a mark that moves with β: small β keeps the colours and blurs the "
        "object, large β fades every picture to one average.",
    )


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
    shown = blank_pictures(axes, side, titles=("photograph, 32×32", "", "standard deviation"))
    title = axes[1].set_title("reconstruction")
    live = LiveFigure(made, [*shown, title])

    @torch.inference_mode()
    def render(lam: float, photograph: Picture):
        pixels, told = photograph.pixels[None], torch.tensor([lam])  # (1, 3, 32, 32), (1,)
        mean, std = model.encode(pixels, told)
        decoded = model.decode(mean, told)
        uncertain = pixel_parameters(decoded)[1] / 2  # from the scale −1 to 1 to that of the picture
        for image, content in zip(shown, (pixels, pixel_mean(decoded), 2 * uncertain), strict=True):
            image.set_data(to_bytes(content[0]))
        title.set_text(f"reconstruction, β = {lam:.3g}")
        readouts = _readouts(mean, std, decoded, pixels)
        return live.frame(), {**readouts, "mean standard deviation": float(uncertain.mean())}

    return explore(
        render,
        lam=Slider(low, high, value=1.0, log=True, beyond=0.1, label="weight of the rate β"),
        photograph=Upload(photographs, size=side, label="photograph"),
        alt="A photograph of 32×32 pixels, its reconstruction and the standard deviation the network gives every pixel: with "
        "small β patches of its colours and uneven deviations, with large β an even grey and even deviations.",
    )


def _readouts(mean: Tensor, std: Tensor, pixels: Tensor, picture: Tensor) -> dict[str, float]:
    """What a panel says of one picture ``(1, 3, S, S)``, its posterior ``(1, D)`` and its decoder's output."""
    values = terms_of(mean, std, pixel_parameters(pixels), picture)
    return {"rate, KL in nats": float(values["kl"]), "distortion, −log p(x|z) in nats": float(values["reconstruction"])}


def _traversals(mean: Tensor, units: Tensor) -> Tensor:
    """The picture's latent vector with one unit at a time moved from −2 to 2: ``(units · steps, D)``."""
    latents = mean.repeat(len(units), STEPS, 1)
    latents[torch.arange(len(units)), :, units] = torch.linspace(-2, 2, STEPS)
    return latents.flatten(0, 1)


def _at(values: Tensor, lam: float, low: float, high: float) -> float:
    """A frontier's value at β, between the grid points that were measured; the end values beyond them."""
    return float(np.interp(np.log(lam), np.linspace(np.log(low), np.log(high), len(values)), values))


def _tile(pictures: Tensor, columns: int) -> np.ndarray:
    """Pictures ``(N, 3, S, S)`` in rows, with white space between: an array for imshow."""
    rows = [torch.cat(list(row), dim=2) for row in F.pad(pictures, (0, SPACE, 0, SPACE), value=1.0).split(columns)]
    return to_bytes(torch.cat(rows, dim=1)[:, :-SPACE, :-SPACE])


def _stage(curve: Values, dots: Values):
    """The still parts of the picture, and the artists that move."""
    made, (first, plot, second, third) = figure(2, rows=2, size=(9, 5.4), width_ratios=[1.2, 1.5])
    shown = []
    for axis, counts in ((first, (1, 2)), (second, SAMPLES), (third, (TRAVERSED, STEPS))):
        shown += blank_pictures([axis], *((64 + SPACE) * count - SPACE for count in counts))
    title = first.set_title("β")
    for place, word in ((0.25, "picture"), (0.75, "reconstruction")):
        first.text(place, -0.04, word, ha="center", va="top", transform=first.transAxes)
    second.set_title("samples, always the same noise")
    third.set_title(f"its {TRAVERSED} busiest latent units, from −2 to 2")
    plot.plot(curve["kl"], curve["reconstruction"], color=COLORS["conditional"], label="one network")
    plot.plot(dots["kl"], dots["reconstruction"], "s", ms=5, color=COLORS["fixed"], label="separate networks")
    start = curve["kl"][:1], curve["reconstruction"][:1]
    (marker,) = plot.plot(*start, "o", ms=10, color=COLORS["conditional"], mec="black")
    plot.set(xlabel="rate: KL (nats)", ylabel="distortion (nats)", title="frontier on held-out pictures")
    plot.legend()
    return LiveFigure(made, [*shown, marker, title]), shown, marker, title
