"""The panel: a layout in the style on show, between two styles, and moved along directions."""

import io

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from driven_panels import buttons
from PIL import Image
from small_staged import as_if_trained, some

from lossconditioning.display import to_bytes
from lossconditioning.systems import staged_encoder as staged
from lossconditioning.systems.staged_encoder.panel import REACH, SHOWN

SIDE = 32
LAYOUTS = dict(zip(("hill", "lake"), some(2, SIDE, seed=1), strict=True))
LIGHT = torch.tensor([0.3, 1, 0.6])[:, None, None, None]
PICTURES = dict(zip(("night", "noon", "dusk"), LIGHT * some(3, SIDE, seed=2), strict=True))
DIRECTIONS = [
    staged.Direction("hour", ("night", "day"), torch.linspace(-1, 1, 8)),
    staged.Direction("season", ("summer", "winter"), torch.linspace(2, 0, 8)),
]


@pytest.fixture(scope="module")
def model():
    return as_if_trained("outlines")["outlines"]


@pytest.fixture(scope="module")
def made(model):
    return staged.play(model, LAYOUTS, PICTURES, DIRECTIONS, side=SIDE, strip=2)


@pytest.fixture
def panel(made):
    """The panel where it starts."""
    made.set(walk=0.0, move_0=0.0, move_1=0.0, layout="hill", style="night", towards="noon")
    return made


@pytest.fixture
def told(model):
    """Layouts and codes that the generator is given."""
    given = []
    hook = model.generator.register_forward_pre_hook(lambda _, inputs: given.append(inputs[:2]))
    yield given
    hook.remove()


def code(model, name):
    with torch.no_grad():
        return model.encoder(PICTURES[name][None]).z


def shown(panel):
    """The four pictures on show: layout, style, painted, second style; drawn again, for the frame may be one that was kept."""
    frame, _ = panel.render(**panel.values)
    assert frame == panel.image
    return [np.asarray(place.get_array()).astype(int) for place in panel.render.__self__.shown]


def large(pixels):
    return to_bytes(F.interpolate(pixels[None], (SHOWN, SHOWN), mode="bilinear")[0].clamp(0, 1)).astype(int)


def test_controls_are_the_walk_the_pictures_and_a_slider_for_each_direction(panel):
    assert list(panel.controls) == ["walk", "layout", "style", "towards", "move_0", "move_1"]
    assert [panel.controls[f"move_{number}"].label for number in range(2)] == ["night – day", "summer – winter"]
    assert (panel.controls["move_0"].low, panel.controls["move_0"].high) == (-REACH, REACH)
    assert panel.values["towards"].name == "noon"  # another one than the style
    assert panel.still.startswith(b"\xff\xd8\xff")  # a JPEG, in all colours
    assert np.asarray(Image.open(io.BytesIO(panel.image))).shape[1] > 4 * SHOWN


@pytest.mark.parametrize(("walk", "name"), [(0.0, "night"), (1.0, "noon")])
def test_at_the_ends_of_a_walk_it_is_the_direct_translation(walk, name, panel, model):
    panel.set(walk=walk)
    with torch.no_grad():
        direct = model(LAYOUTS["hill"][None], PICTURES[name][None])[0]
    layout, style, painted, second = shown(panel)
    assert np.abs(painted - large(direct)).max() <= 1  # two codes at a time, or one
    assert np.array_equal(layout, large(LAYOUTS["hill"]))
    assert np.array_equal(style, large(PICTURES["night"]))
    assert np.array_equal(second, large(PICTURES["noon"]))
    assert panel.readouts["z"] == " ".join(f"{z:+.2f}" for z in code(model, name)[0].tolist())


def test_half_way_the_code_is_the_mean(panel, told, model):
    panel.set(walk=0.5, layout="lake", style="dusk")
    layouts, z = told[-1]
    assert torch.equal(layouts, LAYOUTS["lake"][None])
    torch.testing.assert_close(z, (code(model, "dusk") + code(model, "noon")) / 2)


def test_a_move_adds_its_direction(panel, told, model):
    panel.set(move_1=-0.75)
    torch.testing.assert_close(told[-1][1], code(model, "night") - 0.75 * DIRECTIONS[1].vector)
    panel.set(move_0=0.5, walk=1.0)
    expected = code(model, "noon") + 0.5 * DIRECTIONS[0].vector - 0.75 * DIRECTIONS[1].vector
    torch.testing.assert_close(told[-1][1], expected)


def test_every_control_makes_another_frame_and_a_preset_takes_moves_back(panel):
    first = panel.image
    frames = {first, panel.set(move_0=1.0), panel.set(move_1=1.0), panel.set(walk=0.3), panel.set(layout="lake")}
    frames |= {panel.set(style="dusk"), panel.set(towards="night")}
    assert len(frames) == 7
    panel.set(layout="hill", style="night", towards="noon")
    buttons(panel)["as the style is"].click()
    assert [panel.values[name] for name in ("walk", "move_0", "move_1")] == [0, 0, 0]
    assert panel.set() == first


def test_without_directions_there_is_a_walk_alone(model):
    panel = staged.play(model, LAYOUTS, PICTURES, side=SIDE, strip=1)
    assert list(panel.controls) == ["walk", "layout", "style", "towards"]
    assert panel.set(walk=1.0) != panel.set(walk=0.0)
