"""Finished checkpoints and their cards.

A finished checkpoint is two files: ``NAME.safetensors`` with the weights, and ``NAME.json``, its card: what was trained,
how, on what, how long, and what was measured on it. The card also holds the weights' digest, so the two can not be mixed up.
"""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor, nn

from lossconditioning.errors import CheckpointError
from lossconditioning.training.checkpoints import write_atomically


@dataclass(frozen=True)
class Card:
    """What is known about a finished checkpoint.

    Attributes:
        system, name: which experiment of which system.
        config: the configuration it was trained with; retraining needs nothing else.
        profile, seed, steps, seconds: how it was trained, and how long that took.
        data: what it was trained on.
        command: makes it again.
        metrics: name → number, measured on this checkpoint.
        tolerance: by how much a retrained checkpoint's metrics may differ, as a sentence.
        device, versions: where and with what.
        digest: SHA-256 of the weights' file.
        start: steps and digest of the finished network that training began with, see `Run.start`; empty if it began with drawn
            weights. ``seconds`` are those of the steps after it.
    """

    system: str
    name: str
    config: dict[str, Any]
    profile: str
    seed: int
    steps: int
    seconds: float
    data: str
    command: str
    metrics: dict[str, float] = field(default_factory=dict)
    tolerance: str = ""
    device: str = ""
    versions: dict[str, str] = field(default_factory=dict)
    digest: str = ""
    start: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return (
            f"{self.system}/{self.name}: {self._taken()} steps on {self.data}, seed {self.seed}, "
            f"{self.seconds / 60:.1f} minutes on {self.device}. Made by: {self.command}"
        )

    def _taken(self) -> str:
        """How many steps, and how many of them since training was taken up again."""
        begun = self.start.get("steps", 0)
        return f"{self.steps:,}" if not begun else f"{begun:,} and another {self.steps - begun:,}"


def environment() -> tuple[str, dict[str, str]]:
    """The device's name and the versions of Python and torch, for a card."""
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else f"CPU, threads: {torch.get_num_threads()}"
    return device, {"python": platform.python_version(), "torch": torch.__version__.split("+")[0]}


def in_half_precision(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """A state_dict as it is stored: floating-point weights in float16, half the size. Measure after this, not before."""
    return {name: tensor.half() if tensor.is_floating_point() else tensor for name, tensor in tensors.items()}


def publish(folder: Path, card: Card, tensors: dict[str, Tensor]) -> Card:
    """Write a finished checkpoint and its card into ``folder``; the weights first, so that a card never stands alone."""
    data = save_tensors(
        {name: tensor.detach().cpu().clone(memory_format=torch.contiguous_format) for name, tensor in tensors.items()}
    )
    write_atomically(folder / f"{card.name}.safetensors", data)
    card = Card(**{**asdict(card), "digest": hashlib.sha256(data).hexdigest()})
    text = json.dumps(asdict(card), indent=1, ensure_ascii=False)
    write_atomically(folder / f"{card.name}.json", (text + "\n").encode())
    return card


def read_card(path: str | Path) -> Card:
    """Read a card.

    Raises:
        CheckpointError: if the file is missing or not a card.
    """
    try:
        return Card(**json.loads(Path(path).read_text(encoding="utf-8")))
    except (FileNotFoundError, NotADirectoryError):
        raise CheckpointError(f"There is no card {path}. Check folder and name, or train the checkpoint.") from None
    except (ValueError, TypeError) as error:
        raise CheckpointError(f"{path} is not a card of a checkpoint ({error}).") from None


def cards(folder: Path, system: str) -> list[Card]:
    """The cards of one system in a folder, by name; other JSON files are refused, not skipped."""
    found = [read_card(path) for path in sorted(folder.glob("*.json"))]
    foreign = [card.name for card in found if card.system != system]
    if foreign:
        raise CheckpointError(
            f"{folder} holds checkpoints of another system ({foreign[0]}), not of {system!r}. Give another folder."
        )
    return found


def stored_weights(folder: Path, card: Card) -> bytes:
    """The file of the weights that a card describes, verified.

    Raises:
        CheckpointError: if it is missing, damaged, or another one.
    """
    path = folder / f"{card.name}.safetensors"
    try:
        data = path.read_bytes()
        if hashlib.sha256(data).hexdigest() == card.digest:
            return data
        load_tensors(data)
        problem = f"{path} is not the file its card describes (its digest does not fit)"
    except FileNotFoundError:
        problem = f"The card {card.name}.json stands alone: {path} is missing"
    except OSError as error:
        problem = f"{path} can not be read ({error.strerror or error})"
    except SafetensorError as error:
        problem = f"{path} is damaged or not a safetensors file ({error})"
    raise CheckpointError(
        f"{problem}. Fetch it again; or delete the card, {folder / card.name}.json, and train it anew: {card.command}"
    )


def load_published(folder: str | Path, name: str, system: str) -> tuple[Card, dict[str, Tensor]]:
    """Load a finished checkpoint, verified against its card; weights come back as float32.

    Raises:
        CheckpointError: if a file is missing, belongs to another system, or the weights are not those of the card.
    """
    folder = Path(folder)
    card = read_card(folder / f"{name}.json")
    if card.system != system:
        raise CheckpointError(
            f"{folder / name}.json is a checkpoint of {card.system!r}, not of {system!r}. Load it with that system, or give "
            "another folder."
        )
    tensors = load_tensors(stored_weights(folder, card))
    return card, {key: tensor.float() if tensor.is_floating_point() else tensor for key, tensor in tensors.items()}


def finished(path: str | Path, system: str) -> tuple[Path, list[str]]:
    """The finished checkpoints that a path means: all of a folder, or the one of a ``.safetensors`` file.

    Returns:
        the folder, and the names of the experiments in it.

    Raises:
        CheckpointError: if there is none.
    """
    path = Path(path)
    if path.is_file() or path.suffix == ".safetensors":
        return path.parent, [path.stem]
    names = [card.name for card in cards(path, system)] if path.is_dir() else []
    if not names:
        raise CheckpointError(
            f"There is no finished checkpoint of {system!r} in {path}. Train one: "
            f"lossconditioning train {system} --out {path}"
        )
    return path, names


def load_network(
    folder: str | Path, name: str, system: str, build: Callable[[Card], nn.Module]
) -> tuple[Card, nn.Module]:
    """Load a finished checkpoint into the network its card describes.

    Args:
        build: makes the untrained network of a card's configuration.

    Raises:
        CheckpointError: as `load_published`, or if this version does not build such a network.
    """
    card, tensors = load_published(folder, name, system)
    try:
        model = build(card)
        model.load_state_dict(tensors)
    except (TypeError, AttributeError, RuntimeError) as error:
        raise CheckpointError(
            f"{Path(folder) / name}.json describes networks that this version does not build ({str(error).splitlines()[0]}). "
            f"Train it anew: {card.command}"
        ) from None
    return card, model.eval()
