"""A slider between sharp and smooth completions, and the reader's own hole."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from lossconditioning.conditioning import DynamicNet
from lossconditioning.display import LiveRow, Panel, Picture, Slider, Upload, explore
from lossconditioning.systems.dynamic_completion.holes import HOLE, hole_at
from lossconditioning.systems.dynamic_completion.recipes import SIDE
from lossconditioning.systems.dynamic_completion.task import l1

SMALLEST = 4
"""Pixels of a hole's side."""
TIMES = 4
"""How many times pictures are enlarged."""


def play(model: DynamicNet, pictures: Mapping[str, Tensor], beyond: float = 0.25) -> Panel:
    """A panel over α and over the hole: its two sides and its place.

    Args:
        model: a completing network with one set of blocks.
        pictures: name → ``(3, H, W)`` in [0, 1], made 64×64.
        beyond: how far α goes beyond 0 and 1.
    """
    live = LiveRow(("what the network is given", "completed", "the truth"), SIDE, TIMES)

    @torch.no_grad()
    def render(picture: Picture, alpha: float, height: float, width: float, down: float, across: float):
        truth = picture.pixels[None]
        hole = reachable(round(height), round(width), down, across)[None]
        completed = model(truth, hole, alpha=alpha)
        frame = live.frame(torch.cat([torch.where(hole, 0.5, truth), completed, truth]), f"α = {alpha:.2f}")
        return frame, {"L1 in the hole": float(l1(completed, truth, hole))}

    size = {"low": SMALLEST, "high": 40, "value": HOLE, "steps": 40 - SMALLEST}  # whole pixels
    place = {"low": 0.0, "high": 1.0, "value": 0.5, "steps": SIDE - 40}  # a pixel or more for every size
    return explore(
        render,
        strip=4,
        photographs=True,
        presets={f"α = {share:g}": {"alpha": share} for share in (0.0, 0.5, 1.0)},
        alpha=Slider(0.0, 1.0, value=0.0, beyond=beyond, label="α"),
        height=Slider(**size, label="height of the hole"),
        width=Slider(**size, label="width of the hole"),
        down=Slider(**place, label="down"),
        across=Slider(**place, label="across"),
        picture=Upload(pictures, size=SIDE, label="picture"),
        alt="A face with a hole, the same face completed, and the whole face: at α = 0 the completion is sharp with artefacts, "
        "at 1 it is smooth.",
    )


def reachable(height: int, width: int, down: float, across: float) -> Tensor:
    """A hole of a size, its place given as shares of the way from one edge to the other: bool ``(1, 64, 64)``."""
    top, left = round(down * (SIDE - height)), round(across * (SIDE - width))
    return hole_at(top, left, height, width)
