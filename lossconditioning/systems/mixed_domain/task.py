r"""What a translated picture costs: L_G = s₁ L_A + s₂ L_B + s₃ L_C, each domain with a loss of its own (SGN, equation 3).

Colours are compared in [−1, 1], as the paper does, pictures being in [0, 1] everywhere else. With G the generator, D a
discriminator of patches, x a photograph and y a real picture of the domain (A.2):

- reconstruction: 2 · mean |G(x, S) − x|;
- adversarial: mean (D(G(x, S)) − 1)² + 5 · mean |G(y, S) − y|;
- perceptual: 10⁻³ · content + 200 · (0.1, 1, 10, 5) · style, see `perceptual`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple

import torch
from torch import Tensor, nn

from lossconditioning.losses import PerceptualLoss, lsgan_discriminator, lsgan_generator, weighted
from lossconditioning.painting import units
from lossconditioning.systems.mixed_domain.models import Opponents
from lossconditioning.systems.mixed_domain.recipes import Config
from lossconditioning.training.replay import ReplayPool

STYLE = (0.1, 1.0, 10.0, 5.0)
"""What style weighs at each of the four layers, to be multiplied by `Config.style` (A.2)."""
UNPAINTED = 0.23
"""L_per of a photograph that was not painted: between Table 3's two, at S = (1, 0, 0), where content costs next to nothing."""
ELSEWHERE = 0.02
"""What the content of another photograph costs: what Table 3's separate network for L_per alone has left over is 0.015."""
Terms = dict[str, Tensor]


class Batch(NamedTuple):
    """What one step translates.

    Attributes:
        photographs: ``(B, 3, S, S)`` in [0, 1].
        content: their targets, ``(B, C, h, w)``; None where no domain is perceptual.
        real: pictures of each adversarial domain that has a weight, ``(B, 3, S, S)`` each, in the domains' order.
        lam: S of each example, ``(B, 3)``; drawn anew in every step.
        costs: what the terms are computed by.
        discriminator: for those of ``real``; None where there are none.
        pool: of earlier pictures, each with its S, for the discriminator; None where it is shown new ones alone.
        step: number of the step.
    """

    photographs: Tensor
    content: Tensor | None
    real: tuple[Tensor, ...]
    lam: Tensor
    costs: Costs
    discriminator: Opponents | None = None
    pool: ReplayPool | None = None
    step: int = 0

    @property
    def inputs(self) -> tuple[Tensor, Tensor]:
        """The generator's: photographs, and, where they are to stay what they are, real pictures, under the same S."""
        same = self.real if self.costs.config.identity else ()
        return torch.cat([self.photographs, *same]), self.lam.repeat(1 + len(same), 1)


class Costs:
    """The three losses of a configuration.

    Args:
        config: which.
        loss: perceptual, for a domain that is; else None.
        styles: the painting's targets, one ``(1, C, C)`` per style layer.
    """

    def __init__(self, config: Config, loss: PerceptualLoss | None = None, styles: Sequence[Tensor] = ()):
        self.config, self.loss, self.styles = config, loss, tuple(styles)
        self.names = term_names(config)

    @cached_property
    def weights(self) -> dict[str, float]:
        """See `perceptual_weights`."""
        return perceptual_weights(self.config, self.loss)

    @property
    def source(self) -> tuple[str, ...]:
        """What features are compared, in words."""
        return () if self.loss is None else (f"features of {self.loss.features.source}",)

    def reconstruction(self, painted: Tensor, photographs: Tensor) -> Tensor:
        """Of each picture ``(B, 3, S, S)``: ``(B,)``."""
        return self.config.reconstruction * l1(painted, photographs)

    def adversarial(self, patches: Tensor) -> Tensor:
        """LSGAN: of what a discriminator says of translated pictures, ``(B, 1, h, w)``: ``(B,)``."""
        return self.config.adversarial * lsgan_generator(patches)

    def identity(self, painted: Tensor, real: Tensor) -> Tensor:
        """Of translated real pictures ``(B, 3, S, S)``: ``(B,)``."""
        return self.config.identity * l1(painted, real)

    def perceptual(self, painted: Tensor, content: Tensor) -> Terms:
        """Content and style of each picture ``(B, 3, S, S)``, weighted: "content" and "style", each ``(B,)``."""
        values = self.loss(painted, content, (style.expand(len(painted), -1, -1) for style in self.styles))
        style = sum(weight * values[name] for name, weight in self.weights.items() if name != "content")
        return {"content": self.weights["content"] * values["content"], "style": style}


