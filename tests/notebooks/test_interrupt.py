"""The lessons' own training cells, in a real kernel that is interrupted, restarted and killed, lose nothing."""

import os
import queue
import re
import signal
import time

import ipykernel
import pytest
from jupyter_client.manager import KernelManager

from lossconditioning import notebooks

# What makes training short: a profile, and a cell that changes how long the experiments take.
SHORT = {
    "01": (
        "laptop",
        """
from dataclasses import replace
experiments = {name: replace(toy.experiments("smoke")[name], epochs=100) for name in ("best", "paper_sym", "film")}
""",
    ),
    "02": (
        "smoke",
        """
from dataclasses import replace
experiments = {name: replace(config, steps=40) for name, config in experiments.items()}
""",
    ),
    "03": (
        "smoke",
        """
from dataclasses import replace
experiments = {name: replace(config, steps=400) for name, config in experiments.items()}
""",
    ),
}
# A disk that stops in the middle of what it writes, until a file beside the notebooks lets it go on.
HELD_DISK = """
import io, time
from pathlib import Path
from lossconditioning.training import checkpoints

class HeldFile(io.FileIO):
    def write(self, data):
        half = super().write(data[: len(data) // 2])
        while not Path("go_on").exists():
            time.sleep(0.01)
        return half + super().write(data[half:])

Path("go_on").unlink(missing_ok=True)
checkpoints.open = HeldFile
"""
ELSEWHERE = """
folder = run.out.with_name("uninterrupted")
run = replace(run, out=folder)
"""
PATIENCE = 250  # seconds; a machine may be busy with something else


class Lesson:
    """A notebook's cells in a kernel of their own, run up to and without the first that trains."""

    def __init__(self, number, here):
        (path,) = notebooks.notebook_paths([number])
        cells = [cell.source for cell in notebooks.read(path).cells if cell.cell_type == "code"]
        (self.train, *_), (self.train_all, *_) = (
            [c for c in cells if call in c] for call in (".train(", ".train_all(")
        )
        profile, shorter = SHORT[number]
        before = [c.replace('profile = "demo"', f'profile = "{profile}"') for c in cells[: cells.index(self.train)]]
        self.before = [*before, shorter]
        self.runs, self.folder, self.printed = here / "runs", here / "notebooks", ""
        self.log = open(here / "log.txt", "w+", encoding="utf-8")  # noqa: SIM115 - what the kernel's children print
        self.folder.mkdir()
        self.kernel = KernelManager()
        quietly = {
            "stderr": self.log,
            "env": {**os.environ, "OMP_NUM_THREADS": "1", "LOSSCONDITIONING_RUNS": str(self.runs)},
        }
        self.kernel.start_kernel(cwd=self.folder, **quietly)
        self.client = self.kernel.blocking_client()
        self.client.start_channels()
        self.ready()

    def ready(self):
        self.client.wait_for_ready(timeout=PATIENCE)
        self.run(*self.before)

    def restart(self, now=False):
        """A fresh kernel, and all cells up to the training cell run again."""
        self.kernel.restart_kernel(now=now)
        self.ready()

    def close(self):
        self.client.stop_channels()
        self.kernel.shutdown_kernel(now=True)
        self.log.close()

    # Cells ------------------------------------------------------------------------------------------------------------

    def start(self, source):
        """Send a cell, and do not wait for it."""
        self.cell, self.printed = self.client.execute(source), ""

    def ended(self):
        """Whether the cell has ended; takes one message from the kernel, if there is one within a moment."""
        try:
            message = self.client.get_iopub_msg(timeout=0.01)
        except queue.Empty:
            return False
        own = message["parent_header"].get("msg_id") == self.cell
        self.printed += message["content"]["text"] if own and message["msg_type"] == "stream" else ""
        return own and message["content"].get("execution_state") == "idle"

    def wait(self, until):
        deadline = time.monotonic() + PATIENCE
        while not until():
            assert time.monotonic() < deadline, f"the cell hangs:\n{self.printed}"

    def wait_in_training(self, until):
        def happened():
            assert not self.ended(), f"the cell ended too soon:\n{self.printed}"
            return until()

        self.wait(happened)

    def end(self):
        """Wait for the cell; the error it ended in, or None."""
        self.wait(self.ended)
        reply = self.client.get_shell_msg(timeout=PATIENCE)
        while reply["parent_header"].get("msg_id") != self.cell:  # an answer to something asked before it
            reply = self.client.get_shell_msg(timeout=PATIENCE)
        said = reply["content"]
        return None if said["status"] == "ok" else f"{said['ename']}: {said['evalue']}"

    def run(self, *sources):
        for source in sources:
            self.start(source)
            assert self.end() is None, self.printed

    def interrupt(self):
        """Press the stop button; the error that the cell ended in."""
        self.kernel.interrupt_kernel()
        (self.folder / "go_on").touch()  # for the disk that is held
        return self.end()

    # What can be seen of training from outside ------------------------------------------------------------------------

    def saved(self, name):
        """The steps of the checkpoints of an experiment that is not finished."""
        files = self.runs.glob(f"*/unfinished/{name}/step-*.safetensors")
        return sorted(int(file.stem.removeprefix("step-")) for file in files)

    def unfinished(self):
        """The experiments with a checkpoint that are not finished."""
        return {file.parent.name for file in self.runs.glob("*/unfinished/*/step-*.safetensors")}

    def half_written(self):
        return any(self.runs.glob("*/unfinished/*/.step-*.partial"))

    def continued(self):
        """The step that training says it continues from; None if it has said nothing."""
        found = re.search(r"continuing from step (\d+) of", self.printed)
        return found and int(found[1])

    def finished(self, folder="*-seed0"):
        """The finished checkpoints' bytes."""
        return {file.name: file.read_bytes() for file in self.runs.glob(f"{folder}/*.safetensors")}


