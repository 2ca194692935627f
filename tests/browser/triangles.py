"""A notebook whose panel has a triangle beside a slider and an upload, and what a reader does to the triangle."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
from lab import Panel, State

TRIANGLE = Path("triangle.ipynb")
# A picture in one colour, the mixture of three; and the weights as the kernel has them.
CELL = """import io

import torch
from PIL import Image

from lossconditioning.display import Slider, Triangle, Upload, explore

def draw(weights, scale, picture):
    buffer = io.BytesIO()
    light = scale * float(picture.pixels.mean())
    Image.new("RGB", (64, 64), tuple(round(255 * light * weight) for weight in weights)).save(buffer, "PNG")
    return buffer.getvalue(), {"λ": " ".join(f"{weight:.3f}" for weight in weights), "light": light}

panel = explore(
    draw,
    weights=Triangle(("reconstruction", "style", "smoothness"), label="weights λ"),
    scale=Slider(0, 1, 1.0),
    picture=Upload({"day": torch.ones(3, 4, 4), "night": torch.full((3, 4, 4), 0.5)}),
    presets={"half and half": {"weights": (0.5, 0.5, 0)}},
    alt="A colour, the mixture of three.",
)
panel"""
# Where the corners are on the page; a path's bounding box would have its stroke in it.
SIDES = """path => {
    const {x, y, width, height} = path.getBBox(), {a, d, e, f} = path.getScreenCTM();
    return [a * x + e, d * y + f, a * width, d * height];
}"""
SET = "panel.set(weights=(0.1, 0.2, 0.7));"


def triangle_panel() -> str:
    """The notebook: a cell with the panel, and one that sets its triangle by program."""
    kernel = {"name": "python3", "display_name": "Python 3"}  # JupyterLab would ask for one
    cells = [nbformat.v4.new_code_cell(source) for source in (CELL, SET)]
    return nbformat.writes(nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel}))


class TrianglePanel(Panel):
    """The panel in the first cell's output."""

    def __init__(self, notebook):
        super().__init__(notebook, 0)
        self.field = self.output.locator(".lossconditioning-triangle [role=slider]")

    def spoken(self) -> str:
        """The value as a screen reader has it."""
        return self.field.get_attribute("aria-valuetext")

    def percents(self) -> tuple[float, ...]:
        return tuple(map(float, re.findall(r"([\d.]+) %", self.spoken())))

    def readouts(self) -> list[str]:
        """What stands beside the triangle."""
        return self.output.locator(".lct-readout li").all_inner_texts()

    @staticmethod
    def weights(state: State) -> tuple[float, ...]:
        """The weights of the picture on show, as the kernel has them."""
        return tuple(map(float, re.search(r"λ: ([\d.]+) ([\d.]+) ([\d.]+)", state.text).groups()))

    def place(self, *weights: float) -> tuple[float, float]:
        """Where weights are on the page, the upper corner's first; beyond the triangle if one of them is negative."""
        x, y, width, height = self.output.locator(".lct-side").evaluate(SIDES)
        first, _, third = weights
        return x + width * (third + first / 2), y + height * (1 - first)

    def handle(self) -> tuple[float, float]:
        """Where the middle of the handle is on the page."""
        box = self.output.locator(".lct-point").bounding_box()
        return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
