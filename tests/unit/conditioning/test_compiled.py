"""Compiled and scripted before, compiled afterwards, exported."""

import copy

import pytest
import torch
from turned_networks import IMAGES, KIND, KINDS, LAM, PRIOR, network, tuned

from lossconditioning import ReaderError, condition, tune


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
    arguments = ((IMAGES, LAM), {}) if kind != "tune" else ((IMAGES,), {"alpha": LAM / 10})
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
