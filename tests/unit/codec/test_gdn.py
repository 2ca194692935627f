"""Generalised divisive normalisation is its formula, forward and backward, with and without gradients."""

import pytest
import torch
import torch._decomp.decompositions_for_jvp  # forward derivatives would read it amid a test, when first asked for
import torch.autograd.forward_ad as forward
from torch.func import functional_call, grad, hessian, jacfwd, jacrev, jvp, vmap

from lossconditioning.codec.gdn import GDN, lower_bound


@pytest.mark.parametrize("inverse", [False, True])
def test_gdn_is_its_formula(inverse):
    torch.manual_seed(0)
    layer, x = GDN(5, inverse), torch.randn(2, 5, 3, 4)
    with torch.no_grad():
        layer.beta_root.uniform_(0.2, 2)
        layer.gamma_root.uniform_(0, 1)
    beta, gamma = layer.beta_root.square(), layer.gamma_root.square()
    root = (beta[:, None, None] + torch.einsum("ij,bjhw->bihw", gamma, x.square())).sqrt()
    torch.testing.assert_close(layer(x), x * root if inverse else x / root, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("inverse", [False, True])
def test_gdn_computes_the_same_in_blocks_when_no_gradient_is_asked_for(inverse):
    torch.manual_seed(0)
    layer, x = GDN(5, inverse), torch.randn(2, 5, 131, 127)  # two full blocks of 8,192 positions, and one begun
    with torch.no_grad():
        layer.gamma_root.uniform_(0, 1)
        blocks = layer(x)
    assert torch.equal(blocks, layer(x))


def test_gdn_starts_with_every_channel_divided_by_itself_alone():
    x = torch.randn(2, 5, 3, 4, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(GDN(5)(x), x / (1 + 0.1 * x.square()).sqrt())
    torch.testing.assert_close(GDN(5, inverse=True)(x), x * (1 + 0.1 * x.square()).sqrt())


@pytest.mark.parametrize("inverse", [False, True])
def test_gdn_stays_finite_where_its_parameters_left_their_range(inverse):
    layer = GDN(3, inverse)
    with torch.no_grad():
        layer.beta_root.fill_(-5)
        layer.gamma_root.fill_(-5)
    assert layer(torch.randn(1, 3, 4, 4)).isfinite().all()
    assert (layer(torch.zeros(1, 3, 4, 4)) == 0).all()


def test_below_the_bound_only_a_gradient_that_leads_back_passes():
    values = torch.tensor([-1.0, -1.0, 2.0, 2.0, 0.5], requires_grad=True)
    bounded = lower_bound(values, 0.5)
    assert bounded.tolist() == [0.5, 0.5, 2.0, 2.0, 0.5]
    bounded.backward(torch.tensor([1.0, -1.0, 1.0, -1.0, 1.0]))
    assert values.grad.tolist() == [0.0, -1.0, 1.0, -1.0, 1.0]


def test_torch_func_passes_the_same_gradients_at_the_bound():
    values, slopes = torch.tensor([-1.0, -1.0, 2.0, 2.0, 0.5]), torch.tensor([1.0, -1.0, 1.0, -1.0, 1.0])
    found = vmap(grad(lambda value, slope: slope * lower_bound(value, 0.5)))(values, slopes)
    assert found.tolist() == [0.0, -1.0, 1.0, -1.0, 1.0]
    assert jvp(lambda v: lower_bound(v, 0.5), (values,), (torch.ones(5),))[1].tolist() == [0, 0, 1, 1, 1]


@pytest.mark.parametrize("inverse", [False, True])
def test_the_gradients_of_gdn_are_those_of_its_formula(inverse):
    torch.manual_seed(0)
    layer = GDN(3, inverse).double()
    layer.gamma_root.data += 0.3 * torch.rand(3, 3)
    features = torch.randn(2, 3, 4, 5, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(layer, features)
    by_layer = torch.autograd.grad(layer(features).square().sum(), layer.parameters())
    energy = torch.einsum("ij,bjhw->bihw", layer.gamma_root.square(), features.square())
    energy = energy + layer.beta_root.square()[:, None, None]
    by_hand = torch.autograd.grad((features * energy ** (0.5 if inverse else -0.5)).square().sum(), layer.parameters())
    for ours, expected in zip(by_layer, by_hand, strict=True):
        torch.testing.assert_close(ours, expected)


# Derivatives of the derivatives, and torch.func ---------------------------------------------------------------------------


@pytest.fixture(params=[False, True], ids=["gdn", "igdn"])
def layer(request):
    torch.manual_seed(0)
    layer = GDN(3, request.param).double()
    layer.gamma_root.data = layer.gamma_root.data + 0.3 * torch.rand(3, 3) + 0.1  # away from the bound
    return layer


@pytest.fixture
def features():
    return torch.randn(2, 3, 2, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


def by_hand(layer):
    """The formula, as a function of parameters and features, in operations that autograd knows all about."""

    def formula(parameters, features):
        energy = torch.einsum("ij,...jhw->...ihw", parameters["gamma_root"].square(), features.square())
        energy = energy + parameters["beta_root"].square()[:, None, None]
        return features * energy ** (0.5 if layer.inverse else -0.5)

    return formula


def test_a_gradient_can_be_differentiated(layer, features):
    def call(features, *parameters):
        return functional_call(layer, dict(zip(("beta_root", "gamma_root"), parameters, strict=True)), (features,))

    inputs = [value.detach().requires_grad_() for value in (features, layer.beta_root, layer.gamma_root)]
    assert torch.autograd.gradcheck(call, inputs, check_forward_ad=True, check_batched_grad=True)
    assert torch.autograd.gradgradcheck(call, inputs, check_fwd_over_rev=True, check_batched_grad=True)


def test_a_gradient_penalty_is_that_of_the_formula(layer, features):
    features.requires_grad_()
    known, parameters = by_hand(layer), dict(layer.named_parameters())
    found = []
    for out in (layer(features), known(parameters, features)):
        (slope,) = torch.autograd.grad(out.sin().sum(), features, create_graph=True)
        found.append(torch.autograd.grad(slope.square().sum(), [features, *parameters.values()]))
    torch.testing.assert_close(found[0], found[1])


TRANSFORMED = {
    "gradient": lambda call, p, x: grad(lambda x: call(p, x).sin().sum())(x),
    "by_example": lambda call, p, x: vmap(grad(lambda p, x: call(p, x[None]).sin().sum()), (None, 0))(p, x),
    "batched": lambda call, p, x: vmap(lambda x: call(p, x))(torch.stack([x, 2 * x])),
    "parameters_batched": lambda call, p, x: vmap(call, (0, None))(
        {k: torch.stack([v, 2 * v]) for k, v in p.items()}, x
    ),
    "forward": lambda call, p, x: jvp(call, (p, x), (p, x))[1],
    "rows_of_jacobian": lambda call, p, x: jacrev(call)(p, x),
    "columns_of_jacobian": lambda call, p, x: jacfwd(call, 1)(p, x),
    "hessian": lambda call, p, x: hessian(lambda x: call(p, x).sin().sum())(x),
    "forward_twice": lambda call, p, x: jacfwd(
        jacfwd(lambda v: call({name: value * v.exp() for name, value in p.items()}, x).sin().sum())
    )(torch.tensor(0.1, dtype=x.dtype)),
}


@pytest.mark.parametrize("transform", TRANSFORMED.values(), ids=list(TRANSFORMED))
@pytest.mark.parametrize("gradients", [True, False])
def test_torch_func_knows_it(layer, features, transform, gradients):
    parameters = {name: value.detach() for name, value in layer.named_parameters()}
    with torch.set_grad_enabled(gradients):
        found = transform(lambda p, x: functional_call(layer, p, (x,)), parameters, features)
        torch.testing.assert_close(found, transform(by_hand(layer), parameters, features))


@pytest.mark.parametrize("gradients", [True, False])
def test_a_dual_number_passes(layer, features, gradients):
    with torch.set_grad_enabled(gradients), forward.dual_level():
        found = forward.unpack_dual(layer(forward.make_dual(features, features))).tangent
    parameters = dict(layer.named_parameters())
    torch.testing.assert_close(found, jvp(lambda x: by_hand(layer)(parameters, x), (features,), (features,))[1])


@pytest.mark.parametrize("gradients", [True, False])
def test_exported_and_compiled_it_is_plain_arithmetic(layer, features, gradients):
    with torch.set_grad_enabled(gradients):
        expected = layer(features)
        for strict in (True, False):
            graph = torch.export.export(layer, (features,), strict=strict)
            torch.testing.assert_close(graph.module()(features), expected)
            if not gradients:
                assert "aten.conv2d" in str(graph)
        compiled = torch.compile(layer, backend="eager", fullgraph=True)
        torch.testing.assert_close(compiled(features), expected)


def test_an_empty_batch_has_empty_features_and_no_gradient(layer, features):
    features.requires_grad_()
    out = layer(features[:0])
    assert out.shape == (0, 3, 2, 4)
    assert not torch.autograd.grad(out.sum(), features)[0].any()
    with torch.no_grad():
        assert layer(features[:0]).shape == (0, 3, 2, 4)
