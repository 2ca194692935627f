"""Two slider panels over β: on a picture chosen by its six factors, and on photographs, the reader's own included."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
import torch.nn.functional as F
from matplotlib.axes import Axes
from matplotlib.figure import Figure
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

START = {"floor_hue": 5, "wall_hue": 1, "object_hue": 8, "scale": 5, "shape": 2, "orientation": 4}
"""The picture's factors at first."""
TILES = 5
"""Samples, and positions of the busiest latent unit from −2 to 2."""
LARGE, MEDIUM, PHOTOGRAPH = 4, 3, 9
"""How many pixels on the screen a pixel's side has: of picture and reconstruction, of a row's tiles, of photographs."""
SPACE = 2
"""Pixels between tiles, enlarged with them."""
_EDGE, _TITLE = 8, 26  # pixels on the screen around everything, and for a title


def play(model: BetaVAE, curve: Values) -> Panel:
    """A panel over β and the six factors of a Shapes3D picture.

    It shows the picture, its reconstruction, where β stands on the network's frontier, samples from the same noise whatever β,
    and what the latent unit does that says most about this picture; below, rate and distortion of this very picture.

    Args:
        model: a loss-conditional `BetaVAE` for Shapes3D.
        curve: its frontier, ``{"reconstruction", "kl"}``, each ``(G,)``, over a grid from end to end of β's range.
    """
    world, noise = shapes3d(), fixed_noise(TILES, model.architecture.latent)
    live, shown, marker, title = _stage(curve, model.architecture.picture)
    low, high = RANGES["shapes3d"]

    @torch.inference_mode()
    def render(lam: float, **factors: float):
        picture = as_float(world[index_of(torch.tensor([[round(factors[name]) for name in FACTORS]]))])
        told = torch.tensor([lam])
        mean, std = model.encode(picture, told)
        latents = torch.cat([mean, noise, _traversal(mean, int(unit_kl(mean, std).argmax()))])
        pixels = model.decode(latents, told.expand(len(latents)))
        for image, pictures in zip(shown, (picture, *pixel_mean(pixels).split([1, TILES, TILES])), strict=True):
            image.set_data(_row(pictures))
        marker.set_data([_at(curve["kl"], lam, low, high)], [_at(curve["reconstruction"], lam, low, high)])
        title.set_text(f"reconstruction, β = {lam:.4g}")
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
        photographs=True,
        alt="A rendered picture and its reconstruction, five samples, five positions of one latent unit, and the frontier of "
        "distortion against rate with a mark that moves with β: with small β the reconstruction is close to the picture, "
        "large β fades every picture to one average.",
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
    large = PHOTOGRAPH * side
    made, axes = _sized(3, 2 * _EDGE + 3 * large + 2 * _TITLE, _TITLE + large + _EDGE)
    for index, axis in enumerate(axes):
        _place(axis, _EDGE + index * (large + _TITLE), _TITLE, large, large)
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
        photographs=True,
        alt="A photograph of 32×32 pixels, its reconstruction and the standard deviation the network gives every pixel: with "
        "small β patches of its colours and uneven deviations, with large β an even grey and even deviations.",
    )


def _readouts(mean: Tensor, std: Tensor, pixels: Tensor, picture: Tensor) -> dict[str, float]:
    """What a panel says of one picture ``(1, 3, S, S)``, its posterior ``(1, D)`` and its decoder's output."""
    values = terms_of(mean, std, pixel_parameters(pixels), picture)
    return {"rate, KL in nats": float(values["kl"]), "distortion, −log p(x|z) in nats": float(values["reconstruction"])}


def _traversal(mean: Tensor, unit: int) -> Tensor:
    """The picture's latent vector ``(1, D)`` with one unit moved from −2 to 2: ``(TILES, D)``."""
    latents = mean.repeat(TILES, 1)
    latents[:, unit] = torch.linspace(-2, 2, TILES)
    return latents


def _at(values: Tensor, lam: float, low: float, high: float) -> float:
    """A frontier's value at β, between the grid points that were measured; the end values beyond them."""
    return float(np.interp(np.log(lam), np.linspace(np.log(low), np.log(high), len(values)), values))


def _row(pictures: Tensor) -> np.ndarray:
    """Pictures ``(N, 3, S, S)`` side by side, with white space between: an array for imshow."""
    spaced = F.pad(pictures, (0, SPACE), value=1.0)
    return to_bytes(torch.cat(list(spaced), dim=2)[..., :-SPACE])


def _stage(curve: Values, side: int):
    """The still parts of the picture, and the artists that move."""
    large, medium, wide = LARGE * side, MEDIUM * side, TILES * (side + SPACE) - SPACE
    width, second = MEDIUM * wide, _TITLE + large + 2 * _TITLE  # where the samples begin
    third = second + medium + _TITLE
    made, axes = _sized(5, width + 2 * _EDGE, third + medium + _EDGE)
    picture, reconstruction, samples, traversal, plot = axes
    _place(picture, _EDGE, _TITLE, large, large)
    _place(reconstruction, 2 * _EDGE + large, _TITLE, large, large)
    _place(samples, _EDGE, second, width, medium)
    _place(traversal, _EDGE, third, width, medium)
    left = 2 * large + 12 * _EDGE  # numbers and a label stand before the axis
    _place(plot, left, _TITLE, width - left, large - _EDGE)
    shown = blank_pictures([picture, reconstruction], side) + blank_pictures([samples, traversal], side, wide)
    picture.set_title("picture")
    title = reconstruction.set_title("reconstruction")
    samples.set_title("samples, always the same noise")
    traversal.set_title("the latent unit that says most about the picture, from −2 to 2")
    plot.plot(curve["kl"], curve["reconstruction"], color=COLORS["conditional"])
    start = curve["kl"][:1], curve["reconstruction"][:1]
    (marker,) = plot.plot(*start, "o", ms=10, color=COLORS["conditional"], mec="black")
    plot.set(xlabel="rate: KL (nats)", ylabel="distortion (nats)", title="frontier on held-out pictures")
    return LiveFigure(made, [*shown, marker, title]), shown, marker, title


def _sized(axes: int, width: int, height: int) -> tuple[Figure, np.ndarray]:
    """A figure of so many pixels, and axes for `_place`."""
    made, placed = figure(axes)
    made.set_layout_engine("none")
    made.set_size_inches(width / made.dpi, height / made.dpi)
    return made, placed


def _place(axis: Axes, left: int, top: int, width: int, height: int) -> None:
    """Put an axis where a picture in it has exactly these pixels, so that it is enlarged a whole number of times."""
    across, down = axis.figure.bbox.size
    axis.set_position([left / across, 1 - (top + height) / down, width / across, height / down])
