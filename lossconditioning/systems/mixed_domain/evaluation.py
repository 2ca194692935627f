"""Holds one network told S against the separate networks it replaces: SGN's Table 3; see `comparisons` for its figures."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import product

import torch
from torch import Tensor, nn

from lossconditioning.painting import squares
from lossconditioning.systems.mixed_domain.comparisons import Models, gated, injections, reconstruction
from lossconditioning.systems.mixed_domain.data import measure_for, spread
from lossconditioning.systems.mixed_domain.domains import UNSEEN, pictures_of
from lossconditioning.systems.mixed_domain.measures import Measure
from lossconditioning.systems.mixed_domain.recipes import MIXED
from lossconditioning.systems.mixed_domain.settings import CORNERS, TABLE_3, letters, separate_name
from lossconditioning.training import Run, Trained
from lossconditioning.training.cards import Card

STEPS = 4
"""Weights of `mixtures` are multiples of one divided by this."""


def mixtures(steps: int = STEPS) -> list[tuple[float, ...]]:
    """All S that are multiples of 1 / ``steps``, but for the corners."""
    weights = [lam for lam in product(range(steps + 1), repeat=3) if sum(lam) == steps and max(lam) < steps]
    return [tuple(weight / steps for weight in lam) for lam in weights]


# Table 3 ------------------------------------------------------------------------------------------------------------------


def table_3(models: Models, measure: Measure) -> dict[str, float]:
    """Table 3: losses of the one network, and of the separate ones that are there.

    Returns:
        ``table3_sym_LOSS_AB`` and ``table3_separate_LOSS_AB``, for "objective" and the three losses, AB being the domains
        with a weight, see `letters`; see `ratios` for more, where all separate networks are there.
    """
    found = {}
    for lam in TABLE_3:
        for method, model in (("sym", models["sym"]), ("separate", models.get(separate_name(lam)))):
            if model is not None:
                values = {**measure.values(model, lam), "objective": measure.objective(model, lam)}
                for name in ("objective", *measure.costs.names):
                    found[f"table3_{method}_{name}_{letters(lam)}"] = values[name]
    return {**found, **ratios(found, measure.costs.names)}


def ratios(table: Mapping[str, float], names: Sequence[str]) -> dict[str, float]:
    """What follows of `table_3`: nothing, where separate networks are missing.

    Returns:
        ``table3_ratio``, the mean over seven S of L_G of the one network over that of the separate one, and each of them,
        ``table3_ratio_AB``; ``runaway``, by which factor a loss of weight zero is larger for separate networks than for the
        one, the geometric mean over the nine of Table 3, and ``runaway_count``, for how many of them it is larger at all.
    """
    if not all(f"table3_separate_objective_{letters(lam)}" in table for lam in TABLE_3):
        return {}
    each, runs = {}, []
    for lam in TABLE_3:
        at = letters(lam)
        each[f"table3_ratio_{at}"] = table[f"table3_sym_objective_{at}"] / table[f"table3_separate_objective_{at}"]
        for name, weight in zip(names, lam, strict=True):
            if weight == 0:
                runs.append(math.log(table[f"table3_separate_{name}_{at}"] / table[f"table3_sym_{name}_{at}"]))
    return {
        "table3_ratio": sum(each.values()) / len(each),
        **each,
        "runaway": math.exp(sum(runs) / len(runs)),
        "runaway_count": float(sum(run > 0 for run in runs)),
    }


def order(model: nn.Module, measure: Measure) -> dict[str, float]:
    """Whether losses follow S.

    Returns:
        ``corner_minima``, how many of the three losses are smallest at their own corner, over the corners and `mixtures`;
        ``between``, which share of the losses at mixtures lie between the smallest and the largest value at the corners.
    """
    # A row for each S, a column for each loss: (3, 3) and (12, 3).
    corners, rest = (_rows(model, measure, lams) for lams in (CORNERS, mixtures()))
    everywhere = torch.cat([corners, rest])
    least = corners.diagonal() <= everywhere.min(0).values
    low, high = corners.min(0).values, corners.max(0).values
    inside = (rest >= low) & (rest <= high)
    return {"corner_minima": float(least.sum()), "between": float(inside.double().mean())}


def _rows(model: nn.Module, measure: Measure, lams: Sequence[tuple[float, ...]]) -> Tensor:
    rows = [[measure.values(model, lam)[name] for name in measure.costs.names] for lam in lams]
    return torch.tensor(rows, dtype=torch.float64)


# `lossconditioning evaluate mixed_domain` ---------------------------------------------------------------------------------


def compared(run: Run) -> tuple[str, ...]:
    """The network, and what judges it."""
    return ("sym", "critic")


def compare(trained: Mapping[str, Trained], run: Run) -> dict[str, float]:
    """All networks on held-out photographs, as far as they are there.

    Returns:
        metrics: see `table_3`, `order` (of the network that readers play with, too: ``…_play``), `injections`, `gated` and
        `reconstruction`; ``photographs``, how many there were.
    """
    models = {name: item.model.eval() for name, item in trained.items()}
    config = trained["sym"].config
    measure = measure_for(config, run).with_critic(models["critic"])
    count, side = len(measure.photographs), measure.photographs.shape[-1]
    strangers = squares(spread(pictures_of(UNSEEN, "held_out", run.data), count), side)
    longer = order(models["play"], measure) if "play" in models else {}
    return {
        **table_3(models, measure),
        **order(models["sym"], measure),
        **{f"{name}_play": value for name, value in longer.items()},
        **injections(models, measure),
        **gated(models["sym"], measure),
        **reconstruction(models, measure, strangers),
        "photographs": count,
    }


def recall(found: Mapping[str, Card]) -> dict[str, float]:
    """The same table by networks of a second seed, which do not ship, out of their cards: ``again_table3_ratio`` and so on."""
    metrics: dict[str, float] = {}
    for lam in TABLE_3:
        at = letters(lam)
        for method, name in (("sym", "sym_again"), ("separate", f"{separate_name(lam)}_again")):
            if name in found:
                metrics |= {
                    f"table3_{method}_{loss}_{at}": found[name].metrics[f"{loss}_{at}"]
                    for loss in ("objective", *MIXED)
                }
    return {f"again_{name}": value for name, value in {**metrics, **ratios(metrics, MIXED)}.items()}
