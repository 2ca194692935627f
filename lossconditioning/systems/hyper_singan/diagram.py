"""What writes the weights of which network, as a drawing (Meta Internal Learning, Figures 1 and 7b)."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lossconditioning.display import COLORS
from lossconditioning.display.boxes import LAYER, OTHER, TOLD, arrow, box, canvas

_BLUE = COLORS["conditional"]
_SCALES = {"1": 0.4, "2": 1.3, "k": 2.45}
"""Scale → centre of its generator, from a column's left edge."""
_JUDGE, _WIDE = 3.55, 0.75
"""Centre of the discriminator, and how wide networks are."""
_PICTURE, _EMBEDDING, _PROJECTION, _NETWORK, _INPUT = 7.05, 5.9, 4.75, 3.6, 2.95
"""Heights at which things stand."""
_HIGH = 0.68

Span = tuple[str, float, float]
"""An embedding's name, and the centres of the first and the last network that it is for."""


def hypernetwork_diagram() -> Figure:
    """The paper's model and its two alternatives, side by side (Figure 1); below, what is in a generator (Figure 7b)."""
    made, axis = canvas(13.3, 8.3, size=(9.5, 5.95))
    first, last = _SCALES["1"], _SCALES["k"]
    _column(axis, 0.05, "(a) the paper's model", [("$E_g$", first, last), ("$E_d$", _JUDGE, _JUDGE)])
    _column(axis, 4.65, "(b) shared discriminator", [("$E_g$", first, last)])
    _column(axis, 9.25, "(c) shared feature extractor", [("$E$", first, _JUDGE)])
    _inside(axis, 0.08)
    _legend(axis, 9.28)
    return made


def _column(axis: Axes, x: float, heading: str, embeddings: Sequence[Span]) -> None:
    """A picture, embeddings of it, projections to weights, and the networks that have these."""
    axis.text(x, _PICTURE + 0.85, heading, size=10.5, weight="bold", va="bottom")
    left, right = embeddings[0][1], embeddings[-1][2]
    _over(axis, x, left, right, _PICTURE, "picture $I$", "white")
    for label, start, end in embeddings:
        _over(axis, x, start, end, _EMBEDDING, label, TOLD)
        middle = x + (start + end) / 2
        arrow(axis, (middle, _PICTURE), (middle, _EMBEDDING + _HIGH))
    for scale, place in _SCALES.items():
        _written(axis, x + place, f"$p_g^{scale}$", f"$g_{scale}$", LAYER)
        _fed(axis, x + place, f"$z_{scale}$")
    _chain(axis, x)
    _fed(axis, x + _JUDGE, "$I_k$")
    if right == _JUDGE:
        _written(axis, x + _JUDGE, "$p_d$", "$d_k$", OTHER)
    else:
        _over(axis, x, _JUDGE, _JUDGE, _NETWORK, "$d_k$", OTHER)
        axis.text(x + _JUDGE, _NETWORK + _HIGH + 0.15, "weights\nof its own", size=8, ha="center", va="bottom")


def _over(axis: Axes, x: float, start: float, end: float, y: float, label: str, color: str) -> None:
    """A box above, or of, the networks whose centres are from ``start`` to ``end``."""
    box(axis, x + start - _WIDE / 2, y, end - start + _WIDE, _HIGH, "", color)
    axis.text(x + (start + end) / 2, y + _HIGH / 2, label, size=10, ha="center", va="center")


def _written(axis: Axes, x: float, projection: str, network: str, color: str) -> None:
    """A projection, which reads the embedding above it, and the network whose weights it writes."""
    _over(axis, x, 0, 0, _PROJECTION, projection, TOLD)
    _over(axis, x, 0, 0, _NETWORK, network, color)
    arrow(axis, (x, _EMBEDDING), (x, _PROJECTION + _HIGH))
    arrow(axis, (x, _PROJECTION), (x, _NETWORK + _HIGH), _BLUE)


def _fed(axis: Axes, x: float, label: str) -> None:
    """What a network gets from below."""
    axis.text(x, _INPUT, label, size=9, ha="center", va="center")
    arrow(axis, (x, _INPUT + 0.2), (x, _NETWORK))


def _chain(axis: Axes, x: float) -> None:
    """From generator to generator, and to the discriminator."""
    middle, half = _NETWORK + _HIGH / 2, _WIDE / 2
    places = [*_SCALES.values(), _JUDGE]
    for before, after in zip(places[::2], places[1::2], strict=True):
        arrow(axis, (x + before + half, middle), (x + after - half, middle))
    between = x + (_SCALES["2"] + _SCALES["k"]) / 2
    for y in (_PROJECTION, _NETWORK):
        axis.text(between, y + _HIGH / 2, "…", size=10, ha="center", va="center")


def _inside(axis: Axes, x: float) -> None:
    """A generator above the coarsest scale: x + ĝ(x + z), x being what the scale below painted."""
    y, high = 0.75, 0.8
    middle = y + high / 2
    axis.text(x, y + 1.45, "inside $g_i$, above the coarsest scale", size=10.5, weight="bold", va="bottom")
    box(axis, x, y, 1.75, high, "$x$: painted at\n$i$ − 1, enlarged", "white")
    box(axis, x + 2.25, middle - 0.2, 0.4, 0.4, "+", "white")
    box(axis, x + 3.15, y, 2.2, high, "$\\hat{g}_i$: five 3×3\nconvolutions", LAYER)
    box(axis, x + 5.85, middle - 0.2, 0.4, 0.4, "+", "white")
    box(axis, x + 6.75, y, 1.6, high, "painted\nat scale $i$", "white")
    for start, end in ((1.75, 2.25), (2.65, 3.15), (5.35, 5.85), (6.25, 6.75)):
        arrow(axis, (x + start, middle), (x + end, middle))
    over = y + high + 0.35
    axis.plot([x + 0.875, x + 0.875, x + 6.05], [y + high, over, over], color=COLORS["data"], lw=1.1)
    arrow(axis, (x + 6.05, over), (x + 6.05, middle + 0.2))
    axis.text(x + 2.45, 0.2, "$z_i$", size=9, ha="center", va="center")
    arrow(axis, (x + 2.45, 0.4), (x + 2.45, middle - 0.2))
    axis.text(x + 4.25, 0.2, "weights, by $p_g^i$", size=9, ha="center", va="center", color=_BLUE)
    arrow(axis, (x + 4.25, 0.4), (x + 4.25, y), _BLUE)


def _legend(axis: Axes, x: float) -> None:
    """What the letters and the blue arrows mean."""
    rows = (
        ("$E$", "embedding of the picture"),
        ("$p$", "projection: a linear map"),
        ("", "weights, for each picture"),
        ("$g$, $d$", "generator, discriminator"),
        ("$z$", "noise"),
        ("$I_k$", "the picture at scale $k$"),
    )
    for number, (label, said) in enumerate(rows):
        y = 2.15 - 0.39 * number
        if label in ("$E$", "$p$"):
            box(axis, x, y - 0.15, 0.5, 0.3, label, TOLD)
        elif label:
            axis.text(x + 0.25, y, label, size=9, ha="center", va="center")
        else:
            arrow(axis, (x, y), (x + 0.5, y), _BLUE)
        axis.text(x + 0.65, y, said, size=8.5, va="center")
