"""The networks of the codec: layers of figure 4, conditioning of appendix A.2, and a start that already shows pictures."""

import pytest
import torch
from small_codecs import corner, small_model
from torch import nn

from lossconditioning.conditioning import Conditioned, FiLM
from lossconditioning.datasets.photographs import photographs
from lossconditioning.systems.compression.gdn import GDN, lower_bound
from lossconditioning.systems.compression.models import QuantisationStep, ScaleHyperprior, ToPicture, uniform_noise
from lossconditioning.systems.compression.pictures import patches
from lossconditioning.systems.compression.start import start_from_principal_components
from lossconditioning.systems.compression.task import LAMBDA_RANGE, lambda_prior, psnr, squared_error, terms

NETWORKS = ("g_a", "g_s", "h_a", "h_s")


def photos(count: int = 2, height: int = 64, width: int = 64) -> torch.Tensor:
    return torch.rand(count, 3, height, width, generator=torch.Generator().manual_seed(1))


def perturbed(n: int = 8, m: int = 12, **options) -> ScaleHyperprior:
    """An untrained network whose weights are far from where they start, so that λ matters."""
    torch.manual_seed(0)
    model = ScaleHyperprior(n, m, **options).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.05 * torch.randn(parameter.shape))
    return model


# Activations ----------------------------------------------------------------------------------------------------------


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


# Networks -------------------------------------------------------------------------------------------------------------


def layers(network: nn.Module) -> list[tuple[int, ...]]:
    """Convolutions as (inputs, outputs, taps, stride), the stride of one that enlarges being negative."""
    found = []
    for layer in network.modules():
        if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d)):
            sign = -1 if isinstance(layer, nn.ConvTranspose2d) else 1
            found.append((layer.in_channels, layer.out_channels, layer.kernel_size[0], sign * layer.stride[0]))
    return found


@pytest.mark.parametrize("prior", [None, lambda_prior()], ids=["fixed", "conditional"])
def test_layers_are_those_of_the_paper(prior):
    model = ScaleHyperprior(8, 12, prior)
    assert layers(model.g_a) == [(3, 8, 5, 2), (8, 8, 5, 2), (8, 8, 5, 2), (8, 12, 5, 2)]
    assert layers(model.g_s) == [(12, 8, 5, -2), (8, 8, 5, -2), (8, 8, 5, -2), (8, 3, 5, -2)]
    assert layers(model.h_a) == [(12, 8, 3, 1), (8, 8, 5, 2), (8, 8, 5, 2)]
    assert layers(model.h_s) == [(8, 8, 5, -2), (8, 8, 5, -2), (8, 12, 3, 1)]
    for name, inverse in (("g_a", False), ("g_s", True)):
        found = [layer.inverse for layer in getattr(model, name).modules() if isinstance(layer, GDN)]
        assert found == [inverse] * 3


