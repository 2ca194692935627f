"""Generated networks compiled and exported."""

import pytest
import torch
from generated_networks import PRIMARIES, build

from lossconditioning.conditioning.generated import Primary


@pytest.fixture(params=PRIMARIES)
def name(request):
    return request.param


def test_compiled(name):
    network, weights, inputs = build(name)
    primary = Primary(network)
    torch._dynamo.reset()
    fast = torch.compile(primary, backend="aot_eager")
    for scale in (1.0, 0.5):
        own = {key: scale * value for key, value in weights.items()}
        torch.testing.assert_close(fast(own, *inputs), primary(own, *inputs), atol=1e-5, rtol=1e-5)


@pytest.mark.filterwarnings("ignore:While compiling, we found certain side effects")
@pytest.mark.parametrize("strict", [False, True])
def test_exported_at_a_fixed_batch(name, strict):
    network, weights, inputs = build(name)
    primary = Primary(network)
    expected = primary(weights, *inputs)
    exported = torch.export.export(primary, (weights, *inputs), strict=strict).module()
    torch.testing.assert_close(exported(weights, *inputs), expected, atol=1e-5, rtol=1e-5)
    assert torch.equal(primary(weights, *inputs), expected)
