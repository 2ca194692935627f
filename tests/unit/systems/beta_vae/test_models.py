"""The β-VAE's networks have the layers of appendix A.1, and β enters where it should."""

import pytest
import torch
from small_vaes import DATA, LATENT, SIDE, network, photos
from torch import nn

from lossconditioning import ReaderError
from lossconditioning.systems import beta_vae
from lossconditioning.systems.beta_vae import lam_prior

# Every layer with weights as (inputs, outputs) of a fully connected one, (inputs, outputs, stride) of a convolution.
ENCODER = {
    "cifar10": [(3, 16, 2), (16, 16, 1), (16, 32, 2), (32, 32, 1), (32, 64, 2), (64, 64, 1), (1024, 512), (512, 128)],
    "shapes3d": [(3, 8, 2), (8, 16, 2), (16, 32, 2), (32, 64, 2), (1024, 256), (256, 20)],
}
DECODER = {
    "cifar10": [(64, 512), (512, 1024), (64, 64, 1), (64, 32, 2), (32, 32, 1), (32, 16, 2), (16, 16, 1), (16, 6, 2)],
    "shapes3d": [(10, 256), (256, 1024), (64, 32, 2), (32, 16, 2), (16, 8, 2), (8, 3, 2)],
}
WIDER = {
    "cifar10": [(3, 24, 2), (24, 24, 1), (24, 48, 2), (48, 48, 1), (48, 96, 2), (96, 96, 1), (1536, 768), (768, 128)],
    "shapes3d": [(3, 12, 2), (12, 24, 2), (24, 48, 2), (48, 96, 2), (1536, 384), (384, 20)],
}
WIDER_DECODER = {
    "cifar10": [(64, 768), (768, 1536), (96, 96, 1), (96, 48, 2), (48, 48, 1), (48, 24, 2), (24, 24, 1), (24, 6, 2)],
    "shapes3d": [(10, 384), (384, 1536), (96, 48, 2), (48, 24, 2), (24, 12, 2), (12, 3, 2)],
}


def layers(network: nn.Module) -> list[tuple[int, ...]]:
    found = []
    for layer in network.modules():
        if isinstance(layer, nn.Linear):
            found.append((layer.in_features, layer.out_features))
        elif isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d)):
            assert layer.kernel_size == (3, 3)
            assert isinstance(layer, nn.ConvTranspose2d) <= (layer.stride == (2, 2))
            found.append((layer.in_channels, layer.out_channels, layer.stride[0]))
    return found


@pytest.mark.parametrize("data", DATA)
@pytest.mark.parametrize(
    ("width", "encoder", "decoder"), [(1.0, ENCODER, DECODER), (1.5, WIDER, WIDER_DECODER)], ids=["paper's", "wider"]
)
def test_layers_are_those_of_the_appendix(data, width, encoder, decoder):
    model = beta_vae.BetaVAE(data, width)
    assert layers(model.encoder) == encoder[data]
    assert layers(model.decoder) == decoder[data]
    activations = [layer.negative_slope for layer in model.modules() if isinstance(layer, nn.LeakyReLU)]
    assert len(activations) == len(encoder[data]) + len(decoder[data]) - 4
    assert set(activations) == {0.3}


@pytest.mark.parametrize("data", DATA)
def test_conditioning_leaves_the_networks_layers_alone(data):
    model = beta_vae.BetaVAE(data, prior=lam_prior(data))
    assert layers(model.encoder.network) == ENCODER[data]
    assert layers(model.decoder.network) == DECODER[data]
    for part in (model.encoder, model.decoder):
        for conditioner in part.conditioners.values():
            assert all(256 in layer for layer in layers(conditioner))


@pytest.mark.parametrize("data", DATA)
@pytest.mark.parametrize("width", [0.5, 1.0, 1.5])
@pytest.mark.parametrize("conditioning", [None, "film", "concatenation", "input"])
def test_outputs_have_the_latent_size_and_the_pictures(data, width, conditioning):
    model = network(data, conditioning, width=width)
    mean, std, pixels = model(photos(data), torch.ones(2))
    assert mean.shape == std.shape == (2, LATENT[data])
    assert pixels.shape == (2, 6 if data == "cifar10" else 3, SIDE[data], SIDE[data])
    assert (std > 0).all()
    assert torch.equal(model.encode(photos(data), torch.ones(2))[0], mean)


FILM = {"cifar10": ["blocks.0.2", "blocks.1.2", "blocks.2.2"], "shapes3d": [f"blocks.{n}.0" for n in range(4)]}
CONCATENATION = {data: [f"blocks.{n}.0" for n in range(len(FILM[data]))] for data in DATA}


