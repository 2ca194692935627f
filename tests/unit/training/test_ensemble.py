"""An ensemble computes and trains exactly what its members would one by one."""

import copy
from functools import partial

import pytest
import torch
from safetensors.torch import load, save
from torch import nn

from lossconditioning import CCAM, CentralBiasing, Ensemble, FiLM, LogUniform, ReaderError, condition, weighted

M = 5


def mlp(activation=nn.Tanh, dtype=torch.float64):
    return nn.Sequential(nn.Linear(2, 16), activation(), nn.Linear(16, 16), activation(), nn.Linear(16, 2)).to(dtype)


@pytest.fixture
def members():
    torch.manual_seed(0)
    return [mlp() for _ in range(M)]


def one_by_one(members, *inputs):
    return torch.stack([member(*(value[m] for value in inputs)) for m, member in enumerate(members)])


def normalised(count=3):
    """Networks with batch norm, each with statistics of its own."""
    torch.manual_seed(0)
    networks = [nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, 1)) for _ in range(count)]
    for shift, network in enumerate(networks):
        network(torch.randn(32, 3) + shift)
    return networks


def test_training_together_is_training_one_by_one(members):
    separate = copy.deepcopy(members)
    ensemble = Ensemble(members)
    lam = torch.linspace(0, 1, M, dtype=torch.float64)
    lam = torch.stack([lam, 1 - lam], dim=-1)  # every member has an objective of its own
    torch.manual_seed(1)
    batches = torch.randn(50, M, 8, 2, dtype=torch.float64)

    def objective(out, x, weights):
        terms = {"follow": (out - x).square().mean(-1), "stay": out.abs().mean(-1)}
        return weighted(terms, weights.unsqueeze(-2).expand(*out.shape[:-1], 2)).mean(-1)

    together = torch.optim.Adam(ensemble.parameters(), lr=0.01)
    for x in batches:
        together.zero_grad()
        objective(ensemble(x), x, lam).sum().backward()
        together.step()
    for m, member in enumerate(separate):
        optimizer = torch.optim.Adam(member.parameters(), lr=0.01)
        for x in batches[:, m]:
            optimizer.zero_grad()
            objective(member(x), x, lam[m]).backward()
            optimizer.step()
        for ours, its, start in zip(
            ensemble.member(m).parameters(), member.parameters(), members[m].parameters(), strict=True
        ):
            torch.testing.assert_close(ours, its, rtol=0, atol=1e-10)
            assert (its - start).abs().max() > 0.01


def test_a_members_gradient_is_its_own(members):
    ensemble = Ensemble(members)
    ensemble(torch.ones(M, 4, 2, dtype=torch.float64))[2].sum().backward()
    for parameter in ensemble.parameters():
        moved = parameter.grad.flatten(1).abs().sum(1) > 0
        assert moved.tolist() == [False, False, True, False, False]


def test_the_members_come_back_out_as_copies(members):
    ensemble, x = Ensemble(members), torch.randn(M, 4, 2, dtype=torch.float64)
    assert len(ensemble) == M
    torch.testing.assert_close(ensemble(x), one_by_one(members, x))
    for index in (0, 3, -1):
        assert torch.equal(ensemble.member(index)(x[index]), members[index](x[index]))
    before, one = ensemble(x), ensemble.member(2)
    nn.init.zeros_(one[0].weight)  # neither a member taken out
    nn.init.zeros_(members[2][0].weight)  # nor the module put in
    assert torch.equal(ensemble(x), before)


def test_frozen_parameters_stay_frozen(members):
    for member in members:
        member[0].requires_grad_(False)
    ensemble = Ensemble(members)
    expected = [p.requires_grad for p in members[0].parameters()]
    assert [p.requires_grad for p in ensemble.parameters()] == expected
    assert [p.requires_grad for p in ensemble.member(1).parameters()] == expected


def test_a_state_dict_is_the_members_with_a_leading_axis(members):
    ensemble = Ensemble(members)
    state = ensemble.state_dict()
    for name, value in members[0].state_dict().items():
        stacked = torch.stack([member.state_dict()[name] for member in members])
        assert value.shape == stacked.shape[1:]
        assert torch.equal(state.pop(f"stacked.{name}"), stacked)
    assert not state


@pytest.mark.parametrize("assign", [False, True])
def test_a_state_dict_survives_a_file(members, assign):
    ensemble, other = Ensemble(members), Ensemble([mlp() for _ in range(M)])
    x = torch.randn(M, 4, 2, dtype=torch.float64)
    assert not torch.equal(other(x), ensemble(x))
    other.load_state_dict(load(save(ensemble.state_dict())), assign=assign)
    assert torch.equal(other(x), ensemble(x))


