"""Measures the β-VAEs on held-out pictures: frontiers, gaps, baselines."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from lossconditioning.errors import CheckpointError
from lossconditioning.evaluation import (
    Evaluation,
    cross_objectives,
    gap,
    gap_closed,
    hypervolume,
    objective,
    single_model_baseline,
)
from lossconditioning.paths import shipped
from lossconditioning.systems.beta_vae.claims import claims
from lossconditioning.systems.beta_vae.models import BetaVAE
from lossconditioning.systems.beta_vae.pictures import as_float, pictures
from lossconditioning.systems.beta_vae.recipes import SYSTEM, Config, build
from lossconditioning.systems.beta_vae.task import kl_to_standard_normal, pixel_mean, pixel_nll, pixel_parameters, terms
from lossconditioning.training import Ensemble
from lossconditioning.training.cards import Card, cards, finished, load_network
from lossconditioning.training.randomness import generator

Values = dict[str, Tensor]
_CHUNK = 250  # pictures at a time


@dataclass(frozen=True)
class Trained:
    """A finished experiment: its configuration, card and network (an `Ensemble` for the fixed-weight models)."""

    config: Config
    card: Card
    model: nn.Module


def load(name: str, folder: Path | None = None) -> Trained:
    """Load a finished experiment, verified; from the shipped checkpoints if no folder is given."""
    folder = folder or shipped("checkpoints") / SYSTEM
    card, model = load_network(folder, name, SYSTEM, lambda card: build(Config.from_json(card.config)))
    return Trained(Config.from_json(card.config), card, model)


def recorded(folder: Path | None = None) -> dict[str, Card]:
    """Cards of finished experiments by name: of a folder's; or of all that the notebook shows, those too many to ship too."""
    folders = [folder] if folder else [shipped("checkpoints") / SYSTEM, shipped("records") / SYSTEM]
    return {card.name: card for each in folders for card in cards(each, SYSTEM)}


def recorded_evaluation() -> Evaluation:
    """The recorded result of `evaluate` on the shipped checkpoints, with CIFAR-10's own test pictures."""
    return Evaluation.read(shipped("records") / f"{SYSTEM}.json")


def recorded_frontier(card: Card) -> Values:
    """The frontier that was measured when the card was written, name → ``(G,)``."""
    count = Config.from_json(card.config).betas
    return {
        name: torch.tensor([card.metrics[f"{name}_{index}"] for index in range(count)], dtype=torch.float64)
        for name in ("reconstruction", "kl")
    }


def fixed_noise(count: int, latent: int) -> Tensor:
    """The same standard normal numbers ``(count, latent)`` for every model measured, so that comparisons are paired."""
    return torch.randn(count, latent, generator=generator(0xE7A1))


@torch.inference_mode()
def frontier(model: nn.Module, held_out: Tensor, grid: Tensor) -> Values:
    """Mean loss terms on held-out pictures, one point per β.

    Args:
        model: a loss-conditional `BetaVAE`, told each β in turn; or an `Ensemble` of fixed-weight ones, member m measured
            for grid point m.
        held_out: uint8 ``(N, 3, S, S)``.
        grid: β, ``(G,)``.

    Returns:
        ``{"reconstruction", "kl"}``, each ``(G,)`` in float64: nats per picture.
    """
    members = separate(model) if isinstance(model, Ensemble) else [model] * len(grid)
    noise = fixed_noise(len(held_out), members[0].architecture.latent)
    chunks = [(as_float(x), z) for x, z in zip(held_out.split(_CHUNK), noise.split(_CHUNK), strict=True)]
    rows = []
    for member, beta in zip(members, grid, strict=True):
        parts = [terms(member.eval(), x, beta.expand(len(x)), z) for x, z in chunks]
        rows.append({name: torch.cat([part[name] for part in parts]).double().mean() for name in parts[0]})
    return {name: torch.stack([row[name] for row in rows]) for name in rows[0]}


def separate(models: Ensemble) -> list[BetaVAE]:
    """The members of an ensemble as networks of their own."""
    return [models.member(index).eval() for index in range(len(models))]


@torch.inference_mode()
def interpolation(low: BetaVAE, high: BetaVAE, held_out: Tensor, shares: Tensor) -> Values:
    """B.1's baseline: mix what the two extreme fixed models put out.

    Posteriors (mean and standard deviation) and the decoders' outputs (logits; or mean and standard deviation of every
    pixel) are averaged independently, so no latent vector belongs to the mixed picture: this is not a VAE.

    Args:
        low, high: the models of the smallest and the largest β.
        shares: of ``high`` in the mixture, ``(A,)`` in [0, 1].

    Returns:
        ``{"reconstruction", "kl"}``, each ``(A,)``.
    """
    noise = fixed_noise(len(held_out), low.architecture.latent)
    sums = {"reconstruction": torch.zeros(len(shares)).double(), "kl": torch.zeros(len(shares)).double()}
    for x, z in zip(held_out.split(_CHUNK), noise.split(_CHUNK), strict=True):
        x = as_float(x)
        ends = [(mean, std, *pixel_parameters(pixels)) for mean, std, pixels in (low(x, noise=z), high(x, noise=z))]
        for index, share in enumerate(shares):
            mean, std, *pixels = (torch.lerp(a, b, share) for a, b in zip(*ends, strict=True))
            sums["kl"][index] += kl_to_standard_normal(mean, std).double().sum()
            sums["reconstruction"][index] += pixel_nll(tuple(pixels), x).double().sum()
    return {name: total / len(held_out) for name, total in sums.items()}


