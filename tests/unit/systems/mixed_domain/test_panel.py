"""The panel over S, and the figures: what they show is the network's."""

import io

import numpy as np
import pytest
import torch
from PIL import Image
from small_mixed import SYM, as_if_trained, some

from lossconditioning.datasets import photographs
from lossconditioning.systems import mixed_domain as mixed
from lossconditioning.systems.mixed_domain import figures
from lossconditioning.systems.mixed_domain.data import costs_for
from lossconditioning.training import Run

PHOTOGRAPHS = {name: p.float() / 255 for name, p in list(photographs().items())[:2]}


def test_the_network_is_told_what_the_triangle_says_and_a_still_picture_is_large():
    model = as_if_trained("sym")["sym"]
    panel = mixed.play(model, PHOTOGRAPHS, costs_for(SYM, Run(profile="smoke")))
    told = []
    model.register_forward_pre_hook(lambda _, inputs: told.append((inputs[0].shape[-1], inputs[1][0].tolist())))
    pictures = {
        panel.set(lam=(0.5, 0.5, 0)),
        panel.set(lam=(0.25, 0.25, 0.5)),
        panel.set(photograph=list(PHOTOGRAPHS)[1]),
    }
    assert len(pictures) == 3
    panel.settle()
    side, lam = told[-1]
    assert (side, lam) == (256, [0.25, 0.25, 0.5])
    assert panel.readouts["S"] == "(0.25, 0.25, 0.50)"
    assert float(panel.readouts["reconstruction"]) > 0
    frame = np.asarray(Image.open(io.BytesIO(panel.image)))
    assert frame.shape[1] > 2 * 256
    assert panel.still.startswith(b"\xff\xd8\xff")  # a JPEG, in all colours


def test_figures_show_every_s_every_way_and_every_channel():
    metrics = {f"response_{way}": number for number, way in enumerate(mixed.CONDITIONING)}
    metrics |= {f"interference_{way}": 0.1 for way in mixed.CONDITIONING} | {"interference_separate": 0.2}
    metrics |= {f"objective_{way}": 0.3 for way in mixed.CONDITIONING}
    bars = figures.injection_bars(metrics)
    assert [bar.get_width() for bar in bars.axes[0].patches] == [0, 1, 2, 3]
    losses = ("objective", "reconstruction", "adversarial", "perceptual")
    table = {
        f"table3_{method}_{loss}_{mixed.letters(lam)}": 1.0 + number
        for number, lam in enumerate(mixed.TABLE_3)
        for method in ("sym", "separate")
        for loss in losses
    }
    dots = figures.table_dots(table)
    assert [line.get_xdata().tolist() for line in dots.axes[3].get_lines()] == [[1, 2, 3, 4, 5, 6, 7]] * 2
    assert figures.said((1 / 3, 1 / 3, 1 / 3)) == "(⅓, ⅓, ⅓)"
    gates = mixed.channel_gates(as_if_trained("sym")["sym"], some(1)[0], mixed.CORNERS)
    curves = figures.gate_curves(gates, mixed.CORNERS)
    for axis, values in zip(curves.axes, gates.values(), strict=True):
        assert [len(line.get_ydata()) for line in axis.get_lines()] == [values.shape[1]] * 3
        assert (np.diff(axis.get_lines()[0].get_ydata()) <= 0).all()  # ordered by the first
        assert torch.tensor(axis.get_lines()[1].get_ydata()).sum() == pytest.approx(float(values[1].sum()), rel=1e-5)
