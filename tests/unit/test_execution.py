"""A run of notebooks ends cleanly whatever ends it: every failure stands in the table, no process and no half file stays."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import psutil
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from lossconditioning import notebooks
from lossconditioning.execution import stoppable
from lossconditioning.workplaces import MARK, workplace

POSIX = pytest.mark.skipif(os.name != "posix", reason="signals as POSIX has them")
KERNEL = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
CHILD = """import subprocess, sys
sleeper = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(900)'], start_new_session=True)
print(sleeper.pid)"""
HANG = "import time\nprint('as far as this', flush=True)\ntime.sleep(900)"
STUBBORN = "import signal\nsignal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})\n" + HANG


def write(path: Path, *cells: str) -> Path:
    path.parent.mkdir(exist_ok=True)
    nbformat.write(new_notebook(cells=[new_code_cell(cell) for cell in cells], metadata=KERNEL), path)
    return path


def printed(path: Path) -> list[str]:
    """What each cell of an executed notebook printed."""
    cells = notebooks.read(path).cells
    return ["".join(o.get("text", "") for o in c.outputs if o.output_type == "stream") for c in cells]


def of_runs(out: Path) -> list[psutil.Process]:
    """Living processes of runs that write into this folder."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK, "").startswith(str(out)):
                found.append(process)
        except (psutil.Error, OSError):
            pass
    return found


def command(out: Path, *paths: Path, **options) -> subprocess.Popen:
    run = [sys.executable, "-m", "lossconditioning", "run", *map(str, paths), "--out", str(out)]
    return subprocess.Popen(run, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)


def eventually(condition, seconds: float = 60):
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end
        time.sleep(0.05)
    return found


def clean(out: Path) -> bool:
    return not of_runs(out) and not list(out.glob(".*"))


# Cells that do not end ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """Five notebooks in one run, the last of them good: name → run, and the folder."""
    folder = tmp_path_factory.mktemp("failing")
    paths = [
        write(folder / "large.ipynb", "print('x' * 3_000_000)"),
        write(folder / "hangs.ipynb", CHILD, HANG, "print('not reached')"),
        write(folder / "dies.ipynb", "print('before')", "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)"),
        write(folder / "leaves.ipynb", "print('before')", "import os\nos._exit(3)"),
        write(folder / "good.ipynb", "print('good')", CHILD),
    ]
    runs = full_disk(notebooks.run, paths, "demo", folder / "out", progress=False, cell_minutes=2 / 60)
    return {run.name: run for run in runs}, folder / "out"


def full_disk(function, *arguments, **options):
    """Call a function where no file can become larger than 2 MB: it is written in part, then the system refuses."""
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, before[1]))
    try:
        return function(*arguments, **options)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.slow(20)
def test_a_hung_cell_is_named_and_its_output_kept(ran):
    runs, out = ran
    assert runs["hangs"].error.startswith("hangs.ipynb, cell [2]:\n    import time\n")
    assert runs["hangs"].error.endswith(
        "  It ran longer than 0.0333333 minutes, the limit for a cell; --cell-minutes sets another."
    )
    assert printed(out / "hangs.ipynb")[1:] == ["as far as this\n", ""]
    assert (out / "hangs.html").exists()


@pytest.mark.slow(20)
@pytest.mark.parametrize(("name", "how"), [("dies", "was killed by SIGKILL"), ("leaves", "ended with status 3")])
def test_a_dead_kernel_is_named_by_cell_death_and_memory(name, how, ran):
    runs, out = ran
    assert f"{name}.ipynb, cell [2]:\n    import os" in runs[name].error
    assert f"Kernel died: it {how}. It had held {runs[name].memory_mb:,} MB of memory" in runs[name].error
    assert runs[name].memory_mb > 20
    assert ("no memory" in runs[name].error) == (name == "dies")
    assert printed(out / f"{name}.ipynb") == ["before\n", ""]


@pytest.mark.slow(20)
def test_a_full_disk_leaves_nothing_half_written(ran):
    runs, out = ran
    assert runs["large"].error.startswith("large.ipynb, not written: OSError: ")
    assert not list(out.glob("large.*"))


@pytest.mark.slow(20)
def test_the_rest_runs_and_nothing_is_left(ran):
    runs, out = ran
    assert [run.status for run in runs.values()] == ["failed"] * 4 + ["ok"]
    assert printed(out / "good.ipynb")[0] == "good\n"
    assert clean(out)
    for name in ("hangs", "good"):  # what the cells themselves had started, in sessions of their own
        child = int(printed(out / f"{name}.ipynb")[0 if name == "hangs" else 1])
        assert not psutil.pid_exists(child)


