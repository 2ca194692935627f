"""Training that is killed with SIGKILL, again and again, ends where an uninterrupted one does."""

import io
import multiprocessing
import random
import re
import signal
import threading
import time
from functools import partial
from pathlib import Path

import pytest
import torch
from tqdm import tqdm

from lossconditioning.systems.toy import Config, fit
from lossconditioning.training import Loop, Run, checkpoints, load_state

CONFIG = Config("killed", points=64, width=8, epochs=150, seeds=2, schedule="cosine", average=0.99)
EVERY = CONFIG.steps // 20
KILLS = 25

# A server that has imported everything once (an optimizer imports torch._dynamo), so that a life begins at once.
context = multiprocessing.get_context("forkserver")
context.set_forkserver_preload(["pytest", "torch._dynamo", "lossconditioning.systems.toy"])


class SlowFile(io.FileIO):
    """Writes in small pieces with pauses, so that there is time to be killed in the middle."""

    def write(self, data) -> int:
        for start in range(0, len(data), 2000):
            super().write(data[start : start + 2000])
            time.sleep(0.005)
        return len(data)


def life(folder: str, step, resumed_from, slow_disk: bool) -> None:
    """What the process does that is killed: `fit`, with its progress visible from outside."""
    log, resume = Loop.log, Loop.resume

    def visible_log(loop: Loop, **metrics) -> None:
        log(loop, **metrics)
        step.value = loop.step

    def visible_resume(loop: Loop) -> bool:
        found = resume(loop)
        resumed_from.value = loop.step
        return found

    Loop.log, Loop.resume = visible_log, visible_resume
    if slow_disk:
        checkpoints.open = SlowFile
    torch.set_num_threads(1)
    tqdm.set_lock(threading.RLock())  # its own, shared between processes, would outlive the killed one
    fit(CONFIG, Run(seed=3, progress=False), folder)


class Life:
    """A training process, and what can be seen of it from outside."""

    def __init__(self, folder: Path, slow_disk: bool = False):
        self.folder = folder
        self.step, self.resumed_from = context.Value("i", -1, lock=False), context.Value("i", -1, lock=False)
        self.process = context.Process(target=life, args=(str(folder), self.step, self.resumed_from, slow_disk))
        self.process.start()

    def wait(self, condition) -> None:
        deadline = time.monotonic() + 60
        while self.process.is_alive() and not condition():
            assert time.monotonic() < deadline, "the training process hangs"
            time.sleep(0.0005)

    def resumed(self) -> bool:
        return self.resumed_from.value >= 0

    def reached(self, step: int) -> bool:
        return self.step.value >= step

    def half_written(self) -> bool:
        return any(self.folder.glob(".step-*.partial"))

    def end(self) -> int:
        self.process.join()
        return self.process.exitcode


def final_state(folder: Path) -> tuple[str, dict[str, bytes]]:
    """Everything the last checkpoint holds, to the bit, but for the seconds it took."""
    file = folder / f"step-{CONFIG.steps:09d}.safetensors"
    assert {"model", "optimizer", "schedule", "average"} == load_state(file)["state"].keys()
    text, tensors = checkpoints.read_verified(file)
    text, changed = re.subn(r'\["seconds", \{"value": [^}]*\}\]', "", text)
    assert changed == 1
    return text, {name: tensor.numpy().tobytes() for name, tensor in tensors.items()}


@pytest.mark.slow
def test_sigkill_at_any_moment_loses_one_interval_at_most(tmp_path):
    whole = Life(tmp_path / "uninterrupted")
    assert whole.end() == 0
    chance, kills, kills_while_writing, trainings = random.Random(0), 0, 0, 0
    while kills < KILLS:
        folder, seen, trainings, exitcode = tmp_path / str(trainings), -1, trainings + 1, -signal.SIGKILL
        while exitcode == -signal.SIGKILL:
            moment = ["writing", "step", "time"][kills % 3] if kills < KILLS else "never"
            now = Life(folder, slow_disk=moment == "writing")
            if moment == "writing":
                now.wait(now.resumed)  # which removes what was left half written
                now.wait(now.half_written)
                time.sleep(chance.uniform(0, 0.03))
            if moment == "step":
                now.wait(partial(now.reached, seen + chance.randint(1, 2 * EVERY)))
                time.sleep(chance.uniform(0, 0.004))
            if moment == "time":
                time.sleep(chance.uniform(0, 0.5))
            if moment != "never":
                now.process.kill()
            exitcode = now.end()
            kills += exitcode == -signal.SIGKILL
            kills_while_writing += exitcode == -signal.SIGKILL and now.half_written()
            if now.resumed():
                # Logging step t is the last sign of life before t + 1 steps are finished and perhaps saved.
                assert max(0, seen // EVERY * EVERY) <= now.resumed_from.value <= seen + 1
            seen = max(seen, now.step.value)
        assert exitcode == 0
        assert trainings < 5, "training finishes without being seen at writing"
        assert final_state(folder) == final_state(tmp_path / "uninterrupted")
    assert kills_while_writing >= 5
