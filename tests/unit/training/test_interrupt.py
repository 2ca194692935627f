"""An interrupt of a loop that is driven by something else: the step is finished and saved, and nothing stays behind."""

import contextlib
import itertools
import os
import signal
import threading
import time

import pytest
import torch
from torch import nn
from tqdm import tqdm

from lossconditioning import Loop
from lossconditioning.training import load_state

STEPS = 20


def forwarded(loop):
    yield from loop


WRAPPINGS = {
    "itself": lambda loop: loop,
    "iter": iter,
    "zip": lambda loop: zip(loop, itertools.count(), strict=False),
    "zip, second": lambda loop: zip(itertools.count(), loop, strict=False),
    "enumerate": enumerate,
    "tqdm": lambda loop: tqdm(loop, disable=True),
    "tqdm, shown": lambda loop: tqdm(loop, total=STEPS),
    "islice": lambda loop: itertools.islice(loop, 100),
    "map": lambda loop: map(str, loop),
    "generator expression": lambda loop: (batch for batch in loop),
    "generator": forwarded,
    "enumerate of tqdm of zip": lambda loop: enumerate(tqdm(zip(loop, itertools.count(), strict=False), disable=True)),
}


@pytest.fixture(autouse=True)
def usual_handler():
    """A process started in the background inherits an ignored SIGINT; and every test leaves the handler as it was."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    after = signal.signal(signal.SIGINT, before)
    assert after is signal.default_int_handler


def interrupt():
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(0.005)


def training(path=None, **options):
    model = nn.Linear(1, 1)
    nn.init.zeros_(model.weight)
    loop = Loop(lambda t: t, steps=STEPS, every=5, state={"model": model}, path=path, progress=False, **options)
    return loop, model.weight.data


@pytest.mark.parametrize("wrapped", WRAPPINGS.values(), ids=WRAPPINGS)
def test_the_step_is_finished_and_saved(wrapped, tmp_path):
    def run(at):
        loop, weight = training(tmp_path)
        for _ in wrapped(loop):
            if loop.step == at:
                interrupt()
            weight += loop.step  # the rest of the body
        return loop

    with pytest.raises(KeyboardInterrupt, match="stopped at step 8 of 20; run again to continue"):
        run(at=7)
    assert load_state(tmp_path / "step-000000008.safetensors")["state"]["model"]["weight"] == sum(range(8))
    loop = run(at=None)
    assert loop.resumed_from == 8
    assert loop.state["model"].weight == sum(range(STEPS))


@pytest.mark.parametrize("wrapped", WRAPPINGS.values(), ids=WRAPPINGS)
@pytest.mark.parametrize("left", ["break", "exception", "exhausted"])
def test_however_a_loop_is_left_the_next_interrupt_is_immediate(wrapped, left, tmp_path):
    def run():
        loop, _ = training(tmp_path)
        for _ in wrapped(loop):
            if loop.step == 7 and left == "break":
                break
            if loop.step == 7 and left == "exception":
                raise RuntimeError("out of memory")

    if left == "exception":
        with pytest.raises(RuntimeError):
            run()
    else:
        run()
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    with pytest.raises(KeyboardInterrupt):
        interrupt()


@pytest.mark.parametrize("wrapped", WRAPPINGS.values(), ids=WRAPPINGS)
def test_an_interrupt_before_a_break_is_not_lost(wrapped):
    loop, _ = training()

    def run():
        for _ in wrapped(loop):
            interrupt()
            break
        time.sleep(5)

    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        run()
    assert loop.step == 0
    assert time.monotonic() - started < 4


def test_one_batch_is_taken_and_nothing_stays():
    loop, _ = training()
    assert next(iter(loop)) == 0
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    with pytest.raises(KeyboardInterrupt):
        interrupt()
    assert list(loop) == list(range(STEPS))


def test_steps_taken_one_by_one_in_several_places_can_each_be_interrupted(tmp_path):
    loop, _ = training(tmp_path)
    steps = iter(loop)

    def cell(interrupted):
        batch = next(steps)
        if interrupted:
            interrupt()
        return batch

    assert [cell(False), cell(False), cell(True)] == [0, 1, 2]
    with pytest.raises(KeyboardInterrupt, match="stopped at step 3 of 20"):
        cell(False)
    assert (tmp_path / "step-000000003.safetensors").exists()


def test_loops_that_died_by_exceptions_are_passed_over_in_any_order():
    kept = []

    def run():
        steps = iter(training()[0])
        kept.append(steps)
        for _ in steps:
            raise RuntimeError

    for _ in range(3):
        with pytest.raises(RuntimeError):
            run()
    for number in (1, 0, 0):
        kept.pop(number).close()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_loop_may_be_given_up_in_another_thread(recwarn):
    steps = [iter(training()[0])]
    next(steps[0])
    thread = threading.Thread(target=lambda: steps.pop().close())
    thread.start()
    thread.join()
    with pytest.raises(KeyboardInterrupt):
        interrupt()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_loop_inside_a_loop():
    outer, _ = training()

    def run():
        for _ in outer:
            inner, _ = training()
            with contextlib.suppress(KeyboardInterrupt):
                for _ in inner:
                    if (outer.step, inner.step) == (1, 2):
                        interrupt()
            if outer.step == 2:
                interrupt()

    with pytest.raises(KeyboardInterrupt, match="stopped at step 3 of 20"):
        run()


def test_an_interrupt_in_the_last_step_is_raised_and_all_is_saved(tmp_path):
    def run():
        loop, _ = training(tmp_path)
        for _ in loop:
            if loop.step == STEPS - 1:
                interrupt()
        return loop

    with pytest.raises(KeyboardInterrupt, match=r"stopped at step 20 of 20$"):
        run()
    assert run().done


@pytest.mark.parametrize("path", [False, True])
def test_what_is_said_is_so(path, tmp_path, capsys):
    loop, _ = training(tmp_path if path else None)

    def run():
        for _ in loop:
            interrupt()

    with pytest.raises(KeyboardInterrupt) as raised:
        run()
    assert ("saved" in capsys.readouterr().err) is path
    assert ("run again to continue" in str(raised.value)) is path


def test_where_interrupts_are_ignored_they_stay_ignored():
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        loop, _ = training()
        for _ in loop:
            interrupt()
        assert loop.done
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def test_a_batch_that_fails_gives_the_interrupt_back():
    def batches(t):
        raise torch.cuda.OutOfMemoryError("none left")

    loop = Loop(batches, steps=3, state={}, progress=False)
    with pytest.raises(torch.cuda.OutOfMemoryError):
        next(iter(loop))
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