@pytest.mark.parametrize("prior", [None, lambda_prior()], ids=["fixed", "conditional"])
@pytest.mark.parametrize(("height", "width"), [(64, 64), (128, 64), (64, 192)])
def test_every_part_has_the_resolution_it_says(prior, height, width):
    model, x, lam = ScaleHyperprior(8, 12, prior).eval(), photos(2, height, width), torch.tensor([0.01, 0.1])
    y = model.latents(x, lam)
    z = model.hyper_latents(y, lam)
    assert y.shape == model.scales(z, lam).shape == (2, 12, height // 16, width // 16)
    assert z.shape == (2, 8, height // 64, width // 64)
    out = model(x, lam)
    assert (out.picture.shape, out.y_likelihood.shape, out.z_likelihood.shape) == (x.shape, y.shape, z.shape)
    assert [noise.shape for noise in uniform_noise(model, 2, height, width)] == [y.shape, z.shape]


@pytest.mark.parametrize("step", [False, True])
def test_a_fixed_weight_model_is_called_alike_and_ignores_the_weight(step):
    model, x = perturbed(step=step, fixed=0.02), photos()
    outs = [model(x), model(x, torch.tensor([0.01, 0.1])), model(x, torch.tensor([0.2, 0.002]))]
    for out in outs[1:]:
        assert torch.equal(out.picture, outs[0].picture)
        assert torch.equal(out.y_likelihood, outs[0].y_likelihood)


def test_every_network_of_a_conditional_model_hears_the_weight():
    model = perturbed(prior=lambda_prior())
    x, low, high = photos(), torch.full((2,), 0.002), torch.full((2,), 0.2)
    y = model.latents(x, low)
    z = model.hyper_latents(y, low)
    calls = {"latents": x, "hyper_latents": y, "scales": z, "synthesise": y}
    for name, inputs in calls.items():
        assert not torch.allclose(getattr(model, name)(inputs, low), getattr(model, name)(inputs, high), rtol=1e-3), (
            name
        )


def test_each_picture_of_a_batch_has_its_own_weight():
    model, x, lam = perturbed(prior=lambda_prior(), step=True), photos(3), torch.tensor([0.002, 0.02, 0.2])
    together = model(x, lam)
    for i in range(3):
        alone = model(x[i : i + 1], lam[i : i + 1])
        torch.testing.assert_close(together.picture[i : i + 1], alone.picture, rtol=1e-3, atol=1e-4)


def test_film_stands_at_all_fourteen_convolutions_with_128_hidden_units():
    model = ScaleHyperprior(8, 12, lambda_prior(), gain=0.3)
    found = []
    for name in NETWORKS:
        network = getattr(model, name)
        assert isinstance(network, Conditioned)
        assert len(network.conditioners) == len(layers(network.network))
        found += network.conditioners.values()
    assert len(found) == 14
    for film in found:
        assert isinstance(film, FiLM)
        assert (film.scale, film.shift) == (0.3, 0.3)
        for mlp in (film.to_scale, film.to_shift):
            widths = [(layer.in_features, layer.out_features) for layer in mlp if isinstance(layer, nn.Linear)]
            assert widths == [(1, 128), (128, film.channels)]


@pytest.mark.parametrize(
    "options",
    [{"prior": lambda_prior(), "step": True}, {"prior": lambda_prior()}, {"step": True, "fixed": 0.2}, {}],
    ids=["conditional with a step", "conditional", "fixed with a step", "fixed"],
)
def test_gradients_reach_every_parameter(options):
    model, lam = small_model(8, 12, conditional="prior" in options, step="step" in options), torch.tensor([0.003, 0.2])
    x = torch.stack([corner(64, 64), corner(64, 64, "china")]).float() / 255
    values = terms(model.train(), x, lam, uniform_noise(model, 2, 64, 64))
    (values["rate"] + lam * values["distortion"]).sum().backward()
    dead = [name for name, p in model.named_parameters() if p.grad is None or not p.grad.abs().max() > 0]
    assert dead == []


# Quantisation ---------------------------------------------------------------------------------------------------------


def test_the_squared_step_falls_as_the_weight_grows_and_is_one_in_the_middle():
    step = QuantisationStep(3, *LAMBDA_RANGE)
    assert step.slope.tolist() == [0.5, 0.5, 0.5]
    middle = (LAMBDA_RANGE[0] * LAMBDA_RANGE[1]) ** 0.5
    lam = torch.tensor([middle, 4 * middle, middle / 9], dtype=torch.float64)
    found = step(lam)
    assert found.shape == (3, 3, 1, 1)
    torch.testing.assert_close(found[:, 0, 0, 0], torch.tensor([1.0, 0.5, 3.0]))
    with torch.no_grad():
        step.slope.copy_(torch.tensor([0.0, 1.0, -1.0]))
    torch.testing.assert_close(step(lam)[1].flatten(), torch.tensor([1.0, 0.25, 4.0]))


def test_a_fixed_weight_model_has_its_own_weights_step():
    model = ScaleHyperprior(8, 12, step=True, fixed=LAMBDA_RANGE[1])
    torch.testing.assert_close(model.step(None), model.delta(torch.tensor([LAMBDA_RANGE[1]])))
    assert model.step(torch.tensor([0.001])).max() < 1
    assert ScaleHyperprior(8, 12).step(None) == 1


def test_latents_are_rounded_to_multiples_of_the_step():
    model, lam = ScaleHyperprior(8, 12, lambda_prior(), step=True), torch.tensor([0.0012, 0.26])
    y = 5 * torch.randn(2, 12, 3, 4, generator=torch.Generator().manual_seed(0))
    step, rounded = model.step(lam), model.quantise(y, lam)
    torch.testing.assert_close(rounded / step, (y / step).round())
    assert ((rounded - y).abs() <= step / 2 * 1.0001).all()


def test_noise_is_uniform_and_as_wide_as_a_step():
    torch.manual_seed(0)
    model = perturbed(prior=lambda_prior(), step=True)
    noises = uniform_noise(model, 4, 256, 256)
    for noise in noises:
        assert noise.abs().max() <= 0.5
        assert noise.std() == pytest.approx(12**-0.5, rel=0.05)
    x, lam = photos(), torch.tensor([0.002, 0.2])
    y = model.latents(x, lam)
    for size in (0.0, 0.5):
        out = model(x, lam, (torch.full_like(y, size), torch.zeros(2, 8, 1, 1)))
        torch.testing.assert_close(out.picture, model.synthesise(y + size * model.step(lam), lam))


def test_without_noise_latents_are_rounded():
    model, x, lam = perturbed(prior=lambda_prior(), step=True), photos(), torch.tensor([0.002, 0.2])
    torch.testing.assert_close(model(x, lam).picture, model.synthesise(model.quantise(model.latents(x, lam), lam), lam))


# The start ------------------------------------------------------------------------------------------------------------


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
    plain = ScaleHyperprior(24, 48, lambda_prior() if conditional else None)
    picture = photographs()[name][:, :256, :320]
    # A conditional model starts near, not at, what its networks do without FiLM; that costs a few decibels.
    assert reconstruction(small_model(24, 48, conditional=conditional), picture) > reconstruction(plain, picture) + 6


def started(prior, seed: int, n: int = 8, m: int = 40) -> dict[str, torch.Tensor]:
    torch.manual_seed(seed)
    model = ScaleHyperprior(n, m, prior)
    torch.manual_seed(seed)
    start_from_principal_components(model, patches(list(photographs().values()), 64, 8, 0)(0))
    state = model.state_dict().items()
    return {name.replace(".network.", "."): value for name, value in state if ".conditioners." not in name}


def test_the_start_depends_on_the_seed_and_not_on_conditioning():
    fixed, again, other = started(None, 0), started(None, 0), started(None, 1)
    conditional = started(lambda_prior(), 0)
    assert conditional.keys() == fixed.keys()
    for name, value in fixed.items():
        assert torch.equal(value, again[name])
        assert torch.equal(value, conditional[name]), name
    assert not torch.equal(fixed["h_a.0.weight"], other["h_a.0.weight"])
    # Principal components are no matter of chance, but for those that may be mirrored.
    torch.testing.assert_close(fixed["g_a.0.weight"], other["g_a.0.weight"])


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


def test_the_last_layer_is_the_same_with_and_without_gradients():
    torch.manual_seed(0)
    layer = ToPicture(7, 3, 5, stride=2, padding=2, output_padding=1)
    features = torch.randn(2, 7, 6, 9)
    usual = layer(features)
    with torch.no_grad():
        assert layer(features).shape == usual.shape == (2, 3, 12, 18)
        torch.testing.assert_close(layer(features), usual, rtol=1e-5, atol=1e-5)
