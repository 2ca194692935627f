"""The drawing of the three architectures: which network's weights are written, by what; and that all of it can be read."""

from itertools import combinations

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgba
from matplotlib.text import Annotation

from lossconditioning.display import COLORS, png
from lossconditioning.systems.hyper_singan.diagram import hypernetwork_diagram

WIDEST = 9.5  # inches of a notebook's column


@pytest.fixture(scope="module")
def made():
    return hypernetwork_diagram()


@pytest.fixture(scope="module")
def texts(made):
    """What can be read."""
    (axis,) = made.axes
    return [text for text in axis.texts if text.get_text()]


def written(made, texts):
    """Names of the networks at which an arrow of weights ends, from left to right, of the three columns."""
    blue = to_rgba(COLORS["conditional"])
    arrows = [text for text in made.axes[0].texts if isinstance(text, Annotation)]
    ends = sorted(arrow.xy for arrow in arrows if arrow.arrow_patch.get_edgecolor() == blue)
    found = []
    for x, y in ends:
        found += [
            text.get_text()
            for text in texts
            if abs(text.get_position()[0] - x) < 1e-6 and 0 < y - text.get_position()[1] < 0.5
        ]
    return found


def test_in_b_alone_nothing_writes_the_discriminators_weights(made, texts):
    generators = ["$g_1$", "$g_2$", "$g_k$"]
    assert written(made, texts) == [*generators, "$d_k$", *generators, *generators, "$d_k$"]
    said = [text.get_text() for text in texts]
    assert said.count("$d_k$") == 3
    assert said.count("weights\nof its own") == 1


def test_a_has_two_embeddings_and_c_has_one(texts):
    said = [text.get_text() for text in texts]
    assert [said.count(name) for name in ("$E_g$", "$E_d$", "$p_d$", "picture $I$")] == [2, 1, 2, 3]
    assert said.count("$E$") == 2  # once in the legend
    headings = [text for text in said if text.startswith("(")]
    assert [heading[:3] for heading in headings] == ["(a)", "(b)", "(c)"]


def test_no_text_stands_on_another_or_leaves_the_figure(made, texts):
    canvas = FigureCanvasAgg(made)
    canvas.draw()
    boxes = {text: text.get_window_extent(canvas.get_renderer()) for text in texts}
    for one, other in combinations(texts, 2):
        assert not boxes[one].overlaps(boxes[other]), (one.get_text(), other.get_text())
    width, height = canvas.get_width_height()
    for text, place in boxes.items():
        assert 0 <= place.x0 < place.x1 <= width, text.get_text()
        assert 0 <= place.y0 < place.y1 <= height, text.get_text()
    assert made.get_figwidth() <= WIDEST
    assert png(made).startswith(b"\x89PNG")


def test_no_box_is_cut_off(made):
    (axis,) = made.axes
    for patch in axis.patches:
        place = patch.get_path().get_extents()
        assert axis.get_xlim()[0] <= place.x0 < place.x1 <= axis.get_xlim()[1]
        assert axis.get_ylim()[0] <= place.y0 < place.y1 <= axis.get_ylim()[1]
