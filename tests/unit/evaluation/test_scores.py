"""A classifier score is 1 where pictures do not differ, and counts classes where each picture is surely of one."""

import math

import pytest
import torch
from torchmetrics.image.inception import InceptionScore

from lossconditioning import ReaderError
from lossconditioning.evaluation import classifier_score


@pytest.mark.parametrize("classes", [1, 2, 5, 20])
def test_it_counts_classes_that_pictures_are_surely_of(classes):
    surely = torch.eye(20)[torch.arange(40) % classes]
    assert classifier_score(surely) == pytest.approx(classes)


def test_pictures_that_do_not_differ_score_one():
    alike = torch.rand(7).softmax(0).expand(12, 7)
    assert classifier_score(alike) == pytest.approx(1)


def test_two_unsure_pictures_by_hand():
    """KL of (¾, ¼) from (½, ½): ¾ ln 3⁄2 + ¼ ln ½, for both."""
    unsure = torch.tensor([[0.75, 0.25], [0.25, 0.75]]).repeat(5, 1)
    assert classifier_score(unsure) == pytest.approx(math.exp(0.75 * math.log(1.5) + 0.25 * math.log(0.5)))


@pytest.mark.filterwarnings(
    "ignore:Metric `InceptionScore` will save", "ignore:std\\(\\). degrees of freedom"
)  # of one part
def test_it_is_torchmetrics_score_in_one_part():
    logits = 3 * torch.randn(30, 50, generator=torch.Generator().manual_seed(0))
    theirs = InceptionScore(feature=torch.nn.Identity(), splits=1)
    theirs.update(logits)
    assert classifier_score(logits.softmax(1)) == pytest.approx(float(theirs.compute()[0]), rel=1e-5)


def test_fewer_than_ten_pictures_are_refused():
    assert classifier_score(torch.full((10, 4), 0.25)) == pytest.approx(1)
    with pytest.raises(ReaderError, match=r"fewer than 10 pictures says nothing.*got 9\. Give more"):
        classifier_score(torch.full((9, 4), 0.25))


@pytest.mark.parametrize("shape", [(12,), (12, 0), (12, 2, 2)])
def test_other_shapes_are_refused(shape):
    with pytest.raises(ReaderError, match=r"are \(N, K\), a row for each picture; got"):
        classifier_score(torch.zeros(shape))


@pytest.mark.parametrize("row", [(0.5, 0.6), (1.5, -0.5), (0.0, 0.0)])
def test_rows_that_are_no_probabilities_are_refused(row):
    given = torch.full((12, 2), 0.5)
    given[3] = torch.tensor(row)
    with pytest.raises(ReaderError, match=r"row 3 has a least one of .* Give the softmax of logits"):
        classifier_score(given)


def test_what_is_not_finite_is_refused():
    given = torch.full((12, 2), 0.5)
    given[3, 1] = math.nan
    with pytest.raises(ReaderError, match="must be finite"):
        classifier_score(given)
