"""λ and α belong to the call: in threads, in the middle of another, in checkpoints."""

import gc
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torch import nn
from torch.utils.checkpoint import checkpoint, checkpoint_sequential
from turned_networks import IMAGES, KIND, KINDS, LAM, conditioned, network, tuned

from lossconditioning import ReaderError

# Threads ------------------------------------------------------------------------------------------------------------------


@KIND
def test_four_threads_get_the_pictures_of_their_own_weights(kind):
    make, call = KINDS[kind]
    model = make().eval()
    values = [-0.9, -0.3, 0.3, 0.9]
    with torch.no_grad():
        alone = [call(model, value) for value in values]
    together = threading.Barrier(len(values))

    def wrong(number: int) -> int:
        together.wait()
        with torch.no_grad():
            return sum(not torch.equal(call(model, values[number]), alone[number]) for _ in range(1000))

    with ThreadPoolExecutor(len(values)) as pool:
        assert list(pool.map(wrong, range(len(values)))) == [0, 0, 0, 0]


@KIND
def test_a_call_in_the_middle_of_anothers(kind):
    """As from a hook, or a network that calls itself."""
    make, call = KINDS[kind]
    model, inner = make().eval(), []
    hooked = model.network if kind != "tune" else model.main
    alone = call(model, -0.5), call(model, 0.5)

    def look(layer, inputs):
        handle.remove()
        inner.append(call(model, 0.5))

    handle = hooked[2].register_forward_pre_hook(look)
    assert torch.equal(call(model, -0.5), alone[0])
    assert torch.equal(inner[0], alone[1])


def test_a_network_that_failed_keeps_no_weights():
    model = conditioned()
    with pytest.raises(RuntimeError):
        model(IMAGES[:, :2], LAM)
    with pytest.raises(ReaderError, match="was called without them"):
        model.network(IMAGES)


# Checkpoints --------------------------------------------------------------------------------------------------------------


class Checkpointed(nn.Sequential):
    """`network`, run again in the backward pass."""

    def __init__(self, way: str):
        super().__init__(*network())
        self.way = way

    def forward(self, x):
        if self.way == "sequential":
            return checkpoint_sequential(list(self), 2, x, use_reentrant=False)
        if self.way == "nested":
            return checkpoint(
                lambda y: self[2](checkpoint(self[1], self[0](y), use_reentrant=False)), x, use_reentrant=False
            )
        return checkpoint(super().forward, x, use_reentrant=self.way == "reentrant")


def gradients(model, parts, outputs):
    outputs.square().sum().backward()
    return [parameter.grad.clone() for parameter in parts.parameters()]


@pytest.mark.parametrize("way", ["reentrant", "not reentrant", "sequential", "nested"])
@KIND
def test_a_checkpoint_inside_the_network_has_the_same_gradients(kind, way):
    make, call = KINDS[kind]
    found = []
    for body in (network(), Checkpointed(way)):
        model = make(body)
        parts = model.conditioners if kind != "tune" else model.sets
        x = IMAGES.clone().requires_grad_()
        # Two calls before the backward pass: each part is run again under its own weights.
        outputs = call(model, -0.7, x) + 2 * call(model, 0.6, x)
        found.append([*gradients(model, parts, outputs), x.grad])
    for plain, again in zip(*found, strict=True):
        torch.testing.assert_close(again, plain)


@pytest.mark.parametrize("way", ["reentrant", "not reentrant"])
@KIND
def test_a_model_that_is_dropped_stays_for_its_backward_pass(kind, way):
    make, call = KINDS[kind]
    found = []
    for drop in (False, True):
        x, model = IMAGES.clone().requires_grad_(), make(Checkpointed(way))
        outputs = call(model, 0.5, x)
        if drop:
            del model
            gc.collect()
        outputs.square().sum().backward()
        found.append(x.grad)
    torch.testing.assert_close(*found)


def test_a_main_network_alone_may_be_checkpointed():
    model = tuned(Checkpointed("not reentrant"))
    x = IMAGES.clone().requires_grad_()
    model.main(x).sum().backward()
    plain = IMAGES.clone().requires_grad_()
    network()(plain).sum().backward()
    torch.testing.assert_close(x.grad, plain.grad)


class Forgetful(torch.autograd.Function):
    """A checkpoint that is not PyTorch's."""

    @staticmethod
    def forward(ctx, function, x):
        ctx.function = function
        ctx.save_for_backward(x)
        with torch.no_grad():
            return function(x)

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        with torch.enable_grad():
            x = x.detach().requires_grad_()
            ctx.function(x).backward(grad)
        return None, x.grad


@KIND
def test_a_checkpoint_that_does_not_know_the_weights_is_refused(kind):
    class Body(nn.Sequential):
        def forward(self, x):
            return Forgetful.apply(super().forward, x)

    make, call = KINDS[kind]
    model = make(Body(*network()))
    outputs = call(model, 0.5, IMAGES.clone().requires_grad_())
    with pytest.raises(ReaderError, match=r"run again in a backward pass by something that does not know"):
        outputs.sum().backward()
