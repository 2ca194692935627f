"""Perceptual losses are their formulas, for every example by itself; together they are terms against targets that are kept."""

import inspect
import itertools

import pytest
import torch

from lossconditioning import ReaderError
from lossconditioning.losses import (
    PerceptualFeatures,
    PerceptualLoss,
    content_loss,
    feature_distance,
    gram,
    style_loss,
    total_variation,
)

EARLY = ["relu1_1", "relu1_2", "relu2_1", "relu2_2"]


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


@pytest.fixture
def pictures():
    return torch.rand(3, 3, 32, 24)


def early(layers=EARLY):
    """A network of random filters."""
    return PerceptualFeatures(layers, weights="random")


# The losses ---------------------------------------------------------------------------------------------------------------


@pytest.fixture
def activations():
    """Two batches, of examples that differ."""
    return torch.randn(2, 3, 4, 5, 6)


def test_a_gram_matrix_is_the_sum_over_places_of_products_of_channels(activations):
    (features, _) = activations
    batch, channels, height, width = features.shape
    expected = torch.zeros(batch, channels, channels)
    for b, i, j, y, x in itertools.product(*map(range, (batch, channels, channels, height, width))):
        expected[b, i, j] += features[b, i, y, x] * features[b, j, y, x] / (channels * height * width)
    torch.testing.assert_close(gram(features), expected)
    torch.testing.assert_close(gram(features.to(memory_format=torch.channels_last)), expected)


def test_a_gram_matrix_does_not_know_where_things_are(activations):
    (features, _) = activations
    moved = features.flatten(2)[..., torch.randperm(30)].view(features.shape)
    assert (moved - features).abs().max() > 1
    torch.testing.assert_close(gram(moved), gram(features))
    assert content_loss(features, moved).min() > 0.1


def test_a_gram_matrix_does_not_grow_with_the_picture(activations):
    (features, _) = activations
    torch.testing.assert_close(gram(features.tile(1, 1, 2, 3)), gram(features))


def losses(one, other):
    """All losses between two batches of activations ``(B, C, H, W)``, by name."""
    return {
        "content": content_loss(one, other),
        "style": style_loss(one, gram(other)),
        "distance": feature_distance({"a": one, "b": one[:, :2]}, {"a": other, "b": other[:, :2]}),
        "variation": total_variation(one - other),
    }


def test_losses_are_their_formulas(activations):
    one, other = activations
    found = losses(one, other)
    for b, (x, y) in enumerate(zip(one, other, strict=True)):
        grams = [torch.einsum("ihw,jhw->ij", z, z) / z.numel() for z in (x, y)]
        difference = x - y
        across = [(row[i + 1] - row[i]) ** 2 for channel in difference for row in channel for i in range(5)]
        down = [(row[i + 1] - row[i]) ** 2 for channel in difference.mT for row in channel for i in range(4)]

        def halved(x, y):
            """The mean over places of half the squared distance of vectors of unit length."""
            units = [z / z.square().sum(0).sqrt() for z in (x, y)]
            return ((units[0] - units[1]) ** 2).sum(0).mean() / 2

        expected = {
            "content": (difference**2).sum() / x.numel(),
            "style": (grams[0] - grams[1]).square().mean(),
            "distance": halved(x, y) + halved(x[:2], y[:2]),
            "variation": sum(across) / len(across) + sum(down) / len(down),
        }
        torch.testing.assert_close({name: value[b] for name, value in found.items()}, expected)


def test_losses_of_an_example_depend_on_it_alone(activations):
    one, other = activations.clone().requires_grad_(), activations.clone().requires_grad_()
    for name, value in losses(one[0], other[1]).items():
        assert value.shape == (3,)
        assert (value.detach() > 0).all(), name
        for gradient in torch.autograd.grad(value[1], [one, other], retain_graph=True):
            touched = gradient.abs().amax((0, 2, 3, 4))
            assert touched[1] > 0, name
            assert touched[[0, 2]].tolist() == [0, 0], name


def test_losses_of_equals_are_zero(activations):
    for value in losses(activations[0], activations[0]).values():
        torch.testing.assert_close(value, torch.zeros(3), rtol=0, atol=1e-6)


def test_the_distance_looks_at_directions_only(activations):
    one, other = activations
    brighter = {"a": one * torch.rand(3, 1, 5, 6).add(0.5)}
    torch.testing.assert_close(feature_distance(brighter, {"a": other}), feature_distance({"a": one}, {"a": other}))


def test_total_variation_is_zero_for_a_plain_picture_and_grows_with_contrast():
    stripes = torch.zeros(1, 3, 4, 6)
    stripes[..., ::2] = 1
    assert total_variation(torch.full((2, 3, 4, 6), 0.7)).tolist() == [0, 0]
    assert total_variation(stripes).item() == 1  # across; nothing down
    assert total_variation(stripes.mT / 2).item() == 0.25


@pytest.mark.parametrize("shape", [(1, 4, 5, 6), (3, 4, 5, 5), (3, 1, 5, 6)])
def test_shapes_that_would_broadcast_are_refused(shape, activations):
    one, other = activations[0], torch.rand(shape)
    for compare in (lambda: content_loss(one, other), lambda: feature_distance({"a": one}, {"a": other})):
        with pytest.raises(ReaderError, match=r"Activations of one shape.*\(3, 4, 5, 6\) and \(" + str(shape[0])):
            compare()