def test_a_deep_copy_and_a_cast_are_equal_and_independent(members):
    ensemble, x = Ensemble(members), torch.randn(M, 4, 2, dtype=torch.float64)
    before, twin = ensemble(x), copy.deepcopy(ensemble)
    assert torch.equal(twin(x), before)
    nn.init.zeros_(twin.stacked[4].weight)
    nn.init.zeros_(twin.stacked[4].bias)
    assert not twin(x).any()
    assert torch.equal(ensemble(x), before)
    torch.testing.assert_close(ensemble.float()(x.float()).double(), before, rtol=1e-4, atol=1e-4)


def test_batch_norms_keep_their_own_statistics():
    networks, x = normalised(), torch.randn(3, 8, 3)
    ensemble = Ensemble(networks)
    for mode in (True, False):  # in training, statistics move
        ensemble.train(mode)
        expected = one_by_one([network.train(mode) for network in networks], x)
        torch.testing.assert_close(ensemble(x), expected)
    for m, network in enumerate(networks):
        for name, buffer in network.named_buffers():
            torch.testing.assert_close(ensemble.member(m).get_buffer(name), buffer)


def test_members_in_evaluation_mode_make_an_ensemble_in_evaluation_mode():
    networks, x = [network.eval() for network in normalised()], torch.randn(3, 8, 3)
    torch.testing.assert_close(Ensemble(networks)(x), one_by_one(networks, x))


def test_dropout_differs_between_members_and_ends_with_training():
    ensemble = Ensemble([nn.Dropout(0.5), nn.Dropout(0.5)])
    x = torch.ones(2, 64)
    dropped = ensemble(x)
    assert not torch.equal(dropped[0], dropped[1])
    assert torch.equal(ensemble.eval()(x), x)


@pytest.mark.parametrize("using", [FiLM, partial(CCAM, reduction=1), partial(CentralBiasing, normalise=False)])
def test_conditioned_members_follow_their_own_weights(using):
    torch.manual_seed(0)
    prior = LogUniform(0.1, 10.0)
    members = [condition(mlp(dtype=torch.float32), ["0", "2"], prior=prior, using=using) for _ in range(3)]
    ensemble, x, lam = Ensemble(members), torch.randn(3, 6, 2), prior.sample((3, 6))
    expected = one_by_one(members, x, lam)
    torch.testing.assert_close(ensemble(x, lam), expected)
    assert not torch.allclose(ensemble(x, lam.flip(1)), expected, atol=1e-4)
    torch.testing.assert_close(ensemble.member(1)(x[1], lam[1]), expected[1])
    torch.testing.assert_close(copy.deepcopy(ensemble)(x, lam), expected)
    ensemble(x, lam).sum().backward()
    conditioners = {name: p for name, p in ensemble.named_parameters() if "conditioners" in name}
    assert conditioners
    assert all(p.grad is not None and p.grad.flatten(1).any(1).all() for p in conditioners.values())


# Layouts ----------------------------------------------------------------------------------------------------------


