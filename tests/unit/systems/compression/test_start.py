"""Training starts from principal components, which show pictures already."""

import pytest
import torch
from small_codecs import small_model

from lossconditioning.datasets.photographs import photographs
from lossconditioning.evaluation.rate_distortion import psnr, squared_error
from lossconditioning.systems.compression.data import patches
from lossconditioning.systems.compression.models import ScaleHyperprior
from lossconditioning.systems.compression.start import start_from_principal_components


def reconstruction(model: ScaleHyperprior, picture: torch.Tensor) -> float:
    """PSNR in dB of a picture that was not rounded on the way, at the middle weight."""
    lam, x = torch.tensor([0.0177]), picture[None].float() / 255
    with torch.no_grad():
        shown = model.eval().synthesise(model.latents(x, lam), lam)
    return float(psnr(squared_error(shown, x))[0])


@pytest.mark.parametrize("conditional", [True, False])
@pytest.mark.parametrize("name", ["astronaut", "coffee", "flower"])
def test_principal_components_show_a_photograph_from_the_start(conditional, name):
    torch.manual_seed(0)
    plain = ScaleHyperprior(24, 48, None if conditional else 0.01)
    picture = photographs()[name][:, :256, :320]
    # A conditional model starts near, not at, what its networks do without FiLM; that costs a few decibels.
    assert reconstruction(small_model(24, 48, conditional=conditional), picture) > reconstruction(plain, picture) + 6


def started(lam: float | None, seed: int, n: int = 8, m: int = 40) -> dict[str, torch.Tensor]:
    torch.manual_seed(seed)
    model = ScaleHyperprior(n, m, lam)
    torch.manual_seed(seed)
    start_from_principal_components(model, patches(list(photographs().values()), 64, 8, 0)(0))
    state = model.state_dict().items()
    return {name.replace(".network.", "."): value for name, value in state if ".conditioners." not in name}


def test_the_start_depends_on_the_seed_and_not_on_conditioning():
    fixed, again, other = started(0.01, 0), started(0.01, 0), started(0.01, 1)
    conditional = started(None, 0)
    assert conditional.keys() == fixed.keys()
    for name, value in fixed.items():
        assert torch.equal(value, again[name])
        assert torch.equal(value, conditional[name]), name
    assert not torch.equal(fixed["h_a.0.weight"], other["h_a.0.weight"])
    # Principal components are no matter of chance, but for those that may be mirrored.
    torch.testing.assert_close(fixed["g_a.0.weight"], other["g_a.0.weight"])
