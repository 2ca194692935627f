"""What suits the device at hand."""

import time

import pytest
import torch
from torch import nn

from lossconditioning import ReaderError
from lossconditioning.systems import toy
from lossconditioning.training import Run
from lossconditioning.training.devices import faster_in_half, in_half


@pytest.mark.parametrize("seconds", [0.0, 0.02])
def test_what_is_faster_in_bfloat16_is_found_by_trying(seconds):
    weight = torch.ones(2, 2)

    def compute():
        in_half = (weight @ weight).dtype == torch.bfloat16
        time.sleep(0.01 if not in_half else seconds)

    assert faster_in_half(compute) == (seconds < 0.01)
    assert not torch.is_autocast_enabled("cpu")


def test_a_model_in_half_computes_what_autocast_does_and_leaves_the_model_alone():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(4, 2))
    half, inputs = in_half(model), torch.randn(5, 3, 3, 3)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        torch.testing.assert_close(half(inputs), model(inputs))
    assert {weight.dtype for weight in model.parameters()} == {torch.float32}
    assert half[0].weight.dtype == half[3].bias.dtype == torch.bfloat16


# A session's defaults -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "back", "said"),
    [
        (lambda: torch.set_default_dtype(torch.float64), lambda: torch.set_default_dtype(torch.float32), "float64"),
        (lambda: torch.set_default_dtype(torch.float16), lambda: torch.set_default_dtype(torch.float32), "float16"),
        (lambda: torch.set_default_device("meta"), lambda: torch.set_default_device(None), "on meta"),
    ],
    ids=["float64", "float16", "another device"],
)
def test_a_session_with_other_defaults_is_told(change, back, said, tmp_path):
    config = toy.experiments("smoke")["paper_sym"]
    change()
    try:
        with pytest.raises(ReaderError, match=said):
            toy.SYSTEM.train(config, Run(out=tmp_path / "out", profile="smoke", progress=False))
        with pytest.raises(ReaderError, match=said):
            toy.SYSTEM.load("best")
    finally:
        back()
    assert not list(tmp_path.iterdir())
    assert toy.SYSTEM.load("best").model is not None
