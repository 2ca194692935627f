"""B networks at once compute what they do one after the other, to the second derivative."""

import copy
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from generated_networks import PRIMARIES, Residual, build, one_by_one
from torch import nn
from torch.utils.checkpoint import checkpoint

from lossconditioning import ReaderError
from lossconditioning.conditioning import generated, run_generated
from lossconditioning.conditioning.generated import Primary


@pytest.fixture(params=["at once", "in turn"], autouse=True)
def way(request, monkeypatch):
    """Both ways to run B convolutions."""
    monkeypatch.setattr(generated, "LARGE", 200_000 if request.param == "at once" else 1)


@pytest.fixture(params=PRIMARIES)
def name(request):
    return request.param


# The same numbers ---------------------------------------------------------------------------------------------------------


def test_the_same_outputs_as_one_by_one(name):
    network, weights, inputs = build(name)
    torch.testing.assert_close(
        run_generated(network, weights, *inputs), one_by_one(network, weights, *inputs), atol=1e-5, rtol=1e-5
    )


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_same_gradients_and_gradient_penalties(name, dtype):
    network, weights, inputs = build(name, dtype=dtype)
    leaves = [tensor.requires_grad_() for tensor in (*weights.values(), *inputs)]

    def derivatives(run):
        outputs = run(network, weights, *inputs)
        penalised = torch.autograd.grad(outputs.square().sum(), inputs, create_graph=True)
        penalty = sum(gradient.square().sum() for gradient in penalised)
        return torch.autograd.grad(outputs.sum() + penalty, leaves)

    for ours, expected in zip(derivatives(run_generated), derivatives(one_by_one), strict=True):
        tolerance = 1e-4 if dtype == torch.float32 else 1e-11
        torch.testing.assert_close(ours, expected, rtol=tolerance, atol=tolerance * float(expected.abs().max()))


def test_one_set_of_weights_serves_a_batch_of_any_size(name):
    network, weights, inputs = build(name)
    shared = {key: value[:1] for key, value in weights.items()}
    for count in (0, 1, 3):
        given = [value[:count] for value in inputs]
        outputs = run_generated(network, shared, *given)
        assert len(outputs) == count
        if count:
            torch.testing.assert_close(outputs, one_by_one(network, shared, *given), atol=1e-5, rtol=1e-5)


def test_some_weights_may_be_shared():
    network, weights, inputs = build("chain")
    weights = {key: value[:1] if key.startswith("2") else value for key, value in weights.items()}
    expected = one_by_one(network, weights, *inputs)
    torch.testing.assert_close(run_generated(network, weights, *inputs), expected, atol=1e-5, rtol=1e-5)


def test_no_examples():
    network, weights, inputs = build("chain", batch=0)
    weights = {key: value.requires_grad_() for key, value in weights.items()}
    outputs = run_generated(network, weights, *inputs)
    assert outputs.shape == (0, *inputs[0].shape[1:])
    outputs.sum().backward()
    assert all(value.grad is not None for value in weights.values())


def test_several_outputs():
    class Two(nn.Linear):
        def forward(self, x):
            y = super().forward(x)
            return {"sum": y.sum(1), "all": (y, -y)}

    primary = Two(5, 3)
    weights = {"weight": torch.randn(4, 3, 5), "bias": torch.randn(4, 3)}
    outputs = run_generated(primary, weights, torch.randn(4, 5))
    assert outputs["sum"].shape == (4,)
    assert torch.equal(outputs["all"][0], -outputs["all"][1])
    torch.testing.assert_close(outputs["all"][0].sum(1), outputs["sum"])


def test_autocast_reaches_generated_networks(name):
    network, weights, inputs = build(name)
    with torch.autocast("cpu", torch.bfloat16):
        outputs = run_generated(network, weights, *inputs)
        expected = one_by_one(network, weights, *inputs)
    assert outputs.dtype == expected.dtype
    torch.testing.assert_close(outputs, expected, atol=0.02 * float(expected.abs().max()), rtol=0.02)
    assert not torch.equal(outputs.float(), one_by_one(network, weights, *inputs))


def test_dropout_differs_between_examples():
    network = nn.Sequential(nn.Linear(50, 50), nn.Dropout(0.5))
    weights = {"0.weight": torch.ones(4, 50, 50), "0.bias": torch.ones(4, 50)}
    dropped = run_generated(network, weights, torch.ones(4, 50)) == 0
    assert dropped.any(1).all()
    assert not torch.equal(dropped[0], dropped[1])


def test_hooks_on_layers_see_batches_of_one():
    network, weights, inputs = build("chain")
    plain, seen = run_generated(network, weights, *inputs), []
    network[2].register_forward_hook(lambda layer, given, output: seen.append(output.shape))
    torch.testing.assert_close(run_generated(network, weights, *inputs), plain)
    assert set(seen) == {(1, 8, 7, 6)}


# What is left alone -------------------------------------------------------------------------------------------------------


def test_the_network_is_neither_changed_nor_needed_in_its_own_weights(name):
    network, weights, inputs = build(name)
    before = copy.deepcopy(network.state_dict())
    primary = Primary(network)
    assert not list(primary.parameters())
    expected = run_generated(network, weights, *inputs)
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.fill_(float("nan"))
    assert torch.equal(primary(weights, *inputs), expected)
    assert torch.equal(copy.deepcopy(primary)(weights, *inputs), expected)


