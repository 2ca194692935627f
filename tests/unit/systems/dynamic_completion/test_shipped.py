"""The completion that ships: the numbers that notebook and README rest on, the panel and the figures."""

import io

import numpy as np
import pytest
import torch
from PIL import Image

from lossconditioning.conditioning import DynamicNet
from lossconditioning.datasets import photographs
from lossconditioning.errors import ReaderError
from lossconditioning.evaluation.alphas import ALPHAS
from lossconditioning.systems import dynamic_completion as completion
from lossconditioning.systems.dynamic_completion import figures
from lossconditioning.systems.dynamic_completion.panel import TIMES, reachable

PHOTOGRAPHS = {name: p.float() / 255 for name, p in list(photographs().items())[:2]}


def model(name):
    return completion.load(name).model


def test_the_recorded_best_alpha_is_one_of_those_measured():
    metrics = completion.recorded_evaluation().metrics
    assert metrics["completion_best_alpha"] in [pytest.approx(alpha) for alpha in ALPHAS]


def test_smooth_completions_are_nearer_to_the_truth_pixel_by_pixel():
    pictures = completion.held_out_pictures(completion.experiments("laptop")["hole_sharp"], count=16).images / 255
    hole = completion.centre_hole().expand(16, 1, -1, -1)
    with torch.no_grad(), DynamicNet(model("hole_sharp"), {"tuned": model("hole_blocks")}) as dial:
        away = [(dial(pictures, hole, alpha=alpha) - pictures).abs().mean() for alpha in (0.0, 1.0)]
    assert away[1] < away[0]


def test_the_hole_is_where_the_sliders_say_and_what_is_around_it_stays():
    dial = DynamicNet(model("hole_sharp"), {"tuned": model("hole_blocks")})
    panel, given = completion.play(dial, PHOTOGRAPHS), []
    dial.register_forward_pre_hook(lambda _, inputs: given.append(inputs[1]))
    pictures = [
        panel.set(**{name: value})
        for name, value in (("alpha", 1.0), ("height", 10.0), ("width", 6.0), ("down", 0.0), ("across", 1.0))
    ]
    assert len(set(pictures)) == 5
    assert panel.still.startswith(b"\xff\xd8\xff")  # a JPEG, in all colours
    frame = np.asarray(Image.open(io.BytesIO(panel.image)))
    assert frame.shape[1] > 3 * 64 * TIMES
    assert (frame[-24:] < 128).any(), "no α below the pictures"
    rows, columns = (given[-1][0, 0].any(axis).nonzero().flatten().tolist() for axis in (1, 0))
    assert (rows, columns) == (list(range(10)), list(range(58, 64)))


def test_a_hole_can_be_anywhere_but_not_outside():
    assert reachable(64, 64, 0.3, 0.9).all()
    assert reachable(4, 8, 1.0, 0.0)[0, 60:, :8].all()
    with pytest.raises(ReaderError, match="lies within the 64×64 pixels"):
        reachable(65, 4, 0.0, 0.0)


def test_completions_are_drawn_over_alpha_one_panel_for_each_measure():
    metrics = {}
    for prefix in ("completion", "completion_pictures"):
        metrics |= {f"{prefix}_{name}_alpha_{i}": i for name in figures.MEASURES for i in range(11)}
        metrics |= {f"{prefix}_own_alpha_count_{i}": 11 - i for i in range(11)}
    made = figures.completions(metrics)
    assert [len(axis.get_lines()) for axis in made.axes] == [2] * 4
    (bars,) = figures.own_alphas(metrics).axes
    assert [patch.get_height() for patch in bars.patches] == [*range(11, 0, -1)] * 2
