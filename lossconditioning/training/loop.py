"""The resumable training loop.

The loop itself stays ordinary PyTorch, in the reader's cell. `Loop` only makes it a good citizen: progress and time left,
atomic checkpoints, exact resume, a time budget, a history of metrics. It does not know about losses or optimizers, so it
serves one model as well as a generator and its discriminator.

    loop = Loop(batches, steps=20_000, state={"model": model, "optimizer": optimizer}, path="runs/vae")
    for batch in loop:
        lam = prior.sample((len(batch),))
        loss = weighted(terms(model, batch, lam), {"kl": lam}).mean()
        optimizer.zero_grad(); loss.backward(); optimizer.step()
        loop.log(loss=loss)
"""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from numbers import Real
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from lossconditioning.errors import CheckpointError, ReaderError, positive_int
from lossconditioning.training.checkpoints import clear_partial, described, load_state, save_state
from lossconditioning.training.gradients import gradients, restore_gradients
from lossconditioning.training.identity import compare, identity
from lossconditioning.training.interrupt import deferred_interrupt
from lossconditioning.training.memory import keep_freed_memory
from lossconditioning.training.progress import progress_bar, report_interval
from lossconditioning.training.randomness import generators_state, reseed_torch, restore_generators, seed_everything


class Loop:
    """Iterate over training batches; save, resume and report on the way.

    Args:
        batches: ``batches[t]`` or ``batches(t)`` is the batch of step t, a function of t alone (see `Batches`).
        steps: when training is done.
        state: name → what training changes: modules, optimizers, schedulers, gradient scalers (anything with
            ``state_dict`` and ``load_state_dict``) and ``torch.Generator``. The gradients of modules and optimizers are
            saved with them, for steps that accumulate.
        path: folder of the checkpoints. Without it nothing is saved. A checkpoint of another training is refused: of
            another ``seed``, other kinds of state, optimizers and schedules made with other values, or of more steps than
            ``steps``; of fewer, it is continued.
        first: step to begin with where there is no checkpoint, for what has taken so many steps already.
        every: steps between checkpoints; a twentieth of ``steps`` if not given.
        keep: how many checkpoints to keep, at least 2, so that one that turns out damaged has one before it.
        seed: of every random number in training; step t draws from (seed, t).
        minutes: stop, saved, when this much time is used up. ``done`` then tells whether training has finished.
        config: numbers, strings, lists and dictionaries that say what is trained besides, such as the loss; a checkpoint
            of another configuration is refused.
        label: name shown at the progress bar.
        progress: whether to show the bar.
        writes: whether this process saves checkpoints. Of several processes that train one network only one should; all
            of them resume.
        agree: maps "this process wants to stop" to "all stop now", for several processes that must take the same number of
            steps.

    Attributes:
        step: steps finished so far.
        history: one dictionary per logged step, at most about 1,000 over the whole run.
        resumed_from: the step of the checkpoint that was continued from, or None.
        seconds: time spent on the steps finished so far, over all calls.

    While iterating, the global generators of torch, NumPy and Python are the loop's: torch's are seeded anew at every
    step, NumPy's and Python's once, and their state is part of the checkpoint. An interrupt (Ctrl-C, a notebook's stop
    button) is held back until the step is finished and saved, then raised.

    A step is finished when the next batch is asked for: a loop that is left by ``break`` continues from its last
    checkpoint. ``zip``, ``enumerate``, ``tqdm`` or ``itertools.islice`` may stand around a `Loop`; what asks for batches
    ahead of time may not.
    """

    def __init__(
        self,
        batches: Any,
        *,
        steps: int,
        state: Mapping[str, Any],
        path: str | Path | None = None,
        first: int = 0,
        every: int | None = None,
        keep: int = 2,
        seed: int = 0,
        minutes: float | None = None,
        config: Mapping[str, Any] | None = None,
        label: str = "",
        progress: bool = True,
        writes: bool = True,
        agree: Callable[[bool], bool] = bool,
    ):
        self.steps = positive_int("steps", steps)
        self.every = max(1, steps // 20) if every is None else positive_int("every", every)
        self.keep = positive_int("keep", keep)
        if keep < 2:
            raise ReaderError(
                "keep must be at least 2: if the newest checkpoint is damaged, the one before it is used."
            )
        if not (isinstance(first, int) and 0 <= first <= steps):
            raise ReaderError(f"first is one of the {steps:,} steps, from 0; got {first!r}.")
        if minutes is not None and not (isinstance(minutes, Real) and minutes > 0):
            raise ReaderError(f"minutes must be a positive number; got {minutes!r}.")
        if not isinstance(seed, int):
            raise ReaderError(f"seed must be a whole number; got {seed!r}.")
        if not isinstance(state, Mapping):
            raise ReaderError(f"state is a dictionary such as {{'model': model}}; got a {type(state).__name__}.")
        for name, item in state.items():
            if not isinstance(item, torch.Generator) and not (
                hasattr(item, "state_dict") and hasattr(item, "load_state_dict")
            ):
                raise ReaderError(
                    f"state[{name!r}] is a {type(item).__name__}, which has no state_dict: it can not be resumed."
                )
        self.batches = _by_step(batches)
        self.state, self.seed, self.minutes = dict(state), seed, minutes
        self.path = None if path is None else Path(path)
        if self.path and self.path.exists() and not self.path.is_dir():
            raise ReaderError(f"path is the folder of the checkpoints, but {self.path} is a file. Give another.")
        self.config = dict(config or {})
        if self.path:
            described(self.config, "config")  # refused now, not at the first checkpoint
        self.label, self.progress = label, progress
        self.writes, self.agree = writes, agree
        self.step = first
        self.history: list[dict[str, float]] = []
        self.resumed_from: int | None = None
        self.seconds = 0.0
        self._latest: dict[str, Any] = {}
        self._stride = -(-steps // 1000)
        self._identity: dict[str, Any] = {}

    @property
    def done(self) -> bool:
        """Whether all steps are finished."""
        return self.step >= self.steps

    def log(self, **metrics: Tensor | float) -> None:
        """Note metrics of the step under way: shown at the bar, and kept in ``history`` every ``steps / 1000`` steps."""
        wide = [name for name, value in metrics.items() if isinstance(value, Tensor) and value.numel() != 1]
        if wide:
            raise ReaderError(
                f"A metric is one number; {wide[0]} has shape {tuple(metrics[wide[0]].shape)}. Take its .mean()."
            )
        self._latest = {name: value.detach() if isinstance(value, Tensor) else value for name, value in metrics.items()}
        if self.step % self._stride == 0 or self.step == self.steps - 1:
            self.history.append({"step": self.step, **{name: float(value) for name, value in self._latest.items()}})

    def __iter__(self) -> Iterator[Any]:
        if self.resume():
            print(f"{self.label or 'Training'}: continuing from step {self.step:,} of {self.steps:,}.", file=sys.stderr)
        else:
            seed_everything(self.seed, self.step)
        if not self.done:
            yield from self._train()

    def _train(self) -> Iterator[Any]:
        keep_freed_memory()
        self._check_storable()
        began = self.step
        started = time.monotonic() - self.seconds
        deadline = None if self.minutes is None else time.monotonic() + 60 * self.minutes
        bar = progress_bar(self.steps, self.label, initial=self.step, show=self.progress)
        with bar, deferred_interrupt(saves=self.path is not None) as interrupted:
            interval, next_report = report_interval(), 0.0
            while not self.done:
                reseed_torch(self.seed, self.step)
                interrupted.driven()
                try:
                    yield self.batches(self.step)
                except GeneratorExit:
                    interrupted.abandon()
                    raise
                self.step += 1
                now = time.monotonic()
                self.seconds = now - started
                if now >= next_report:
                    next_report = now + interval
                    self._report(bar)
                stop = self.done or self.agree(bool(interrupted) or (deadline is not None and now >= deadline))
                if stop:
                    self._report(bar)
                if self.step == began + 1:
                    self._check_storable()  # an optimizer has its state from its first step on
                if stop or self.step % self.every == 0:
                    self._checkpoint(must=stop)
                if stop and interrupted:
                    interrupted.granted()
                    again = "; run again to continue" if self.path and not self.done else ""
                    raise KeyboardInterrupt(f"stopped at step {self.step:,} of {self.steps:,}{again}")
                if stop:
                    return

    def _report(self, bar: Any) -> None:
        if not bar.disable:
            bar.set_postfix_str(", ".join(f"{k} {float(v):.4g}" for k, v in self._latest.items()), refresh=False)
            bar.update(self.step - bar.n)

    # Checkpoints ------------------------------------------------------------------------------------------------------

    def _files(self) -> list[Path]:
        """Checkpoints in the folder, newest first."""
        return sorted(self.path.glob("step-*.safetensors"), reverse=True) if self.path else []

    def _check_storable(self) -> None:
        """Refuse a state that no checkpoint could hold, before hours are spent on it."""
        if self.path and self.writes:
            described(self._state(), "state")

    def _checkpoint(self, must: bool) -> None:
        if self.path is None or not self.writes:
            return
        try:
            save_state(self.path / f"step-{self.step:09d}.safetensors", self._snapshot())
        except OSError as error:
            if must:
                raise ReaderError(
                    f"The state at step {self.step} can not be saved in {self.path} ({error.strerror or error}). Checkpoints "
                    "saved before are untouched. Make room, or give another folder, and run again."
                ) from None
            warnings.warn(f"Checkpoint at step {self.step} not saved ({error}); training goes on.", stacklevel=4)
            return
        # Only what leads up to this step counts: a file of a later step was refused when the run resumed.
        kept = [file for file in self._files() if file.name <= f"step-{self.step:09d}.safetensors"][: self.keep]
        for old in set(self._files()) - set(kept):
            old.unlink(missing_ok=True)

    def _snapshot(self) -> dict[str, Any]:
        return {
            "step": self.step,
            "seconds": self.seconds,
            "config": self.config,
            "identity": self._identity,
            "history": self.history,
            "random": generators_state(),
            "state": self._state(),
            "gradients": gradients(self.state),
        }

    def _state(self) -> dict[str, Any]:
        return {
            name: item.get_state() if isinstance(item, torch.Generator) else item.state_dict()
            for name, item in self.state.items()
        }

    def resume(self) -> bool:
        """Load the newest usable checkpoint of ``path``; called when iteration starts.

        Returns:
            whether there was one.

        Raises:
            CheckpointError: if there are checkpoints, but none can be used. Nothing is overwritten then.
        """
        if self.path is None:
            return False
        self._identity = identity(self.seed, self.state)
        if self.writes:
            clear_partial(self.path, "step-*")
        files, problems = self._files(), []
        for file in files:
            try:
                self._restore(load_state(file, keys=("config", "state", "step", "seconds", "history", "random")), file)
            except CheckpointError as error:
                problems.append(str(error))
                continue
            for problem in problems:
                warnings.warn(f"{problem} Continuing from the one before it, {file.name}.", stacklevel=4)
            self.resumed_from = self.step
            return True
        if files:
            raise CheckpointError(
                f"None of the {len(files)} checkpoints in {self.path} can be used: {problems[0]} "
                "To start anew, delete the folder or give another path."
            )
        return False

    def _restore(self, saved: dict[str, Any], file: Path) -> None:
        if saved["step"] > self.steps:
            raise CheckpointError(f"{file} has {saved['step']:,} steps, more than the {self.steps:,} asked for.")
        if set(saved["state"]) != set(self.state):
            raise CheckpointError(f"{file} holds {sorted(saved['state'])}, but this loop trains {sorted(self.state)}.")
        compare(file, saved, self.config, self._identity, self.state)
        for name, item in self.state.items():
            try:
                load = item.set_state if isinstance(item, torch.Generator) else item.load_state_dict
                load(saved["state"][name])
            except (RuntimeError, ValueError, KeyError, TypeError) as error:
                raise CheckpointError(f"{file}: {name} does not fit ({str(error).splitlines()[0]})") from None
        if "gradients" in saved:  # not in checkpoints of earlier versions, nor an identity
            restore_gradients(self.state, saved["gradients"])
        self._identity = saved.get("identity", self._identity)
        self.step, self.seconds, self.history = saved["step"], saved["seconds"], saved["history"]
        restore_generators(saved["random"])


def _by_step(batches: Any) -> Callable[[int], Any]:
    if callable(batches):
        return batches
    if hasattr(batches, "__getitem__"):
        return batches.__getitem__
    raise ReaderError(
        f"batches is a {type(batches).__name__}; expected batches[t] or batches(t), the batch of step t (see lc.Batches). "
        "An iterator can not be resumed."
    )
