"""Compression's training: what one step draws and minimises, where it starts and ends, alone and in two processes."""

import json
import math
import os
import socket
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch

from lossconditioning.datasets.lookup import STAND_IN
from lossconditioning.datasets.photographs import photographs
from lossconditioning.systems import compression
from lossconditioning.systems.compression import draw
from lossconditioning.systems.compression.data import START_PATCHES
from lossconditioning.systems.compression.task import MIDDLE
from lossconditioning.training import Run
from lossconditioning.training.randomness import reseed_torch

SMOKE = compression.experiments("smoke")
YOTO, FIXED = SMOKE["yoto"], SMOKE["fixed_2"]
STEPS = 4
pytestmark = pytest.mark.usefixtures("no_data")


def fit(config, seed=0, **options):
    return compression.fit(config, Run(seed=seed, progress=False, **options))


# One step -------------------------------------------------------------------------------------------------------------


def test_the_weights_of_a_batch_are_spread_evenly_over_the_prior():
    torch.manual_seed(0)
    model, batch = compression.build(YOTO), torch.rand(16, 3, 64, 128)
    (pictures, y, z), lam = draw(YOTO, model, batch)
    low, high = (math.log(end) for end in compression.LAM_RANGE)
    strata = (16 * (lam.double().log() - low) / (high - low)).floor()
    assert strata.sort().values.tolist() == list(range(16))
    assert strata.tolist() != list(range(16))
    assert torch.equal(pictures, batch)
    assert (y.shape, z.shape) == ((16, 8, 4, 8), (16, 8, 1, 2))
    for noise in (y, z):
        assert -0.5 <= noise.min() < -0.45 < 0.45 < noise.max() <= 0.5


def test_a_fixed_weight_models_weight_is_its_own():
    _, lam = draw(FIXED, compression.build(FIXED), torch.rand(5, 3, 64, 64))
    assert lam.tolist() == pytest.approx([FIXED.lam] * 5)


@pytest.mark.parametrize("balance", [0.0, 0.5, 1.0])
def test_the_objective_is_rate_and_weighted_distortion_divided_by_a_power_of_the_weight(balance):
    config = replace(YOTO, balance=balance, batch_size=6, steps=1)
    _, loop = fit(config, seed=3)
    pictures = list(photographs().values())
    model = compression.build(config, seed=3)
    start = compression.patches(pictures, config.patch, START_PATCHES, 3000)(-1)
    compression.start_from_principal_components(model, start)
    reseed_torch(3000, 0)
    batch, lam = draw(config, model, compression.patches(pictures, config.patch, 6, 3000)(0))
    values = compression.terms(model, batch, lam)
    costs = (values["rate"] + lam * values["distortion"]) / (lam / MIDDLE) ** balance
    (row,) = loop.history
    assert row["loss"] == pytest.approx(costs.mean().item(), rel=1e-5)
    for name, value in values.items():
        assert row[name] == pytest.approx(value.mean().item(), rel=1e-5)


@pytest.mark.parametrize("name", ["yoto", "fixed_4"])
def test_no_gradient_is_longer_than_the_clip(name):
    model, _ = fit(replace(SMOKE[name], balance=0.0))
    norm = torch.stack([p.grad.norm() for p in model.parameters()]).norm().item()
    assert norm == pytest.approx(1, rel=1e-3)  # these models' own are in the hundreds


# Runs -----------------------------------------------------------------------------------------------------------------


def test_forty_steps_lower_the_loss_and_leave_the_medians_where_the_prior_has_them():
    model, loop = fit(replace(YOTO, steps=40, batch_size=4))
    losses = [row["loss"] for row in loop.history]
    assert np.mean(losses[-10:]) < 0.8 * np.mean(losses[:10])
    median = model.prior_z.median[:, None].double()
    assert model.prior_z.logit(median).abs().max() < 1e-3
    assert median.abs().max() > 0


def test_a_plain_start_trains_too():
    model, loop = fit(replace(YOTO, start="plain", schedule="constant", step=False))
    assert loop.done
    assert all(p.isfinite().all() for p in model.parameters())


def test_mixed_precision_can_be_asked_for_in_a_session_that_trained_without():
    config = replace(YOTO, learning_rate=1e-5)  # so that the runs do not part
    _, plain = fit(config, mixed_precision="no")
    _, mixed = fit(config, mixed_precision="bf16")
    for a, b in zip(plain.history, mixed.history, strict=True):
        assert a["rate"] == pytest.approx(b["rate"], rel=0.01)
        assert a["loss"] == pytest.approx(b["loss"], rel=0.1)
        assert a["loss"] != b["loss"]


