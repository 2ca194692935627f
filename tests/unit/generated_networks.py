"""Small primary networks, and what B of them put out one after the other."""

import torch
from torch import nn
from torch.func import functional_call


class Residual(nn.Module):
    """Not a chain, with a norm, a buffer and two inputs."""

    def __init__(self):
        super().__init__()
        self.enter, self.norm, self.leave = nn.Conv2d(3, 8, 3, padding=1), nn.GroupNorm(2, 8), nn.Conv2d(8, 3, 1)
        self.gain = nn.Parameter(torch.tensor(0.7))
        self.register_buffer("offset", torch.linspace(-1, 1, 3).view(3, 1, 1))

    def forward(self, x, noise):
        return x + self.gain * self.leave(torch.tanh(self.norm(self.enter(x + noise)))) + self.offset


def chain():
    layers = nn.Conv2d(3, 8, 3, padding=1), nn.LeakyReLU(0.02), nn.Conv2d(8, 8, 3, padding=1), nn.LeakyReLU(0.02)
    return nn.Sequential(*layers, nn.Conv2d(8, 3, 3, padding=1), nn.Tanh())


def kinds():
    """A chain within a chain, of convolutions of several kinds."""
    inner = nn.Sequential(nn.Conv2d(8, 8, 3, padding="same", dilation=2, groups=2, bias=False), nn.ELU())
    return nn.Sequential(nn.Conv2d(3, 8, (3, 1), stride=2), nn.SiLU(), inner, nn.Conv2d(8, 1, 2, padding=1))


def mlp():
    return nn.Sequential(nn.Linear(5, 16), nn.ReLU(), nn.Linear(16, 2))


def others():
    """Convolutions of other kinds, a norm in evaluation mode whose buffers are read, a slope per channel."""
    layers = nn.ConvTranspose2d(3, 8, 4, stride=2, padding=1), nn.BatchNorm2d(8), nn.PReLU(8)
    network = nn.Sequential(
        *layers, nn.Conv2d(8, 8, 3, padding=1, groups=2, padding_mode="reflect"), nn.Conv2d(8, 2, 1)
    )
    network[1].running_mean.copy_(torch.linspace(-1, 1, 8))
    return network.eval()


PICTURES = (3, 7, 6)
PRIMARIES = {
    "chain": (chain, [PICTURES]),
    "kinds": (kinds, [PICTURES]),
    "mlp": (mlp, [(5,)]),
    "residual": (Residual, [PICTURES, PICTURES]),
    "others": (others, [PICTURES]),
}


def build(name, batch=4, dtype=torch.float32):
    """A primary network, B sets of weights for it, and its inputs."""
    torch.manual_seed(0)
    make, shapes = PRIMARIES[name]
    network = make().to(dtype)
    weights = {key: 0.4 * torch.randn(batch, *value.shape, dtype=dtype) for key, value in network.named_parameters()}
    return network, weights, [torch.randn(batch, *shape, dtype=dtype) for shape in shapes]


def one_by_one(network, weights, *inputs):
    """Weights of one set go with all examples."""
    outputs = []
    for b in range(len(inputs[0])):
        own = {name: value[b if len(value) > 1 else 0] for name, value in weights.items()}
        outputs.append(functional_call(network, own, tuple(value[b : b + 1] for value in inputs)))
    return torch.cat(outputs)
