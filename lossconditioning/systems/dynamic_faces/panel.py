"""Sliders on the attributes of generated faces."""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor

from lossconditioning.conditioning import DynamicNet
from lossconditioning.display import LiveRow, Menu, Panel, Slider, explore
from lossconditioning.systems.dynamic_faces.measures import codes
from lossconditioning.systems.dynamic_faces.models import SIDE, pixels

PEOPLE = 6
"""Faces side by side."""
GROUPS = 5
TIMES = 3
"""How many times faces are enlarged."""


def play(model: DynamicNet, latent: int, beyond: float = 0.5) -> Panel:
    """A panel over α of every set of blocks: some people at once, all of them turned alike.

    Args:
        model: a generator with its sets of blocks, named as what they turn.
        latent: numbers in its latent codes.
        beyond: how far sliders go beyond 0 and 1.
    """
    groups = codes(GROUPS * PEOPLE, latent).split(PEOPLE)
    people = {f"people {g * PEOPLE + 1} to {(g + 1) * PEOPLE}": group for g, group in enumerate(groups)}
    live = LiveRow([""] * PEOPLE, SIDE, TIMES)

    @cache
    def as_generated(who: str) -> Tensor:
        return pixels(model(people[who], alpha=dict.fromkeys(model.sets, 0.0)))

    @torch.no_grad()
    def render(who: str, **alphas: float) -> tuple[bytes, dict[str, float]]:
        faces = pixels(model(people[who], alpha=alphas))
        said = "     ".join(f"α of {name.replace('_', ' ')} = {alpha:.2f}" for name, alpha in alphas.items())
        return live.frame(faces, said), {
            "mean change of a pixel, %": 100 * float((faces - as_generated(who)).abs().mean())
        }

    sliders = {
        name: Slider(0.0, 1.0, value=0.0, beyond=beyond, label=f"α of {name.replace('_', ' ')}") for name in model.sets
    }
    named = {name.replace("_", " "): {**dict.fromkeys(sliders, 0.0), name: 1.0} for name in sliders}
    return explore(
        render,
        strip=3,
        columns=1,
        photographs=True,
        presets={"as generated": dict.fromkeys(sliders, 0.0), **named},
        **sliders,
        who=Menu(people, label="who"),
        alt="Six generated faces in a row, which keep their features while an attribute comes and goes with the slider.",
    )