# Signals ------------------------------------------------------------------------------------------------------------------


@pytest.mark.slow(15)
@POSIX
@pytest.mark.parametrize(
    ("number", "cell"),
    [
        pytest.param("SIGTERM", HANG, id="SIGTERM"),
        pytest.param("SIGINT", HANG, id="SIGINT", marks=pytest.mark.thorough),
        pytest.param("SIGHUP", HANG, id="SIGHUP", marks=pytest.mark.thorough),
        pytest.param("SIGINT", STUBBORN, id="twice", marks=pytest.mark.thorough),
    ],
)
def test_a_signal_to_the_process_alone_ends_the_run(number, cell, tmp_path):
    out = tmp_path / "out"
    started = tmp_path / "started"
    first = write(tmp_path / "first.ipynb", CHILD, f"open({str(started)!r}, 'w').close()", cell)
    run = command(out, first, write(tmp_path / "second.ipynb", "1"), start_new_session=True)
    eventually(started.exists)
    time.sleep(0.3)
    run.send_signal(getattr(signal, number))
    if cell == STUBBORN:
        time.sleep(0.5)
        run.send_signal(signal.SIGTERM)  # once more: at once
    said, errors = run.communicate(timeout=60)
    assert run.returncode == 128 + getattr(signal, number)
    assert "Traceback" not in errors
    assert f"Stopped by {number}." in errors
    assert said.splitlines()[2].split()[:2] == ["first", "failed"]
    assert "second" not in said
    assert printed(out / "first.ipynb")[2] == "as far as this\n"
    assert clean(out)


@pytest.mark.thorough
@POSIX
def test_a_killed_run_is_cleared_by_the_next(tmp_path):
    out = tmp_path / "out"
    started = tmp_path / "started"
    run = command(out, write(tmp_path / "first.ipynb", CHILD, f"open({str(started)!r}, 'w').close()", HANG))
    eventually(started.exists)
    other = command(out, write(tmp_path / "other.ipynb", "import time\ntime.sleep(6)\nprint('untouched')"))
    eventually(lambda: len(list(out.glob(".run-*.lock"))) == 2)
    run.kill()
    run.wait()
    eventually(lambda: len(of_runs(out)) <= 2)  # the kernel sees that its run has ended; its child does not
    (done,) = notebooks.run([write(tmp_path / "next.ipynb", "1")], "demo", out, progress=False)
    assert not done.error
    other.communicate(timeout=60)
    assert (other.returncode, printed(out / "other.ipynb")) == (0, ["untouched\n"])  # a run that is alive is left alone
    assert clean(out)


def test_a_folder_of_a_run_lasts_as_long_as_the_run(tmp_path):
    with workplace(tmp_path) as first, workplace(tmp_path) as second:
        assert first.is_dir()
        assert second.is_dir()
    (tmp_path / ".run-left").mkdir()
    (tmp_path / ".run-left" / "half.ipynb").touch()
    (tmp_path / ".run-left.lock").touch()
    (tmp_path / ".run-early.lock").touch()
    with workplace(tmp_path) as third:
        assert {path.name for path in tmp_path.iterdir()} == {third.name, f"{third.name}.lock"}
    assert not list(tmp_path.iterdir())


def test_a_wish_to_stop_is_followed_at_the_end():
    handler = signal.getsignal(signal.SIGTERM)

    def go_on() -> None:
        with stoppable() as stop:
            assert not stop
            os.kill(os.getpid(), signal.SIGTERM)
            os.kill(os.getpid(), signal.SIGINT)
            assert (bool(stop), stop.name, stop.count) == (True, "SIGTERM", 2)

    with pytest.raises(SystemExit) as leaving:
        go_on()
    assert leaving.value.code == 128 + signal.SIGTERM
    assert signal.getsignal(signal.SIGTERM) is handler


@POSIX
@pytest.mark.parametrize(("name", "heeded"), [("SIGINT", True), ("SIGHUP", False)])
def test_a_signal_that_was_ignored(name, heeded):
    """nohup's wish is respected; a script that starts a run in the background can still interrupt it."""
    number = getattr(signal, name)
    before = signal.signal(number, signal.SIG_IGN)
    try:
        with contextlib.suppress(KeyboardInterrupt), stoppable() as stop:
            os.kill(os.getpid(), number)
            assert bool(stop) == heeded
        assert signal.getsignal(number) is signal.SIG_IGN
    finally:
        signal.signal(number, before)
