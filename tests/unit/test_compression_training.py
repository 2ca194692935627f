"""Compression's training: one step at a time, resumed as uninterrupted, into checkpoints that load back."""

import itertools
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

from lossconditioning import CheckpointError
from lossconditioning.datasets.lookup import STAND_IN
from lossconditioning.datasets.photographs import photographs
from lossconditioning.systems import compression
from lossconditioning.systems.compression.measures import card_metrics
from lossconditioning.systems.compression.pictures import measured_on
from lossconditioning.systems.compression.training import CLIP, START_PATCHES, draw, optimizer_and_schedule
from lossconditioning.training.randomness import reseed_torch

SMOKE = compression.experiments("smoke")
YOTO, FIXED = SMOKE["yoto"], SMOKE["fixed_2"]
BOTH = pytest.mark.parametrize("config", [YOTO, FIXED], ids=["yoto", "fixed"])
STEPS = 4
MIDDLE = math.sqrt(math.prod(compression.LAMBDA_RANGE))


@pytest.fixture(scope="module", autouse=True)
def no_data(tmp_path_factory):
    """Only the built-in photographs, whatever this machine has."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOSSCONDITIONING_DATA", str(tmp_path_factory.mktemp("no_data")))
        yield


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder with a conditional and a fixed-weight model, trained for a few steps."""
    folder = tmp_path_factory.mktemp("trained")
    for config in (YOTO, FIXED):
        assert compression.train(config, out=folder, profile="smoke", progress=False)
    return folder


def fit(config, **options):
    return compression.fit(config, progress=False, **options)


def assert_same_weights(model, other, **tolerance):
    for (name, ours), (_, its) in zip(model.state_dict().items(), other.state_dict().items(), strict=True):
        torch.testing.assert_close(ours, its, **(tolerance or {"rtol": 0, "atol": 0}), msg=name)


# One step -------------------------------------------------------------------------------------------------------------


def test_the_weights_of_a_batch_are_spread_evenly_over_the_prior():
    torch.manual_seed(0)
    model, batch = compression.build(YOTO), torch.rand(16, 3, 64, 128)
    pictures, lam, y, z = draw(YOTO, model, batch)
    low, high = (math.log(end) for end in compression.LAMBDA_RANGE)
    strata = (16 * (lam.double().log() - low) / (high - low)).floor()
    assert strata.sort().values.tolist() == list(range(16))
    assert strata.tolist() != list(range(16))
    assert torch.equal(pictures, batch)
    assert (y.shape, z.shape) == ((16, 8, 4, 8), (16, 8, 1, 2))
    for noise in (y, z):
        assert -0.5 <= noise.min() < -0.45 < 0.45 < noise.max() <= 0.5


def test_a_fixed_weight_models_weight_is_its_own():
    _, lam, *_ = draw(FIXED, compression.build(FIXED), torch.rand(5, 3, 64, 64))
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
    batch, lam, *noise = draw(config, model, compression.patches(pictures, config.patch, 6, 3000)(0))
    values = compression.terms(model, batch, lam, tuple(noise))
    costs = (values["rate"] + lam * values["distortion"]) / (lam / MIDDLE) ** balance
    (row,) = loop.history
    assert row["loss"] == pytest.approx(costs.mean().item(), rel=1e-5)
    for name, value in values.items():
        assert row[name] == pytest.approx(value.mean().item(), rel=1e-5)


@pytest.mark.parametrize("name", ["yoto", "fixed_4"])
def test_no_gradient_is_longer_than_the_clip(name):
    model, _ = fit(replace(SMOKE[name], balance=0.0))
    norm = torch.stack([p.grad.norm() for p in model.parameters()]).norm().item()
    assert norm == pytest.approx(CLIP, rel=1e-3)  # these models' own are in the hundreds


def rates(config, steps):
    optimizer, schedule = optimizer_and_schedule(config, torch.nn.Linear(1, 1))
    found = []
    for _ in range(steps):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return found


def test_the_papers_learning_rate_is_constant():
    assert set(rates(replace(YOTO, schedule="constant", steps=50, learning_rate=3e-4), 60)) == {3e-4}


def test_a_cosine_warms_up_over_a_hundredth_and_ends_at_zero():
    found = rates(replace(YOTO, schedule="cosine", steps=1000, learning_rate=1e-3), 1010)
    assert found[:4] == pytest.approx([1e-4, 2e-4, 3e-4, 4e-4], rel=1e-3)
    assert max(found) == found[9] == pytest.approx(1e-3, rel=1e-3)
    assert all(later < sooner for sooner, later in itertools.pairwise(found[9:1001]))
    assert found[500] == pytest.approx(5e-4)
    assert found[1000:] == pytest.approx([0.0] * 10, abs=1e-15)


# Runs -----------------------------------------------------------------------------------------------------------------


@BOTH
def test_a_stopped_training_continues_bit_identically(config, tmp_path):
    config = replace(config, steps=STEPS)
    whole, loop = fit(config, seed=1)
    assert (loop.done, loop.step, len(loop.history)) == (True, STEPS, STEPS)
    for step in range(1, STEPS + 1):
        model, part = fit(config, path=tmp_path, seed=1, minutes=1e-9)
        assert (part.step, part.done) == (step, step == STEPS)
    assert_same_weights(model, whole)
    assert part.history == loop.history


