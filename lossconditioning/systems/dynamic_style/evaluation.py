"""Everything that is measured of fast style transfer, as plain numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from lossconditioning.evaluation import as_metrics
from lossconditioning.evaluation.alphas import WIDE, monotonicity
from lossconditioning.systems.dynamic_style.comparisons import (
    BACK,
    best_costs,
    fine_to_coarse,
    grid,
    strong_to_weak,
    style_to_style,
    volumes,
    weak_to_strong,
)
from lossconditioning.systems.dynamic_style.limits import limit_for, limits
from lossconditioning.systems.dynamic_style.measures import measure_for
from lossconditioning.systems.dynamic_style.recipes import STRONG, WEAK, experiments
from lossconditioning.training import Run, Trained

GRID = tuple(i / 9 for i in range(10))
"""α of every block in the grid of Figure 3; in the smoke profile only the first and the last."""


def compared(run: Run) -> Iterable[str]:
    """All comparison networks: every figure is of many."""
    return [name for name, config in experiments(run.profile).items() if config.purpose == "comparison"]


def compare(trained: Mapping[str, Trained], run: Run) -> dict[str, float]:
    """Measure all networks and blocks on held-out photographs; ``run.thorough``: with the thousand settings of three α.

    Returns:
        ``style_METHOD_TERM_I``, point I of a curve of `weak_to_strong`, of "long", the fixed network for the strongest λ that
        was trained for as many steps as a main network and its blocks together, and of "grid", all settings of three α;
        ``styles_…`` of `style_to_style`, ``grain_…`` of `fine_to_coarse`, ``back_GAP_METHOD_TERM_I`` of `strong_to_weak`;
        ``style_monotonicity``, of the falling style loss, and ``style_monotonicity_pictures``; ``grain_monotonicity``;
        ``hypervolume_METHOD`` as shares of the fixed networks', and as ``hypervolume_ratio_fixed`` and
        ``hypervolume_ratio_interpolation`` the dynamic network's over those of the fixed networks and of blended pictures;
        ``styles_ratio_interpolation`` and ``styles_ratio_two``, the same in both style losses over blended pictures and
        interpolated instance normalisation;
        ``back_GAP_cost``, what the best α costs over what the best blend does, a mean over the objectives between the two
        (`best_costs`), by gap;
        ``regret_ratio_END`` and ``lattice_PERIOD`` of the network that readers play with, see `limits.limits`.
    """
    measure = measure_for(trained["style_blocks"].config, run)
    models = {name: item.model for name, item in trained.items()}
    ways, styles = weak_to_strong(models, measure), style_to_style(models, measure)
    grain, back = fine_to_coarse(models, measure), strong_to_weak(models, measure)
    long = measure.means(models["style_fixed_long"], measure.style())
    curves = {
        **{f"style_{method}": values for method, values in ways.items()},
        **{f"styles_{method}": values for method, values in styles.items()},
        "style_long": {term: [value] for term, value in long.items()},
        "grain": grain,
        **{f"back_{gap}_{method}": values for gap in BACK for method, values in back[gap].items()},
    }
    if run.thorough:
        alphas = (0.0, 1.0) if run.smoke else GRID
        curves["style_grid"] = grid(models[WEAK], models["style_blocks"], measure, alphas)[1]
    costs = {}
    for gap in BACK:
        ends = trained[STRONG].config.lam, trained[f"style_back_{gap}"].config.lam
        tuned, blended = (best_costs(back[gap][method], ends).mean() for method in ("dynamic", "pictures"))
        costs[f"back_{gap}_cost"] = float(tuned / blended)
    shares = volumes(ways, "fixed")
    return {
        "style_monotonicity": -monotonicity(ways["dynamic"]["style"]),
        "style_monotonicity_pictures": -monotonicity(ways["pictures"]["style"]),
        "hypervolume_ratio_fixed": shares["dynamic"],
        "hypervolume_ratio_interpolation": shares["dynamic"] / shares["pictures"],
        **{f"hypervolume_{method}": share for method, share in shares.items()},
        **costs,
        "styles_ratio_interpolation": volumes(styles, "pictures", ("style", "other"))["dynamic"],
        "styles_ratio_two": volumes(styles, "two", ("style", "other"))["dynamic"],
        "grain_monotonicity": monotonicity(grain["grain"]),
        **limits(trained, limit_for(trained["style_blocks"].config, run)),
        "photographs": len(measure.photographs),
        **{name: value for prefix, values in curves.items() for name, value in as_metrics(prefix, values).items()},
        "grain_points": len(WIDE),
    }
