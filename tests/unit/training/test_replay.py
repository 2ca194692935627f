"""The pool of earlier pictures: each keeps its λ, half are earlier ones, and a resumed training hands out the same."""

import random

import pytest
import torch

from lossconditioning import CheckpointError, Dirichlet, Loop, ReaderError
from lossconditioning.training import load_state, save_state
from lossconditioning.training.replay import ReplayPool


def numbered(first, count=4, dtype=torch.float32):
    """Pictures that show their own number, and a λ that has it, too."""
    numbers = torch.arange(first, first + count)
    pictures = numbers.to(dtype)[:, None, None, None].expand(count, 3, 2, 2).contiguous()
    return pictures, torch.stack([numbers, 2 * numbers, 3 * numbers], 1).float()


def run(pool, steps, first=0, count=4, dtype=torch.float32):
    """Numbers of the pictures that are handed out at each step; their λ is checked on the way."""
    found = []
    for step in range(first, first + steps):
        pictures, lam = pool(*numbered(step * count, count, dtype), step)
        numbers = pictures[:, 0, 0, 0].long()
        assert torch.equal(pictures, numbers.to(dtype)[:, None, None, None].expand(count, 3, 2, 2))
        assert torch.equal(lam, torch.stack([numbers, 2 * numbers, 3 * numbers], 1).float())
        found.append(numbers.tolist())
    return found


def by_hand(size, seed, steps, count=4):
    """CycleGAN's pool as a list."""
    from lossconditioning.training.randomness import generator
    from lossconditioning.training.replay import _STREAM

    kept, found = [], []
    for step in range(steps):
        draw = generator(seed, step, _STREAM)
        chances, places = torch.rand(count, generator=draw), torch.randint(size, (count,), generator=draw)
        out = []
        for row in range(count):
            new = step * count + row
            if len(kept) < size:
                kept.append(new)
                out.append(new)
            elif chances[row] < 0.5:
                out.append(kept[places[row]])
                kept[places[row]] = new
            else:
                out.append(new)
        found.append(out)
    return found


@pytest.mark.parametrize("dtype", [torch.float32, torch.uint8], ids=str)
@pytest.mark.parametrize("size", [1, 6, 8])
def test_it_is_cyclegans_pool(size, dtype):
    assert run(ReplayPool(size, seed=3), 30, dtype=dtype) == by_hand(size, 3, 30)


def test_a_pool_that_is_not_full_hands_out_what_came():
    pool = ReplayPool(50)
    assert run(pool, 12) == [[4 * step + row for row in range(4)] for step in range(12)]
    assert pool.count == 48


def test_half_of_what_is_handed_out_is_earlier_and_no_picture_is_shown_twice():
    shown = run(ReplayPool(50, seed=1), 1000)
    late = [number < 4 * step for step, numbers in enumerate(shown) for number in numbers if step > 12]
    assert 0.46 < sum(late) / len(late) < 0.54
    flat = [number for numbers in shown[13:] for number in numbers]
    assert len(set(flat)) == len(flat)
    assert max(4 * step - number for step, numbers in enumerate(shown) for number in numbers) > 400  # some are old


def test_draws_depend_on_seed_and_step_alone():
    assert run(ReplayPool(6, seed=3), 20) != run(ReplayPool(6, seed=4), 20)
    torch.manual_seed(0)
    first = run(ReplayPool(6, seed=3), 20)
    random.seed(5)
    torch.manual_seed(5)
    before = torch.get_rng_state()
    assert run(ReplayPool(6, seed=3), 20) == first
    assert torch.equal(torch.get_rng_state(), before)


def test_what_is_given_stays_as_it_is_and_what_comes_back_has_no_gradient():
    pool = ReplayPool(2)
    made = torch.rand(4, 3, 2, 2, requires_grad=True)
    lam = Dirichlet([0.5] * 3).sample((4,))
    before = made.detach().clone(), lam.clone()
    for step in range(6):
        pictures, told = pool(made * 1, lam, step)
        assert not pictures.requires_grad
        pictures.zero_()
        told.zero_()
    assert torch.equal(made.detach(), before[0])
    assert torch.equal(lam, before[1])
    assert pool.state_dict()["pictures"].any()