@pytest.mark.parametrize("name", ["fixed_4", "yoto_wider_batch16"])
def test_the_papers_profile_runs(name):
    """For two steps, one patch each; everything else as in A.2."""
    config = replace(compression.experiments("paper")[name], batch_size=1, steps=2)
    model, loop = fit(config)
    assert loop.done
    assert all(np.isfinite(value) for row in loop.history for value in row.values())
    assert all(p.isfinite().all() for p in model.parameters())


# Data and cards -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("config", [YOTO, FIXED], ids=["yoto", "fixed"])
def test_patches_are_the_seeds_and_the_repetitions(config):
    found = compression.experiment_data(replace(config, repeat=2), Run(profile="smoke", seed=3))
    pictures = list(photographs().values())
    assert torch.equal(found.batches(5), compression.patches(pictures, 64, config.batch_size, 3002)(5))
    assert torch.equal(found.first(), compression.patches(pictures, 64, START_PATCHES, 3002)(-1))
    assert found.source == f"{STAND_IN}; measured on {STAND_IN}"
    assert [tuple(picture.shape) for picture in found.held_out.values()] == [(3, 192, 192)]


@pytest.mark.parametrize("config", [YOTO, FIXED], ids=["yoto", "fixed"])
def test_a_card_holds_a_curve_and_its_mean_cost(config, trained):
    metrics = compression.load(config.name, trained).card.metrics
    points = range(5 if config.kind == "yoto" else 1)
    expected = {f"{name}_{i}" for name in ("rate", "distortion", "psnr", "ms_ssim", "size_error") for i in points}
    assert set(metrics) == {*expected, "mean_cost"}
    grid = compression.lam_grid(5).tolist() if config.kind == "yoto" else [config.lam]
    costs = [metrics[f"rate_{i}"] + lam * metrics[f"distortion_{i}"] for i, lam in enumerate(grid)]
    assert metrics["mean_cost"] == pytest.approx(np.mean(costs))


# Two processes --------------------------------------------------------------------------------------------------------

SCRIPT = """
import json, sys
from dataclasses import replace
from pathlib import Path
from accelerate import PartialState
from lossconditioning.systems import compression
from lossconditioning.training import Run

out, jobs = Path(sys.argv[1]), json.loads(sys.argv[2])
found = {}
for label, (name, changes) in jobs.items():
    model, loop = compression.fit(replace(compression.experiments("smoke")[name], **changes), Run(progress=False))
    found[label] = {"history": loop.history}
    found[label]["weights"] = {name: float(p.double().sum()) for name, p in model.named_parameters()}
run = Run(out=out / "finished", profile="smoke", progress=False)
compression.train(compression.experiments("smoke")["yoto"], run)
if PartialState().is_main_process:
    (out / "found.json").write_text(json.dumps({**found, "processes": PartialState().num_processes}))
"""
JOBS = {
    "fixed": ("fixed_2", {"batch_size": 4, "steps": STEPS}),
    "odd": ("yoto", {"batch_size": 3, "steps": STEPS}),
}


@pytest.mark.slow(10)
def test_two_processes_take_the_same_steps_as_one(tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    launcher = ["-m", "torch.distributed.run", "--nproc-per-node", "2", "--master-port", port]
    done = subprocess.run(
        [sys.executable, *launcher, str(tmp_path / "script.py"), str(tmp_path), json.dumps(JOBS)],
        env={**os.environ, "ACCELERATE_USE_CPU": "true", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads((tmp_path / "found.json").read_text())
    assert found["processes"] == 2
    assert {file.name for file in (tmp_path / "finished").iterdir()} == {"yoto.json", "yoto.safetensors"}
    for label, (name, changes) in JOBS.items():
        model, loop = fit(replace(SMOKE[name], **changes))
        assert len(found[label]["history"]) == STEPS
        for ours, its in zip(found[label]["history"], loop.history, strict=True):
            assert ours == pytest.approx(its, rel=1e-4)
        for path, parameter in model.named_parameters():
            total, moved = float(parameter.detach().double().sum()), parameter.numel() * SMOKE[name].learning_rate
            assert found[label]["weights"][path] == pytest.approx(total, rel=1e-3, abs=moved / 10)
