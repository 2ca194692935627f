"""What a painting costs: content and style in units of unpainted photographs, and the objective that weighs them."""

import pytest
import torch
from small_dynamic import small_loss, small_stylisation, some
from torch import nn

from lossconditioning import ReaderError
from lossconditioning.datasets.paintings import painting as built_in
from lossconditioning.datasets.pointillism import PAINTINGS
from lossconditioning.systems.dynamic_net import stylisation
from lossconditioning.systems.dynamic_net.stylisation import task


@pytest.fixture(scope="module", autouse=True)
def small(tmp_path_factory):
    with small_stylisation(tmp_path_factory.mktemp("no_data")):
        yield


def test_a_painting_is_the_built_in_one_and_twice_as_coarse_its_middle_enlarged(monkeypatch):
    monkeypatch.setattr(task, "built_in", built_in)
    monkeypatch.setattr(task, "SHIPPED_SIZE", 256)
    name = stylisation.STYLES[1]
    whole, coarse = stylisation.painting(name), stylisation.painting(name, 2)
    assert torch.equal(whole, built_in(name))
    assert (coarse.shape, coarse.dtype) == ((3, 256, 256), torch.uint8)
    small = nn.functional.avg_pool2d(coarse[None].float(), 2)[0]
    assert (small - whole[:, 64:192, 64:192].float()).abs().mean() < 6
    assert (small - whole[:, 60:188, 64:192].float()).abs().mean() > 10  # not from somewhere else
    with pytest.raises(ReaderError, match=r"no painting 'autumn_woods'. Did you mean 'autumn_wood'"):
        stylisation.painting("autumn_woods")


def test_terms_are_in_units_of_unpainted_photographs():
    loss, pictures = small_loss(), some(6)
    content = loss.content_targets(pictures)
    each = [stylisation.terms(loss, pictures, content, task.style_of(loss, name)) for name in PAINTINGS]
    assert torch.stack([values["style"] for values in each]).mean() == pytest.approx(1, rel=1e-3)
    assert each[0]["style"].shape == each[0]["content"].shape == (6,)
    assert all(torch.equal(values["content"], torch.zeros(6)) for values in each)
    away = stylisation.terms(loss, pictures.roll(1, 0), content, task.style_of(loss, PAINTINGS[0]))
    assert away["content"][1:].mean() == pytest.approx(1, rel=1e-3)  # pictures of something else


def test_the_style_is_the_mean_over_four_layers_and_0_for_the_painting_itself():
    loss = small_loss()
    name = stylisation.STYLES[0]
    style = task.style_of(loss, name)
    itself = stylisation.painting(name)[None].float() / 255
    found = stylisation.terms(loss, itself, loss.content_targets(some(1)), style)
    assert float(found["style"]) == pytest.approx(0, abs=1e-6)
    pictures, units = some(2), task.units(loss)
    raw = loss(pictures, loss.content_targets(pictures), [layer.expand(2, -1, -1) for layer in style])
    expected = sum(raw[f"style_{i}"] / units[f"style_{i}"] for i in (1, 2, 3, 4)) / 4
    torch.testing.assert_close(
        stylisation.terms(loss, pictures, loss.content_targets(pictures), style)["style"], expected
    )


def test_each_picture_may_have_a_style_of_its_own():
    loss, pictures = small_loss(), some(2)
    content = loss.content_targets(pictures)
    one, other = (task.style_of(loss, name) for name in stylisation.STYLES)
    mixed = stylisation.terms(loss, pictures, content, tuple(map(torch.cat, zip(other, one, strict=True))))["style"]
    assert mixed[0] == pytest.approx(stylisation.terms(loss, pictures, content, other)["style"][0].item(), rel=1e-4)
    assert mixed[1] == pytest.approx(stylisation.terms(loss, pictures, content, one)["style"][1].item(), rel=1e-4)


def test_three_style_layers_are_refused():
    loss = small_loss()
    loss.style = loss.style[:3]
    with pytest.raises(ReaderError, match="Style is compared at four layers here"):
        stylisation.terms(loss, some(1), loss.content_targets(some(1)), task.style_of(small_loss(), PAINTINGS[0]))


def test_the_objective_weighs_style_by_lambda():
    values = {"content": torch.tensor([1.0, 2.0]), "style": torch.tensor([0.5, 0.25])}
    assert stylisation.objective(values, 4.0).tolist() == [3.0, 3.0]
    assert stylisation.objective(values, torch.tensor([0.0, 8.0])).tolist() == [1.0, 4.0]
