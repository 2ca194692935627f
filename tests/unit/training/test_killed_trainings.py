"""Trainings of every system that are killed, paired on one folder, or lose the process that started them.

Each of them ends, when it is run again, with the files of a training that nobody disturbed: no wrong result, no raw error,
no process that stays, no file left over.
"""

import io
import json
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest
import torch
from tqdm import tqdm

from lossconditioning import ReaderError
from lossconditioning.systems import system
from lossconditioning.training import Loop, Run, checkpoints, experiments

# System, experiment, and how often it is killed in training: in all 100 times, the systems that begin slowly less often.
IN_TRAINING = {
    ("toy", "paper_sym"): 32,
    ("dynamic_completion", "hole_sharp"): 22,
    ("dynamic_faces", "face_classifier"): 26,
    ("compression", "yoto"): 8,
    ("beta_vae", "shapes3d_yoto"): 8,
    ("dynamic_style", "style_fixed_0"): 2,
    ("style_transfer", "fixed_default"): 2,
}
# … and while it is published: in all 15 times.
IN_PUBLISHING = {("toy", "paper_sym"): 9, ("dynamic_completion", "hole_sharp"): 3, ("beta_vae", "shapes3d_yoto"): 3}
PAIRS = 30

# A server that has imported everything once, so that a life begins at once.
context = multiprocessing.get_context("forkserver")
context.set_forkserver_preload(["pytest", "torch._dynamo", *(f"lossconditioning.systems.{n}" for n, _ in IN_TRAINING)])


class SlowFile(io.FileIO):
    """Writes in forty pieces with pauses, so that there is time to be killed in the middle."""

    def write(self, data) -> int:
        size = len(data) // 40 + 1
        for start in range(0, len(data), size):
            super().write(data[start : start + size])
            time.sleep(0.003)
        return len(data)


def life(name, chosen, folder, seed, began, publishing, report) -> None:
    """What the process does: train experiments, visibly, and say how it ended."""
    torch.set_num_threads(1)
    tqdm.set_lock(threading.RLock())  # its own; a shared one would outlive a process that is killed with it
    resume, publish = Loop.resume, experiments.publish

    def visible_resume(loop):
        began.set()
        return resume(loop)

    def visible_publish(*arguments):
        checkpoints.open = SlowFile
        publishing.set()
        return publish(*arguments)

    Loop.resume, experiments.publish = visible_resume, visible_publish
    found = system(name)
    configs = [found.experiments("smoke")[each] for each in chosen]
    try:
        count = found.train_all(configs, Run(out=folder, profile="smoke", seed=seed, progress=False))
        report.send(f"finished {count}")
    except ReaderError as error:
        report.send(f"refused: {error}")
    except BaseException as error:
        report.send(f"failed: {error!r}")


class Life:
    """A training process."""

    def __init__(self, name, chosen, folder, seed=0):
        self.began, self.publishing = context.Event(), context.Event()
        self.report, report = context.Pipe(duplex=False)
        arguments = (name, chosen, folder, seed, self.began, self.publishing, report)
        self.process = context.Process(target=life, args=arguments)
        self.process.start()
        report.close()

    def reach(self, moment) -> float:
        """Wait for an event, or the end; when it was."""
        while not moment.wait(0.001) and self.process.is_alive():
            pass
        return time.monotonic()

    def end(self) -> str:
        """How it ended; "killed" if it said nothing any more."""
        self.process.join(120)
        assert not self.process.is_alive(), "the training process hangs"
        return self.report.recv() if self.report.poll() and not self.process.exitcode else "killed"


def results(folder: Path) -> dict[str, object]:
    """A folder's files: weights to the bit, and of cards what does not tell the time. Hidden files and folders, too."""
    found = {}
    for path in folder.iterdir():
        found[path.name] = path.read_bytes() if path.is_file() else "a folder"
        if path.suffix == ".json":
            found[path.name] = {k: v for k, v in json.loads(path.read_text("utf-8")).items() if k != "seconds"}
    return found


def killed_again_and_again(name, experiment, kills, moment, tmp_path) -> None:
    """Kill at random after a moment, and run again; when it is finished, begin anew, until there were so many kills."""
    chance, number = random.Random(experiment), 0
    whole = Life(name, [experiment], tmp_path / "whole")
    started = whole.reach(getattr(whole, moment))
    assert whole.end() == "finished 1"
    span = time.monotonic() - started
    expected = results(tmp_path / "whole")
    assert set(expected) == {f"{experiment}.json", f"{experiment}.safetensors"}
    while kills:
        folder, number, ended = tmp_path / str(number), number + 1, "killed"
        while ended == "killed":
            now = Life(name, [experiment], folder)
            if kills:
                now.reach(getattr(now, moment))
                time.sleep(chance.uniform(0, span))
                now.process.kill()
            ended = now.end()
            kills -= ended == "killed"
        assert ended == "finished 1"
        assert results(folder) == expected
        assert number < 60, "it ends without being seen"


