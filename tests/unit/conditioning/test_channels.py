"""Where layers have their channels and their examples: found out, told by the reader, or refused, but never guessed."""

import pytest
import torch
from torch import nn
from torchvision.models import resnet50, swin_t, vit_b_16

from lossconditioning import Concatenation, LogUniform, ReaderError, condition, tune

PRIOR = LogUniform(0.1, 10.0)


def place(network, at, example):
    (conditioner,) = condition(network, at, prior=PRIOR, example=example).conditioners.values()
    return conditioner.channels, conditioner.channel_dim


class Net(nn.Module):
    """Layers by name, and what is done with them."""

    def __init__(self, run, **layers):
        super().__init__()
        self.run = run
        for name, layer in layers.items():
            self.add_module(name, layer)

    def forward(self, x):
        return self.run(self, x)


# Channels -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("network", "at", "shape", "expected"),
    [
        pytest.param(swin_t, "features.1", (1, 3, 224, 224), (96, -1), id="stage of Swin, (B, H, W, C)"),
        pytest.param(swin_t, "features.1.0", (1, 3, 64, 64), (96, -1), id="block of Swin"),
        pytest.param(
            lambda: vit_b_16(image_size=32), "encoder.layers.encoder_layer_0", (1, 3, 32, 32), None, id="one size"
        ),
        pytest.param(
            lambda: vit_b_16(image_size=32),
            "encoder.layers.encoder_layer_0.mlp.1",
            (1, 3, 32, 32),
            (3072, -1),
            id="GELU of ViT",
        ),
        pytest.param(lambda: nn.Sequential(nn.Conv1d(4, 6, 3), nn.ReLU()), "1", (2, 4, 9), (6, 1), id="after Conv1d"),
        pytest.param(lambda: nn.Sequential(nn.Linear(4, 6), nn.ReLU()), "1", (2, 9, 4), (6, -1), id="after Linear"),
        pytest.param(
            lambda: nn.Sequential(nn.Conv3d(2, 6, 1), nn.ReLU()), "1", (1, 2, 4, 4, 4), (6, 1), id="after Conv3d"
        ),
        pytest.param(
            lambda: nn.Sequential(nn.Embedding(9, 5), nn.Dropout()), "1", "words", (5, 2), id="after Embedding"
        ),
        pytest.param(lambda: nn.Sequential(nn.AvgPool1d(2)), "0", (2, 4, 8), (4, 1), id="pooling alone"),
        pytest.param(resnet50, "layer2", (1, 3, 64, 64), (512, 1), id="stage of a ResNet"),
    ],
)
def test_the_channels_axis_is_found_or_asked_for(network, at, shape, expected):
    example = torch.randint(9, (2, 7)) if shape == "words" else torch.randn(shape)
    if expected is None:
        with pytest.raises(ReaderError, match=r"which axis holds the channels. Say it: at="):
            place(network(), at, example)
    else:
        assert place(network(), at, example) == expected


def test_a_network_that_takes_any_size_along_any_axis_tells_nothing():
    with pytest.raises(ReaderError, match=r"'0' puts out \(2, 5, 4\), and it can not be told which axis"):
        place(nn.Sequential(nn.Identity()), "0", torch.randn(2, 5, 4))


def test_a_reader_may_say_where_the_channels_are():
    network = nn.Sequential(nn.Identity())
    assert place(network, {"0": -1}, torch.randn(2, 5, 4)) == (4, -1)
    assert place(network, {"0": 1}, torch.randn(2, 5, 4)) == (5, 1)
    for axis in (0, 3, -4):
        with pytest.raises(ReaderError, match=rf"can not be along axis {axis}"):
            place(network, {"0": axis}, torch.randn(2, 5, 4))


def shared_pool():
    return Net(
        lambda net, x: net.pool(net.second(net.pool(net.first(x)))),
        first=nn.Conv2d(3, 8, 3, padding=1),
        second=nn.Conv2d(8, 16, 3, padding=1),
        pool=nn.MaxPool2d(2),
    )


@pytest.mark.parametrize(
    ("network", "at"),
    [(resnet50, "layer1.0.relu"), (shared_pool, "pool")],
    ids=["relu of a block", "pool of all levels"],
)
def test_a_layer_called_at_several_widths_is_refused(network, at):
    example = torch.zeros(1, 3, 32, 32)
    with pytest.raises(ReaderError, match=r"called with \[.*\] channels in one pass"):
        condition(network(), [at], prior=PRIOR, example=example)
    with pytest.raises(ReaderError, match=r"called with \[.*\] channels in one pass"):
        tune(network(), at, example=example)


def test_a_layer_called_several_times_at_one_width_is_taken():
    network = Net(
        lambda net, x: net.act(net.second(net.act(net.first(x)))),
        first=nn.Conv2d(3, 8, 1),
        second=nn.Conv2d(8, 8, 1),
        act=nn.ReLU(),
    )
    assert place(network, "act", torch.zeros(1, 3, 4, 4)) == (8, 1)


