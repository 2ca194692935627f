"""What is seen of a picture: codes of the sizes that are asked for, by three kinds of networks."""

import pytest
import torch
import torch.nn.functional as F
from small_hyper import shaken, some
from torch import nn

from lossconditioning.systems.hyper_singan.embeddings import BACKBONES, Embedding, Frozen, ResNet34, Small


@pytest.mark.parametrize("name", BACKBONES)
def test_a_backbone_puts_out_as_many_numbers_as_it_says(name):
    backbone = BACKBONES[name]().eval()
    with torch.no_grad():
        found = backbone(some(2, (64, 64)))
    assert found.shape == (2, backbone.features)
    assert not torch.equal(found[0], found[1])
    learns = any(weight.requires_grad for weight in backbone.parameters())
    assert learns == (name != "frozen")


def test_the_small_one_knows_where_something_is():
    backbone = Small()
    picture = -torch.ones(1, 3, 64, 64)
    picture[..., :32, :32] = 1
    with torch.no_grad():
        here, there = backbone(picture), backbone(picture.flip(-1))
    assert float((here - there).abs().max()) > 0.01


def test_resnet_is_torchvisions_without_its_classifier():
    with torch.device("meta"):
        backbone = ResNet34()
    assert isinstance(backbone.network.fc, nn.Identity)
    assert sum(weight.numel() for weight in backbone.parameters()) == 21_284_672  # 21.8 million, less the classifier's


def test_a_frozen_backbone_reads_pictures_as_it_was_trained():
    backbone, given = Frozen(), []
    backbone.layers.register_forward_pre_hook(lambda _, inputs: given.append(inputs[0]))
    backbone(some(1, (64, 64)))
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    expected = ((some(1, (64, 64)) + 1) / 2 - mean.view(3, 1, 1)) / std.view(3, 1, 1)
    torch.testing.assert_close(given[0], expected)


class Given(nn.Module):
    """A backbone that puts out the means of the channels."""

    features = 3

    def forward(self, images):
        return images.mean((2, 3))


def test_a_code_is_linear_in_features_or_goes_through_as_many_layers_as_are_asked_for():
    images, torch_layers = some(), {}
    for depth in (1, 3, 5):
        embedding = Embedding(Given(), 6, depth, normalised=False)
        torch_layers[depth] = [layer for layer in embedding.layers if isinstance(layer, nn.Linear)]
        assert [(layer.in_features, layer.out_features) for layer in torch_layers[depth]] == [
            (3 if not number else 6, 6) for number in range(depth)
        ]
        x = images.mean((2, 3))
        for number, layer in enumerate(torch_layers[depth]):
            x = layer(F.leaky_relu(x, 0.2) if number else x)
        torch.testing.assert_close(embedding(images), x)


def test_codes_are_brought_to_a_mean_square_of_1_if_that_is_asked_for():
    plain, normalised = (shaken(Embedding(Small(), 16, 1, normalised), seed=1) for normalised in (False, True))
    normalised.load_state_dict(plain.state_dict())
    with torch.no_grad():
        raw, code = plain(some(3, (32, 32))), normalised(some(3, (32, 32)))
    torch.testing.assert_close(code.square().mean(1), torch.ones(3), rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(F.cosine_similarity(code, raw), torch.ones(3))
    assert not torch.allclose(raw.square().mean(1), torch.ones(3), rtol=0.01)
