"""Conditioners exported, transformed by torch.func, differentiated twice, and given nothing."""

from functools import partial

import pytest
import torch
import torch._decomp.decompositions_for_jvp  # forward derivatives would read it amid a test, when first asked for
import torch.nn.functional as F
from torch.func import functional_call, grad, hessian, jacfwd, jacrev, jvp, vmap

from lossconditioning import CCAM, CentralBiasing, Concatenation, FiLM, InputConditioning
from lossconditioning.conditioning import ConditionalInstanceNorm

B, C, CODE = 3, 4, 2


def film(p, x, code):
    def mlp(name):
        hidden = F.leaky_relu(code @ p[f"{name}.0.weight"].T + p[f"{name}.0.bias"], 0.2)
        return (hidden @ p[f"{name}.2.weight"].T + p[f"{name}.2.bias"])[..., None, None]

    return x * (1 + 0.1 * mlp("to_scale")) + 0.1 * mlp("to_shift")


def concatenation(p, x, code):
    return x + (code @ p["weight"].T)[..., None, None]


def instance_norm(p, x, code):
    centred = x - x.mean((-1, -2), keepdim=True)
    normalised = centred / (centred.square().mean((-1, -2), keepdim=True) + 1e-5).sqrt()
    scale, shift = (code @ p[f"{name}.weight"].T + p[f"{name}.bias"] for name in ("to_scale", "to_shift"))
    return normalised * (1 + scale)[..., None, None] + shift[..., None, None]


def ccam(p, x, code):
    embedded = (code @ p["embed.0.weight"].T + p["embed.0.bias"]).relu()
    joined = torch.cat([embedded, x.mean((-1, -2))], -1)
    hidden = (joined @ p["to_gate.0.weight"].T + p["to_gate.0.bias"]).relu()
    return x * (hidden @ p["to_gate.2.weight"].T + p["to_gate.2.bias"]).sigmoid()[..., None, None]


def central_biasing(p, x, code):
    centred = x - x.mean((-1, -2), keepdim=True)
    normalised = centred / (centred.square().mean((-1, -2), keepdim=True) + 1e-5).sqrt()
    return normalised + (code @ p["to_bias.0.weight"].T + p["to_bias.0.bias"]).tanh()[..., None, None]


KINDS = {
    FiLM: film,
    Concatenation: concatenation,
    InputConditioning: concatenation,
    ConditionalInstanceNorm: instance_norm,
    CCAM: ccam,
    CentralBiasing: central_biasing,
}

OPTIONS = {FiLM: {"hidden": 5}, CCAM: {"reduction": 1}}


@pytest.fixture(params=KINDS, ids=lambda kind: kind.__name__)
def kind(request):
    torch.manual_seed(0)
    return request.param


@pytest.fixture
def conditioner(kind):
    return kind(C, CODE, **OPTIONS.get(kind, {})).double()


@pytest.fixture
def inputs(kind):
    return torch.randn(B, C, 3, 2).double(), torch.randn(B, CODE).double()


# Graphs -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("strict", [True, False])
def test_exported_it_is_plain_arithmetic_for_every_size(conditioner, inputs, strict):
    batch, anything = torch.export.Dim("batch", min=2, max=16), torch.export.Dim.AUTO
    sizes = ({0: batch, 2: anything, 3: anything}, {0: batch})
    graph = torch.export.export(conditioner, inputs, strict=strict, dynamic_shapes=sizes)
    assert "norm" not in str(graph.graph)
    for x, code in (inputs, (torch.randn(5, C, 7, 6).double(), torch.randn(5, CODE).double())):
        torch.testing.assert_close(graph.module()(x, code), conditioner(x, code))


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::torch.jit.TracerWarning")
def test_compiled_and_traced_it_is_the_same(conditioner, inputs):
    expected = conditioner(*inputs)
    torch.testing.assert_close(torch.compile(conditioner, backend="eager", fullgraph=True)(*inputs), expected)
    graph = torch.jit.trace(conditioner, inputs)
    torch.testing.assert_close(graph(*inputs), expected)
    assert "batch_norm" not in str(graph.graph)


