"""Measures the toy's networks: exact regret, the gap to separate models, the single-model baseline."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from lossconditioning.datasets import sym_toy
from lossconditioning.evaluation import (
    gap,
    hypervolume,
    objective,
    regret,
    share_closed,
    single_model_baseline,
    term_values,
)
from lossconditioning.systems.toy.recipes import Config
from lossconditioning.systems.toy.task import WEIGHTS, optimal_terms, terms, weight_key
from lossconditioning.training import Data, Ensemble, Run, Trained

GRID_POINTS = 8001
"""Test points in [−1, 1], an odd number, so that they fall between the training points."""


def dense_weights(count: int = 41) -> Tensor:
    """A grid over all weights from (1, 0) to (0, 1), shape ``(count, 2)``."""
    s = torch.linspace(1, 0, count)
    return torch.stack([s, 1 - s], dim=1)


def measured_terms(model: Ensemble, weights: Tensor, points: int = GRID_POINTS) -> dict[str, Tensor]:
    """Both losses of every member at every weight vector, name → ``(M, G)``, averaged over [−1, 1]."""
    grid = tuple(part.expand(len(model), -1, -1) for part in sym_toy(points))

    def evaluate(lam: Tensor) -> dict[str, Tensor]:
        return terms(model, grid, lam.expand(len(model), points, 2))

    return term_values(evaluate, weights)


def optimal_objective(weights: Tensor, points: int = GRID_POINTS) -> Tensor:
    """The lowest objective any model can reach on the grid, at every weight vector; shape ``(G,)``."""
    _, y_r, y_c = sym_toy(points)
    values = term_values(lambda lam: {k: v.squeeze(-1) for k, v in optimal_terms(y_r, y_c, lam).items()}, weights)
    return objective(values, weights)


def measured_objective(config: Config, model: Ensemble, weights: Tensor = WEIGHTS) -> Tensor:
    """The objective of every prior's members at every weight vector, shape ``(priors, seeds, G)``.

    Separate models ("fixed") have one prior per weight vector of Table 1; only the matching entries make sense for them,
    so the result is ``(1, seeds, 5)`` with each model at its own weights, and ``weights`` must be Table 1's.
    """
    values = objective(measured_terms(model, weights), weights).unflatten(0, (len(config.priors), config.seeds))
    if config.kind == "fixed":
        return values.diagonal(dim1=0, dim2=2).unsqueeze(0)
    return values


def measure(config: Config, model: Ensemble, data: Data | None = None) -> dict[str, float]:
    """Mean and standard deviation over seeds of the regret at Table 1's weights, for a card.

    Keys are ``regret_1``, ``regret_1_std``, …; where an experiment compares several priors, ``alpha_0.1_regret_1``, …
    """
    excess = regret(measured_objective(config, model), optimal_objective(WEIGHTS))
    metrics = {}
    for group, values in enumerate(excess):
        prefix = f"alpha_{config.concentrations[group]:g}_" if len(excess) > 1 else ""
        for weights, over_seeds in zip(WEIGHTS, values.unbind(-1), strict=True):
            metrics[f"{prefix}regret_{weight_key(weights)}"] = float(over_seeds.mean())
            if config.seeds > 1:
                metrics[f"{prefix}regret_{weight_key(weights)}_std"] = float(over_seeds.std())
    return metrics


PREFIXES = {"best": "", "paper_sym": "paper_", "paper_fixed": "fixed_"}
"""How an experiment's metrics are prefixed; the others by their name."""


def compare(trained: Mapping[str, Trained], run: Run) -> dict[str, float]:
    """Numbers of every finished experiment, and of the main ones beside one another.

    Returns:
        ``{prefix}regret_{s₁}`` (mean over seeds), ``…_std``, and ``{prefix}mean_regret`` (mean over seeds and Table 1's
        weights) per experiment; ``{prefix}gap_closed`` (nan after a handful of steps), ``…largest_gap``, ``…hypervolume`` and
        ``…travel`` of the main ones.
    """
    metrics: dict[str, float] = {}
    for name, item in trained.items():
        prefix, excess = PREFIXES.get(name, f"{name}_"), measure(item.config, item.model)
        metrics.update({prefix + key: value for key, value in excess.items()})
        alphas = item.config.concentrations
        for alpha in [""] if len(alphas) == 1 else [f"alpha_{a:g}_" for a in alphas]:
            keys = [f"{alpha}regret_{weight_key(weights)}" for weights in WEIGHTS]
            metrics[f"{prefix}{alpha}mean_regret"] = sum(excess[key] for key in keys) / len(keys)
    return {**metrics, **_main_ones(trained)}


def _main_ones(trained: Mapping[str, Trained]) -> dict[str, float]:
    """Numbers that set the conditional models against the separate ones of the same run."""
    metrics, conditional = {}, [name for name in ("paper_sym", "best") if name in trained]
    if "paper_fixed" in trained:
        config, model = trained["paper_fixed"].config, trained["paper_fixed"].model
        # Every separate model at every weight; a group of seeds per weight vector. Means over seeds first.
        values = {
            k: v[:, 0].unflatten(0, (-1, config.seeds)).mean(1) for k, v in measured_terms(model, WEIGHTS[:1]).items()
        }
        index, single = single_model_baseline(values, WEIGHTS)
        metrics["single_model_weight"] = float(WEIGHTS[index, 0])
        fixed = measured_objective(config, model).mean((0, 1))
        for name in conditional:
            ours = measured_objective(trained[name].config, trained[name].model).mean((0, 1))
            metrics[f"{PREFIXES[name]}gap_closed"] = share_closed(ours, fixed, single)
            metrics[f"{PREFIXES[name]}largest_gap"] = float(gap(ours, fixed).max())
        metrics["fixed_hypervolume"] = _hypervolume(values)
    for name in conditional:
        values = measured_terms(trained[name].model, WEIGHTS)
        metrics[f"{PREFIXES[name]}hypervolume"] = _hypervolume({k: v.mean(0) for k, v in values.items()})
    for name, prefix in (("paper_sym", "paper_"), ("input_only", "input_only_")):
        if name in trained:
            metrics[f"{prefix}travel"] = travel(trained[name].model)
    return metrics


def _hypervolume(values: dict[str, Tensor]) -> float:
    """Share of the box from (0, 0) to (0.45, 0.25), a little beyond the worst losses of Table 1, that is dominated."""
    return hypervolume(torch.stack(list(values.values()), dim=-1), reference=[0.45, 0.25], ideal=[0.0, 0.0])


@torch.no_grad()
def travel(model: Ensemble, points: int = GRID_POINTS) -> float:
    """How far the output moves between S = (1, 0) and S = (0, 1): mean |Δp| over x and members, in [0, 1]."""
    x = sym_toy(points)[0].expand(len(model), -1, -1)
    ends = [model(x, lam.expand(len(model), points, 2)).sigmoid() for lam in (WEIGHTS[0], WEIGHTS[-1])]
    return float((ends[0] - ends[1]).abs().mean())
