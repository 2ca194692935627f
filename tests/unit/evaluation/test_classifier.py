"""The classifier is torchvision's SqueezeNet 1.0 on a picture brought to the side it was trained at."""

import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torchvision.models import squeezenet1_0
from torchvision.transforms.functional import normalize

from lossconditioning import ReaderError
from lossconditioning.evaluation import Classifier


@pytest.fixture(autouse=True)
def no_weights_at_hand(monkeypatch, tmp_path):
    monkeypatch.setenv("LOSSCONDITIONING_DATA", str(tmp_path / "data"))
    torch.manual_seed(0)


@pytest.fixture
def theirs():
    """torchvision's, with a classifier that is not as good as blind, which its initial one is."""
    network = squeezenet1_0(weights=None).eval()
    torch.nn.init.normal_(network.classifier[1].weight, std=0.2)
    return network


@pytest.fixture
def file(theirs, tmp_path):
    save_file(theirs.state_dict(), tmp_path / "squeezenet1_0-made.safetensors")
    return tmp_path / "squeezenet1_0-made.safetensors"


@pytest.mark.parametrize("sides", [(224, 224), (40, 60)])
@torch.no_grad()
def test_probabilities_are_torchvisions(theirs, file, sides):
    pictures = torch.rand(2, 3, *sides)
    network = Classifier(file)
    enlarged = F.interpolate(pictures, (224, 224), mode="bilinear", align_corners=False)
    expected = theirs(normalize(enlarged, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225])).softmax(1)
    assert (expected[0] - expected[1]).abs().max() > 1e-3
    torch.testing.assert_close(network(pictures), expected, rtol=1e-4, atol=1e-7)
    torch.testing.assert_close(network.train()(pictures), expected, rtol=1e-4, atol=1e-7)  # no dropout wakes
    assert network.source == "squeezenet1_0-made"


@torch.no_grad()
def test_larger_pictures_are_smoothed_before_they_shrink(file):
    """Stripes are grey from afar; without antialiasing only their white halves would be looked at."""
    network = Classifier(file)
    stripes = torch.tensor([0.0, 1.0, 1.0, 0.0]).repeat(224).expand(1, 3, 896, 896)
    striped, grey, white = (
        network(each) for each in (stripes, torch.full((1, 3, 64, 64), 0.5), torch.ones(1, 3, 64, 64))
    )
    assert (striped - grey).abs().sum() < 0.1 * (white - grey).abs().sum()


@torch.no_grad()
def test_without_weights_filters_are_fixed_and_it_says_so(capsys):
    pictures = torch.rand(2, 3, 32, 32)
    drawn = torch.get_rng_state()
    network = Classifier(download=False)
    assert torch.equal(torch.get_rng_state(), drawn)
    assert "fixed random filters" in capsys.readouterr().err
    assert network.source == "squeezenet1_0 with fixed random filters"
    found = network(pictures)
    torch.testing.assert_close(found.sum(1), torch.ones(2))
    assert torch.equal(Classifier("random")(pictures), found)
    assert not any(each.requires_grad for each in network.parameters())


def test_a_file_without_the_classifier_is_refused(theirs, file):
    save_file({f"features.{name}": each for name, each in theirs.features.state_dict().items()}, file)
    with pytest.raises(ReaderError, match=r"squeezenet1_0-made lack 2 of 52 tensors, classifier\.1\.bias"):
        Classifier(file)


@pytest.mark.parametrize("shape", [(3, 32, 32), (1, 4, 32, 32), (1, 3, 15, 32)])
def test_pictures_of_other_shapes_are_refused(shape):
    with pytest.raises(ReaderError, match="16 pixels a side or more"):
        Classifier("random")(torch.zeros(shape))
