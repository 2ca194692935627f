"""λ and α belong to the call: in threads, in checkpoints, in a second run of a cell, after export, compiled."""

import copy
import gc
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
import torch._decomp.decompositions_for_jvp  # forward derivatives would read it amid a test, when first asked for
from torch import nn
from torch.utils.checkpoint import checkpoint, checkpoint_sequential

from lossconditioning import Concatenation, LogUniform, ReaderError, condition, tune
from lossconditioning.conditioning import DynamicNet

PRIOR = LogUniform(0.1, 10.0)
IMAGES = torch.randn(4, 3, 6, 6, generator=torch.Generator().manual_seed(0))
LAM = torch.tensor([0.1, 1.0, 5.0, 10.0])


def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 4, 3, padding=1))


def conditioned(body=None):
    body = body or network()
    torch.manual_seed(1)
    return condition(body, ["0", "2"], prior=PRIOR, using=Concatenation)


def tuned(body=None):
    model = tune(body or network(), ["0", "2"])
    torch.manual_seed(1)
    for parameter in model.sets.parameters():
        nn.init.normal_(parameter, std=0.3)
    return model


KINDS = {
    "condition": (conditioned, lambda model, value, x=IMAGES: model(x, torch.full((len(x),), 10.0**value))),
    "tune": (tuned, lambda model, value, x=IMAGES: model(x, alpha=float(value))),
}
KIND = pytest.mark.parametrize("kind", KINDS)


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
    hooked = model.network if kind == "condition" else model.main
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
        parts = model.conditioners if kind == "condition" else model.sets
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


# A second run of a cell ---------------------------------------------------------------------------------------------------


def test_conditioning_a_network_again_replaces_the_first():
    body = network()
    first, second = conditioned(body), conditioned(body)
    second.eval()(IMAGES, LAM)
    with pytest.raises(ReaderError, match=r"taken off, by undo\(\) or because the network was conditioned anew"):
        first(IMAGES, LAM)
    plain = network()(IMAGES)
    assert torch.equal(second.undo()(IMAGES), plain)
    assert not any(layer._forward_hooks for layer in body.modules())


@pytest.mark.parametrize("mistake", [{"at": ["9"]}, {"at": ["1"]}, {"at": ["0"], "using": len}], ids=str)
def test_a_mistake_in_conditioning_again_loses_nothing(mistake):
    body = network()
    model = conditioned(body).eval()
    before = model(IMAGES, LAM)
    with pytest.raises((ReaderError, TypeError)):
        condition(body, prior=PRIOR, **mistake)
    assert torch.equal(model(IMAGES, LAM), before)


def test_a_conditioned_network_is_measured_without_its_conditioning():
    body = network()
    conditioned(body)
    first = conditioned(body)
    second = condition(body, ["1"], prior=PRIOR, example=IMAGES)
    second(IMAGES, LAM)
    assert len(first._site.hooks) == 0


