"""The toy's panel shows the network that it was given."""

import pytest
import torch

from lossconditioning.systems import toy


def test_the_toy_panel_shows_the_network_it_was_given():
    network = toy.build(toy.Config("panel", seeds=1)).member(0)
    panel = toy.play(network)
    left = panel.set(s1=0.0)
    assert panel.set(s1=1.0) != left
    x, y_r, y_c = toy.sym_toy(801)
    with torch.no_grad():
        values = toy.losses(network(x, torch.tensor([[1.0, 0.0]]).expand(801, 2)), y_r, y_c)
    assert panel.readouts["L regression"] == pytest.approx(float(values["regression"].mean()))
    assert panel.readouts["regret"] == pytest.approx(float(values["regression"].mean()), abs=1e-6)
    panel.set(s1=1.2)
    assert panel.readouts["regret"] == "not defined"