# Comparisons --------------------------------------------------------------------------------------------------------------


def _columns(grid: Tensor) -> Tensor:
    """β as weights of (reconstruction, KL), ``(G, 2)``."""
    beta = grid.double()
    return torch.stack([torch.ones_like(beta), beta], dim=-1)


def full_loss(values: Mapping[str, Tensor], grid: Tensor) -> Tensor:
    """L = reconstruction + β · KL at every grid point, ``(G,)``."""
    return objective(values, _columns(grid))


def single_model(fixed: Values, grid: Tensor) -> tuple[int, Tensor]:
    """The single-model baseline: which fixed model, and its loss at every β ``(G,)`` (section 4.1)."""
    return single_model_baseline(fixed, _columns(grid))


def best_of_all(values: Values, grid: Tensor) -> Tensor:
    """The lowest loss that any point of a frontier reaches at every β, ``(G,)``.

    Of fixed models, a stricter bar than each at its own β: one that failed is replaced by a neighbour.
    """
    return cross_objectives(values, _columns(grid)).min(dim=0).values


def compare(values: Values, fixed: Values, grid: Tensor) -> dict[str, float]:
    """One model's frontier against the fixed models': gap closed, share of β where it is at least as good, worst β.

    Returns:
        ``gap_closed`` (nan if the fixed models are hardly trained); ``gap_closed_best_of_all``, the same against
        `best_of_all`; ``mean_gap`` (nats per picture, positive if worse
        than the fixed models); ``share_as_good``;
        ``worst_gap`` and ``worst_beta``: the largest difference, and the β where it is.
    """
    ours, theirs = full_loss(values, grid), full_loss(fixed, grid)
    _, single = single_model(fixed, grid)
    difference = gap(ours, theirs)
    worst = int(difference.argmax())
    return {
        "gap_closed": _gap_closed(ours, theirs, single),
        "gap_closed_best_of_all": _gap_closed(ours, best_of_all(fixed, grid), single),
        "mean_gap": float(difference.mean()),
        "share_as_good": float((difference <= 0).double().mean()),
        "worst_gap": float(difference[worst]),
        "worst_beta": float(grid[worst]),
    }


def _gap_closed(ours: Tensor, fixed: Tensor, single: Tensor) -> float:
    """`gap_closed`, or nan for networks trained so little that the single one is as good as the separate ones."""
    return gap_closed(ours, fixed, single) if gap(single, fixed).mean() > 0 else math.nan


def hypervolumes(frontiers: Mapping[str, Values]) -> dict[str, float]:
    """The share of the plane that each frontier dominates, between the best and the worst value of any of them.

    KL spans orders of magnitude over β, so its axis is log(1 + KL): which points dominate does not depend on that, how much
    area each adds does.
    """
    points = {name: torch.stack([v["reconstruction"], v["kl"].log1p()], dim=1) for name, v in frontiers.items()}
    every = torch.cat(list(points.values()))
    ideal, span = every.amin(0), every.amax(0) - every.amin(0)
    return {name: hypervolume(rows, ideal + 1.001 * span, ideal) for name, rows in points.items()}


def card_metrics(config: Config, model: nn.Module, held_out: Tensor) -> dict[str, float]:
    """The frontier as numbers for a card: ``reconstruction_0`` … and ``kl_0`` …, by grid point, and ``mean_loss``."""
    values = frontier(model, held_out, config.grid)
    metrics = {f"{name}_{index}": float(v) for name, row in values.items() for index, v in enumerate(row)}
    return {**metrics, "mean_loss": float(full_loss(values, config.grid).mean())}


# `lossconditioning evaluate beta_vae` -------------------------------------------------------------------------------------

COMPARED = ("yoto", "wider", "twice_steps")
"""The conditional models that ship, by the end of their names, in the order of the tables."""
KEYS = {"twice_steps": "yoto_twice_steps"}
"""How they are called in metrics, where that differs."""