def test_four_threads_get_the_outputs_of_their_own_weights():
    network, weights, inputs = build("chain")
    sets = [{key: value * factor for key, value in weights.items()} for factor in (0.5, 1.0, 1.5, 2.0)]
    primary = Primary(network)
    alone = [primary(own, *inputs) for own in sets]
    together = threading.Barrier(len(sets))

    def wrong(number):
        together.wait()
        return sum(not torch.equal(primary(sets[number], *inputs), alone[number]) for _ in range(100))

    with ThreadPoolExecutor(len(sets)) as pool:
        assert list(pool.map(wrong, range(len(sets)))) == [0, 0, 0, 0]


@pytest.mark.parametrize("reentrant", [False, True])
def test_a_checkpointed_call_has_the_same_gradients(name, reentrant):
    network, weights, inputs = build(name)
    primary, names, found = Primary(network), list(weights), []
    for run in (primary, lambda own, *given: checkpoint(again, *own.values(), *given, use_reentrant=reentrant)):

        def again(*tensors):
            return primary(dict(zip(names, tensors, strict=False)), *tensors[len(names) :])

        leaves = {key: value.clone().requires_grad_() for key, value in weights.items()}
        run(leaves, *inputs).square().sum().backward()
        found.append([value.grad for value in leaves.values()])
    torch.testing.assert_close(*found)


def test_a_failed_call_leaves_nothing_behind():
    network, weights, inputs = build("chain")
    primary = Primary(network)
    expected = primary(weights, *inputs)
    with pytest.raises(RuntimeError):
        primary(weights, inputs[0][:, :2])
    assert torch.equal(primary(weights, *inputs), expected)


# Mistakes -----------------------------------------------------------------------------------------------------------------


def test_what_is_no_primary_network_is_refused():
    tied = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    tied[1].weight = tied[0].weight
    for wrong, said in [
        (nn.ReLU(), "has no parameters"),
        (tied, "tied weights"),
        (torch.relu, "is an nn.Module; got a builtin"),
    ]:
        with pytest.raises(ReaderError, match=said):
            Primary(wrong)


def test_weights_and_inputs_that_do_not_fit_are_refused():
    network, weights, inputs = build("mlp")
    bias = weights["0.bias"]
    for wrong, said in [
        ({**weights, "0.bias": bias[:, :3]}, r"'0.bias' have shape \(4, 3\); expected \(B, 16\)"),
        ({**weights, "0.bias": bias[0]}, r"'0.bias' have shape \(16,\); expected \(B, 16\)"),
        ({**weights, "0.bias": bias[:3]}, "4 examples came with 3 or 4 sets of weights"),
        ({key: value[:3] for key, value in weights.items()}, "4 examples came with 3 sets of weights"),
        ({"0.bias": bias}, "takes weights by name, 0.weight, 0.bias, 2.weight, 2.bias; got 0.bias"),
        (bias, "takes weights by name, .*got a Tensor"),
    ]:
        with pytest.raises(ReaderError, match=said):
            run_generated(network, wrong, *inputs)
    with pytest.raises(ReaderError, match="whose first axis is that of the examples"):
        run_generated(network, weights)
    network, weights, inputs = build("residual")
    with pytest.raises(ReaderError, match="1 or 4 examples came with 4 sets"):
        run_generated(network, weights, inputs[0], inputs[1][:1])


@pytest.mark.parametrize(
    "layer",
    [
        nn.BatchNorm2d(3),
        nn.BatchNorm2d(3, track_running_stats=False).eval(),
        nn.InstanceNorm2d(3, affine=True, track_running_stats=True),
        nn.utils.parametrizations.spectral_norm(nn.Conv2d(3, 3, 1)),
    ],
)
def test_layers_that_read_a_batch_or_change_buffers_are_refused(layer):
    network = nn.Sequential(layer).train(layer.training)
    weights = {name: torch.ones(2, *value.shape) for name, value in network.named_parameters()}
    with pytest.raises(
        ReaderError, match=r"'0.*' of the primary network reads statistics of a batch, or changes its buffers"
    ):
        run_generated(network, weights, torch.ones(2, 3, 5, 5))


def test_a_norm_in_evaluation_mode_uses_its_buffers_as_they_are():
    network = nn.Sequential(nn.BatchNorm2d(3)).eval()
    primary = Primary(network)
    assert set(primary.state_dict()) == {
        f"buffer/0/{key}" for key in ("running_mean", "running_var", "num_batches_tracked")
    }
    weights = {"0.weight": torch.ones(2, 3), "0.bias": torch.zeros(2, 3)}
    x = torch.randn(2, 3, 4, 4)
    torch.testing.assert_close(primary(weights, x), network(x))
    primary.train()
    with pytest.raises(ReaderError, match=r"call .eval\(\) on the hypernetwork's primary"):
        primary(weights, x)


def test_what_a_primary_keeps_moves_with_it():
    primary = Primary(Residual()).double()
    weights = {name: torch.randn(2, *shape, dtype=torch.float64) for name, shape in primary.shapes.items()}
    x = torch.randn(2, 3, 5, 5, dtype=torch.float64)
    assert primary(weights, x, x).dtype == torch.float64
