"""What running B generated networks at once saves: ratios measured side by side in one run, one thread."""

import pytest
import torch
from ratios import side_by_side
from torch import nn
from torch.func import functional_call

from lossconditioning.conditioning.generated import Primary

BATCH = 8
SIZES = {"28x21": (28, 21), "64x48": (64, 48), "130x98": (130, 98)}

pytestmark = pytest.mark.usefixtures("one_thread")


def primary(channels):
    """Five convolutions, as the paper's (B.1)."""
    blocks = []
    for c_in in (3, *[channels] * 3):
        blocks += [nn.Conv2d(c_in, channels, 3, padding=1), nn.LeakyReLU(0.02)]
    return nn.Sequential(*blocks, nn.Conv2d(channels, 3, 3, padding=1))


def one_by_one(network):
    """What a reader would write."""

    def run(weights, x):
        outputs = [
            functional_call(network, {name: value[b] for name, value in weights.items()}, (x[b : b + 1],))
            for b in range(len(x))
        ]
        return torch.cat(outputs)

    return run


def forward(run, weights, x):
    with torch.no_grad():
        run(weights, x)


def forward_and_backward(run, weights, x):
    torch.autograd.grad(run(weights, x).square().mean(), list(weights.values()))


def gradient_penalty(run, weights, x):
    (gradient,) = torch.autograd.grad(run(weights, x).sum(), x, create_graph=True)
    torch.autograd.grad(gradient.square().sum(), [value for value in weights.values() if value.dim() > 2])


CASES = [
    (24, "28x21", forward, 0.42),
    (24, "28x21", forward_and_backward, 0.43),
    (24, "28x21", gradient_penalty, 0.55),
    (24, "64x48", forward, 0.6),
    (24, "64x48", forward_and_backward, 0.65),
    (24, "64x48", gradient_penalty, 0.8),
    (24, "130x98", forward_and_backward, 0.65),  # one by one as well, with channels last
    (32, "28x21", forward_and_backward, 0.4),
    (32, "64x48", forward_and_backward, 0.85),
    (64, "28x21", forward_and_backward, 0.72),
    (64, "64x48", forward_and_backward, 0.95),
]


@pytest.mark.parametrize(
    ("channels", "size", "step", "usually"), CASES, ids=lambda value: getattr(value, "__name__", str(value))
)
def test_eight_generated_networks_against_one_after_the_other(benchmark, channels, size, step, usually):
    torch.manual_seed(0)
    network = primary(channels)
    weights = {
        name: (torch.randn(BATCH, *value.shape) * value[0].numel() ** -0.5).requires_grad_()
        for name, value in network.named_parameters()
    }
    x = torch.randn(BATCH, 3, *SIZES[size], requires_grad=True)
    ours, other = Primary(network), one_by_one(network)
    torch.testing.assert_close(ours(weights, x), other(weights, x), atol=1e-4, rtol=1e-4)
    side_by_side(benchmark, lambda: step(ours, weights, x), lambda: step(other, weights, x), usually=usually)
