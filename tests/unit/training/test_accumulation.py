"""Steps that accumulate gradients across a checkpoint resume to the bit, whatever the gradients are."""

import os
import signal

import pytest
import torch
from torch import nn

from lossconditioning import Loop
from lossconditioning.training import load_state, save_state
from lossconditioning.training.identity import same

STEPS, EVERY = 22, 5


class Training:
    """A network whose gradients are accumulated over four steps; saved every five."""

    def __init__(self):
        torch.manual_seed(1)
        self.model = nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 1))
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=0.1, momentum=0.9)
        self.state = {"model": self.model, "optimizer": self.optimizer}

    def batch(self, t):
        return torch.randn(8, 4)

    def loss(self, x):
        return self.model(x).square().mean()

    def backward(self, loss, step):
        loss.backward()

    def step(self):
        self.optimizer.step()
        self.optimizer.zero_grad()

    def run(self, path, until=STEPS) -> Loop:
        loop = Loop(self.batch, steps=STEPS, every=EVERY, state=self.state, path=path, progress=False)
        for x in loop:
            self.backward(self.loss(x), loop.step)
            if loop.step % 4 == 3:
                self.step()
            if loop.step == until:
                break
        return loop


class ZeroesStay(Training):
    """Gradients are set to zero, not to None."""

    def step(self):
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=False)


class TwoOptimizers(Training):
    """One steps at its own rhythm; only optimizers are in the state for the second half."""

    def __init__(self):
        super().__init__()
        self.slow = torch.optim.Adam(self.model[2].parameters(), lr=0.1)
        self.optimizer = torch.optim.Adam(self.model[0].parameters(), lr=0.1)
        self.state = {"first": self.model[0], "second": self.model[2], "slow": self.slow, "optimizer": self.optimizer}

    def backward(self, loss, step):
        loss.backward()
        if step % 7 == 6:
            self.slow.step()
            self.slow.zero_grad()


class OfTheOptimizerAlone(Training):
    """A tensor that no module of the state has."""

    def __init__(self):
        super().__init__()
        self.free = nn.Parameter(torch.ones(1))
        self.held = torch.optim.SGD([self.free], lr=0.1)
        self.state |= {"held": self.held, "kept": Kept(self.free)}

    def loss(self, x):
        return super().loss(x) + (self.free * x.mean()).square().sum()

    def step(self):
        super().step()
        self.held.step()
        self.held.zero_grad()


class Kept:
    def __init__(self, tensor):
        self.tensor = tensor

    def state_dict(self):
        return {"tensor": self.tensor.detach()}

    def load_state_dict(self, saved):
        self.tensor.data.copy_(saved["tensor"])


class Scaled(Training):
    """A gradient scaler, whose scale is in the gradients."""

    def __init__(self):
        super().__init__()
        self.scaler = torch.amp.GradScaler("cpu", init_scale=8.0, growth_interval=2)
        self.state["scaler"] = self.scaler

    def backward(self, loss, step):
        self.scaler.scale(loss).backward()

    def step(self):
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.optimizer.zero_grad()


class Frozen(Training):
    """A layer that never has a gradient, and one that is frozen with a gradient in flight, and stepped all the same."""

    def __init__(self):
        super().__init__()
        self.model[2].weight.requires_grad_(False)

    def backward(self, loss, step):
        self.model[0].bias.requires_grad_(step % 4 < 2)
        loss.backward()


class Sparse(Training):
    """An embedding, whose gradient is sparse."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(10, 4, sparse=True)
        self.sparse = torch.optim.SparseAdam(self.embedding.parameters(), lr=0.1)
        self.state |= {"embedding": self.embedding, "sparse": self.sparse}

    def batch(self, t):
        return torch.randint(0, 10, (8,))

    def loss(self, x):
        return super().loss(self.embedding(x))

    def step(self):
        super().step()
        self.sparse.step()
        self.sparse.zero_grad()


class ChannelsLast(Training):
    """Gradients whose norm is summed in the order in which they are laid out."""

    def __init__(self):
        super().__init__()
        self.model = nn.Sequential(nn.Conv2d(8, 8, 3), nn.Flatten(), nn.Linear(8, 1)).to(
            memory_format=torch.channels_last
        )
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=0.1)
        self.state = {"model": self.model, "optimizer": self.optimizer}

    def batch(self, t):
        return torch.randn(4, 8, 3, 3)

    def step(self):
        nn.utils.clip_grad_norm_(self.model.parameters(), 0.01)
        super().step()


KINDS = [Training, ZeroesStay, TwoOptimizers, OfTheOptimizerAlone, Scaled, Frozen, Sparse, ChannelsLast]


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_stopped_in_mid_accumulation_continues_bit_identically(kind, tmp_path):
    whole, stopped, resumed = kind(), kind(), kind()
    whole.run(tmp_path / "whole")
    stopped.run(tmp_path / "stopped", until=17)
    for parameter in resumed.model.parameters():  # of a cell that was run again
        parameter.grad = torch.ones_like(parameter)
    loop = resumed.run(tmp_path / "stopped")
    assert (loop.resumed_from, loop.done) == (15, True)
    last = f"step-{STEPS:09d}.safetensors"
    there, here = (load_state(tmp_path / folder / last) for folder in ("whole", "stopped"))
    for saved in (there, here):
        del saved["seconds"]
    assert same(there, here)
    for one, other in zip(whole.model.parameters(), resumed.model.parameters(), strict=True):
        assert torch.equal(one, other)


def test_an_interrupt_in_mid_accumulation_loses_nothing(tmp_path):
    whole, stopped, resumed = Training(), Training(), Training()
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    stopped.backward = lambda loss, step: (loss.backward(), step == 13 and os.kill(os.getpid(), signal.SIGINT))
    try:
        with pytest.raises(KeyboardInterrupt, match="stopped at step 14"):
            stopped.run(tmp_path)
    finally:
        signal.signal(signal.SIGINT, before)
    assert resumed.run(tmp_path).resumed_from == 14
    whole.run(None)
    assert all(torch.equal(*pair) for pair in zip(whole.model.parameters(), resumed.model.parameters(), strict=True))


def test_a_checkpoint_of_an_earlier_version_is_continued(tmp_path):
    Training().run(tmp_path, until=10)
    (file,) = tmp_path.glob("*10.safetensors")
    saved = load_state(file)
    del saved["gradients"], saved["identity"]
    save_state(file, saved)
    assert Training().run(tmp_path).resumed_from == 10
