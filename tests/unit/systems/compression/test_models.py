"""The networks of the codec: layers of figure 4, conditioning of appendix A.2, and quantisation."""

import pytest
import torch
from small_codecs import corner, small_model
from torch import nn

from lossconditioning.codec import GDN
from lossconditioning.conditioning import Conditioned, FiLM
from lossconditioning.systems.compression.models import QuantisationStep, ScaleHyperprior, ToPicture, uniform_noise
from lossconditioning.systems.compression.task import LAM_RANGE, terms

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


# Networks -------------------------------------------------------------------------------------------------------------


def layers(network: nn.Module) -> list[tuple[int, ...]]:
    """Convolutions as (inputs, outputs, taps, stride), the stride of one that enlarges being negative."""
    found = []
    for layer in network.modules():
        if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d)):
            sign = -1 if isinstance(layer, nn.ConvTranspose2d) else 1
            found.append((layer.in_channels, layer.out_channels, layer.kernel_size[0], sign * layer.stride[0]))
    return found


@pytest.mark.parametrize("own", [0.01, None], ids=["fixed", "conditional"])
def test_layers_are_those_of_the_paper(own):
    model = ScaleHyperprior(8, 12, own)
    assert layers(model.g_a) == [(3, 8, 5, 2), (8, 8, 5, 2), (8, 8, 5, 2), (8, 12, 5, 2)]
    assert layers(model.g_s) == [(12, 8, 5, -2), (8, 8, 5, -2), (8, 8, 5, -2), (8, 3, 5, -2)]
    assert layers(model.h_a) == [(12, 8, 3, 1), (8, 8, 5, 2), (8, 8, 5, 2)]
    assert layers(model.h_s) == [(8, 8, 5, -2), (8, 8, 5, -2), (8, 12, 3, 1)]
    for name, inverse in (("g_a", False), ("g_s", True)):
        found = [layer.inverse for layer in getattr(model, name).modules() if isinstance(layer, GDN)]
        assert found == [inverse] * 3