@pytest.mark.thorough
@pytest.mark.slow(60)
@pytest.mark.parametrize(("name", "experiment"), IN_TRAINING)
def test_killed_in_training(name, experiment, tmp_path):
    killed_again_and_again(name, experiment, IN_TRAINING[name, experiment], "began", tmp_path)


@pytest.mark.thorough
@pytest.mark.slow(20)
@pytest.mark.parametrize(("name", "experiment"), IN_PUBLISHING)
def test_killed_while_publishing(name, experiment, tmp_path):
    killed_again_and_again(name, experiment, IN_PUBLISHING[name, experiment], "publishing", tmp_path)


@pytest.mark.thorough
@pytest.mark.slow(60)
@pytest.mark.parametrize("seeds", [(0, 0), (0, 1)], ids=["the same command", "another seed"])
def test_pairs_of_trainings_on_one_folder(seeds, tmp_path):
    chosen, chance, refused = ["paper_sym", "input_only"], random.Random(7), 0
    expected = {}
    for seed in set(seeds):
        assert Life("toy", chosen, tmp_path / f"alone-{seed}", seed).end() == "finished 2"
        expected[seed] = results(tmp_path / f"alone-{seed}")
    for pair in range(PAIRS // 2):
        folder, lives = tmp_path / str(pair), []
        for seed in seeds:
            lives.append(Life("toy", chosen, folder, seed))
            time.sleep(chance.choice([0, chance.uniform(0, 0.3)]))
        ends = [each.end() for each in lives]
        assert "finished 2" in ends
        for end in ends:
            assert end == "finished 2" or (
                end.startswith("refused: ")
                and any(said in end for said in ("is being trained in", "of another configuration"))
            ), end
        assert results(folder) in [expected[seed] for seed, end in zip(seeds, ends, strict=True) if end == "finished 2"]
        refused += ends.count("finished 2") == 1
        if ends[1] != "finished 2" and pair % 3 == 0:  # the one that was refused runs again
            assert Life("toy", chosen, folder, seeds[1]).end().startswith("finished" if seeds == (0, 0) else "refused")
            assert results(folder) == expected[seeds[0]]
    assert refused >= PAIRS // 4


# Workers ------------------------------------------------------------------------------------------------------------------


SCRIPT = """
import sys
from dataclasses import replace
from lossconditioning import cli
from lossconditioning.systems import toy

def long(profile):
    return {name: replace(toy.SYSTEM.experiments("smoke")[name], epochs=20_000) for name in ("paper_sym", "input_only")}

if __name__ == "__main__":
    cli.systems.find = lambda name: replace(toy.SYSTEM, experiments=long)
    cli.main(["train", "toy", "--profile", "smoke", "--workers", "2", "--out", sys.argv[1]])
"""


class Command:
    """``lossconditioning train`` with two workers, until both have saved; in a session of its own, as under a terminal."""

    def __init__(self, folder, log):
        self.log, script = log, log.with_name("train.py")
        script.write_text(SCRIPT)
        with open(log, "wb") as file:
            words = [sys.executable, script, folder]
            self.process = subprocess.Popen(words, stderr=file, stdout=file, start_new_session=True)
        before, self.children = self.saved(folder), []
        self.until(lambda: len({path.parent for path in self.saved(folder) - before}) == 2)

    def saved(self, folder) -> set[Path]:
        return set(folder.glob("unfinished/*/step-*"))

    def until(self, condition):
        deadline = time.monotonic() + 120
        while not condition():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            self.children = psutil.Process(self.process.pid).children(recursive=True)
            time.sleep(0.02)

    def end(self) -> int:
        """Its exit status; afterwards none of its processes is there."""
        status = self.process.wait(60)
        _, alive = psutil.wait_procs(self.children, timeout=20)
        for process in alive:
            process.kill()
        assert not alive, "processes stay"
        return status


@pytest.mark.thorough
@pytest.mark.slow(60)
def test_workers_end_with_the_process_that_started_them(tmp_path):
    folder = tmp_path / "run"
    ends = {
        "killed": (signal.SIGKILL, os.kill, -signal.SIGKILL),
        "terminated": (signal.SIGTERM, os.kill, -signal.SIGTERM),
        "interrupted alone": (signal.SIGINT, os.kill, 130),
        "interrupted by the terminal": (signal.SIGINT, os.killpg, 130),
    }
    for how, (number, send, status) in ends.items():
        command = Command(folder, tmp_path / "log.txt")
        assert len(command.children) >= 2
        send(command.process.pid, number)
        assert command.end() == status, how
        said = command.log.read_text()
        assert "Traceback" not in said, said
        if status == 130:
            assert said.splitlines()[-1] == "Interrupted."
            assert not list(folder.rglob(".*")), how