@pytest.fixture
def lesson(request, tmp_path, record_property):
    record_property("front_end", [f"ipykernel {ipykernel.__version__}", "interrupt, restart, SIGKILL in mid-training"])
    opened = Lesson(request.param, tmp_path)
    yield opened
    opened.close()


@pytest.mark.slow(90)
@pytest.mark.parametrize(
    ("lesson", "first", "later", "steps"),
    [
        ("01", "best", "best", 200),
        pytest.param("02", "shapes3d_yoto", "shapes3d_yoto", 40, marks=pytest.mark.thorough),
        pytest.param("03", "yoto", "yoto", 400, marks=pytest.mark.thorough),
    ],
    indirect=["lesson"],
    ids=["01", "02", "03"],
)
def test_a_training_cell_survives_interrupts_restarts_and_kills(lesson, first, later, steps):
    every = steps // 20

    lesson.start(lesson.train)
    lesson.wait_in_training(lambda: lesson.saved(first))
    error = lesson.interrupt()
    stopped = lesson.saved(first)[-1]
    assert error == f"KeyboardInterrupt: stopped at step {stopped} of {steps}; run again to continue"

    lesson.run(HELD_DISK)
    lesson.start(lesson.train)
    lesson.wait_in_training(lesson.half_written)
    error = lesson.interrupt()
    assert lesson.continued() == stopped
    stopped = lesson.saved(first)[-1]
    assert error == f"KeyboardInterrupt: stopped at step {stopped} of {steps}; run again to continue"
    assert not lesson.half_written()

    lesson.restart()
    lesson.start(lesson.train)
    lesson.wait_in_training(lambda: (lesson.saved(later) or [0])[-1] > (stopped if later == first else 0))
    assert lesson.continued() == stopped
    before = lesson.saved(later)[-1]
    lesson.kernel.signal_kernel(signal.SIGKILL)

    lesson.restart(now=True)
    kept = lesson.saved(later)[-1]
    lesson.run(lesson.train)
    assert lesson.continued() == kept >= before
    assert kept % every == 0 or kept == stopped

    lesson.run(ELSEWHERE, lesson.train)
    assert lesson.continued() is None
    assert lesson.finished() == lesson.finished("uninterrupted") != {}


@pytest.mark.slow(30)
@pytest.mark.parametrize("lesson", ["01"], indirect=True)
def test_the_cell_that_trains_in_two_processes_survives_an_interrupt(lesson):
    lesson.run(lesson.train)
    # Long enough that the interrupt finds both processes at work.
    lesson.run("experiments |= {name: replace(experiments[name], epochs=250) for name in ('paper_sym', 'film')}")
    lesson.start(lesson.train_all)
    lesson.wait_in_training(lesson.unfinished)
    assert lesson.interrupt().startswith("KeyboardInterrupt")
    stopped = {f"{name}: continuing from step {max(lesson.saved(name))} of 500." for name in lesson.unfinished()}
    lesson.run(lesson.train_all)
    lesson.log.seek(0)
    assert {line.rstrip() for line in lesson.log if "continuing" in line} == stopped != set()

    lesson.run(ELSEWHERE, 'profile = "smoke"', lesson.train_all)  # smoke: in one process
    assert lesson.finished() == lesson.finished("uninterrupted") != {}
