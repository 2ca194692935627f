"""α's gradient: at zero, of shape (), under torch.func."""

import pytest
import torch
import torch._decomp.decompositions_for_jvp  # forward derivatives would read it amid a test, when first asked for
from turned_networks import IMAGES, tuned


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
