"""The β-VAE's training: its recipes, what one step draws, and that one process and several take the same steps."""

import json
import os
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from lossconditioning import CheckpointError, LogUniform, ReaderError, Uniform, weighted
from lossconditioning.datasets.shapes3d import Shapes3D
from lossconditioning.systems import beta_vae, system
from lossconditioning.systems.beta_vae.pictures import HELD_OUT
from lossconditioning.systems.beta_vae.training import draw, optimizer_and_schedule
from lossconditioning.training.randomness import reseed_torch

SMOKE = beta_vae.experiments("smoke")
YOTO, FIXED = SMOKE["cifar10_yoto"], SMOKE["cifar10_fixed"]
STEPS = 4


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A folder with a very small CIFAR-10."""
    here = tmp_path_factory.mktemp("data")
    train, test = (
        np.random.default_rng(seed).integers(0, 256, (count, 32, 32, 3), dtype=np.uint8)
        for seed, count in ((0, 40), (1, 6))
    )
    np.savez(here / "cifar10.npz", x_train=train, x_test=test)
    return here


@pytest.fixture
def fit(folder):
    return lambda config, **options: beta_vae.fit(config, progress=False, **{"folder": folder, **options})


def assert_same_weights(model, other, **tolerance):
    for (name, ours), (_, its) in zip(model.state_dict().items(), other.state_dict().items(), strict=True):
        torch.testing.assert_close(ours, its, **(tolerance or {"rtol": 0, "atol": 0}), msg=name)


# Recipes ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"data": "cifar"}, "Did you mean 'cifar10'"),
        ({"kind": "yotto"}, "Did you mean 'yoto'"),
        ({"conditioning": "none"}, "no conditioning 'none'"),
        ({"prior": "loguniform"}, "Did you mean 'log-uniform'"),
        ({"encoding": "lin"}, "no encoding 'lin'"),
        *(({name: 0}, f"{name} must be a whole number") for name in ("betas", "draws", "batch_size", "steps")),
        ({"steps": 2.5}, "steps must be a whole number of at least 1; got 2.5"),
        ({"width": 0}, "width and learning_rate are positive; got 0"),
        ({"learning_rate": -1e-3}, "positive"),
        ({"width": float("nan")}, "positive"),
        ({"hidden": 0}, "hidden"),
        ({"beta_range": (0.0, 4.0)}, "range|low"),
        ({"beta_range": (4.0, 1.0)}, "range|low"),
        ({"kind": "fixed", "draws": 2}, "one β"),
    ],
    ids=str,
)
def test_a_config_that_makes_no_sense_is_refused(wrong, said):
    with pytest.raises(ReaderError, match=said):
        beta_vae.Config("x", **wrong)


@pytest.mark.parametrize("profile", beta_vae.PROFILES)
def test_every_experiment_of_a_profile_survives_json(profile):
    configs = beta_vae.experiments(profile)
    main = ("yoto", "fixed", "wider", "twice_steps", "half_steps")
    assert {f"{data}_{name}" for data in ("shapes3d", "cifar10") for name in main} <= set(configs)
    ablations = ("uniform", "concatenation", "input", "linear", "narrow")
    assert {f"cifar10_{name}" for name in ablations} <= set(configs)
    for name, config in configs.items():
        assert config.name == name
        assert name.startswith(config.data)
        assert beta_vae.Config.from_json(json.loads(json.dumps(config.as_json()))) == config


def test_the_papers_profile_has_the_papers_numbers():
    configs = beta_vae.experiments("paper")
    for data, batch, rate, ends in (
        ("cifar10", 128, 8e-4, (0.5, 512.0)),
        ("shapes3d", 64, 2e-4, (0.5, 2048.0)),
    ):
        for name in ("yoto", "fixed", "wider"):
            config = configs[f"{data}_{name}"]
            assert (config.steps, config.batch_size, config.learning_rate) == (600_000, batch, rate)
            assert (config.range, config.draws, config.hidden, config.betas) == (ends, 1, None, 8)
            assert (config.conditioning, config.prior, config.encoding) == ("film", "log-uniform", "log")
            assert (config.width, config.kind) == (
                1.5 if name == "wider" else 1.0,
                "fixed" if name == "fixed" else "yoto",
            )
        assert configs[f"{data}_twice_steps"].steps == 1_200_000
    assert {config.steps for config in configs.values()} == {300_000, 600_000, 1_200_000}


def test_demo_names_what_laptop_trained():
    assert beta_vae.experiments("demo") == beta_vae.experiments("laptop")
    with pytest.raises(ReaderError, match=r"no profile 'papier'. Did you mean 'paper'"):
        beta_vae.experiments("papier")
    assert system("beta_vae") is beta_vae


@pytest.mark.parametrize(
    ("changes", "prior", "told"),
    [
        ({}, LogUniform, LogUniform),
        ({"prior": "uniform"}, Uniform, LogUniform),
        ({"encoding": "linear"}, LogUniform, Uniform),
        ({"beta_range": (4.0, 64.0)}, LogUniform, LogUniform),
    ],
    ids=str,
)
def test_beta_is_drawn_from_the_prior_and_told_in_the_encoding(changes, prior, told):
    config = replace(YOTO, **changes)
    assert type(config.sampled) is prior
    encodes = beta_vae.build(config).encoder.prior
    assert type(encodes) is told
    for one in (config.sampled, encodes):
        assert (one.low.item(), one.high.item()) == changes.get("beta_range", (0.5, 512.0))
    assert torch.equal(config.grid, beta_vae.beta_grid("cifar10", 3))


def test_weights_depend_on_the_seed_the_repetition_and_the_member_alone():
    few, many = beta_vae.build(FIXED, seed=1), beta_vae.build(replace(FIXED, betas=5), seed=1)
    others = beta_vae.build(FIXED, seed=2), beta_vae.build(replace(FIXED, repeat=1), seed=1)
    torch.manual_seed(99)
    assert_same_weights(beta_vae.build(FIXED, seed=1), few)
    for name, value in few.state_dict().items():
        assert torch.equal(many.state_dict()[name][:3], value)
        assert not torch.equal(value[0], value[1])
        assert not any(torch.equal(other.state_dict()[name], value) for other in others)


# Pictures ---------------------------------------------------------------------------------------------------------


def test_batches_are_pictures_between_0_and_1(folder):
    data = beta_vae.pictures("cifar10", folder)
    assert "40 + 6" in data.source
    assert data.held_out.shape == (6, 3, 32, 32)
    batch = data.batches(7, seed=3)
    assert torch.equal(batch(5), data.batches(7, seed=3)(5))
    assert not torch.equal(batch(0), data.batches(7, seed=4)(0))
    assert (batch(0).dtype, batch(0).shape) == (torch.float32, (7, 3, 32, 32))
    assert torch.equal((255 * batch(0)).round() / 255, batch(0))
    assert 0 <= batch(0).amin() < 0.1 < 0.9 < batch(0).amax() <= 1


@pytest.fixture
def few_shapes(monkeypatch):
    monkeypatch.setitem(HELD_OUT, "shapes3d", 5)
    return


@pytest.mark.usefixtures("few_shapes")
def test_one_shapes3d_picture_in_ten_is_never_trained_on():
    data = beta_vae.pictures("shapes3d")
    assert len(data.training) == 432_000
    assert data.held_out.shape == (5, 3, 64, 64)
    order = torch.randperm(480_000, generator=torch.Generator().manual_seed(0))
    assert torch.equal(data.held_out, Shapes3D()[order[:5]])
    assert not torch.isin(order[:5], data.training).any()
    assert len(data.training.unique()) == 432_000
    assert data.batches(2)(0).shape == (2, 3, 64, 64)


@pytest.mark.usefixtures("few_shapes")
def test_however_a_data_set_is_asked_for_it_is_made_once():
    assert beta_vae.pictures("shapes3d") is beta_vae.pictures("shapes3d", None)


def test_an_unknown_data_set_is_answered_with_the_closest():
    with pytest.raises(ReaderError, match="Did you mean 'cifar10'"):
        beta_vae.pictures("cifar100")


# One step ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("draws", [1, 4])
@pytest.mark.parametrize("changes", [{}, {"prior": "uniform"}, {"beta_range": (4.0, 64.0)}], ids=str)
def test_every_draw_stands_beside_its_own_picture(draws, changes):
    config = replace(YOTO, draws=draws, **changes)
    torch.manual_seed(0)
    batch = torch.rand(5, 3, 32, 32)
    x, lam, noise = draw(config, batch, 64)
    assert (x.shape, lam.shape, noise.shape) == ((5 * draws, 3, 32, 32), (5 * draws,), (5 * draws, 64))
    for row in range(5 * draws):
        assert torch.equal(x[row], batch[row // draws])
    low, high = config.range
    assert ((lam >= low) & (lam <= high)).all()
    assert len(lam.unique()) == len(noise[:, 0].unique()) == 5 * draws
    if draws > 1:
        share = (lam - low) / (high - low) if config.prior == "uniform" else (lam / low).log() / np.log(high / low)
        strata = (share * draws).floor().long().view(5, draws)
        assert torch.equal(strata.sort(dim=1).values, torch.arange(draws).expand(5, draws))


def test_every_fixed_model_gets_its_own_beta_and_the_same_pictures():
    batch = torch.rand(5, 3, 32, 32)
    x, lam, noise = draw(FIXED, batch, 64)
    assert (x.shape, lam.shape, noise.shape) == ((3, 5, 3, 32, 32), (3, 5), (3, 5, 64))
    assert torch.equal(lam, FIXED.grid.unsqueeze(1).expand(3, 5))
    assert (x == batch).all()
    assert (noise == noise[:1]).all()
    assert noise.std() > 0.5


def test_the_learning_rate_is_halved_where_the_paper_says():
    optimizer, schedule = optimizer_and_schedule(replace(YOTO, steps=1000), beta_vae.build(YOTO))
    rates = []
    for _ in range(1000):
        rates.append({group["lr"] for group in optimizer.param_groups})
        optimizer.step()
        schedule.step()
    assert all(len(rate) == 1 for rate in rates)
    rates = [rate.pop() for rate in rates]
    expected = [8e-4 * 0.5**halvings for halvings, steps in enumerate((500, 150, 150, 150, 50)) for _ in range(steps)]
    assert rates == pytest.approx(expected)


@pytest.mark.parametrize("name", ["cifar10_yoto", "cifar10_concatenation", "cifar10_input", "cifar10_fixed"])
def test_weights_decay_but_not_those_of_the_conditioning(name):
    model = beta_vae.build(SMOKE[name])
    optimizer, _ = optimizer_and_schedule(SMOKE[name], model)
    decays = {id(p): group["weight_decay"] for group in optimizer.param_groups for p in group["params"]}
    named = dict(model.named_parameters())
    assert len(decays) == len(named) == sum(len(group["params"]) for group in optimizer.param_groups)
    assert all(decays[id(p)] == (0 if "conditioners" in path else 1e-5) for path, p in named.items())
    assert any("conditioners" in path for path in named) == (name != "cifar10_fixed")


# Training ---------------------------------------------------------------------------------------------------------


def test_training_separate_models_together_is_training_them_one_by_one(fit, folder):
    config = replace(FIXED, steps=STEPS)
    together, loop = fit(config, seed=2)
    batch, losses = beta_vae.pictures("cifar10", folder).batches(config.batch_size, 2000), torch.zeros(STEPS)
    for m in range(3):
        alone = beta_vae.build(config, seed=2).member(m)
        optimizer, schedule = optimizer_and_schedule(config, alone)
        for step in range(STEPS):
            reseed_torch(2000, step)
            x, lam, noise = (part[m] for part in draw(config, batch(step), 64))
            loss = weighted(beta_vae.terms(alone, x, lam, noise), {"kl": lam}).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            losses[step] += loss.detach() / 3
        assert_same_weights(together.member(m), alone, rtol=1e-4, atol=1e-5)
    assert [row["loss"] for row in loop.history] == pytest.approx(losses.tolist(), rel=1e-4)


@pytest.mark.parametrize("config", [YOTO, FIXED], ids=["yoto", "fixed"])
def test_a_stopped_training_continues_bit_identically(config, fit, tmp_path):
    config = replace(config, steps=STEPS)
    whole, loop = fit(config, seed=1)
    assert (loop.done, loop.step, len(loop.history)) == (True, STEPS, STEPS)
    for step in range(1, STEPS + 1):
        model, part = fit(config, path=tmp_path, seed=1, minutes=1e-9)
        assert (part.step, part.done) == (step, step == STEPS)
    assert_same_weights(model, whole)
    assert part.history == loop.history


@pytest.mark.parametrize("name", ["cifar10_yoto", "cifar10_fixed", "cifar10_uniform", "cifar10_narrow"])
def test_training_twice_gives_the_same_and_another_seed_does_not(name, fit):
    (first, loop), (again, _), (other, _) = (fit(SMOKE[name], seed=seed) for seed in (0, 0, 1))
    assert_same_weights(first, again)
    assert not torch.equal(first.state_dict()[key := next(iter(first.state_dict()))], other.state_dict()[key])
    assert all(np.isfinite(value) for row in loop.history for value in row.values())
    assert_same_weights(fit(replace(SMOKE[name], repeat=1))[0], fit(replace(SMOKE[name], repeat=1))[0])


def test_the_loss_logged_is_the_weighted_sum_of_the_terms_where_beta_is_one(fit):
    _, loop = fit(replace(YOTO, beta_range=(0.999, 1.001)))
    for row in loop.history:
        assert row["loss"] == pytest.approx(row["reconstruction"] + row["kl"], rel=1e-3)


def test_sixty_steps_lower_the_loss(fit):
    _, loop = fit(replace(YOTO, steps=60, batch_size=8, beta_range=(0.5, 1.0)))
    losses = [row["loss"] for row in loop.history]
    assert np.mean(losses[-10:]) < np.mean(losses[:10]) - 50


@pytest.mark.usefixtures("few_shapes")
@pytest.mark.parametrize("name", ["shapes3d_yoto", "shapes3d_fixed"])
def test_shapes3d_trains_too(name):
    model, loop = beta_vae.fit(SMOKE[name], progress=False)
    assert loop.done
    assert all(p.isfinite().all() for p in model.parameters())


def test_mixed_precision_can_be_asked_for_in_a_session_that_trained_without(fit):
    _, plain = fit(YOTO, mixed_precision="no")
    _, mixed = fit(YOTO, mixed_precision="bf16")
    for a, b in zip(plain.history, mixed.history, strict=True):
        assert a["loss"] == pytest.approx(b["loss"], rel=0.05)


# Finished checkpoints ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("config", [YOTO, FIXED], ids=["yoto", "fixed"])
def test_train_writes_a_checkpoint_once_and_it_loads_back(config, folder, tmp_path):
    options = {"out": tmp_path, "profile": "smoke", "progress": False, "folder": folder}
    assert beta_vae.train(config, **options)
    files = sorted(tmp_path.iterdir())
    assert [file.name for file in files] == [f"{config.name}.json", f"{config.name}.safetensors"]
    before = [(file.stat().st_mtime_ns, file.read_bytes()) for file in files]
    assert beta_vae.train(config, **options)
    assert [(file.stat().st_mtime_ns, file.read_bytes()) for file in files] == before
    for other in ({"config": replace(config, steps=2)}, {"seed": 1}):
        with pytest.raises(CheckpointError, match="another configuration"):
            beta_vae.train(**{"config": config, **options, **other})
    loaded = beta_vae.load(config.name, tmp_path)
    trained, _ = beta_vae.fit(config, progress=False, folder=folder)
    assert_same_weights(loaded.model, trained, rtol=2e-3, atol=1e-5)
    assert loaded.config == config
    assert "40 + 6" in loaded.card.data
    assert f"--only {config.name}" in loaded.card.command
    assert not loaded.model.training
    measured = beta_vae.frontier(loaded.model, beta_vae.pictures("cifar10", folder).held_out, config.grid)
    for index in range(3):
        for name in ("reconstruction", "kl"):
            assert loaded.card.metrics[f"{name}_{index}"] == pytest.approx(float(measured[name][index]), rel=1e-4)
    assert loaded.card.metrics["mean_loss"] == pytest.approx(
        float(beta_vae.full_loss(measured, config.grid).mean()), rel=1e-4
    )


def test_train_all_shares_a_time_budget_and_continues(folder, tmp_path):
    options = {"out": tmp_path, "profile": "smoke", "folder": folder}
    assert beta_vae.train_all([YOTO, FIXED], minutes=1e-9, **options) == 0
    assert beta_vae.train_all([YOTO, FIXED], **options) == 2
    assert sorted(file.name for file in tmp_path.iterdir()) == [
        f"{name}.{kind}" for name in ("cifar10_fixed", "cifar10_yoto") for kind in ("json", "safetensors")
    ]


def test_what_is_not_there_can_not_be_loaded(tmp_path):
    with pytest.raises(CheckpointError, match=r"no card .*cifar10_yoto\.json"):
        beta_vae.load("cifar10_yoto", tmp_path)


# Several processes ------------------------------------------------------------------------------------------------

SCRIPT = """
import json, sys
from dataclasses import replace
from pathlib import Path
from accelerate import PartialState
from lossconditioning.systems import beta_vae

