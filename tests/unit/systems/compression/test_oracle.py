"""Our scale hyperprior computes what CompressAI's does, given the same parameters, pictures and noise.

What CompressAI computed is stored, see `compressai_numbers`; where it is installed, it is asked again, and in full.
"""

import json

import compressai_numbers
import pytest
import torch
from compressai_names import as_compressai, compressai_name
from compressai_numbers import CASES, STORED, M, N, gradients, noise, parameter, pictures, thin, watched

from lossconditioning.codec import bits
from lossconditioning.systems.compression.models import ScaleHyperprior

NUMBERS = json.loads(STORED.read_text(encoding="utf-8"))
TOLERANCE = 1e-4
FLOORS = {"y_likelihood": 1e-2, "z_likelihood": 1e-2}
"""The tolerance is relative; numbers below 1, likelihoods below a hundredth, are held to that of their floor.

CompressAI takes the difference of two sigmoids in the upper tail too, where ours goes to the lower one. So its likelihoods of
z below 1e-3 are exact to 1e-7, not to four digits.
"""
QUANTITIES = ("y", "z", "scales", "picture", "y_likelihood", "z_likelihood", "bits")


def our_model() -> ScaleHyperprior:
    """Our network with the formula's parameters."""
    model = ScaleHyperprior(N, M, compressai_numbers.LAM)
    with torch.no_grad():
        for name, values in model.named_parameters():
            values.copy_(parameter(compressai_name(name), tuple(values.shape)))
        model.prior_z.median.copy_(parameter("entropy_bottleneck.quantiles", (N, 1, 3))[:, 0, 1])
    return model


def our_values(model: ScaleHyperprior, case: str) -> dict[str, torch.Tensor]:
    def run():
        output = model(pictures(), noise=noise() if case == "noisy" else None)
        return output.picture, output.y_likelihood, output.z_likelihood

    return watched(model, run)


def assert_agree(found: torch.Tensor, expected: torch.Tensor, floor: float = 1.0) -> None:
    deviation = (found - expected).abs() / expected.abs().clamp(min=floor)
    assert deviation.max() <= TOLERANCE


# Without CompressAI ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("quantity", QUANTITIES)
@pytest.mark.parametrize("case", CASES)
def test_ours_computes_the_numbers_that_compressai_computed(case, quantity):
    found = our_values(our_model(), case)[quantity]
    assert_agree(torch.tensor(thin(found)), torch.tensor(NUMBERS[f"{case} {quantity}"]), FLOORS.get(quantity, 1.0))


def test_gradients_are_as_long_as_those_that_compressai_computed():
    model = our_model()
    expected = NUMBERS["gradient norms"]
    found = {compressai_name(name): float(g.norm()) for name, g in gradients(model, our_values(model, "noisy")).items()}
    assert found == pytest.approx(expected, rel=TOLERANCE)


def test_bits_are_what_the_package_counts():
    found = our_values(our_model(), "rounded")
    torch.testing.assert_close(bits(found["y_likelihood"]) + bits(found["z_likelihood"]), found["bits"])


def test_the_numbers_compared_reach_the_bounds():
    """Of likelihoods, of deviations, and of the squared roots that parameters are kept as."""
    model = our_model()
    found = our_values(model, "rounded")
    assert found["y_likelihood"].min() < 1e-8
    assert found["scales"].min() < 0.11 < 1 < found["scales"].max()
    assert model.g_a[1].gamma_root.min() < 0
    assert model.prior_z.median.abs().min() > 1e-3


def test_all_our_parameters_have_their_place_in_compressai():
    model = our_model()
    state = as_compressai(model)
    assert state.keys() == {*NUMBERS["gradient norms"], "entropy_bottleneck.quantiles"}
    low, median, high = state["entropy_bottleneck.quantiles"][:, 0].T
    assert torch.equal(median, model.prior_z.median)
    for quantile, sign in ((low, 1), (high, -1)):
        logit = sign * model.prior_z.double().logit(quantile.double()[:, None])[:, 0]
        torch.testing.assert_close(logit.sigmoid(), torch.full_like(logit, 5e-10), rtol=1e-3, atol=0)


# With CompressAI ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", CASES)
def test_ours_computes_what_compressai_computes(case):
    pytest.importorskip("compressai")
    theirs, ours = compressai_numbers.compressai_model(), our_model()
    expected, found = compressai_numbers.compressai_values(theirs, case), our_values(ours, case)
    for quantity in QUANTITIES:
        assert_agree(found[quantity], expected[quantity], FLOORS.get(quantity, 1.0))
    if case == "noisy":
        expected = gradients(theirs, expected)
        for name, gradient in gradients(ours, found).items():
            other = expected[compressai_name(name)]
            assert (gradient - other).norm() <= TOLERANCE * other.norm(), name


def test_compressai_takes_our_parameters():
    pytest.importorskip("compressai")
    theirs = compressai_numbers.compressai_model()
    expected = {name: values.clone() for name, values in theirs.named_parameters()}
    theirs.load_state_dict({**theirs.state_dict(), **as_compressai(our_model())})
    for name, values in theirs.named_parameters():
        part = (..., 1) if name.endswith("quantiles") else ...
        assert torch.equal(values[part], expected[name][part]), name