class TwoHeaded(nn.Module):
    """A small convolutional network with a tuple of outputs of different shapes."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 4, 3, stride=2, padding=1), nn.ReLU(), nn.Conv2d(4, 2, 3, padding=1))
        self.head = nn.Linear(2, 5)

    def forward(self, x, shift):
        features = self.body(x) + shift[:, None, None, None]
        return features, self.head(features.mean((2, 3)))


def two_headed(layout):
    torch.manual_seed(0)
    members = [TwoHeaded() for _ in range(3)]
    return Ensemble(members, layout), members


def test_both_layouts_have_the_same_outputs_and_gradients():
    x, shift = torch.randn(3, 4, 3, 8, 8), torch.randn(3, 4)
    found = {}
    for layout in ("loop", "batched", "auto"):
        ensemble, members = two_headed(layout)
        outputs = ensemble(x, shift)
        assert isinstance(outputs, tuple)
        assert [tuple(part.shape) for part in outputs] == [(3, 4, 2, 4, 4), (3, 4, 5)]
        for part, expected in enumerate(zip(*map(lambda m, *v: m(*v), members, x, shift), strict=True)):
            torch.testing.assert_close(outputs[part], torch.stack(expected))
        (outputs[0].square().sum() + outputs[1].abs().sum()).backward()
        found[layout] = {name: parameter.grad for name, parameter in ensemble.named_parameters()}
    for name, gradient in found["loop"].items():
        assert gradient.flatten(1).any(1).all()
        torch.testing.assert_close(found["batched"][name], gradient, rtol=1e-4, atol=1e-5)
        assert torch.equal(found["auto"][name], gradient)


def test_a_loop_keeps_members_gradients_apart():
    ensemble, _ = two_headed("loop")
    ensemble(torch.randn(3, 4, 3, 8, 8), torch.zeros(3, 4))[1][1].sum().backward()
    for parameter in ensemble.parameters():
        assert parameter.grad.flatten(1).any(1).tolist() == [False, True, False]


@pytest.mark.parametrize(
    ("network", "layout", "batched"),
    [
        (TwoHeaded, "auto", 0),
        (TwoHeaded, "loop", 0),
        (TwoHeaded, "batched", 1),
        (lambda: nn.Sequential(nn.ConvTranspose2d(3, 2, 3)), "auto", 0),
        (lambda: nn.Sequential(nn.Flatten(), nn.Linear(192, 2)), "auto", 1),
        (lambda: nn.Sequential(nn.Flatten(), nn.Linear(192, 2)), "loop", 0),
    ],
)
def test_convolutions_on_a_cpu_run_one_by_one(network, layout, batched, monkeypatch):
    made, vmap = [], torch.func.vmap

    def counted(*args, **options):
        made.append(args)
        return vmap(*args, **options)

    monkeypatch.setattr("lossconditioning.training.ensemble.vmap", counted)
    ensemble = Ensemble([network() for _ in range(2)], layout)
    inputs = (torch.randn(2, 4, 3, 8, 8), torch.zeros(2, 4))
    ensemble(*inputs[: 2 if network is TwoHeaded else 1])
    assert len(made) == batched


@pytest.mark.parametrize("mode", [True, False], ids=["training", "evaluation"])
def test_a_loop_keeps_batch_norms_apart(mode):
    networks, x = normalised(), torch.randn(3, 8, 3)
    ensemble = Ensemble(networks, layout="loop").train(mode)
    expected = one_by_one([network.train(mode) for network in networks], x)
    torch.testing.assert_close(ensemble(x), expected)
    for m, network in enumerate(networks):
        for name, buffer in network.named_buffers():
            torch.testing.assert_close(ensemble.member(m).get_buffer(name), buffer)


def test_an_unknown_layout_is_answered_with_the_closest(members):
    with pytest.raises(ReaderError, match=r"no layout 'batch'. Did you mean 'batched'"):
        Ensemble(members, layout="batch")


class Tied(nn.Module):
    """Two layers that share a weight."""

    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(3, 3), nn.Linear(3, 3)
        self.b.weight = self.a.weight

    def forward(self, x):
        return self.b(self.a(x))


def test_shared_weights_work_or_are_refused():
    members, x = [Tied(), Tied()], torch.randn(2, 4, 3)
    try:
        ensemble = Ensemble(members)
    except ReaderError:
        return
    torch.testing.assert_close(ensemble(x), one_by_one(members, x))


# Messages ---------------------------------------------------------------------------------------------------------


class Other(nn.Linear):
    """Another class with the same parameters."""


@pytest.mark.parametrize(
    "members",
    [
        [nn.Linear(2, 2), nn.Linear(2, 3)],
        [nn.Linear(2, 2), nn.Linear(2, 2, bias=False)],
        [nn.Linear(2, 2), nn.Sequential(nn.Linear(2, 2))],
        [nn.Linear(2, 2), Other(2, 2)],
        [mlp(nn.Tanh), mlp(nn.ReLU)],
    ],
    ids=["size", "bias", "nesting", "class", "activation"],
)
def test_members_of_different_architectures_are_refused(members):
    with pytest.raises(ReaderError):
        Ensemble(members)


@pytest.mark.parametrize("odd", [lambda: mlp().eval(), lambda: mlp().requires_grad_(False)], ids=["mode", "frozen"])
def test_members_in_different_states_are_refused(members, odd):
    with pytest.raises((ReaderError, RuntimeError), match=r"same|member 5"):
        Ensemble([*members, odd()])


def test_an_ensemble_has_members_and_no_others(members):
    with pytest.raises(ReaderError, match="at least one member"):
        Ensemble([])
    for index in (M, -M - 1):
        with pytest.raises(ReaderError, match=f"no member {index} in an ensemble of {M}"):
            Ensemble(members).member(index)


@pytest.mark.parametrize("shape", [(8, 2), (1, 8, 2)])
def test_inputs_need_the_leading_axis(members, shape):
    with pytest.raises(ReaderError, match=rf"leading axis of {M}; got \({', '.join(map(str, shape))}\)"):
        Ensemble(members)(torch.zeros(shape, dtype=torch.float64))