@pytest.mark.parametrize("own", [0.01, None], ids=["fixed", "conditional"])
@pytest.mark.parametrize(("height", "width"), [(64, 64), (128, 64), (64, 192)])
def test_every_part_has_the_resolution_it_says(own, height, width):
    model, x, lam = ScaleHyperprior(8, 12, own).eval(), photos(2, height, width), torch.tensor([0.01, 0.1])
    y = model.latents(x, lam)
    z = model.hyper_latents(y, lam)
    assert y.shape == model.scales(z, lam).shape == (2, 12, height // 16, width // 16)
    assert z.shape == (2, 8, height // 64, width // 64)
    out = model(x, lam)
    assert (out.picture.shape, out.y_likelihood.shape, out.z_likelihood.shape) == (x.shape, y.shape, z.shape)
    assert [noise.shape for noise in uniform_noise(model, 2, height, width)] == [y.shape, z.shape]


@pytest.mark.parametrize("step", [False, True])
def test_a_fixed_weight_model_is_called_alike_and_ignores_the_weight(step):
    model, x = perturbed(lam=0.02, step=step), photos()
    outs = [model(x), model(x, torch.tensor([0.01, 0.1])), model(x, torch.tensor([0.2, 0.002]))]
    for out in outs[1:]:
        assert torch.equal(out.picture, outs[0].picture)
        assert torch.equal(out.y_likelihood, outs[0].y_likelihood)


def test_every_network_of_a_conditional_model_hears_the_weight():
    model = perturbed()
    x, low, high = photos(), torch.full((2,), 0.002), torch.full((2,), 0.2)
    y = model.latents(x, low)
    z = model.hyper_latents(y, low)
    calls = {"latents": x, "hyper_latents": y, "scales": z, "synthesise": y}
    for name, inputs in calls.items():
        part = getattr(model, name)
        assert not torch.allclose(part(inputs, low), part(inputs, high), rtol=1e-3), name


def test_each_picture_of_a_batch_has_its_own_weight():
    model, x, lam = perturbed(step=True), photos(3), torch.tensor([0.002, 0.02, 0.2])
    together = model(x, lam)
    for i in range(3):
        alone = model(x[i : i + 1], lam[i : i + 1])
        torch.testing.assert_close(together.picture[i : i + 1], alone.picture, rtol=1e-3, atol=1e-4)


def test_film_stands_at_all_fourteen_convolutions_with_128_hidden_units():
    model = ScaleHyperprior(8, 12, gain=0.3)
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


@pytest.mark.parametrize("conditional", [True, False], ids=["conditional", "fixed"])
@pytest.mark.parametrize("step", [True, False], ids=["with a step", "without"])
def test_gradients_reach_every_parameter(conditional, step):
    model, lam = small_model(8, 12, conditional=conditional, step=step), torch.tensor([0.003, 0.2])
    x = torch.stack([corner(64, 64), corner(64, 64, "china")]).float() / 255
    values = terms(model.train(), (x, *uniform_noise(model, 2, 64, 64)), lam)
    (values["rate"] + lam * values["distortion"]).sum().backward()
    dead = [name for name, p in model.named_parameters() if p.grad is None or not p.grad.abs().max() > 0]
    assert dead == []


# Quantisation ---------------------------------------------------------------------------------------------------------


def test_the_squared_step_falls_as_the_weight_grows_and_is_one_in_the_middle():
    step = QuantisationStep(3, *LAM_RANGE)
    assert step.slope.tolist() == [0.5, 0.5, 0.5]
    middle = (LAM_RANGE[0] * LAM_RANGE[1]) ** 0.5
    lam = torch.tensor([middle, 4 * middle, middle / 9], dtype=torch.float64)
    found = step(lam)
    assert found.shape == (3, 3, 1, 1)
    torch.testing.assert_close(found[:, 0, 0, 0], torch.tensor([1.0, 0.5, 3.0]))
    with torch.no_grad():
        step.slope.copy_(torch.tensor([0.0, 1.0, -1.0]))
    torch.testing.assert_close(step(lam)[1].flatten(), torch.tensor([1.0, 0.25, 4.0]))


def test_a_fixed_weight_model_has_its_own_weights_step():
    model = ScaleHyperprior(8, 12, LAM_RANGE[1], step=True)
    torch.testing.assert_close(model.step(None), model.delta(torch.tensor([LAM_RANGE[1]])))
    assert model.step(torch.tensor([0.001])).max() < 1
    assert ScaleHyperprior(8, 12, 0.01).step(None) == 1


def test_latents_are_rounded_to_multiples_of_the_step():
    model, lam = ScaleHyperprior(8, 12, step=True), torch.tensor([0.0012, 0.26])
    y = 5 * torch.randn(2, 12, 3, 4, generator=torch.Generator().manual_seed(0))
    step, rounded = model.step(lam), model.quantise(y, lam)
    torch.testing.assert_close(rounded / step, (y / step).round())
    assert ((rounded - y).abs() <= step / 2 * 1.0001).all()


def test_noise_is_uniform_and_as_wide_as_a_step():
    torch.manual_seed(0)
    model = perturbed(step=True)
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
    model, x, lam = perturbed(step=True), photos(), torch.tensor([0.002, 0.2])
    torch.testing.assert_close(model(x, lam).picture, model.synthesise(model.quantise(model.latents(x, lam), lam), lam))


def test_the_last_layer_is_the_same_with_and_without_gradients():
    torch.manual_seed(0)
    layer = ToPicture(7, 3, 5, stride=2, padding=2, output_padding=1)
    features = torch.randn(2, 7, 6, 9)
    usual = layer(features)
    with torch.no_grad():
        assert layer(features).shape == usual.shape == (2, 3, 12, 18)
        torch.testing.assert_close(layer(features), usual, rtol=1e-5, atol=1e-5)
