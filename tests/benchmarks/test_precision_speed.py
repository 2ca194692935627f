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
    """Painting two small photographs and the gradient: bfloat16 if the processor has instructions for it, else float32."""
    model = style_transfer.build(style_transfer.experiments("laptop")["yoto"])
    photographs, lam = torch.rand(2, 3, 48, 48), torch.tensor([style_transfer.DEFAULT] * 2)

    def painted(half):
        model.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            loss = model(photographs, torch.tensor([0, 1]), lam).float().square().mean()
        loss.backward()

    chosen = bfloat16_pays()
    side_by_side(benchmark, lambda: painted(chosen), lambda: painted(not chosen), rounds=5, usually=0.7)
