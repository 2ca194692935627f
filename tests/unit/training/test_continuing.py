"""Training finished networks further: weights and schedule begin where they ended, and cards say so."""

from dataclasses import replace

import pytest
import torch

from lossconditioning import CheckpointError, Loop, ReaderError
from lossconditioning.systems import beta_vae, dynamic_faces
from lossconditioning.training import Run
from lossconditioning.training.cards import load_published, read_card
from lossconditioning.training.continuing import Start, start_of
from lossconditioning.training.schedules import optimizer_and_schedule

SYSTEM = beta_vae.SYSTEM
KINDS = ("shapes3d_yoto", "shapes3d_fixed")
AT_ONCE = 1e-7  # minutes: enough for one step


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A folder of networks of three steps each."""
    run = Run(out=tmp_path_factory.mktemp("finished"), profile="smoke", progress=False)
    for name in KINDS:
        assert SYSTEM.train(beta_vae.experiments("smoke")[name], run)
    return run.out


def longer(name, steps=6):
    return replace(beta_vae.experiments("smoke")[name], steps=steps)


@pytest.mark.parametrize("name", KINDS)
def test_it_begins_with_the_networks_weights_at_the_step_where_they_ended(finished, tmp_path, name, capsys):
    run = Run(out=tmp_path, profile="smoke", progress=False, start=finished)
    assert SYSTEM.train(longer(name), run)
    before, after = read_card(finished / f"{name}.json"), read_card(tmp_path / f"{name}.json")
    assert after.start == {"steps": 3, "digest": before.digest}
    assert (after.steps, before.start) == (6, {})
    assert after.command.endswith("--out DIR --start DIR")
    assert f"{name}: 3 and another 3 steps on" in str(after)
    assert f"{name}: beginning with a network of 3 steps." in capsys.readouterr().err
    assert SYSTEM.load(name, tmp_path).config == longer(name)

    weights = load_published(finished, name, "beta_vae")[1]
    model, loop = SYSTEM.fit(longer(name), run)
    assert [row["step"] for row in loop.history] == [3, 4, 5]
    begun = start_of("beta_vae", longer(name), run).give(beta_vae.build(longer(name)), name).state_dict()
    assert all(torch.equal(value, weights[part]) for part, value in begun.items())
    away = max(float((value - weights[part]).abs().max()) for part, value in model.state_dict().items())
    assert 0 < away < 1.1 * 3 * longer(name).learning_rate  # three steps of Adam


@pytest.mark.parametrize("name", KINDS)
def test_interrupted_it_ends_bit_identical(finished, tmp_path, name):
    run = Run(profile="smoke", progress=False, start=finished)
    straight, _ = SYSTEM.fit(longer(name), run)
    for _ in range(3):
        model, loop = SYSTEM.fit(longer(name), replace(run, minutes=AT_ONCE), tmp_path)
    assert loop.done
    assert all(torch.equal(value, model.state_dict()[key]) for key, value in straight.state_dict().items())


def test_a_checkpoint_of_another_beginning_is_refused(finished, tmp_path):
    run = Run(profile="smoke", progress=False, minutes=AT_ONCE)
    SYSTEM.fit(longer(KINDS[0]), run, tmp_path)
    with pytest.raises(CheckpointError, match="start"):
        SYSTEM.fit(longer(KINDS[0]), replace(run, start=finished), tmp_path)


def test_the_schedule_goes_on_where_it_was():
    config = replace(longer("shapes3d_yoto", steps=100), schedule="steps")
    layer = torch.nn.Linear(2, 2)
    rates = []
    for begun in (0, 60):
        optimizer, schedule = optimizer_and_schedule(config, layer, milestones=(0.5, 0.8), factor=0.5)
        Start(begun, "digest", {}).advance(optimizer, schedule)
        rates.append([])
        for _ in range(begun, 100):
            rates[-1].append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            schedule.step()
    assert rates[1] == rates[0][60:]


def test_nothing_left_to_train_is_said(finished):
    run = Run(profile="smoke", progress=False, start=finished)
    with pytest.raises(ReaderError, match="has 3 steps, and 3 are asked for"):
        SYSTEM.fit(longer(KINDS[0], steps=3), run)


def test_a_network_that_is_not_there_is_said(finished, tmp_path):
    with pytest.raises(CheckpointError, match="There is no card"):
        SYSTEM.fit(longer(KINDS[0]), Run(profile="smoke", progress=False, start=tmp_path))


def test_a_start_that_can_not_be_is_said_before_data_are_made(finished, tmp_path):
    def data(config, run):
        raise AssertionError("data were made")

    run = Run(out=tmp_path / "out", profile="smoke", progress=False, start=tmp_path / "nowhere")
    with pytest.raises(CheckpointError, match="There is no card"):
        replace(SYSTEM, data=data).train(longer(KINDS[0]), run)


def test_another_network_is_refused(finished):
    run = Run(profile="smoke", progress=False, start=finished)
    with pytest.raises(ReaderError, match="Training of shapes3d_yoto can not begin with the finished network"):
        SYSTEM.fit(replace(longer(KINDS[0]), hidden=12), run)


def test_adversaries_are_trained_from_the_beginning(tmp_path):
    config = dynamic_faces.experiments("smoke")["face_dark_hair"]
    with pytest.raises(ReaderError, match="learns against a discriminator"):
        dynamic_faces.SYSTEM.fit(config, Run(profile="smoke", progress=False, start=tmp_path))


def test_without_a_start_there_is_nothing_to_note():
    start = start_of("beta_vae", longer(KINDS[0]), Run())
    assert (start.noted(), start.steps) == ({}, 0)


@pytest.mark.parametrize("first", [-1, 11, 1.5])
def test_a_loop_begins_with_one_of_its_steps(first):
    with pytest.raises(ReaderError, match="first is one of the 10 steps"):
        Loop([0] * 10, steps=10, state={}, first=first)


def test_a_loop_that_begins_later_takes_the_rest():
    loop = Loop(list(range(10)), steps=10, state={}, first=7, progress=False)
    assert list(loop) == [7, 8, 9]
    assert loop.done
