"""What every system offers, written down once: its own part, and all that follows from it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from accelerate import PartialState
from torch import Tensor, nn

from lossconditioning.errors import CheckpointError, ReaderError
from lossconditioning.evaluation import Evaluation, Statement, measured_claims
from lossconditioning.paths import shipped
from lossconditioning.training.cards import Card, cards, finished, in_half_precision, load_network
from lossconditioning.training.config import Config
from lossconditioning.training.continuing import start_of
from lossconditioning.training.devices import check_defaults
from lossconditioning.training.experiments import (
    alone,
    clear_unfinished,
    finish,
    in_waves,
    is_finished,
    make_folder,
)
from lossconditioning.training.fitting import fit
from lossconditioning.training.lending import lent
from lossconditioning.training.loop import Loop
from lossconditioning.training.runs import Run
from lossconditioning.training.schedules import optimizer_and_schedule
from lossconditioning.training.workers import train_many

Batch = Any
"""Tensors whose first axis, an ensemble's second, runs over examples: one, or a (named) tuple of them."""
Terms = dict[str, Tensor]


@dataclass(frozen=True)
class Data:
    """What an experiment is trained and measured on; a system may add to it.

    Attributes:
        source: what it is, in words, for the card.
        batches: step → a batch, a function of the step alone.
        held_out: what networks are measured on.
        made: the finished networks that the experiment needs, by name.
    """

    source: str
    batches: Callable[[int], Batch]
    held_out: Any = None
    made: Mapping[str, nn.Module] = field(default_factory=dict)


@dataclass(frozen=True)
class Trained:
    """A finished experiment: its configuration, card and network."""

    config: Config
    card: Card
    model: nn.Module


def drawn(config: Config, model: nn.Module, batch: Batch, done: float) -> tuple[Batch, Tensor]:
    """A batch as it is, and λ from the network's prior, spread evenly over it."""
    count = len(batch if isinstance(batch, Tensor) else batch[0])
    return batch, model.prior.sample((count,), stratified=True)


@contextmanager
def as_it_is(config: Config, model: nn.Module, data: Data) -> Iterator[nn.Module]:
    """The network alone is trained, from the weights it was built with."""
    yield model


def none_needed(run: Run) -> tuple[str, ...]:
    """Whatever is finished is measured."""
    return ()


def none_recalled(found: Mapping[str, Card]) -> dict[str, float]:
    """Claims are judged by what is measured anew."""
    return {}


