"""How near a network and its blocks come to what can be reached, at both ends of the dial: regret, and regular patterns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from torch import Tensor

from lossconditioning.conditioning import at_every_alpha
from lossconditioning.losses import weighted
from lossconditioning.painting import OPTIMUM_SIDE as SIDE
from lossconditioning.painting import Optima, held_out_photographs, lattice, perceptual_loss
from lossconditioning.systems.dynamic_style.measures import Measure
from lossconditioning.systems.dynamic_style.optima import recorded_cost, recorded_optima
from lossconditioning.systems.dynamic_style.recipes import WEAK, Config, played
from lossconditioning.systems.dynamic_style.task import painting
from lossconditioning.training import Run, Trained

COUNT = 3
"""How many photographs networks are held against the optimum on."""
ENDS = {"weak": 0.0, "strong": 1.0}
"""End of the dial → α."""


@dataclass(frozen=True)
class Limit:
    """Photographs, 256 pixels a side, and the optima that were recorded for them, if any.

    Attributes:
        measure: of the photographs.
        names: theirs.
        optima: what minimising over pixels reached.
    """

    measure: Measure
    names: Sequence[str]
    optima: Optima


def limit_for(config: Config, run: Run) -> Limit:
    """The first held-out photographs; in the smoke profile one, small."""
    count, side = (1, config.side) if run.smoke else (COUNT, SIDE)
    found, loss = held_out_photographs(run.data, count), perceptual_loss(config, run)
    measure = Measure.of(loss, found.pictures.values(), side, found.source)
    return Limit(measure, list(found.pictures), recorded_optima(found.source, loss.features.source, side))


def painted_ends(main: Trained, blocks: Trained, limit: Limit) -> dict[str, Tensor]:
    """The photographs as painted at both ends, ``(N, 3, S, S)``, cut off at 0 and 1 as pictures are when they are shown."""
    pictures = at_every_alpha(main.model, {"tuned": blocks.model}, ENDS.values(), limit.measure.paint)
    return {end: picture.clamp(0, 1) for end, picture in zip(ENDS, pictures, strict=True)}


def regret_ratios(painted: Mapping[str, Tensor], main: Trained, blocks: Trained, limit: Limit) -> dict[str, float]:
    """What pictures cost over what the optimum does, each end under its own λ.

    Their regret is the difference of the two; costs of photographs differ too much for that to be averaged.

    Returns:
        ``regret_ratio_weak`` and ``regret_ratio_strong``: medians over photographs. Each only if optima were recorded for
        these photographs and features.
    """
    found = {}
    for end, config in zip(ENDS, (main.config, blocks.config), strict=True):
        known = [recorded_cost(limit.optima, name, config.style, config.lam) for name in limit.names]
        terms = limit.measure.terms(painted[end], limit.measure.style(config.style, config.zoom)) if any(known) else {}
        costs = weighted(terms, {"style": config.lam}).tolist() if terms else [None] * len(known)
        if ratios := [cost / best for cost, best in zip(costs, known, strict=True) if best is not None]:
            found[f"regret_ratio_{end}"] = median(ratios)
    return found


def lattice_ratios(painted: Mapping[str, Tensor], config: Config) -> dict[str, float]:
    """How much more regular than the painting pictures are: ``lattice_PERIOD``, a median over them at the worse end.

    See `painting.lattice`, of which it is the quotient; 1 is a picture as irregular as the painting whose style it has.
    """
    given = lattice(painting(config.style, config.zoom)[None].float() / 255)
    each = {end: lattice(pictures) for end, pictures in painted.items()}
    return {
        f"lattice_{period}": max(float((values[period] / own).median()) for values in each.values())
        for period, own in given.items()
    }


def limits(trained: Mapping[str, Trained], limit: Limit) -> dict[str, float]:
    """Both for the network that readers play with; under ``…_comparison`` for the compared one, if that is another."""
    found, compared = {}, (WEAK, "style_blocks")
    for names in dict.fromkeys((played(trained), compared)):
        main, blocks = (trained[name] for name in names)
        painted = painted_ends(main, blocks, limit)
        own = {**regret_ratios(painted, main, blocks, limit), **lattice_ratios(painted, blocks.config)}
        suffix = "_comparison" if names == compared != played(trained) else ""
        found |= {f"{key}{suffix}": value for key, value in own.items()}
    return found
