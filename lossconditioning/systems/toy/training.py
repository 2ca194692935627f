"""What the toy trains on, and how: points, weights for each of them, learning rates."""

from __future__ import annotations

from torch import Tensor, nn

from lossconditioning.datasets import sym_toy
from lossconditioning.losses import weighted
from lossconditioning.systems.toy.recipes import Config
from lossconditioning.systems.toy.task import Batch
from lossconditioning.training import Batches, Data, Ensemble, Run
from lossconditioning.training.schedules import optimizer_and_schedule


def experiment_data(config: Config, run: Run) -> Data:
    """Batches (x, y_r, y_c), each ``(M, B, 1)``; members of one seed see the same order, whatever their prior."""
    orders = [1000 * run.seed + number for _ in config.priors for number in config.numbers]
    batches = Batches(*sym_toy(config.points), batch_size=config.batch_size, seed=orders)
    return Data(f"sym_toy, {config.points} points", batches.__getitem__)


def draw(config: Config, model: Ensemble, batch: Batch, done: float = 1.0) -> tuple[Batch, Tensor]:
    """λ for every member, data point and draw, ``(M, B·draws, 2)``; each point is repeated once per draw."""
    lam = model.prior.sample((batch[0].shape[1], config.draws), stratified=config.stratified)  # (M, B, draws, 2)
    if config.draws > 1:
        batch = tuple(part.repeat_interleave(config.draws, dim=1) for part in batch)
    return batch, lam.flatten(1, 2)


def weigh(config: Config, terms: dict[str, Tensor], lam: Tensor) -> Tensor:
    """The objective, ``(M, B·draws)``. S_in is told λ, but pays for (0.5, 0.5) whatever it is."""
    return weighted(terms, lam.new_full(lam.shape, 0.5) if config.kind == "input_only" else lam)


def optimise(config: Config, model: nn.Module):
    """Adam; "steps" is A.1's 0.01, 0.001, 0.0001 for 200, 200, 100 of 500 epochs, "cosine" goes from 0.01 to 0."""
    return optimizer_and_schedule(config, model, warm_up=0, milestones=(0.4, 0.8), factor=0.1)