@dataclass(frozen=True, eq=False)
class System:
    """One paper's experiment. The functions are the system's own; the methods are the same for all.

    Attributes:
        name: on the command line, and of the folder of its checkpoints.
        Config: class of its configurations.
        experiments: profile → all experiments, by name, in the order they are trained.
        build: (config, seed) → an untrained network. Its weights depend on (seed, config.repeat) alone; its ``prior`` is
            what λ is drawn from, a `Fixed` one for a fixed-weight model.
        data: (config, run) → `Data`.
        terms: (model, batch, lam) → unweighted losses of each example, name → ``(B,)``.
        weigh: (config, terms, lam) → what is minimised, ``(B,)``: the objective, balanced or not.
        measure: (config, model, data) → numbers for a card, of one network.
        compare: (name → `Trained`, run) → numbers of finished networks beside one another.
        CLAIMS: the paper's, each with the metrics it needs, and how they are judged.
        play: the panel that readers play with.
        tolerance: by how much a retrained network's numbers may differ, a sentence.
        draw: (config, model, batch, share of training done) → batch and λ of each example.
        optimise: (config, model) → optimizer and schedule.
        around: (config, model, data) → a context: what is done before the first step and after the last; in it, the
            network that is called in training.
        training: (system, config, run, data, path) → network and loop; adversarial systems have their own.
        compared: run → experiments without which there is nothing to compare.
        recall: cards by name → further numbers for claims, as they were measured when the cards were written.
        reads: those of "data", "weights" and "thorough" in a `Run` that the system heeds.
    """

    name: str
    Config: type[Config]
    experiments: Callable[[str], dict[str, Config]]
    build: Callable[..., nn.Module]
    data: Callable[[Config, Run], Data]
    terms: Callable[[nn.Module, Batch, Tensor], Terms]
    weigh: Callable[[Config, Terms, Tensor], Tensor]
    measure: Callable[[Config, nn.Module, Data], Mapping[str, float]]
    compare: Callable[[Mapping[str, Trained], Run], dict[str, float]]
    CLAIMS: tuple[Statement, ...]
    play: Callable[..., Any]
    tolerance: str
    draw: Callable[[Config, nn.Module, Batch, float], tuple[Batch, Tensor]] = drawn
    optimise: Callable[[Config, nn.Module], tuple] = optimizer_and_schedule
    around: Callable[..., Any] = as_it_is
    training: Callable[..., tuple[nn.Module, Loop]] = fit
    compared: Callable[[Run], Iterable[str]] = none_needed
    recall: Callable[[Mapping[str, Card]], dict[str, float]] = none_recalled
    reads: tuple[str, ...] = ()

    # Training -------------------------------------------------------------------------------------------------------------

    def fit(
        self,
        config: Config,
        run: Run = Run(),  # noqa: B008 - frozen
        path: str | Path | None = None,
        made: Mapping[str, nn.Module] | None = None,
    ) -> tuple[nn.Module, Loop]:
        """Train one experiment, on whatever accelerate finds, see `training.devices`.

        Args:
            path: folder for resumable checkpoints; the same call again continues there.
            made: the finished networks that it needs, by name; out of ``run.out`` if not given.

        Returns:
            the network, and the loop with its history; ``loop.done`` tells whether time was enough.
        """
        return self._trained(config, run, self._gathered(config, run, made), path)

    def train(self, config: Config, run: Run) -> bool:
        """Train one experiment into a finished checkpoint and its card, ``NAME.safetensors`` and ``NAME.json`` in ``run.out``.

        Continues where an earlier call stopped, and does nothing if the checkpoint is finished. What killed processes have
        left half written is removed.

        Returns:
            whether it is finished now; False if ``run.minutes`` ran out first.

        Raises:
            CheckpointError: if ``run.out`` holds a finished checkpoint of another configuration or seed, or a card whose
                weights are missing or damaged.
            ReaderError: if another process trains the experiment there; if one that it needs is not finished there.
        """
        if run.out is None:
            raise ReaderError("Training needs a folder for its checkpoints: Run(out=…).")
        check_defaults()
        folder, first = Path(run.out), PartialState().is_main_process
        if is_finished(self.name, config, run):
            if first:
                with suppress(ReaderError), alone(self.name, config.name, folder):  # what a killed one has left there
                    clear_unfinished(folder, config.name)
            return True
        make_folder(folder)
        with alone(self.name, config.name, folder) if first else nullcontext():
            return is_finished(self.name, config, run) or self._published(config, run)

    def _published(self, config: Config, run: Run) -> bool:
        """Train and publish an experiment; whether there was time enough."""
        start = start_of(self.name, config, run)  # what is wrong with it is said now, and not after hours
        data = self._gathered(config, run)
        model, loop = self._trained(config, run, data, Path(run.out) / "unfinished" / config.name)
        if loop.done and PartialState().is_main_process:
            stored = in_half_precision(model.state_dict())
            kept = self.build(config, run.seed)  # as it will be loaded: training may have left its own under autocast
            kept.load_state_dict(stored)
            metrics = self.measure(config, kept.eval(), data)
            if not is_finished(self.name, config, run):  # by somebody else, where locks are not to be had
                said = {"data": data.source, "tolerance": self.tolerance, "start": start.noted()}
                finish(self.name, config, run, loop, stored, metrics, **said)
        return loop.done

    def train_all(self, configs: Iterable[Config], run: Run, workers: int = 1) -> int:
        """Train experiments, each after those that it needs, ``workers`` at a time, a process and a thread each.

        Returns:
            how many are finished; all of them, unless ``run.minutes``, which are for all together, ran out.
        """
        done, deadline = 0, None if run.minutes is None else time.time() + 60 * run.minutes
        travels = replace(self, CLAIMS=(), play=None)  # to other processes, which need neither; a lambda could not
        for wave in in_waves(configs):  # a circle is an error before hours are spent
            count = train_many(travels.train, wave, run, deadline, workers)
            done += count
            if count < len(wave):
                break
        return done

    def _trained(self, config: Config, run: Run, data: Data, path: str | Path | None) -> tuple[nn.Module, Loop]:
        with lent(data.made.values()):
            return self.training(self, config, run, data, path)

    def _gathered(self, config: Config, run: Run, made: Mapping[str, nn.Module] | None = None) -> Data:
        """An experiment's data, and the finished networks it needs."""
        made, missing = dict(made or {}), [name for name in config.needs if name not in (made or {})]
        for name in missing:
            if run.out is None or not (Path(run.out) / f"{name}.json").exists():
                raise ReaderError(
                    f"{config.name} builds on {name}, which is not in {run.out}. Train that first: lossconditioning train "
                    f"{self.name} --only {name} --profile {run.profile} --out {run.out}"
                )
            made[name] = self.load(name, run.out).model
        return replace(self.data(config, run), made=made)

    # Finished networks ----------------------------------------------------------------------------------------------------

    def place(self, folder: Path | str | None = None) -> Path:
        """A folder of finished checkpoints: the shipped ones if none is given."""
        return Path(folder) if folder is not None else shipped("checkpoints") / self.name

    def load(self, name: str, folder: Path | str | None = None) -> Trained:
        """Load a finished experiment, verified; from the shipped checkpoints if no folder is given."""
        check_defaults()

        def build(card: Card) -> nn.Module:
            return self.build(self.Config.from_json(card.config))

        card, model = load_network(self.place(folder), name, self.name, build)
        return Trained(self.Config.from_json(card.config), card, model)

    def recorded(self, folder: Path | str | None = None) -> dict[str, Card]:
        """Cards of finished experiments by name: a folder's, or all that the notebook shows, those too many to ship too."""
        folders = [Path(folder)] if folder else [self.place(), shipped("records") / self.name]
        return {card.name: card for each in folders for card in cards(each, self.name)}

    def recorded_evaluation(self) -> Evaluation:
        """The recorded result of `evaluate` on the shipped checkpoints."""
        return Evaluation.read(shipped("records") / f"{self.name}.json")

    def evaluate(self, checkpoint: Path | str | None = None, run: Run = Run()) -> Evaluation:  # noqa: B008 - frozen
        """Measure finished networks anew, from their weights, and hold the numbers against the paper's claims.

        Args:
            checkpoint: a folder of checkpoints, or one ``.safetensors`` file of it; the shipped ones if not given.
            run: where data and pretrained weights are; in the smoke profile as little as possible is measured.

        Returns:
            the numbers, see the system's ``compare``; what can not be measured, such as a gap between networks that are
            hardly trained, is left out. Claims about experiments that are not there are left out too.

        Raises:
            CheckpointError: if an experiment is missing without which there is nothing to compare.
        """
        folder, names = finished(self.place(checkpoint), self.name)
        missing = sorted(set(self.compared(run)) - set(names))
        if missing:
            raise CheckpointError(
                f"{folder} lacks {missing}, without which there is nothing to compare; train them: "
                f"lossconditioning train {self.name} --only NAME …"
            )
        trained = {name: self.load(name, folder) for name in names}
        metrics = self.compare(trained, run)
        found = self.recorded() if checkpoint is None else {name: item.card for name, item in trained.items()}
        claims = measured_claims(self.CLAIMS, {**metrics, **self.recall(found)}, {*names, *found})
        measured = folder if len(names) > 1 else folder / f"{names[0]}.safetensors"
        return Evaluation(str(measured), {k: v for k, v in metrics.items() if math.isfinite(v)}, claims)
