"""The resumable loop: whatever stops it, what comes out is what would have come out."""

import contextlib
import os
import random
import shutil
import signal
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save
from torch import nn

from lossconditioning import Batches, CheckpointError, Dirichlet, Loop, ReaderError
from lossconditioning.training import load_state
from lossconditioning.training.randomness import mix

STEPS, EVERY = 30, 7
LAST, BEFORE = "step-000000030.safetensors", "step-000000028.safetensors"
BATCHES = Batches(torch.linspace(-1, 1, 20).unsqueeze(1), batch_size=8, seed=3)
CONFIG = {"width": 8, "betas": (0.5, 0.9), "prior": [1.0, 1.0]}
OPTIONS = {"steps": STEPS, "every": EVERY, "seed": 5, "config": CONFIG, "progress": False}


def train(path, disturb=lambda step: None, **options) -> Loop:
    """A generator and its critic, with every kind of state and of random number; ends early if ``disturb`` says True."""
    torch.manual_seed(1)
    model = nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 1))
    critic = nn.Linear(1, 1)
    adam = torch.optim.Adam(model.parameters(), lr=0.01)
    sgd = torch.optim.SGD(critic.parameters(), lr=0.01, momentum=0.9)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(adam, STEPS)
    scaler = torch.amp.GradScaler("cpu", init_scale=8.0, growth_interval=3)
    noise = torch.Generator().manual_seed(7)
    state = {"model": model, "critic": critic, "adam": adam, "sgd": sgd, "schedule": schedule}
    loop = Loop(BATCHES, state={**state, "scaler": scaler, "noise": noise}, path=path, **{**OPTIONS, **options})
    for x in loop:
        lam = Dirichlet([1.0, 1.0]).sample((len(x),))
        jitter = np.random.normal() + random.gauss(0, 1) + torch.randn((), generator=noise)  # noqa: NPY002
        score = critic(model(torch.cat([x, lam], dim=1)) + jitter)
        if disturb(loop.step):
            break
        adam.zero_grad()
        sgd.zero_grad()
        loss = score.square().mean()
        scaler.scale(loss).backward()
        scaler.step(adam)
        sgd.step()
        scaler.update()
        schedule.step()
        loop.log(loss=loss, jitter=jitter)
    return loop


