"""How near a network comes to what can be reached: regret, dials beside those of separate networks, regular patterns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import mean, median

import torch
from torch import Tensor

from lossconditioning import painting
from lossconditioning.painting import lattice
from lossconditioning.systems.style_transfer.measures import Measure
from lossconditioning.systems.style_transfer.models import Painter
from lossconditioning.systems.style_transfer.optimum import SIDE, Optima, recorded_optima
from lossconditioning.systems.style_transfer.recipes import Config
from lossconditioning.systems.style_transfer.task import DEFAULT, WEIGHTS, objective, settings
from lossconditioning.systems.style_transfer.training import styles
from lossconditioning.training import Run

COUNT = 6
"""How many photographs, each with one painting in turn, networks are held against the optimum on."""


@dataclass(frozen=True)
class Limit:
    """Photographs and paintings, 256 pixels a side, and the optima that were recorded for them, if any.

    Attributes:
        measure: of the pictures.
        pairs: names, (photograph, painting) of each.
        paintings: uint8 ``(3, H, W)`` each.
        optima: what minimising over pixels reached.
    """

    measure: Measure
    pairs: Sequence[tuple[str, str]]
    paintings: Sequence[Tensor]
    optima: Optima


def limit_for(config: Config, run: Run) -> Limit:
    """The first held-out photographs with the first paintings; in the smoke profile two, small."""
    count, side = (2, config.side) if run.smoke else (COUNT, SIDE)
    photographs, learnt = painting.held_out_photographs(run.data, count), styles(config, run)
    loss = painting.perceptual_loss(config, run)
    measure = Measure.of(loss, photographs.pictures.values(), learnt.pictures, side, photographs.source)
    pairs = list(zip(photographs.pictures, learnt.pictures, strict=False))
    optima = recorded_optima(photographs.source, learnt.source, loss.features.source, side)
    return Limit(measure, pairs, list(learnt.pictures.values())[: len(pairs)], optima)


def regret_ratios(model: Painter, limit: Limit) -> dict[str, float]:
    """A network's cost over the optimum's.

    Its regret is the difference of the two; costs of pairs differ too much for that to be averaged.

    Returns:
        ``regret_ratio_default``: the median over pairs at the default λ; ``regret_ratio_settings``: the median over Figure 6a's
        ten settings of a setting's mean over pairs. Each only if optima were recorded for these pictures and features.
    """
    found = {}
    if ratios := _ratios(model, limit, DEFAULT):
        found["regret_ratio_default"] = median(ratios)
    if each := [mean(ratios) for lam in settings().values() if (ratios := _ratios(model, limit, lam))]:
        found["regret_ratio_settings"] = median(each)
    return found


def _ratios(model: Painter, limit: Limit, lam: Sequence[float]) -> list[float]:
    """A network's cost over the optimum's, for every pair that has one under λ."""
    asked = torch.tensor(lam)
    known = [limit.optima.cost(*pair, asked) for pair in limit.pairs]
    if not any(known):
        return []
    rows = [index for index, best in enumerate(known) if best is not None]
    few = limit.measure.only(rows)
    costs = objective(few.terms(few.paint(model, asked)), asked).tolist()
    return [cost / known[index] for cost, index in zip(costs, rows, strict=True)]


def dial_effects(model: Painter, separate: Mapping[str, Painter], measure: Measure) -> dict[str, float]:
    """What each dial does to its own loss, as a share of what it does among separate networks.

    A dial's effect is the logarithm of the factor by which its own loss falls as its weight goes from a tenth of the default to
    ten times, see `sensitivity`: of one network told both, or from one separate network to the other.

    Returns:
        ``dial_effect_WEIGHT``: 1 if the one network follows as far as the separate ones differ; ``dial_effect_min``, the
        smallest of the five.
    """
    asked, found = settings(), {}
    for weight in WEIGHTS:
        one, others = [], []
        for way in ("low", "high"):
            lam = torch.tensor(asked[f"{weight}_{way}"])
            one.append(measure.means(model, lam)[weight])
            others.append(measure.means(separate[f"fixed_{weight}_{way}"], lam)[weight])
        effect, theirs = (torch.tensor(low / high).log() for low, high in (one, others))
        found[f"dial_effect_{weight}"] = float(effect / theirs)
    return {**found, "dial_effect_min": min(found.values())}


def lattice_ratios(model: Painter, limit: Limit) -> dict[str, float]:
    """How much more regular than the painting a picture at the default λ is: ``lattice_PERIOD``, a median over pairs.

    See `painting.lattice`, of which it is the quotient; 1 is a picture as irregular as the painting whose style it has.
    """
    painted = lattice(limit.measure.paint(model, torch.tensor(DEFAULT)))
    given = [lattice(picture[None].float() / 255) for picture in limit.paintings]
    return {
        f"lattice_{period}": median(float(own / theirs[period][0]) for own, theirs in zip(values, given, strict=True))
        for period, values in painted.items()
    }


def limits(models: Mapping[str, Painter], name: str, measure: Measure, limit: Limit) -> dict[str, float]:
    """All of the above for the network that readers play with; and under ``…_comparison`` for "yoto", if that is another."""
    found = {}
    for network, suffix in {name: "", "yoto": "_comparison" if name != "yoto" else ""}.items():
        own = {
            **regret_ratios(models[network], limit),
            **dial_effects(models[network], models, measure),
            **lattice_ratios(models[network], limit),
        }
        found |= {f"{key}{suffix}": value for key, value in own.items()}
    return found
