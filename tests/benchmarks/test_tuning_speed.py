"""What tuning blocks cost and spare: ratios measured side by side in one run, one thread."""

import copy

import pytest
import torch
import torch.nn.functional as F
from ratios import side_by_side

from lossconditioning.conditioning import tune
from lossconditioning.losses import PerceptualFeatures, PerceptualLoss
from lossconditioning.painting.layers import LastConvolution
from lossconditioning.systems.dynamic_style.models import FastStyle

WIDTH, BLOCKS, AT = 12, 3, ("residual.0", "residual.2", "up.1")
BATCH, SIDE, ROUNDS = 4, 96, 15
STYLE, CONTENT = ("relu1_2", "relu2_2", "relu3_1"), "relu3_1"

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def tuned():
    torch.manual_seed(0)
    return tune(FastStyle(WIDTH, BLOCKS), AT, example=torch.zeros(1, 3, SIDE, SIDE))


@pytest.fixture(scope="module")
def photographs():
    torch.manual_seed(1)
    return torch.rand(BATCH, 3, SIDE, SIDE)


def simple(photographs):
    """The mean square against a target."""
    target = torch.rand_like(photographs)
    return lambda painted: F.mse_loss(painted, target)


def perceptual(photographs):
    """With random filters, which take the time that trained ones do, and targets that are kept."""
    loss = PerceptualLoss(PerceptualFeatures(STYLE, weights="random"), CONTENT)
    targets = loss.content_targets(photographs), loss.style_targets(torch.rand_like(photographs))
    return lambda painted: sum(term.mean() for term in loss(painted, *targets).values())


def step(model, photographs, loss):
    """A training step of all that has a gradient."""
    optimizer = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=1e-3, fused=True)

    def train():
        optimizer.zero_grad()
        loss(model(photographs, alpha=1)).backward()
        optimizer.step()

    return train


@pytest.mark.parametrize(("make", "usually"), [(simple, 0.76), (perceptual, 0.91)], ids=["simple", "perceptual"])
def test_a_tuning_step_against_one_with_the_main_network_unfrozen(benchmark, tuned, photographs, make, usually):
    """Beside a loss that runs VGG, whose time is the same for both, less is spared."""
    loss, unfrozen = make(photographs), copy.deepcopy(tuned)
    unfrozen.main.requires_grad_(True)
    frozen, whole = (step(model, photographs, loss) for model in (tuned, unfrozen))
    side_by_side(benchmark, frozen, whole, rounds=ROUNDS, usually=usually)
    assert all(p.grad is None for p in tuned.main.parameters())
    assert all(p.grad is not None for p in unfrozen.parameters())


@pytest.mark.parametrize("side", [128, 256])
def test_a_picture_through_three_blocks_against_the_main_network_alone(benchmark, tuned, side):
    photograph = torch.rand(1, 3, side, side)
    with torch.inference_mode():
        ours, other = (lambda: tuned(photograph, alpha=0.5)), (lambda: tuned.main(photograph))
        side_by_side(benchmark, ours, other, rounds=31, usually=1.4)


@pytest.mark.parametrize(
    ("dtype", "usually"), [(torch.float32, 0.45), (torch.bfloat16, None)], ids=["float32", "bfloat16"]
)
def test_a_painters_last_convolution_against_pytorchs_own(benchmark, dtype, usually):
    """In bfloat16 it depends on the processor: 0.3 on one, about 1 on another whose own instructions multiply such matrices."""
    layer, features = LastConvolution(WIDTH, 3, 9), torch.rand(1, WIDTH, 128, 128)
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=dtype == torch.bfloat16):
        ours, other = (lambda: layer(features)), (lambda: torch.nn.Conv2d.forward(layer, features))
        side_by_side(benchmark, ours, other, rounds=41, usually=usually)
