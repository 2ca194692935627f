"""Everything that is measured of fast style transfer, as plain numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from torch import nn

from lossconditioning.systems.dynamic_net.alphas import WIDE, monotonicity
from lossconditioning.systems.dynamic_net.stylisation.comparisons import (
    BACK,
    Curve,
    best_costs,
    figure_3,
    figure_4,
    figure_5,
    figure_8,
    grid,
    volumes,
)
from lossconditioning.systems.dynamic_net.stylisation.measures import HELD_OUT, Measure
from lossconditioning.systems.dynamic_net.stylisation.recipes import Config, experiments, strengths
from lossconditioning.systems.style_transfer.pictures import held_out_photographs
from lossconditioning.systems.style_transfer.training import perceptual_loss

GRID = tuple(i / 9 for i in range(10))
"""α of every block in the grid of Figure 3."""


def evaluate(
    load: Callable[[str], nn.Module],
    config: Config,
    folder: Path | None = None,
    weights: Path | None = None,
    thorough: bool = False,
) -> dict[str, float]:
    """Measure all networks and blocks on held-out photographs.

    Args:
        load: experiment's name → its trained network or blocks.
        config: of one of them, for the losses that all share.
        folder, weights: see `style_transfer.evaluate`.
        thorough: also measure the thousand settings of Figure 3's three α, ``style_grid_TERM_I``; takes minutes.

    Returns:
        ``style_METHOD_TERM_I``, point I of a curve of `figure_3`, and of "long", the fixed network for the strongest λ that
        was trained for as many steps as a main network and its blocks together; of `figure_4` and `figure_5`, ``styles_…``
        and ``grain_…``; of `figure_8`, ``back_GAP_METHOD_TERM_I``;
        ``style_monotonicity``, of the falling style loss, and ``style_monotonicity_pictures``; ``grain_monotonicity``;
        ``hypervolume_METHOD`` as shares of the fixed networks', and as ``hypervolume_ratio_fixed`` and
        ``hypervolume_ratio_interpolation`` the dynamic network's over those of the fixed networks and of blended pictures;
        ``styles_ratio_interpolation`` and ``styles_ratio_two``, the same in both style losses over blended pictures and
        interpolated instance normalisation;
        ``back_GAP_cost``, what the best α costs over what the best blend does, a mean over the objectives between the two
        (`best_costs`), by gap.
    """
    loss = perceptual_loss(config, weights, folder=folder)
    measure = Measure.of(loss, held_out_photographs(folder, HELD_OUT).pictures.values())
    models = {name: load(name) for name in experiments("laptop")}
    third, fourth, fifth, eighth = (figure(models, measure) for figure in (figure_3, figure_4, figure_5, figure_8))
    shares = volumes(third, "fixed")
    found = {
        "style_monotonicity": -monotonicity(third["dynamic"]["style"]),
        "style_monotonicity_pictures": -monotonicity(third["pictures"]["style"]),
        "hypervolume_ratio_fixed": shares["dynamic"],
        "hypervolume_ratio_interpolation": shares["dynamic"] / shares["pictures"],
        **{f"hypervolume_{method}": share for method, share in shares.items()},
        **{f"back_{gap}_cost": _over_pictures(gap, curves) for gap, curves in eighth.items()},
        "styles_ratio_interpolation": volumes(fourth, "pictures", ("style", "other"))["dynamic"],
        "styles_ratio_two": volumes(fourth, "two", ("style", "other"))["dynamic"],
        "grain_monotonicity": monotonicity(fifth["grain"]),
        "photographs": len(measure.photographs),
    }
    named = {
        **{f"style_{method}": values for method, values in third.items()},
        **{f"styles_{method}": values for method, values in fourth.items()},
        "style_long": {
            term: [value] for term, value in measure.means(models["style_fixed_long"], measure.style()).items()
        },
        "grain": fifth,
        **{f"back_{gap}_{method}": eighth[gap][method] for gap in BACK for method in eighth[gap]},
    }
    if thorough:
        named["style_grid"] = grid(models["style_fixed_0"], models["style_blocks"], measure, GRID)[1]
    points = {
        f"{name}_{term}_{i}": float(value)
        for name, values in named.items()
        for term, column in values.items()
        for i, value in enumerate(column)
    }
    return {**found, **points, "grain_points": len(WIDE)}


def _over_pictures(gap: str, curves: Mapping[str, Curve]) -> float:
    ends = strengths()[-1], experiments("laptop")[f"style_back_{gap}"].strength
    tuned, blended = (best_costs(curves[name], ends) for name in ("dynamic", "pictures"))
    return float(tuned.mean() / blended.mean())
