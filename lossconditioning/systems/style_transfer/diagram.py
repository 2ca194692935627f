"""The painter as a drawing: what stands behind what, with the shapes of a network that is there."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lossconditioning.display import COLORS
from lossconditioning.display.boxes import LAYER, OTHER, TOLD, arrow, box, canvas
from lossconditioning.systems.style_transfer.models import Layer, Painter, Residual, Up

_TOP, _CODE = 5.3, 4.4  # heights of the painting network and of the code's line
_WIDE, _STEP = 1.38, 1.62
_JOINED = 12.25  # where the code leaves its box


def painter_diagram(model: Painter) -> Figure:
    """A painter that is told λ: the network that paints, above; below, how the code is made; at the left, what a layer is."""
    made, axis = canvas(14.5, 6.5, size=(10.6, 5.0))
    _painting(axis, model)
    _code(axis, model)
    _layer(axis, model)
    return made


def _painting(axis: Axes, model: Painter) -> None:
    """The layers from photograph to painting, the code's arrow to each of them."""
    labels = ["photograph\n(3, H, W)", *_stages(model), "painted\n(3, H, W)"]
    for number, label in enumerate(labels):
        x = 0.1 + number * _STEP
        ends = number in (0, len(labels) - 1)
        box(axis, x, _TOP, _WIDE, 1.1, label, "white" if ends else LAYER)
        if number:
            arrow(axis, (x - _STEP + _WIDE, _TOP + 0.55), (x, _TOP + 0.55))
        if not ends:
            arrow(axis, (x + _WIDE / 2, _CODE), (x + _WIDE / 2, _TOP), COLORS["conditional"])
    first, last = (0.1 + number * _STEP + _WIDE / 2 for number in (1, len(labels) - 2))
    axis.plot([first, max(last, _JOINED)], [_CODE, _CODE], color=COLORS["conditional"], lw=1.5)
    axis.text(
        last - 0.1, _CODE - 0.12, "the code, to every layer", ha="right", va="top", size=10, color=COLORS["conditional"]
    )


def _stages(model: Painter) -> list[str]:
    """A label for each layer of the network; all residual blocks share one."""
    found, halvings = [], 0
    for layer in model.network:
        if isinstance(layer, Residual):
            label = f"residual\nblocks, {layer.first.convolution.out_channels} ch."
            if not found or found[-1] != label:
                found.append(label)
            continue
        inner = layer.layer if isinstance(layer, Up) else layer
        convolution = inner.convolution
        size, halvings = convolution.kernel_size[0], halvings + (convolution.stride[0] == 2) - isinstance(layer, Up)
        places = {0: "H, W", 1: "H/2, W/2", 2: "H/4, W/4"}[halvings]
        what = "doubled,\n" if isinstance(layer, Up) else ""
        found.append(f"{what}{size}×{size} conv.\n({convolution.out_channels}, {places})")
    count = sum(isinstance(layer, Residual) for layer in model.network)
    return [f"{count} {label}\nH/4, W/4" if label.startswith("residual") else label for label in found]


def _code(axis: Axes, model: Painter) -> None:
    """From painting and λ to the code."""
    described, (read, hidden, made) = model.styles.shape[1], _widths(model)
    bottleneck = model.predictor.bottleneck
    box(axis, 6.1, 2.1, 1.7, 0.9, "painting\n(3, H, W)", "white")
    box(axis, 8.3, 2.1, 2.0, 0.9, f"image network,\n{described} numbers", OTHER)
    box(axis, 6.1, 0.4, 1.7, 0.9, f"log λ{', shares' * model.predictor.shares}\n({read},)", "white")
    box(axis, 8.3, 0.4, 2.0, 0.9, f"MLP, {hidden} hidden,\n{made} numbers", TOLD)
    label = f"joined ({bottleneck.in_features},)\nlinear\ncode ({bottleneck.out_features},)"
    box(axis, 11.2, 1.0, 2.1, 1.3, label, TOLD)
    for y in (2.55, 0.85):
        arrow(axis, (7.8, y), (8.3, y))
        arrow(axis, (10.3, y), (11.2, 1.65 + 0.25 * (1 if y > 1.65 else -1)))
    arrow(axis, (_JOINED, 2.3), (_JOINED, _CODE), COLORS["conditional"])


def _layer(axis: Axes, model: Painter) -> None:
    """What stands in each box of the painting network."""
    first: Layer = model.network[0]
    hidden = first.norm.shared[0].out_features
    axis.text(0.1, 3.25, "a layer (a residual block is two, plus its input)", size=10, va="bottom")
    box(axis, 0.1, 2.4, 2.6, 0.75, "convolution", LAYER)
    box(axis, 0.1, 1.3, 2.6, 0.75, "normalise each channel,\nthen scale, shift (C,)", TOLD)
    box(axis, 0.1, 0.2, 2.6, 0.75, "ReLU", LAYER)
    box(axis, 3.2, 1.3, 2.0, 0.75, f"code → MLP,\n{hidden} hidden", TOLD)
    arrow(axis, (1.4, 2.4), (1.4, 2.05))
    arrow(axis, (1.4, 1.3), (1.4, 0.95))
    arrow(axis, (3.2, 1.675), (2.7, 1.675), COLORS["conditional"])


def _widths(model: Painter) -> tuple[int, int, int]:
    """Numbers that λ's own network reads, of its hidden layer, and that it makes."""
    first, _, last = model.predictor.from_lam
    return first.in_features, first.out_features, last.out_features
