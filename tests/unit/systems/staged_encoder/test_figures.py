"""The notebook's figures: what stands where in a grid, which points are drawn, what is said of them."""

import numpy as np
import pytest
import torch

from lossconditioning import ReaderError
from lossconditioning.display import COLORS, png
from lossconditioning.display.grids import to_bytes
from lossconditioning.systems import staged_encoder as staged

WIDEST = 9.5  # inches of a notebook's column
VALLEY = "night", "dawn", "day", "dusk"


@pytest.fixture(scope="module")
def model():
    return staged.build(staged.experiments("smoke")["valley_stage2"]).eval()


def some(count, seed=0):
    return torch.rand(count, 3, 32, 32, generator=torch.Generator().manual_seed(seed))


def shown(made):
    """The pictures of a grid, from left to right, line by line."""
    return [np.asarray(axis.images[0].get_array()) for axis in made.axes]


def words(axis):
    return [text.get_text() for text in axis.texts]


def test_each_model_has_a_row_under_layouts_and_styles(model):
    layouts, pictures = some(8), some(8, 1)
    made = staged.translations({"ours": model, "swapped": lambda x, y: y}, layouts, pictures, "abcdefgh")
    found = shown(made)
    with torch.no_grad():
        painted = model(layouts, pictures)
    for row, expected in enumerate((layouts, pictures, painted, pictures)):
        for picture, wanted in zip(found[8 * row :], expected, strict=False):
            np.testing.assert_array_equal(picture, to_bytes(wanted))
    assert [axis.get_ylabel() for axis in made.axes[::8]] == ["layout", "style", "ours", "swapped"]
    assert made.get_figwidth() <= WIDEST
    assert [axis.get_title(loc="center") for axis in made.axes[:8]] == list("abcdefgh")


def test_one_model_and_bytes_do_as_well(model):
    layouts, pictures = ((255 * some(2, seed)).byte() for seed in (0, 1))
    made = staged.translations(model, layouts, pictures, rows=("layout", "picture"))
    assert [axis.get_ylabel() for axis in made.axes[::2]] == ["layout", "picture", "translated"]
    np.testing.assert_array_equal(shown(made)[2], to_bytes(pictures[0]))
    with pytest.raises(ReaderError, match="1 titles"):
        staged.translations(model, layouts, pictures, ["one"])
    with pytest.raises(ReaderError, match="Each column"):
        staged.translations(model, layouts, pictures[:1])


def test_a_line_begins_with_the_code_of_one_picture_and_ends_with_that_of_the_other(model):
    layouts, first, second = some(2), some(2, 1), some(1, 2)[0]
    made = staged.interpolation(model, layouts, first, second, count=3)
    assert made.get_figwidth() <= WIDEST
    titles = [axis.get_title(loc="center") for axis in made.axes[:6]]
    assert titles == ["layout", "style A", "0 %", "50 %", "100 %", "style B"]
    with torch.no_grad():
        codes = model.encoder(torch.stack([first[1], second])).z
        wanted = model.generator(layouts[1:].repeat(3, 1, 1, 1), torch.stack([codes[0], codes.mean(0), codes[1]]))
    row = shown(made)[6:]
    for picture, expected in zip(row, [layouts[1], first[1], *wanted, second], strict=True):
        # Of two batches a rounding may differ.
        np.testing.assert_allclose(picture.astype(int), to_bytes(expected).astype(int), atol=1)
    with pytest.raises(ReaderError, match="two ends"):
        staged.interpolation(model, layouts, first, second, count=1)


def test_what_lies_outside_has_a_dashed_frame(model):
    codes = torch.randn(16, 8, generator=torch.Generator().manual_seed(0))
    mask = torch.zeros(16, dtype=torch.bool)
    mask[[1, 6]] = True
    made = staged.samples(
        model, some(1)[0], {"by the mapper": codes, "from N(μ, σ)": 3 * codes}, {"from N(μ, σ)": mask}
    )
    _, mapped, drawn = made.axes
    assert [len(axis.images) for axis in made.axes] == [1, 16, 16]
    assert not mapped.patches
    assert mapped.get_title(loc="left") == "by the mapper"
    assert drawn.get_title(loc="left").endswith("2 of 16 outside (framed)")
    dashed = [patch for patch in drawn.patches if patch.get_linestyle() not in ("-", "solid")]
    centres = [tuple(np.round(patch.get_center(), 3)) for patch in dashed]
    places = [tuple(np.round(np.array(drawn.images[n].get_extent()).reshape(2, 2).mean(1), 3)) for n in (1, 6)]
    assert centres == places
    with pytest.raises(ReaderError, match="One bool"):
        staged.samples(model, some(1)[0], {"mapper": codes}, {"mapper": mask[:4]})


def test_lies_outside_says_which():
    codes = torch.linspace(0, 1, 50)[:, None]
    samples = torch.tensor([[0.5], [3.0], [-1.0]])
    assert staged.lies_outside(samples, codes).tolist() == [False, True, True]
    assert staged.outside(samples, codes) == pytest.approx(2 / 3)