def test_one_gram_matrix_for_all_is_refused(activations):
    for target in (torch.zeros(1, 4, 4), torch.zeros(4, 4), torch.zeros(3, 5, 5)):
        with pytest.raises(
            ReaderError, match=r"Gram matrices of one shape.*\(3, 4, 4\) and .*One target per example\?"
        ):
            style_loss(activations[0], target)


def test_distances_between_other_layers_are_refused(activations):
    with pytest.raises(ReaderError, match=r"same layers are compared; got \['a'\] and \['b'\]"):
        feature_distance({"a": activations[0]}, {"b": activations[1]})


# All of them together -----------------------------------------------------------------------------------------------------


def test_terms_are_the_losses_at_the_layers_named(pictures):
    features, others, paintings = early(), pictures.flip(0), pictures.roll(1, 0)
    loss = PerceptualLoss(features, content="relu2_1", style=["relu1_2", "relu2_2"])
    terms = loss(pictures, loss.content_targets(others), loss.style_targets(paintings))
    assert tuple(terms) == loss.names == ("style_1", "style_2", "content", "total_variation")
    found, aims, painted = features(pictures), features(others), features(paintings)
    expected = {
        "style_1": style_loss(found["relu1_2"], gram(painted["relu1_2"])),
        "style_2": style_loss(found["relu2_2"], gram(painted["relu2_2"])),
        "content": content_loss(found["relu2_1"], aims["relu2_1"]),
        "total_variation": total_variation(pictures),
    }
    torch.testing.assert_close(terms, expected)
    assert {tuple(value.shape) for value in terms.values()} == {(3,)}


def test_style_is_compared_at_all_layers_if_none_is_named():
    assert PerceptualLoss(early(), "relu1_1").style == tuple(EARLY)


def test_a_picture_is_at_no_distance_from_its_own_targets(pictures):
    loss = PerceptualLoss(early(), "relu2_1")
    terms = loss(pictures, loss.content_targets(pictures), loss.style_targets(pictures))
    assert terms.pop("total_variation").min() > 0.1
    torch.testing.assert_close(torch.stack(list(terms.values())), torch.zeros(5, 3))


def test_targets_are_kept_without_a_gradient_and_go_no_deeper_than_needed(pictures):
    loss, called = PerceptualLoss(early(), "relu1_2", ["relu1_1"]), []
    pictures.requires_grad_()
    for index, layer in enumerate(loss.features.features):
        layer.register_forward_hook(lambda *_, index=index: called.append(index))
    content, styles = loss.content_targets(pictures), loss.style_targets(pictures)
    assert called == [0, 1, 2, 3, 0, 1]
    assert content.shape == (3, 64, 32, 24)
    assert [tuple(style.shape) for style in styles] == [(3, 64, 64)]
    assert not any(target.requires_grad for target in (content, *styles))


def test_the_network_is_run_once_for_all_terms(pictures):
    loss, called = PerceptualLoss(early(), "relu1_2"), []
    targets = loss.content_targets(pictures), loss.style_targets(pictures)
    loss.features.features[0].register_forward_hook(lambda *_: called.append(1))
    loss(pictures, *targets)
    assert called == [1]


def test_every_terms_gradient_leads_downhill_for_its_own_picture(pictures):
    loss = PerceptualLoss(early(), "relu2_1")
    targets = loss.content_targets(pictures.flip(0)), loss.style_targets(pictures.roll(1, 0))
    pictures.requires_grad_()
    before = loss(pictures, *targets)
    for name, value in before.items():
        (gradient,) = torch.autograd.grad(value[2], pictures, retain_graph=True)
        assert gradient[:2].abs().max() == 0, name
        step = 1e-3 * gradient / gradient.norm()
        with torch.no_grad():
            after = loss(pictures - step, *targets)[name]
        slope = (value[2] - after[2]) / 1e-3
        torch.testing.assert_close(slope, gradient.norm(), rtol=0.05, atol=1e-4)


def test_layers_the_network_does_not_have_can_not_be_compared():
    features = early(["relu1_2"])
    with pytest.raises(ReaderError, match=r"no layer 'relu1_1'.*Known: relu1_2"):
        PerceptualLoss(features, "relu1_1")
    with pytest.raises(ReaderError, match=r"no layer 'relu2_2'"):
        PerceptualLoss(features, "relu1_2", ["relu2_2"])


def test_targets_that_do_not_fit_are_refused(pictures):
    loss = PerceptualLoss(early(), "relu2_1")
    content, styles = loss.content_targets(pictures), loss.style_targets(pictures)
    with pytest.raises(ReaderError, match="Activations of one shape"):
        loss(pictures, content[:1], styles)
    with pytest.raises(ReaderError, match="Gram matrices of one shape"):
        loss(pictures, content, [style[:1] for style in styles])


def test_every_style_layer_needs_one_target(pictures):
    loss = PerceptualLoss(early(), "relu2_1")
    content, styles = loss.content_targets(pictures), loss.style_targets(pictures)
    for wrong in (styles[:-1], [*styles, styles[0]]):
        with pytest.raises(ReaderError, match=rf"4 .*{len(wrong)}"):
            loss(pictures, content, wrong)


def test_its_memory_is_the_networks_alone():
    """No target is kept inside: they are the reader's, who passes them in."""
    loss = PerceptualLoss(early(["relu1_2"]), "relu1_2")
    assert all(name.startswith("features.") for name in loss.state_dict())
    assert list(inspect.signature(loss.forward).parameters) == ["pictures", "content", "styles"]