@pytest.mark.parametrize("half", [torch.float16, torch.bfloat16], ids=str)
@pytest.mark.parametrize("kind", [ConditionalInstanceNorm, CentralBiasing])
def test_exported_in_half_precision_its_sums_are_in_single(kind, half):
    norm = kind(C, CODE).to(half)
    x, code = (300 * torch.randn(B, C, 16, 16) + 1000).to(half), torch.randn(B, CODE).to(half)  # squares leave float16
    found = torch.export.export(norm, (x, code)).module()(x, code)
    assert found.dtype == half
    torch.testing.assert_close(found, norm(x, code), rtol=0.02, atol=0.02)


@pytest.mark.parametrize("kind", [FiLM, ConditionalInstanceNorm, CCAM, CentralBiasing])
def test_as_onnx_it_has_no_batch_norm(kind, tmp_path):
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxscript")
    network, example = kind(C, CODE).eval(), (torch.randn(B, C, 3, 2), torch.randn(B, CODE))
    torch.onnx.export(network, example, tmp_path / "network.onnx", dynamo=True)
    operations = {node.op_type for node in onnx.load(tmp_path / "network.onnx").graph.node}
    assert not operations & {"BatchNormalization", "ConstantOfShape"}


# Derivatives --------------------------------------------------------------------------------------------------------------


def test_gradients_are_right_and_can_be_differentiated(conditioner, inputs):
    inputs = [value.requires_grad_() for value in inputs]
    assert torch.autograd.gradcheck(conditioner, inputs, check_forward_ad=True, check_batched_grad=True)
    assert torch.autograd.gradgradcheck(conditioner, inputs, check_fwd_over_rev=True, check_batched_grad=True)


TRANSFORMED = {
    "batched": lambda call, p, x, code: vmap(call, (None, 0, 0))(
        p, torch.stack([x, 2 * x]), torch.stack([code, -code])
    ),
    "codes_batched": lambda call, p, x, code: vmap(call, (None, None, 0))(p, x, torch.stack([code, -code])),
    "by_example": lambda call, p, x, code: vmap(
        grad(lambda p, x, code: call(p, x[None], code[None]).sin().sum()), (None, 0, 0)
    )(p, x, code),
    "forward": lambda call, p, x, code: jvp(call, (p, x, code), (p, x, code))[1],
    "jacobian_by_rows": lambda call, p, x, code: jacrev(call, 2)(p, x, code),
    "jacobian_by_columns": lambda call, p, x, code: jacfwd(call, 2)(p, x, code),
    "hessian": lambda call, p, x, code: hessian(lambda x: call(p, x, code).sin().sum())(x),
}


@pytest.mark.parametrize("transform", TRANSFORMED.values(), ids=list(TRANSFORMED))
def test_torch_func_knows_it(kind, conditioner, inputs, transform):
    parameters = {name: value.detach() for name, value in conditioner.named_parameters()}
    found = transform(lambda p, *given: functional_call(conditioner, p, given), parameters, *inputs)
    torch.testing.assert_close(found, transform(KINDS[kind], parameters, *inputs))


# Nothing ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("gradients", [True, False])
def test_an_empty_batch_stays_empty_and_has_no_gradient(conditioner, inputs, gradients):
    x, code = (value[:0].requires_grad_(gradients) for value in inputs)
    with torch.set_grad_enabled(gradients):
        out = conditioner(x, code)
    assert out.shape == x.shape
    if gradients:
        out.sum().backward()
        assert x.grad.shape == x.shape
        assert code.grad.shape == code.shape
        assert not any(parameter.grad.any() for parameter in conditioner.parameters())


@pytest.mark.parametrize("kind", [FiLM, Concatenation, CCAM, partial(CentralBiasing, normalise=False)])
def test_features_without_places_stay_without(kind):
    assert kind(C, CODE)(torch.zeros(B, C, 0, 5), torch.zeros(B, CODE)).shape == (B, C, 0, 5)
    assert kind(C, CODE, channel_dim=-1)(torch.zeros(0, 5, C), torch.zeros(0, CODE)).shape == (0, 5, C)