@pytest.mark.parametrize("data", DATA)
@pytest.mark.parametrize(
    ("conditioning", "encoder", "decoder"),
    [
        ("film", FILM, FILM),
        ("concatenation", CONCATENATION, CONCATENATION),
        ("input", {data: ["blocks.0.0"] for data in DATA}, {data: ["head.0"] for data in DATA}),
    ],
)
def test_beta_enters_at_the_sites_named(data, conditioning, encoder, decoder):
    model = network(data, conditioning)
    for part, sites in ((model.encoder, encoder[data]), (model.decoder, decoder[data])):
        assert [name.replace("/", ".") for name in part.conditioners] == sites


@pytest.mark.parametrize("data", DATA)
def test_film_conditions_the_last_convolution_of_every_block(data):
    model = network(data, "film")
    for part in (model.encoder, model.decoder):
        last = []
        for level, block in enumerate(part.network.blocks):
            places = [place for place, layer in enumerate(block) if not isinstance(layer, nn.LeakyReLU)]
            last.append(f"blocks.{level}.{places[-1]}")
        assert [name.replace("/", ".") for name in part.conditioners] == last


@pytest.mark.parametrize("data", DATA)
@pytest.mark.parametrize("conditioning", ["film", "concatenation", "input"])
def test_a_conditional_network_starts_near_the_plain_one(data, conditioning):
    model, plain = network(data, conditioning), network(data)
    for part in ("encoder", "decoder"):
        getattr(plain, part).load_state_dict(getattr(model, part).network.state_dict())
    noise = torch.zeros(2, LATENT[data])
    for lam in beta_vae.RANGES[data]:
        ours, its = model(photos(data), torch.full((2,), lam), noise), plain(photos(data), None, noise)
        for a, b in zip(ours, its, strict=True):
            assert 0 < (a - b).abs().mean() < 0.2


@pytest.mark.parametrize("data", DATA)
@pytest.mark.parametrize("conditioning", ["film", "concatenation", "input"])
def test_every_conditioner_changes_the_output(data, conditioning):
    model = network(data, conditioning)
    low, high = (torch.full((2,), lam) for lam in beta_vae.RANGES[data])
    noise = torch.zeros(2, LATENT[data])
    names = [name for name, _ in model.named_parameters() if "conditioners." in name]
    sites = {name.split("conditioners.")[0] + name.split("conditioners.")[1].split(".")[0] for name in names}
    assert len(sites) == len(model.encoder.conditioners) + len(model.decoder.conditioners)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "conditioners." in name:
                parameter.copy_(torch.randn(parameter.shape))
    for a, b in zip(model(photos(data), low, noise), model(photos(data), high, noise), strict=True):
        assert (a - b).abs().amax() > 1e-3
    model(photos(data), low, noise)[2].square().sum().backward()
    assert all(model.get_parameter(name).grad.any() for name in names)


@pytest.mark.parametrize("data", DATA)
def test_every_row_follows_its_own_beta(data):
    model, noise = network(data, "film"), torch.randn(3, LATENT[data])
    lam = torch.tensor([0.5, 8.0, 300.0])
    together = model(photos(data, 3), lam, noise)
    for row in range(3):
        alone = model(photos(data, 3)[row : row + 1], lam[row : row + 1], noise[row : row + 1])
        for a, b in zip(together, alone, strict=True):
            torch.testing.assert_close(a[row : row + 1], b, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("data", DATA)
def test_a_fixed_model_takes_beta_and_ignores_it(data):
    model, noise = network(data), torch.randn(2, LATENT[data])
    assert not [name for name, _ in model.named_parameters() if "conditioners" in name]
    outputs = [model(photos(data), lam, noise) for lam in (None, torch.ones(2), torch.full((2,), 500.0))]
    for other in outputs[1:]:
        assert all(torch.equal(a, b) for a, b in zip(outputs[0], other, strict=True))


@pytest.mark.parametrize("data", DATA)
def test_noise_moves_the_latent_vector_by_its_standard_deviation(data):
    model, noise = network(data), torch.randn(2, LATENT[data])
    mean, std, pixels = model(photos(data), None, noise)
    assert torch.equal(pixels, model.decode(mean + std * noise))
    assert not torch.equal(model(photos(data))[2], model(photos(data))[2])


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: beta_vae.BetaVAE("cifar"), "no data set 'cifar'. Did you mean 'cifar10'"),
        (lambda: beta_vae.BetaVAE("cifar10", conditioning="filn"), "Did you mean 'film'"),
        (lambda: network("cifar10", "film")(photos("cifar10"), torch.tensor(1.0)), "one λ per example"),
    ],
)
def test_a_network_that_makes_no_sense_is_refused(make, said):
    with pytest.raises(ReaderError, match=said):
        make()