def test_tsne_keeps_clusters_and_is_its_seed():
    centres = torch.tensor([0.0, 10.0]).repeat_interleave(20)[:, None]
    codes = centres + 0.1 * torch.randn(40, 8, generator=torch.Generator().manual_seed(0))
    points = staged.tsne(codes)
    assert points.shape == (40, 2)
    apart = torch.cdist(points, points).fill_diagonal_(torch.inf).argmin(1) >= 20
    assert torch.equal(apart, torch.arange(40) >= 20)
    assert torch.equal(points, staged.tsne(codes))
    with pytest.raises(ReaderError, match="at least five"):
        staged.tsne(codes[:4])


def test_points_of_one_value_share_colour_and_marker():
    points, labels = torch.arange(20.0).view(10, 2), torch.arange(10) % 4
    made = staged.embedding({"before": (points, labels), "after": (points.flip(1), labels)}, VALLEY)
    assert [axis.get_title(loc="left") for axis in made.axes] == ["before", "after"]
    dots = made.axes[1].collections
    assert len({tuple(part.get_facecolor()[0]) for part in dots}) == 4
    assert len({part.get_paths()[0].vertices.tobytes() for part in dots}) == 4
    np.testing.assert_array_equal(dots[3].get_offsets(), points.flip(1)[labels == 3])
    assert [text.get_text() for text in made.legends[0].texts] == list(VALLEY)
    with pytest.raises(ReaderError, match="got 9"):
        staged.embedding({"before": (points, labels)}, list("abcdefghi"))


def test_the_ladder_shows_the_rows_that_are_there_beside_the_papers():
    metrics = {"ladder_lpips_bicycle_v1": 0.15, "ladder_lpips_ours_v3": 0.12, "ladder_lpips_ours_v3_deviation": 0.01}
    made = staged.ladder(metrics)
    here, paper = made.axes
    assert [label.get_text() for label in here.get_yticklabels()] == ["Bicycle v1", "Ours v3"]
    assert words(here) == ["0.150", "0.120"]
    assert words(paper) == ["0.201", "0.176"]
    bars = [part.get_segments()[0][:, 0] for part in here.collections]
    np.testing.assert_allclose(bars, [[0.15, 0.15], [0.11, 0.13]])
    with pytest.raises(ReaderError, match="ladder_lpips_VARIANT"):
        staged.ladder({"psnr": 1.0})


def test_the_frontier_joins_five_points_and_says_their_weights():
    metrics = {f"told_psnr_{n}": 17.0 + n for n in range(5)} | {f"told_realness_{n}": 0.5 - 0.1 * n for n in range(5)}
    metrics |= {"lively_psnr": 17.2, "lively_realness": 0.6, "faithful_psnr": 21.1, "faithful_realness": 0.05}
    (axis,) = staged.told_frontier(metrics).axes
    told, fixed = axis.lines
    np.testing.assert_allclose(told.get_xydata(), [[17 + n, 0.5 - 0.1 * n] for n in range(5)])
    np.testing.assert_allclose(fixed.get_xydata(), [[17.2, 0.6], [21.1, 0.05]])
    said = [(text.get_text(), text.get_color()) for text in axis.texts]
    assert [word for word, color in said if color == COLORS["conditional"]] == ["λ/4", "λ/2", "λ", "2 λ", "4 λ"]
    assert [word for word, color in said if color == COLORS["fixed"]] == ["λ/4", "4 λ"]
    (alone,) = staged.told_frontier({f"valley_{n}": v for n, v in metrics.items() if "told" in n}, "valley_").axes
    assert len(alone.lines) == 1


def test_each_number_stands_in_its_place_of_the_map():
    table = torch.tensor([[0.5, 0.0], [0.25, 1.0], [0.0, -0.001]])
    made = staged.direction_effects(table, ["night – day", "fog – clear", "rain – fog"], ["hour", "weather"])
    (axis,) = made.axes
    assert {text.get_position(): text.get_text() for text in axis.texts}[(1, 1)] == "1.00"
    assert words(axis)[-1] == "0.00"
    assert [label.get_text() for label in axis.get_xticklabels()] == ["hour", "weather"]
    with pytest.raises(ReaderError, match="2 directions"):
        staged.direction_effects(table, ["a", "b"], ["hour", "weather"])


def test_only_in_stage_2_the_encoder_is_frozen():
    made = staged.stages_diagram()
    (axis,) = made.axes
    said = words(axis)
    assert sum("frozen" in text for text in said) == 1
    (hatched,) = [patch for patch in axis.patches if patch.get_hatch()]
    place = next(text.get_position() for text in axis.texts if "frozen" in text.get_text())
    assert hatched.get_path().get_extents().contains(*place)
    assert sum(text.startswith("Stage") for text in said) == 3
    assert made.get_figwidth() <= WIDEST
    assert png(made).startswith(b"\x89PNG")