@BOTH
def test_training_twice_gives_the_same_and_another_seed_does_not(config):
    (first, loop), (again, _), (other, _) = (fit(config, seed=seed) for seed in (0, 0, 1))
    assert_same_weights(first, again)
    assert not torch.equal(first.state_dict()[key := next(iter(first.state_dict()))], other.state_dict()[key])
    assert all(np.isfinite(value) for row in loop.history for value in row.values())


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


@pytest.mark.slow
@pytest.mark.parametrize("name", ["yoto", "fixed_4", "yoto_wider_batch16"])
def test_the_papers_profile_runs(name):
    """For two steps, one patch each; everything else as in A.2."""
    config = replace(compression.experiments("paper")[name], batch_size=1, steps=2)
    model, loop = fit(config)
    assert loop.done
    assert all(np.isfinite(value) for row in loop.history for value in row.values())
    assert all(p.isfinite().all() for p in model.parameters())


# Checkpoints ----------------------------------------------------------------------------------------------------------


@BOTH
def test_train_writes_a_checkpoint_that_loads_back(config, trained):
    loaded = compression.load(config.name, trained)
    assert loaded.config == config
    assert not loaded.model.training
    assert_same_weights(loaded.model, fit(config)[0], rtol=2e-3, atol=1e-5)
    assert loaded.card.data == f"{STAND_IN}; measured on {STAND_IN}"
    assert f"train compression --only {config.name} --profile smoke" in loaded.card.command
    metrics = loaded.card.metrics
    points = range(5 if config.kind == "yoto" else 1)
    expected = {f"{name}_{i}" for name in ("rate", "distortion", "psnr", "ms_ssim", "size_error") for i in points}
    assert set(metrics) == {*expected, "mean_cost"}
    weights = compression.lambda_grid(5).tolist() if config.kind == "yoto" else [config.lam]
    costs = [metrics[f"rate_{i}"] + weight * metrics[f"distortion_{i}"] for i, weight in enumerate(weights)]
    assert metrics["mean_cost"] == pytest.approx(np.mean(costs))


@BOTH
def test_what_the_card_says_is_what_the_stored_weights_give(config, trained):
    loaded = compression.load(config.name, trained)
    again = card_metrics(config, loaded.model, measured_on(few=True).pictures)
    assert again == pytest.approx(loaded.card.metrics, rel=1e-6)


def test_train_does_nothing_when_it_is_finished(trained):
    options = {"out": trained, "profile": "smoke", "progress": False}
    assert {file.name for file in trained.iterdir()} == {
        f"{config.name}.{kind}" for config in (YOTO, FIXED) for kind in ("json", "safetensors")
    }
    before = {file: (file.stat().st_mtime_ns, file.read_bytes()) for file in trained.iterdir()}
    assert compression.train(YOTO, **options)
    for other in ({"config": replace(YOTO, steps=2)}, {"seed": 1}):
        with pytest.raises(CheckpointError, match="another configuration"):
            compression.train(**{"config": YOTO, **options, **other})
    assert {file: (file.stat().st_mtime_ns, file.read_bytes()) for file in trained.iterdir()} == before


def test_train_all_shares_a_time_budget_and_continues(tmp_path, trained):
    options = {"out": tmp_path, "profile": "smoke"}
    assert compression.train_all([YOTO, FIXED], minutes=1e-9, **options) == 0
    assert compression.train(YOTO, minutes=1e-9, progress=False, **options) is False
    assert [path.name for path in (tmp_path / "unfinished").iterdir()] == ["yoto"]
    assert compression.train_all([YOTO, FIXED], **options) == 2
    for file in trained.glob("*.safetensors"):
        assert (tmp_path / file.name).read_bytes() == file.read_bytes()
    assert not (tmp_path / "unfinished").exists()


# Two processes --------------------------------------------------------------------------------------------------------

SCRIPT = """
import json, sys
from dataclasses import replace
from pathlib import Path
from accelerate import PartialState
from lossconditioning.systems import compression

out, jobs = Path(sys.argv[1]), json.loads(sys.argv[2])
found = {}
for label, (name, changes) in jobs.items():
    model, loop = compression.fit(replace(compression.experiments("smoke")[name], **changes), progress=False)
    found[label] = {"history": loop.history}
    found[label]["weights"] = {name: float(p.double().sum()) for name, p in model.named_parameters()}
compression.train(compression.experiments("smoke")["yoto"], out=out / "finished", profile="smoke", progress=False)
if PartialState().is_main_process:
    (out / "found.json").write_text(json.dumps({**found, "processes": PartialState().num_processes}))
"""
JOBS = {
    "yoto": ("yoto", {"batch_size": 4, "steps": STEPS}),
    "fixed": ("fixed_2", {"batch_size": 4, "steps": STEPS}),
    "odd": ("yoto", {"batch_size": 3, "steps": STEPS}),
}


@pytest.mark.slow
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