def bits(value):
    """A nested state with its tensors as bytes, so that == compares bit by bit."""
    if isinstance(value, torch.Tensor):
        return value.dtype, value.shape, value.contiguous().numpy().tobytes()
    if isinstance(value, dict):
        return {key: bits(item) for key, item in value.items() if key != "seconds"}
    return [bits(item) for item in value] if isinstance(value, (list, tuple)) else value


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture(autouse=True)
def interrupts_are_not_ignored():
    """A process started in the background inherits an ignored SIGINT; these tests need Python's usual handler."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("uninterrupted")
    assert train(folder).done
    return folder


@pytest.fixture
def finished(uninterrupted, tmp_path) -> Path:
    return shutil.copytree(uninterrupted, tmp_path / "finished")


def assert_identical(folder: Path, other: Path) -> None:
    assert bits(load_state(folder / LAST)) == bits(load_state(other / LAST))


def test_mix_gives_close_inputs_unrelated_seeds():
    inputs = [(a, b) for a in range(-50, 250) for b in range(300)] + [(a,) for a in range(1000)] + [(0, 0, 0), ()]
    seeds = [mix(*numbers) for numbers in inputs]
    assert len(set(seeds)) == len(inputs)
    assert all(0 <= seed < 1 << 63 for seed in seeds)
    flipped = [bin(mix(0, i) ^ mix(0, i + 1)).count("1") for i in range(500)]
    assert 29 < np.mean(flipped) < 34


def test_a_batch_is_a_function_of_seed_and_step():
    data = torch.arange(10)
    in_order = [Batches(data, batch_size=4, seed=1)[t] for t in range(9)]
    shuffled = Batches(data, batch_size=4, seed=1)
    for t in [8, 0, 5, 5, 2, 7, 1, 3, 6, 4]:
        assert torch.equal(shuffled[t], in_order[t])
    epochs = [torch.cat(in_order[e : e + 3]) for e in (0, 3, 6)]
    assert [len(batch) for batch in in_order[:3]] == [4, 4, 2]
    assert all(torch.equal(epoch.sort().values, data) for epoch in epochs)
    other = torch.cat([Batches(data, batch_size=4, seed=2)[t] for t in range(3)])
    assert len({tuple(order.tolist()) for order in [*epochs, other]}) == 4


def test_members_of_an_ensemble_have_their_own_orders():
    data = torch.arange(12)
    batches = Batches(data, 10 * data, batch_size=5, seed=[1, 2, 1])
    x, y = (torch.cat(parts, dim=1) for parts in zip(*(batches[t] for t in range(3)), strict=True))
    assert batches[0][0].shape == (3, 5)
    assert torch.equal(y, 10 * x)
    assert torch.equal(x.sort(dim=1).values, data.expand(3, -1))
    assert torch.equal(x[0], x[2])
    assert not torch.equal(x[0], x[1])
    assert torch.equal(x[1], torch.cat([Batches(data, batch_size=5, seed=2)[t] for t in range(3)]))


@pytest.mark.parametrize(("how", "resumed"), [("break", 14), ("exception", 14), ("interrupt", 18)])
def test_a_stopped_run_continues_bit_identically(how, resumed, tmp_path, uninterrupted):
    def disturb(step):
        if step == 17 and how == "exception":
            raise RuntimeError("out of memory")
        if step == 17 and how == "interrupt":
            os.kill(os.getpid(), signal.SIGINT)
        return step == 17 and how == "break"

    error = {"exception": RuntimeError, "interrupt": KeyboardInterrupt}.get(how)
    with pytest.raises(error) if error else contextlib.nullcontext():
        train(tmp_path, disturb)
    loop = train(tmp_path)
    assert loop.done
    assert loop.resumed_from == resumed
    assert_identical(tmp_path, uninterrupted)


def test_a_time_budget_stops_after_a_step_saved(tmp_path, uninterrupted):
    for step in range(1, STEPS + 1):
        loop = train(tmp_path, minutes=1e-9)
        assert (loop.step, loop.done) == (step, step == STEPS)
    assert_identical(tmp_path, uninterrupted)


def test_a_process_that_does_not_write_resumes_all_the_same(tmp_path, uninterrupted):
    loop = train(tmp_path, writes=False)
    assert (loop.done, loop.resumed_from) == (True, None)
    assert list(tmp_path.iterdir()) == []
    train(tmp_path, lambda step: step == 17)
    leftover = tmp_path / ".step-000000021.safetensors.1.partial"
    leftover.write_bytes(b"what another process is writing")
    before = contents(tmp_path)
    loop = train(tmp_path, writes=False)
    assert (loop.done, loop.resumed_from) == (True, 14)
    assert contents(tmp_path) == before
    saved = load_state(uninterrupted / LAST)
    assert bits(loop.history) == bits(saved["history"])
    assert bits(loop.state["model"].state_dict()) == bits(saved["state"]["model"])


def test_all_stop_where_one_wants_to(tmp_path, uninterrupted):
    asked = []
    loop = train(tmp_path, agree=lambda stop: asked.append(stop) or True)
    assert (loop.step, loop.done, asked) == (1, False, [False])
    assert list(contents(tmp_path)) == ["step-000000001.safetensors"]
    loop = train(tmp_path, agree=lambda stop: asked.append(stop) or len(asked) == 5)
    assert (loop.step, loop.resumed_from) == (5, 1)
    assert train(tmp_path).resumed_from == 5
    assert_identical(tmp_path, uninterrupted)


def test_none_stops_before_all_agree(tmp_path):
    asked = []
    loop = train(tmp_path, minutes=1e-9, agree=lambda stop: asked.append(stop))
    assert (loop.step, loop.done) == (STEPS, True)
    assert asked == [True] * (STEPS - 1)


def test_a_finished_loop_yields_nothing_and_restores_the_state(finished):
    before, seen = contents(finished), []
    loop = train(finished, seen.append)
    assert seen == []
    assert loop.done
    saved = load_state(finished / LAST)
    assert bits(loop.history) == bits(saved["history"])
    for name, item in loop.state.items():
        now = item.get_state() if name == "noise" else item.state_dict()
        assert bits(now) == bits(saved["state"][name]), name
    assert contents(finished) == before


@pytest.mark.parametrize("keep", [2, 4])
def test_the_last_checkpoints_are_kept(keep, tmp_path):
    leftover = tmp_path / ".step-000000007.safetensors.1.partial"
    leftover.write_bytes(b"half a checkpoint")
    train(tmp_path, keep=keep)
    assert sorted(contents(tmp_path)) == [f"step-{step:09d}.safetensors" for step in (7, 14, 21, 28, 30)[-keep:]]


@pytest.mark.parametrize("steps", [5, 1000, 1999, 5000])
def test_history_has_about_a_thousand_rows_at_most(steps):
    loop = Loop(lambda t: t, steps=steps, state={}, progress=False)
    for t in loop:
        loop.log(t=t)
    assert min(steps, 500) <= len(loop.history) <= 1001
    assert [row["step"] for row in loop.history] == [row["t"] for row in loop.history]
    assert loop.history[-1]["step"] == steps - 1


def test_a_loop_runs_outside_the_main_thread(tmp_path, uninterrupted):
    thread = threading.Thread(target=train, args=(tmp_path,))
    thread.start()
    thread.join()
    assert_identical(tmp_path, uninterrupted)


def test_a_log_file_gets_a_few_lines_of_progress(capfd, monkeypatch):
    monkeypatch.delitem(sys.modules, "ipykernel", raising=False)
    loop = Loop(lambda t: t, steps=5000, state={}, label="long")
    for t in loop:
        loop.log(loss=t)
    said = capfd.readouterr().err
    assert "5000/5000" in said
    assert "loss" in said
    assert said.count("\r") + said.count("\n") <= 5


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"config": {**CONFIG, "width": 9}}, "width is 8 there, 9 here"),
        ({"config": {"width": 8, "betas": (0.5, 0.9)}}, r"prior is \[1.0, 1.0\] there"),
        ({"config": {**CONFIG, "dropout": None}}, "dropout"),
        ({"state": {"model": nn.Linear(1, 1)}}, r"holds \[.*'critic'.*\], but this loop trains \['model'\]"),
        ({"steps": 20}, "30 steps, more than the 20 asked for"),
        ({}, "adam is 'Adam' there, 'a module' here"),
    ],
)
def test_checkpoints_of_another_training_are_refused(options, said, finished):
    before = contents(finished)
    state = {name: nn.Linear(1, 1) for name in load_state(finished / LAST)["state"]}
    with pytest.raises(CheckpointError, match=said):
        list(Loop(BATCHES, path=finished, **{**OPTIONS, "state": state, **options}))
    assert contents(finished) == before


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"batches": iter([torch.zeros(1)])}, "iterator"),
        ({"batches": torch.utils.data.DataLoader([1, 2])}, "batches"),
        ({"state": {"model": 3}}, "state_dict"),
        ({"keep": 1}, "keep"),
        *(({"steps": steps}, "steps") for steps in (0, -1, 2.5, True)),
        ({"every": 0}, "every"),
        *(({"minutes": minutes}, "minutes") for minutes in (0, -1.0, float("nan"))),
    ],
)
def test_arguments_that_make_no_sense_are_refused(options, said):
    with pytest.raises(ReaderError, match=said):
        Loop(**{"batches": BATCHES, "steps": 10, "state": {}, **options})


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        pytest.param(lambda data: data[: len(data) // 2], "damaged", id="truncated"),
        pytest.param(lambda data: data[:5], "damaged", id="nearly empty"),
        pytest.param(lambda data: b"", "damaged", id="empty"),
        pytest.param(lambda data: data[:-9] + bytes([data[-9] ^ 1]) + data[-8:], "changed", id="one bit of a tensor"),
        pytest.param(lambda data: data.replace(b"momentum", b"Momentum"), "changed", id="edited header"),
        pytest.param(lambda data: save({"w": torch.ones(3)}), "not written by lossconditioning", id="somebody else's"),
        pytest.param(lambda data: random.Random(0).randbytes(5000), "damaged", id="random bytes"),
    ],
)
def test_a_damaged_checkpoint_is_passed_over(damage, said, finished, uninterrupted):
    (finished / LAST).write_bytes(damage((finished / LAST).read_bytes()))
    with pytest.warns(UserWarning, match=f"{LAST}.*{said}.*Continuing from the one before it, {BEFORE}"):
        loop = train(finished)
    assert loop.resumed_from == 28
    assert_identical(finished, uninterrupted)

    for file in finished.iterdir():
        file.write_bytes(damage(file.read_bytes()))
    before = contents(finished)
    with pytest.raises(CheckpointError, match=f"None of the 2 checkpoints.*{said}"):
        train(finished)
    assert contents(finished) == before


def interrupt() -> None:
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(0.01)


def test_the_first_interrupt_waits_for_the_step_and_the_second_does_not(capsys):
    before, finished = signal.getsignal(signal.SIGINT), []

    def training(interrupts):
        for t in Loop(lambda t: t, steps=20, state={}, progress=False):
            for _ in range(interrupts if t == 3 else 0):
                interrupt()
            finished.append(t)

    with pytest.raises(KeyboardInterrupt, match="stopped at step 4 of 20"):
        training(interrupts=1)
    assert finished == [0, 1, 2, 3]
    assert "Stopping after this step" in capsys.readouterr().err
    with pytest.raises(KeyboardInterrupt):
        training(interrupts=2)
    assert finished == [0, 1, 2, 3, 0, 1, 2]
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.parametrize("alive", [False, True])
def test_an_exception_in_the_body_gives_the_interrupt_back(alive):
    before, kept = signal.getsignal(signal.SIGINT), []

    def training():
        steps = iter(Loop(lambda t: t, steps=20, state={}, progress=False))
        kept.extend([steps] if alive else [])  # as a notebook's traceback may
        for _ in steps:
            raise RuntimeError("out of memory")

    with pytest.raises(RuntimeError):
        training()
    with pytest.raises(KeyboardInterrupt):
        interrupt()
    assert signal.getsignal(signal.SIGINT) is before
