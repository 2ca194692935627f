r"""The six terms of style transfer, and the five weights between them.

L(y, λ) = Σᵢ λ_sᵢ L_sᵢ + λ_c L_c + λ_TV L_TV (YOTO, section 4.3). λ keeps the paper's numbers; the terms are brought to a
scale on which the paper's default setting, λ_s = (10⁻³, 10⁻³, 10⁻³, 10⁻²), λ_c = 2, balances them whatever network the
features come from: each is divided by λ's default and by its *unit* (see `painting.units`), so that at the default

- each style term is 1 for a photograph that was not painted at all, and
- the content term is 1 for a picture of something else.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from lossconditioning.errors import ReaderError, one_of
from lossconditioning.losses import PerceptualLoss, weighted
from lossconditioning.painting import Batch, units
from lossconditioning.priors import LogUniform

WEIGHTS = ("style_1", "style_2", "style_3", "style_4", "content")
"""The five terms that are weighed by λ, in its order."""
DEFAULT = (1e-3, 1e-3, 1e-3, 1e-2, 2.0)
"""λ in Ghiasi et al.'s setting (YOTO, section 4.3)."""
RANGES = {
    "paper": (*((1e-4, 1e-1),) * 3, (1e-3, 1.0), (0.1, 100.0)),
    "centred": (*((3e-5, 3e-2),) * 3, (3e-4, 0.3), (0.1, 100.0)),
}
"""λ's training ranges: A.3's; and with the style weights' moved down by half a decade, so that the default is in the middle.

Under A.3's ranges, on our terms, content makes up half of the objective in one draw of twelve only; so it does in one of five.
"""
TOTAL_VARIATION = 0.05
"""What an unpainted photograph pays for its total variation, whose weight is fixed (10⁴ in the paper's unknown units)."""
FACTOR = 10.0
"""By how much Figure 6a raises or lowers one weight."""


# Weights ------------------------------------------------------------------------------------------------------------------


def lam_prior(ranges: str = "centred", *, only_content: bool = False) -> LogUniform:
    """λ ~ log-uniform over `RANGES`: five weights, or λ_c alone for the "specialist"."""
    chosen = RANGES[one_of("set of ranges", ranges, RANGES)]
    if only_content:
        return LogUniform(*chosen[-1])
    low, high = zip(*chosen, strict=True)
    return LogUniform(torch.tensor(low), torch.tensor(high))


def settings() -> dict[str, tuple[float, ...]]:
    """Figure 6a's ten settings by name, "style_1_low" to "content_high": one weight ten times lower or higher than default."""
    found = {}
    for index, name in enumerate(WEIGHTS):
        for way, factor in (("low", 1 / FACTOR), ("high", FACTOR)):
            changed = list(DEFAULT)
            changed[index] *= factor
            found[f"{name}_{way}"] = tuple(changed)
    return found


def over_default(lam: Tensor) -> Tensor:
    """λ as multiples of the default setting, which is what terms in their units are weighed by; the same shape."""
    return lam / lam.new_tensor(DEFAULT)


def shares(lam: Tensor) -> Tensor:
    """Each weight's share of the objective, over the default setting's balance: λ ``(B, 5)`` to ``(B, 5)``, rows sum to 1.

    Two λ with the same shares differ only by a factor, and ask for the same picture (but for the total variation).
    """
    relative = over_default(lam)
    return relative / relative.sum(-1, keepdim=True)


def content_grid(count: int = 5) -> Tensor:
    """``count`` settings ``(count, 5)``: λ_c from a tenth of its default to ten times, evenly in log λ_c, the rest default."""
    rows = torch.tensor([DEFAULT]).repeat(count, 1)
    rows[:, 4] *= FACTOR ** torch.linspace(-1, 1, count)
    return rows


def weights_of(lam: Tensor) -> dict[str, Tensor | float]:
    """What each of the six terms weighs under λ, in the paper's numbers, ``(B, 5)`` or ``(5,)``: name → ``(B,)`` or ``()``."""
    return {**dict(zip(WEIGHTS, over_default(lam).unbind(-1), strict=True)), "total_variation": TOTAL_VARIATION}


# Terms --------------------------------------------------------------------------------------------------------------------


def terms(model: nn.Module, batch: Batch, lam: Tensor) -> dict[str, Tensor]:
    """All six losses of what a model paints under λ ``(B, 5)``, unweighted, in their units; each ``(B,)``."""
    painted = model(batch.photographs, batch.style, lam)
    return painted_terms(batch.loss, painted, batch.content, batch.styles)


def painted_terms(
    loss: PerceptualLoss, pictures: Tensor, content: Tensor, styles: tuple[Tensor, ...]
) -> dict[str, Tensor]:
    """All six losses of pictures that are painted already, unweighted, in their units; each ``(B,)``.

    Args:
        loss: with four style layers.
        pictures: ``(B, 3, H, W)`` in [0, 1].
        content, styles: the targets of each picture, from ``loss.content_targets`` and ``loss.style_targets``.
    """
    if len(loss.style) != 4:
        raise ReaderError(f"Style is compared at four layers here, each with its own weight; got {loss.style}.")
    scale = units(loss)
    return {name: value / scale[name] for name, value in loss(pictures, content, styles).items()}


def objective(values: Mapping[str, Tensor], lam: Tensor) -> Tensor:
    """The full loss of each picture under λ.

    Args:
        values: from `terms`, each ``(B,)``.
        lam: the five weights, in the paper's numbers, ``(B, 5)`` or ``(5,)``.

    Returns:
        ``(B,)``: at the default setting, 4 + `TOTAL_VARIATION` for a photograph that was not painted.
    """
    return weighted(values, weights_of(lam))
