"""Two processes train the β-VAE as one does."""

import json
import os
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from lossconditioning.systems import beta_vae

SMOKE = beta_vae.experiments("smoke")
STEPS = 3


SCRIPT = """
import json, sys
from dataclasses import replace
from pathlib import Path
from accelerate import PartialState
from lossconditioning.systems import beta_vae
from lossconditioning.training import Run

out, jobs = Path(sys.argv[2]), json.loads(sys.argv[3])
run = Run(data=Path(sys.argv[1]), profile="smoke", progress=False)
found = {}
for label, (name, changes, minutes, path) in jobs.items():
    config = replace(beta_vae.experiments("smoke")[name], **changes)
    model, loop = beta_vae.fit(config, replace(run, minutes=minutes), path)
    found[label] = {"history": loop.history, "resumed": loop.resumed_from, "step": loop.step}
    found[label]["weights"] = {name: float(p.double().sum()) for name, p in model.named_parameters()}
found["finished"] = beta_vae.train(beta_vae.experiments("smoke")["cifar10_yoto"], replace(run, out=out / "finished"))
if PartialState().is_main_process:
    (out / "found.json").write_text(json.dumps({**found, "processes": PartialState().num_processes}))
"""
JOBS = {
    # Odd numbers of rows, so that the processes' shares differ.
    "yoto": ("cifar10_yoto", {"batch_size": 5, "draws": 3, "steps": STEPS}),
    "fixed": ("cifar10_fixed", {"batch_size": 7, "steps": STEPS}),
}


@pytest.fixture(scope="module")
def two_processes(folder, tmp_path_factory) -> tuple[dict, Path]:
    """What two processes find that train as one does; and their folder."""
    out = tmp_path_factory.mktemp("two")
    (out / "script.py").write_text(SCRIPT)
    jobs = {label: (*job, None, None) for label, job in JOBS.items()}
    jobs["stopped"] = (*JOBS["yoto"], 1e-9, str(out / "steps"))
    jobs["continued"] = (*JOBS["yoto"], None, str(out / "steps"))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    launcher = ["-m", "torch.distributed.run", "--nproc-per-node", "2", "--master-port", port]
    done = subprocess.run(
        [sys.executable, *launcher, str(out / "script.py"), str(folder), str(out), json.dumps(jobs)],
        env={**os.environ, "ACCELERATE_USE_CPU": "true", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads((out / "found.json").read_text()), out


@pytest.mark.slow(15)
@pytest.mark.parametrize("label", JOBS)
def test_two_processes_take_the_same_steps_as_one(label, two_processes, fit):
    found, _ = two_processes
    assert found["processes"] == 2
    name, changes = JOBS[label]
    model, loop = fit(replace(SMOKE[name], **changes))
    assert len(found[label]["history"]) == STEPS
    for ours, its in zip(found[label]["history"], loop.history, strict=True):
        assert ours == pytest.approx(its, rel=1e-4)
    for path, parameter in model.named_parameters():
        total, moved = float(parameter.detach().double().sum()), parameter.numel() * SMOKE[name].learning_rate
        assert found[label]["weights"][path] == pytest.approx(total, rel=1e-3, abs=moved / 10)


@pytest.mark.slow(15)
def test_two_processes_write_once_and_continue_together(two_processes, fit):
    found, out = two_processes
    assert (found["stopped"]["step"], found["stopped"]["resumed"]) == (1, None)
    assert (found["continued"]["step"], found["continued"]["resumed"]) == (STEPS, 1)
    assert [row["loss"] for row in found["continued"]["history"]] == pytest.approx(
        [row["loss"] for row in found["yoto"]["history"]], rel=1e-6
    )
    assert sorted(file.name for file in (out / "steps").iterdir()) == [
        f"step-{step:09d}.safetensors" for step in (STEPS - 1, STEPS)
    ]
    assert found["finished"]
    assert sorted(file.name for file in (out / "finished").iterdir()) == [
        "cifar10_yoto.json",
        "cifar10_yoto.safetensors",
    ]
    one, loop = fit(replace(SMOKE["cifar10_yoto"], **JOBS["yoto"][1]), path=out / "steps")
    assert (loop.done, loop.resumed_from) == (True, STEPS)
    assert all(p.isfinite().all() for p in one.parameters())