def test_a_conditioned_network_may_be_part_of_another():
    inner = condition(network(), ["0"], prior=PRIOR, using=Concatenation)

    class Outer(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner, self.last = inner, nn.Conv2d(4, 2, 1)

        def forward(self, x):
            return self.last(self.inner(x, LAM))

    outer = condition(Outer(), ["last"], prior=PRIOR, using=Concatenation).eval()
    first, second = (outer(IMAGES, torch.full((4,), lam)) for lam in (0.1, 10.0))
    assert not torch.equal(first, second)
    inner.eval()(IMAGES, LAM)


def test_tuning_a_network_again_leaves_it_trainable_after_undo():
    body = network().train()
    for _ in range(2):  # the cell, and the cell again
        model = tune(body, ["0"])
    assert model.undo() is body
    assert all(parameter.requires_grad for parameter in body.parameters())
    assert all(layer.training for layer in body.modules())
    assert not any(layer._forward_hooks for layer in body.modules())


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_two_holders_of_one_network_the_last_to_go_gives_it_back(order):
    body = network()
    blocks = tuned(network()).sets["tuned"]
    holders = [DynamicNet(body, {"tuned": blocks}) for _ in range(2)]
    alone = holders[0](IMAGES, alpha=0.5)
    assert torch.equal(holders[1](IMAGES, alpha=0.5), alone)  # once, not twice
    holders[order[0]].undo()
    assert not any(parameter.requires_grad for parameter in body.parameters())
    assert torch.equal(holders[order[1]](IMAGES, alpha=0.5), alone)
    holders[order[1]].undo()
    assert all(parameter.requires_grad for parameter in body.parameters())


@KIND
def test_a_model_that_is_gone_leaves_the_network_as_it_was(kind):
    body = network()
    model = KINDS[kind][0](body)
    del model
    gc.collect()
    assert torch.equal(body(IMAGES), network()(IMAGES))
    assert not any(layer._forward_hooks for layer in body.modules())
    assert all(parameter.requires_grad for parameter in body.parameters())


# Compiled, scripted, exported ---------------------------------------------------------------------------------------------


def compiled_module():
    return torch.compile(network(), backend="eager"), "_orig_mod.0"


def compiled_in_place():
    body = network()
    body.compile(backend="eager")
    return body, "0"


def compiled_part():
    body = network()
    body[2] = torch.compile(body[2], backend="eager")
    return body, "0"


def compiled_forward():
    body = network()
    body.forward = torch.compile(body.forward, backend="eager")
    return body, "0"


def traced():
    return torch.jit.trace(network(), IMAGES), "0"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("make", [compiled_module, compiled_in_place, compiled_part, compiled_forward, traced])
def test_what_is_compiled_already_is_refused(make):
    body, at = make()
    said = r"(compiled|scripted) already, so that what is added to its layers would do nothing"
    with pytest.raises(ReaderError, match=said):
        condition(body, [at], prior=PRIOR)
    with pytest.raises(ReaderError, match=said):
        tune(body, [at])


@KIND
def test_a_model_compiled_afterwards_follows_its_weights(kind):
    make, call = KINDS[kind]
    model = make().eval()
    torch._dynamo.reset()
    fast = torch.compile(model, backend="eager")
    with torch.no_grad():
        for value in (-0.8, 0.7):
            torch.testing.assert_close(call(fast, value), call(model, value))


@pytest.mark.parametrize("strict", [False, True])
@KIND
def test_export_leaves_the_model_as_it_was(kind, strict):
    make, _ = KINDS[kind]
    model = make().eval()
    arguments = ((IMAGES, LAM), {}) if kind == "condition" else ((IMAGES,), {"alpha": LAM / 10})
    with torch.no_grad():
        before = model(*arguments[0], **arguments[1])
        exported = torch.export.export(model, *arguments, strict=strict).module()
        torch.testing.assert_close(exported(*arguments[0], **arguments[1]), before)
        assert torch.equal(model(*arguments[0], **arguments[1]), before)
        assert torch.equal(copy.deepcopy(model)(*arguments[0], **arguments[1]), before)
    body = model.undo()
    assert not any(layer._forward_hooks for layer in body.modules())


@pytest.mark.parametrize("alpha", [torch.tensor(0.5), torch.full((4,), 0.5)], ids=["one α", "one for each"])
def test_a_tuned_network_exports_for_any_batch_size(alpha):
    model, batch = tuned().eval(), torch.export.Dim("batch", min=2, max=64)
    shapes = {"inputs": ({0: batch},), "alpha": {0: batch} if alpha.dim() else {}}
    exported = torch.export.export(model, (IMAGES,), {"alpha": alpha}, dynamic_shapes=shapes, strict=False).module()
    for count in (2, 4, 7):
        images = torch.randn(count, 3, 6, 6)
        turned = torch.linspace(0, 1, count) if alpha.dim() else torch.tensor(0.3)
        torch.testing.assert_close(exported(images, alpha=turned), model(images, alpha=turned))


# α's gradient -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "alpha", [torch.tensor(0.5), torch.tensor(0.0), torch.zeros(4), torch.tensor([0, 0.5, -1, 0])], ids=str
)
def test_alpha_has_its_gradient_at_zero_too(alpha):
    model = tuned()
    alpha = alpha.double().requires_grad_()
    model.double()
    assert torch.autograd.gradcheck(lambda a: model(IMAGES.double(), alpha=a), (alpha,))
    assert torch.autograd.gradcheck(lambda a: model(IMAGES.double(), alpha=[a, 0.5]), (alpha,))


def test_gradient_descent_on_alpha_starts_at_zero():
    model, alpha = tuned(), torch.zeros(4, requires_grad=True)
    with torch.no_grad():
        wanted = model(IMAGES, alpha=0.8)
    optimizer = torch.optim.Adam([alpha], lr=0.05)
    for _ in range(150):
        optimizer.zero_grad()
        (model(IMAGES, alpha=alpha) - wanted).square().mean().backward()
        optimizer.step()
    torch.testing.assert_close(alpha.detach(), torch.full((4,), 0.8), atol=0.02, rtol=0)


def test_alphas_derivative_under_torch_func():
    model = tuned().double()

    def total(alpha):
        return model(IMAGES.double(), alpha=alpha).square().sum()

    for value in (0.0, 0.4):
        alpha = torch.tensor(value, dtype=torch.float64)
        slope = (total(alpha + 1e-6) - total(alpha - 1e-6)) / 2e-6
        torch.testing.assert_close(torch.func.grad(total)(alpha), slope, rtol=1e-5, atol=1e-5)
        _, tangent = torch.func.jvp(total, (alpha,), (torch.ones_like(alpha),))
        torch.testing.assert_close(tangent, slope, rtol=1e-5, atol=1e-5)
