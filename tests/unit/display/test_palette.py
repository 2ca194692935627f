"""The course's colours are told apart with every common colour vision, on white, and never carry a meaning alone."""

import ast
import importlib
import inspect
import re
import textwrap
from itertools import combinations

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from skimage.color import deltaE_ciede2000, rgb2lab

from lossconditioning import environment, notebooks
from lossconditioning.display import COLORS, LINES, MARKERS
from lossconditioning.systems import SYSTEMS

# What dichromats see of a linear RGB colour, as Machado, Oliveira and Fernandes simulate it (IEEE TVCG 15(6), 2009,
# doi:10.1109/TVCG.2009.113, table 1, severity 1).
VISION = {
    "normal": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}


def linear(color: str) -> np.ndarray:
    """A colour as linear RGB (the sRGB standard's curve)."""
    rgb = np.array(to_rgb(color))
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def seen(color: str, vision: str) -> np.ndarray:
    """A colour as an eye sees it, in CIE Lab."""
    rgb = (VISION[vision] @ linear(color)).clip(0, 1)
    encoded = np.where(rgb <= 0.0031308, 12.92 * rgb, 1.055 * rgb ** (1 / 2.4) - 0.055)
    return rgb2lab(encoded)


def contrast(color: str, background: str = "white") -> float:
    """WCAG 2.1's contrast ratio, from 1 to 21."""
    dark, light = sorted(float(linear(c) @ (0.2126, 0.7152, 0.0722)) for c in (color, background))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("vision", VISION)
def test_every_two_roles_are_told_apart(vision):
    """A CIEDE2000 difference of 1 is just visible side by side; 12 is plain across a figure."""
    for one, other in combinations(COLORS, 2):
        difference = deltaE_ciede2000(seen(COLORS[one], vision), seen(COLORS[other], vision))
        assert difference >= 12, f"{one} and {other}: {difference:.1f}"


@pytest.mark.parametrize("role", COLORS)
def test_every_role_stands_out_from_white(role):
    """WCAG 2.1, 1.4.11: at least 3:1 for graphics."""
    assert contrast(COLORS[role]) >= 3


# A second cue ------------------------------------------------------------------------------------------------------------


def strokes(style) -> tuple[float, ...]:
    """Lengths of stroke, gap, stroke, … in one period of a line style; empty for a solid line."""
    names = {"-": (), "--": "lines.dashed_pattern", "-.": "lines.dashdot_pattern", ":": "lines.dotted_pattern"}
    pattern = names.get(style, style) if isinstance(style, str) else style[1]
    return tuple(mpl.rcParamsDefault[pattern]) if isinstance(pattern, str) else tuple(pattern)


def alike(one, other) -> bool:
    """Hard to tell apart: as many strokes in a period, and none half as long again."""
    a, b = strokes(one), strokes(other)
    return len(a) == len(b) and (not a or 2 / 3 < max(a) / max(b) < 3 / 2)


def test_every_role_has_a_line_style_of_its_own():
    assert LINES.keys() == COLORS.keys()
    assert not [(one, other) for one, other in combinations(LINES, 2) if alike(LINES[one], LINES[other])]


def test_every_role_has_a_marker_of_its_own():
    assert MARKERS.keys() == COLORS.keys()
    assert len(set(MARKERS.values())) == len(MARKERS)


def plotted(source: str) -> list[tuple]:
    """What tells the labelled curves of a piece of code apart besides colour: format, line style, marker of every call."""
    cues = []
    for call in ast.walk(ast.parse(textwrap.dedent(source))):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr in ("plot", "step"):
            options = {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}
            if "label" in options:
                formats = [a.value for a in call.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
                cues.append((*formats, options.get("ls", options.get("linestyle", "'-'")), options.get("marker")))
    return cues


@pytest.mark.parametrize("name", SYSTEMS)
@pytest.mark.parametrize("role", ["panel", "figures"])
def test_curves_of_a_figure_differ_by_more_than_colour(name, role):
    source = inspect.getsource(importlib.import_module(f"lossconditioning.systems.{name}.{role}"))
    for part in ast.parse(source).body:
        if isinstance(part, (ast.FunctionDef, ast.ClassDef)):
            cues = plotted(ast.unparse(part))
            assert len(set(cues)) == len(cues), part.name


@pytest.mark.parametrize("path", notebooks.notebook_paths(), ids=lambda p: p.stem)
def test_curves_of_a_notebook_differ_by_more_than_colour(path):
    for cell in notebooks.read(path).cells:
        if cell.cell_type == "code" and "label=" in cell.source:
            cues = plotted(cell.source)
            assert len(set(cues)) == len(cues), cell.source


# Text in colour ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ok", [True, False])
def test_the_environment_check_is_read_without_colours(ok):
    report = environment.Report([environment.Finding("memory", "1.0 GiB free", ok, "Free some memory.")])
    page = report._repr_html_()
    mark = "✔" if ok else "✘"
    assert f"<td>{mark}</td>" in page
    assert f"<b>{mark} " in page
    # A notebook may be dark: a colour for text comes with the ground it is read on (WCAG 2.1, 1.4.3: at least 4.5:1).
    colors = re.findall(r"(?<!-)color:([#\w]+);background:([#\w]+)", page)
    assert len(colors) == len(re.findall(r"(?<!-)color:", page)) == 1
    assert contrast(*colors[0]) >= 4.5
