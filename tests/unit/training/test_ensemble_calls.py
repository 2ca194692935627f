"""An ensemble of what vmap has no rule for, exported, compiled, and called from several threads."""

import copy
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
import torch.nn.utils.prune
from torch import nn
from torch.nn.utils import parametrizations
from torch.utils import _pytree as pytree
from torch.utils.checkpoint import checkpoint

from lossconditioning import Ensemble, ReaderError

M = 3


class Squared(torch.autograd.Function):
    """Of the form that vmap refuses."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx, gradient):
        return 2 * ctx.saved_tensors[0] * gradient


class Through(nn.Module):
    """A linear layer, and something behind it."""

    def __init__(self, then):
        super().__init__()
        self.linear, self.then = nn.Linear(6, 4), then

    def forward(self, x):
        return self.then(self.linear(x))


class Running(nn.Module):
    """A running mean that is assigned anew in every call."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(6, 4)
        self.register_buffer("mean", torch.zeros(4))

    def forward(self, x):
        out = self.linear(x)
        if self.training:
            self.mean = 0.9 * self.mean + 0.1 * out.detach().mean(0)
        return out - self.mean


class Late(nn.Module):
    """Counts in a batch norm, and draws, before it comes to what vmap does not know."""

    def __init__(self):
        super().__init__()
        self.norm, self.drop, self.recurrent = nn.BatchNorm1d(6), nn.Dropout(0.5), nn.GRUCell(6, 4)
        self.last = Through(Squared.apply)

    def forward(self, x):
        return self.last(self.drop(self.norm(x)))


def branching(x):
    return x if x.sum() > 0 else -x


def filling(x):
    out = torch.zeros(x.shape[0], 8)
    out[:, :4] = x
    return out


UNRULY = {
    "gru": lambda: nn.GRU(6, 4),
    "lstm": lambda: nn.LSTM(6, 4, num_layers=2, bidirectional=True),
    "lstm_cell": lambda: nn.LSTMCell(6, 4),
    "batch_norm_without_momentum": lambda: Through(nn.BatchNorm1d(4, momentum=None)),
    "spectral_norm": lambda: nn.Sequential(parametrizations.spectral_norm(nn.Linear(6, 4))),
    "spectral_norm_of_old": lambda: nn.Sequential(nn.utils.spectral_norm(nn.Linear(6, 4))),
    "function_without_rule": lambda: Through(Squared.apply),
    "branch": lambda: Through(branching),
    "assignment_in_place": lambda: Through(filling),
    "buffer_assigned_anew": Running,
    "checkpoint": lambda: Through(lambda x: checkpoint(torch.sin, x, use_reentrant=False)),
    "reentrant_checkpoint": lambda: Through(lambda x: checkpoint(torch.sin, x, use_reentrant=True)),
}
ONLY_IN_TRAINING = {"batch_norm_without_momentum", "spectral_norm", "spectral_norm_of_old", "buffer_assigned_anew"}
RULED = {
    "weight_norm": lambda: nn.Sequential(parametrizations.weight_norm(nn.Linear(6, 4))),
    "attention": lambda: nn.TransformerEncoderLayer(6, 2, 8, dropout=0.0, batch_first=True),
    "no_parameters": lambda: nn.Flatten(0),
}


def made(build, layout="auto"):
    torch.manual_seed(0)
    members = [build() for _ in range(M)]
    return (
        members,
        Ensemble(members, layout),
        torch.randn(M, 5, 6),
    )


def leaves(outputs):
    return pytree.tree_leaves(outputs)


def one_by_one(members, x):
    return [torch.stack(parts) for parts in zip(*(leaves(m(x[i])) for i, m in enumerate(members)), strict=True)]


@pytest.mark.parametrize("training", [True, False], ids=["training", "evaluation"])
@pytest.mark.parametrize("name", [*UNRULY, *RULED])
def test_members_without_a_rule_run_one_by_one_and_are_themselves(name, training):
    members, ensemble, x = made({**UNRULY, **RULED}[name])
    members = [copy.deepcopy(member).train(training) for member in members]
    ensemble.train(training)
    for _ in range(3):  # the first finds out
        found, expected = leaves(ensemble(x)), one_by_one(members, x)
        torch.testing.assert_close(found, expected)
    if name != "no_parameters":
        sum(part.square().sum() for part in found).backward()
        sum(part.square().sum() for part in expected).backward()
    for index, member in enumerate(members):
        torch.testing.assert_close(ensemble.member(index).state_dict(), member.state_dict())
        for parameter, of in member.named_parameters():
            torch.testing.assert_close(
                ensemble.get_parameter(f"stacked.{parameter}").grad[index], of.grad, rtol=1e-4, atol=1e-5
            )
    torch.testing.assert_close(leaves(copy.deepcopy(ensemble.eval())(x)), leaves(ensemble(x)))


@pytest.mark.parametrize("name", UNRULY)
def test_asked_to_be_batched_they_are_refused_in_words(name):
    _, ensemble, x = made(UNRULY[name], "batched")
    before = copy.deepcopy(ensemble.state_dict())
    with pytest.raises(ReaderError, match=r"can not be batched, which layout='batched' asks for; layout='auto'"):
        ensemble(x)
    torch.testing.assert_close(ensemble.state_dict(), before)
    if name in ONLY_IN_TRAINING:
        torch.testing.assert_close(
            ensemble.eval()(x), Ensemble([ensemble.member(i) for i in range(M)], "loop").eval()(x)
        )


