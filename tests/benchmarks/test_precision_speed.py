"""Whether training computes in the precision that takes this machine less time."""

import pytest
import torch
from ratios import side_by_side

from lossconditioning.systems import style_transfer
from lossconditioning.training.config import bfloat16_pays


@pytest.fixture(autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def test_a_painters_pass_in_the_precision_that_training_chooses_against_the_other(benchmark):
    """Painting a batch as training does, and the gradient: bfloat16 if the processor has instructions for it, else float32.

    Half as large a batch of half as large pictures takes as long in either, on a processor with AVX-512 alone: casting costs
    what convolutions gain.
    """
    config = style_transfer.experiments("laptop")["yoto"]
    model, count = style_transfer.build(config), config.batch_size
    photographs, lam = torch.rand(count, 3, config.side, config.side), torch.tensor([style_transfer.DEFAULT] * count)

    def painted(half):
        model.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            loss = model(photographs, torch.arange(count) % 2, lam).float().square().mean()
        loss.backward()

    chosen = bfloat16_pays()
    side_by_side(benchmark, lambda: painted(chosen), lambda: painted(not chosen), rounds=5, usually=0.7)
