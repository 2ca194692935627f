"""One step: the mean over examples, summed over an ensemble's members; clipped, shared, logged."""

from typing import NamedTuple

import pytest
import torch
from torch import Tensor, nn

from lossconditioning.training.devices import accelerate
from lossconditioning.training.step import Step, log_means, own_rows, share


class Several:
    """Stands for accelerate's view of the second of three processes."""

    num_processes, process_index, device = 3, 1, torch.device("cpu")


class Logged:
    def log(self, **metrics):
        self.metrics = {name: float(value) for name, value in metrics.items()}


@pytest.fixture
def linear():
    model = nn.Linear(1, 1, bias=False)
    nn.init.ones_(model.weight)
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    return model, optimizer, torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.5)


@pytest.mark.parametrize(("clip", "after"), [(None, -2.0), (0.5, 0.5)])
def test_a_step_goes_down_the_mean(linear, clip, after):
    model, optimizer, schedule = linear
    step = Step(accelerate("no"), model, optimizer, schedule, clip=clip)
    loss = step(model(torch.tensor([[1.0], [5.0]]))[:, 0], count=2)  # the mean's derivative is 3
    assert loss == 3
    assert not loss.requires_grad
    assert model.weight.item() == pytest.approx(after)
    assert optimizer.param_groups[0]["lr"] == 0.5
    step(0 * model(torch.ones(1, 1))[:, 0], count=1)
    assert model.weight.item() == pytest.approx(after), "gradients of the step before are gone"


def test_members_of_an_ensemble_are_summed(linear):
    model, optimizer, schedule = linear
    objective = model(torch.ones(6, 1)).view(2, 3)  # two members, three rows
    assert Step(accelerate("no"), model, optimizer, schedule)(objective, count=3) == 2
    assert model.weight.item() == -1


class Batch(NamedTuple):
    pictures: Tensor
    more: tuple[Tensor, ...]
    loss: object


def test_a_process_keeps_every_third_row_of_all_tensors():
    rows, loss = torch.arange(7), object()
    batch = share(Several(), Batch(rows, (rows.float(),), loss))
    assert batch.pictures.tolist() == batch.more[0].tolist() == [1, 4]
    assert batch.loss is loss
    assert own_rows(Several(), torch.arange(14).view(2, 7), axis=1).tolist() == [[1, 4], [8, 11]]
    assert share(accelerate("no"), rows).tolist() == rows.tolist()


def test_what_is_logged_are_means_over_rows_and_members():
    loop, accelerator = Logged(), accelerate("no")
    log_means(loop, accelerator, torch.tensor(6.0), {"kl": torch.tensor([[1.0, 3.0], [5.0, 7.0]])}, count=2)
    assert loop.metrics == {"loss": 3.0, "kl": 4.0}
