"""The notebook's figures of numbers: which lines are drawn, and what is said where numbers are missing."""

import numpy as np
import pytest
import torch

from lossconditioning import ReaderError
from lossconditioning.display import COLORS, png
from lossconditioning.systems.hyper_singan import plots

WIDEST = 9.5  # inches of a notebook's column


def history(start, steps=4):
    return [{"scores": start / 2**n, "norm": start + n, "apart": 1.0} for n in range(steps)]


def legend(axis):
    return [text.get_text() for text in axis.get_legend().texts]


def test_a_collapse_has_scores_at_the_left_and_codes_at_the_right():
    made = plots.collapse_curves({"two embeddings": history(1.0), "one for both": history(3.0, 2)})
    scores, norms = made.axes
    assert [list(line.get_ydata()) for line in scores.lines] == [[1, 0.5, 0.25, 0.125], [3, 1.5]]
    assert [list(line.get_ydata()) for line in norms.lines] == [[1, 2, 3, 4], [3, 4]]
    assert scores.get_yscale() == "log"
    assert norms.get_ylim()[0] == 0
    assert legend(scores) == ["two embeddings", "one for both"]
    assert [line.get_color() for line in scores.lines] == [COLORS["conditional"], COLORS["fixed"]]
    assert len({line.get_linestyle() for line in scores.lines}) == 2
    assert made.get_figwidth() <= WIDEST
    assert png(made).startswith(b"\x89PNG")
    with pytest.raises(ReaderError, match=r"no curve 'one for bot'\. Did you mean 'one for both'"):
        plots.collapse_curves({"one for bot": history(1.0)})


def test_speeds_stand_between_the_alphas_that_they_are_of():
    found = torch.tensor([[1.0, 2.0, 3.0, 4.0], [0.5, 0.5, 0.5, 0.5]])
    made = plots.smoothness_curves(found)
    (axis,) = made.axes
    for line, row in zip(axis.lines, found, strict=True):
        np.testing.assert_allclose(line.get_xdata(), [0.2, 0.4, 0.6, 0.8], rtol=1e-5)
        np.testing.assert_allclose(line.get_ydata(), row)
    assert legend(axis) == ["from scale 1", "from scale 2"]
    assert len({(line.get_color(), line.get_marker()) for line in axis.lines}) == 2
    assert axis.get_ylim()[0] == 0
    assert png(made).startswith(b"\x89PNG")
    for wrong in (found[0], found[:, :0]):
        with pytest.raises(ReaderError, match=r"Speeds are \(scales, steps − 1\)"):
            plots.smoothness_curves(wrong)


@pytest.mark.parametrize(
    ("score", "said"),
    [("sifid", "SIFID (smaller"), ("msifid", "mSIFID (smaller"), ("diversity", "diversity (larger")],
)
def test_growing_data_sets_have_a_curve_each_of_learned_and_unseen_pictures(score, said):
    metrics = {f"grown_{count}_{score}": 0.1 for count in (10, 200)}
    metrics |= {f"grown_10_unseen_{score}": 0.9, f"grown_200_unseen_{score}": 0.5}
    (axis,) = plots.growing(metrics, (10, 200), score).axes
    unseen, learned = axis.lines
    np.testing.assert_allclose(unseen.get_xydata(), [[10, 0.9], [200, 0.5]])
    np.testing.assert_allclose(learned.get_xydata(), [[10, 0.1], [200, 0.1]])
    assert legend(axis) == ["unseen pictures", "learned pictures"]
    assert [label.get_text() for label in axis.get_xticklabels()] == ["10", "200"]
    assert axis.get_xscale() == "log"
    assert axis.get_ylabel().startswith(said)


def test_what_was_not_measured_can_not_grow():
    metrics = {"grown_10_sifid": 0.1, "grown_10_unseen_sifid": 0.9, "grown_50_sifid": 0.1}
    plots.growing(metrics, (10,))
    with pytest.raises(ReaderError, match=r"need \['grown_50_unseen_sifid'\], which were not measured"):
        plots.growing(metrics, (10, 50))
    with pytest.raises(ReaderError, match="no score 'fid'"):
        plots.growing(metrics, (10,), "fid")
