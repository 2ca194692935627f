"""How paintings are described to the model: by frozen networks, with weights that are checked."""

import pytest
import torch
import torchvision
from safetensors.torch import save_file

from lossconditioning import ReaderError
from lossconditioning.systems.style_transfer import style_features
from lossconditioning.systems.style_transfer.style_features import SIZES, describe, describer

PAINTINGS = [torch.randint(0, 256, (3, *sides), dtype=torch.uint8) for sides in ((80, 90), (96, 80))]
PAINTINGS.append(torch.full((3, 80, 80), 200, dtype=torch.uint8))


@pytest.mark.parametrize("name", SIZES)
def test_a_painting_is_described_by_a_frozen_network(name):
    network, source = describer(name, "random")
    found = describe(PAINTINGS, network)
    assert found.shape == (3, {"vgg": 256, "inception_v3": 768}[name])
    assert found.isfinite().all()
    assert not found.requires_grad
    assert "random filters" in source
    assert not any(weight.requires_grad for weight in network.parameters())
    assert not any(module.training for module in network.modules() if module is not network)
    for one, other in ((0, 1), (1, 2), (0, 2)):
        assert not torch.allclose(found[one], found[other], rtol=1e-3)
    assert torch.equal(describe(PAINTINGS[1:2], network)[0], found[1])  # whatever is beside it


def test_random_filters_are_always_the_same():
    found = []
    for seed in (0, 1):
        torch.manual_seed(seed)
        style_features.describer.cache_clear()
        found.append(describe(PAINTINGS[:1], describer("inception_v3", "random")[0]))
        assert torch.initial_seed() == seed
    assert torch.equal(*found)


def test_an_unknown_description_is_answered_with_the_known():
    with pytest.raises(ReaderError, match=r"no description of a style 'vggg'. Did you mean 'vgg'"):
        describer("vggg")


def test_inceptions_weights_are_torchvisions(tmp_path):
    torch.manual_seed(0)
    whole = torchvision.models.inception_v3(weights=None, init_weights=False, transform_input=True).eval()  # as trained
    for module in whole.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.uniform_(-0.1, 0.1)
    save_file(whole.state_dict(), file := tmp_path / "inception_v3_mine.safetensors")
    network, source = describer("inception_v3", file)
    assert source == "inception_v3_mine"
    seen = []
    whole.Mixed_6e.register_forward_hook(lambda *given: seen.append(given[2].mean((2, 3))))
    mean, std = (torch.tensor(v)[:, None, None] for v in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    with torch.no_grad():
        whole((PAINTINGS[0][None].float() / 255 - mean) / std)
    torch.testing.assert_close(describe(PAINTINGS[:1], network), seen[0], rtol=1e-3, atol=1e-5)


def test_another_networks_weights_are_refused(tmp_path):
    save_file({"features.0.weight": torch.zeros(64, 3, 3, 3)}, file := tmp_path / "inception_v3.safetensors")
    with pytest.raises(ReaderError, match="not those of torchvision's Inception-v3"):
        describer("inception_v3", file)
    save_file({"Conv2d_1a_3x3.conv.weight": torch.zeros(1)}, other := tmp_path / "inception_v3_small.safetensors")
    with pytest.raises(ReaderError, match="not those of torchvision's Inception-v3"):
        describer("inception_v3", other)