def test_one_weight_for_each_picture_will_do():
    pool = ReplayPool(2)
    for step in range(5):
        pictures, lam = pool(torch.full((3, 1, 2, 2), float(step)), torch.full((3,), float(step)), step)
        assert torch.equal(pictures[:, 0, 0, 0], lam)


def test_a_pool_survives_a_file_and_goes_on(tmp_path):
    whole, half = ReplayPool(6, seed=3), ReplayPool(6, seed=3)
    expected = run(whole, 20)[9:]
    run(half, 9)
    save_state(tmp_path / "pool.safetensors", half.state_dict())
    again = ReplayPool(6, seed=3)
    again.load_state_dict(load_state(tmp_path / "pool.safetensors"))
    assert again.count == half.count == 6
    assert run(again, 11, first=9) == expected


def test_a_pool_saved_before_its_first_picture_begins():
    pool = ReplayPool(6, seed=3)
    pool.load_state_dict(ReplayPool(6, seed=3).state_dict())
    assert run(pool, 5) == by_hand(6, 3, 5)


def test_what_is_saved_does_not_change_afterwards():
    pool = ReplayPool(2, seed=3)
    run(pool, 2)
    saved = pool.state_dict()
    kept = saved["pictures"].clone()
    run(pool, 20, first=2)
    assert torch.equal(saved["pictures"], kept)
    assert not torch.equal(pool.state_dict()["pictures"], kept)


def test_a_resumed_loop_hands_out_what_an_uninterrupted_one_does(tmp_path):
    def train(steps, path, stop=None):
        pool, shown = ReplayPool(5, seed=1), []
        loop = Loop(
            lambda step: numbered(4 * step), steps=steps, state={"pool": pool}, path=path, every=3, progress=False
        )
        for pictures, lam in loop:
            shown.append(pool(pictures, lam, loop.step)[1][:, 0].tolist())
            if loop.step == stop:
                raise KeyboardInterrupt
        return shown

    whole = train(12, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        train(12, tmp_path / "stopped", stop=7)
    resumed = train(12, tmp_path / "stopped")
    assert resumed == whole[-len(resumed) :]
    assert 0 < len(resumed) < 12


def test_another_pool_is_refused(tmp_path):
    pool = ReplayPool(6, seed=3)
    run(pool, 3)
    with pytest.raises(ReaderError, match="That pool's size is 6, this one's 7"):
        ReplayPool(7, seed=3).load_state_dict(pool.state_dict())
    with pytest.raises(ReaderError, match="That pool's seed is 3, this one's 4"):
        ReplayPool(6, seed=4).load_state_dict(pool.state_dict())

    def loop(size):
        return Loop(numbered, steps=2, state={"pool": ReplayPool(size)}, path=tmp_path, progress=False)

    list(loop(5))
    with pytest.raises(CheckpointError, match="pool does not fit"):
        list(loop(6))


@pytest.mark.parametrize(
    ("pictures", "lam", "said"),
    [
        (torch.zeros(4, 3, 2, 2), torch.zeros(3, 3), r"4 pictures came with λ of shape \(3, 3\)"),
        (torch.zeros(4, 3, 2, 2), torch.tensor(1.0), r"4 pictures came with λ of shape \(\)"),
        (torch.zeros(4, 3, 4, 4), torch.zeros(4, 3), r"keeps pictures \(3, 2, 2\) of torch.float32; got \(3, 4, 4\)"),
        (torch.zeros(4, 3, 2, 2).byte(), torch.zeros(4, 3), "got .* of torch.uint8"),
        (torch.zeros(4, 3, 2, 2), torch.zeros(4, 2), r"keeps λ \(3,\) of torch.float32; got \(2,\)"),
    ],
)
def test_what_does_not_fit_is_refused_and_changes_nothing(pictures, lam, said):
    pool = ReplayPool(6)
    run(pool, 3)
    before = pool.state_dict()
    with pytest.raises(ReaderError, match=said):
        pool(pictures, lam, 3)
    assert torch.equal(pool.state_dict()["pictures"], before["pictures"])


@pytest.mark.parametrize("wrong", [0, -1, 2.5, True])
def test_sizes_are_whole_numbers(wrong):
    with pytest.raises(ReaderError, match=f"size must be a whole number of at least 1; got {wrong}"):
        ReplayPool(wrong)