folder, out, jobs = Path(sys.argv[1]), Path(sys.argv[2]), json.loads(sys.argv[3])
found = {}
for label, (name, changes, options) in jobs.items():
    config = replace(beta_vae.experiments("smoke")[name], **changes)
    model, loop = beta_vae.fit(config, folder=folder, progress=False, **options)
    found[label] = {"history": loop.history, "resumed": loop.resumed_from, "step": loop.step}
    found[label]["weights"] = {name: float(p.double().sum()) for name, p in model.named_parameters()}
train = beta_vae.experiments("smoke")["cifar10_yoto"]
found["finished"] = beta_vae.train(train, out=out / "finished", profile="smoke", folder=folder, progress=False)
if PartialState().is_main_process:
    (out / "found.json").write_text(json.dumps({**found, "processes": PartialState().num_processes}))
"""
JOBS = {
    "yoto": ("cifar10_yoto", {"batch_size": 8, "draws": 2, "steps": STEPS}),
    "fixed": ("cifar10_fixed", {"batch_size": 8, "steps": STEPS}),
    "odd yoto": ("cifar10_yoto", {"batch_size": 7, "draws": 1, "steps": STEPS}),
    "odd fixed": ("cifar10_fixed", {"batch_size": 7, "steps": STEPS}),
}


@pytest.fixture(scope="module")
def two_processes(folder, tmp_path_factory) -> tuple[dict, Path]:
    """What two processes find that train as one does; and their folder."""
    out = tmp_path_factory.mktemp("two")
    (out / "script.py").write_text(SCRIPT)
    jobs = {label: (*job, {}) for label, job in JOBS.items()}
    saved = {"path": str(out / "steps")}
    jobs["stopped"] = (*JOBS["yoto"], {**saved, "minutes": 1e-9})
    jobs["continued"] = (*JOBS["yoto"], saved)
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


@pytest.mark.slow
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


@pytest.mark.slow
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
