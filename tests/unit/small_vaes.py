"""Untrained β-VAEs to measure, and pictures to measure them on."""

import torch

from lossconditioning.systems import beta_vae

DATA = ["cifar10", "shapes3d"]
SIDE, LATENT = {"cifar10": 32, "shapes3d": 64}, {"cifar10": 64, "shapes3d": 10}


def network(data: str, conditioning: str | None = None, **options) -> beta_vae.BetaVAE:
    torch.manual_seed(0)
    prior = None if conditioning is None else beta_vae.lam_prior(data)
    return beta_vae.BetaVAE(data, prior=prior, conditioning=conditioning or "film", **{"hidden": 8, **options})


def perturbed(name: str) -> torch.nn.Module:
    """An untrained smoke experiment whose weights are far from where they start, so that β matters."""
    torch.manual_seed(0)
    model = beta_vae.build(beta_vae.experiments("smoke")[name]).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.05 * torch.randn(parameter.shape))
    return model


def photos(data: str, count: int = 2) -> torch.Tensor:
    return torch.rand(count, 3, SIDE[data], SIDE[data], generator=torch.Generator().manual_seed(1))


def held_out(data: str, count: int = 6) -> torch.Tensor:
    draw = torch.Generator().manual_seed(3)
    return torch.randint(0, 256, (count, 3, SIDE[data], SIDE[data]), dtype=torch.uint8, generator=draw)
