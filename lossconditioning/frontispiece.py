"""The README's second picture: five shipped play networks, each with its dial turned from end to end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from matplotlib.figure import Figure
from torch import Tensor

from lossconditioning.datasets import paintings, photographs, shapes3d
from lossconditioning.display import enlarged, picture_grid
from lossconditioning.systems import beta_vae, dynamic_faces, hyper_singan, mixed_domain, style_transfer
from lossconditioning.systems.mixed_domain import TABLE_3
from lossconditioning.systems.mixed_domain.figures import said

COLUMNS = 6
SIDE = 192
"""Pixels a side of every picture."""
PHOTOGRAPH, PAINTING = "chelsea", "autumn_wood"
TRANSLATED = "coffee"
NUMBER = 118_765
"""Of a Shapes3D picture."""
PERSON = 1
PLACES = (3, 0)
"""Between the generators of which pictures that the hypernetwork has learned."""


@dataclass(frozen=True)
class Row:
    """What one network makes at every position of its dial.

    Attributes:
        label: which network, and what is turned.
        called: what ``given`` is.
        given: where it begins, ``(3, S, S)`` in [0, 1].
        values: under the pictures, one each.
        pictures: ``(COLUMNS, 3, S, S)`` in [0, 1].
    """

    label: str
    called: str
    given: Tensor
    values: Sequence[str]
    pictures: Tensor


def dials() -> Figure:
    """Five rows: a β-VAE under β, a painter under the weight of content, one between three losses, a face under α, generators
    between two pictures."""
    rows = [autoencoder(), painter(), translator(), face(), landscape()]
    pictures = {row.label: (row.given, *row.pictures) for row in rows}
    below = {row.label: (row.called, *row.values) for row in rows}
    return picture_grid(pictures, [""] * (COLUMNS + 1), side=1.5, below=below)


@torch.inference_mode()
def autoencoder() -> Row:
    """Reconstructions of one picture by the β-VAE that readers play with."""
    model = beta_vae.load(beta_vae.network_for_pictures("shapes3d", beta_vae.recorded())).model
    picture = beta_vae.as_float(shapes3d()[torch.tensor([NUMBER])])
    lam = beta_vae.lam_grid("shapes3d", COLUMNS)
    mean, _ = model.encode(picture.expand(COLUMNS, -1, -1, -1), lam)
    made = beta_vae.pixel_mean(model.decode(mean, lam))
    return Row(
        "autoencoder", "picture", _large(picture)[0], [f"β = {_short(value)}" for value in lam.tolist()], _large(made)
    )


@torch.inference_mode()
def painter() -> Row:
    """A photograph in the style of one of the project's own paintings, under growing weights of content."""
    model = style_transfer.load(style_transfer.played(style_transfer.recorded())).model
    photograph = style_transfer.middle_square(photographs()[PHOTOGRAPH], SIDE)
    lam = style_transfer.content_grid(COLUMNS)
    style = torch.full((COLUMNS,), list(paintings()).index(PAINTING))
    made = model(photograph.expand(COLUMNS, -1, -1, -1), style, lam)
    return Row("painter", "photograph", photograph, [f"content {value:.2g}" for value in lam[:, -1].tolist()], made)


@torch.inference_mode()
def translator() -> Row:
    """A photograph on a walk round the triangle of three losses: itself, Monet, the patterns of an autumn wood."""
    model = mixed_domain.load(mixed_domain.played(mixed_domain.recorded())).model
    photograph = mixed_domain.middle_square(photographs()[TRANSLATED], SIDE)
    lam = torch.tensor(TABLE_3[:COLUMNS])
    made = model(photograph.expand(COLUMNS, -1, -1, -1), lam)
    return Row("three losses", "photograph", photograph, [f"S = {said(each)}" for each in TABLE_3[:COLUMNS]], made)


@torch.inference_mode()
def face() -> Row:
    """One generated person under α of tuning blocks that make people smile."""
    generator = dynamic_faces.load("face_dark_hair").model.eval()
    blocks = {"smiling": dynamic_faces.load("face_smiling").model}
    alphas = torch.linspace(0, 1, COLUMNS + 1)  # 0 is the face as generated
    latents = dynamic_faces.codes(8, generator.latent)[PERSON : PERSON + 1]
    made = dynamic_faces.sheet(generator, blocks, latents, [{"smiling": float(alpha)} for alpha in alphas])[0]
    made = dynamic_faces.pixels(made)
    values = [f"α = {value:.2g}" for value in alphas[1:].tolist()]
    return Row("smile", "generated face", _large(made[:1])[0], values, _large(made[1:]))


@torch.inference_mode()
def landscape() -> Row:
    """One noise, painted by generators on the way from one picture's to another's."""
    trained = hyper_singan.load("play")
    model, pictures = trained.model.eval(), hyper_singan.pictures_of(trained.config)
    codes = [model.code(hyper_singan.seen(pictures[n : n + 1], trained.config.seen)) for n in PLACES]
    alphas = torch.linspace(1, 0, COLUMNS).tolist()
    made = [hyper_singan.sample(model, hyper_singan.blended(*codes, alpha, model), seed=1) for alpha in alphas]
    values = [f"α = {alpha:.1f}" for alpha in alphas]
    return Row("written generators", "picture", _square(pictures[PLACES[0]][None])[0], values, _square(torch.cat(made)))


def _square(pictures: Tensor) -> Tensor:
    """The middle of pictures ``(N, 3, H, W)`` in [−1, 1], wider than high, in [0, 1] and as large as all are shown."""
    height, width = pictures.shape[-2:]
    middle = pictures[..., (width - height) // 2 : (width + height) // 2]
    return hyper_singan.unit(hyper_singan.resized(middle, (SIDE, SIDE)))


def _short(number: float) -> str:
    return f"{number:,.0f}" if number >= 100 else f"{number:.2g}"


def _large(pictures: Tensor) -> Tensor:
    return enlarged(pictures, SIDE // pictures.shape[-1])