def test_an_attempt_that_fails_leaves_buffers_and_random_numbers_as_they_were():
    results = []
    for layout in ("auto", "loop"):
        _, ensemble, x = made(Late, layout)
        torch.manual_seed(1)
        results.append((ensemble(x), ensemble.state_dict(), torch.rand(3)))
    torch.testing.assert_close(results[0], results[1], rtol=0, atol=0)


@pytest.mark.parametrize("layout", ["auto", "batched", "loop"])
def test_an_error_of_the_members_own_stays_theirs(layout):
    _, ensemble, _ = made(lambda: nn.Linear(6, 4), layout)
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        ensemble(torch.zeros(M, 5, 7))


def pruned():
    layer = nn.Linear(6, 4)
    torch.nn.utils.prune.l1_unstructured(layer, "weight", 0.5)
    return layer


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize("build", [lambda: nn.Sequential(nn.utils.weight_norm(nn.Linear(6, 4))), pruned])
def test_weights_that_are_computed_are_refused_by_name(build):
    with pytest.raises(ReaderError, match=r"has a tensor 'weight' that is computed.*parametrizations\.weight_norm"):
        Ensemble([build() for _ in range(M)])


def test_inputs_are_tensors_with_a_leading_axis():
    _, ensemble, _ = made(lambda: nn.Linear(6, 4))
    with pytest.raises(ReaderError, match=r"leading axis of 3; got \(\)"):
        ensemble(torch.tensor(1.0))
    with pytest.raises(ReaderError, match="leading axis of 3; got a list"):
        ensemble([1.0, 2.0, 3.0])


def test_checkpointing_around_an_ensemble_leaves_it_batched():
    _, ensemble, x = made(lambda: nn.Linear(6, 4), "batched")
    expected = torch.autograd.grad(ensemble(x).square().sum(), list(ensemble.parameters()))
    _, again, _ = made(lambda: nn.Linear(6, 4), "batched")
    out = checkpoint(again, x, use_reentrant=False)
    torch.testing.assert_close(torch.autograd.grad(out.square().sum(), list(again.parameters())), expected)


# Graphs -------------------------------------------------------------------------------------------------------------------


class Nested(nn.Module):
    """Layers in a list and a dictionary, and plain ones of both, which torch.export puts copies in the place of."""

    def __init__(self):
        super().__init__()
        self.first, self.norm = nn.Linear(6, 4), nn.BatchNorm1d(4)
        self.list, self.dict = nn.ModuleList([nn.Linear(4, 4)]), nn.ModuleDict({"a": nn.Linear(4, 2)})
        self.sizes, self.named = [2.0], {"b": 3.0}

    def forward(self, x):
        return self.dict["a"](self.list[0](self.norm(self.first(x)))) * self.sizes[0] + self.named["b"]


@pytest.mark.parametrize(
    "build",
    [Nested, UNRULY["gru"], lambda: nn.Sequential(nn.Conv1d(5, 4, 3), nn.Dropout(0.5))],
    ids=["nested", "gru", "convolution"],
)
@pytest.mark.parametrize(("strict", "called"), [(True, True), (False, True), (False, False)])
def test_export_makes_a_graph_and_leaves_the_ensemble_as_it_was(build, strict, called):
    _, ensemble, x = made(build)
    twin = copy.deepcopy(ensemble.eval())
    expected = leaves(twin(x))
    if called:
        ensemble(x)
    if strict and torch.__version__ < "2.7":
        pytest.skip("its strict export does not know functional_call")
    graph = torch.export.export(ensemble, (x,), strict=strict)
    torch.testing.assert_close(leaves(graph.module()(x)), expected)
    assert "batch_dim" not in str(graph.graph)  # of vmap, which no other runtime knows
    for found in (leaves(ensemble(x)), leaves(copy.deepcopy(ensemble)(x))):
        assert all(type(part) is torch.Tensor for part in found)
        torch.testing.assert_close(found, expected)
    assert list(ensemble.state_dict()) == list(twin.state_dict())
    torch.testing.assert_close(dict(ensemble.state_dict()), dict(twin.state_dict()))
    torch.testing.assert_close(leaves(ensemble.member(1)(x[1])), [part[1] for part in expected])
    sum(part.sum() for part in leaves(ensemble.train()(x))).backward()
    assert all(parameter.grad is not None for parameter in ensemble.parameters())
    other = Ensemble([build() for _ in range(M)]).eval()
    ensemble.eval().load_state_dict(other.state_dict())
    torch.testing.assert_close(leaves(ensemble(x)), leaves(other(x)))


@pytest.mark.parametrize("build", [Nested, UNRULY["gru"]])
@pytest.mark.parametrize("called", [True, False])
def test_compiled_it_is_the_same(build, called):
    torch._dynamo.reset()
    _, ensemble, x = made(build)
    expected = leaves(copy.deepcopy(ensemble.eval())(x))
    if called:
        ensemble(x)
    torch.testing.assert_close(leaves(torch.compile(ensemble, backend="eager")(x)), expected)
    torch.testing.assert_close(leaves(ensemble(x)), expected)


# Threads ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("layout", ["batched", "loop"])
def test_threads_that_call_one_ensemble_do_not_disturb_one_another(layout):
    _, ensemble, _ = made(lambda: nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 4)), layout)
    inputs = [torch.randn(M, 5, 6) for _ in range(4)]
    expected = [ensemble(x) for x in inputs]

    def wrong(index):
        return sum(not torch.equal(ensemble(inputs[index]), expected[index]) for _ in range(200))

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(4) as pool:
            assert sum(pool.map(wrong, range(4))) == 0
    finally:
        sys.setswitchinterval(interval)
