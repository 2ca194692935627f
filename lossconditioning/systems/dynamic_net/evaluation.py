"""Measures all shipped Dynamic-Nets anew: the numbers behind Figures 3 to 8."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from torch import nn

from lossconditioning.errors import CheckpointError
from lossconditioning.evaluation import Evaluation
from lossconditioning.paths import shipped
from lossconditioning.systems.dynamic_net import completion, faces, stylisation
from lossconditioning.systems.dynamic_net.claims import claims
from lossconditioning.systems.dynamic_net.recipes import SYSTEM, Config, application, experiments
from lossconditioning.training.cards import Card, cards, finished, load_network, read_card


@dataclass(frozen=True)
class Trained:
    """A finished experiment: its configuration, card and network, or its tuning blocks alone."""

    config: Config
    card: Card
    model: nn.Module


def load(name: str, folder: Path | None = None) -> Trained:
    """Load a finished experiment, verified; from the shipped checkpoints if no folder is given."""
    folder = folder or shipped("checkpoints") / SYSTEM
    card, model = load_network(folder, name, SYSTEM, lambda card: application(card.name).build(_config(card)))
    return Trained(_config(card), card, model)


def _config(card: Card) -> Config:
    return application(card.name).Config.from_json(card.config)


def recorded(folder: Path | None = None) -> dict[str, Card]:
    """Cards of finished experiments by name; the shipped ones' if no folder is given."""
    return {card.name: card for card in cards(folder or shipped("checkpoints") / SYSTEM, SYSTEM)}


def recorded_evaluation() -> Evaluation:
    """The recorded result of `evaluate` on the shipped checkpoints, with VGG-19's features and BSDS500's photographs."""
    return Evaluation.read(shipped("records") / f"{SYSTEM}.json")


def evaluate(
    checkpoint: Path | None = None, folder: Path | None = None, *, weights: Path | None = None, thorough: bool = False
) -> Evaluation:
    """Measure every finished checkpoint of a folder anew, and check the paper's claims.

    Args:
        checkpoint: a folder of checkpoints; the shipped ones if not given.
        folder: of photographs, or with a ``bsds500/val`` in it; the built-in photographs stand in where there is none. If it
            has ``weights`` in it, the losses' network is taken from there.
        weights: of the losses' network, see `PerceptualFeatures`.
        thorough: also measure the thousand settings of Figure 3, which takes minutes.

    Returns:
        metrics: see `stylisation.evaluate`, `faces.evaluate_faces` and `completion.evaluate_completion`; and
        ``face_monotonicity``, ``face_shift``: of the attribute that follows least.
    """
    place, names = finished(checkpoint or shipped("checkpoints") / SYSTEM, SYSTEM)
    missing = sorted(set(experiments("laptop")) - set(names))
    if missing:
        raise CheckpointError(
            f"{place} lacks {missing}, without which there is nothing to compare; train them: "
            f"lossconditioning train {SYSTEM} --only NAME …"
        )
    configs = {name: _config(read_card(place / f"{name}.json")) for name in names}

    def network(name: str) -> nn.Module:
        return load(name, place).model

    metrics = {
        **stylisation.evaluate(network, configs["style_blocks"], folder, weights, thorough),
        **faces.evaluate_faces(network, {name: configs[name] for name in faces.experiments("laptop")}, folder),
        **completion.evaluate_completion(network, configs["hole_sharp"], folder, weights),
    }
    for number in ("monotonicity", "shift"):
        metrics[f"face_{number}"] = min(metrics[f"face_{number}_{attribute}"] for attribute in faces.TURNED.values())
    return Evaluation(str(place), metrics, claims(metrics))
