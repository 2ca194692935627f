"""Measures finished β-VAEs beside one another: `lossconditioning evaluate beta_vae`, and the notebook's comparisons."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from lossconditioning.errors import CheckpointError
from lossconditioning.evaluation import (
    as_curve,
    as_metrics,
    cross_objectives,
    gap,
    hypervolume,
    share_closed,
    single_model_baseline,
)
from lossconditioning.systems.beta_vae.data import pictures
from lossconditioning.systems.beta_vae.measures import frontier, interpolation, sample_change, separate
from lossconditioning.systems.beta_vae.quality import network_for_pictures, quality
from lossconditioning.systems.beta_vae.recipes import ABLATIONS, Config, build
from lossconditioning.systems.beta_vae.task import TERMS, Values, full_loss, terms
from lossconditioning.training import Ensemble, Run, Trained
from lossconditioning.training.cards import Card


def _columns(grid: Tensor) -> Tensor:
    """β as weights of (reconstruction, KL), ``(G, 2)``."""
    lam = grid.double()
    return torch.stack([torch.ones_like(lam), lam], dim=-1)


def single_model(fixed: Values, grid: Tensor) -> tuple[int, Tensor]:
    """The single-model baseline: which fixed model, and its loss at every β ``(G,)`` (section 4.1)."""
    return single_model_baseline(fixed, _columns(grid))


def best_of_all(values: Values, grid: Tensor) -> Tensor:
    """The lowest loss that any point of a frontier reaches at every β, ``(G,)``.

    Of fixed models, a stricter bar than each at its own β: one that failed is replaced by a neighbour.
    """
    return cross_objectives(values, _columns(grid)).min(dim=0).values


def compare_frontiers(values: Values, fixed: Values, grid: Tensor) -> dict[str, float]:
    """One model's frontier against the fixed models'.

    Returns:
        ``gap_closed`` (nan if the fixed models are hardly trained); ``gap_closed_best_of_all``, the same against
        `best_of_all`; ``mean_gap`` (nats per picture, positive if worse than the fixed models); ``share_as_good``, of all β;
        ``worst_gap`` and ``worst_beta``: the largest difference, and the β where it is.
    """
    ours, theirs = full_loss(values, grid), full_loss(fixed, grid)
    _, single = single_model(fixed, grid)
    difference = gap(ours, theirs)
    worst = int(difference.argmax())
    return {
        "gap_closed": share_closed(ours, theirs, single),
        "gap_closed_best_of_all": share_closed(ours, best_of_all(fixed, grid), single),
        "mean_gap": float(difference.mean()),
        "share_as_good": float((difference <= 0).double().mean()),
        "worst_gap": float(difference[worst]),
        "worst_beta": float(grid[worst]),
    }


def box(frontiers: Mapping[str, Values]) -> tuple[dict[str, Tensor], Tensor, Tensor]:
    """The part of the plane that frontiers are compared in, between the best and the worst value of any of them.

    KL spans orders of magnitude over β, so its axis is log(1 + KL): which points dominate does not depend on that, how much
    area each adds does.

    Returns:
        each frontier's points (reconstruction, log(1 + KL)), ``(G, 2)``; the box's best corner, and just beyond its worst.
    """
    points = {name: torch.stack([v["reconstruction"], v["kl"].log1p()], dim=1) for name, v in frontiers.items()}
    every = torch.cat(list(points.values()))
    ideal, span = every.amin(0), every.amax(0) - every.amin(0)
    return points, ideal, ideal + 1.001 * span


def hypervolumes(frontiers: Mapping[str, Values]) -> dict[str, float]:
    """The share of their common `box` that each frontier dominates."""
    points, ideal, reference = box(frontiers)
    return {name: hypervolume(rows, reference, ideal) for name, rows in points.items()}


def multiply_adds(config: Config) -> int:
    """Multiply-adds of one training step, forward and backward, in convolutions and linear layers (all members)."""
    model = build(config)
    network = model.member(0) if isinstance(model, Ensemble) else model
    side, rows = network.architecture.picture, config.batch_size * config.draws
    lam = torch.ones(rows)
    with FlopCounterMode(display=False) as counter:
        full_loss(terms(network, torch.rand(rows, 3, side, side), lam), lam).mean().backward()
    return counter.get_total_flops() // 2 * (config.lams if config.kind == "fixed" else 1)


def cost_table(cards: Mapping[str, Card]) -> pd.DataFrame:
    """Steps, multiply-adds, seconds and stored parameters of training, per card; relative to the first row.

    Args:
        cards: label → card. Seconds are as recorded in the cards: one thread of a shared machine.
    """
    rows = {}
    for label, card in cards.items():
        config = Config.from_json(card.config)
        rows[label] = {
            "steps": config.steps,
            "10¹² multiply-adds": multiply_adds(config) * config.steps / 1e12,
            "minutes": card.seconds / 60,
            "million parameters": sum(p.numel() for p in build(config).parameters()) / 1e6,
        }
    table = pd.DataFrame.from_dict(rows, orient="index")
    for column, name in (("10¹² multiply-adds", "work, relative"), ("minutes", "time, relative")):
        table[name] = table[column] / table[column].iloc[0]
    return table.round(2)


COMPARED = {"yoto": "yoto", "wider": "wider", "twice_steps": "yoto_twice_steps"}
"""The conditional models that ship, by the end of their names, in the order of the tables → what metrics call them."""


def compare(trained: Mapping[str, Trained], run: Run) -> dict[str, float]:
    """Every data set's conditional models beside its fixed-weight ones, all measured anew on held-out pictures.

    Args:
        run: with ``data``, where a ``cifar10.npz`` is; without one, and where none is found elsewhere, CIFAR-10 is replaced
            by patches of photographs, on which networks trained on CIFAR-10 are worse than the recorded numbers say.

    Returns:
        metrics whose names begin with the data set, "shapes3d_" or "cifar10_": ``gap_closed_yoto``, ``…_wider``,
        ``…_yoto_twice_steps``, ``hypervolume_…``, and the frontiers, ``beta_0``, ``yoto_reconstruction_0``, ``yoto_kl_0``…
        Further `quality`, of the play network where it is finished, of YOTO where it is not.

    Raises:
        CheckpointError: if there are no fixed-weight models.
    """
    metrics: dict[str, float] = {}
    for data in ("shapes3d", "cifar10"):
        ours = {name.removeprefix(f"{data}_"): item for name, item in trained.items() if name.startswith(data)}
        if "fixed" in ours:
            found = pictures(data, run.data, few=run.smoke)
            measured, shown = _measured(ours, found.held_out), network_for_pictures(data, trained)
            if shown in trained:
                measured.update(quality(data, trained[shown].model, found))
            metrics.update({f"{data}_{key}": value for key, value in measured.items()})
    if not metrics:
        raise CheckpointError(
            f"There are no fixed-weight models to compare {', '.join(trained)} with; train them: "
            "lossconditioning train beta_vae --only shapes3d_fixed --only cifar10_fixed"
        )
    return metrics


def _measured(trained: Mapping[str, Trained], held_out: Tensor) -> dict[str, float]:
    """All metrics of one data set; ``trained`` is keyed by the experiments' names without the data set."""
    grid, members = trained["fixed"].config.grid, separate(trained["fixed"].model)
    frontiers = {
        key: frontier(trained[name].model, held_out, grid)
        for name, key in {"fixed": "fixed", **COMPARED}.items()
        if name in trained
    }
    fixed = full_loss(frontiers["fixed"], grid)
    index, single = single_model(frontiers["fixed"], grid)
    metrics = {"single_model_beta": float(grid[index]), "single_model_gap": float(gap(single, fixed).mean())}
    for name, values in frontiers.items():
        if name != "fixed":
            compared = compare_frontiers(values, frontiers["fixed"], grid)
            metrics.update({f"{key}_{name}": value for key, value in compared.items()})
    mixed = interpolation(members[0], members[-1], held_out, torch.linspace(0, 1, 9))
    # At its most favourable: every β takes the mixture that is best for it.
    metrics["gap_closed_interpolation"] = share_closed(best_of_all(mixed, grid), fixed, single)
    volumes = hypervolumes({**frontiers, "interpolation": mixed})
    metrics.update({f"hypervolume_{name}": volume for name, volume in volumes.items()})
    metrics["sample_change_fixed"] = sample_change(members, grid)
    if "yoto" in trained:
        metrics["sample_change_yoto"] = sample_change([trained["yoto"].model] * len(grid), grid)
    metrics.update(as_metrics("", {"beta": grid}))
    for name, values in frontiers.items():
        metrics.update(as_metrics(name, values))
    return metrics


def recorded_frontier(card: Card) -> Values:
    """The frontier that was measured when the card was written, name → ``(G,)``."""
    return as_curve(card.metrics, "", TERMS)


def recall(found: Mapping[str, Card]) -> dict[str, float]:
    """Gap closed by every variant of Figure 4 on CIFAR-10, as recorded when it was trained; its networks do not ship."""
    metrics = {}
    for key in ("half_steps", *ABLATIONS):
        if {"cifar10_fixed", f"cifar10_{key}"} <= set(found):
            fixed, card = found["cifar10_fixed"], found[f"cifar10_{key}"]
            grid = Config.from_json(fixed.config).grid
            compared = compare_frontiers(recorded_frontier(card), recorded_frontier(fixed), grid)
            metrics[f"cifar10_recorded_gap_closed_{key}"] = compared["gap_closed"]
    return metrics
