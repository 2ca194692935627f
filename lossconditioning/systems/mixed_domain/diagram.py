"""The painter and its opponents as a drawing, with the shapes of a network that is there; and what a CCAM computes."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lossconditioning.conditioning import CCAM, Conditioned
from lossconditioning.display import COLORS
from lossconditioning.display.boxes import LAYER, OTHER, TOLD, arrow, box, canvas
from lossconditioning.systems.mixed_domain.models import PLACES, Generator

_TOP, _TELL = 5.3, 4.55  # heights of the generator and of the line that S runs along
_STEP = 1.53


def painter_diagram(model: Conditioned) -> Figure:
    """A generator told S by three CCAMs, above; below at the left what is in a CCAM, at the right who judges the picture."""
    made, axis = canvas(15.4, 6.6, size=(11.2, 4.5))
    axis.set_ylim(bottom=0.5)
    _generator(axis, model.network)
    _gate(axis, model.conditioners[PLACES[0]])
    _judges(axis)
    return made


def _generator(axis: Axes, network: Generator) -> None:
    width, blocks = network.stem.out_channels, len(network.blocks)
    boxes = [
        ("photograph x\n(3, H, W)", "white"),
        (f"7×7 conv.\n({width}, H, W)", LAYER),
        ("CCAM", TOLD),
        (f"two 3×3 conv.,\nstride 2\n({4 * width}, H/4, W/4)", LAYER),
        ("CCAM", TOLD),
        (f"{blocks} residual\nblocks\n({4 * width}, H/4, W/4)", LAYER),
        ("CCAM", TOLD),
        (f"doubled twice\n({width}, H, W)", LAYER),
        ("7×7 conv.\n(3, H, W)", LAYER),
        ("G(x, S)\n(3, H, W)", "white"),
    ]
    told = [number for number, (label, _) in enumerate(boxes) if label == "CCAM"]
    for number, (label, color) in enumerate(boxes):
        x = 0.05 + number * _STEP
        box(axis, x, _TOP, 1.4, 1.1, label, color)
        if number:
            arrow(axis, (x - _STEP + 1.4, _TOP + 0.55), (x, _TOP + 0.55))
        if number in told:
            arrow(axis, (x + 0.7, _TELL), (x + 0.7, _TOP), COLORS["conditional"])
    ends = [0.05 + number * _STEP + 0.7 for number in (0, told[-1])]
    axis.plot(ends, [_TELL, _TELL], color=COLORS["conditional"], lw=1.5)
    axis.text(ends[0], _TELL - 0.12, "S = (s₁, s₂, s₃)", ha="center", va="top", size=10, color=COLORS["conditional"])


def _gate(axis: Axes, gate: CCAM) -> None:
    """X and S in, X with every channel multiplied by a number between 0 and 1 out."""
    channels, hidden = gate.channels, gate.to_gate[0].out_features
    axis.text(0.05, 3.75, "a CCAM", size=10, va="bottom")
    box(axis, 0.05, 2.6, 1.9, 0.9, f"features X\n({channels}, h, w)", "white")
    box(axis, 2.4, 2.6, 1.9, 0.9, f"mean over places\n({channels},)", LAYER)
    box(axis, 0.05, 0.9, 1.9, 0.9, "S (3,)", "white")
    box(axis, 2.4, 0.9, 1.9, 0.9, f"linear, ReLU\n({channels},)", TOLD)
    box(axis, 4.75, 1.7, 2.2, 1.0, f"linear ({hidden},), ReLU,\nlinear ({channels},), σ", TOLD)
    axis.text(7.75, 2.2, "×", size=16, ha="center", va="center", color=COLORS["conditional"])
    for y in (3.05, 1.35):
        arrow(axis, (1.95, y), (2.4, y))
        arrow(axis, (4.3, y), (4.75, 2.2 + 0.25 * (1 if y > 2 else -1)))
    arrow(axis, (6.95, 2.2), (7.55, 2.2), COLORS["conditional"])
    axis.plot([1.0, 1.0, 7.75], [3.5, 3.75, 3.75], color=COLORS["data"], lw=1.1)
    arrow(axis, (7.75, 3.75), (7.75, 2.45))
    arrow(axis, (7.95, 2.2), (8.55, 2.2))


def _judges(axis: Axes) -> None:
    """The three losses of Model 1."""
    rows = (
        ("A: L1 to the photograph", LAYER),
        ("B: discriminator of patches\n(trained against G)", OTHER),
        ("C: VGG (fixed), to photograph\nand painting", OTHER),
    )
    for number, (label, color) in enumerate(rows):
        y = 2.9 - 1.15 * number
        box(axis, 9.6, y, 3.2, 0.9, label, color)
        arrow(axis, (12.8, y + 0.45), (13.6, 1.95 + 0.45 * (1 - number)))
        axis.text(13.2, y + 0.62 - 0.1 * number, f"s{'₁₂₃'[number]}", size=9, color=COLORS["conditional"])
    box(axis, 13.6, 1.4, 1.6, 1.2, "L_G", "white")
    axis.text(9.6, 3.95, "what the picture costs, in training", size=10, va="bottom")
