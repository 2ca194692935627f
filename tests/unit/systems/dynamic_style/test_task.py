"""What a painting costs: content and style in units of unpainted photographs, and the objective that weighs them."""

import pytest
import torch
from small_dynamic import shaken, small_loss, some
from torch import nn

from lossconditioning import ReaderError
from lossconditioning.datasets.paintings import painting as built_in
from lossconditioning.datasets.pointillism import PAINTINGS
from lossconditioning.losses import PerceptualLoss
from lossconditioning.painting import Batch, units
from lossconditioning.systems import dynamic_style
from lossconditioning.systems.dynamic_style import painted_terms, task


def test_a_painting_is_the_built_in_one_and_twice_as_coarse_its_middle_enlarged():
    name = dynamic_style.STYLES[1]
    whole, coarse = dynamic_style.painting(name), dynamic_style.painting(name, 2)
    assert torch.equal(whole, built_in(name))
    assert (coarse.shape, coarse.dtype) == ((3, 256, 256), torch.uint8)
    small = nn.functional.avg_pool2d(coarse[None].float(), 2)[0]
    assert (small - whole[:, 64:192, 64:192].float()).abs().mean() < 6
    assert (small - whole[:, 60:188, 64:192].float()).abs().mean() > 10  # not from somewhere else
    with pytest.raises(ReaderError, match=r"no painting 'autumn_woods'. Did you mean 'autumn_wood'"):
        dynamic_style.painting("autumn_woods")


def test_terms_are_in_units_of_unpainted_photographs():
    loss, pictures = small_loss(), some(6, side=128)  # as units are measured
    content = loss.content_targets(pictures)
    first, *others = (task.style_of(loss, name) for name in PAINTINGS)
    found = painted_terms(loss, pictures, content, first, **dict(zip(PAINTINGS[1:], others, strict=True)))
    assert list(found) == ["content", "style", *PAINTINGS[1:]]
    assert all(values.shape == (6,) for values in found.values())
    assert torch.equal(found.pop("content"), torch.zeros(6))
    assert torch.stack([*found.values()]).mean() == pytest.approx(1, rel=1e-3)
    away = painted_terms(loss, pictures.roll(1, 0), content, first)
    assert away["content"][1:].mean() == pytest.approx(1, rel=1e-3)  # pictures of something else


def test_the_style_is_the_mean_over_four_layers_and_0_for_the_painting_itself():
    loss = small_loss()
    name = dynamic_style.STYLES[0]
    style = task.style_of(loss, name)
    itself = dynamic_style.painting(name)[None].float() / 255
    found = painted_terms(loss, itself, loss.content_targets(itself), style)
    assert float(found["style"]) == pytest.approx(0, abs=1e-6)
    pictures, unit = some(2), units(loss)
    raw = loss(pictures, loss.content_targets(pictures), [layer.expand(2, -1, -1) for layer in style])
    expected = sum(raw[f"style_{i}"] / unit[f"style_{i}"] for i in (1, 2, 3, 4)) / 4
    torch.testing.assert_close(painted_terms(loss, pictures, loss.content_targets(pictures), style)["style"], expected)


def test_each_picture_may_have_a_style_of_its_own():
    loss, pictures = small_loss(), some(2)
    content = loss.content_targets(pictures)
    one, other = (task.style_of(loss, name) for name in dynamic_style.STYLES)
    mixed = painted_terms(loss, pictures, content, tuple(map(torch.cat, zip(other, one, strict=True))))["style"]
    assert mixed[0] == pytest.approx(painted_terms(loss, pictures, content, other)["style"][0].item(), rel=1e-4)
    assert mixed[1] == pytest.approx(painted_terms(loss, pictures, content, one)["style"][1].item(), rel=1e-4)


def test_three_style_layers_are_refused():
    loss = PerceptualLoss(small_loss().features, small_loss().content, small_loss().style[:3])
    with pytest.raises(ReaderError, match="Style is compared at four layers here"):
        painted_terms(loss, some(1), loss.content_targets(some(1)), task.style_of(small_loss(), PAINTINGS[0]))


@pytest.mark.parametrize(("name", "code"), [("style_conditional", None), ("style_two", torch.eye(2)[[1, 0, 0]])])
def test_a_network_is_told_lambda_or_which_style(name, code):
    """And its terms are those of what it paints."""
    loss, model, lam = small_loss(), shaken(name), torch.tensor([1.0, 5.0, 20.0])
    style = tuple(layer.expand(3, -1, -1) for layer in task.style_of(loss, dynamic_style.STYLES[0]))
    batch = Batch(some(), loss.content_targets(some()), torch.zeros(3, dtype=torch.int64), style, loss)
    with torch.no_grad():
        found = dynamic_style.terms(model, (batch, code), lam)
        painted = model(some(), lam if code is None else code)
        expected = painted_terms(loss, painted, batch.content, style)
    assert list(found) == ["content", "style"]
    for term, values in expected.items():
        torch.testing.assert_close(found[term], values)