def evaluate(checkpoint: Path | None = None, folder: Path | None = None) -> Evaluation:
    """Measure every finished checkpoint of a folder anew on held-out pictures, and check the paper's claims.

    Args:
        checkpoint: a folder of checkpoints; the shipped ones if not given.
        folder: of data, with a ``cifar10.npz``; without one, and where none is found elsewhere, CIFAR-10 is replaced by
            patches of photographs, on which networks trained on CIFAR-10 are worse than the recorded numbers say.

    Returns:
        metrics whose names begin with the data set, "shapes3d_" or "cifar10_": ``gap_closed_yoto``, ``…_wider``,
        ``…_yoto_twice_steps``, ``hypervolume_…``, and the frontiers, ``beta_0``, ``yoto_reconstruction_0``, ``yoto_kl_0``…
    """
    place, names = finished(checkpoint or shipped("checkpoints") / SYSTEM, SYSTEM)
    metrics: dict[str, float] = {}
    for name in ("shapes3d", "cifar10"):
        ours = {n.removeprefix(f"{name}_"): load(n, place) for n in names if n.startswith(name)}
        if "fixed" in ours:
            measured = _measure(ours, pictures(name, folder).held_out)
            # No number for what can not be measured, such as a gap between networks that are hardly trained.
            metrics.update({f"{name}_{key}": value for key, value in measured.items() if math.isfinite(value)})
    if not metrics:
        raise CheckpointError(
            f"{place} holds no fixed-weight models to compare with; train them: "
            "lossconditioning train beta_vae --only shapes3d_fixed --only cifar10_fixed"
        )
    return Evaluation(str(place), metrics, claims({**metrics, **recorded_ablations()}))


ABLATIONS = {"full": "half_steps", "uniform": "", "input": "", "concatenation": "", "linear": "", "narrow": ""}
"""Figure 4's variants → the experiment, where it is called differently. All were trained for half the steps."""


def recorded_ablations() -> dict[str, float]:
    """Gap closed by every variant of Figure 4 on CIFAR-10, as recorded when it was trained; its networks do not ship."""
    found = recorded()
    fixed = found.get("cifar10_fixed")
    metrics = {}
    for key, name in ABLATIONS.items():
        card = found.get(f"cifar10_{name or key}")
        if card and fixed:
            grid = Config.from_json(fixed.config).grid
            values = compare(recorded_frontier(card), recorded_frontier(fixed), grid)
            metrics[f"cifar10_recorded_gap_closed_{key}"] = values["gap_closed"]
    return metrics


@torch.inference_mode()
def sample_change(decoders: Sequence[BetaVAE], grid: Tensor, count: int = 64) -> float:
    """How much a sample changes from one β to the next, when its noise stays: a share of how much noise changes it.

    Args:
        decoders: the network to ask at each grid point; one and the same G times, or G separate ones.
        grid: β, ``(G,)``.
        count: noise vectors.

    Returns:
        mean squared pixel difference between neighbouring β and equal noise, over that between equal β and different noise.
    """
    noise = fixed_noise(count, decoders[0].architecture.latent)
    rows = zip(decoders, grid, strict=True)
    samples = torch.stack([pixel_mean(network.decode(noise, beta.expand(count))) for network, beta in rows])
    between_betas = (samples[1:] - samples[:-1]).square().mean()
    between_noises = (samples - samples.roll(1, dims=1)).square().mean()
    return float(between_betas / between_noises)


def _measure(trained: Mapping[str, Trained], held_out: Tensor) -> dict[str, float]:
    """All metrics of one data set; ``trained`` is keyed by the experiments' names without the data set."""
    grid = trained["fixed"].config.grid
    frontiers = {
        KEYS.get(name, name): frontier(trained[name].model, held_out, grid)
        for name in ("fixed", *COMPARED)
        if name in trained
    }
    fixed = frontiers["fixed"]
    index, single = single_model(fixed, grid)
    metrics = {
        "single_model_beta": float(grid[index]),
        "single_model_gap": float(gap(single, full_loss(fixed, grid)).mean()),
    }
    for name, values in frontiers.items():
        if name != "fixed":
            metrics.update({f"{key}_{name}": value for key, value in compare(values, fixed, grid).items()})
    members = separate(trained["fixed"].model)
    mixed = interpolation(members[0], members[-1], held_out, torch.linspace(0, 1, 9))
    best = best_of_all(mixed, grid)  # at its most favourable: every β takes the mixture that is best for it
    metrics["gap_closed_interpolation"] = _gap_closed(best, full_loss(fixed, grid), single)
    metrics.update(
        {f"hypervolume_{name}": v for name, v in hypervolumes({**frontiers, "interpolation": mixed}).items()}
    )
    metrics["sample_change_fixed"] = sample_change(members, grid)
    if "yoto" in trained:
        metrics["sample_change_yoto"] = sample_change([trained["yoto"].model] * len(grid), grid)
    metrics.update({f"beta_{i}": float(beta) for i, beta in enumerate(grid)})
    for name, values in frontiers.items():
        metrics.update({f"{name}_{term}_{i}": float(v) for term, row in values.items() for i, v in enumerate(row)})
    return metrics
