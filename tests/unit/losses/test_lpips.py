"""The LPIPS distance is torchmetrics', to rounding, on whatever SqueezeNet is at hand; and a loss that can be descended."""

import pytest
import torch
from safetensors.torch import load_file, save_file
from torchmetrics.functional.image.lpips import _LPIPS
from torchvision.models import squeezenet1_1

from lossconditioning import ReaderError
from lossconditioning.losses import Lpips, feature_distance
from lossconditioning.losses.lpips import CHANNELS


@pytest.fixture(autouse=True)
def no_weights_at_hand(monkeypatch, tmp_path):
    monkeypatch.setenv("LOSSCONDITIONING_DATA", str(tmp_path / "data"))
    torch.manual_seed(0)


@pytest.fixture
def theirs():
    """torchmetrics' network on random filters, some of which have a bias: an untrained network's biases are 0."""
    network = _LPIPS(net="squeeze", pnet_rand=True)
    for name, tensor in network.net.named_parameters():
        if name.endswith("bias"):
            torch.nn.init.normal_(tensor, std=0.1)
    return network


@pytest.fixture
def file(theirs, tmp_path):
    """Its filters by torchvision's names: ``net.slices.2.7.squeeze.bias`` is ``features.7.squeeze.bias``."""
    filters = {f"features.{name.split('.', 2)[2]}": tensor for name, tensor in theirs.net.state_dict().items()}
    save_file(filters, tmp_path / "squeezenet1_1-made.safetensors")
    return tmp_path / "squeezenet1_1-made.safetensors"


@pytest.mark.parametrize("sides", [(17, 17), (64, 64), (33, 50)])
def test_distances_are_torchmetrics(theirs, file, sides):
    pictures, others = torch.rand(2, 3, 3, *sides)
    ours = Lpips(file)
    expected = theirs(pictures, others, normalize=True).flatten()
    assert expected.min() > 1e-3
    torch.testing.assert_close(ours(pictures, others), expected, rtol=1e-5, atol=1e-5 * float(expected.min()))
    assert ours.source == "LPIPS on squeezenet1_1-made, channels weighed as torchmetrics ships them"


def test_weights_are_looked_up_in_the_data_folder_too(file, tmp_path):
    (tmp_path / "data" / "weights").mkdir(parents=True)
    file.rename(tmp_path / "data" / "weights" / file.name)
    assert "squeezenet1_1-made" in Lpips().source


def test_without_weights_filters_are_fixed_and_layers_count_one_minus_the_cosine(capsys):
    pictures, others = torch.rand(2, 2, 3, 40, 40)
    drawn = torch.get_rng_state()
    network = Lpips(download=False)
    assert torch.equal(torch.get_rng_state(), drawn)
    assert "fixed random filters" in capsys.readouterr().err
    assert network.source == "LPIPS on squeezenet1_1 with fixed random filters, all channels weighed alike"
    activations = [
        {place: network.features[: place + 1]((2 * each - 1 - network.shift) / network.scale) for place in CHANNELS}
        for each in (pictures, others)
    ]
    found = network(pictures, others)
    torch.testing.assert_close(found, feature_distance(*activations), rtol=1e-3, atol=1e-6)
    assert torch.equal(Lpips("random")(pictures, others), found)


def test_equal_pictures_are_at_no_distance_and_noise_moves_them_apart(file):
    network, pictures = Lpips(file), torch.rand(2, 3, 32, 32)
    little, much = (network(pictures, pictures + size * torch.randn_like(pictures)) for size in (0.01, 0.1))
    assert torch.equal(network(pictures, pictures), torch.zeros(2))
    assert bool((little > 0).all())
    assert bool((much > little).all())


def test_it_is_a_loss_that_can_be_descended_and_changes_neither_pictures_nor_itself(file):
    network = Lpips(file).train()
    others, pictures = torch.rand(1, 3, 32, 32), torch.full((1, 3, 32, 32), 0.5, requires_grad=True)
    before, kept = pictures.detach().clone(), {name: each.clone() for name, each in network.state_dict().items()}
    first = network(pictures, others).sum()
    (slope,) = torch.autograd.grad(first, pictures)
    assert bool(slope.isfinite().all())
    assert torch.equal(pictures, before)
    assert network(pictures - 0.01 * slope / slope.norm(), others) < first
    assert all(torch.equal(each, kept[name]) for name, each in network.state_dict().items())
    assert not any(each.requires_grad for each in network.parameters())


def test_gradients_are_finite_where_nothing_is_active_and_where_pictures_are_equal(file):
    pictures = torch.zeros(1, 3, 20, 20, requires_grad=True)
    tensors = {name: each if "bias" not in name else each - 100 for name, each in load_file(file).items()}
    save_file(tensors, file)
    Lpips(file)(pictures, torch.zeros(1, 3, 20, 20)).sum().backward()
    assert bool(pictures.grad.isfinite().all())


# Refusals -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(3, 32, 32), (1, 1, 32, 32), (1, 3, 16, 32), (1, 3, 32, 16)])
def test_pictures_of_other_shapes_are_refused(shape):
    network, fine = Lpips("random"), torch.zeros(1, 3, 32, 32)
    with pytest.raises(
        ReaderError, match=r"^Pictures are \(B, 3, H, W\), RGB in \[0, 1\], 17 pixels a side or more; got"
    ):
        network(torch.zeros(shape), fine)
    with pytest.raises(ReaderError, match=r"^The other pictures are"):
        network(fine, torch.zeros(shape))


def test_pictures_of_different_shapes_are_refused():
    with pytest.raises(ReaderError, match=r"of one shape; got \(2, 3, 32, 32\) and \(1, 3, 32, 32\)"):
        Lpips("random")(torch.zeros(2, 3, 32, 32), torch.zeros(1, 3, 32, 32))


def test_weights_that_end_early_are_refused(file):
    save_file({name: each for name, each in load_file(file).items() if "features.12" not in name}, file)
    with pytest.raises(ReaderError, match=r"squeezenet1_1-made lack 6 of 50 tensors, features\.12\."):
        Lpips(file)


def test_weights_of_another_network_are_refused(file):
    tensors = squeezenet1_1(weights=None).state_dict()
    save_file(tensors | {"features.0.weight": torch.zeros(96, 3, 7, 7)}, file)
    with pytest.raises(ReaderError, match="are not those of squeezenet1_1"):
        Lpips(file)