def term_names(config: Config) -> tuple[str, ...]:
    """The terms' names, in the domains' order: the loss, with the domain where two have the same one."""
    pairs = zip(config.losses, config.domains, strict=True)
    return tuple(loss if config.losses.count(loss) == 1 else f"{loss}_{domain}" for loss, domain in pairs)


def perceptual_weights(config: Config, loss: PerceptualLoss) -> dict[str, float]:
    """What content and the four styles weigh in L_per: term of `PerceptualLoss` → weight.

    For the paper's own features, torchvision's VGG-16, they are A.2's, on losses as they are. Other features have other
    scales, and A.2's numbers mean nothing there. They are converted by what they come to: under Model 1's 200 and 10⁻³ an
    unpainted photograph pays `UNPAINTED` for style, an equal part at each layer, and another photograph `ELSEWHERE` for
    content; under other weights in proportion.
    """
    if config.units == "raw":
        return {"content": config.content, **{f"style_{i + 1}": config.style * share for i, share in enumerate(STYLE)}}
    unit = units(loss)
    style = UNPAINTED * config.style / Config.style / len(STYLE)
    weights = {f"style_{i + 1}": style / unit[f"style_{i + 1}"] for i in range(len(STYLE))}
    return {"content": ELSEWHERE * config.content / Config.content / unit["content"], **weights}


def terms(model: nn.Module, batch: Batch, lam: Tensor | None = None) -> Terms:
    """The losses of each photograph, unweighted, each ``(B,)``, by `term_names`; of a critic, "discriminator".

    A loss that never has a weight (`Config.weighing`) is not computed: it is 0.
    """
    if isinstance(batch, Judged):
        return {"discriminator": model(*batch)}
    costs, config = batch.costs, batch.costs.config
    painted, *same = model(*batch.inputs).chunk(1 + (len(batch.real) if config.identity else 0))
    values, judged = {}, 0
    for name, loss, weighs in zip(costs.names, config.losses, config.weighing, strict=True):
        if not weighs:
            values[name] = painted.new_zeros(len(painted))
        elif loss == "reconstruction":
            values[name] = costs.reconstruction(painted, batch.photographs)
        elif loss == "perceptual":
            values[name] = sum(costs.perceptual(painted, batch.content).values())
        else:
            values[name] = costs.adversarial(batch.discriminator.discriminators[judged](painted))
            if same:
                values[name] = values[name] + costs.identity(same[judged], batch.real[judged])
            judged += 1
    return values


class Judged(NamedTuple):
    """What a critic learns from: photographs, to be translated, and real pictures, both ``(B, 3, S, S)``; S ``(B, 3)``."""

    photographs: Tensor
    real: Tensor
    lam: Tensor


def weigh(config: Config, terms: Terms, lam: Tensor) -> Tensor:
    """L_G of each example, ``(B,)``; of a critic, its own loss."""
    return weighted(terms, {} if config.kind == "critic" else lam)


def discriminator_terms(config: Config, batch: Batch, made: Tensor) -> Terms:
    """What the opponents minimise: L_D = s_adv · LSGAN, an example's as its weight is (SGN, equation 4); ``(B,)`` each.

    They are shown earlier pictures, too, each with the S that it was made under, see `Config.pool`.
    """
    fake, lam = made[: len(batch.photographs)].detach(), batch.lam
    if batch.pool is not None:
        fake, lam = batch.pool(fake, lam, batch.step)
    values = {}
    for domain, opponent, real in zip(config.learned_against, batch.discriminator, batch.real, strict=True):
        patches = opponent(torch.cat([real, fake]))
        weights = batch.lam[:, domain], lam[:, domain]
        values[f"discriminator_{config.domains[domain]}"] = discrimination(patches, *weights)
    return values


def discrimination(patches: Tensor, real: Tensor | float = 1.0, fake: Tensor | float = 1.0) -> Tensor:
    """LSGAN's loss of a discriminator: what it says of real pictures and then of others ``(2·B, 1, h, w)``, to ``(B,)``.

    Args:
        real, fake: what each of the B pictures weighs.
    """
    values = lsgan_discriminator(*patches.chunk(2))
    return (real * values["real"] + fake * values["fake"]) / 2


def l1(pictures: Tensor, others: Tensor) -> Tensor:
    """Mean absolute difference of colours in [−1, 1] of pictures in [0, 1], ``(B, 3, H, W)``: ``(B,)``."""
    return 2 * (pictures - others).float().abs().flatten(1).mean(1)
