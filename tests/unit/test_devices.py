"""What suits the device at hand."""

import time

import pytest
import torch

from lossconditioning.training.devices import faster_in_half


@pytest.mark.parametrize("seconds", [0.0, 0.02])
def test_what_is_faster_in_bfloat16_is_found_by_trying(seconds):
    weight = torch.ones(2, 2)

    def compute():
        in_half = (weight @ weight).dtype == torch.bfloat16
        time.sleep(0.01 if not in_half else seconds)

    assert faster_in_half(compute) == (seconds < 0.01)
    assert not torch.is_autocast_enabled("cpu")
