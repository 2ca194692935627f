"""How well an encoder tells styles apart, and how well a translator gives them back, on held-out pairs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from lossconditioning.datasets.pairs import Pairs
from lossconditioning.evaluation import mean_psnr
from lossconditioning.losses import Lpips
from lossconditioning.systems.staged_encoder.config import Config
from lossconditioning.systems.staged_encoder.distances import all_pairs, chance
from lossconditioning.systems.staged_encoder.models import Discriminator, StyleCode, StyleEncoder, Translator
from lossconditioning.training.protocol import Data

NEAREST = 5
STYLES, LAYOUTS = 16, 12
"""In how many styles how many layouts are translated for diversity (the paper: 16 and 100)."""
_CHUNK = 32


@dataclass(frozen=True, eq=False)
class Measure:
    """Held-out pairs.

    Attributes:
        layouts, pictures: ``(N, 3, S, S)`` in [0, 1].
        styled: each layout in the style of the next pair, as it should look, ``(N, 3, S, S)``; None if that is not known.
        factors, names: of style, ``(N, F)``; F is 0 if none are known.
        gallery: the training pairs, among which a picture's neighbours are looked for: of a hundred pictures hardly two share
            three factors.
        lpips: the distance between pictures.
        source: what they are, in words.
    """

    layouts: Tensor
    pictures: Tensor
    styled: Tensor | None
    factors: Tensor
    names: tuple[str, ...]
    gallery: Pairs
    lpips: Lpips
    source: str

    @torch.no_grad()
    def translate(self, model: Translator, styles: Tensor | None = None, lam: float | None = None) -> Tensor:
        """The layouts in the styles of their own pictures, or of others ``(N, 3, S, S)``: ``(N, 3, S, S)``."""
        given = self.pictures if styles is None else styles
        made = []
        for layouts, pictures in zip(self.layouts.split(_CHUNK), given.split(_CHUNK), strict=True):
            made.append(model(layouts, pictures, None if lam is None else layouts.new_full((len(layouts),), lam)))
        return torch.cat(made)

    @torch.no_grad()
    def codes(self, encoder: StyleEncoder) -> Tensor:
        """The styles of the pictures, ``(N, Z)``."""
        return torch.cat([encoder(part).z for part in self.pictures.split(_CHUNK)])

    @torch.no_grad()
    def distance(self, pictures: Tensor, others: Tensor) -> Tensor:
        """`Lpips`, ``(N,)``."""
        pairs = zip(pictures.split(_CHUNK), others.split(_CHUNK), strict=True)
        return torch.cat([self.lpips(some, rest) for some, rest in pairs])

    def reconstruction(self, model: Translator, lam: float | None = None) -> dict[str, float]:
        """How close a translator comes to the pictures themselves (Table 1): ``psnr`` in decibels, ``lpips``.

        Where it is known how a layout looks in another style, ``transfer_psnr`` and ``transfer_lpips``, of the style of the
        next pair, which the paper has no truth for.
        """
        found = self.closeness(self.translate(model, lam=lam))
        if self.styled is not None:
            moved = self.translate(model, self.pictures.roll(-1, 0), lam)
            found |= {f"transfer_{what}": value for what, value in self.closeness(moved, self.styled).items()}
        return found

    def closeness(self, made: Tensor, pictures: Tensor | None = None) -> dict[str, float]:
        """``psnr`` and ``lpips`` of paintings beside the pictures, or beside others, ``(N, 3, S, S)``."""
        pictures = self.pictures if pictures is None else pictures
        return {"psnr": mean_psnr(made, pictures), "lpips": float(self.distance(made, pictures).mean())}

    @torch.no_grad()
    def diversity(self, model: Translator, codes: Tensor | None = None) -> float:
        """Mean LPIPS distance between pictures of one layout in different styles (Table 3).

        Args:
            codes: the styles, at least `STYLES`, such as a mapper's; those of the first pictures if not given.
        """
        codes = self.codes(model.encoder) if codes is None else codes
        count, values = min(STYLES, len(codes)), []
        for layout in self.layouts[:LAYOUTS]:
            made = model.generator(layout.expand(count, -1, -1, -1), codes[:count])
            values.append(self.lpips(made, made.roll(1, 0)).mean())
        return float(torch.stack(values).mean())

    def neighbours(self, encoder: StyleEncoder) -> dict[str, float]:
        """Whether pictures with close codes share the true factors of style; nothing where none are known.

        Returns:
            ``neighbour_accuracy``, the share of (picture, one of its five nearest in the gallery, factor) that agree,
            ``neighbour_FACTOR`` for each factor, and ``neighbour_all``, the share of neighbours that share all factors;
            ``neighbour_chance``, the accuracy of neighbours drawn at random.
        """
        if not self.names:
            return {}
        return self.agreement(self.codes(encoder), codes_of(encoder, self.gallery.pictures).z)

    def agreement(self, codes: Tensor, gallery: Tensor) -> dict[str, float]:
        """The same of any numbers that say what style is, of the held-out pictures ``(N, D)`` and of the gallery ``(M, D)``."""
        nearest = all_pairs(codes, gallery).topk(NEAREST, largest=False).indices
        same = self.gallery.factors[nearest] == self.factors[:, None]  # (N, 5, F)
        each = same.double().mean((0, 1))
        return {
            "neighbour_accuracy": float(each.mean()),
            "neighbour_all": float(same.all(-1).double().mean()),
            "neighbour_chance": float(chance(self.gallery.factors).mean()),
            **{f"neighbour_{name}": float(share) for name, share in zip(self.names, each, strict=True)},
        }


@torch.no_grad()
def codes_of(encoder: StyleEncoder, pictures: Tensor) -> StyleCode:
    """The codes of pictures, uint8 ``(N, 3, S, S)``: ``(N, Z)`` each."""
    device = next(encoder.parameters()).device
    found = [encoder(part.to(device).float() / 255) for part in pictures.split(_CHUNK)]
    return StyleCode(*(torch.cat(part) for part in zip(*found, strict=True)))


@torch.no_grad()
def realness(critic: Discriminator, layouts: Tensor, pictures: Tensor) -> float:
    """What a critic says of pictures ``(N, 3, S, S)`` beside their layouts, the mean over patches: 1 for real, 0 for made."""
    scores = [critic(*both) for both in zip(layouts.split(_CHUNK), pictures.split(_CHUNK), strict=True)]
    return float(torch.cat(scores).mean())


def measure(config: Config, model: nn.Module, data: Data) -> dict[str, float]:
    """Numbers for a card: see `Measure`; of a critic, what it says of real pictures and of those that it judges."""
    held_out: Measure = data.held_out
    if config.kind == "encoder":
        return held_out.neighbours(model)
    if config.kind == "critic":
        return {
            "realness_real": realness(model, held_out.layouts, held_out.pictures),
            **_judged(model, data.made, held_out),
        }
    middle = (config.lam[0] * config.lam[1]) ** 0.5 if config.told else None
    found = {**held_out.reconstruction(model, middle), **held_out.neighbours(model.encoder)}
    return found if config.told else {**found, "diversity_transfer": held_out.diversity(model)}


def _judged(critic: Discriminator, made: Mapping[str, nn.Module], held_out: Measure) -> dict[str, float]:
    return {
        f"realness_{name}": realness(critic, held_out.layouts, held_out.translate(model, lam=_middle(model)))
        for name, model in made.items()
    }


def _middle(model: nn.Module) -> float:
    """The middle of the range of λ that a translator is told, or the one it was trained with."""
    prior = model.prior
    return float((prior.low * prior.high) ** 0.5) if hasattr(prior, "low") else float(prior.sample())