def test_another_width_than_was_measured_is_said_in_the_call():
    network = Net(lambda net, x: net.act(x), act=nn.ReLU())
    images = torch.zeros(2, 4, 5, 5)
    model = condition(network, ["act"], prior=PRIOR, example=images)
    with pytest.raises(ReaderError, match=r"'act' puts out \(2, 3, 5, 5\); 4 channels along axis 1 expected"):
        model(images[:, :3], PRIOR.sample((2,)))
    tuned = tune(Net(lambda net, x: net.act(x), act=nn.ReLU()), "act", example=images)
    with pytest.raises(ReaderError, match=r"puts out \(2, 3, 5, 5\); its tuning block changes 4 channels"):
        tuned(images[:, :3], alpha=1.0)


# Examples -----------------------------------------------------------------------------------------------------------------


def moved(model, x, examples: int, axis: int) -> list[int]:
    """Which examples change with the first one's λ."""
    lam = torch.ones(examples)
    with torch.no_grad():
        change = (model(x, lam) - model(x, torch.tensor([9.0, *lam[1:]]))).abs()
    return [number for number in range(examples) if change.select(axis, number).max() > 1e-6]


@pytest.mark.parametrize("batch_first", [True, False])
@pytest.mark.parametrize("at", ["linear2", "norm2"])
@pytest.mark.parametrize("layer", [nn.TransformerEncoderLayer])
def test_pytorchs_own_transformers_are_conditioned_example_by_example(batch_first, at, layer):
    torch.manual_seed(0)
    network = layer(16, 2, 32, batch_first=batch_first)
    model = condition(network, [at], prior=PRIOR, using=Concatenation).eval()
    assert moved(model, torch.randn(4, 4, 16), 4, axis=int(not batch_first)) == [0]  # as many words as examples


def test_a_decoder_whose_examples_stand_second_too():
    torch.manual_seed(0)
    network = nn.TransformerDecoderLayer(16, 2, 32)
    model = condition(network, ["linear2"], prior=PRIOR, using=Concatenation).eval()
    x, lam = torch.randn(4, 4, 16), torch.ones(4)
    change = (model(x, x, lam) - model(x, x, torch.tensor([9.0, 1, 1, 1]))).abs()
    assert [number for number in range(4) if change[:, number].max() > 1e-6] == [0]


def recurrent(batch_first):
    return Net(
        lambda net, x: net.head(net.body(x)[0]), body=nn.GRU(6, 8, batch_first=batch_first), head=nn.Linear(8, 5)
    )


def test_beside_a_layer_whose_sequences_stand_first_the_reader_is_asked():
    with pytest.raises(ReaderError, match=r"beside a GRU with batch_first=False: its examples may stand second"):
        condition(recurrent(False), ["head"], prior=PRIOR)
    with pytest.raises(ReaderError, match="for one example depends on another"):
        condition(recurrent(False), ["head"], prior=PRIOR, example=torch.randn(7, 2, 6))
    condition(recurrent(False), {"head": -1}, prior=PRIOR)  # the reader knows
    torch.manual_seed(0)
    model = condition(recurrent(True), ["head"], prior=PRIOR, using=Concatenation).eval()
    assert moved(model, torch.randn(4, 4, 6), 4, axis=0) == [0]


def test_examples_folded_into_windows_are_refused():
    folded = Net(lambda net, x: net.body(x.reshape(-1, 3, 4, 4)), body=nn.Conv2d(3, 8, 1))
    with pytest.raises(ReaderError, match=r"for two examples: they do not stand first"):
        condition(folded, ["body"], prior=PRIOR, example=torch.randn(1, 3, 8, 8))


def test_a_network_that_draws_is_no_network_that_mixes():
    noisy = Net(lambda net, x: net.body(x + torch.randn_like(x)), body=nn.Conv2d(3, 8, 1))
    state = torch.get_rng_state()
    assert place(noisy, "body", torch.randn(1, 3, 8, 8)) == (8, 1)
    torch.set_rng_state(state)
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("more", [2, torch.tensor(2.0)], ids=["number", "tensor of one number"])
def test_what_is_no_batch_is_given_as_it_is(more):
    class Scaled(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = nn.Sequential(nn.Conv2d(3, 8, 1), nn.ReLU())

        def forward(self, x, factor):
            return factor * self.body(x)

    assert place(Scaled(), "body", (torch.randn(1, 3, 8, 8), more)) == (8, 1)


def test_a_network_for_one_batch_size_is_measured_all_the_same():
    network = Net(lambda net, x: net.body(x.view(3, 4, 8, 8)), body=nn.Conv2d(4, 8, 1))
    assert place(network, "body", torch.randn(3, 4, 8, 8)) == (8, 1)
