"""Holds one conditional painter against the fixed-weight ones it replaces: Figures 6a and 6b of "You Only Train Once"."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lossconditioning.datasets import paintings
from lossconditioning.errors import CheckpointError
from lossconditioning.evaluation import Evaluation
from lossconditioning.paths import data_cache, shipped
from lossconditioning.systems.style_transfer.claims import claims
from lossconditioning.systems.style_transfer.comparisons import figure_6a, figure_6b, monotonicity, sensitivity, unseen
from lossconditioning.systems.style_transfer.measures import Measure
from lossconditioning.systems.style_transfer.models import Painter
from lossconditioning.systems.style_transfer.pictures import PAINTING_SIDE, held_out_photographs, styles
from lossconditioning.systems.style_transfer.recipes import SYSTEM, Config, build, fixed_settings
from lossconditioning.systems.style_transfer.style_features import describe, describer
from lossconditioning.systems.style_transfer.task import WEIGHTS
from lossconditioning.systems.style_transfer.training import perceptual_loss, weights_for
from lossconditioning.training.cards import Card, cards, finished, load_network


@dataclass(frozen=True)
class Trained:
    """A finished experiment: its configuration, card and network."""

    config: Config
    card: Card
    model: Painter


def load(name: str, folder: Path | None = None) -> Trained:
    """Load a finished experiment, verified; from the shipped checkpoints if no folder is given."""
    folder = folder or shipped("checkpoints") / SYSTEM
    card, model = load_network(folder, name, SYSTEM, lambda card: build(Config.from_json(card.config)))
    return Trained(Config.from_json(card.config), card, model)


def recorded(folder: Path | None = None) -> dict[str, Card]:
    """Cards of finished experiments by name; the shipped ones' if no folder is given."""
    return {card.name: card for card in cards(folder or shipped("checkpoints") / SYSTEM, SYSTEM)}


def recorded_evaluation() -> Evaluation:
    """The recorded result of `evaluate` on the shipped checkpoints, with VGG-19's features and BSDS500's photographs."""
    return Evaluation.read(shipped("records") / f"{SYSTEM}.json")


# `lossconditioning evaluate style_transfer` -------------------------------------------------------------------------------


def evaluate(
    checkpoint: Path | None = None,
    folder: Path | None = None,
    *,
    weights: Path | None = None,
) -> Evaluation:
    """Measure every finished checkpoint of a folder anew on held-out photographs, and check the paper's claims.

    Args:
        checkpoint: a folder of checkpoints; the shipped ones if not given.
        folder: of photographs, or with a ``bsds500/val`` in it; the built-in photographs stand in where there is none. If it
            has ``weights`` in it, the losses' network is taken from there.
        weights: of the losses' network, see `PerceptualFeatures`.

    Returns:
        metrics: see `figure_6a`, `figure_6b` and `monotonicity`; ``sensitivity_WEIGHT_TERM``; where the folder has
        ``paintings/pointillism``, see `unseen`; ``photographs``, how many there were.
    """
    place, names = finished(checkpoint or shipped("checkpoints") / SYSTEM, SYSTEM)
    needed = {"yoto", "specialist", *fixed_settings()}
    if not needed <= set(names):
        raise CheckpointError(
            f"{place} lacks {sorted(needed - set(names))}, without which there is nothing to compare; train them: "
            "lossconditioning train style_transfer --only NAME …"
        )
    yoto = load("yoto", place)
    models = {"yoto": yoto.model, **{name: load(name, place).model for name in needed - {"yoto"}}}
    measure = measure_for(yoto.config, folder, weights)
    metrics = {**figure_6a(models, measure), **figure_6b(models, measure), **monotonicity(yoto.model, measure)}
    changes = sensitivity(yoto.model, measure)
    metrics.update(
        {
            f"sensitivity_{weight}_{term}": float(changes[i, j])
            for i, weight in enumerate(WEIGHTS)
            for j, term in enumerate(WEIGHTS)
        }
    )
    metrics.update(_unseen(yoto, measure, folder, weights))
    metrics["photographs"] = len(measure.photographs)
    return Evaluation(str(place), metrics, claims(metrics))


def measure_for(config: Config, folder: Path | None = None, weights: Path | None = None) -> Measure:
    """Held-out photographs, each with one of the built-in paintings, under the losses that a configuration is trained with."""
    loss = perceptual_loss(config, weights, folder=folder)
    return Measure.of(loss, held_out_photographs(folder).pictures.values(), styles())


def _unseen(yoto: Trained, measure: Measure, folder: Path | None, weights: Path | None) -> dict[str, float]:
    place = Path(folder or data_cache()) / "paintings" / "pointillism"
    if not place.is_dir():
        return {}
    strangers = paintings(place, size=PAINTING_SIDE)
    describing, _ = describer(yoto.config.described_by, weights_for(yoto.config, folder, weights))
    return unseen(yoto.model, measure, strangers, describe(strangers.values(), describing))
